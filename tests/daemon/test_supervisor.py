"""Everything long-running belongs to the supervisor; it ends with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from scrobbler.daemon.supervisor import RESTART_S, Supervisor
from tests.kit.virtual import VirtualClock, run_down

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def supervising(clock: VirtualClock) -> AsyncIterator[Supervisor]:
    """Run a supervisor for the length of the block; leave no task behind."""
    before = asyncio.all_tasks()
    supervisor, end = Supervisor(clock), asyncio.Event()
    runner = asyncio.ensure_future(supervisor.run(end))
    await run_down()
    yield supervisor
    end.set()
    await runner
    await run_down()
    assert asyncio.all_tasks() == before


async def test_a_failing_service_is_started_again() -> None:
    """It is a fault until then, and each failure waits longer; the last wait repeats."""
    clock = VirtualClock()
    times: list[int] = []

    async def broken() -> None:
        times.append(clock.now().mono_ms)
        raise OSError("no such device")

    async with supervising(clock) as supervisor:
        with capture_logs() as said:
            supervisor.serve("clockwork", broken)
            await run_down()
            assert supervisor.faults == {"clockwork": "clockwork failed: OSError"}
            await clock.advance(sum(RESTART_S) + 2 * RESTART_S[-1])
    waits = [(after - before) / 1000 for before, after in pairwise(times)]
    assert waits == [*RESTART_S, RESTART_S[-1], RESTART_S[-1]]
    assert {one["service"] for one in said if one["event"] == "service failed"} == {"clockwork"}


async def test_a_service_that_runs_again_is_no_fault() -> None:
    """Once the service runs again the fault is gone; after a good while its failures count anew."""
    clock = VirtualClock()
    runs: list[int] = []

    async def shaky() -> None:
        runs.append(clock.now().mono_ms)
        if len(runs) == 2:
            await clock.sleep(3600)
        if len(runs) > 3:
            await asyncio.Event().wait()
        raise RuntimeError("again")

    async with supervising(clock) as supervisor:
        supervisor.serve("shaky", shaky)
        await clock.advance(1.1)
        assert supervisor.faults == {}
        await clock.advance(3600)
        assert supervisor.faults
        await clock.advance(10)
        assert supervisor.faults == {}
    assert runs[2] - runs[1] == 3_601_000


async def test_a_failing_service_disturbs_no_other() -> None:
    """The neighbour runs on through a failure."""
    clock = VirtualClock()
    beats: list[int] = []

    async def steady() -> None:
        while True:
            await clock.sleep(1)
            beats.append(1)

    async def broken() -> None:
        raise RuntimeError("bug")

    async with supervising(clock) as supervisor:
        supervisor.serve("steady", steady)
        supervisor.serve("broken", broken)
        await clock.advance(60)
    assert len(beats) == 60


async def test_a_failed_errand_is_logged() -> None:
    """An errand ends for good; what went wrong is said with its name."""
    clock = VirtualClock()

    async def errand() -> None:
        raise ValueError("bad luck")

    async with supervising(clock) as supervisor:
        with capture_logs() as said:
            supervisor.errand("shopping", errand())
            await run_down()
        assert supervisor.faults == {}
    (line,) = said
    assert (line["event"], line["errand"], line["problem"]) == ("errand failed", "shopping", "ValueError: bad luck")


async def test_everything_ends_on_stop() -> None:
    """Services and errands are cancelled, and what they do at their end is waited for."""
    clock = VirtualClock()
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async with supervising(clock) as supervisor:
        supervisor.serve("service", lambda: work("service"))
        supervisor.errand("errand", work("errand"))
        await run_down()
    assert sorted(ended) == ["errand", "service"]


async def test_what_comes_too_late_is_not_started() -> None:
    """After the end neither a service nor an errand begins, and no warning is left about it."""
    clock = VirtualClock()
    begun: list[str] = []

    async def work() -> None:
        begun.append("late")

    async with supervising(clock) as supervisor:
        pass
    supervisor.serve("late", work)
    supervisor.errand("late", work())
    await run_down()
    assert begun == []


async def test_dismissing_waits_for_the_end() -> None:
    """A dismissed service has ended, and its fault is gone, when `dismiss` returns; a strange name is no error."""
    clock = VirtualClock()
    ended: list[bool] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    async with supervising(clock) as supervisor:
        supervisor.serve("slow", slow)
        await run_down()
        supervisor.faults["slow"] = "was broken"
        await supervisor.dismiss("slow")
        assert ended == [True]
        assert supervisor.faults == {}
        await supervisor.dismiss("nobody")
