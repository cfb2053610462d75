"""An event loop whose time is virtual: it jumps to the next timer whenever nothing in this process has work to do.

Sockets on loopback and worker threads are real; what they have begun is waited for in real time before the clock moves on.
So the daemon, its database and a server run as they are, and a month passes in a second.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, TypeVar

from scrobbler.clock import Now

Result = TypeVar("Result")

START = datetime(2026, 1, 16, 4, 40, tzinfo=UTC)
"""Where the virtual time begins: twenty minutes before Simkl's midnight, which is New York's."""

_LOOK_S = 0.002
_LOOKS = 3
"""After traffic nothing may move for so long in real time, so often, before the clock does: loopback delivers faster."""

_STUCK_S = 20.0
"""A thread that is busy for so long in real time is a fault of the test."""


class _Selector(selectors.BaseSelector):
    """Waits for files as the real one does, and lets virtual time pass where that would have waited for the time."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self._empty = 0
        self.passed_s = 0.0
        self.busy = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        if found:
            self._empty = 0
        if found or (timeout is not None and timeout <= 0):
            return found
        if self.busy:
            found = self._real.select(_STUCK_S)
            assert found, f"a thread was busy for {_STUCK_S} s"
            return found
        if timeout is None:
            found = self._real.select(_STUCK_S)
            assert found, "nothing is left to wait for"
            return found
        if self._empty < _LOOKS:
            self._empty += 1
            found = self._real.select(_LOOK_S)
        if not found:
            self.passed_s += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. `time` is virtual, and with it every timer, time-out and sleep."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return 1_000.0 + self._virtual.passed_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Result], *args: Any
    ) -> "asyncio.Future[Result]":
        future = super().run_in_executor(executor, func, *args)
        self._virtual.busy += 1
        future.add_done_callback(self._rest)
        return future

    def _rest(self, _future: "asyncio.Future[Any]") -> None:
        self._virtual.busy -= 1


class VirtualClock:
    """The daemon's clock on the running virtual loop. `jump_ms` is by how much somebody has set the wall clock."""

    def __init__(self, utc: datetime = START) -> None:
        self._loop = asyncio.get_running_loop()
        assert isinstance(self._loop, VirtualLoop)
        self._utc_ms = int(utc.timestamp() * 1000) - round(self._loop.time() * 1000)
        self.jump_ms = 0

    def now(self) -> Now:
        """Read both clocks at once."""
        mono_ms = round(self._loop.time() * 1000)
        return Now(self._utc_ms + mono_ms + self.jump_ms, mono_ms)

    async def sleep(self, seconds: float) -> None:
        """Wait so many virtual seconds."""
        await asyncio.sleep(seconds)
