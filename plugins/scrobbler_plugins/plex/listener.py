"""Listens to a Plex Media Server without Plex Pass: its notifications, and its list of sessions (players.md 1.8)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from scrobbler.api import Context, PlayerEvent
from scrobbler.api.connection import GoneError, RefusedError, WebSocket, in_words, keep_connected, open_websocket
from scrobbler.api.servers.fields import Fields
from scrobbler_plugins.plex.lookup import Server
from scrobbler_plugins.plex.sessions import Line, Notice, Tracker, read_lines, read_notices

LOOK_AGAIN_MS = 1000
"""A session is told before the list has it; so long later the list is asked once more."""
POLL_BUSY_S = 10.0
POLL_IDLE_S = 30.0
POLL_ROUNDS = 120
"""After so many polls the websocket is tried again."""


class _Waiting(NamedTuple):
    """A session that waits for its second look: when that is due, that it plays, and the pause that followed, if any."""

    due_ms: int
    playing: Notice
    paused: Notice | None = None


class Listener:
    """One run of listening."""

    def __init__(self, server: Server, context: Context) -> None:
        self._server = server
        self._context = context
        self._tracker = Tracker()
        self._machine = ""
        self._again: dict[str, _Waiting] = {}

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_connected(self._context, self._visit)

    async def _visit(self, up: Callable[[], None]) -> None:
        self._machine = await self._name()
        await self._tell(self._tracker.reconcile(await self._list()))
        up()
        for address, headers in self._ways():
            try:
                async with open_websocket(address, headers) as socket:
                    await self._listen(socket)
            except RefusedError as error:
                self._context.log.debug("no websocket there", why=str(error))
                if error.status not in (401, 403):
                    break
        await self._poll()

    def _ways(self) -> Sequence[tuple[str, dict[str, str]]]:
        """Return how the websocket may open: the token as a header; in the address for a server that wants it there."""
        root = f"{self._server.url}/:/websockets/notifications"
        headers = dict(self._server.headers)
        with_token = {"filters": "playing", **headers}
        return [(f"{root}?filters=playing", headers), (f"{root}?{urlencode(with_token)}", {})]

    async def _listen(self, socket: WebSocket) -> None:
        self._again.clear()
        while True:
            try:
                async with asyncio.timeout(self._patience_s()):
                    notices = read_notices(await socket.receive())
            except TimeoutError:
                await self._look_again()
                continue
            self._context.reachable(True)  # a look-up that failed meanwhile has said otherwise
            for notice in notices:
                await self._hear(notice)

    async def _hear(self, notice: Notice) -> None:
        """Take a notification. One whose session the list does not have yet waits for a second look, and nobody else does."""
        if waiting := self._again.get(notice.session):
            if notice.state == "playing":
                self._again[notice.session] = waiting._replace(playing=notice, paused=None)
            elif notice.state == "paused":
                self._again[notice.session] = waiting._replace(paused=notice)
            elif notice.state == "stopped":
                del self._again[notice.session]
            return
        lines: Sequence[Line] = ()
        if self._tracker.wants_list(notice):
            lines = await self._list()
            if all(line.session != notice.session for line in lines):
                self._again[notice.session] = _Waiting(self._now_ms() + LOOK_AGAIN_MS, notice)
                return
        await self._tell(self._tracker.hear(notice, lines))

    async def _look_again(self) -> None:
        """Ask the list once more for the sessions whose time has come."""
        now_ms = self._now_ms()
        for session, waiting in list(self._again.items()):
            if waiting.due_ms <= now_ms:
                del self._again[session]
                await self._tell(self._tracker.hear(waiting.playing, await self._list()))
                if waiting.paused is not None:
                    await self._tell(self._tracker.hear(waiting.paused))

    def _patience_s(self) -> float | None:
        """Return how long a message may be waited for before somebody must be looked for again; None: for ever."""
        due_ms = min((waiting.due_ms for waiting in self._again.values()), default=None)
        return None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms

    async def _poll(self) -> None:
        for _ in range(POLL_ROUNDS):
            await self._context.clock.sleep(POLL_BUSY_S if self._tracker.busy else POLL_IDLE_S)
            await self._tell(self._tracker.follow(await self._list()))
            self._context.reachable(True)

    async def _name(self) -> str:
        try:
            return await self._server.machine()
        except Exception as error:  # the client's own errors are not part of the plugin API
            raise GoneError(in_words(error)) from error

    async def _list(self) -> list[Line]:
        try:
            answer = await self._server.get("/status/sessions")
        except Exception as error:  # the client's own errors are not part of the plugin API
            raise GoneError(in_words(error)) from error
        if answer.status in (401, 403):
            raise GoneError(
                f"the server does not show its sessions to this `token` (HTTP {answer.status}): it must be the owner's"
            )
        if answer.status != 200:
            raise GoneError(f"the server does not show its sessions (HTTP {answer.status})")
        return read_lines(Fields(answer.content), self._machine)

    async def _tell(self, events: Sequence[PlayerEvent]) -> None:
        for event in events:
            await self._context.emit(event)
