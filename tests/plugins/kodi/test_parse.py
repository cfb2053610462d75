"""The add-on "HTTP Scrobbler": its requests as it sends them (players.md 4.5)."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from scrobbler.api import Episode, Ids, Movie, PlayerEvent, Show, UnreadableError, UnsupportedTypeError
from scrobbler.api.testkit import check_events, hook_request
from scrobbler_plugins.kodi.parse import parse

PART: dict[str, Any] = {
    "timestamp": "2026-06-12T19:07:42.637621+02:00",
    "sessionId": "39c8a16c-a000-4cb5-9e10-1840a0e4e4a3",
    "event": "start",
    "dbId": 412,
    "title": "The Second",
    "mediaType": "episode",
    "year": 2021,
    "uniqueIds": {"tvdb": "9200002"},
    "duration": 1500,
    "progress": {"time": 0, "percent": 0.0},
    "tvShowTitle": "Example Show",
    "season": 1,
    "episode": 2,
    "firstAired": "2021-04-11",
    "tvShowUniqueIds": {"imdb": "tt0000001", "tvdb": "9000001"},
}
FILM: dict[str, Any] = {
    "event": "start",
    "dbId": 2,
    "title": "The Example",
    "mediaType": "movie",
    "year": 2014,
    "premiered": "",
    "uniqueIds": {"imdb": "tt0000009"},
    "duration": 6000,
    "progress": {"time": 30, "percent": 0.5},
}


def one(body: dict[str, Any], **changes: Any) -> PlayerEvent:
    """Parse a request that gives one event."""
    (event,) = parse(hook_request(json={**body, **changes}))
    return event


def test_episode() -> None:
    """The series by its own ids, of all that push the only one that has them; the key is that of JSON-RPC."""
    event = one(PART, event="pause", progress={"time": 745, "percent": 49.67})
    assert event.item == Episode(
        show=Show(title="Example Show", ids=Ids(imdb="tt0000001", tvdb="9000001")),
        season=1,
        number=2,
        title="The Second",
        ids=Ids(tvdb="9200002"),
        aired="2021-04-11",
    )
    assert (event.kind, event.player, event.item_key) == ("pause", "add-on", "episode/412")
    assert (event.position_ms, event.duration_ms) == (745_000, 1_500_000)
    assert event.at == datetime(2026, 6, 12, 19, 7, 42, 637621, timezone(timedelta(hours=2)))


def test_film() -> None:
    """A film by its ids; without a time of its own it happens as it arrives."""
    event = one(FILM)
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009"))
    assert (event.item_key, event.position_ms, event.at) == ("movie/2", 30_000, None)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("start", "play"),
        ("pause", "pause"),
        ("resume", "play"),
        ("seek", "seek"),
        ("interval", "progress"),
        ("stop", "stop"),
        ("end", "end"),
    ],
)
def test_events(event: str, kind: str) -> None:
    """A stop at 91 % is a stop like any other."""
    told = one(FILM, event=event, progress={"time": 5460, "percent": 91.0})
    assert told.kind == kind
    check_events([told])


def test_the_end_has_no_position() -> None:
    """The add-on writes the full length there, which it was not told by the player."""
    assert one(FILM, event="end", progress={"time": 6000, "percent": 100.0}).position_ms is None


def test_position_that_is_missing() -> None:
    """Early versions have no position at a stop: that is not zero. A percentage alone is one."""
    assert one(FILM, event="stop", progress={"time": None, "percent": None}).position_ms is None
    assert one({key: its for key, its in FILM.items() if key != "progress"}, event="stop").position_ms is None
    assert one(FILM, event="stop", progress={"percent": 50}).position_ms == 3_000_000
    assert one(FILM, event="stop", progress={"percent": 50}, duration=None).position_ms is None
    assert one(FILM, event="stop", progress={"percent": 101.5}).position_ms == 6_000_000
    assert one(FILM, duration=0).duration_ms is None


def test_early_versions_put_the_series_ids_in_the_episodes_place() -> None:
    """Without `tvShowUniqueIds`, nobody knows whose the ids are: title and numbers must do."""
    event = one({key: its for key, its in PART.items() if key != "tvShowUniqueIds"})
    assert isinstance(event.item, Episode)
    assert event.item.ids == Ids()
    assert event.item.show == Show(title="Example Show")


def test_item_outside_of_the_library() -> None:
    """An item of an add-on has no number in the library, and is named by what is known of it."""
    assert one(FILM, dbId=None).item_key == "movie/The Example 2014"
    assert one(PART, dbId=-1).item_key == "episode/Example Show 1x2"


def test_what_is_none_of_ours() -> None:
    """Unknown events, other types, and an episode without a number are understood and give nothing."""
    assert parse(hook_request(json={**FILM, "event": "rating"})) == []
    assert parse(hook_request(json={**FILM, "mediaType": "unknown"})) == []
    assert parse(hook_request(json={**PART, "episode": -1})) == []
    early = {key: its for key, its in PART.items() if key != "tvShowUniqueIds"}
    assert parse(hook_request(json={**early, "episode": None})) == []
    assert parse(hook_request(json={**FILM, "title": ""})) == []
    assert one(FILM, mediaType="musicvideo").skip == "music"


def test_unreadable_requests() -> None:
    """What is no JSON of the add-on is refused, with what was expected."""
    with pytest.raises(UnreadableError, match="not JSON"):
        parse(hook_request(body="{", content_type="application/json"))
    with pytest.raises(UnreadableError, match="event"):
        parse(hook_request(json=[1]))
    with pytest.raises(UnreadableError, match="event"):
        parse(hook_request(json={"title": "x"}))
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(form={"payload": "{}"}))
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(body="{}", content_type="image/png"))
    assert parse(hook_request(body='{"event": "rating"}', content_type="text/plain")) == []
