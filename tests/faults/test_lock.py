"""The 20-second lock in both readings of Simkl's documents, when it is our own writes that follow each other closely."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from scrobbler.api import Ids, Movie
from scrobbler.sandbox.orders import AddTitle
from tests.faults.house import FILM_S, open_house

pytestmark = pytest.mark.anyio

SECOND = Movie(title="The Other Example", year=2015, ids=Ids(imdb="tt9000007"))
Lock = Literal["wait", "spacing"]

CALLS: Mapping[Lock, list[str]] = {
    "wait": ["start 201", "stop 201", "start 201", "pause 201"],
    "spacing": ["start 201", "stop 201", "start 400", "start 201", "pause 201"],
}


@pytest.mark.parametrize("lock", CALLS)
async def test_one_film_after_the_other(lock: Lock, tmp_path: Path) -> None:
    """stop(old) goes out at once and comes first; the start behind it waits as long as the lock wants, and is not lost."""
    async with open_house(tmp_path) as house:
        house.sandbox.switches.lock = lock
        order = AddTitle(kind="movie", title=SECOND.title, year=2015, ids={"imdb": "tt9000007"}, runtime=10)
        house.sandbox.add_title(order)
        await house.say("play", 0)
        await house.passes(FILM_S)
        await house.say("stop", FILM_S)
        await house.say("play", 0, film=SECOND)
        await house.passes(180)
        await house.say("pause", 180, film=SECOND)
        await house.passes(60)
        assert house.told() == CALLS[lock]
        stop, start = (next(call for call in house.calls() if call.path.endswith(name)) for name in ("stop", "pause"))
        assert stop.at_ms < start.at_ms
        if lock == "spacing":
            refused, taken = [call for call in house.calls() if call.path.endswith("start")][1:]
            assert 18_000 <= taken.at_ms - refused.at_ms <= 20_600, "20.5 s after the write that was accepted"
        assert [watch.title for watch in house.simkl().history] == ["The Example"]
        assert house.sandbox.gate.recorder.counters().parallel_writes == 1


@pytest.mark.parametrize("lock", CALLS)
async def test_a_pause_that_is_soon_over(lock: Lock, tmp_path: Path) -> None:
    """What is true no more when the lock is free is not told: the pause and the start after it collapse into nothing."""
    async with open_house(tmp_path) as house:
        house.sandbox.switches.lock = lock
        await house.say("play", 0)
        await house.passes(10)
        await house.say("pause", 10)
        await house.passes(4)
        await house.say("play", 10)
        await house.passes(FILM_S - 10)
        await house.say("stop", FILM_S)
        await house.settled()
        told = house.told()
        good = [call for call in told if call.endswith("201")]
        assert good[0] == "start 201"
        assert good[-1] == "stop 201"
        assert len(told) <= 6
        assert len(house.simkl().history) == 1
        assert house.sandbox.gate.recorder.counters().heartbeats == 0
