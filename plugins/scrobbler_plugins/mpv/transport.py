"""How an mpv is reached: by a Unix socket, or by a named pipe of Windows (players.md 5.1, 5.4)."""

import asyncio
import fnmatch
import glob
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

PIPES = "\\\\.\\pipe\\"
"""Every named pipe is called so, and none of them is a file."""
PIPE_BUSY = 231
"""Windows' ERROR_PIPE_BUSY: another program is connecting at this moment."""
PIPE_OPENS_S = 0.5

_READ = 64 * 1024

Heard = Callable[[bytes], None]


class Stamp(NamedTuple):
    """What tells one socket from the next at the same path: each is made anew. Changing its mode leaves it as it is."""

    device: int
    inode: int
    made_ns: int


class Channel(Protocol):
    """An open way to one mpv. `pid` is the process at its other end, 0 where the system does not tell."""

    pid: int

    def listen(self, heard: Heard) -> None:
        """Call `heard` with what comes, and with nothing at the end, until `rest`."""

    def rest(self) -> None:
        """Read no more for now: mpv keeps what it has to say."""

    async def write(self, data: bytes) -> None:
        """Send. What cannot be sent is dropped: reading meets the same, after what mpv still said."""

    def close(self) -> None:
        """Hang up."""


class Transport(Protocol):
    """One of the ways."""

    def find(self, pattern: str) -> Iterable[tuple[str, Stamp]]:
        """List the addresses that match now, each with what tells it from an earlier one of the same name."""

    async def connect(self, address: str) -> Channel:
        """Open one at once. Raises OSError, among them ConnectionRefusedError for what nobody serves."""


class SocketChannel:
    """A Unix socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.pid = peer_pid(sock)

    def listen(self, heard: Heard) -> None:
        """Read as soon as there is something."""
        asyncio.get_running_loop().add_reader(self._sock, self._read, heard)

    def rest(self) -> None:
        """Read no more for now."""
        asyncio.get_running_loop().remove_reader(self._sock)

    async def write(self, data: bytes) -> None:
        """Send."""
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def _read(self, heard: Heard) -> None:
        try:
            data = self._sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        heard(data)


class UnixSockets:
    """mpv's sockets on Linux and its relatives."""

    def find(self, pattern: str) -> Iterator[tuple[str, Stamp]]:
        """List the sockets that match; a file of a dead mpv is one too."""
        for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 (patterns may hold `~` and `**`)
            with suppress(OSError):
                status = Path(path).stat()
                if stat.S_ISSOCK(status.st_mode):
                    yield os.path.realpath(path), Stamp(status.st_dev, status.st_ino, status.st_mtime_ns)

    async def connect(self, address: str) -> Channel:
        """Open one, without waiting.

        Not with asyncio's own connect: it takes the "try again" of a full queue for "under way".
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.connect(address)
            return SocketChannel(sock)
        except BaseException:
            sock.close()
            raise


class Windows(Protocol):
    """The calls of Windows that pipes need."""

    def names(self) -> Iterable[str]:
        """List the names of all pipes, without what they all begin with."""

    async def open(self, address: str, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        """Open a pipe and let the protocol have it. Raises OSError with its `winerror`."""

    def server_pid(self, pipe: asyncio.Transport) -> int:
        """Return the process that serves a pipe, 0 if that is not known."""


class PipeChannel(asyncio.Protocol):
    """A named pipe."""

    def __init__(self) -> None:
        self.pid = 0
        self._pipe: asyncio.Transport | None = None
        self._heard: Heard | None = None
        self._early: list[bytes] = []  # what came while nobody listened; nothing is the end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the pipe; nothing is read before somebody listens."""
        assert isinstance(transport, asyncio.Transport)
        self._pipe = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        if self._heard is None:
            self._early.append(data)
        else:
            self._heard(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on that it is over."""
        del exc
        self.data_received(b"")

    def listen(self, heard: Heard) -> None:
        """Read as soon as there is something."""
        self._heard = heard
        if self._early:
            early, self._early = self._early, []
            for data in early:
                heard(data)
        elif self._pipe is not None and not self._pipe.is_closing():
            self._pipe.resume_reading()

    def rest(self) -> None:
        """Read no more for now."""
        self._heard = None
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.pause_reading()

    async def write(self, data: bytes) -> None:
        """Send; Windows keeps what mpv does not take at once."""
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.write(data)

    def close(self) -> None:
        """Hang up."""
        if self._pipe is not None:
            self._pipe.close()


class NamedPipes:
    """mpv's pipes on Windows. They are in no folder that could be watched, and their names are in any case."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def find(self, pattern: str) -> Iterator[tuple[str, Stamp]]:
        """List the pipes that match; the pipe of an mpv that has ended is gone with it."""
        for name in self._windows.names():
            if fnmatch.fnmatchcase((PIPES + name).lower(), pattern.lower()):
                yield PIPES + name, Stamp(0, 0, 0)

    async def connect(self, address: str) -> Channel:
        """Open one. Raises BlockingIOError for a pipe that is busy: it is to be tried again soon."""
        channel = PipeChannel()
        try:
            async with asyncio.timeout(PIPE_OPENS_S):
                pipe = await self._windows.open(address, lambda: channel)
        except TimeoutError as error:  # asyncio itself tries a busy pipe again and again
            raise BlockingIOError("the pipe is busy") from error
        except OSError as error:
            if getattr(error, "winerror", None) == PIPE_BUSY:
                raise BlockingIOError("the pipe is busy") from error
            raise
        channel.pid = self._windows.server_pid(pipe)
        return channel


class RealWindows:
    """Windows itself. No test reaches these lines: they only call."""

    def names(self) -> Iterable[str]:
        """List all pipes."""
        return os.listdir(PIPES)  # noqa: PTH208 (not a folder that Path knows)

    async def open(self, address: str, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        """Open a pipe on the loop that Windows has by default."""
        loop: Any = asyncio.get_running_loop()
        pipe, _ = await loop.create_pipe_connection(protocol, address)
        assert isinstance(pipe, asyncio.Transport)
        return pipe

    def server_pid(self, pipe: asyncio.Transport) -> int:
        """Ask for the process."""
        import ctypes  # only there

        kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (not on Linux)
        pid = ctypes.c_ulong()
        asked = kernel.GetNamedPipeServerProcessId(pipe.get_extra_info("pipe").handle, ctypes.byref(pid))
        return pid.value if asked else 0


def is_pipe(pattern: str) -> bool:
    """Tell whether a configured address means named pipes."""
    return pattern.lower().startswith(PIPES)


def pipes_here() -> NamedPipes | None:
    """Return the way to named pipes; None where there are none."""
    return NamedPipes(RealWindows()) if os.name == "nt" else None


def peer_pid(sock: socket.socket) -> int:
    """Return the process that serves the socket, 0 where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return 0
    layout = struct.Struct("3i")
    pid: int = layout.unpack(sock.getsockopt(socket.SOL_SOCKET, option, layout.size))[0]
    return pid
