"""Requests of Jellyfin's webhook plugin, one by one (players.md 2.1 to 2.5)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, HookRequest, Ids, Movie, Show, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.testkit import check_events, hook_request
from scrobbler_plugins.jellyfin.parse import parse
from tests.kit.servers import (
    EVENING,
    JELLYFIN_EPISODE,
    JELLYFIN_FILM,
    JELLYFIN_SERIES,
    JELLYFIN_USER,
    jellyfin_episode,
    jellyfin_movie,
    jellyfin_payload,
)
from tests.plugins.jellyfin.kit import events_of, one

STAMP = "%Y-%m-%dT%H:%M:%S.%f1Z"


def test_event_carries_all_that_the_daemon_needs() -> None:
    """Player and user, item, position, length, device and time come from the payload."""
    event = one("PlaybackStart", position_ms=745_000)
    assert event.kind == "play"
    assert event.player == f"dev-0001:{JELLYFIN_USER}"
    assert event.item_key == JELLYFIN_FILM
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert event.user == User(id=JELLYFIN_USER, name="alice")
    assert (event.position_ms, event.observed) == (745_000, True)
    assert (event.duration_ms, event.nominal) == (6_000_000, False)
    assert (event.device, event.library, event.skip) == ("Living Room", None, None)
    assert event.at == EVENING


def test_ids_of_an_episode_are_the_episodes_and_the_year_is_the_series() -> None:
    """`Provider_*` belongs to the episode, `Year` to the series, `PremiereDate` to the episode (2.5 items 1 and 2)."""
    assert one("PlaybackStart", jellyfin_episode()).item == Episode(
        show=Show(title="Example Show", year=2019),
        season=1,
        number=2,
        title="Part 2",
        ids=Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002"),
        aired="2021-04-11",
    )


def test_series_of_an_episode_is_told_beside_the_event() -> None:
    """The series' id of Jellyfin is handed out for the look-up (2.5 item 1)."""
    assert (
        parse(hook_request(json=jellyfin_payload("PlaybackStart", jellyfin_episode()))).told.series_id
        == JELLYFIN_SERIES
    )


def test_year_of_a_series_from_its_premiere() -> None:
    """A series without `Year` still has one in its premiere."""
    item = one("PlaybackStart", jellyfin_episode(Year=None)).item
    assert isinstance(item, Episode)
    assert item.show.year == 2019


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"EpisodeNumberEnd": 3}, (1, 2, 3)),
        ({"EpisodeNumberEnd": 2}, (1, 2, None)),
        ({"EpisodeNumberEnd": ""}, (1, 2, None)),
        ({"SeasonNumber": None}, (None, 2, None)),
        ({"SeasonNumber": 0, "EpisodeNumber": 0}, (0, 0, None)),
        ({"EpisodeNumber": None, "EpisodeNumberEnd": 3}, (1, None, None)),
        ({"SeasonNumber": "", "EpisodeNumber": ""}, (None, None, None)),
        ({"SeasonNumber": "01", "EpisodeNumber": "02"}, (1, 2, None)),
    ],
)
def test_numbers_of_an_episode(changes: dict[str, Any], expected: tuple[int | None, int | None, int | None]) -> None:
    """Season 0 is specials, a missing season is unknown, a last number makes a run (2.5 items 3 and 4)."""
    item = one("PlaybackStart", jellyfin_episode(**changes)).item
    assert isinstance(item, Episode)
    assert (item.season, item.number, item.last_number) == expected


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"Provider_imdb": None, "Provider_tmdb": None}, Ids()),
        ({"Provider_imdb": "", "Provider_tmdb": ""}, Ids()),
        ({"Provider_imdb": "tt0000009/", "Provider_tmdb": " 603/ "}, Ids(imdb="tt0000009", tmdb="603")),
        (
            {"Provider_imdb": "https://www.imdb.com/title/tt0000009/", "Provider_tmdb": "https://x/603"},
            Ids(imdb="tt0000009"),
        ),
        ({"Provider_imdb": "9", "Provider_tmdb": "0"}, Ids()),
        (
            {"provider_anidb": "17", "PROVIDER_ANILIST": "18", "Provider_kitsu": "19", "Provider_tvrage": "20"},
            Ids(imdb="tt0000009", tmdb="9100009", anidb="17", anilist="18", kitsu="19"),
        ),
        ({"Provider_imdb": 5, "Provider_tmdb": 603, "Provider_tmdbcollection": "7"}, Ids(tmdb="603")),
        ({"Provider_imdb": None, "Provider_tmdb": ["1"]}, Ids()),
    ],
)
def test_provider_ids_are_cleaned(changes: dict[str, Any], ids: Ids) -> None:
    """Ids may be missing, empty or junk, and keys in any case (2.2, 2.5 items 5 and 6)."""
    item = one("PlaybackStart", jellyfin_movie(**changes)).item
    assert isinstance(item, Movie)
    assert item.ids == ids


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("PlaybackStart", {}, "play"),
        ("playbackstart", {}, "play"),
        ("PlaybackProgress", {}, "progress"),
        ("PlaybackProgress", {"IsPaused": True}, "pause"),
        ("PlaybackProgress", {"IsPaused": "True"}, "pause"),
        ("PlaybackProgress", {"IsPaused": "False"}, "progress"),
        ("PlaybackProgress", {"IsPaused": None}, "progress"),
        ("PlaybackStop", {}, "stop"),
        ("UserDataSaved", {"SaveReason": "TogglePlayed", "Played": True}, "marked"),
        ("UserDataSaved", {"SaveReason": "TogglePlayed", "Played": "True"}, "marked"),
    ],
)
def test_each_notification_has_its_kind(kind: str, changes: dict[str, Any], expected: str) -> None:
    """The notifications map to our kinds; pause has none of its own (2.4)."""
    assert one(kind, **changes).kind == expected


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("UserDataSaved", {"SaveReason": "TogglePlayed", "Played": False}),
        ("UserDataSaved", {"SaveReason": "PlaybackFinished", "Played": True}),
        ("UserDataSaved", {"SaveReason": "PlaybackProgress", "Played": True}),
        ("UserDataSaved", {"SaveReason": "Import", "Played": True}),
        ("UserDataSaved", {"Played": True}),
        ("ItemAdded", {}),
        ("AuthenticationSuccess", {}),
        ("", {}),
    ],
)
def test_other_notifications_are_nothing_of_ours(kind: str, changes: dict[str, Any]) -> None:
    """Only a click on "played" is a mark; everything else is understood and left (2.4)."""
    assert events_of(kind, **changes) == []


