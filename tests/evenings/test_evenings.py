"""Whole evenings on virtual time: real request bodies in, the exact calls to Simkl out (rules.md rules 1, 4, 7, 11)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import HookPlugin, HookRequest, PlayerEvent
from scrobbler.daemon.replaying import Recording, replay
from scrobbler.hooks.multipart import FormReader
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from scrobbler.sources.registry import installed
from scrobbler_plugins.jellyfin.parse import parse as jellyfin_parse
from scrobbler_plugins.plex.parse import parse as plex_parse
from tests.kit.servers import (
    EVENING,
    JellyfinEvening,
    PlexEvening,
    Step,
    jellyfin_episode,
    jellyfin_movie,
    plex_episode,
    plex_movie,
)

pytestmark = pytest.mark.anyio

FILM = "The Example (2014)"
USERS = {"alice": ["alice"], "Parents": ["alice", "bob"]}


def _request(step: Step) -> HookRequest:
    kind, _, rest = step.content_type.partition(";")
    if kind != "multipart/form-data":
        return HookRequest(content_type=kind, body=step.body)
    reader = FormReader(rest.partition("boundary=")[2])
    reader.feed(step.body)
    return HookRequest(content_type=kind, form=reader.finish())


async def told(kind: str, evening: PlexEvening | JellyfinEvening, **policy: Any) -> list[str]:
    """Play an evening through the house; return what Simkl would be told, without the times."""
    plugin = installed()[kind].plugin
    assert plugin is not None
    assert issubclass(plugin, HookPlugin)
    events: list[PlayerEvent] = []
    for step in evening.steps:
        moment = EVENING + timedelta(seconds=step.after_s)
        events += [replace(event, at=moment) for event in _parse(kind, step)]
    options = plugin.Options(type=kind, users=dict(USERS))
    rules = Rules(
        accounts={
            "alice": AccountPolicy(account="alice", **policy),
            "bob": AccountPolicy(account="bob", movie_percent=95, episode_percent=95),
        }
    )
    lines: list[str] = []
    recording = Recording(events=events, options=options, traits=plugin.traits, rules=rules)
    await replay(recording, 0, lines.append)
    return [" ".join(line.split()[1:]) for line in lines]


def _parse(kind: str, step: Step) -> list[PlayerEvent]:
    if kind == "plex":
        return list(plex_parse(_request(step)).events)
    return list(jellyfin_parse(_request(step)).events)


async def test_a_film_at_plex_is_two_calls():
    """Watched through, the verdict at 90 %, the stop without an offset: a start and a stop at 100."""
    assert await told("plex", PlexEvening().watched_through(plex_movie())) == [
        f"alice: start {FILM} at 0 %",
        f"alice: stop {FILM} at 100 %",
    ]


async def test_a_film_at_plex_with_one_pause_is_four_calls():
    """One pause makes four calls, at the positions that Plex reported."""
    assert await told("plex", PlexEvening().watched_with_pause(plex_movie(), 1_800_000)) == [
        f"alice: start {FILM} at 0 %",
        f"alice: pause {FILM} at 30 %",
        f"alice: start {FILM} at 30 %",
        f"alice: stop {FILM} at 100 %",
    ]


@pytest.mark.parametrize("stops", ["sent", "left out"])
async def test_autoplay_at_plex_stops_each_episode_before_the_next_starts(stops: Any):
    """Rule 7, whether or not the client says stop."""
    evening = PlexEvening().autoplay([plex_episode(1), plex_episode(2)], stops)
    assert await told("plex", evening) == [
        "alice: start Example Show S01E01 at 0 %",
        "alice: stop Example Show S01E01 at 100 %",
        "alice: start Example Show S01E02 at 0 %",
        "alice: stop Example Show S01E02 at 100 %",
    ]


async def test_scrobble_and_stop_swapped_is_one_watch():
    """players.md 1.5: the stop overtakes the verdict."""
    calls = await told("plex", PlexEvening().watched_through(plex_movie(), "swapped"))
    assert [call for call in calls if "stop" in call or "history" in call][-1] == f"alice: stop {FILM} at 100 %"


async def test_skipped_credits_at_plex_change_nothing():
    """players.md 1.5: one more play after the verdict is an echo."""
    assert await told("plex", PlexEvening().credits_skipped(plex_movie())) == [
        f"alice: start {FILM} at 0 %",
        f"alice: stop {FILM} at 100 %",
    ]


async def test_trailers_before_a_film_are_no_plays():
    """Rule 14: pre-rolls and trailers reach nobody."""
    calls = await told("plex", PlexEvening().trailers_then(plex_movie()))
    assert calls == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 100 %"]


async def test_a_film_stopped_and_continued_at_plex_is_saved_and_then_watched():
    """Stopped at half, continued the next hour with a new play from the stored position."""
    evening = PlexEvening().stopped_at(plex_movie(), 3_000_000).wait(3600)
    evening.stopped_at(plex_movie(), 5_700_000, from_ms=3_000_000)
    assert await told("plex", evening) == [
        f"alice: start {FILM} at 0 %",
        f"alice: stop {FILM} at 50 %",
        f"alice: start {FILM} at 50 %",
        f"alice: stop {FILM} at 95 %",
    ]


async def test_parents_at_plex_are_two_accounts_with_their_own_thresholds():
    """One player, two accounts: each has its own calls."""
    evening = PlexEvening(account={"id": 7, "title": "Parents"}).stopped_at(plex_movie(), 5_400_000)
    assert sorted(await told("plex", evening)) == [
        f"alice: start {FILM} at 0 %",
        f"alice: stop {FILM} at 90 %",
        f"bob: pause {FILM} at 90 %",
        f"bob: start {FILM} at 0 %",
    ]


async def test_an_unmapped_user_at_plex_is_nobody():
    """Who is not mapped is ignored."""
    evening = PlexEvening(account={"id": 9, "title": "visitor"}).watched_through(plex_movie())
    calls = await told("plex", evening)
    assert all("nobody's" in call for call in calls)


async def test_a_film_at_jellyfin_is_two_calls_however_often_its_timer_ticks():
    """Rule 1: no heartbeat; thousands of progress events change nothing."""
    film = jellyfin_movie()
    assert await told("jellyfin", JellyfinEvening().watched_through(film)) == [
        f"alice: start {FILM} at 0 %",
        f"alice: stop {FILM} at 100 %",
    ]


async def test_autoplay_at_jellyfin_stops_each_episode_before_the_next_starts():
    """Rule 7: some clients report no stop in between; the last observed position counts."""
    evening = JellyfinEvening().autoplay([jellyfin_episode(1), jellyfin_episode(2)], "left out")
    calls = await told("jellyfin", evening)
    assert [call.split(" at ")[0] for call in calls] == [
        "alice: start Example Show S01E01",
        "alice: stop Example Show S01E01",
        "alice: start Example Show S01E02",
        "alice: stop Example Show S01E02",
    ]


@pytest.mark.parametrize("marks_timer", [True, False])
async def test_a_ghost_at_jellyfin_is_no_watch(marks_timer: Any):
    """players.md 2.4: the client dies at 75 %, the server counts on to 85 % and says completed."""
    film = jellyfin_movie()
    evening = JellyfinEvening(marks_timer=marks_timer)
    evening.start(film).plays(film, 4500).ghost_stop(film)
    calls = await told("jellyfin", evening)
    assert calls[0] == f"alice: start {FILM} at 0 %"
    assert calls[-1].startswith(f"alice: pause {FILM} at 75")
    assert len(calls) == 2


async def test_a_pause_at_jellyfin_is_found_in_its_progress_events():
    """players.md 2.4: pause and resume have no event of their own."""
    film = jellyfin_movie()
    evening = JellyfinEvening()
    evening.start(film).plays(film, 600).pause(film, 120).plays(film, 600).stop(film)
    assert [call.split(" at ")[0] for call in await told("jellyfin", evening)] == [
        f"alice: start {FILM}",
        f"alice: pause {FILM}",
        f"alice: start {FILM}",
        f"alice: stop {FILM}",
    ]


async def test_a_skip_to_the_end_at_jellyfin_is_no_watch():
    """Rule 4: seeked from 10 % to 92 %."""
    film = jellyfin_movie()
    evening = JellyfinEvening()
    evening.start(film).plays(film, 600).seek(film, 5_520_000).plays(film, 60).stop(film, completed=True)
    assert (await told("jellyfin", evening))[-1] == f"alice: pause {FILM} at 93 %"
