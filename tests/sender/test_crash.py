"""The daemon dies at every point of a delivery: nothing is lost, nothing counts twice, no start dangles."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scrobbler.simkl.errors import RetryLater
from tests.kit.virtual import OTHER, House, Script, run_down

pytestmark = pytest.mark.anyio

POINTS = ("before the attempt", "after the attempt", "after the request", "before it is settled")
TITLE = "Sintel (2010)"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running house with one account."""
    made = await House(tmp_path).open()
    made.serve()
    yield made
    await made.crash()


async def for_ever(*_arguments: Any, **_more: Any) -> None:
    """Never come back, as a process that is gone."""
    await asyncio.Event().wait()


def die_at(house: House, point: str) -> None:
    """Arrange that the next delivery gets no further than this point."""
    delivery = house.senders["alice"]._delivery
    match point:
        case "before the attempt":
            delivery._begin = for_ever  # type: ignore[assignment]
        case "after the attempt":
            house.simkl.script = [Script(hang=True)]
        case "after the request":
            house.simkl.script = [Script(hang=True, takes_effect=True)]
        case "before it is settled":
            delivery._write = for_ever  # type: ignore[method-assign]


async def begin(house: House, until: float) -> None:
    """Watch the film from its beginning to a percentage."""
    await house.hear("play", 0)
    await house.pass_time(2)
    await house.watch(0, until, every_s=60)


@pytest.mark.parametrize("point", POINTS)
async def test_a_start(house: House, point: str) -> None:
    """A start whose fate is unknown ends as a pause at the last position, or never happened."""
    die_at(house, point)
    await begin(house, 20)
    await house.pass_time(11)
    await house.restart()
    await house.pass_time(30)
    assert house.simkl.playing == {}
    assert house.simkl.told[-1] == ("pause", TITLE, 20.0)
    assert house.simkl.history_rows == []


@pytest.mark.parametrize("point", POINTS)
async def test_a_start_at_zero_and_nothing_after(house: House, point: str) -> None:
    """Even a start at the very beginning, of which nothing is worth saving, does not dangle."""
    die_at(house, point)
    await house.hear("play", 0)
    await house.pass_time(2)
    await house.restart()
    await house.pass_time(30)
    assert house.simkl.playing == {}


@pytest.mark.parametrize("point", POINTS)
async def test_a_pause(house: House, point: str) -> None:
    """A pause whose fate is unknown is said again."""
    await begin(house, 20)
    die_at(house, point)
    await house.hear("pause", 20)
    await house.pass_time(2)
    await house.restart()
    await house.pass_time(30)
    assert house.simkl.playing == {}
    assert house.simkl.saved == {"alice": {TITLE: 20.0}}
    assert house.simkl.told[0][0] == "start"
    assert set(house.simkl.told[1:]) == {("pause", TITLE, 20.0)}


@pytest.mark.parametrize("point", POINTS)
async def test_a_completion(house: House, point: str) -> None:
    """A watch is recorded once, with its true time, whether or not the stop had arrived; its start does not dangle."""
    await begin(house, 95)
    die_at(house, point)
    await house.hear("stop", 95)
    ended = house.clock.now().utc_ms
    await house.pass_time(2)
    await house.restart()
    await house.pass_time(400)
    assert house.simkl.history_rows == [("alice", TITLE, ended)]
    assert house.simkl.playing == {}
    assert [(state, text) for _, state, text in await house.outcomes()] == [("settled", "watched")]
    assert house.simkl.told[-1][0] in ("history", "stop")


@pytest.mark.parametrize("point", POINTS)
async def test_a_position(house: House, point: str) -> None:
    """What was left is saved at its position."""
    await begin(house, 40)
    die_at(house, point)
    await house.hear("stop", 40)
    await house.pass_time(2)
    await house.restart()
    await house.pass_time(30)
    assert house.simkl.saved == {"alice": {TITLE: 40.0}}
    assert [(state, text) for _, state, text in await house.outcomes()] == [("settled", "saved at 40 %")]


@pytest.mark.parametrize("point", POINTS)
async def test_a_history_write(house: House, point: str) -> None:
    """A late watch is written once."""
    await begin(house, 95)
    house.simkl.down = RetryLater("away", after_s=None, cause="network")
    await house.hear("stop", 95)
    ended = house.clock.now().utc_ms
    await house.pass_time(120)
    house.simkl.down = None
    die_at(house, point)
    await house.pass_time(300)
    await house.restart()
    await house.pass_time(300)
    assert house.simkl.history_rows == [("alice", TITLE, ended)]
    assert house.simkl.playing == {}


async def test_an_unknown_attempt_is_written_down(house: House) -> None:
    """After the crash the attempt stands as unknown, not as sent and not as never made."""
    await begin(house, 95)
    die_at(house, "after the request")
    await house.hear("stop", 95)
    await house.restart()
    await run_down()
    found = await house.rows("SELECT action, result FROM attempts ORDER BY id")
    assert found[1] == ("stop", "unknown: the daemon ended first")


async def test_what_was_played_while_the_daemon_was_down_counts_on(house: House) -> None:
    """A player that is still there within the settle time goes on as if nothing had happened."""
    await begin(house, 20)
    await house.restart()
    await house.pass_time(1)
    await house.hear("progress", 20.2)
    await house.pass_time(10)
    await house.watch(20.2, 95, every_s=60)
    await house.hear("stop", 95)
    await house.pass_time(5)
    assert [one[0] for one in house.simkl.told] == ["start", "stop"]


async def test_the_next_title_after_a_crash(house: House) -> None:
    """Rule 8: what Simkl would count by its own clock is paused before another title starts, also after days."""
    await begin(house, 20)
    await house.crash()
    house.clock.tick(86_400)
    await house.open()
    house.serve()
    await house.hear("play", 0, OTHER)
    await house.pass_time(10)
    assert house.simkl.history_rows == []
    told = [one[:2] for one in house.simkl.told[1:]]
    assert told in (
        [("pause", TITLE), ("start", "Big Buck Bunny (2008)")],
        [("stop", TITLE), ("start", "Big Buck Bunny (2008)")],
    )
