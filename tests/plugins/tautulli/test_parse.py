"""Notifications of Tautulli, filled from the template that we ship (players.md 1.9)."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, Facts, Ids, Movie, Show, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.testkit import Recorder, check_events, hook_request
from scrobbler_plugins.tautulli import Plugin
from scrobbler_plugins.tautulli.options import TautulliOptions
from scrobbler_plugins.tautulli.parse import VERSION, parse
from tests.kit.tautulli import TEMPLATE, episode, filled, film
from tests.plugins.tautulli.kit import one

AT = datetime.fromtimestamp(1772651733, UTC)


def test_event_carries_all_that_the_daemon_needs() -> None:
    """User, player, item, position, length, library, device and time come from the template's strings."""
    event = one("play", view_offset="745000")
    assert (event.kind, event.player, event.item_key) == ("play", "abc123-player:1234567", "0f0f0f0f/4001")
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert event.user == User(id="1234567", name="alice")
    assert (event.position_ms, event.duration_ms, event.nominal) == (745_000, 6_000_000, True)
    assert (event.library, event.device, event.skip, event.at) == ("Movies", "Living Room", None, AT)


def test_ids_of_an_episode_are_the_series() -> None:
    """Tautulli's ids of an episode belong to the series, the opposite of Plex's webhooks."""
    assert one("play", episode()).item == Episode(
        show=Show(title="Example Show", year=2019, ids=Ids(imdb="tt0000100", tmdb="9000100", tvdb="9300100")),
        season=1,
        number=2,
        title="Part 2",
        aired="2021-04-11",
    )


def test_what_is_absent_is_empty() -> None:
    """Empty strings, and parameters that were not filled, read as missing."""
    gone = {"year": "", "imdb_id": "", "themoviedb_id": "{themoviedb_id}", "duration_ms": "", "library_name": ""}
    event = one("play", film(**gone, player="", section_id="3"))
    assert event.item == Movie(title="The Example")
    assert (event.duration_ms, event.nominal, event.library, event.device) == (None, False, "3", None)


@pytest.mark.parametrize(
    ("action", "offset", "expected"),
    [
        ("play", "0", ("play", 0)),
        ("play", "", ("play", None)),
        ("resume", "60000", ("play", 60_000)),
        ("resume", "0", ("play", None)),
        ("pause", "60000", ("pause", 60_000)),
        ("stop", "60000", ("stop", 60_000)),
        ("stop", "0", ("stop", None)),
        ("watched", "5400000", ("watched", 5_400_000)),
        ("watched", "", ("watched", None)),
    ],
)
def test_kinds_and_positions(action: str, offset: str, expected: tuple[str, int | None]) -> None:
    """Each trigger is its kind; zero is a position at the beginning alone."""
    event = one(action, view_offset=offset)
    assert (event.kind, event.position_ms) == expected


@pytest.mark.parametrize("action", ["buffer", "error", "change", "intro", "credits", "created", "concurrent", ""])
def test_other_triggers_are_nothing(action: str) -> None:
    """Triggers that are no plays are understood and give no events."""
    assert parse(hook_request(json=filled(action))).events == []


@pytest.mark.parametrize(
    ("changes", "skip"),
    [
        ({}, None),
        ({"live": "1"}, "live_tv"),
        ({"section_id": "999999"}, "live_tv"),
        ({"guid": "tv.plex.xmltv://movie/The%20Example"}, "live_tv"),
        ({"preroll": "1", "media_type": "clip"}, "preroll"),
        ({"extra_type": "1", "media_type": "clip"}, "trailer"),
        ({"extra_type": "10"}, "extra"),
        ({"media_type": "clip"}, "extra"),
        ({"media_type": "track"}, "music"),
        ({"media_type": "photo"}, "photo"),
        ({"media_type": "thing"}, "unknown_type"),
        ({"guid": "com.plexapp.agents.none://9?lang=xn"}, "home_video"),
    ],
)
def test_what_is_no_play(changes: dict[str, str], skip: str | None) -> None:
    """Live TV, extras, pre-rolls, clips, music and photos are named as such (players.md 10)."""
    assert one("play", film(**changes)).skip == skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"season_num": "0", "episode_num": "0"}, (0, 0, False, None)),
        ({"season_num": "", "episode_num": "2"}, (None, 2, False, None)),
        ({"guid": "com.plexapp.agents.hama://anidb-17/1/2?lang=en"}, (None, 2, True, "17")),
        ({"guid": "com.plexapp.agents.hama://anidb-17/0/2?lang=en", "season_num": "0"}, (0, 2, True, "17")),
        ({"guid": "com.plexapp.agents.hama://anidb2-17/1/2?lang=en"}, (1, 2, False, None)),
        ({"guid": "com.plexapp.agents.hama://tvdb4-9300100/2/30", "season_num": "2"}, (None, 2, False, None)),
        ({"guid": "com.plexapp.agents.hama://tvdb6-9300100/2/30"}, (None, None, False, None)),
        ({"guid": "com.plexapp.agents.thetvdbdvdorder://9300100/1/2"}, (None, None, False, None)),
        ({"season_num": "2021", "episode_num": "411"}, (None, None, False, None)),
    ],
)
def test_numbers_of_an_episode(changes: dict[str, str], expected: tuple[int | None, ...]) -> None:
    """Season 0 is specials; numbers that count something else are left out or marked (players.md 1.7)."""
    item = one("play", episode(**changes)).item
    assert isinstance(item, Episode)
    assert (item.season, item.number, item.native, item.show.ids.anidb) == expected