def test_mark_has_no_position_and_a_player_of_its_own() -> None:
    """A mark is no playback: it neither has a position nor ends what plays on a device."""
    event = one("UserDataSaved", SaveReason="TogglePlayed", Played=True, position_ms=5000, DeviceId=None)
    assert event.position_ms is None
    assert event.player == f"by-hand:{JELLYFIN_USER}"


@pytest.mark.parametrize(
    "payload",
    [
        {"ServerId": "aa", "NotificationType": "PlaybackStart", "ItemType": "Movie"},
        {"NotificationType": "Generic", "Name": "Test"},
        {"Name": "Test"},
        {},
    ],
)
def test_message_of_the_test_button_is_understood(payload: dict[str, Any]) -> None:
    """A test message, or one without a notification type, gives no event and no error."""
    assert parse(hook_request(json=payload)).events == []


def test_another_plugin_of_a_like_name_is_refused() -> None:
    """A plugin called Webhooks speaks another language (2.1): it is told so, and not taken for somebody who tests."""
    with pytest.raises(UnreadableError, match="another plugin"):
        parse(hook_request(json={"Event": "Play", "Item": {"Name": "Sintel"}, "User": {"Name": "alice"}}))


@pytest.mark.parametrize(
    ("kind", "position", "expected"),
    [
        ("PlaybackStart", 0, 0),
        ("PlaybackStart", None, None),
        ("PlaybackStart", "", None),
        ("PlaybackStart", 7_450_000_000, 745_000),
        ("PlaybackStart", "7450000000", 745_000),
        ("PlaybackProgress", 0, None),
        ("PlaybackProgress", 7_450_000_000, 745_000),
        ("PlaybackStop", 0, None),
        ("PlaybackStop", None, None),
        ("PlaybackStop", -1, None),
        ("PlaybackStop", 7_450_000_000, 745_000),
    ],
)
def test_position_zero_is_unknown_after_the_beginning(kind: str, position: object, expected: int | None) -> None:
    """The plugin writes 0 for "the client gave none": only at a start that is a position (2.2, 2.4)."""
    assert one(kind, PlaybackPositionTicks=position).position_ms == expected


def test_position_as_a_clock() -> None:
    """A template may carry the clock time alone."""
    event = one("PlaybackStop", PlaybackPositionTicks=None, PlaybackPosition="00:12:25")
    assert event.position_ms == 745_000
    assert one("PlaybackStart", PlaybackPositionTicks=None, PlaybackPosition="00:00:00").position_ms == 0


