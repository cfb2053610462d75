"""Helpers of the Kodi tests: notifications as Kodi sends them, and a Kodi of ours behind a real socket."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from scrobbler.api import Context, PlayerEvent
from scrobbler.api.testkit import Recorder
from scrobbler_plugins.kodi import Plugin
from scrobbler_plugins.kodi.media import Media, loose
from scrobbler_plugins.kodi.messages import Notification
from scrobbler_plugins.kodi.options import KodiOptions
from scrobbler_plugins.kodi.tracker import Named, State, Tracker

FILM = {"id": 2, "type": "movie"}
EPISODE = {"id": 412, "type": "episode"}
LOOSE = {"type": "movie", "title": "Example.Show.S01E02.mkv"}
LENGTH_MS = 6_000_000


def plugin(context: Context | None = None, **options: Any) -> Plugin:
    """Make a plugin with options."""
    return Plugin(KodiOptions(type="kodi", account="alice", **options), context or Recorder().context)


def clock(ms: int) -> dict[str, int]:
    """Write a time as Kodi does."""
    return {
        "hours": ms // 3_600_000,
        "minutes": ms // 60_000 % 60,
        "seconds": ms // 1000 % 60,
        "milliseconds": ms % 1000,
    }


def said(method: str, item: Mapping[str, Any] | None = None, speed: float = 1, **data: Any) -> Notification:
    """Compose a notification of the player, such as `OnPlay`."""
    about = {"item": dict(item), "player": {"playerid": 1, "speed": speed}} if item is not None else {}
    return Notification(method if "." in method else f"Player.{method}", {**about, **data})


def stopped(item: Mapping[str, Any], *, end: bool) -> Notification:
    """Compose `Player.OnStop`."""
    return Notification("Player.OnStop", {"item": dict(item), "end": end})


def sought(item: Mapping[str, Any], to_ms: int) -> Notification:
    """Compose `Player.OnSeek`."""
    return Notification(
        "Player.OnSeek", {"item": dict(item), "player": {"playerid": 1, "speed": 1, "time": clock(to_ms)}}
    )


class House:
    """A tracker with a clock, that is told things and asked what it makes of them."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.now_ms = 1_000_000
        self.events: list[PlayerEvent] = []

    def hears(self, *news: Notification) -> list[tuple[str, int | None]]:
        """Tell it; whatever it wants named is named by what it is called. Return kinds and positions of what follows."""
        found = [event for one in news for event in self._feed(one)]
        return [(event.kind, event.position_ms) for event in found]

    def sees(
        self, position_ms: int | None, *, speed: float = 1.0, length_ms: int = LENGTH_MS
    ) -> list[tuple[str, int | None]]:
        """Tell it what the player says of itself; None: nothing plays."""
        state = None if position_ms is None else State(position_ms, length_ms, speed)
        found = self.tracker.seen(state, self.now_ms)
        self.events += found
        return [(event.kind, event.position_ms) for event in found]

    def plays(self, item: Mapping[str, Any], position_ms: int = 0) -> None:
        """Begin something."""
        self.hears(said("OnPlay", item), said("OnAVStart", item))
        self.sees(position_ms)

    def later(self, ms: int) -> None:
        """Let time pass."""
        self.now_ms += ms

    def _feed(self, one: Notification) -> list[PlayerEvent]:
        found = self.tracker.feed(one, self.now_ms)
        ref = self.tracker.unnamed
        if ref is not None:
            key = f"{ref.kind}/{ref.number}" if ref.library else ref.title
            self.tracker.named(Named(Media(key, loose({"file": f"/media/{key}"}).item)))
        self.events += found
        return found


class FakeKodi:
    """Answers JSON-RPC on one port, as TCP and as WebSocket; what it is asked is kept in `asked`.

    `answers` are results by method; `split` sends every answer in pieces of so many bytes.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.connections = 0
        self.split = 0
        self.answers: dict[str, Any] = {
            "Application.GetProperties": {"name": "Kodi", "version": {"major": 21, "minor": 1}},
            "XBMC.GetInfoLabels": {"System.FriendlyName": "Living Room"},
            "Player.GetActivePlayers": [],
            "VideoLibrary.GetMovies": {"movies": []},
            "VideoLibrary.GetEpisodes": {"episodes": []},
            "JSONRPC.SetConfiguration": {},
            "Profiles.GetCurrentProfile": {"label": "Master user"},
        }
        self._writers: list[tuple[asyncio.StreamWriter, bool]] = []
        self._server: asyncio.Server | None = None

    @asynccontextmanager
    async def on(self) -> AsyncIterator["FakeKodi"]:
        """Be switched on for the length of the block, at the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._server.close()
            self.hang_up()
            await self._server.wait_closed()

    def url(self, scheme: str = "tcp") -> str:
        """Return its address."""
        return f"{scheme}://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close all connections."""
        for writer, _ in self._writers:
            writer.close()
        self._writers.clear()

    def plays(self, item: Mapping[str, Any], position_ms: int, length_ms: int = LENGTH_MS, speed: float = 1) -> None:
        """Let it play from now on; `item` is what it answers for it."""
        self.answers["Player.GetActivePlayers"] = [{"playerid": 1, "type": "video", "playertype": "internal"}]
        self.answers["Player.GetItem"] = {"item": dict(item)}
        self.answers["Player.GetProperties"] = {
            "time": clock(position_ms),
            "totaltime": clock(length_ms),
            "speed": speed,
        }

    def rests(self) -> None:
        """Let it play nothing: the player is still answered for, with zeros."""
        self.answers["Player.GetActivePlayers"] = []
        self.answers["Player.GetProperties"] = {"time": clock(0), "totaltime": clock(0), "speed": 0}

    def tells(self, *news: Notification) -> None:
        """Send notifications."""
        for one in news:
            body = {"jsonrpc": "2.0", "method": one.method, "params": {"data": one.data, "sender": "xbmc"}}
            for writer, web in self._writers:
                self._send(writer, body, web=web)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        web = first == b"G"
        if web:
            await self._shake_hands(reader, writer)
        self._writers.append((writer, web))
        decoder, text = json.JSONDecoder(), "" if web else first.decode()
        while True:
            text += await _frame(reader) if web else (await reader.read(65536)).decode() or "\0"
            if "\0" in text:
                return
            while text:
                try:
                    question, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:]
                self._answer(writer, question, web=web)

    def _answer(self, writer: asyncio.StreamWriter, question: dict[str, Any], *, web: bool) -> None:
        method = question["method"]
        self.asked.append(method)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"]}
        found = self.answers.get(method)
        if callable(found):
            found = found(question.get("params", {}))
        if found is None:
            answer["error"] = {"code": -32100, "message": "Failed to execute method."}
        else:
            answer["result"] = found
        self._send(writer, answer, web=web)

    def _send(self, writer: asyncio.StreamWriter, body: Mapping[str, Any], *, web: bool) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        if web:
            length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
            data = b"\x81" + length + data
        step = self.split or len(data)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])

    async def _shake_hands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.split(": ")[1] for line in head.splitlines() if line.lower().startswith("sec-websocket-key"))
        proof = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )


async def _frame(reader: asyncio.StreamReader) -> str:
    kind, size = await reader.readexactly(2)
    length = size & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(await reader.readexactly(length)))
    return "\0" if kind & 0x0F == 8 else data.decode()
