"""The HTTP server: sockets first, then uvicorn's protocol on them, without signals, threads or a loop of its own."""

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

BACKLOG = 128
STOP_S = 0.8
SILENT_S = 30
KEEP_ALIVE_S = 5
_ACCEPT_TURNS = 5


class ListenError(Exception):
    """The daemon cannot listen there. The text is one sentence: which address, why, and which key to change."""


class _Protocol(H11Protocol):
    """A connection that says nothing at all does not stay for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(SILENT_S, self.timeout_keep_alive_handler)


class HttpServer:
    """Serves an application on one or more `(host, port)`; port 0 takes a free one, see `addresses`.

    Makes no task of its own: `start` returns once it listens, `stop` within a second.
    """

    def __init__(self, app: ASGIApp, listen: Sequence[tuple[str, int]]) -> None:
        self._listen = tuple(listen)
        self._config = Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            loop="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self._addresses: list[tuple[str, int]] = []

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, as bound."""
        return list(self._addresses)

    async def start(self) -> None:
        """Bind every address, then begin to serve. Raises ListenError, and then listens nowhere."""
        loop = asyncio.get_running_loop()
        with ExitStack() as undo:
            sockets = []
            for host, port in self._listen:
                for one in await bind(host, port):
                    undo.callback(one.close)
                    sockets.append(one)
            if not self._config.loaded:
                self._config.load()
            undo.pop_all()
        self._addresses = [one.getsockname()[:2] for one in sockets]
        for one in sockets:
            self._servers.append(await loop.create_server(self._protocol, sock=one, backlog=BACKLOG))

    def _protocol(self) -> H11Protocol:
        return _Protocol(config=self._config, server_state=self._state, app_state={})

    async def stop(self) -> None:
        """Stop listening, let requests in progress end for a moment, then cut them off."""
        # A connection that was just accepted needs a few turns of the loop and an open server to be made whole.
        for server in self._servers:
            for listener in server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(_ACCEPT_TURNS):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        running = set(self._state.tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=STOP_S)
            for task in late:
                task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        # From Python 3.12 on this waits for the connections as well.
        for server in self._servers:
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 0.1)
        self._servers.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def bind(host: str, port: int) -> list[socket.socket]:
    """Open the listening sockets of one address; a host name may have several. Raises ListenError."""
    flags = socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags | socket.AI_NUMERICHOST)
    except OSError:
        # A name: asking for it may take a while, and is done in a thread.
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        except OSError:
            raise ListenError(
                f"the host name {host!r} is not known; give an address of this machine in `http.listen`"
            ) from None
    bound: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        one = socket.socket(family, kind, protocol)
        bound.append(one)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(BACKLOG)
            one.setblocking(False)
        except OSError as error:
            for other in bound:
                other.close()
            raise ListenError(_why(_shown(host, port), error)) from None
    return bound


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why(where: str, error: OSError) -> str:
    advice = "change `http.listen` (or $SCROBBLER_LISTEN)"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is taken by another program; stop that one, or {advice}"
        case errno.EADDRNOTAVAIL:
            return f"{where} is not an address of this machine; {advice}"
        case errno.EACCES | errno.EPERM:
            return f"{where} may not be used by this user (ports below 1024 are reserved); {advice}"
        case code:
            return f"{where} cannot be listened on ({os.strerror(code or 0)}); {advice}"
