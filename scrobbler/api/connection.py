"""What plugins share that listen to a server: a connection that is kept, and a websocket.

Imported by its own name, not through `scrobbler.api`, so that only who listens pays for it.
"""

import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import TYPE_CHECKING

from scrobbler.api.plugin import Context

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
SETTLED_S = 60.0
"""A connection that held so long was a good one: the next retry is quick again."""

_OPEN_TIMEOUT_S = 10.0
_PING_S = 20.0
_MESSAGE_LIMIT = 16 * 1024 * 1024
_KEEP_ALIVE = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class GoneError(Exception):
    """Contact is lost, or could not be made. The text says why, for people, without addresses and secrets."""


class RefusedError(GoneError):
    """The server answers, but does not open a websocket. `status` is its HTTP status, 0 where it has none."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


async def keep_connected(
    context: Context,
    visit: Callable[[Callable[[], None]], Awaitable[None]],
    random: Random | None = None,
    *,
    last_retry_s: float = LAST_RETRY_S,
) -> None:
    """Visit a server again and again, until cancelled.

    `visit` gets a function that it calls once it has contact, and returns or raises GoneError when contact is over. Then
    it waits: a second, twice as long after each failure, `last_retry_s` at most, each with jitter. A connection that breaks
    and is made again at once is no news; what cannot be reached is told to `context.reachable`.
    """
    dice = random or Random()  # noqa: S311 (spreads retries, guards nothing)
    failures = 0
    while True:
        began_ms = context.clock.now().mono_ms
        met = False

        def up() -> None:
            nonlocal met
            met = True
            context.reachable(True)

        try:
            await visit(up)
            why = "the connection was closed"
        except GoneError as error:
            why = str(error)
        held_s = (context.clock.now().mono_ms - began_ms) / 1000
        if met and held_s >= SETTLED_S:
            failures = 0
        if not met:
            context.reachable(False, why)
        context.log.debug("connection over", why=why)
        await context.clock.sleep(min(retry_s(failures), last_retry_s) * (0.75 + 0.5 * dice.random()))
        failures += 1


def retry_s(failures: int) -> float:
    """Say how long to wait after so many failures in a row, in seconds, before jitter."""
    return min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures, 10))


def in_words(error: BaseException) -> str:
    """Say in plain words why a server cannot be asked: without addresses, which may hold secrets."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the server's certificate is not trusted ({one.verify_message.rstrip('.')})"
        if isinstance(one, ssl.SSLError):
            return "the server does not speak https there"
        if isinstance(one, socket.gaierror):
            return "the server does not answer: nobody knows its name"
        if isinstance(one, ConnectionRefusedError):
            return "the server does not answer: connection refused"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return f"the server fails with HTTP {status}"
    if any("Timeout" in type(one).__name__ for one in chain):
        return "the server does not answer in time"
    return f"the server does not answer ({type(error).__name__})"


class WebSocket:
    """An open websocket."""

    def __init__(self, connection: "ClientConnection") -> None:
        self._connection = connection

    async def receive(self) -> str | bytes:
        """Wait for a message; may be cancelled without losing one. Raises GoneError."""
        from websockets.exceptions import ConnectionClosed

        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise GoneError("the server closed the connection") from error

    async def send(self, text: str) -> None:
        """Send a message. Raises GoneError."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise GoneError("the server closed the connection") from error


def keep_alive(sock: socket.socket) -> None:
    """Let the system find out within a minute that the other machine is gone, without asking the program on it."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            if hasattr(socket, name):  # not on every system
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@asynccontextmanager
async def open_websocket(
    url: str, headers: Mapping[str, str], *, ping_s: float | None = _PING_S
) -> AsyncIterator[WebSocket]:
    """Open a websocket at an `http` or `https` address. Raises RefusedError and GoneError.

    Redirects are not followed and proxies not asked: the headers carry secrets that belong to this server alone. A
    server that stops answering pings is found out within twice `ping_s`. None is for servers that answer none: then
    the connection counts as long as the other machine is there.
    """
    try:  # costs memory that a daemon without such a source does not need
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
    except ImportError as error:
        raise RefusedError("the package `websockets` is not installed") from error

    class Connect(connect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    quiet = logging.getLogger("scrobbler.websocket")  # the library's own would write headers at debug
    quiet.setLevel(logging.CRITICAL)
    tls = None
    if url.startswith("https:"):
        from scrobbler.http import tls_context  # the daemon has it by now, a test kit alone has not

        tls = tls_context()
    opening = Connect(
        "ws" + url.removeprefix("http"),
        ssl=tls,
        additional_headers=dict(headers),
        user_agent_header=None,
        open_timeout=_OPEN_TIMEOUT_S,
        ping_interval=ping_s,
        ping_timeout=ping_s,
        close_timeout=2.0,
        max_size=_MESSAGE_LIMIT,
        logger=quiet,
        proxy=None,
    )
    try:
        connection = await opening
    except InvalidStatus as error:
        status = error.response.status_code
        raise RefusedError(f"the server opens no websocket (HTTP {status})", status) from error
    except InvalidHandshake as error:
        raise RefusedError("the server opens no websocket") from error
    except (OSError, TimeoutError, WebSocketException, EOFError) as error:
        raise GoneError(in_words(error)) from error
    keep_alive(connection.transport.get_extra_info("socket"))
    try:
        yield WebSocket(connection)
    finally:
        await connection.close()
