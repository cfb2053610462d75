"""Listens to the sessions of Emby and Jellyfin: a websocket, or polling where none opens (players.md 2.6, 3.4)."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from scrobbler.api.connection import GoneError, RefusedError, WebSocket, in_words, keep_connected, open_websocket
from scrobbler.api.events import PlayerEvent
from scrobbler.api.plugin import Context
from scrobbler.api.servers.mediabrowser.server import MediaServer
from scrobbler.api.servers.mediabrowser.sessions import Reading, Tracker, read_list

KEEP_ALIVE_S = 25.0
INTERVAL_MS = 2000
"""What happens is told at once by Jellyfin of today, after so long at the latest by others."""
POLL_BUSY_S = 5.0
POLL_IDLE_S = 20.0
POLL_ROUNDS = 360
"""After so many polls the websocket is tried again."""

_KEEP_ALIVE = '{"MessageType":"KeepAlive"}'
_SUBSCRIBE = f'{{"MessageType":"SessionsStart","Data":"0,{INTERVAL_MS}"}}'


class _Message(Struct):
    MessageType: str = ""
    Data: Raw = Raw(b"null")


class Listener:
    """One run of listening. `heard` gets each list before its events go out, to remember what they have no room for."""

    def __init__(self, server: MediaServer, context: Context, heard: Callable[[Sequence[Reading]], None]) -> None:
        self._server = server
        self._context = context
        self._heard = heard
        self._tracker = Tracker(counts_on=server.counts_on)
        self._ahead: timedelta | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_connected(self._context, self._visit)

    async def _visit(self, up: Callable[[], None]) -> None:
        await self._take(await self._snapshot(), self._tracker.reconcile)
        up()
        for address in self._server.sockets(f"scrobblerd-{self._context.source}"):
            try:
                async with open_websocket(address, self._server.headers) as socket:
                    await self._listen(socket)
            except RefusedError as error:
                self._context.log.debug("no websocket there", why=str(error))
        await self._poll()

    async def _listen(self, socket: WebSocket) -> None:
        await socket.send(_SUBSCRIBE)
        began_ms = said_ms = self._now_ms()
        patience_s = self._server.first_word_s
        while True:
            now_ms = self._now_ms()
            left_s = KEEP_ALIVE_S - (now_ms - said_ms) / 1000
            if patience_s is not None:
                left_s = min(left_s, patience_s - (now_ms - began_ms) / 1000)
                if left_s <= 0:
                    raise RefusedError("the websocket tells no sessions")
            if left_s <= 0:
                await socket.send(_KEEP_ALIVE)
                said_ms = now_ms
                continue
            try:
                async with asyncio.timeout(left_s):
                    text = await socket.receive()
            except TimeoutError:
                continue
            self._context.reachable(True)  # a look-up that failed meanwhile has said otherwise
            try:
                message = msgspec.json.decode(text, type=_Message)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                continue
            if message.MessageType.lower() == "sessions":
                patience_s = None
                await self._take(bytes(message.Data), self._tracker.follow)

    async def _poll(self) -> None:
        for _ in range(POLL_ROUNDS):
            await self._context.clock.sleep(POLL_BUSY_S if self._tracker.busy else POLL_IDLE_S)
            await self._take(await self._snapshot(), self._tracker.follow)
            self._context.reachable(True)

    async def _snapshot(self) -> bytes:
        try:
            snapshot = await self._server.sessions()
        except Exception as error:  # the client's own errors are not part of the plugin API
            raise GoneError(in_words(error)) from error
        if snapshot.status in (401, 403):
            raise GoneError(f"the server refuses `{self._server.option}` (HTTP {snapshot.status})")
        if snapshot.status != 200:
            raise GoneError(f"the server does not show its sessions (HTTP {snapshot.status})")
        # Half a second, because the header has whole ones.
        now = self._context.clock.now().utc
        self._ahead = None if snapshot.at is None else snapshot.at + timedelta(milliseconds=500) - now
        return snapshot.body

    async def _take(
        self, body: bytes, judge: Callable[[dict[str, Reading], datetime | None], Sequence[PlayerEvent]]
    ) -> None:
        try:
            now = read_list(body)
        except ValueError as error:
            self._context.log.debug("sessions cannot be read", why=str(error))
            return
        self._heard(list(now.values()))
        server_now = None if self._ahead is None else self._context.clock.now().utc.astimezone(UTC) + self._ahead
        for event in judge(now, server_now):
            await self._context.emit(event)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms
