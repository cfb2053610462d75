"""A fake server that can be listened to: its HTTP and its websocket on one port, in a thread of its own."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Any, NamedTuple, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.kit.media_servers import Asked, FakeServer, Json
from tests.kit.servers import EVENING


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
        query, headers = dict(request.query_params), dict(request.headers)
        asked = Asked(request.url.path, query, headers, await request.body())
        self.asked.append(asked)
        self._note()
        status, content = (503, None) if self.broken else self.answer(asked)
        body, kind = self.written(content, asked.headers.get("accept", ""))
        date = {"Date": format_datetime(self.now.astimezone(UTC), usegmt=True)}
        return Response(body if content is not None else b"", status, date, kind)

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