def test_date_in_somebodys_own_format_is_left_out() -> None:
    """Tautulli prints dates as its settings say; only the usual form is read."""
    item = one("play", episode(air_date="11/04/2021")).item
    assert isinstance(item, Episode)
    assert item.aired is None


def test_name_with_quotes_and_user_without_a_plex_name() -> None:
    """Titles survive; where Tautulli knows no user name, its friendly name stands in."""
    event = one("play", film(title='12 "Angry" Men', username=""))
    assert isinstance(event.item, Movie)
    assert event.item.title == '12 "Angry" Men'
    assert event.user == User(id="1234567", name="Alice K")


def test_form_instead_of_json() -> None:
    """With another content type Tautulli sends the template's keys as a form."""
    fields = filled("stop", view_offset="60000")
    assert parse(hook_request(form=fields)).events == parse(hook_request(json=fields)).events


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", "not our template"),
        ("{scrobblerd_template}", "not our template"),
        ("x", "not a number"),
        ("0", f"is version 0, this daemon reads version {VERSION}.*again"),
        (str(VERSION + 1), "newer than this daemon.*update the daemon"),
    ],
)
def test_version_of_the_template_is_checked(version: str, words: str) -> None:
    """A template that is missing, older or newer is refused with what to do."""
    with pytest.raises(UnreadableError, match=words):
        parse(hook_request(json={**filled("play"), "scrobblerd_template": version}))


def test_shipped_template_is_of_this_version() -> None:
    """The template under docs is JSON, all strings, and carries the version that this code reads."""
    template = json.loads(TEMPLATE.read_text())
    assert template["scrobblerd_template"] == str(VERSION)
    assert all(isinstance(value, str) for value in template.values())


@pytest.mark.parametrize(
    ("body", "words"),
    [("no json", "not JSON"), ("[]", "not a JSON object"), ('"Test"', "not a JSON object"), ("{}", "not our template")],
)
def test_unreadable_content_says_what_is_wrong(body: str, words: str) -> None:
    """What cannot be understood is refused in one sentence that names the template."""
    with pytest.raises(UnreadableError, match=words):
        parse(hook_request(body=body, content_type="application/json"))


def test_notification_without_an_item() -> None:
    """A play of nothing is refused."""
    with pytest.raises(UnreadableError, match="no item"):
        parse(hook_request(json=filled("play", film(rating_key="", guid=""))))


def test_type_that_is_never_sent() -> None:
    """A content type that the template never has raises UnsupportedTypeError."""
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(body=b"<x/>", content_type="application/xml"))


@pytest.mark.anyio
async def test_path_is_known_without_asking_anybody() -> None:
    """The template names the file, so path filters work."""
    source = Plugin(TautulliOptions(type="tautulli"), Recorder().context)
    (event,) = source.parse(hook_request(json=filled("play")))
    assert await source.lookup(event) == Facts(path="/media/films/The Example (2014)/film.mkv")


@pytest.mark.anyio
async def test_check_names_template_and_address() -> None:
    """`doctor` says what to set up in Tautulli."""
    (result,) = await Plugin(TautulliOptions(type="tautulli"), Recorder("attic").context).check()
    assert result.good
    assert "/hooks/attic/" in result.advice
    assert "tautulli-template.json" in result.advice


TEXT = st.text(alphabet="at01-/:.é{& ", max_size=8)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.dictionaries(st.sampled_from(sorted(filled("play"))), TEXT | st.integers() | st.none() | st.lists(TEXT))
)
def test_odd_values_never_break_the_reading(changes: dict[str, object]) -> None:
    """Whatever stands in a field, the request is read or refused, and events keep the rules."""
    try:
        events = parse(hook_request(json={**filled("play", episode()), **changes})).events
    except UnreadableError:
        return
    check_events(event for event in events if event.skip is None)
