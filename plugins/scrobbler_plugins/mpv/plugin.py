"""The mpv source: finds sockets, keeps one connection to each mpv (players.md 5.4)."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from scrobbler.api import CheckResult, Context, ListenerPlugin, SourceOptions, Traits
from scrobbler.api.location import readable
from scrobbler_plugins.mpv.checks import NO_PIPES, examine
from scrobbler_plugins.mpv.connection import Connection
from scrobbler_plugins.mpv.messages import knock
from scrobbler_plugins.mpv.options import Options
from scrobbler_plugins.mpv.parse import Player
from scrobbler_plugins.mpv.process import alive, folder_of
from scrobbler_plugins.mpv.transport import Channel, Stamp, Transport, UnixSockets, is_pipe, pipes_here
from scrobbler_plugins.mpv.watch import Watch, folders

FIRST_RETRY_S = 0.01
LAST_RETRY_S = 30.0
LOOK_S = 30.0
"""How often to look at watched folders: for what the watch cannot see, such as a folder that was renamed away."""
LOOK_BLIND_S = 2.0
"""How often to look where no watch is possible."""
RETURN_S = 5.0
"""So long an mpv that has hung up and lives on may take to come back under another socket (players.md 5.1, 5.5)."""
ALIVE_S = 0.05
KNOCK_S = 0.5
"""So long a second connection to one process waits whether the first hears its knock."""


@dataclass(slots=True)
class Attempt:
    """The tries to reach one socket file."""

    stamp: Stamp
    failures: int = 0
    due_s: float = 0.0
    twin: Connection | None = None  # another connection to the same mpv; while it lasts, this one is not needed

    def failed(self, now_s: float) -> None:
        self.due_s = now_s + min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self.failures, 20))
        self.failures += 1


@dataclass(slots=True)
class Waiting:
    """A play whose mpv has hung up, and whether a new connection to the same process goes on with it."""

    player: Player
    name: str
    taken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Sockets:
    """The sockets of one run: by address the tries and what is open, by process who is read and who may come back."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    open: dict[tuple[str, Stamp], Channel] = field(default_factory=dict)
    read: dict[int, list[Connection]] = field(default_factory=dict)
    waiting: dict[int, list[Waiting]] = field(default_factory=dict)


class Plugin(ListenerPlugin):
    """Watches every mpv whose socket matches `sockets`."""

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=60)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        home = os.path.expanduser  # Path.expanduser raises where there is no home
        self._patterns = [
            pattern if is_pipe(pattern) else os.path.abspath(home(pattern))  # noqa: PTH100 (patterns)
            for pattern in options.sockets
        ]
        self._files = [pattern for pattern in self._patterns if not is_pipe(pattern)]
        self._unix = UnixSockets()
        self.pipes = pipes_here()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def news() -> None:
            loop.call_soon_threadsafe(wake.set)

        watch = Watch(news, self.context.log)
        sockets = Sockets()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    wake.clear()
                    while watch.follow(folders(self._files)):
                        pass  # what came before a folder was watched brings folders of its own
                    pause_s = await self._look(sockets, group, wake)
                    sees_all = watch.covers and (self.pipes is None or self._files == self._patterns)
                    try:
                        async with asyncio.timeout(min(pause_s, LOOK_S if sees_all else LOOK_BLIND_S)):
                            await wake.wait()
                    except TimeoutError:
                        continue
        finally:
            for channel in sockets.open.values():  # of tasks that were cancelled before they began
                channel.close()
            watch.stop()

    async def check(self) -> Sequence[CheckResult]:
        """Look at folders, files and every socket, and say what to write into mpv.conf."""
        ways = [self._way(pattern) for pattern in self._patterns]
        return await examine(list(zip(self._patterns, self.options.sockets, ways, strict=True)))

    def _way(self, pattern: str) -> Transport | None:
        """Return how the mpvs of a pattern are reached; None where this system knows no such way."""
        return self.pipes if is_pipe(pattern) else self._unix

    async def _look(self, sockets: Sockets, group: asyncio.TaskGroup, wake: asyncio.Event) -> float:
        """Connect to what is new; return after how many seconds something is to be tried again."""
        now_s = self._now_s()
        found = {address: (stamp, way) for address, stamp, way in self._found()}
        trouble = []
        for address, (stamp, way) in sorted(found.items()):
            if why := await self._try(address, stamp, way, sockets, group, wake):
                trouble.append(f"{address}: {why}")
        for address in sockets.attempts.keys() - found.keys():
            del sockets.attempts[address]
        blind = [folder for folder in folders(self._files) if not os.access(folder, os.R_OK | os.X_OK)]
        trouble += [f"{folder}: not readable" for folder in blind]
        trouble += [f"{pattern}: {NO_PIPES}" for pattern in self._patterns if self._way(pattern) is None]
        self.context.reachable(not trouble, "; ".join(readable(line) for line in trouble))
        waiting = [
            attempt.due_s
            for address, attempt in sockets.attempts.items()
            if attempt.failures and attempt.twin is None and (address, attempt.stamp) not in sockets.open
        ]
        return max(0.0, min(waiting, default=now_s + LOOK_S) - now_s)

    def _found(self) -> Iterator[tuple[str, Stamp, Transport]]:
        for pattern in self._patterns:
            if (way := self._way(pattern)) is not None:
                yield from ((address, stamp, way) for address, stamp in way.find(pattern))

    async def _try(
        self,
        address: str,
        stamp: Stamp,
        way: Transport,
        sockets: Sockets,
        group: asyncio.TaskGroup,
        wake: asyncio.Event,
    ) -> str | None:
        """Connect if it is time; return why this user may not, if so."""
        attempt = sockets.attempts.get(address)
        if attempt is None or attempt.stamp != stamp:
            attempt = sockets.attempts[address] = Attempt(stamp)
        now_s = self._now_s()
        if (address, stamp) in sockets.open or attempt.due_s > now_s or attempt.twin is not None:
            return None
        try:
            channel = await way.connect(address)
        except OSError as error:
            attempt.failed(now_s)
            return "permission denied" if isinstance(error, PermissionError) else None
        sockets.open[address, stamp] = channel
        group.create_task(self._serve(address, channel, attempt, sockets, wake), name=f"mpv {channel.pid}")
        return None

    async def _serve(
        self, address: str, channel: Channel, attempt: Attempt, sockets: Sockets, wake: asyncio.Event
    ) -> None:
        try:
            attempt.twin = await self._twin(channel, sockets)
            if attempt.twin is None:
                await self._read(address, channel, attempt, sockets, wake)
            else:
                self.context.log.debug("another socket of an mpv that is heard already", address=readable(address))
        finally:
            sockets.open.pop((address, attempt.stamp), None)
            channel.close()

    async def _twin(self, channel: Channel, sockets: Sockets) -> Connection | None:
        """Return the connection that there is already to the same mpv, if there is one.

        A process may hold several mpvs, one for each window, and one mpv may have several sockets: an old one that is read
        still while `input-ipc-server` was set to another (players.md 5.4, 5.5). All clients of one mpv hear a message.
        """
        if not sockets.read.get(channel.pid):
            return None
        sign = f"{id(channel):x}-{self._now_s():.3f}"
        await channel.write(knock(sign))
        until_s = self._now_s() + KNOCK_S
        while self._now_s() < until_s and channel.pid not in sockets.waiting:
            for connection in sockets.read.get(channel.pid, ()):
                if sign in connection.knocks:
                    return connection
            await asyncio.sleep(ALIVE_S)
        return None

    async def _read(
        self, address: str, channel: Channel, attempt: Attempt, sockets: Sockets, wake: asyncio.Event
    ) -> None:
        """Read an mpv until it is over."""
        pid = channel.pid
        player, name = self._player(address, pid, attempt.stamp, sockets)
        connection = Connection(channel, player, self.context)
        sockets.read.setdefault(pid, []).append(connection)
        self.context.log.debug("connected to mpv", player=name)
        try:
            try:
                await connection.run()
            except Exception:
                connection.heard = False  # what fails again and again is tried less and less often
                raise
            finally:
                sockets.open.pop((address, attempt.stamp), None)
                self._hung_up(connection, pid, attempt, sockets)
                wake.set()
            self.context.log.debug("mpv has hung up", player=name)
            if not await self._comes_back(Waiting(player, name), pid, sockets):
                await connection.emit(player.lost(self.context.clock.now().mono_ms))
                self.context.log.debug("mpv has gone", player=name)
        except Exception as error:  # noqa: BLE001 (an event that could not be stored: connecting again tells it again)
            self.context.log.warning("reading mpv failed, connecting again", why=f"{type(error).__name__}: {error}")

    def _hung_up(self, connection: Connection, pid: int, attempt: Attempt, sockets: Sockets) -> None:
        """Forget a connection that has ended; another socket of the same mpv, if there is one, is needed now."""
        sockets.read[pid].remove(connection)
        if not sockets.read[pid]:
            del sockets.read[pid]
        if connection.heard:
            attempt.failures = 0
        attempt.failed(self._now_s())
        for other in sockets.attempts.values():
            if other.twin is connection:
                other.twin = None

    def _player(self, address: str, pid: int, stamp: Stamp, sockets: Sockets) -> tuple[Player, str]:
        """Return the player of a new connection: the one that the same process had before, or a new one."""
        if back := sockets.waiting.get(pid):
            first = back.pop(0)
            first.taken.set()
            return first.player, first.name
        name = f"{readable(address)}#{pid}-{stamp.made_ns // 1_000_000:x}"
        return Player(name, partial(folder_of, pid)), name

    async def _comes_back(self, waiting: Waiting, pid: int, sockets: Sockets) -> bool:
        """Wait whether an mpv that plays on without its socket is found again; False when it is over."""
        until_s = self._now_s() + RETURN_S
        line = sockets.waiting.setdefault(pid, [])
        line.append(waiting)
        try:
            while waiting.player.playing and alive(pid) and self._now_s() < until_s:
                try:
                    async with asyncio.timeout(ALIVE_S):
                        await waiting.taken.wait()
                except TimeoutError:
                    continue
                return True
            return waiting.taken.is_set()
        finally:
            if waiting in line:
                line.remove(waiting)
            if not line:
                sockets.waiting.pop(pid, None)

    def _now_s(self) -> float:
        return self.context.clock.now().mono_ms / 1000
