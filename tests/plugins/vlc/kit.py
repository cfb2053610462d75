"""What VLC answers, as bodies; one VLC over a real socket that answers what a test wants; and a Player that is looked at."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from scrobbler_plugins.vlc.media import identify
from scrobbler_plugins.vlc.messages import Status
from scrobbler_plugins.vlc.parse import Look, Player

if TYPE_CHECKING:
    from scrobbler.api import PlayerEvent

PASSWORD = "pass-word"
FILM = "file:///media/Sintel%20%282010%29.mkv"
OTHER = "file:///media/Big%20Buck%20Bunny%20%282008%29.mkv"
VIDEO = {"Type": "Video", "Video_resolution": "1920x1080", "Codec": "MPEG-4 Video (mp4v)", "Frame_rate": "24"}
AUDIO = {"Type": "Audio", "Sample_rate": "48000 Hz", "Codec": "Vorbis Audio (vorb)", "Channels": "Stereo"}
NOT_FOUND = b'<?xml version="1.0"?>\n<html><h1>404 Not found</h1><a href="http://www.videolan.org">VideoLAN</a></html>'
BROKEN_PAGE = (
    b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Error loading /requests/status.json</title></head>'
    b'<body><h1>Error loading</h1><a href="http://www.videolan.org/">VideoLAN</a></body></html>'
)


def said(
    state: str = "playing",
    time: float = 745,
    length: float = 1500,
    item: int | None = 3,
    *,
    rate: float = 1,
    meta: dict[str, str] | None = None,
    streams: Iterable[dict[str, str]] = (VIDEO, AUDIO),
    **more: Any,
) -> dict[str, Any]:
    """Return `status.json` of VLC 3.0.24, as values."""
    meta = {"filename": "Sintel (2010).mkv", "title": "Sintel (2010).mkv"} if meta is None else meta
    values: dict[str, Any] = {
        "state": state,
        "time": time,
        "length": length,
        "position": time / length if length > 0 else 0,
        "rate": rate,
        "currentplid": -1 if item is None else item,
        "apiversion": 3,
        "version": "3.0.24 Vetinari",
        "loop": False,
        "repeat": False,
        "equalizer": [],
        "information": {
            "title": 0,
            "chapter": 0,
            "category": {"meta": meta, **{f"Stream {number}": stream for number, stream in enumerate(streams)}},
        },
    }
    return {**values, **more}


def stopped() -> dict[str, Any]:
    """Return `status.json` after a stop, an end, or before anything was opened: they are the same."""
    values = said("stopped", 0, 0, None)
    del values["information"]
    return values


def listed(*uris: str, current: int = 3, first: int = 3) -> dict[str, Any]:
    """Return `playlist.json` with these addresses, numbered from `first`; every copy of the current one has its mark."""
    marked = dict(enumerate(uris, first)).get(current)
    leaves = [
        {"type": "leaf", "id": str(number), "uri": uri, "name": "a name", "ro": "rw", "duration": 1500}
        | ({"current": "current"} if uri == marked else {})
        for number, uri in enumerate(uris, first)
    ]
    playlist = {"type": "node", "id": "1", "name": "Playlist", "ro": "ro", "children": leaves}
    library = {"type": "node", "id": "2", "name": "Media Library", "ro": "ro", "children": []}
    return {"type": "node", "id": "0", "name": "", "ro": "rw", "children": [playlist, library]}


class Watched:
    """A Player, looked at once a second unless said, and all that it told."""

    def __init__(self) -> None:
        self.player = Player("127.0.0.1:8080")
        self.events: list[PlayerEvent] = []
        self.now_ms = 1_000_000
        self.uris: dict[int | None, str] = {}

    def look(self, *statuses: Status, after_s: float = 1.0) -> "Watched":
        """Look at these, one after the other."""
        for status in statuses:
            self.now_ms += round(after_s * 1000)
            uri = self.uris.get(status.item, FILM)
            media = identify(uri, status.title, status.name, status.streams) if self.player.is_new(status) else None
            self.events += self.player.look(Look(status, self.now_ms, self.now_ms), media)
        return self

    def lose(self, after_s: float = 1.0) -> "Watched":
        """Find VLC gone."""
        self.now_ms += round(after_s * 1000)
        self.events += self.player.lost(self.now_ms)
        return self

    @property
    def told(self) -> list[tuple[str, int | None]]:
        """What it told: kinds and positions, in seconds."""
        return [(event.kind, None if event.position_ms is None else event.position_ms // 1000) for event in self.events]


class FakeVlc:
    """A VLC's web interface on a real port. `status` and `playlist` are answered as they are; bytes go out untouched.

    `code` other than 200 is answered to everything; `stall` lets questions wait for ever.
    """

    def __init__(self) -> None:
        self.status: dict[str, Any] | bytes = stopped()
        self.playlist: dict[str, Any] | bytes = listed(FILM)
        self.code = 200
        self.body = NOT_FOUND
        self.stall = False
        self.asked: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._waiting: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Open its port, the same one each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close its port, as the end of the process does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            await self._answer(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._waiting.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = request.split(" ", 2)[1]
        self.asked.append(path)
        if self.stall:
            await reader.read()  # until the other side has had enough
        login = base64.b64encode(f":{PASSWORD}".encode()).decode()
        code, body = self.code, self.body
        if f"Authorization: Basic {login}" not in request:
            code = 401
        elif code == 200:
            answer = {"/requests/status.json": self.status, "/requests/playlist.json": self.playlist}.get(path, b"")
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {code} So\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()


@asynccontextmanager
async def fake_vlc() -> AsyncIterator[FakeVlc]:
    """Run a fake VLC that plays nothing yet."""
    vlc = FakeVlc()
    await vlc.start()
    try:
        yield vlc
    finally:
        await vlc.stop()
