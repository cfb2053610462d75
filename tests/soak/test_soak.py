"""The daemon as a process on stepped time, killed everywhere: what Simkl holds at the end is the truth."""

import pytest

from tests.soak.drill import Drill
from tests.soak.points import EVERY_POINT
from tests.soak.reckoning import Outcome
from tests.soak.soak import Plan, soak


def _check(outcome: Outcome) -> None:
    assert not outcome.deviations, "\n".join(outcome.deviations)
    assert outcome.simkl.worst_ms <= 60_000
    assert outcome.simkl.must > 0
    assert outcome.outbox.recorded >= outcome.outbox.must


@pytest.mark.anyio
async def test_a_death_at_any_point_loses_doubles_and_invents_nothing():
    """Killed at each labelled point of store, send, reply and settle, every watch is recorded once, at its time."""
    outcome = await Drill("plex", "at once").run()
    _check(outcome)
    assert not outcome.never_reached
    assert sum(outcome.figures.killed_at.values()) == len(EVERY_POINT)


@pytest.mark.anyio
async def test_a_player_that_dies_with_the_daemon_leaves_nothing_that_shows():
    """Killed at each point before an end, and nothing heard after: no start dangles, so nothing is counted the next day."""
    drill = Drill("plex", "at once", "vanishes")
    outcome = await drill.run()
    assert not outcome.deviations, "\n".join(outcome.deviations)
    assert set(outcome.never_reached) <= {"end: before everything is paused", "end: paused here, Simkl not told"}
    assert outcome.simkl.recorded == 0


@pytest.mark.anyio
async def test_a_household_with_random_deaths_and_a_bad_line():
    """Four people, three days, twenty deaths at random moments, every fault of Simkl's: the history is the truth."""
    outcome = await soak(Plan(seed=11, days=3, kills=20, labelled=(), tick_s=60))
    _check(outcome)
    assert outcome.figures.killed_at["anywhere"] >= 20
