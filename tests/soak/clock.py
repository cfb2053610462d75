"""A clock that stands still until it is moved, for the house and for the world around it."""

import asyncio
import heapq
import math
from itertools import count

from scrobbler.clock import Now


class SteppedClock:
    """Both clocks of `Now`, moved by hand; whoever sleeps wakes in order when its moment is passed.

    `mono_ms` goes its own way from where it is set, as CLOCK_BOOTTIME does: it begins anew after a reboot.
    """

    def __init__(self, utc_ms: int, mono_ms: int = 1_000_000) -> None:
        self._utc_ms = utc_ms
        self._shift_ms = mono_ms - utc_ms
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> Now:
        """Read both clocks at once."""
        return Now(self._utc_ms, self._utc_ms + self._shift_ms)

    @property
    def utc_ms(self) -> int:
        """The time in ms since 1970."""
        return self._utc_ms

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._utc_ms + math.ceil(seconds * 1000), next(self._order), sleeper))
        await sleeper

    def next_wake_ms(self) -> int | None:
        """Say when the next sleeper wakes, in ms since 1970."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    @property
    def sleepers(self) -> int:
        """How many sleep."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)

    def move_to(self, utc_ms: int) -> None:
        """Move to a time; whoever is due by then wakes. It never runs backwards."""
        self._utc_ms = max(self._utc_ms, utc_ms)
        while self._sleepers and self._sleepers[0][0] <= self._utc_ms:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)
