"""Webhooks of Emby, one by one (players.md 3.2 to 3.4)."""

import json
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, Ids, Movie, Show, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.servers.mediabrowser.sessions import Told
from scrobbler.api.testkit import check_events, hook_request
from scrobbler_plugins.emby.parse import parse
from tests.kit.emby import EMBY_FILM, EMBY_SERIES, EMBY_USER, emby_episode, emby_movie, emby_payload
from tests.kit.servers import EVENING
from tests.plugins.emby.kit import events_of, one


@pytest.mark.parametrize("sent_as", ["json", "multipart", "form"])
def test_event_carries_all_that_the_daemon_needs(sent_as: Literal["json", "multipart", "form"]) -> None:
    """Whichever form Emby sends, it reads the same: player, user, item, position, length, device, time (3.2)."""
    event = one("playback.start", position_ms=745_000, sent_as=sent_as)
    assert event.kind == "play"
    assert event.player == f"dev-0009:{EMBY_USER}"
    assert event.item_key == EMBY_FILM
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert event.user == User(id=EMBY_USER, name="alice")
    assert (event.position_ms, event.observed, event.duration_ms) == (745_000, True, 6_000_000)
    assert (event.device, event.skip, event.at) == ("Firefox", None, EVENING)


def test_json_under_the_forms_type() -> None:
    """JSON that somebody's proxy labels as a form is read as JSON."""
    body = json.dumps(emby_payload("playback.start"))
    request = hook_request(body=body, content_type="application/x-www-form-urlencoded")
    assert [event.kind for event in parse(request).events] == ["play"]


def test_ids_of_an_episode_are_the_episodes() -> None:
    """`ProviderIds` and the year belong to the episode; nothing of them reaches the series (3.3)."""
    assert one("playback.start", emby_episode()).item == Episode(
        show=Show(title="Example Show"),
        season=1,
        number=2,
        title="Part 2",
        ids=Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002"),
        aired="2021-04-11",
    )


def test_ids_of_the_series_where_a_server_sends_them() -> None:
    """`SeriesProviderIds` go to the series alone (3.3)."""
    item = one("playback.start", emby_episode(SeriesProviderIds={"TVDB": "9300100"}, ProviderIds=[])).item
    assert isinstance(item, Episode)
    assert item.show.ids == Ids(tvdb="9300100")
    assert item.ids == Ids()


def test_file_and_series_are_told_beside_the_event() -> None:
    """What the event has no room for is handed out for the look-up."""
    path = "\\\\nas\\tv\\Example Show\\S01E02.mkv"
    parsed = parse(hook_request(json=emby_payload("playback.start", emby_episode(Path=path))))
    assert parsed.told == Told(series_id=EMBY_SERIES, path=path, user_id=EMBY_USER)


