"""The Plex listener against a live server: websocket, list, reconnect, refusals (players.md 1.8)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from scrobbler.api import Episode
from scrobbler.api.testkit import FakeClock, Recorder, check_events
from scrobbler.http import HttpClient, new_client
from scrobbler_plugins.plex import Plugin
from tests.kit.servers import EVENING, PLEX_TOKEN, plex_episode, plex_movie
from tests.kit.session_servers import LivePlex, plex_notice, plex_session
from tests.plugins.plex.kit import plugin

pytestmark = pytest.mark.anyio
FILM = plex_movie()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def plex() -> Iterator[LivePlex]:
    """Give a server that can be listened to."""
    with LivePlex() as server:
        yield server


@asynccontextmanager
async def listening(server: LivePlex, recorder: Recorder, **options: Any) -> AsyncIterator[Plugin]:
    """Listen for the length of the block; nothing may be left behind afterwards."""
    source = plugin(recorder.context, url=server.url, token=PLEX_TOKEN, **options)
    before = asyncio.all_tasks()
    task = asyncio.create_task(source.run())
    try:
        yield source
        check_events(recorder.events, secrets=[PLEX_TOKEN])
        assert PLEX_TOKEN not in str(recorder.log.lines)
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not [one for one in asyncio.all_tasks() - before if not one.done()]


def recorder_for(client: HttpClient, clock: FakeClock | None = None) -> Recorder:
    """Make the daemon's side."""
    return Recorder(clock=clock or FakeClock(EVENING), http=lambda: client)


async def test_play_is_heard_from_start_to_stop(plex: LivePlex, client: HttpClient) -> None:
    """The list is asked for when we come and at the first `playing`; then notifications are enough."""
    recorder = recorder_for(client)
    async with listening(plex, recorder):
        await plex.connected()
        plex.sessions = [plex_session(FILM)]
        plex.notify(plex_notice("playing", "4001", 0))
        await recorder.until("play")
        plex.notify(plex_notice("playing", "4001", 10_000))
        plex.notify(plex_notice("paused", "4001", 12_000))
        plex.sessions = []
        plex.notify(plex_notice("stopped", "4001", 12_000))
        await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "pause", "stop"]
    assert plex.paths().count("/status/sessions") == 2
    assert {reach.up for reach in recorder.reach} == {True}


async def test_token_is_a_header_where_that_opens(plex: LivePlex, client: HttpClient) -> None:
    """HTTP and websocket carry the token as a header, and no address does."""
    async with listening(plex, recorder_for(client)):
        await plex.connected()
    assert "X-Plex-Token" not in plex.opened[0].query
    assert plex.opened[0].query["filters"] == "playing"
    assert all("X-Plex-Token" not in asked.query for asked in plex.asked)


async def test_token_in_the_address_for_servers_that_want_it_there(client: HttpClient) -> None:
    """Where the header opens no websocket, the address does."""
    with LivePlex(header_opens=False) as plex:
        async with listening(plex, recorder_for(client)):
            await plex.connected()
        assert [("X-Plex-Token" in opened.query) for opened in plex.opened] == [False, True]


async def test_look_up_completes_what_the_list_lacks(plex: LivePlex, client: HttpClient) -> None:
    """The list has no ids; the look-up knows those of episode and series by the same key."""
    plex.add(plex_episode(), length_ms=1_499_000, file="/media/tv/s01e02.mkv")
    plex.add_show()
    plex.sessions = [plex_session(plex_episode())]
    recorder = recorder_for(client)
    async with listening(plex, recorder) as source:
        facts = await source.lookup(await recorder.until("play"))
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert (facts.item.ids.tvdb, facts.item.show.ids.tvdb) == ("9200002", "9300100")
    assert (facts.duration_ms, facts.path) == (1_499_000, "/media/tv/s01e02.mkv")


async def test_notification_that_comes_before_the_list(plex: LivePlex, client: HttpClient) -> None:
    """A session that the list does not have yet is looked for once more a second later."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(plex, recorder):
        await plex.connected()
        plex.notify(plex_notice("playing", "4001", 0))
        await plex.when(lambda: plex.paths().count("/status/sessions") == 2)
        plex.sessions = [plex_session(FILM)]
        async with asyncio.timeout(10):
            while not recorder.events:
                await asyncio.sleep(0.01)
                await clock.advance(1)
    assert recorder.kinds == ["play"]


async def test_second_look_outlives_what_comes_before_it(plex: LivePlex, client: HttpClient) -> None:
    """While a session waits for its second look it is not asked for again, and buffering does not end the wait."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(plex, recorder):
        await plex.connected()
        plex.notify(plex_notice("playing", "4001", 0))
        await plex.when(lambda: plex.paths().count("/status/sessions") == 2)
        plex.notify(plex_notice("buffering", "4001", 0), plex_notice("playing", "4001", 500))
        plex.sessions = [plex_session(FILM)]
        async with asyncio.timeout(10):
            while not recorder.events:
                await asyncio.sleep(0.01)
                await clock.advance(1)
    assert [(event.kind, event.position_ms) for event in recorder.events] == [("play", 500)]
    assert plex.paths().count("/status/sessions") == 3


