"""A door to hooks, a door to the status, and a raw HTTP client, for the tests of the server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from scrobbler.api import (
    Context,
    HookOptions,
    HookPlugin,
    HookRequest,
    Movie,
    PlayerEvent,
    Traits,
    UnreadableError,
    UnsupportedTypeError,
)
from scrobbler.api.testkit import Recorder
from scrobbler.config.models import HookAccess, Http, StatusAccess
from scrobbler.hooks.app import build_app
from scrobbler.hooks.ports import Answers, HookSource
from scrobbler.hooks.server import HttpServer
from scrobbler.store.database import StorageError

SECRET = "s" * 32
SECOND = "t" * 32


class Plugin(HookPlugin):
    """Remembers what it was given, and does what the text asks for."""

    Options = HookOptions
    traits = Traits(ticks=False, knows_users=False, quiet_s=1, close_s=1, richness=1)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self.requests: list[HookRequest] = []

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        self.requests.append(request)
        text = request.form.get("payload") or request.form.get("data") or request.body.decode("utf-8", "replace")
        match text.strip():
            case "unreadable":
                raise UnreadableError("the field `event` is missing")
            case "unsupported":
                raise UnsupportedTypeError("a picture is no event")
            case "bug":
                raise RuntimeError(f"secret detail {text}")
            case "nothing":
                return []
        event = PlayerEvent(kind="play", player="tv", item_key="1", item=Movie(title="Sintel"))
        return [event, event]


class Door:
    """Takes hooks for `attic`, with two secrets; keeps the events, or cannot."""

    def __init__(self) -> None:
        self.plugin = Plugin(HookOptions(type="test"), Recorder(source="attic").context)
        self.taken: list[PlayerEvent] = []
        self.broken: Exception | None = None
        self.slow: asyncio.Event | None = None

    def source(self, name: str) -> HookSource | None:
        return HookSource(self.plugin, (SECRET, SECOND)) if name == "attic" else None

    async def take(self, source: str, events: Sequence[PlayerEvent]) -> None:
        assert source == "attic"
        if self.broken is not None:
            raise self.broken
        if self.slow is not None:
            await self.slow.wait()
        self.taken.extend(events)


class Status:
    """Pages that say hello."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.broken: Exception | None = None

    async def page(self) -> str:
        if self.broken is not None:
            raise self.broken
        return "<p>hello</p>"

    async def report(self) -> bytes:
        return b'{"version": "1"}'

    async def metrics(self) -> str:
        return "scrobbler_info 1\n"

    def faults(self) -> Sequence[str]:
        return self.trouble


class House:
    """Everything together, and where it listens."""

    def __init__(self) -> None:
        self.door = Door()
        self.status = Status()
        self.http = Http(hooks=HookAccess(allow=("127.0.0.0/8",)), status=StatusAccess(allow=("127.0.0.0/8",)))
        self.answers = Answers()
        self.body_timeout_s = 5.0
        self.port = 0

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> "Reply":
        """Send one plain request."""
        lines = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return await self.raw([head.encode("latin-1") + b"\r\n" + body])

    async def raw(self, pieces: Sequence[bytes]) -> "Reply":
        """Send pieces as they are, and read one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await read_reply(reader)
        finally:
            writer.close()
            await writer.wait_closed()


class Reply:
    """One answer."""

    def __init__(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.code = code
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer off a connection."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(first.split()[1]), headers, body)


@asynccontextmanager
async def open_house(house: House | None = None) -> AsyncIterator[House]:
    """Serve a house on a free port of loopback."""
    house = house or House()
    app = build_app(
        house.door, house.status, lambda: house.http, answers=house.answers, body_timeout_s=house.body_timeout_s
    )
    async with HttpServer(app, [("127.0.0.1", 0)]) as server:
        house.port = server.addresses[0][1]
        yield house


def full() -> StorageError:
    """Make what a full disk raises."""
    return StorageError("/secret/place: the disk is full")
