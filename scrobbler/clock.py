"""Time, passed in wherever it is needed, so that tests own it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of the clock.

    `utc_ms` is what is written down: milliseconds since 1970 in UTC, and may jump.
    `mono_ms` is for durations: milliseconds of a clock that never jumps and counts suspend (CLOCK_BOOTTIME).
    """

    utc_ms: int
    mono_ms: int

    @property
    def utc(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        return datetime.fromtimestamp(self.utc_ms / 1000, UTC)


class Clock(Protocol):
    """What everything that needs time takes as a parameter."""

    def now(self) -> Now:
        """Read both clocks at once."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Now:
        """Read both clocks at once."""
        return Now(time.time_ns() // 1_000_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000)

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds; while the machine is suspended the wait stands still."""
        await asyncio.sleep(seconds)


async def wait_for_either(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set or the time is over, whichever comes first."""
    sleeper = asyncio.ensure_future(clock.sleep(seconds))
    waiter = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeper.cancel()
        waiter.cancel()


def utc_ms(moment: datetime) -> int:
    """Turn an aware moment into milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def iso(utc_milliseconds: int) -> str:
    """Write milliseconds since 1970 as Simkl wants them: UTC, whole seconds, `Z` (simkl-api.md 6.1)."""
    moment = datetime.fromtimestamp(utc_milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
