"""Catching up: sources are asked for the plays of the time when we did not hear them (contract.md 1.4, `catch_up`).

Asked are those that remember plays: when the daemon starts, when a source is back that was gone, and after a suspend. What
they tell goes through the same guard against duplicates as everything else.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from scrobbler.clock import Clock
from scrobbler.daemon.source_set import SourceSet
from scrobbler.sources.source import Source
from scrobbler.store import play_state
from scrobbler.store.database import Connection, Database, StorageError

EVERY_S = 300.0
"""How often it is written down until when each source was heard."""

SUSPENDED_MS = 60_000
"""A look that comes so much later than the one before allows means that the machine was suspended."""


class CatchingUp:
    """Knows until when each source was heard, and which ones have to be asked. `limit_ms`: how far back; 0 is never."""

    def __init__(self, sources: SourceSet, database: Database, clock: Clock, *, limit_ms: Callable[[], int]) -> None:
        self._sources = sources
        self._database = database
        self._clock = clock
        self._limit_ms = limit_ms
        self._owing: set[str] = set()
        self._asking: dict[str, asyncio.Lock] = {}
        self._looked_mono_ms: int | None = None

    async def begin(self) -> None:
        """Ask every source, as the daemon was not there until now."""
        self._looked_mono_ms = self._clock.now().mono_ms
        await self._ask_all()

    def lost(self, name: str) -> None:
        """Tell that a source cannot be heard from now on."""
        self._owing.add(name)

    async def ask(self, name: str) -> None:
        """Ask one source for what it saw since it was last heard, if that is owed. What fails is tried again later."""
        async with self._asking.setdefault(name, asyncio.Lock()):
            source = self._sources.get(name)
            if source is None or not source.remembers or self._limit_ms() <= 0:
                self._owing.discard(name)
            elif name in self._owing:
                with suppress(StorageError):  # the store's trouble is told elsewhere
                    await self._ask(source)

    async def look(self) -> None:
        """Ask who still has to be asked, and write down until when the others were heard."""
        now_ms = self._clock.now().mono_ms
        before_ms, self._looked_mono_ms = self._looked_mono_ms, now_ms
        if before_ms is not None and now_ms - before_ms > EVERY_S * 1000 + SUSPENDED_MS:
            await self._ask_all()
            return
        gone = {source.name for source in self._sources if _gone(source)}
        await asyncio.gather(*(self.ask(name) for name in sorted(self._owing - gone)))
        await self.mark()

    async def mark(self) -> None:
        """Write down that until now every source was heard that is neither gone nor has to be asked."""
        now_ms = self._clock.now().utc_ms
        heard = [source.name for source in self._sources if self._is_heard(source)]

        def write(connection: Connection) -> None:
            for name in heard:
                play_state.set_checkpoint(connection, name, now_ms)

        if heard:
            await self._database.write(write)

    def _is_heard(self, source: Source) -> bool:
        return source.remembers and source.health.reachable is not False and source.name not in self._owing

    async def _ask_all(self) -> None:
        names = [source.name for source in self._sources]
        self._owing.update(names)
        # At once: a server that does not answer keeps nobody waiting.
        await asyncio.gather(*(self.ask(name) for name in names))

    async def _ask(self, source: Source) -> None:
        now_ms = self._clock.now().utc_ms
        since_ms = await self._database.read(partial(play_state.get_checkpoint, source=source.name))
        asked_ms: int | None = now_ms
        if since_ms is not None:
            asked_ms = await source.catch_up(max(since_ms, now_ms - self._limit_ms()))
        if asked_ms is not None and not _gone(source):
            await self._database.write(partial(play_state.set_checkpoint, source=source.name, utc_ms=asked_ms))
            self._owing.discard(source.name)


def _gone(source: Source) -> bool:
    """Tell whether a listener has no contact: it says itself when it is back, and what it answers until then proves nothing."""
    return source.is_listener and source.health.reachable is False
