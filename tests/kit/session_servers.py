"""Jellyfin, Emby and Plex as servers to listen to.

Invented titles; shapes as in players.md 1.8, 2.6 and 3.4.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET  # only written here, never read

from tests.kit.emby import FakeEmby
from tests.kit.live_server import LiveServer, Opened
from tests.kit.media_servers import (
    JELLYFIN_SERIES,
    JELLYFIN_USER,
    PLEX_SERVER,
    PLEX_TOKEN,
    Asked,
    FakeJellyfin,
    FakePlex,
    Json,
    changed,
)
from tests.kit.servers import EVENING, JELLYFIN_EPISODE, JELLYFIN_FILM

_TICKS = 10_000


def stamp(moment: datetime) -> str:
    """Write a time as .NET does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def jellyfin_playing_film(**changes: Any) -> Json:
    """Return a film as Jellyfin's list of sessions has it; a change to None leaves the key out."""
    film = {
        "Id": JELLYFIN_FILM,
        "Name": "The Example",
        "Type": "Movie",
        "MediaType": "Video",
        "Path": "/media/films/The Example (2014)/film.mkv",
        "RunTimeTicks": 6_000_000 * _TICKS,
        "ProductionYear": 2014,
        "ProviderIds": {"Imdb": "tt0000009", "Tmdb": "9100009"},
    }
    return changed(film, changes)


def jellyfin_playing_episode(number: int = 2, **changes: Any) -> Json:
    """Return an episode as Jellyfin's list of sessions has it; a change to None leaves the key out."""
    episode = {
        "Id": JELLYFIN_EPISODE[:-4] + f"{number:04}",
        "Name": f"Part {number}",
        "Type": "Episode",
        "MediaType": "Video",
        "RunTimeTicks": 1_500_000 * _TICKS,
        "ProductionYear": 2021,
        "PremiereDate": f"2021-04-{9 + number:02}T00:00:00.0000000Z",
        "SeriesName": "Example Show",
        "SeriesId": JELLYFIN_SERIES,
        "ParentIndexNumber": 1,
        "IndexNumber": number,
        "ProviderIds": {"Imdb": f"tt000000{number}", "Tmdb": f"910000{number}", "Tvdb": f"920000{number}"},
    }
    return changed(episode, changes)


def jellyfin_session(
    item: Json | None,
    *,
    position_ms: int | None = 0,
    said_at: datetime = EVENING,
    paused: bool = False,
    **changes: Any,
) -> Json:
    """Return one session of Jellyfin; without an item it is idle."""
    state: Json = {"IsPaused": paused, "CanSeek": item is not None, "PlayMethod": "DirectPlay"}
    if position_ms is not None:
        state["PositionTicks"] = position_ms * _TICKS
    session = {
        "Id": "cccc0000cccc0000cccc0000cccc0003",
        "UserId": JELLYFIN_USER,
        "UserName": "alice",
        "Client": "Jellyfin Android TV",
        "DeviceId": "dev-0001",
        "DeviceName": "Living Room",
        "LastActivityDate": stamp(said_at),
        "LastPlaybackCheckIn": stamp(said_at),
        "AdditionalUsers": [],
        "IsActive": True,
        "PlayState": state,
        "NowPlayingItem": item,
        "NowPlayingQueueFullItems": [{"Id": "x", "Name": "A long queue"}],
    }
    return changed({key: value for key, value in session.items() if value is not None}, changes)


class _MediaBrowser(LiveServer):
    """What the sockets of Jellyfin and Emby have in common: a client subscribes, then each change is a whole list."""

    sessions: list[Json]

    def greeting(self) -> list[Json]:
        return [{"MessageType": "ForceKeepAlive", "Data": 60}]

    def show(self, *sessions: Json) -> None:
        """Change the list of sessions and tell it to every client."""
        self.sessions = list(sessions)
        self.say(self.message())

    def message(self) -> Json:
        """Return the list as it is told. Clients pass over a message whose id they know."""
        return {"MessageId": uuid4().hex, "MessageType": "Sessions", "Data": self.sessions}


