"""Whole evenings of Emby on virtual time: what it sends in, what Simkl is told out (rules.md rules 1, 4, 7)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from scrobbler.api import PlayerEvent
from scrobbler.api.servers.mediabrowser.sessions import Tracker, read_list
from scrobbler.api.testkit import check_events
from scrobbler.daemon.replaying import Recording, replay
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from scrobbler_plugins.emby import Plugin
from scrobbler_plugins.emby.parse import parse
from tests.kit.emby import EMBY_USER, EmbyEvening, emby_episode, emby_movie
from tests.kit.servers import EVENING
from tests.kit.session_servers import jellyfin_session, later
from tests.plugins.emby.kit import request_of

pytestmark = pytest.mark.anyio
FILM = "The Example (2014)"


async def told(events: Sequence[PlayerEvent]) -> list[str]:
    """Play events through the house; return what Simkl would be told, without the times."""
    check_events(events)
    lines: list[str] = []
    recording = Recording(
        events=list(events),
        options=Plugin.Options(type="emby", users={"alice": "alice"}),
        traits=Plugin.traits,
        rules=Rules(accounts={"alice": AccountPolicy(account="alice")}),
    )
    await replay(recording, 0, lines.append)
    return [" ".join(line.split()[1:]) for line in lines]


def heard(evening: EmbyEvening) -> list[PlayerEvent]:
    """Parse an evening of webhooks, each at its own time."""
    return [
        replace(event, at=EVENING + timedelta(seconds=step.after_s))
        for step in evening.steps
        for event in parse(request_of(step.content_type, step.body)).events
    ]


@pytest.mark.parametrize("sent_as", ["json", "multipart", "form"])
@pytest.mark.parametrize("stop", ["position", "flag"])
async def test_a_film_is_two_calls(
    sent_as: Literal["json", "multipart", "form"], stop: Literal["position", "flag"]
) -> None:
    """Watched through, with a position at the end or the flag alone: a start and a stop at 100."""
    evening = EmbyEvening(sent_as=sent_as).watched_through(emby_movie(), stop=stop)
    assert await told(heard(evening)) == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 100 %"]


async def test_a_flag_that_time_forbids_is_no_watch() -> None:
    """`PlayedToCompletion` after a minute, without a position, proves nothing (players.md 11)."""
    done = {"PlayedToCompletion": True}
    evening = EmbyEvening().event("playback.start", emby_movie()).wait(60)
    evening.event("playback.stop", emby_movie(), PlaybackInfo=done)
    assert not [call for call in await told(heard(evening)) if "history" in call or "at 100 %" in call]


async def test_one_pause_is_four_calls() -> None:
    """A pause and a resume, at the positions that Emby told."""
    assert await told(heard(EmbyEvening().watched_with_pause(emby_movie(), 1_800_000))) == [
        f"alice: start {FILM} at 0 %",
        f"alice: pause {FILM} at 30 %",
        f"alice: start {FILM} at 30 %",
        f"alice: stop {FILM} at 100 %",
    ]


async def test_two_episodes_in_a_row() -> None:
    """Each episode is stopped before the next one starts."""
    evening = EmbyEvening().watched_through(emby_episode(1)).wait(5).watched_through(emby_episode(2))
    assert await told(heard(evening)) == [
        "alice: start Example Show S01E01 at 0 %",
        "alice: stop Example Show S01E01 at 100 %",
        "alice: start Example Show S01E02 at 0 %",
        "alice: stop Example Show S01E02 at 100 %",
    ]


def session(seconds: int, said: int) -> dict[str, Any]:
    """Return the session of a film at a position, whose client spoke so long into the evening."""
    return jellyfin_session(
        emby_movie(),
        position_ms=seconds * 1000,
        said_at=later(said),
        UserId=EMBY_USER,
        LastPlaybackCheckIn=None,
    )


def listened(lists: Sequence[tuple[int, list[dict[str, Any]]]]) -> list[PlayerEvent]:
    """Compare lists of sessions, each at its own time."""
    tracker = Tracker(counts_on=False)
    return [
        replace(event, at=later(second))
        for second, sessions in lists
        for event in tracker.follow(read_list(json.dumps(sessions)), later(second))
    ]


async def test_a_film_by_sessions_is_two_calls() -> None:
    """Lists every ten seconds until the item is gone: a start, and a stop near the end."""
    lists = [(second, [session(second, second)]) for second in range(0, 6000, 10)]
    calls = await told(listened([*lists, (6000, [])]))
    assert calls == [f"alice: start {FILM} at 0 %", f"alice: stop {FILM} at 99.83 %"]


async def test_a_client_that_dies_is_judged_by_its_own_last_word() -> None:
    """The server counts on for ten minutes; the play ends where the client last was."""
    alive = [(second, [session(second, second)]) for second in range(0, 3000, 10)]
    dead = [(second, [session(second, 2990)]) for second in range(3000, 3600, 10)]
    calls = await told(listened([*alive, *dead, (3600, [])]))
    assert calls[0] == f"alice: start {FILM} at 0 %"
    assert calls[-1] == f"alice: pause {FILM} at 49.83 %"
    assert len(calls) == 2
