"""A connection to a Kodi: WebSocket or plain TCP below, questions, answers and notifications above (players.md 4.1)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from scrobbler.api.connection import GoneError, RefusedError, WebSocket, in_words, keep_alive, open_websocket
from scrobbler_plugins.kodi.fields import text
from scrobbler_plugins.kodi.messages import Failure, Notification, Objects, TooLongError, read, request

PORT = 9090
CONNECT_S = 10.0
ANSWER_S = 10.0
_READ = 64 * 1024

WANTED = ("Player.", "System.On", "VideoLibrary.OnUpdate")


class FailedError(Exception):
    """Kodi refused a request: there is no such player or item, or this version does not know the question."""


class Address(NamedTuple):
    """Where a Kodi listens. `web` is the address of its WebSocket as `open_websocket` takes it; "" means plain TCP."""

    host: str
    port: int
    web: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """Read `url` of the options. Raises ValueError."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORT
        if not host:
            raise ValueError("there is no host in it")
        if parts.scheme == "tcp":
            return cls(host, port)
        name = f"[{host}]" if ":" in host else host
        scheme = "https" if parts.scheme == "wss" else "http"
        return cls(host, port, f"{scheme}://{name}:{port}{parts.path.rstrip('/') or '/jsonrpc'}")

    @property
    def shown(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


class Link(Protocol):
    """What both ways of talking to Kodi have in common."""

    async def send(self, data: bytes) -> None:
        """Send one object. Raises GoneError."""
        ...

    async def receive(self) -> bytes | str:
        """Wait for one object. Raises GoneError."""
        ...


class Kodi:
    """A Kodi that answers. Notifications wait in order until `next` fetches them."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._count = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._news: deque[Notification] = deque()
        self._wake = asyncio.Event()
        self._gone: GoneError | None = None

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask, and return the result. Raises FailedError when Kodi refuses, GoneError when it does not answer."""
        if self._gone is not None:
            raise self._gone
        self._count += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = answer
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._link.send(request(self._count, method, params or {}))
                result = await answer
        except TimeoutError as error:
            raise GoneError("Kodi does not answer any more") from error
        finally:
            self._waiting = {number: one for number, one in self._waiting.items() if one is not answer}
        if isinstance(result, Failure):
            raise FailedError(f"{method}: {result.message or result.code}")
        return result

    async def uses(self, profile: str) -> bool:
        """Tell whether a profile is in use; "" stands for any, and asks nothing. Raises GoneError."""
        if not profile:
            return True
        try:
            return text(await self.ask("Profiles.GetCurrentProfile"), "label").casefold() == profile.casefold()
        except FailedError:
            return False

    async def next(self, seconds: float | None) -> Notification | None:
        """Wait for a notification; None when so long none has come. Raises GoneError."""
        if not self._news and self._gone is None:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if self._news:
            return self._news.popleft()
        if self._gone is not None:
            raise self._gone
        return None

    def left(self) -> list[Notification]:
        """Fetch all that was said before contact was lost."""
        said = list(self._news)
        self._news.clear()
        return said

    def pending(self, methods: tuple[str, ...]) -> bool:
        """Tell whether a notification of these waits to be fetched."""
        return any(one.method in methods for one in self._news)

    async def serve(self) -> None:
        """Read until contact is lost; then every question fails."""
        try:
            while True:
                self._take(await self._link.receive())
        except GoneError as error:
            self._gone = error
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(error)
            self._wake.set()

    def _take(self, data: bytes | str) -> None:
        message = read(data)
        if isinstance(message, Notification):
            if message.method.startswith(WANTED):
                self._news.append(message)
                self._wake.set()
        elif message is not None:
            answer = self._waiting.get(message.number)
            if answer is not None and not answer.done():
                answer.set_result(message.failure or message.result)


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Kodi]:
    """Open a connection for the length of the block. Raises GoneError."""
    async with _web(address) if address.web else _tcp(address) as link:
        kodi = Kodi(link)
        reading = asyncio.create_task(kodi.serve(), name="kodi")
        try:
            yield kodi
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


class _Web(NamedTuple):
    socket: WebSocket

    async def send(self, data: bytes) -> None:
        await self.socket.send(data.decode())

    async def receive(self) -> bytes | str:
        return await self.socket.receive()


@asynccontextmanager
async def _web(address: Address) -> AsyncIterator[Link]:
    try:
        # Kodi's answers to pings carry nothing of the ping, and so answer none (seen with 20.1).
        async with open_websocket(address.web, {}, ping_s=None) as opened:
            yield _Web(opened)
    except RefusedError as error:
        raise GoneError(f"{address.shown} answers, but opens no WebSocket as Kodi does") from error


class _Tcp:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._objects = Objects()
        self._ready: deque[bytes] = deque()

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise GoneError("Kodi closed the connection") from error

    async def receive(self) -> bytes | str:
        while not self._ready:
            try:
                data = await self._reader.read(_READ)
                self._ready.extend(self._objects.cut(data))
            except (OSError, TooLongError) as error:
                raise GoneError("the connection to Kodi broke") from error
            if not data:
                raise GoneError("Kodi closed the connection")
        return self._ready.popleft()


@asynccontextmanager
async def _tcp(address: Address) -> AsyncIterator[Link]:
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError) as error:
        raise GoneError(in_words(error)) from error
    keep_alive(writer.get_extra_info("socket"))
    try:
        yield _Tcp(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
