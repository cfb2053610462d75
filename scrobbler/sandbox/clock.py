"""The sandbox's own clock: real time plus an offset that a test may move."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from scrobbler.clock import Clock, Now, SystemClock, iso

EASTERN_STANDARD = timezone(timedelta(hours=-5))


class SandboxClock:
    """A clock that reads `base` plus an offset; whoever sleeps on it wakes when the offset moves far enough."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base = base or SystemClock()
        self._offset_ms = 0
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> Now:
        """Read both clocks, moved by the offset."""
        real = self._base.now()
        return Now(real.utc_ms + self._offset_ms, real.mono_ms + self._offset_ms)

    def now_ms(self) -> int:
        """Return milliseconds since 1970, as this server believes."""
        return self.now().utc_ms

    def advance(self, seconds: float) -> None:
        """Move the clock by so many seconds; a negative number sets it back."""
        self._offset_ms += round(seconds * 1000)
        for sleeper in self._sleepers:
            sleeper.set()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        deadline = self.now_ms() + seconds * 1000
        while (left_ms := deadline - self.now_ms()) > 0:
            moved = asyncio.Event()
            self._sleepers.add(moved)
            waits: list[asyncio.Future[Any]] = [
                asyncio.ensure_future(moved.wait()),
                asyncio.ensure_future(self._base.sleep(left_ms / 1000)),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._sleepers.discard(moved)
                for wait in waits:
                    wait.cancel()


def stamp(milliseconds: int | None) -> str | None:
    """Write a time as most routes do: UTC with `Z`; None stays None."""
    return None if milliseconds is None else iso(milliseconds)


def offset_stamp(milliseconds: int) -> str:
    """Write a time with `-05:00`, as some routes still do (simkl-api.md 4.5)."""
    return datetime.fromtimestamp(milliseconds // 1000, EASTERN_STANDARD).isoformat()


def parse(text: object) -> int | None:
    """Read ISO 8601 into milliseconds since 1970; a time without an offset is UTC. None if it is not a time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
