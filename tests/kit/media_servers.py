"""A Plex Media Server and a Jellyfin server to ask: small HTTP servers on loopback, each in a thread of its own."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

Json: TypeAlias = dict[str, Any]

PLEX_SERVER = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
PLEX_TOKEN = "plex-token-of-the-owner"
JELLYFIN_KEY = "0123456789abcdef0123456789abcdef"
JELLYFIN_USER = "dddd0000dddd0000dddd0000dddd0004"
JELLYFIN_SERIES = "eeee0000eeee0000eeee0000eeee0005"


def changed(values: Json, changes: Json) -> Json:
    """Return values with some of them changed; a change to None leaves the key out."""
    return {key: value for key, value in {**values, **changes}.items() if value is not None or key not in changes}


class Asked(NamedTuple):
    """One request that a fake server has got."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


class FakeServer:
    """A small HTTP server on loopback, in a thread of its own. Use it with `with`; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.broken = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
                asked = Asked(parts.path, query, {key.lower(): value for key, value in self.headers.items()})
                fake.asked.append(asked)
                status, content = (503, None) if fake.broken else fake.answer(asked)
                body = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in fake.extra(asked).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                """Keep the tests' output clean."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Return status and content for a request."""
        raise NotImplementedError

    def extra(self, asked: Asked) -> Mapping[str, str]:
        """Return more headers for the answer."""
        del asked
        return {}

    def paths(self) -> list[str]:
        """Return the paths that were asked, in order."""
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class FakePlex(FakeServer):
    """A Plex Media Server: `items` by rating key, `history` newest first, `accounts` by id. Wants the token as a header."""

    def __init__(self, *, token: str = PLEX_TOKEN, machine: str | None = PLEX_SERVER) -> None:
        super().__init__()
        self.token = token
        self.machine = machine
        self.items: dict[str, Json] = {}
        self.history: list[Json] = []
        self.accounts = {"1": "alice", "2": "bob"}
        self.preferences: dict[str, Any] = {"WebHooksEnabled": True}

    def add(self, metadata: Json, *, length_ms: int = 0, file: str = "") -> None:
        """Add an item, with the file's own length and path as only the server knows them."""
        media = {"duration": length_ms or metadata.get("duration"), "Part": [{"file": file}] if file else []}
        self.items[metadata["ratingKey"]] = {**metadata, "Media": [media]}

    def add_show(self, *, key: str = "5000", **changes: Any) -> None:
        """Add the series of the episodes."""
        show = {"ratingKey": key, "type": "show", "title": "Example Show", "year": 2019, "guid": "plex://show/5d00"}
        ids = [{"id": "imdb://tt0000100"}, {"id": "tmdb://9000100"}, {"id": "tvdb://9300100"}]
        self.items[key] = changed({**show, "Guid": ids}, changes)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as a server of today does."""
        if any(key.lower() == "x-plex-token" for key in asked.query):
            return 400, None
        if asked.path == "/identity":
            return (200, _container(machineIdentifier=self.machine)) if self.machine else (404, None)
        if asked.headers.get("x-plex-token") != self.token:
            return 401, None
        if asked.path.startswith("/library/metadata/"):
            item = self.items.get(asked.path.rsplit("/", 1)[-1])
            if item is None:
                return 404, None
            shown = item if asked.query.get("includeGuids") == "1" else {**item, "Guid": None}
            return 200, _container(Metadata=[shown])
        if asked.path == "/status/sessions/history/all":
            since = int(asked.query.get("viewedAt>", 0))
            start = int(asked.headers.get("x-plex-container-start", 0))
            size = int(asked.headers.get("x-plex-container-size", 1000))
            lines = [line for line in self.history if line["viewedAt"] >= since]
            return 200, _container(Metadata=lines[start : start + size])
        if asked.path == "/accounts":
            return 200, _container(Account=[{"id": int(key), "name": name} for key, name in self.accounts.items()])
        if asked.path == "/:/prefs":
            return 200, _container(Setting=[{"id": key, "value": value} for key, value in self.preferences.items()])
        if asked.path == "/library/sections":
            kinds = {"1": ("movie", "Movies"), "2": ("show", "TV")}
            found = [{"key": key, "type": kind, "title": title} for key, (kind, title) in kinds.items()]
            return 200, _container(Directory=found)
        return 404, None


class FakeJellyfin(FakeServer):
    """A Jellyfin server: `items` by id, `played` by user, newest first. Takes the one form of authorization that lasts.

    `routes`: up to 10.8 items are to be had under a user, from 12 on they stand alone; in between there are both.
    """

    def __init__(self, *, key: str = JELLYFIN_KEY, routes: Literal["12", "10.9", "10.8"] = "12") -> None:
        super().__init__()
        self.key = key
        self.routes = routes
        self.items: dict[str, Json] = {}
        self.libraries: dict[str, str] = {}
        self.users = {JELLYFIN_USER: "alice"}
        self.played: dict[str, list[Json]] = {}
        self.sessions: list[Json] = []
        self.plugins: list[Json] = [{"Name": "Webhook", "Version": "21.0.0.0", "Status": "Active"}]

    def add_series(self, *, item_id: str = JELLYFIN_SERIES, **changes: Any) -> None:
        """Add the series of the episodes."""
        series = {"Id": item_id, "Type": "Series", "Name": "Example Show", "ProductionYear": 2019}
        ids = {"Imdb": "tt0000100", "Tmdb": "9000100", "Tvdb": "9300100"}
        self.items[item_id] = changed({**series, "ProviderIds": ids}, changes)

    def add(self, event_item: Json, **changes: Any) -> None:
        """Add the item of a notification, as the server's own API has it."""
        providers = {
            key.removeprefix("Provider_").title(): value for key, value in event_item.items() if "Provider_" in key
        }
        pairs = {"Id": "ItemId", "Type": "ItemType", "Name": "Name", "SeriesName": "SeriesName", "SeriesId": "SeriesId"}
        numbers = {"ParentIndexNumber": "SeasonNumber", "IndexNumber": "EpisodeNumber", "RunTimeTicks": "RunTimeTicks"}
        item = {key: event_item[name] for key, name in {**pairs, **numbers}.items() if name in event_item}
        self.items[item["Id"]] = changed({**item, "ProviderIds": providers}, changes)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer as a server of today does, or as one before 10.9."""
        if asked.path == "/System/Info/Public":
            return 200, {"Version": "10.11.8", "ServerName": "attic"}
        if asked.headers.get("authorization") != f'MediaBrowser Token="{self.key}"':
            return 401, None
        match asked.path.strip("/").split("/"):
            case ["Users"]:
                return 200, [{"Id": key, "Name": name} for key, name in self.users.items()]
            case ["Sessions"]:
                return 200, self.sessions
            case ["Plugins"]:
                return 200, self.plugins
            case ["Users", user, "Items", *rest] if self.routes != "12":
                return self._item(rest[0]) if rest else self._played(user, asked.query)
            case ["Items", *rest]:
                return self._items(rest, asked.query)
        return 404, None

    def _items(self, path: list[str], query: Mapping[str, str]) -> tuple[int, Any]:
        match path:
            case []:
                return self._played(next(value for key, value in query.items() if key.lower() == "userid"), query)
            case [item_id] if self.routes != "10.8":
                return self._item(item_id)
            case [item_id, "Ancestors"]:
                folder = {"Type": "Folder", "Name": "folder"}
                return 200, [folder, {"Type": "CollectionFolder", "Name": self.libraries.get(item_id, "Movies")}]
        return 404, None

    def _played(self, user_id: str, query: Mapping[str, str]) -> tuple[int, Any]:
        numbers = {key.lower(): value for key, value in query.items()}  # as ASP.NET reads them
        start, size = int(numbers.get("startindex", 0)), int(numbers.get("limit", 1000))
        return 200, {"Items": self.played.get(user_id, [])[start : start + size]}

    def _item(self, item_id: str) -> tuple[int, Any]:
        item = self.items.get(item_id)
        return (404, None) if item is None else (200, item)


def _container(**content: Any) -> Json:
    return {"MediaContainer": content}
