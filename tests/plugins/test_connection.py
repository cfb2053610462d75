"""What every listener of a server shares: when it tries again, and what the daemon hears of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from scrobbler.api.connection import LAST_RETRY_S, GoneError, RefusedError, keep_connected, open_websocket, retry_s
from scrobbler.api.testkit import FakeClock, Recorder
from tests.kit.session_servers import LivePlex

pytestmark = pytest.mark.anyio


class Server:
    """Something to visit, that fails or holds for a while; `times` is when it was visited, in seconds."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.times: list[float] = []
        self.holds_s: float | None = None

    async def visit(self, up: Callable[[], None]) -> None:
        """Be visited."""
        self.times.append(self.clock.now().mono_ms / 1000)
        if self.holds_s is None:
            raise GoneError("nobody answers")
        up()
        await self.clock.sleep(self.holds_s)

    @property
    def pauses(self) -> list[float]:
        """How long it was left alone between visits."""
        return [round(later - before, 1) for before, later in zip(self.times, self.times[1:], strict=False)]


async def visited(server: Server, recorder: Recorder, seconds: float, last_retry_s: float = LAST_RETRY_S) -> None:
    """Keep connected for so long."""
    task = asyncio.create_task(keep_connected(recorder.context, server.visit, Random(7), last_retry_s=last_retry_s))
    await server.clock.advance(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_pauses_grow_to_a_minute() -> None:
    """A second, twice as long after each failure, a minute at most."""
    assert [retry_s(failures) for failures in (0, 1, 2, 5, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60, 60]


async def test_server_that_is_off_is_tried_once_a_minute() -> None:
    """What is off costs one look a minute, with jitter, so that many do not come at once."""
    clock = FakeClock()
    recorder, server = Recorder(clock=clock), Server(clock)
    await visited(server, recorder, 3600)
    for failures, pause in enumerate(server.pauses):
        assert 0.75 * retry_s(failures) - 0.1 <= pause <= 1.25 * retry_s(failures) + 0.1
    assert len(set(server.pauses[7:])) > 3
    assert 50 <= len(server.times) <= 85
    assert {reach.up for reach in recorder.reach} == {False}
    assert recorder.reach[0].why == "nobody answers"


async def test_player_that_may_be_tried_often() -> None:
    """Where trying costs nothing, the pauses grow to no more than the source says."""
    clock = FakeClock()
    recorder, server = Recorder(clock=clock), Server(clock)
    await visited(server, recorder, 600, last_retry_s=2)
    assert all(1.4 <= pause <= 2.6 for pause in server.pauses[1:])
    assert len(server.pauses) > 200


async def test_connection_that_breaks_and_is_made_again_is_no_news() -> None:
    """A good connection that breaks is made again within a second or so, and nobody is told that it was gone."""
    clock = FakeClock()
    recorder, server = Recorder(clock=clock), Server(clock)
    server.holds_s = 300
    await visited(server, recorder, 1800)
    assert all(300.7 <= pause <= 301.4 for pause in server.pauses)
    assert all(reach.up for reach in recorder.reach)


async def test_connection_that_never_holds_is_not_tried_in_a_hurry() -> None:
    """A server that accepts and hangs up at once is left alone longer and longer too."""
    clock = FakeClock()
    recorder, server = Recorder(clock=clock), Server(clock)
    server.holds_s = 0.1
    await visited(server, recorder, 3600)
    assert len(server.times) <= 85


async def test_websocket_that_nobody_serves() -> None:
    """Nobody there, and somebody who opens no websocket, are told apart, without the address."""
    with LivePlex() as plex:
        with pytest.raises(RefusedError, match="HTTP 403") as refused:
            async with open_websocket(f"{plex.url}/:/websockets/notifications", {}):
                raise AssertionError("it opened")
        assert refused.value.status == 403
        with pytest.raises(RefusedError):
            async with open_websocket(f"{plex.url}/identity", {}):
                raise AssertionError("it opened")
    with pytest.raises(GoneError, match="does not answer") as gone:
        async with open_websocket(plex.url, {"X-Plex-Token": "secret-token"}):
            raise AssertionError("it opened")
    assert "secret-token" not in str(gone.value)


async def test_redirects_are_not_followed() -> None:
    """A redirect is a refusal: the headers carry a secret that belongs to this server alone."""

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RefusedError) as refused:
            async with open_websocket(f"http://127.0.0.1:{port}/", {"X-Plex-Token": "secret-token"}):
                raise AssertionError("it opened")
    assert refused.value.status == 302
