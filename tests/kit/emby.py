"""Emby as the daemon meets it: its webhooks in the order of real evenings, and a server to ask (players.md 3).

Titles and ids are invented.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import urlencode

from tests.kit.media_servers import Asked, FakeServer, Json, changed
from tests.kit.servers import EVENING, Step

EMBY_KEY = "fedcba9876543210fedcba9876543210"
EMBY_USER = "eeee0000eeee0000eeee0000eeee0005"
EMBY_FILM = "4001"
EMBY_SERIES = "5000"
_TICKS = 10_000
_BOUNDARY = "----------------------------fedcba9876543210"


def emby_movie(**changes: Any) -> Json:
    """Return a film as Emby describes it; a change to None leaves the key out."""
    film = {
        "Name": "The Example",
        "ServerId": "ffff0000ffff0000ffff0000ffff0006",
        "Id": EMBY_FILM,
        "Type": "Movie",
        "MediaType": "Video",
        "IsFolder": False,
        "Path": "/media/films/The Example (2014)/film.mkv",
        "RunTimeTicks": 6_000_000 * _TICKS,
        "ProductionYear": 2014,
        "PremiereDate": "2014-05-01T00:00:00.0000000Z",
        "ProviderIds": {"Imdb": "tt0000009", "Tmdb": "9100009"},
    }
    return changed(film, changes)


def emby_episode(number: int = 2, **changes: Any) -> Json:
    """Return an episode as Emby describes it; a change to None leaves the key out."""
    episode = {
        "Name": f"Part {number}",
        "Id": f"50{10 + number}",
        "Type": "Episode",
        "MediaType": "Video",
        "Path": f"/media/tv/Example Show/Season 1/Example Show - S01E{number:02}.mkv",
        "RunTimeTicks": 1_500_000 * _TICKS,
        "ProductionYear": 2021,
        "PremiereDate": f"2021-04-{9 + number:02}T00:00:00.0000000Z",
        "SeriesName": "Example Show",
        "SeriesId": EMBY_SERIES,
        "SeasonId": "5001",
        "ParentIndexNumber": 1,
        "IndexNumber": number,
        "ProviderIds": {"Imdb": f"tt000000{number}", "Tmdb": f"910000{number}", "Tvdb": f"920000{number}"},
    }
    return changed(episode, changes)


def emby_payload(
    event: str, item: Json | None = None, *, position_ms: int | None = 0, at: datetime = EVENING, **changes: Any
) -> Json:
    """Return one webhook; `position_ms` None is one without a position."""
    playback = {"PlayedToCompletion": False, "PlaylistIndex": 0, "PlaylistLength": 1}
    if position_ms is not None:
        playback["PositionTicks"] = position_ms * _TICKS
    payload = {
        "Title": "alice has done something with something",
        "Date": at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "Event": event,
        "Severity": "Info",
        "User": {"Name": "alice", "Id": EMBY_USER},
        "Item": item or emby_movie(),
        "Server": {"Name": "attic", "Id": "ffff0000ffff0000ffff0000ffff0006", "Version": "4.9.1.34"},
        "Session": {"Id": "abab0000", "Client": "Emby Web", "DeviceName": "Firefox", "DeviceId": "dev-0009"},
        "PlaybackInfo": playback,
    }
    return changed(payload, changes)


def emby_event(
    event: str, item: Json | None = None, *, sent_as: Literal["json", "multipart", "form"] = "json", **changes: Any
) -> tuple[str, bytes]:
    """Compose one request of Emby in one of the three forms it has: `(content_type, body)` (players.md 3.2)."""
    payload = json.dumps(emby_payload(event, item, **changes))
    if sent_as == "json":
        return "application/json", payload.encode()
    if sent_as == "form":
        return "application/x-www-form-urlencoded", urlencode({"data": payload}).encode()
    part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="data"\r\n\r\n{payload}\r\n--{_BOUNDARY}--\r\n'
    return f"multipart/form-data; boundary={_BOUNDARY}", part.encode()


class EmbyEvening:
    """Somebody's evening at Emby; each call adds what the server would post, `steps` is all of it."""

    def __init__(self, *, sent_as: Literal["json", "multipart", "form"] = "json", **changes: Any) -> None:
        self.steps: list[Step] = []
        self.at_s = 0.0
        self._sent_as = sent_as
        self._changes = changes

    def event(self, name: str, item: Json, position_ms: int | None = 0, **changes: Any) -> Self:
        """Add one event."""
        at = EVENING + timedelta(seconds=self.at_s)
        given = {"position_ms": position_ms, "at": at, **self._changes, **changes}
        sent = emby_event(name, item, sent_as=self._sent_as, **given)
        self.steps.append(Step(self.at_s, f"{name} {item['Name']} {position_ms}", *sent))
        return self

    def wait(self, seconds: float) -> Self:
        """Let time pass."""
        self.at_s += seconds
        return self

    def watched_through(self, item: Json, *, from_ms: int = 0, stop: Literal["position", "flag"] = "position") -> Self:
        """Watch an item to its end; with `flag` the stop has no position, only `PlayedToCompletion`."""
        length_ms = item["RunTimeTicks"] // _TICKS
        self.event("playback.start", item, from_ms).wait((length_ms - from_ms) / 1000)
        done = {"PlayedToCompletion": True, **({"PositionTicks": length_ms * _TICKS} if stop == "position" else {})}
        return self.event("playback.stop", item, PlaybackInfo=done)

    def watched_with_pause(self, item: Json, at_ms: int, pause_s: float = 300) -> Self:
        """Watch an item with one pause."""
        length_ms = item["RunTimeTicks"] // _TICKS
        self.event("playback.start", item).wait(at_ms / 1000).event("playback.pause", item, at_ms).wait(pause_s)
        self.event("playback.unpause", item, at_ms).wait((length_ms - at_ms) / 1000)
        return self.event("playback.stop", item, length_ms)


