"""The daemon's side of the control socket (contract.md 1.3): a unix socket for its own user alone."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import msgspec
import structlog

from scrobbler.control.reach import reachable
from scrobbler.control.wire import LINE_LIMIT, SOCKET_NAME, Reply, Request, read_request, write_line

Args: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Args], Awaitable[Any]]
Streamer: TypeAlias = Callable[[Args], AsyncIterator[Any]]
"""An async generator: each value that it yields becomes one `item` line, at once."""

REQUEST_TIMEOUT_S = 10.0
_ACCEPT_TURNS = 5

log = structlog.get_logger()


class ControlError(Exception):
    """What a handler raises to refuse a command. The text is one sentence for people."""


class ControlServer:
    """Answers the command line at `state_dir/control.sock`, mode 0600.

    `handlers` answer once, `streams` as long as the asker stays. Values are whatever msgspec can write as JSON. Whoever
    starts this holds the StateLock, so that a socket file which is there already is a stale one.
    """

    def __init__(
        self, state_dir: Path, handlers: Mapping[str, Handler], streams: Mapping[str, Streamer] | None = None
    ) -> None:
        self.path = state_dir / SOCKET_NAME
        self._handlers = handlers
        self._streams = streams or {}
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[Any]] = set()

    @property
    def listening(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def start(self) -> None:
        """Begin to listen. Raises OSError."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # The file gets the mode of the socket: there is no moment in which others could connect.
            os.fchmod(listener.fileno(), 0o600)
            with reachable(self.path) as address:
                listener.bind(address)
            self.path.chmod(0o600)
            listener.setblocking(False)
            self._server = await asyncio.start_unix_server(self._talk, sock=listener, limit=LINE_LIMIT)
        except BaseException:
            listener.close()
            raise

    async def stop(self) -> None:
        """Stop at once, streams included, and take the socket file away."""
        if self._server is None:
            return
        # A connection that was just accepted needs a few turns of the loop and an open server until its talk has begun.
        for listener in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(_ACCEPT_TURNS):
            await asyncio.sleep(0)
        self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        if self._talks:
            await asyncio.wait(set(self._talks), timeout=1)
        self._server = None
        with suppress(OSError):  # on a disk that takes nothing it stays, and the next start finds it stale
            self.path.unlink(missing_ok=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            with suppress(ConnectionError, TimeoutError):
                await self._answer(reader, writer)
        except asyncio.CancelledError:
            # `stop` ends the talk; nobody waits for this task, so the cancellation ends here.
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            self._talks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            try:
                line = await reader.readline()
            except ValueError:
                line = b""
        if not line:
            return
        try:
            request = read_request(line)
            reply = await self._run(request, reader, writer)
        except ControlError as error:
            reply = Reply(error=str(error))
        except (msgspec.MsgspecError, UnicodeError):
            reply = Reply(error="the request could not be read")
        except ConnectionError:
            return
        except Exception as error:
            log.exception("control command failed", error=type(error).__name__)
            reply = Reply(error="an error inside the daemon; its log says more")
        writer.write(write_line(reply))
        await writer.drain()

    async def _run(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
        if request.command in self._streams:
            await self._stream(self._streams[request.command](request.args), reader, writer)
            return Reply(done=True)
        handler = self._handlers.get(request.command)
        if handler is None:
            raise ControlError(f"the running daemon does not know {request.command!r}; is it of another version?")
        return Reply(done=True, value=msgspec.to_builtins(await handler(request.args)))

    async def _stream(
        self, items: AsyncIterator[Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send items until there are no more, or the asker hangs up."""
        gone = asyncio.ensure_future(reader.read(1))
        following = asyncio.ensure_future(_next(items))
        try:
            while True:
                await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    raise ConnectionResetError
                try:
                    item = following.result()
                except StopAsyncIteration:
                    return
                writer.write(write_line(Reply(item=msgspec.to_builtins(item))))
                await writer.drain()
                following = asyncio.ensure_future(_next(items))
        finally:
            gone.cancel()
            following.cancel()
            # A generator can be closed only when nothing waits in it any more.
            await asyncio.gather(gone, following, return_exceptions=True)
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items)
