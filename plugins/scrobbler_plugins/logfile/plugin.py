"""The log source: follows files, reads their lines, tells what they say (players.md 8)."""

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET
from msgspec.structs import replace

from scrobbler.api import CheckResult, Context, Facts, ListenerPlugin, PlayerEvent, SourceOptions, Traits
from scrobbler_plugins.logfile.checks import examine
from scrobbler_plugins.logfile.family import Family, families, folders
from scrobbler_plugins.logfile.following import Log, UnreadableLogError, digest, open_log
from scrobbler_plugins.logfile.formats import format_of
from scrobbler_plugins.logfile.options import Options, as_list
from scrobbler_plugins.logfile.parse import LineFormat, Settings, keep
from scrobbler_plugins.logfile.patience import search
from scrobbler_plugins.logfile.times import zone_of
from scrobbler_plugins.logfile.watch import Watch

if TYPE_CHECKING:
    from scrobbler_plugins.logfile.servers import Server

LOOK_S = 30.0
"""How often to look at files whose folders are watched, for what the watch cannot see."""
LOOK_BLIND_S = 2.0
"""How often to look where no watch reaches: shares, folders of a host, exhausted inotify."""
LOOK_SOON_S = 0.5
BREATH_S = 0.1
"""A busy log is read in gulps, at most so often."""
GAP_MS = 300_000
"""When we have not looked for so long, the machine slept: what is there now is history."""


class Plugin(ListenerPlugin):
    """Follows every log that `path` names.

    Most logs tell edges alone; where one tells positions (Plex), the daemon notices. Anything that sees the player itself
    knows better, so a log comes last. Whether it says who watches depends on the format.
    """

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=21600, richness=20)
    users_optional: ClassVar[bool] = True

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        expand = os.path.expanduser  # Path.expanduser raises where there is no home
        self._patterns = [os.path.abspath(expand(path)) for path in as_list(options.path)]  # noqa: PTH100 (patterns)
        self._settings = Settings(
            zone=zone_of(options.timezone),
            patterns=tuple(as_list(options.pattern)),
            words={} if options.words is UNSET else dict(options.words),
            silence_ms=round(options.silence * 1000),
            search=search,
        )
        self._format = format_of("own" if options.format is UNSET else options.format)
        self._server = _server_of(options, context)
        self._begun: dict[str, bool] = {}
        self._logs: dict[Family, Log] = {}
        self._looked_ms: int | None = None

    def new_format(self) -> LineFormat:
        """Make a reader of lines for one log."""
        return self._format(self._settings)

    async def run(self) -> None:
        """Follow until cancelled."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def news() -> None:
            loop.call_soon_threadsafe(wake.set)

        watch = Watch(news, self.context.log)
        try:
            while True:
                wake.clear()
                while await asyncio.to_thread(lambda: watch.follow(self._folders())):
                    pass  # what came before a folder was watched brings folders of its own
                soon = await self._look()
                if await asyncio.to_thread(lambda: watch.follow(self._folders())):
                    continue  # a link led to a folder that was not watched yet
                await asyncio.sleep(BREATH_S)
                pause_s = LOOK_SOON_S if soon else LOOK_S if watch.covers else LOOK_BLIND_S
                try:
                    async with asyncio.timeout(pause_s):
                        await wake.wait()
                except TimeoutError:
                    continue
        finally:
            watch.stop()
            for log in self._logs.values():
                log.tail.close()
            self._logs.clear()
            self._looked_ms = None

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the server that writes the log what its lines leave out. May raise HttpError."""
        return None if self._server is None else await self._server.lookup(event)

    async def check(self) -> Sequence[CheckResult]:
        """Look at each file: whether it is there, may be read, and has lines that are understood."""
        given = (self._patterns, self.new_format, self.options, self.context.clock.now().utc_ms)
        # A pattern of the user's that is too slow can be broken off in this thread alone.
        own = self.options.format is UNSET
        results = examine(*given) if own else await asyncio.to_thread(examine, *given)
        if self._server is not None:
            results = [*results, await self._server.check()]
        return results

    def _folders(self) -> set[str]:
        """Return what is to be watched: also where a symbolic link leads."""
        targets = [os.path.realpath(log.tail.path) for log in self._logs.values() if log.tail.path]
        return folders(self._patterns) | {os.path.dirname(target) for target in targets}  # noqa: PTH120

    async def _look(self) -> bool:
        """Read what is new everywhere. Returns whether to look again soon."""
        now = self.context.clock.now()
        slept = self._looked_ms is not None and now.mono_ms - self._looked_ms > GAP_MS
        starting = self._looked_ms is None
        self._looked_ms = now.mono_ms
        trouble: list[str] = []
        await self._find(trouble, starting=starting)
        for log in list(self._logs.values()):
            if slept:
                log.tail.look_again()
                log.catching_up = True
            try:
                await log.read_on()
            except UnreadableLogError as error:
                log.tail.close()
                trouble.append(f"{log.name}: {error}")
        self.context.reachable(not trouble, "; ".join(trouble))
        return any(log.tail.leaving for log in self._logs.values())

    async def _find(self, trouble: list[str], *, starting: bool) -> None:
        """Take up logs that have appeared."""
        for pattern in self._patterns:
            try:
                found = await asyncio.to_thread(families, pattern)
            except OSError as error:
                trouble.append(str(error.strerror or error))
                continue
            fresh = [family for family in sorted(found) if family not in self._logs]
            seen = f"since:{digest(pattern)}"
            since = await self.context.memory.get(seen) if fresh or starting else None
            for family in fresh:
                await self._take_up(family, since, trouble, starting=starting)
            if since is None and starting:
                await self.context.memory.put(seen, str(self.context.clock.now().utc_ms))

    async def _take_up(self, family: Family, since: str | None, trouble: list[str], *, starting: bool) -> None:
        try:
            log = await open_log(family, self.context, self.new_format(), since=since, starting=starting)
        except OSError as error:
            trouble.append(f"{family.template}: {error.strerror or error}")
            return
        several = len(self._patterns) > 1 or any(mark in self._patterns[0] for mark in "*?[")
        log.label = f"{os.path.splitext(family.template)[0]} {digest(family.key)[:6]}" if several else ""  # noqa: PTH122
        log.emit = self._emit
        self._logs[family] = log

    async def _emit(self, event: PlayerEvent) -> None:
        for one in await self._completed(event):
            await self.context.emit(replace(one, item=None) if one.kind == "gone" else one)

    async def _completed(self, event: PlayerEvent) -> list[PlayerEvent]:
        """Fill in what the server knows: of an item, and of a play whose beginning the log does not tell."""
        if self._server is None or event.skip is not None:
            return [event]
        key = f"{event.player}|{event.item_key}"
        alone = event.kind == "stop" and not self._begun.get(key)
        keep(self._begun, key, event.kind not in ("stop", "end"))
        return await self._server.with_beginning(event) if alone else [await self._server.complete(event)]


def _server_of(options: Options, context: Context) -> "Server | None":
    if options.url is UNSET or options.token is UNSET:
        return None
    from scrobbler_plugins.logfile.servers import server_of  # most logs have no server to ask

    return server_of(options, context)
