"""Everything long-running belongs to one supervisor; nothing else creates tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from scrobbler.clock import Clock

log = structlog.get_logger("supervisor")

RESTART_S = (1.0, 5.0, 30.0)
RECOVERED_S = 60.0


class Supervisor:
    """Runs services for ever and errands once. A service that fails is started again; until then it is a fault."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._services: dict[str, asyncio.Task[None]] = {}
        self._errands: set[asyncio.Task[Any]] = set()
        self.faults: dict[str, str] = {}

    async def run(self, until: asyncio.Event) -> None:
        """Hold all tasks until the event is set, then end them."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await until.wait()
            self._group = None
            for task in (*self._services.values(), *self._errands):
                task.cancel()

    def serve(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start a service that runs until cancelled; while everything ends, none."""
        if self._group is None:
            return
        self._services[name] = self._group.create_task(self._keep(name, work), name=name)

    def errand(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Start something that ends by itself."""
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(self._once(name, work), name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def dismiss(self, name: str) -> None:
        """End a service and wait for its end."""
        task = self._services.pop(name, None)
        self.faults.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("errand failed", errand=name, problem=f"{type(error).__name__}: {error}")

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            began = self._clock.now().mono_ms
            try:
                await work()
            except Exception as error:
                if self._clock.now().mono_ms - began > RECOVERED_S * 1000:
                    failures = 0
                failures += 1
                self.faults[name] = f"{name} failed: {type(error).__name__}"
                log.exception("service failed", service=name, problem=f"{type(error).__name__}: {error}")
            else:
                self.faults.pop(name, None)
                return
            await self._clock.sleep(RESTART_S[min(failures, len(RESTART_S)) - 1])
            self.faults.pop(name, None)
