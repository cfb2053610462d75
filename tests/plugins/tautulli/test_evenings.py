"""Whole evenings of Tautulli on virtual time: what it sends in, what Simkl is told out (players.md 1.9)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from scrobbler.api import PlayerEvent
from scrobbler.api.testkit import check_events
from scrobbler.daemon.replaying import Recording, replay
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from scrobbler_plugins.tautulli import Plugin
from tests.kit.servers import EVENING
from tests.kit.tautulli import episode
from tests.plugins.tautulli.kit import one

pytestmark = pytest.mark.anyio
FILM = "The Example (2014)"


async def told(steps: Sequence[tuple[int, PlayerEvent]]) -> list[str]:
    """Play notifications, each so many seconds into the evening; return what Simkl would be told, without the times."""
    events = [replace(event, at=EVENING + timedelta(seconds=second)) for second, event in steps]
    check_events(events)
    lines: list[str] = []
    recording = Recording(
        events=events,
        options=Plugin.Options(type="tautulli", users={"alice": "alice"}),
        traits=Plugin.traits,
        rules=Rules(accounts={"alice": AccountPolicy(account="alice")}),
    )
    await replay(recording, 0, lines.append)
    return [" ".join(line.split()[1:]) for line in lines]


async def test_a_film_is_two_calls() -> None:
    """Start, Tautulli's verdict at 85 %, stop with the full length: a start and a stop at 100."""
    steps = [
        (0, one("play", view_offset="0")),
        (5100, one("watched", view_offset="5100000")),
        (6000, one("stop", view_offset="6000000")),
    ]
    assert await told(steps) == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 100 %"]


async def test_late_stop_of_a_dead_client() -> None:
    """A session without updates is stopped five minutes late with its old position, which counts."""
    steps = [(0, one("play", view_offset="0")), (1500 + 300, one("stop", view_offset="1500000"))]
    calls = await told(steps)
    assert calls[0] == f"alice: start {FILM} at 0 %"
    assert calls[-1].endswith("at 25 %")
    assert len(calls) == 2


async def test_next_episode_without_a_stop() -> None:
    """The old episode is settled before the next one starts; the verdict came before."""
    second = episode(episode_num="3", episode_name="Part 3", rating_key="5013")
    steps = [
        (0, one("play", episode(), view_offset="0")),
        (1300, one("watched", episode(), view_offset="1300000")),
        (1500, one("play", second, view_offset="0")),
        (1800, one("stop", second, view_offset="300000")),
    ]
    calls = await told(steps)
    assert [call.partition(" at ")[0] for call in calls] == [
        "alice: start Example Show S01E02",
        "alice: stop Example Show S01E02",
        "alice: start Example Show S01E03",
        "alice: stop Example Show S01E03",
    ]