async def test_pause_before_the_second_look_counts(plex: LivePlex, client: HttpClient) -> None:
    """Who pauses while a session waits for its second look is paused, although Plex may not say so again."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(plex, recorder):
        await plex.connected()
        plex.notify(plex_notice("playing", "4001", 0))
        await plex.when(lambda: plex.paths().count("/status/sessions") == 2)
        plex.sessions = [plex_session(FILM, state="paused", offset_ms=700)]
        plex.notify(plex_notice("playing", "4001", 500), plex_notice("paused", "4001", 700))
        async with asyncio.timeout(10):
            while len(recorder.events) < 2:
                await asyncio.sleep(0.01)
                await clock.advance(1)
    assert [(event.kind, event.position_ms) for event in recorder.events] == [("play", 500), ("pause", 700)]


async def test_session_that_ends_before_its_second_look(plex: LivePlex, client: HttpClient) -> None:
    """What is over before the list had it is not looked for again, and holds nobody else up."""
    plex.sessions = [plex_session(FILM)]
    recorder = recorder_for(client)
    async with listening(plex, recorder):
        await plex.connected()
        plex.notify(plex_notice("playing", "77", 0, key="90", clientIdentifier="other"))
        plex.notify(plex_notice("stopped", "77", 0, key="90", clientIdentifier="other"))
        plex.notify(plex_notice("paused", "4001", 5_000))
        await recorder.until("pause")
    assert recorder.kinds == ["play", "pause"]
    assert plex.paths().count("/status/sessions") == 2


async def test_broken_connection_is_made_again_and_reconciled(plex: LivePlex, client: HttpClient) -> None:
    """After a restart of the server the list is compared, whatever its numbers are; nobody is alarmed."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    plex.sessions = [plex_session(FILM, key="29")]
    async with listening(plex, recorder):
        await plex.connected()
        plex.sessions = [plex_session(FILM, key="1", offset_ms=20_000)]
        plex.drop()
        await recorder.when(lambda seen: "connection over" in [line.event for line in seen.log.lines])
        await clock.advance(2)
        await plex.connected(2)
        plex.notify(plex_notice("playing", "4001", 30_000, key="1"))
        await recorder.until("progress", 2)
    assert recorder.kinds == ["play", "progress", "progress"]
    assert all(reach.up for reach in recorder.reach)


async def test_server_that_is_off_and_comes_back(plex: LivePlex, client: HttpClient) -> None:
    """The daemon hears that the server is gone, and that it is back; meanwhile it is tried again and again."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    plex.shut()
    async with listening(plex, recorder):
        await tried(recorder, 1)
        await clock.advance(80)
        await tried(recorder, 2)
        assert {reach.up for reach in recorder.reach} == {False}
        assert "does not answer" in recorder.reach[0].why
        plex.open()
        await comes_back(recorder, clock)
        await plex.connected()


async def test_token_of_somebody_else_says_so(client: HttpClient) -> None:
    """Only the owner may see what plays: the reason names the token."""
    with LivePlex(owner=False) as plex:
        recorder = recorder_for(client)
        async with listening(plex, recorder) as source:
            await recorder.when(lambda seen: seen.reach)
            results = await source.check()
        assert "the owner's" in recorder.reach[0].why
        assert "sessions: the token may not see what plays" in [result.what for result in results if not result.good]


async def test_without_a_websocket_the_list_is_polled(plex: LivePlex, client: HttpClient) -> None:
    """A proxy that knows no websocket: the list is asked for every ten seconds while something plays."""
    plex.websocket = False
    plex.sessions = [plex_session(FILM)]
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(plex, recorder):
        await plex.when(lambda: len(plex.opened) == 2)
        await recorder.when(lambda seen: len(seen.log.lines) == 2)
        await clock.advance(0)
        plex.sessions = [plex_session(FILM, offset_ms=10_000)]
        await clock.advance(10)
        await recorder.until("progress")
        plex.sessions = []
        await clock.advance(0)
        await clock.advance(10)
        await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "stop"]


async def comes_back(recorder: Recorder, clock: FakeClock) -> None:
    """Let time pass until the listener says that it reaches its server."""
    async with asyncio.timeout(10):
        while not recorder.reach[-1].up:
            await clock.advance(5)
            await asyncio.sleep(0.01)


async def tried(recorder: Recorder, count: int) -> None:
    """Wait until the listener has said so often whether it reaches its server."""
    await recorder.when(lambda seen: len(seen.reach) >= count)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"sessions": True}, False),
        ({"url": "http://x", "token": "k"}, True),
        ({"url": "http://x", "token": "k", "sessions": False}, False),
        ({"url": "http://x", "token": "k", "secret": "s" * 16}, False),
        ({"url": "http://x", "token": "k", "secret": "s" * 16, "sessions": True}, True),
    ],
)
async def test_when_it_listens(options: dict[str, Any], *, expected: bool) -> None:
    """With a server and no secret of a hook it listens by itself; `sessions` decides where it is given."""
    assert plugin(**options).listens() is expected
