"""Evenings whose events come in the odd orders of real servers: nothing is counted twice, and nothing invented."""

import pytest

from tests.evenings.test_evenings import FILM, told
from tests.kit.servers import JellyfinEvening, PlexEvening, jellyfin_movie, plex_movie

pytestmark = pytest.mark.anyio

PLEX = plex_movie()
JELLYFIN = jellyfin_movie()


async def test_a_pause_at_the_end_and_then_nothing():
    """players.md 1.5: some clients pause directly before the end; the server's verdict makes it a watch, once."""
    evening = PlexEvening().event("media.play", PLEX).wait(5400).event("media.scrobble", PLEX)
    evening.wait(540).event("media.pause", PLEX, 5_940_000)
    assert await told("plex", evening) == [
        f"alice: start {FILM} at 0 %",
        f"alice: pause {FILM} at 99 %",
        f"alice: history {FILM} watched 2026-03-04T20:39:00Z",
    ]


@pytest.mark.parametrize("stops", [True, False])
async def test_a_long_pause_that_ends_in_a_new_play(*, stops: bool):
    """players.md 1.5: mobile clients end the session while paused, or drop it; it goes on as a new play."""
    evening = PlexEvening().event("media.play", PLEX).wait(2400).event("media.pause", PLEX, 2_400_000).wait(600)
    if stops:
        evening.event("media.stop", PLEX, 2_400_000)
    evening.wait(3600).event("media.play", PLEX, 2_400_000).wait(3600)
    evening.event("media.scrobble", PLEX).event("media.stop", PLEX)
    assert await told("plex", evening) == [
        f"alice: start {FILM} at 0 %",
        f"alice: pause {FILM} at 40 %",
        f"alice: start {FILM} at 40 %",
        f"alice: stop {FILM} at 100 %",
    ]


async def test_two_verdicts_of_one_evening():
    """players.md 1.5: who goes back a bit passes the threshold twice."""
    evening = PlexEvening().event("media.play", PLEX).wait(5400).event("media.scrobble", PLEX).wait(10)
    evening.event("media.play", PLEX, 5_000_000).wait(400).event("media.scrobble", PLEX).wait(600)
    evening.event("media.stop", PLEX)
    assert await told("plex", evening) == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 100 %"]


async def test_several_identical_stops():
    """players.md 2.4: several identical stops in a row occur."""
    evening = JellyfinEvening().start(JELLYFIN).plays(JELLYFIN, 6000, tick_s=60, check_in_s=60)
    for _ in range(3):
        evening.stop(JELLYFIN, completed=True).wait(1)
    assert await told("jellyfin", evening) == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 100 %"]


@pytest.mark.parametrize(("resumed_ms", "percent"), [(0, 0), (3_000_000, 50)])
async def test_playback_that_fails_to_start(resumed_ms: int, percent: int):
    """players.md 2.4: a stop at 0 that says "completed" is no watch, and overwrites no resume point."""
    evening = JellyfinEvening().start(JELLYFIN, at_ms=resumed_ms).wait(0.3)
    evening.event("PlaybackStop", JELLYFIN, position_ms=0, PlayedToCompletion=True)
    assert await told("jellyfin", evening) == [
        f"alice: start {FILM} at {percent} %",
        f"alice: stop {FILM} at {percent} %",
    ]


async def test_user_data_in_between():
    """players.md 2.4: each check-in saves user data, with a position of 0 once it is played; only a click is a mark."""
    evening = (
        JellyfinEvening().start(JELLYFIN).event("UserDataSaved", JELLYFIN, SaveReason="PlaybackStart", Played=False)
    )
    evening.plays(JELLYFIN, 5940, tick_s=60, check_in_s=60)
    evening.event("UserDataSaved", JELLYFIN, SaveReason="PlaybackFinished", Played=True, position_ms=0)
    evening.stop(JELLYFIN, completed=True)
    assert await told("jellyfin", evening) == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 99 %"]
