"""The daemon's side of stepped time: goes to a time when told to, as far as nothing outside has to answer first."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tests.soak.clock import SteppedClock
from tests.soak.points import Points

QUIET_TURNS = 3


class Report(Struct, frozen=True, kw_only=True):
    """Where the daemon stands: nothing in it can go on by itself before `next_ms`.

    `sent` and `got` count its requests to Simkl and their ends; `dropped` of these were given up by itself. `orders` counts
    the orders taken so far.
    """

    at_ms: int
    orders: int
    sent: int
    got: int
    dropped: int = 0
    next_ms: int | None = None


class Order(Struct, frozen=True, kw_only=True):
    """Go to `to_ms`. With requests in flight it goes on only as long as their number is still `sent` and `got`."""

    to_ms: int = 0
    sent: int = 0
    got: int = 0
    arm: str = ""
    nth: int = 1
    stop: bool = False


class Stepper:
    """Moves the daemon's clock."""

    def __init__(
        self, clock: SteppedClock, points: Points, reader: asyncio.StreamReader, tell: Callable[[Any], None]
    ) -> None:
        self.clock = clock
        self.sent = 0
        self.got = 0
        self.dropped = 0
        self.jobs = 0
        self.stop: Callable[[], None] = lambda: None
        self._points = points
        self._reader = reader
        self._tell = tell
        self._orders = 0
        self._order = Order(to_ms=clock.utc_ms)
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def count_jobs(self, loop: asyncio.AbstractEventLoop) -> None:
        """Know of every piece of work in a thread."""
        run = loop.run_in_executor

        def counted(executor: Any, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
            self.jobs += 1
            self._idle.clear()
            future = run(executor, work, *args)
            future.add_done_callback(self._job_done)
            return future

        loop.run_in_executor = counted  # type: ignore[assignment]

    def _job_done(self, _future: asyncio.Future[Any]) -> None:
        self.jobs -= 1
        if not self.jobs:
            self._idle.set()

    def request_over(self) -> None:
        """A request to Simkl has ended."""
        self.got += 1
        self._changed.set()

    async def take_orders(self) -> None:
        """Read orders until the other side hangs up."""
        while line := await self._reader.readline():
            self._orders += 1
            values = json.loads(line)
            order = Order(**values)
            if order.arm:
                self._points.arm(order.arm, order.nth)
            if order.stop:
                self.stop()
            if order.to_ms:
                self._order = order
            self._changed.set()

    async def run(self) -> None:
        """Walk whenever something has changed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._walk()

    async def _walk(self) -> None:
        while True:
            await self._settle()
            order = self._order
            held = (self.sent, self.got) == (order.sent, order.got)
            coming = self.clock.next_wake_ms()
            if (self.sent > self.got and not held) or self.clock.utc_ms >= order.to_ms:
                break
            self.clock.move_to(order.to_ms if coming is None else min(coming, order.to_ms))
        self._tell(
            {
                "at_ms": self.clock.utc_ms,
                "orders": self._orders,
                "sent": self.sent,
                "got": self.got,
                "dropped": self.dropped,
                "next_ms": self.clock.next_wake_ms(),
            }
        )

    async def _settle(self) -> None:
        """Wait until nothing can go on: no task that could run, no thread at work."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        quiet = 0
        while quiet < QUIET_TURNS:
            await asyncio.sleep(0)
            if self.jobs:
                await self._idle.wait()
                quiet = 0
            else:
                quiet = 0 if ready else quiet + 1
