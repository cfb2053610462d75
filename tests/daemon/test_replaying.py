"""`scrobbler replay`: the same events on the same times give the same calls, always."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scrobbler.api import Movie, PlayerEvent, SourceOptions, Traits
from scrobbler.daemon.replaying import Recording, replay
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from tests.kit.virtual import FILM, OTHER

pytestmark = pytest.mark.anyio
START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
TRAITS = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=6 * 3600, richness=70)
MINUTES = 100


def event(kind: Any, minute: float, at: float | None = None, item: Movie = FILM) -> PlayerEvent:
    """Say something at a minute of the film, and at a minute of the evening."""
    return PlayerEvent(
        kind=kind,
        player="tv",
        item_key=item.title,
        item=item,
        position_ms=int(minute * 60_000),
        duration_ms=MINUTES * 60_000,
        at=None if at is None else START + timedelta(minutes=at),
    )


async def run(*events: PlayerEvent, **policy: Any) -> list[str]:
    """Replay; returns the calls, without the day."""
    said: list[str] = []
    recording = Recording(
        events=events,
        options=SourceOptions(type="events", account="alice"),
        traits=TRAITS,
        rules=Rules(accounts={"alice": AccountPolicy(account="alice", **policy)}),
    )
    plays = await replay(recording, 0, said.append)
    return [line.removeprefix("2026-03-01T") for line in said] + [f"{one.title}: {one.outcome}" for one in plays]


EVENING = (
    event("play", 0, 0),
    event("pause", 30, 30),
    event("play", 30, 40),
    event("stop", 95, 105),
    event("play", 0, 106, OTHER),
    event("stop", 20, 126, OTHER),
)
TOLD = [
    "20:00:00Z  alice: start    Sintel (2010) at 0 %",
    "20:30:01Z  alice: pause    Sintel (2010) at 30 %",
    "20:40:01Z  alice: start    Sintel (2010) at 30 %",
    "21:45:00Z  alice: stop     Sintel (2010) at 95 %",
    "21:46:00Z  alice: start    Big Buck Bunny (2008) at 0 %",
    "22:06:01Z  alice: stop     Big Buck Bunny (2008) at 20 %",
    "Big Buck Bunny (2008): saved at 20 %",
    "Sintel (2010): watched",
]


async def test_an_evening() -> None:
    """A recording with times gives these calls at these times, and the same ones again."""
    assert await run(*EVENING) == TOLD
    assert await run(*EVENING) == TOLD


async def test_without_times_events_follow_each_other() -> None:
    """Events that do not say when they happened are a second apart, from the time that is given."""
    said = await run(event("play", 10), event("pause", 10), event("play", 10), event("stop", 50))
    assert [line.split("Z  ")[0] for line in said[:2]] == ["1970-01-01T00:00:01", "1970-01-01T00:00:03"]


async def test_silence_is_played_out() -> None:
    """After the last event a day passes: what nobody ended is paused, and judged."""
    said = await run(event("play", 0, 0), event("pause", 30, 30), event("play", 30, 31))
    assert said[3].split(": ")[1].startswith("pause")
    assert said[-1] == "Sintel (2010): saved at 30 %"


async def test_a_lower_threshold() -> None:
    """Rule 3 on paper: a stop, the history write, and the saved position that goes away."""
    said = await run(event("play", 0, 0), event("stop", 70, 70), movie_percent=60.0)
    assert [line.split("alice: ")[1] for line in said[1:4]] == [
        "stop     Sintel (2010) at 70 %",
        "history  Sintel (2010) watched 2026-03-01T21:10:00Z",
        "delete   the saved position that the stop left",
    ]


async def test_what_is_refused_is_said() -> None:
    """An event that the intake refuses is named with its reason, and nothing is sent for it."""
    said = await run(event("marked", 0, 0))
    assert said == ["20:00:00Z  marked of Sintel: marks by hand are not taken over here (`marks: true` changes that)"]
