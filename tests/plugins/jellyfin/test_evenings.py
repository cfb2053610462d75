"""Whole evenings at Jellyfin, as sequences of requests (players.md 2.4)."""

from typing import Literal

import pytest

from scrobbler.api import PlayerEvent
from scrobbler.api.testkit import check_events
from scrobbler_plugins.jellyfin.parse import parse
from tests.kit.servers import JellyfinEvening, jellyfin_episode, jellyfin_movie
from tests.plugins.jellyfin.kit import request_of

SHORT = jellyfin_movie(RunTimeTicks=60 * 10_000_000)


def events_of(evening: JellyfinEvening) -> list[PlayerEvent]:
    """Parse an evening."""
    events = [event for step in evening.steps for event in parse(request_of(step.content_type, step.body)).events]
    check_events(events)
    return events


def test_film_watched_through() -> None:
    """Start, a tick each second, a check-in every ten, one stop at the end."""
    events = events_of(JellyfinEvening().watched_through(SHORT))
    assert [event.kind for event in events] == ["play", *["progress"] * 60, "stop"]
    assert [event.position_ms for event in events if event.kind == "progress" and event.observed] == [
        10_000,
        20_000,
        30_000,
        40_000,
        50_000,
        60_000,
    ]
    assert events[-1].position_ms == 60_000


def test_timer_without_its_mark_stops_counting_when_the_client_is_dead() -> None:
    """Where `IsAutomated` is never true, the age of the check-in tells who speaks."""
    evening = JellyfinEvening(marks_timer=False).start(SHORT).plays(SHORT, 20).plays(SHORT, 20, client=False)
    positions = [event.position_ms for event in events_of(evening) if event.observed]
    assert max(position for position in positions if position is not None) < 25_000


@pytest.mark.parametrize("marks_timer", [True, False])
def test_ghost_stop_is_not_observed(*, marks_timer: bool) -> None:
    """A stop that the server makes up ten minutes late carries the timer's position, and says so here."""
    evening = JellyfinEvening(marks_timer=marks_timer).start(SHORT).plays(SHORT, 20).ghost_stop(SHORT, tick_s=10)
    last = events_of(evening)[-1]
    assert (last.kind, last.position_ms, last.observed) == ("stop", 620_000, False)


def test_pause_resume_and_seek() -> None:
    """Pause and seek are progress events of the client; each is observed."""
    film = jellyfin_movie()
    evening = JellyfinEvening().start(film, 30_000).plays(film, 10).pause(film).seek(film, 600_000).stop(film)
    events = events_of(evening)
    assert [(event.kind, event.position_ms) for event in events if event.observed] == [
        ("play", 30_000),
        ("progress", 40_000),
        ("pause", 40_000),
        ("progress", 40_000),
        ("progress", 600_000),
        ("stop", 600_000),
    ]


@pytest.mark.parametrize(("stops", "count"), [("sent", 2), ("left out", 1)])
def test_autoplay(stops: Literal["sent", "left out"], count: int) -> None:
    """The next episode starts on the same player, with or without a stop of the old one."""
    items = [jellyfin_episode(number, RunTimeTicks=20 * 10_000_000) for number in (1, 2)]
    events = events_of(JellyfinEvening().autoplay(items, stops))
    assert sum(event.kind == "stop" for event in events) == count
    assert len({event.player for event in events}) == 1
    assert [event.item_key for event in events if event.kind == "play"] == [item["ItemId"] for item in items]


def test_time_of_each_event_is_the_servers() -> None:
    """Every event carries the server's time, and the times never run backwards."""
    times = [event.at for event in events_of(JellyfinEvening().watched_through(SHORT))]
    known = [time for time in times if time is not None]
    assert len(known) == len(times)
    assert known == sorted(known)
