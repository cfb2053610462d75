"""A long time offline: everything arrives in few calls, in order, at Simkl's pace, within the day's allowance."""

import gc
import itertools
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from tests.backlog.queue import drain, enqueue
from tests.faults.house import open_house

pytestmark = pytest.mark.anyio

WATCHES = 2000
"""`bench/backlog.py` plays the same with 10,000."""

MEMORY_KIB = 512


async def test_a_month_drains_in_order_and_at_simkls_pace(tmp_path: Path) -> None:
    """Fifty watches a call, oldest first, each once and with its time, calls at least 1.1 s apart, memory flat."""
    async with open_house(tmp_path, started=False) as house:
        times = await enqueue(house, WATCHES)
        await house.start()
        drained = await drain(house)
        assert len(drained.calls) == WATCHES // 50
        assert all(call.status == 201 for call in drained.calls)
        assert [watch.watched_at for watch in house.simkl().history] == times
        assert {watch.recorded_at[:10] for watch in house.simkl().history} == {"2026-01-16"}
        gaps = [later.at_ms - earlier.at_ms for earlier, later in itertools.pairwise(drained.calls)]
        assert min(gaps) >= 1100
        assert house.told() == ["history 201"] * len(drained.calls)
        assert (await house.status()).undecided == 0


async def test_a_backlog_keeps_to_the_allowance(tmp_path: Path) -> None:
    """With 15 calls left today, 15 are made; the rest goes out after midnight in New York, and nothing is asked in between."""
    async with open_house(tmp_path, started=False) as house:
        times = await enqueue(house, WATCHES)
        house.spend_allowance(15)
        await house.start()
        await house.passes(600)
        assert house.told()[:15] == ["history 201"] * 15
        assert house.told()[15:] in ([], ["history 429"]), "one question at most after the last call that counted"
        drained = await drain(house)
        good = [call for call in drained.calls if call.status == 201]
        assert len(good) == WATCHES // 50
        assert all(call.at >= "2026-01-16T05:00:00Z" for call in good[15:])
        assert [watch.watched_at for watch in house.simkl().history] == times


async def test_what_happens_now_is_not_kept_waiting(tmp_path: Path) -> None:
    """While a backlog drains, a film that starts is shown after the watches, and is recorded itself."""
    async with open_house(tmp_path, started=False) as house:
        await enqueue(house, WATCHES)
        await house.start()
        await house.watch()
        await house.settled()
        assert house.simkl().history[-1].title == "The Example"
        assert len(house.simkl().history) == WATCHES + 1


async def test_a_backlog_takes_no_memory(tmp_path: Path) -> None:
    """What the daemon itself holds does not grow while it drains: the queue is in the store."""
    async with open_house(tmp_path, started=False) as house:
        await enqueue(house, WATCHES // 2)
        await house.start()
        await house.passes(5)
        tracemalloc.start()
        try:
            before = _held()
            await drain(house, timedelta(minutes=10))
            grown_kib = (_held() - before) / 1024
        finally:
            tracemalloc.stop()
        assert grown_kib < MEMORY_KIB


def _held() -> int:
    """Return the bytes that the daemon's own modules hold, without the sandbox's."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(
        (tracemalloc.Filter(True, "*/scrobbler/*"), tracemalloc.Filter(False, "*/scrobbler/sandbox/*"))
    )
    return sum(one.size for one in snapshot.statistics("filename"))
