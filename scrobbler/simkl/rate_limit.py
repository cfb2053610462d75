"""One write in flight, and 1.1 s between writes (rules.md rule 16, simkl-api.md 8.1)."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from scrobbler.clock import Clock

SPACING_MS = 1100

_held: ContextVar[tuple[object, ...]] = ContextVar("held_turns", default=())


class Lane:
    """The order of calls of one pool. Whoever holds the lane may enter it again, also from a task of its own."""

    def __init__(self, clock: Clock, last_write_mono_ms: int) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._holder: object | None = None
        self._last_write_mono_ms = last_write_mono_ms

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait until nothing else is in flight, and keep others out."""
        if self._holder is not None and self._holder in _held.get():
            yield
            return
        async with self._lock:
            self._holder = object()
            outer = _held.set((*_held.get(), self._holder))
            try:
                yield
            finally:
                self._holder = None
                _held.reset(outer)

    async def space(self) -> None:
        """Wait until the last write is 1.1 s past."""
        while (rest_ms := self._last_write_mono_ms + SPACING_MS - self._clock.now().mono_ms) > 0:
            await self._clock.sleep(rest_ms / 1000)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """Go round one write: space before it, and its end noted, however it ends.

        Counted from the end, because only then has the write surely arrived: two that leave 1.1 s apart may arrive closer.
        """
        await self.space()
        try:
            yield
        finally:
            self._last_write_mono_ms = self._clock.now().mono_ms


class Pace:
    """The lanes, by pool.

    An earlier process may have written until the very moment when this one began, so its beginning counts as a write.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_mono_ms = clock.now().mono_ms
        self._lanes: dict[Hashable, Lane] = {}

    def lane(self, pool: Hashable) -> Lane:
        """Return the lane of this pool."""
        if pool not in self._lanes:
            self._lanes[pool] = Lane(self._clock, self._began_mono_ms)
        return self._lanes[pool]