def test_played_to_completion_proves_nothing() -> None:
    """A stop without position that says "completed" stays a stop at an unknown position (players.md 11)."""
    event = one("PlaybackStop", PlayedToCompletion=True)
    assert (event.kind, event.position_ms) == ("stop", None)


@pytest.mark.parametrize(
    ("ticks", "runtime", "expected"),
    [(15_000_000_000, None, 1_500_000), ("15000000000", None, 1_500_000), (0, None, None), (0, "00:25:00", 1_500_000)],
)
def test_length_zero_is_unknown(ticks: object, runtime: object, expected: int | None) -> None:
    """A runtime of 0 is no runtime (2.2)."""
    assert one("PlaybackStart", jellyfin_movie(RunTimeTicks=ticks, RunTime=runtime)).duration_ms == expected


@pytest.mark.parametrize(
    ("kind", "automated", "age_s", "observed"),
    [
        ("PlaybackProgress", False, 0, True),
        ("PlaybackProgress", True, 0, False),
        ("PlaybackProgress", "True", 0, False),
        ("PlaybackProgress", "False", 0, True),
        ("PlaybackProgress", None, None, True),
        ("PlaybackProgress", False, 3, True),
        ("PlaybackProgress", False, 30, False),
        ("PlaybackStop", False, 30, True),
        ("PlaybackStop", False, 400, False),
        ("PlaybackStop", None, None, True),
    ],
)
def test_who_says_the_position(kind: str, automated: object, age_s: float | None, *, observed: bool) -> None:
    """The timer's positions are extrapolated, marked or not; so is a stop that the server makes up (2.4)."""
    check_in = None if age_s is None else (EVENING - timedelta(seconds=age_s)).strftime(STAMP)
    event = one(kind, position_ms=5000, IsAutomated=automated, LastPlaybackCheckIn=check_in)
    assert event.observed is observed


def test_pause_without_a_check_in_time_is_observed() -> None:
    """The timer rests in a pause, so a pause is always the client's word; a default date is no time."""
    assert one("PlaybackProgress", IsPaused=True, LastPlaybackCheckIn="2020-01-01T00:00:00Z").observed
    assert one("PlaybackProgress", LastPlaybackCheckIn="0001-01-01T00:00:00.0000000Z").observed


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-03-04T19:15:33.1234567Z", datetime(2026, 3, 4, 19, 15, 33, 123456, UTC)),
        ("2026-03-04T20:15:33.1234567+01:00", datetime(2026, 3, 4, 19, 15, 33, 123456, UTC)),
        ("2026-03-04T20:15:33&#43;01:00", datetime(2026, 3, 4, 19, 15, 33, tzinfo=UTC)),
        ("3/4/2026 7:15:33 PM", None),
        ("04.03.2026 19:15:33", None),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59.9999999-05:00", None),
        ("", None),
        (5, None),
    ],
)
def test_time_of_the_server(stamp: object, expected: datetime | None) -> None:
    """The server's UTC time is taken, a date in its culture is not guessed (2.3, 2.5 item 10)."""
    assert one("PlaybackStart", UtcTimestamp=stamp).at == expected


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Lilo &amp; Stitch", "Lilo & Stitch"),
        ("&lt;Am&#233;lie&gt;", "<Amélie>"),
        ("It&#39;s &quot;It&quot; &apos;", "It's \"It\" '"),
        ("&#x1F3AC; &#X41;", "🎬 A"),
        ("&amp;amp;", "&amp;"),
        ("AT&T; &nbsp; &#; &", "AT&T; &nbsp; &#; &"),
        ("A&#0;&#xD800;&#9999999;", "A���"),
    ],
)
def test_title_that_was_escaped_for_html(written: str, title: str) -> None:
    """What a template escapes reads like the plain title, once; what stands for no character breaks nothing (2.3)."""
    item = one("PlaybackStart", Name=written).item
    assert isinstance(item, Movie)
    assert item.title == title


@pytest.mark.parametrize(
    ("item_type", "skip"),
    [
        ("Movie", None),
        ("Episode", None),
        ("episode", None),
        ("Audio", "music"),
        ("MusicAlbum", "music"),
        ("MusicVideo", "music"),
        ("Video", "home_video"),
        ("Trailer", "trailer"),
        ("LiveTvProgram", "live_tv"),
        ("LiveTvChannel", "live_tv"),
        ("Season", "unknown_type"),
        ("Book", "unknown_type"),
        (None, "unknown_type"),
    ],
)
def test_what_is_no_play(item_type: str | None, skip: str | None) -> None:
    """Only films and episodes are ours (players.md 10)."""
    assert one("PlaybackStart", jellyfin_movie(ItemType=item_type)).skip == skip