class FakeEmby(FakeServer):
    """An Emby server: `items` by id, `played` by user, newest first, `sessions` as they are."""

    def __init__(self, *, key: str = EMBY_KEY) -> None:
        super().__init__()
        self.key = key
        self.items: dict[str, Json] = {}
        self.users = {EMBY_USER: "alice"}
        self.played: dict[str, list[Json]] = {}
        self.sessions: list[Json] = []
        self.old_users = False

    def add(self, item: Json, **changes: Any) -> None:
        """Add an item."""
        self.items[item["Id"]] = changed(item, changes)

    def add_series(self, *, item_id: str = EMBY_SERIES, **changes: Any) -> None:
        """Add the series of the episodes."""
        series = {"Id": item_id, "Type": "Series", "Name": "Example Show", "ProductionYear": 2019}
        ids = {"Imdb": "tt0000100", "Tmdb": "9000100", "Tvdb": "9300100"}
        self.items[item_id] = changed({**series, "ProviderIds": ids}, changes)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as a server does; the key is taken as a header alone."""
        if not asked.path.startswith("/emby/") or "api_key" in asked.query:
            return 404, None
        if asked.path == "/emby/System/Info/Public":
            return 200, {"Version": "4.9.1.34", "ServerName": "attic"}
        if asked.headers.get("x-emby-token") != self.key:
            return 401, None
        match asked.path.strip("/").split("/")[1:]:
            case ["Sessions"]:
                return 200, self.sessions
            case ["Items"]:
                found = [item for key in asked.query["Ids"].split(",") if (item := self.items.get(key))]
                return 200, {"Items": found, "TotalRecordCount": len(found)}
            case ["Items", _, "Ancestors"]:
                return 200, [{"Type": "Folder", "Name": "folder"}, {"Type": "CollectionFolder", "Name": "Movies"}]
            case ["Users", *rest]:
                return self._of_users(rest, asked)
        return 404, None

    def _of_users(self, path: list[str], asked: Asked) -> tuple[int, Any]:
        match path:
            case ["Query"] if not self.old_users:
                return 200, {"Items": self._users(), "TotalRecordCount": len(self.users)}
            case [] if self.old_users:
                return 200, self._users()
            case [user, "Items"]:
                start, size = int(asked.query.get("StartIndex", 0)), int(asked.query.get("Limit", 1000))
                return 200, {"Items": self.played.get(user, [])[start : start + size]}
            case [_, "Items", key] if key in self.items:
                return 200, self.items[key]
        return 404, None

    def _users(self) -> list[Json]:
        return [{"Id": key, "Name": name} for key, name in self.users.items()]
