"""Emby's sessions: the pure comparison of lists, then the listener against a live server (players.md 3.4)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import pytest

from scrobbler.api import Episode, Facts, Ids, Movie, User
from scrobbler.api.servers.mediabrowser import listener as listener_module
from scrobbler.api.servers.mediabrowser.sessions import Tracker, read_list
from scrobbler.api.testkit import FakeClock, Recorder, check_events
from scrobbler.clock import SystemClock
from scrobbler.http import HttpClient, new_client
from scrobbler_plugins.emby import Plugin
from scrobbler_plugins.emby.lookup import Server
from tests.kit.emby import EMBY_FILM, EMBY_KEY, EMBY_USER, emby_episode, emby_movie
from tests.kit.servers import EVENING
from tests.kit.session_servers import LiveEmby, jellyfin_session, later
from tests.plugins.emby.kit import plugin

PLAYER = f"dev-0001:{EMBY_USER}"


def playing(position_s: float, said_s: float, item: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a session of Emby, which has no time of a check-in: only of the client's last activity."""
    given = {"position_ms": int(position_s * 1000), "said_at": later(said_s), "UserId": EMBY_USER, **changes}
    return jellyfin_session(item or emby_movie(), **given, LastPlaybackCheckIn=None)


class House:
    """A tracker fed with lists."""

    def __init__(self) -> None:
        self.tracker = Tracker(counts_on=False)

    def sees(self, *sessions: dict[str, Any], now: datetime | None = None) -> list[tuple[str, int | None]]:
        """Feed one list; return the kinds and positions of what follows."""
        events = self.tracker.follow(read_list(json.dumps(sessions)), now)
        return [(event.kind, event.position_ms) for event in events]


def test_event_carries_all_that_the_daemon_needs() -> None:
    """The same names as the webhook's, so that both are one player."""
    (event,) = Tracker(counts_on=False).follow(read_list(json.dumps([playing(745, 0)])), EVENING)
    assert (event.kind, event.player, event.item_key) == ("play", PLAYER, EMBY_FILM)
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert event.user == User(id=EMBY_USER, name="alice")
    assert (event.position_ms, event.duration_ms, event.device) == (745_000, 6_000_000, "Living Room")


def test_evening() -> None:
    """Play, progress by the client's own activity alone, pause, resume, next item, stop."""
    house = House()
    assert house.sees(playing(0, 0)) == [("play", 0)]
    assert house.sees(playing(5, 0)) == []
    assert house.sees(playing(10, 10)) == [("progress", 10_000)]
    assert house.sees(playing(12, 12, paused=True)) == [("pause", 12_000)]
    assert house.sees(playing(12, 22, paused=True)) == []
    assert house.sees(playing(12, 30)) == [("play", 12_000)]
    assert house.sees(playing(0, 40, emby_episode())) == [("stop", None), ("play", 0)]
    assert house.sees(jellyfin_session(None)) == [("stop", None)]


def test_client_that_fetches_but_does_not_move_is_no_progress() -> None:
    """Activity without a new position says nothing."""
    house = House()
    house.sees(playing(10, 0))
    assert house.sees(playing(10, 5)) == []


def test_dead_client_begins_nothing() -> None:
    """A ghost that was there before us is no play until it is heard."""
    house = House()
    assert house.sees(playing(640, 0), now=later(240)) == []
    assert house.sees(playing(655, 251), now=later(252)) == [("play", 655_000)]


def test_what_is_no_play_is_said_once() -> None:
    """Live TV is told once with its reason; its progress and its end are not."""
    house = House()
    (event,) = Tracker(counts_on=False).follow(
        read_list(json.dumps([playing(0, 0, emby_movie(Type="TvChannel"))])), None
    )
    assert event.skip == "live_tv"
    house.sees(playing(0, 0, emby_movie(Type="TvChannel")))
    assert house.sees(playing(10, 10, emby_movie(Type="TvChannel"))) == []
    assert house.sees() == []


def test_additional_users_and_nobodys_sessions() -> None:
    """Everybody in a session watches; a session without a user is nobody's."""
    found = read_list(json.dumps([playing(0, 0, AdditionalUsers=[{"UserId": "aa", "UserName": "bob"}])]))
    assert sorted(reading.user.name for reading in found.values()) == ["alice", "bob"]
    assert read_list(json.dumps([playing(0, 0, UserId=None, UserName=None)])) == {}


def test_lost_while_away_is_gone() -> None:
    """What is no longer there after a broken connection was lost, not stopped."""
    tracker = Tracker(counts_on=False)
    tracker.follow(read_list(json.dumps([playing(0, 0)])), None)
    assert [event.kind for event in tracker.reconcile({}, None)] == ["gone"]


@pytest.mark.parametrize("body", ["no json", "{}", '["x"]', "[1]"])
def test_what_is_no_list(body: str) -> None:
    """What is no list of sessions is refused in one sentence."""
    with pytest.raises(ValueError, match="not a list of sessions"):
        read_list(body)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def emby() -> Iterator[LiveEmby]:
    """Give a server that can be listened to."""
    with LiveEmby() as server:
        yield server