@pytest.mark.parametrize(
    ("providers", "ids"),
    [
        ([], Ids()),
        (None, Ids()),
        ({}, Ids()),
        ({"IMDB": "tt0000009", "tmdb": "603"}, Ids(imdb="tt0000009", tmdb="603")),
        ({"Imdb": "https://www.imdb.com/title/tt0000009/", "Tmdb": ""}, Ids(imdb="tt0000009")),
        ({"AniDb": "17", "AniList": 18, "TvRage": "20"}, Ids(anidb="17", anilist="18")),
        ("junk", Ids()),
    ],
)
def test_provider_ids_in_any_shape(providers: object, ids: Ids) -> None:
    """Ids may be an empty list, missing, junk, and have keys in any case (3.3)."""
    item = one("playback.start", {**emby_movie(ProviderIds=None), "ProviderIds": providers}).item
    assert isinstance(item, Movie)
    assert item.ids == ids


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"IndexNumberEnd": 3}, (1, 2, 3)),
        ({"IndexNumberEnd": 2}, (1, 2, None)),
        ({"ParentIndexNumber": 0, "IndexNumber": 0}, (0, 0, None)),
        ({"ParentIndexNumber": None}, (None, 2, None)),
        ({"IndexNumber": None, "IndexNumberEnd": 4}, (1, None, None)),
    ],
)
def test_numbers_of_an_episode(changes: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    """Season and episode 0 are numbers, what is missing is unknown, a last number makes a run."""
    item = one("playback.start", emby_episode(**changes)).item
    assert isinstance(item, Episode)
    assert (item.season, item.number, item.last_number) == expected


@pytest.mark.parametrize(
    ("name", "position_ms", "flag", "expected"),
    [
        ("playback.start", 0, False, ("play", 0)),
        ("playback.start", None, False, ("play", None)),
        ("playback.start", 60_000, False, ("play", 60_000)),
        ("playback.pause", 60_000, False, ("pause", 60_000)),
        ("playback.pause", 0, False, ("pause", None)),
        ("playback.unpause", 60_000, False, ("play", 60_000)),
        ("playback.unpause", 0, False, ("play", None)),
        ("playback.stop", 60_000, True, ("stop", 60_000)),
        ("playback.stop", 0, False, ("stop", None)),
        ("playback.stop", None, False, ("stop", None)),
        ("playback.stop", None, True, ("end", None)),
        ("Playback.Stop", 0, True, ("end", None)),
    ],
)
def test_kinds_and_positions(
    name: str, position_ms: int | None, expected: tuple[str, int | None], *, flag: bool
) -> None:
    """Missing is not zero; the flag counts as a natural end only where no position speaks (3.3, 11)."""
    ticks = {} if position_ms is None else {"PositionTicks": position_ms * 10_000}
    event = one(name, PlaybackInfo={"PlayedToCompletion": flag, **ticks})
    assert (event.kind, event.position_ms) == expected


def test_start_without_playback_info() -> None:
    """Some starts have no `PlaybackInfo`: the position is unknown."""
    assert one("playback.start", PlaybackInfo=None).position_ms is None


def test_encoders_progress_is_not_a_position() -> None:
    """`TranscodingInfo.CompletionPercentage` is the encoder's, not the policy's (3.3)."""
    event = one("playback.pause", position_ms=None, TranscodingInfo={"CompletionPercentage": 99.0})
    assert event.position_ms is None


@pytest.mark.parametrize("item", [emby_movie(), emby_episode()])
def test_mark_by_hand(item: dict[str, Any]) -> None:
    """A film or an episode marked as played is a mark, on no player."""
    event = one("item.markplayed", item, Session=None, PlaybackInfo=None)
    assert (event.kind, event.player, event.position_ms) == ("marked", f"by-hand:{EMBY_USER}", None)


@pytest.mark.parametrize("kind", ["Season", "Series"])
def test_mark_on_a_parent_is_left_to_its_episodes(kind: str) -> None:
    """A season or series marked as played never becomes a watch by itself; its episodes, if told, do (3.4)."""
    assert events_of("item.markplayed", emby_episode(Type=kind)) == []


@pytest.mark.parametrize(
    "name", ["item.markunplayed", "item.rate", "library.new", "system.notificationtest", "playback.scrobble"]
)
def test_other_events_are_understood_and_nothing(name: str) -> None:
    """Events that are no plays give no events, with or without an item."""
    assert events_of(name) == []
    assert parse(hook_request(json={"Event": name, "Server": {"Id": "1"}})).events == []


def test_nearly_empty_test_message() -> None:
    """The test of old versions, which is nearly empty, is understood (3.2)."""
    assert parse(hook_request(json={"Title": "Test Notification"})).events == []


@pytest.mark.parametrize(
    ("changes", "skip"),
    [
        ({"Type": "Audio"}, "music"),
        ({"Type": "MusicVideo"}, "music"),
        ({"Type": "Video"}, "home_video"),
        ({"Type": "Trailer"}, "trailer"),
        ({"Type": "TvChannel"}, "live_tv"),
        ({"Type": "Program"}, "live_tv"),
        ({"Type": "Recording"}, "live_tv"),
        ({"ChannelId": "7"}, "live_tv"),
        ({"ExtraType": "BehindTheScenes"}, "extra"),
        ({"ExtraType": "Trailer"}, "trailer"),
        ({"ExtraType": "ThemeVideo"}, "theme"),
        ({"Type": "Game"}, "unknown_type"),
        ({}, None),
    ],
)
def test_what_is_no_play(changes: dict[str, Any], skip: str | None) -> None:
    """Music, live TV, trailers, extras and home videos are named as such (3.3, 10)."""
    assert one("playback.start", emby_movie(**changes)).skip == skip


def test_event_without_a_user() -> None:
    """A webhook that is limited to no user may lack it: then nobody is named (3.1)."""
    event = one("playback.start", User=None)
    assert event.user is None
    assert event.player == "dev-0009:"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (hook_request(body="no json", content_type="application/json"), "not JSON"),
        (hook_request(json=[1]), "not a JSON object"),
        (hook_request(form={"payload": "{}"}), "no field `data`"),
        (hook_request(json={"Item": {"Id": "1"}}), "no `Event`"),
        (hook_request(json={}), "no `Event`"),
        (hook_request(json={"Event": "playback.start", "Item": {}}), "without an item"),
    ],
)
def test_unreadable_content_says_what_is_wrong(request_: Any, words: str) -> None:
    """What cannot be understood is refused in one sentence."""
    with pytest.raises(UnreadableError, match=words):
        parse(request_)


def test_type_that_emby_never_sends() -> None:
    """A content type that Emby never sends raises UnsupportedTypeError."""
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(body=b"<x/>", content_type="application/xml"))


TEXT = st.text(alphabet="at01-/:.é{& ", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    top=st.dictionaries(st.sampled_from(sorted(emby_payload(""))), JSON),
    inner=st.dictionaries(st.sampled_from(sorted(emby_episode())), JSON),
)
def test_odd_values_never_break_the_reading(top: dict[str, Any], inner: dict[str, Any]) -> None:
    """Whatever stands in a field, the request is read or refused, and events keep the rules."""
    payload = {**emby_payload("playback.pause", {**emby_episode(), **inner}), **top}
    try:
        events = parse(hook_request(json=payload)).events
    except UnreadableError:
        return
    check_events(event for event in events if event.skip is None)