class LiveJellyfin(_MediaBrowser, FakeJellyfin):
    """A Jellyfin server of today: the key is taken as `Authorization: MediaBrowser Token="…"` alone.

    Who signs in by a name and a word of `passwords` is given the key.
    """

    socket_paths = ("/socket",)

    def __init__(self, **options: Any) -> None:
        self.passwords = {"alice": "open sesame"}
        super().__init__(**options)

    def allowed(self, opened: Opened) -> bool:
        named = "deviceId" in opened.query or 'DeviceId="' in opened.headers.get("authorization", "")
        return named and self._token(opened.headers) == self.key

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as before, whatever else the header names, and show the sessions and the server itself."""
        path = asked.path.lower()
        if path == "/system/info/public":
            return 200, {"Id": "aaaa0000", "ServerName": "attic", "Version": "10.11.8", "LocalAddress": self.url}
        if path == "/users/authenticatebyname":
            return self._sign_in(json.loads(asked.body))
        if self._token(asked.headers) != self.key:
            return 401, None
        if path == "/sessions":
            return 200, self.sessions
        if path == "/system/info":
            return 200, {"Id": "aaaa0000", "ServerName": "attic", "Version": "10.11.8"}
        return super().answer(asked._replace(headers={"authorization": f'MediaBrowser Token="{self.key}"'}))

    def _sign_in(self, given: Json) -> tuple[int, Any]:
        name = given["username"]
        user_id = next((key for key, known in self.users.items() if known == name), None)
        if user_id is None or self.passwords.get(name) != given["Pw"]:
            return 401, None
        return 200, {"User": {"Id": user_id, "Name": name}, "AccessToken": self.key, "ServerId": "aaaa0000"}

    @staticmethod
    def _token(headers: Mapping[str, str]) -> str:
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        found = re.search(r'\bToken="([^"]*)"', rest)
        return found[1] if found and scheme == "MediaBrowser" else ""


class LiveEmby(_MediaBrowser, FakeEmby):
    """An Emby server; its sessions have no time of the last check-in. Who subscribes is told the list at once.

    `mute` True is one whose websocket opens and then says nothing.
    """

    socket_paths = ("/embywebsocket",)

    def __init__(self, **options: Any) -> None:
        self.mute = False
        super().__init__(**options)

    def reply(self, text: str) -> list[Json]:
        subscribed = "SessionsStart" in text and not self.mute
        return [self.message()] if subscribed else []

    def allowed(self, opened: Opened) -> bool:
        key = opened.headers.get("x-emby-token") or opened.query.get("api_key")
        return key == self.key and "deviceId" in opened.query


def plex_session(item: Json, *, key: str = "29", state: str = "playing", offset_ms: int = 0, **changes: Any) -> Json:
    """Return one line of Plex's list of sessions; a change to None leaves the key out."""
    shown = {name: value for name, value in item.items() if name != "Guid"}
    session = {
        **shown,
        "librarySectionID": str(item.get("librarySectionID", 1)),
        "sessionKey": key,
        "viewOffset": offset_ms,
        "live": "0",
        "Media": [{"duration": item.get("duration"), "Part": [{"file": "/media/film.mkv"}]}],
        "User": {"id": "1", "title": "alice"},
        "Player": {"machineIdentifier": "abc123-player", "title": "Living Room", "state": state},
        "Session": {"id": "k77", "location": "lan"},
    }
    return changed(session, changes)


def plex_notice(state: str, rating_key: str, offset_ms: int | None, *, key: str = "29", **changes: Any) -> Json:
    """Return one word of Plex's websocket about a session; a change to None leaves the key out."""
    notice = {
        "sessionKey": key,
        "clientIdentifier": "abc123-player",
        "guid": "",
        "ratingKey": rating_key,
        "url": "",
        "key": f"/library/metadata/{rating_key}",
        "viewOffset": offset_ms,
        "playQueueItemID": 1217,
        "state": state,
    }
    return changed({name: value for name, value in notice.items() if value is not None}, changes)


class LivePlex(LiveServer, FakePlex):
    """A Plex Media Server without Plex Pass: notifications on a websocket, and the list of sessions."""

    socket_paths = ("/:/websockets/notifications",)

    def __init__(self, *, header_opens: bool = True, owner: bool = True) -> None:
        self.sessions: list[Json] = []
        self.header_opens = header_opens
        self.owner = owner
        self.on_sessions: Callable[[], None] = lambda: None
        super().__init__(token=PLEX_TOKEN, machine=PLEX_SERVER)

    def allowed(self, opened: Opened) -> bool:
        by_header = self.header_opens and opened.headers.get("x-plex-token") == self.token
        return by_header or opened.query.get("X-Plex-Token") == self.token

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as before, and show the sessions and the server itself."""
        if asked.path == "/" and asked.headers.get("x-plex-token") == self.token:
            return 200, {"MediaContainer": {"machineIdentifier": self.machine, "friendlyName": "attic", "size": 0}}
        if asked.path == "/library" and asked.headers.get("x-plex-token") == self.token:
            return 200, {"MediaContainer": {"size": 2, "identifier": "com.plexapp.plugins.library"}}
        if asked.path == "/status/sessions":
            if asked.headers.get("x-plex-token") != self.token:
                return 401, None
            if not self.owner:
                return 403, None
            self.on_sessions()
            return 200, {"MediaContainer": {"size": len(self.sessions), "Metadata": list(self.sessions)}}
        return super().answer(asked)

    def written(self, content: Any, accept: str) -> tuple[bytes, str]:
        """Write JSON for who asks for it, and XML for everybody else."""
        if content is None or "application/json" in accept:
            return super().written(content, accept)
        return ET.tostring(_xml("MediaContainer", content["MediaContainer"])), "application/xml"

    def notify(self, *notices: Json) -> None:
        """Say something about sessions."""
        container = {"type": "playing", "size": len(notices), "PlaySessionStateNotification": list(notices)}
        self.say({"NotificationContainer": container})


_TAGS = {"movie": "Video", "episode": "Video", "clip": "Video", "show": "Directory", "season": "Directory"}


def _xml(tag: str, values: Json) -> ET.Element:
    """Write an object as Plex does in XML: what is plain is an attribute, what is not an element."""
    element = ET.Element(tag)
    for key, value in values.items():
        if not isinstance(value, dict | list):
            element.set(key, str(value))
            continue
        for one in value if isinstance(value, list) else [value]:
            element.append(_xml(_TAGS.get(str(one.get("type")), key) if key == "Metadata" else key, one))
    return element


def later(seconds: float) -> datetime:
    """Return the server's time so long into the evening."""
    return EVENING + timedelta(seconds=seconds)