def test_names_with_quotes_are_escaped_twice_by_the_plugin() -> None:
    """A decoded backslash before a quote is taken away again in names, and in names alone (2.3)."""
    film = jellyfin_movie(Name='12 \\"Angry\\" Men')
    event = one("PlaybackStart", film, DeviceName='The \\"big\\" TV')
    assert isinstance(event.item, Movie)
    assert event.item.title == '12 "Angry" Men'
    assert event.device == 'The "big" TV'
    episode = one("PlaybackStart", jellyfin_episode(SeriesName='\\"Show\\"')).item
    assert isinstance(episode, Episode)
    assert episode.show.title == '"Show"'


def test_keys_in_any_case() -> None:
    """Keys compare case-insensitively (2.2)."""
    payload = {key.upper(): value for key, value in jellyfin_payload("PlaybackStart", jellyfin_episode()).items()}
    assert parse(hook_request(json=payload)).events == [one("PlaybackStart", jellyfin_episode())]


def test_ids_with_dashes_are_the_same_ids() -> None:
    """Ids read alike with and without dashes, in either case (2.3)."""
    dashed = "DDDD0000-DDDD-0000-DDDD-0000DDDD0004"
    event = one("PlaybackStart", jellyfin_episode(ItemId="{BBBB0000-bbbb-0000-bbbb-0000bbbb0002}"), UserId=dashed)
    assert (event.item_key, event.user) == (JELLYFIN_EPISODE, User(id=JELLYFIN_USER, name="alice"))


def test_each_user_of_a_session_is_a_player_of_their_own() -> None:
    """SyncPlay posts once per user: same device, same item, two players (2.4)."""
    other = one("PlaybackStart", UserId="d" * 32, NotificationUsername="bob")
    assert other.player != one("PlaybackStart").player
    assert other.item_key == one("PlaybackStart").item_key
    assert one("PlaybackStart", UserId=None, NotificationUsername="Bob").player == "dev-0001:bob"


def test_event_without_user_and_device() -> None:
    """Without user data there is no user, and still a player (2.5 item 8)."""
    event = one("PlaybackStart", UserId=None, NotificationUsername=None, DeviceId=None, Id="c" * 32)
    assert event.user is None
    assert event.player == "c" * 32 + ":"


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "", "application/problem+json"])
def test_content_counts_not_its_header(content_type: str) -> None:
    """JSON is read under whatever type it comes, with a byte order mark too (2.1)."""
    body = b"\xef\xbb\xbf\r\n" + json.dumps(jellyfin_payload("PlaybackStart")).encode()
    assert len(parse(hook_request(body=body, content_type=content_type)).events) == 1


def test_json_under_the_content_type_of_a_form() -> None:
    """`curl -d` sends JSON as a form; it is read all the same."""
    body = json.dumps(jellyfin_payload("PlaybackStart")).encode()
    request = HookRequest(content_type="application/x-www-form-urlencoded", body=body, form={body.decode(): ""})
    assert len(parse(request).events) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"IsPaused": True}',
        b'{"EpisodeNumber": ,"NotificationType": "PlaybackStart"}',
        b'{"Name": "\xff"}',
        b"[" * 100_000,
        b'{"NotificationType": "PlaybackStart", "Name": "The Example"}',
    ],
)
def test_unreadable_content_is_refused_with_advice(body: bytes) -> None:
    """A template that gives invalid JSON, or no item, is refused; the text says what to change (2.3)."""
    with pytest.raises(UnreadableError, match="Send All Properties"):
        parse(hook_request(body=body, content_type="text/plain"))


def test_type_that_the_plugin_never_sends() -> None:
    """A content type that the plugin never sends raises UnsupportedTypeError."""
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(body=b"<x/>", content_type="application/xml"))


TEXT = st.text(alphabet='at01-/:.é\u200b\\"{& ', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from(sorted(jellyfin_payload("", jellyfin_episode()))), JSON))
def test_odd_values_never_break_the_reading(changes: dict[str, Any]) -> None:
    """Whatever stands in a field, the request is read or refused, and events keep the rules."""
    payload = {**jellyfin_payload("PlaybackProgress", jellyfin_episode()), **changes}
    try:
        events = parse(hook_request(body=json.dumps(payload), content_type="text/plain")).events
    except UnreadableError:
        return
    check_events(event for event in events if event.skip is None)