@asynccontextmanager
async def listening(server: LiveEmby, recorder: Recorder) -> AsyncIterator[Plugin]:
    """Listen for the length of the block; nothing may be left behind afterwards."""
    source = plugin(recorder.context, url=server.url, api_key=EMBY_KEY)
    before = asyncio.all_tasks()
    task = asyncio.create_task(source.run())
    try:
        yield source
        check_events(recorder.events, secrets=[EMBY_KEY])
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not [one for one in asyncio.all_tasks() - before if not one.done()]


async def subscribed(server: LiveEmby) -> None:
    """Wait until a client has asked for sessions."""
    await server.when(lambda: any("SessionsStart" in text for text in server.told))


@pytest.mark.anyio
async def test_play_is_heard_from_start_to_stop(emby: LiveEmby, client: HttpClient) -> None:
    """Play, progress and stop arrive over the websocket; the key goes as a header."""
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    async with listening(emby, recorder):
        await subscribed(emby)
        emby.show(playing(0, 0))
        emby.show(playing(10, 10))
        emby.show()
        await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "stop"]
    assert emby.paths() == ["/emby/Sessions"]
    assert "api_key" not in emby.opened[0].query


@pytest.mark.anyio
async def test_look_up_knows_what_the_list_said(emby: LiveEmby, client: HttpClient) -> None:
    """Path and series of what plays are remembered from the list, also where the server does not show the item."""
    emby.add_series()
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    async with listening(emby, recorder) as source:
        await subscribed(emby)
        emby.show(playing(0, 0, emby_episode()))
        facts = await source.lookup(await recorder.until("play"))
    assert isinstance(facts, Facts)
    assert facts.path == emby_episode()["Path"]
    assert isinstance(facts.item, Episode)
    assert facts.item.show.ids.tvdb == "9300100"


@pytest.mark.anyio
async def test_servers_that_want_the_key_in_the_address(
    emby: LiveEmby, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the header opens no websocket, the address does."""
    monkeypatch.setattr(emby, "allowed", lambda opened: opened.query.get("api_key") == EMBY_KEY)
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    async with listening(emby, recorder):
        await subscribed(emby)
        emby.show(playing(0, 0))
        await recorder.until("play")
    assert len(emby.opened) == 2
    assert EMBY_KEY not in str(recorder.log.lines)


@pytest.mark.anyio
async def test_websocket_that_tells_nothing_is_left_for_polling(
    emby: LiveEmby, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A websocket that opens and says nothing (its path is not documented for all versions) ends in polling."""
    monkeypatch.setattr(Server, "first_word_s", 0.05)
    monkeypatch.setattr(listener_module, "POLL_IDLE_S", 0.05)
    emby.mute = True
    recorder = Recorder(clock=SystemClock(), http=lambda: client)
    async with listening(emby, recorder):
        await emby.when(lambda: len(emby.opened) == 2)
        emby.sessions = [playing(0, 0, said_at=datetime.now(EVENING.tzinfo))]
        emby.now = datetime.now(EVENING.tzinfo)
        await recorder.until("play")
    assert emby.paths().count("/emby/Sessions") >= 2


@pytest.mark.anyio
async def test_broken_connection_is_reconciled(emby: LiveEmby, client: HttpClient) -> None:
    """After a break the list is compared; nobody is alarmed by it."""
    clock = FakeClock(EVENING)
    recorder = Recorder(clock=clock, http=lambda: client)
    async with listening(emby, recorder):
        await subscribed(emby)
        emby.show(playing(0, 0))
        await recorder.until("play")
        emby.sessions = []
        emby.drop()
        await recorder.when(lambda seen: "connection over" in [line.event for line in seen.log.lines])
        await clock.advance(2)
        await recorder.until("gone")
    assert all(reach.up for reach in recorder.reach)


@pytest.mark.anyio
async def test_server_that_is_off_says_so(emby: LiveEmby, client: HttpClient) -> None:
    """A server that cannot be reached, or refuses the key, is told with its reason."""
    emby.key = "another"
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    async with listening(emby, recorder):
        await recorder.when(lambda seen: seen.reach)
    assert "refuses `api_key`" in recorder.reach[0].why
    emby.shut()
    recorder = Recorder(clock=FakeClock(EVENING), http=lambda: client)
    async with listening(emby, recorder):
        await recorder.when(lambda seen: seen.reach)
    assert "does not answer" in recorder.reach[0].why


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"sessions": True}, False),
        ({"url": "http://x", "api_key": "k"}, True),
        ({"url": "http://x", "api_key": "k", "sessions": False}, False),
        ({"url": "http://x", "api_key": "k", "secret": "s" * 16}, False),
        ({"url": "http://x", "api_key": "k", "secret": "s" * 16, "sessions": True}, True),
    ],
)
def test_when_it_listens(options: dict[str, Any], *, expected: bool) -> None:
    """With a server and no secret of a hook it listens by itself; `sessions` decides where it is given."""
    assert plugin(**options).listens() is expected
