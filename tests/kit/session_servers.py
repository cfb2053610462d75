"""Jellyfin, Emby and Plex as servers to listen to: their HTTP and their websocket on one port, in a thread of its own.

Invented titles; shapes as in players.md 1.8, 2.6 and 3.4.
"""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple, Self
from xml.etree import ElementTree as ET  # only written here, never read

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.kit.emby import FakeEmby
from tests.kit.media_servers import (
    JELLYFIN_SERIES,
    JELLYFIN_USER,
    PLEX_SERVER,
    PLEX_TOKEN,
    Asked,
    FakeJellyfin,
    FakePlex,
    FakeServer,
    Json,
    changed,
)
from tests.kit.servers import EVENING, JELLYFIN_EPISODE, JELLYFIN_FILM

_TICKS = 10_000


class Opened(NamedTuple):
    """One websocket that a client opened."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class LiveServer(FakeServer):
    """Adds a websocket to a fake server. Use it with `with`; `opened` and `told` are what clients did there.

    `now` is the server's own clock. `websocket` False makes it refuse to open one, as a proxy does that knows none.
    """

    socket_paths: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._http.server_close()
        self.now = EVENING
        self.websocket = True
        self.opened: list[Opened] = []
        self.told: list[str] = []
        self.accepted = 0
        self.closed = 0
        self._sockets: set[WebSocket] = set()
        self._news = threading.Condition()
        routes: list[Any] = [WebSocketRoute(path, self._socket) for path in self.socket_paths]
        routes.append(Route("/{path:path}", self._get, methods=["GET", "POST"]))
        self._app = Starlette(routes=routes)
        self._port = 0
        self.open()

    def allowed(self, opened: Opened) -> bool:
        """Tell whether a client may open a websocket."""
        raise NotImplementedError

    def greeting(self) -> list[Json]:
        """Return what a client is told as soon as it has opened a websocket."""
        return []

    def reply(self, text: str) -> list[Json]:
        """Return what a client is told for what it has said."""
        del text
        return []

    def say(self, message: Json) -> None:
        """Send a message to every client and wait until it is on its way."""
        text = json.dumps(message)

        async def send() -> None:
            for client in list(self._sockets):
                await client.send_text(text)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result(5)

    def open(self) -> None:
        """Start to answer, at the address that it had before if it had one."""
        config = uvicorn.Config(
            self._app,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        listening = socket.create_server(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        server = self._server = uvicorn.Server(config)
        loop = self._loop = asyncio.new_event_loop()

        def run() -> None:
            loop.run_until_complete(server.serve(sockets=[listening]))
            loop.close()
            listening.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def shut(self) -> None:
        """Stop to answer: the port is closed, and with it every connection."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def drop(self) -> None:
        """Close every websocket and go on answering."""

        async def close() -> None:
            for client in list(self._sockets):
                self._sockets.discard(client)
                await client.close()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(5)

    async def when(self, condition: Callable[[], object]) -> None:
        """Wait until something holds of what clients did. Raises AssertionError after ten seconds."""

        def wait() -> bool:
            with self._news:
                return bool(self._news.wait_for(condition, 10))

        assert await asyncio.to_thread(wait), "the clients did not do it within 10 s"

    async def connected(self, count: int = 1) -> None:
        """Wait until so many websockets have been accepted."""
        await self.when(lambda: self.accepted >= count)

    def _note(self) -> None:
        with self._news:
            self._news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.shut()

    async def _get(self, request: Request) -> Response:
        asked = Asked(request.url.path, dict(request.query_params), dict(request.headers))
        self.asked.append(asked)
        self._note()
        status, content = (503, None) if self.broken else self.answer(asked)
        headers = {"Date": format_datetime(self.now.astimezone(UTC), usegmt=True)}
        body, kind = self.written(content, asked.headers.get("accept", ""))
        return Response(body if content is not None else b"", status, headers, kind)

    def written(self, content: Any, accept: str) -> tuple[bytes, str]:
        """Write an answer as JSON."""
        del accept
        return json.dumps(content).encode(), "application/json"

    async def _socket(self, client: WebSocket) -> None:
        opened = Opened(client.url.path, dict(client.query_params), dict(client.headers))
        self.opened.append(opened)
        self._note()
        if not self.websocket or not self.allowed(opened):
            await client.close()
            return
        await client.accept()
        self._sockets.add(client)
        self.accepted += 1
        self._note()
        try:
            for message in self.greeting():
                await client.send_text(json.dumps(message))
            while True:
                text = await client.receive_text()
                self.told.append(text)
                for message in self.reply(text):
                    await client.send_text(json.dumps(message))
                self._note()
        except (WebSocketDisconnect, RuntimeError):
            self._sockets.discard(client)
            self.closed += 1
            self._note()


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
        self.say({"MessageId": "1", "MessageType": "Sessions", "Data": self.sessions})


class LiveJellyfin(_MediaBrowser, FakeJellyfin):
    """A Jellyfin server of today: the key is taken as `Authorization: MediaBrowser Token="…"` alone."""

    socket_paths = ("/socket",)

    def allowed(self, opened: Opened) -> bool:
        named = "deviceId" in opened.query or 'DeviceId="' in opened.headers.get("authorization", "")
        return named and self._token(opened.headers) == self.key

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as before, whatever else the header names, and show the sessions and the server itself."""
        path = asked.path.lower()
        if path == "/system/info/public":
            return 200, {"Id": "aaaa0000", "ServerName": "attic", "Version": "10.11.8", "LocalAddress": self.url}
        if self._token(asked.headers) != self.key:
            return 401, None
        if path == "/sessions":
            return 200, self.sessions
        if path == "/system/info":
            return 200, {"Id": "aaaa0000", "ServerName": "attic", "Version": "10.11.8"}
        return super().answer(asked._replace(headers={"authorization": f'MediaBrowser Token="{self.key}"'}))

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
        return [{"MessageId": "1", "MessageType": "Sessions", "Data": self.sessions}] if subscribed else []

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


def _xml(tag: str, values: Json) -> ET.Element:
    """Write an object as Plex does in XML: what is plain is an attribute, what is not an element."""
    element = ET.Element(tag)
    for key, value in values.items():
        if not isinstance(value, dict | list):
            element.set(key, str(value))
            continue
        for one in value if isinstance(value, list) else [value]:
            video = key == "Metadata" and one.get("type") in ("movie", "episode", "clip")
            element.append(_xml("Video" if video else key, one))
    return element


def later(seconds: float) -> datetime:
    """Return the server's time so long into the evening."""
    return EVENING + timedelta(seconds=seconds)
