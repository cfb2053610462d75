"""What sources of media servers cost, and where their keys go: the same promises for Plex, Jellyfin and Emby."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from scrobbler.api.testkit import FakeClock, Recorder
from scrobbler.http import HttpClient, new_client
from scrobbler_plugins.emby import Plugin as Emby
from scrobbler_plugins.jellyfin import Plugin as Jellyfin
from scrobbler_plugins.plex import Plugin as Plex
from tests.kit.emby import EMBY_KEY
from tests.kit.live_server import LiveServer
from tests.kit.media_servers import Asked, FakeServer
from tests.kit.servers import EVENING, JELLYFIN_KEY, PLEX_TOKEN
from tests.kit.session_servers import LiveEmby, LiveJellyfin, LivePlex

pytestmark = pytest.mark.anyio

KINDS: list[tuple[Any, Any, dict[str, str]]] = [
    (Plex, LivePlex, {"token": PLEX_TOKEN}),
    (Jellyfin, LiveJellyfin, {"api_key": JELLYFIN_KEY}),
    (Emby, LiveEmby, {"api_key": EMBY_KEY}),
]
HOUR_S = 3600


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@asynccontextmanager
async def listening(kind: Any, url: str, key: dict[str, str], recorder: Recorder) -> AsyncIterator[None]:
    """Listen for the length of the block."""
    task = asyncio.create_task(kind(kind.Options(type="x", url=url, **key), recorder.context).run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def pass_time(recorder: Recorder, clock: FakeClock, seconds: float) -> None:
    """Let time pass in steps of a second, each as long in real time as an answer on loopback needs."""
    for _ in range(int(seconds)):
        for _ in range(10_000):
            if clock.sleepers:
                break
            await asyncio.sleep(0.001)
        await clock.advance(1)


@pytest.mark.parametrize(("kind", "server_kind", "key"), KINDS)
async def test_a_server_that_is_off_is_looked_at_once_a_minute(
    client: HttpClient, kind: Any, server_kind: Any, key: dict[str, str]
) -> None:
    """While it fails, one question a minute is asked, always the same; it is said once that it is gone."""
    clock = FakeClock(EVENING)
    recorder = Recorder(clock=clock, http=lambda: client)
    with server_kind() as server:
        server.broken = True
        async with listening(kind, server.url, key, recorder):
            await recorder.when(lambda seen: seen.reach)
            await pass_time(recorder, clock, 600)  # the pauses have grown by then
            before = len(server.asked)
            await pass_time(recorder, clock, HOUR_S)
            paths = Counter(server.paths())
        assert 45 <= len(server.asked) - before <= 82
        assert len(paths) == 1
        assert server.opened == []
    assert {reach.why for reach in recorder.reach} == {"the server fails with HTTP 503"}


@pytest.mark.parametrize(("kind", "server_kind", "key"), KINDS)
async def test_a_server_before_which_nobody_sits_is_asked_nothing(
    client: HttpClient, kind: Any, server_kind: Any, key: dict[str, str]
) -> None:
    """With an open websocket, and nothing that plays, an hour costs no request."""
    clock = FakeClock(EVENING)
    recorder = Recorder(clock=clock, http=lambda: client)
    with server_kind() as server:
        async with listening(kind, server.url, key, recorder):
            await server.connected()
            # Its own contact, the greeting of Emby and Jellyfin, and Emby's first list.
            await recorder.when(partial(has_said, {Plex: 1, Jellyfin: 2, Emby: 3}[kind]))
            before = len(server.asked)
            for _ in range(60):
                await clock.advance(60)
                await asyncio.sleep(0.001)
        assert len(server.asked) == before
        assert len(server.opened) == 1


@pytest.mark.parametrize(("kind", "server_kind", "key"), KINDS)
async def test_a_server_without_websockets_is_asked_seldom_while_nobody_sits_there(
    client: HttpClient, kind: Any, server_kind: Any, key: dict[str, str]
) -> None:
    """Behind a proxy that knows no websockets the list is asked for a few times a minute; the websocket is tried again."""
    clock = FakeClock(EVENING)
    recorder = Recorder(clock=clock, http=lambda: client)
    with server_kind() as server:
        server.websocket = False
        async with listening(kind, server.url, key, recorder):
            await server.when(lambda: server.opened)
            await recorder.when(lambda seen: any(line.event == "no websocket there" for line in seen.log.lines))
            await pass_time(recorder, clock, 600)
        assert 10 <= len(server.asked) <= 600 / 20 + 5
    assert {reach.up for reach in recorder.reach} == {True}


def has_said(count: int, recorder: Recorder) -> bool:
    """Tell whether a listener has said so often whether it reaches its server."""
    return len(recorder.reach) >= count


class Elsewhere(FakeServer):
    """A server that sends everybody to another one."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer with nothing but the other's address."""
        del asked
        return 302, None

    def extra(self, asked: Asked) -> dict[str, str]:
        """Name the other's address."""
        return {"Location": self.target + asked.path}


@pytest.mark.parametrize(("kind", "server_kind", "key"), KINDS)
async def test_a_key_goes_nowhere_else(client: HttpClient, kind: Any, server_kind: Any, key: dict[str, str]) -> None:
    """A redirect is not followed, by nobody: the key is for the address of the configuration; `doctor` says what to do."""
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    with server_kind() as other, Elsewhere(other.url) as server:
        async with listening(kind, server.url, key, recorder):
            await recorder.when(lambda seen: seen.reach)
        results = await kind(kind.Options(type="x", url=server.url, **key), recorder.context).check()
        assert isinstance(other, LiveServer)
        assert other.asked == []
        assert other.opened == []
    assert not recorder.reach[0].up
    assert "302" in recorder.reach[0].why
    assert "sends us elsewhere" in results[-1].advice


@pytest.mark.parametrize(("kind", "server_kind", "key"), KINDS)
async def test_what_is_said_names_no_key(client: HttpClient, kind: Any, server_kind: Any, key: dict[str, str]) -> None:
    """Refused, failing, off: neither the reason nor the log nor `doctor` says the key, or an address with it."""
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    results = []
    with server_kind() as server:
        for fault in ("refuses", "breaks", "off"):
            server.key = server.token = "another"
            server.broken = fault == "breaks"
            if fault == "off":
                server.shut()
            said = len(recorder.reach)
            async with listening(kind, server.url, key, recorder):
                await recorder.when(partial(has_said, said + 1))
            results += await kind(kind.Options(type="x", url=server.url, **key), recorder.context).check()
    (secret,) = key.values()
    told = f"{recorder.reach} {recorder.log.lines} {results}"
    assert secret not in told
    assert "X-Plex-Token" not in told.replace("a fresh X-Plex-Token", "")
    assert len({reach.why for reach in recorder.reach}) == 3
