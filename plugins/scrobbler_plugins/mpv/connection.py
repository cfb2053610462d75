"""One connection to one mpv."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from scrobbler.api import Context, PlayerEvent
from scrobbler_plugins.mpv.messages import Lines, decode
from scrobbler_plugins.mpv.parse import Player, Step

_READ = 64 * 1024


def connect(path: str) -> socket.socket:
    """Open a socket at once; raises OSError, among them ConnectionRefusedError for a file that nobody serves.

    Not with asyncio's own connect: it takes the "try again" of a full queue for "under way".
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def peer_pid(sock: socket.socket) -> int:
    """Return the process that serves the socket, 0 where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return 0
    layout = struct.Struct("3i")
    pid: int = layout.unpack(sock.getsockopt(socket.SOL_SOCKET, option, layout.size))[0]
    return pid


def folder_of(pid: int, told: str) -> str:
    """Return the working directory of a process, as `told` if that is the same folder.

    mpv repeats $PWD, which is wrong where a program started it elsewhere than where it was itself; but a path through a
    symbolic link, as $PWD has it, is the one that people write into their filters.
    """
    try:
        real = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 (may hold any bytes)
    except OSError:  # not Linux, or not our process
        return told
    try:
        return told if os.path.samefile(told, real) else real  # noqa: PTH121
    except OSError:
        return real


class Connection:
    """Reads one mpv until it goes, and hands its events on. `heard` says whether it ever spoke as mpv does.

    What mpv says most, a position of which nothing follows, is dealt with where it is read, without waking the task.
    """

    def __init__(self, sock: socket.socket, player: Player, context: Context) -> None:
        self._sock = sock
        self._player = player
        self._context = context
        self._lines = Lines()
        self._steps: list[Step] = []
        self._wake = asyncio.Event()
        self._wait_s: float | None = None
        self._ended = False
        self._failure: Exception | None = None
        self.heard = False

    async def run(self) -> None:
        """Watch until mpv closes the socket. Cancelled, it tells nothing: mpv plays on."""
        try:
            await self._write(self._player.greet())
            while not self._ended:
                for step in await self._next():
                    if step.write:
                        await self._write(step.write)
                    await self._emit(step.events)
        finally:
            self._sock.close()
        await self._emit(self._player.lost(self._now_ms()))

    async def _next(self) -> list[Step]:
        """Wait until there is something to do. Nothing is read while that is done: mpv keeps it for us."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        self._wait_s = self._player.wait_s
        loop.add_reader(self._sock, self._readable)
        try:
            async with asyncio.timeout(self._wait_s):
                await self._wake.wait()
        except TimeoutError:
            if not self._steps:
                return [Step(self._player.beat(self._now_ms()))]
        finally:
            loop.remove_reader(self._sock)
        if self._failure is not None:
            raise self._failure
        steps, self._steps = self._steps, []
        return steps

    def _readable(self) -> None:
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 (raised again in the task; the loop would only log it)
            self._failure = error
        if self._steps or self._ended or self._failure or self._player.wait_s != self._wait_s:
            self._wake.set()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._context.log.debug("the connection to mpv broke", why=str(error))
            data = b""
        self._ended = not data
        now_ms = self._now_ms()
        for line in self._lines.cut(data):
            message = decode(line)
            if message is None:
                continue
            self.heard = self.heard or bool(message.event or message.error)
            step = self._player.feed(message, now_ms)
            if step.events or step.write:
                self._steps.append(step)

    async def _write(self, data: bytes) -> None:
        with suppress(OSError):  # reading meets the same, after what mpv still said
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def _emit(self, events: Iterable[PlayerEvent]) -> None:
        for event in events:
            await self._context.emit(event)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms
