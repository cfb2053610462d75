"""The mpv source: finds sockets, keeps one connection to each mpv (players.md 5.4)."""

import asyncio
import glob
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from scrobbler.api import CheckResult, Context, ListenerPlugin, SourceOptions, Traits
from scrobbler.api.location import readable
from scrobbler_plugins.mpv.checks import examine
from scrobbler_plugins.mpv.connection import Connection, connect, folder_of, peer_pid
from scrobbler_plugins.mpv.options import Options
from scrobbler_plugins.mpv.parse import Player
from scrobbler_plugins.mpv.watch import Watch, folders

FIRST_RETRY_S = 0.01
LAST_RETRY_S = 30.0
LOOK_S = 30.0
"""How often to look at watched folders: for what the watch cannot see, such as a folder that was renamed away."""
LOOK_BLIND_S = 2.0
"""How often to look where no watch is possible."""


class Stamp(NamedTuple):
    """What tells one socket file from the next at the same path: mpv makes a new one each time it starts."""

    device: int
    inode: int
    changed_ns: int


@dataclass(slots=True)
class Attempt:
    """The tries to reach one socket file."""

    stamp: Stamp
    failures: int = 0
    due_s: float = 0.0

    def failed(self, now_s: float) -> None:
        self.due_s = now_s + min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self.failures, 20))
        self.failures += 1


@dataclass(slots=True)
class Sockets:
    """The sockets of one run: the tries by path, and the connections by path and mpv process."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    open: dict[tuple[str, Stamp], socket.socket] = field(default_factory=dict)
    peers: set[tuple[str, int]] = field(default_factory=set)


class Plugin(ListenerPlugin):
    """Watches every mpv whose socket matches `sockets`."""

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=60)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        home = os.path.expanduser  # Path.expanduser raises where there is no home
        self._patterns = [os.path.abspath(home(pattern)) for pattern in options.sockets]  # noqa: PTH100 (patterns)

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
                    while watch.follow(folders(self._patterns)):
                        pass  # what came before a folder was watched brings folders of its own
                    pause_s = self._look(sockets, group, wake)
                    try:
                        async with asyncio.timeout(min(pause_s, LOOK_S if watch.covers else LOOK_BLIND_S)):
                            await wake.wait()
                    except TimeoutError:
                        continue
        finally:
            for sock in sockets.open.values():  # of tasks that were cancelled before they began
                sock.close()
            watch.stop()

    async def check(self) -> Sequence[CheckResult]:
        """Look at folders, files and every socket, and say what to write into mpv.conf."""
        return await asyncio.to_thread(examine, self._patterns, self.options.sockets)

    def _look(self, sockets: Sockets, group: asyncio.TaskGroup, wake: asyncio.Event) -> float:
        """Connect to what is new; return after how many seconds something is to be tried again."""
        now_s = self._now_s()
        found = dict(self._found())
        refused = {path: why for path in sorted(found) if (why := self._try(path, found[path], sockets, group, wake))}
        for path in sockets.attempts.keys() - found.keys():
            del sockets.attempts[path]
        blind = [folder for folder in folders(self._patterns) if not os.access(folder, os.R_OK | os.X_OK)]
        trouble = [f"{path}: {why}" for path, why in refused.items()] + [f"{path}: not readable" for path in blind]
        self.context.reachable(not trouble, "; ".join(readable(line) for line in trouble))
        waiting = [
            attempt.due_s
            for path, attempt in sockets.attempts.items()
            if attempt.failures and (path, attempt.stamp) not in sockets.open
        ]
        return max(0.0, min(waiting, default=now_s + LOOK_S) - now_s)

    def _found(self) -> Iterator[tuple[str, Stamp]]:
        for pattern in self._patterns:
            for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 (patterns may hold `~` and `**`)
                try:
                    status = Path(path).stat()
                except OSError:
                    continue
                if stat.S_ISSOCK(status.st_mode):
                    yield os.path.realpath(path), Stamp(status.st_dev, status.st_ino, status.st_ctime_ns)

    def _try(
        self, path: str, stamp: Stamp, sockets: Sockets, group: asyncio.TaskGroup, wake: asyncio.Event
    ) -> str | None:
        """Connect if it is time; return why this user may not, if so."""
        attempt = sockets.attempts.get(path)
        if attempt is None or attempt.stamp != stamp:
            attempt = sockets.attempts[path] = Attempt(stamp)
        now_s = self._now_s()
        if (path, stamp) in sockets.open or attempt.due_s > now_s:
            return None
        try:
            sock = connect(path)
        except OSError as error:
            attempt.failed(now_s)
            return "permission denied" if isinstance(error, PermissionError) else None
        pid = peer_pid(sock)
        if pid and (path, pid) in sockets.peers:  # the same mpv under a file that was only touched
            sock.close()
            attempt.failures, attempt.due_s = 1, now_s + LAST_RETRY_S
            return None
        group.create_task(self._serve(path, sock, pid, attempt, sockets, wake), name=f"mpv {pid}")
        sockets.open[path, stamp] = sock
        sockets.peers.add((path, pid))
        return None

    async def _serve(
        self, path: str, sock: socket.socket, pid: int, attempt: Attempt, sockets: Sockets, wake: asyncio.Event
    ) -> None:
        stamp = attempt.stamp
        name = f"{readable(path)}#{pid}-{stamp.changed_ns // 1_000_000:x}"
        connection = Connection(sock, Player(name, partial(folder_of, pid)), self.context)
        self.context.log.debug("connected to mpv", player=name)
        try:
            await connection.run()
        except Exception as error:  # noqa: BLE001 (an event that could not be stored: connecting again tells it again)
            self.context.log.warning("reading mpv failed, connecting again", why=f"{type(error).__name__}: {error}")
            connection.heard = False
        finally:
            sockets.open.pop((path, stamp), None)
            sockets.peers.discard((path, pid))
        self.context.log.debug("mpv has gone", player=name)
        if connection.heard:
            attempt.failures = 0
        attempt.failed(self._now_s())
        wake.set()

    def _now_s(self) -> float:
        return self.context.clock.now().mono_ms / 1000
