"""Jellyfin's sessions: the pure comparison of lists, then the listener against a live server (players.md 2.6)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, Ids, Movie, PlayerEvent, User
from scrobbler.api.servers.mediabrowser import listener as listener_module
from scrobbler.api.servers.mediabrowser.sessions import Tracker, read_list
from scrobbler.api.testkit import FakeClock, Recorder, check_events
from scrobbler.clock import SystemClock
from scrobbler.http import HttpClient, new_client
from tests.kit.media_servers import JELLYFIN_KEY, JELLYFIN_USER
from tests.kit.servers import EVENING, JELLYFIN_FILM
from tests.kit.session_servers import (
    LiveJellyfin,
    jellyfin_playing_episode,
    jellyfin_playing_film,
    jellyfin_session,
    later,
)
from tests.plugins.jellyfin.kit import plugin

FILM = jellyfin_playing_film()
PLAYER = f"dev-0001:{JELLYFIN_USER}"


class House:
    """A tracker fed with lists."""

    def __init__(self) -> None:
        self.tracker = Tracker(counts_on=True)

    def sees(self, *sessions: dict[str, Any], now: datetime | None = None) -> list[tuple[str, int | None]]:
        """Feed one list; return the kinds and positions of what follows."""
        events = self.tracker.follow(read_list(json.dumps(sessions)), now)
        return [(event.kind, event.position_ms) for event in events]


def first(*sessions: dict[str, Any], now: datetime | None = None) -> PlayerEvent:
    """Feed one list to a new tracker; return its one event."""
    (event,) = Tracker(counts_on=True).follow(read_list(json.dumps(sessions)), now)
    return event


def playing(position_s: float, said_s: float, item: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a session at a position, whose client spoke so long into the evening."""
    return jellyfin_session(
        FILM if item is None else item, position_ms=int(position_s * 1000), said_at=later(said_s), **changes
    )


def test_event_carries_all_that_the_daemon_needs() -> None:
    """The same names as the webhook's, so that both are one player: device and user, item id, item, length."""
    event = first(playing(745, 0), now=EVENING)
    assert (event.kind, event.player, event.item_key) == ("play", PLAYER, JELLYFIN_FILM)
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert event.user == User(id=JELLYFIN_USER, name="alice")
    assert (event.position_ms, event.duration_ms, event.observed) == (745_000, 6_000_000, True)
    assert (event.device, event.skip) == ("Living Room", None)


def test_episode_and_its_series() -> None:
    """Ids of the episode are its own; the series is told beside the event."""
    (reading,) = read_list(json.dumps([playing(0, 0, jellyfin_playing_episode(IndexNumberEnd=3))])).values()
    assert isinstance(reading.item, Episode)
    assert (reading.item.season, reading.item.number, reading.item.last_number) == (1, 2, 3)
    assert reading.item.ids == Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002")
    assert reading.told.series_id


def test_only_the_clients_own_word_is_progress() -> None:
    """Positions that the server counts between check-ins say nothing."""
    house = House()
    assert house.sees(playing(0, 0)) == [("play", 0)]
    assert house.sees(playing(3, 0)) == []
    assert house.sees(playing(10, 10)) == [("progress", 10_000)]
    assert house.sees(playing(300, 10)) == []


def test_pause_resume_and_seek() -> None:
    """Pause and resume are told once, also where the check-in did not move; a seek is progress."""
    house = House()
    house.sees(playing(0, 0))
    assert house.sees(playing(60, 60, paused=True)) == [("pause", 60_000)]
    assert house.sees(playing(60, 70, paused=True)) == []
    assert house.sees(playing(90, 80, paused=True)) == [("pause", 90_000)]
    assert house.sees(playing(90, 80)) == [("play", 90_000)]
    assert house.sees(playing(900, 81)) == [("progress", 900_000)]


def test_item_gone_is_a_stop_at_the_last_observed_position() -> None:
    """The stop carries no position of its own: what the client said last stands."""
    house = House()
    house.sees(playing(0, 0))
    house.sees(playing(50, 50))
    house.sees(playing(350, 50))
    assert house.sees(jellyfin_session(None)) == [("stop", None)]
    assert house.sees() == []


def test_next_item_stops_the_old_one_first() -> None:
    """Another item on the same player: stop, then play."""
    house = House()
    house.sees(playing(0, 0, jellyfin_playing_episode(1)))
    assert house.sees(playing(0, 1500, jellyfin_playing_episode(2))) == [("stop", None), ("play", 0)]


def test_zero_later_is_unknown() -> None:
    """Zero is a position at the beginning alone."""
    house = House()
    house.sees(playing(100, 0))
    assert house.sees(playing(0, 10)) == [("progress", None)]
    assert first(jellyfin_session(FILM, position_ms=None)).position_ms is None


def test_what_the_server_counted_is_taken_off_at_first_sight() -> None:
    """A list that is seen for the first time may be 40 s past the client's last word."""
    assert first(playing(640, 0), now=later(40)).position_ms == 602_000
    assert first(playing(640, 0, paused=True), now=later(40)).position_ms == 640_000


def test_dead_client_begins_nothing_until_it_speaks() -> None:
    """A ghost that was there before us is no play; when its client is heard again, it is."""
    house = House()
    assert house.sees(playing(640, 0), now=later(240)) == []
    assert house.tracker.busy
    assert house.sees(playing(650, 0), now=later(250)) == []
    assert house.sees(playing(655, 251), now=later(252)) == [("play", 655_000)]
    assert house.sees(now=later(260)) == [("stop", None)]


def test_dead_client_that_leaves_is_nothing() -> None:
    """A ghost that goes without a word was never a play of ours."""
    house = House()
    house.sees(playing(640, 0), now=later(240))
    assert house.sees(now=later(300)) == []
    assert not house.tracker.busy


def test_additional_users_each_get_their_own() -> None:
    """Everybody in a session watches; the players differ by the user, as with the webhook."""
    other = {"UserId": "dddd0000-dddd-0000-dddd-0000dddd0009", "UserName": "bob"}
    sessions = read_list(json.dumps([playing(0, 0, AdditionalUsers=[other])]))
    assert sorted(sessions) == [PLAYER, "dev-0001:dddd0000dddd0000dddd0000dddd0009"]
    assert {reading.user.name for reading in sessions.values()} == {"alice", "bob"}


def test_session_without_a_user_is_nobodys() -> None:
    """Sessions of API keys have no user, or one of zeros."""
    assert read_list(json.dumps([playing(0, 0, UserId="0" * 32, UserName=None)])) == {}


def test_of_two_sessions_of_one_player_the_one_that_plays_counts() -> None:
    """Two apps with one device id do not fight: playing wins, then the younger word."""
    old = playing(10, 50, jellyfin_playing_episode(), paused=True)
    (reading,) = read_list(json.dumps([old, playing(5, 0)])).values()
    assert reading.item_key == JELLYFIN_FILM
    (reading,) = read_list(json.dumps([playing(5, 0, paused=True), old])).values()
    assert reading.item_key == old["NowPlayingItem"]["Id"]


def test_lost_while_away_is_gone() -> None:
    """What is no longer there after a broken connection was lost, not stopped."""
    tracker = Tracker(counts_on=True)
    tracker.follow(read_list(json.dumps([playing(0, 0)])), None)
    assert [event.kind for event in tracker.reconcile({}, None)] == ["gone"]


@pytest.mark.parametrize(
    ("item", "skip"),
    [
        ({"ExtraType": "Trailer"}, "trailer"),
        ({"ExtraType": "ThemeSong"}, "theme"),
        ({"ExtraType": "BehindTheScenes"}, "extra"),
        ({"ExtraType": "Unknown"}, None),
        ({"ChannelId": "7"}, "live_tv"),
        ({"Type": "TvChannel"}, "live_tv"),
        ({"Type": "Audio", "MediaType": "Audio"}, "music"),
        ({"Type": "Video"}, "home_video"),
        ({}, None),
    ],
)
def test_what_is_no_play(item: dict[str, Any], skip: str | None) -> None:
    """Extras, theme songs, live TV and music are in the list too (players.md 10)."""
    assert first(playing(0, 0, jellyfin_playing_film(**item))).skip == skip


def test_live_stream_is_live_tv_and_said_once() -> None:
    """What is no play is told once, and its end is not."""
    house = House()
    live = playing(0, 0)
    live["PlayState"]["LiveStreamId"] = "abc"
    assert first(live).skip == "live_tv"
    assert house.sees(live) == [("play", 0)]
    assert house.sees(playing(10, 10, jellyfin_playing_film(ChannelId="7"))) == []
    assert house.sees() == []


TEXT = st.text(alphabet="at01-/:.é{& ", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lists=st.lists(
        st.lists(
            st.builds(
                lambda top, item: {**jellyfin_session({**FILM, **item}), **top},
                st.dictionaries(st.sampled_from(sorted(jellyfin_session(FILM))), JSON, max_size=3),
                st.dictionaries(st.sampled_from(sorted(FILM)), JSON, max_size=3),
            ),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_odd_lists_never_break_the_comparison(lists: list[list[dict[str, Any]]]) -> None:
    """Whatever a server says, events keep the rules."""
    tracker = Tracker(counts_on=True)
    events: list[PlayerEvent] = []
    for place, sessions in enumerate(lists):
        events += tracker.follow(read_list(json.dumps(sessions)), later(place))
    check_events(events)


# The listener, against a live server.


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def jellyfin() -> Iterator[LiveJellyfin]:
    """Give a server that can be listened to."""
    with LiveJellyfin() as server:
        yield server


@asynccontextmanager
async def listening(server: LiveJellyfin, recorder: Recorder, **options: Any) -> AsyncIterator[None]:
    """Listen for the length of the block; nothing may be left behind afterwards."""
    source = plugin(recorder.context, url=server.url, api_key=JELLYFIN_KEY, **options)
    before = asyncio.all_tasks()
    task = asyncio.create_task(source.run())
    try:
        yield
        check_events(recorder.events, secrets=[JELLYFIN_KEY])
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not [one for one in asyncio.all_tasks() - before if not one.done()]


async def subscribed(server: LiveJellyfin, count: int = 1) -> None:
    """Wait until so many clients have asked for sessions."""
    await server.when(lambda: sum("SessionsStart" in text for text in server.told) >= count)


async def comes_back(recorder: Recorder, clock: FakeClock) -> None:
    """Let time pass until the listener says that it reaches its server."""
    async with asyncio.timeout(10):
        while not recorder.reach[-1].up:
            await clock.advance(5)
            await asyncio.sleep(0.01)


async def tried(recorder: Recorder, count: int) -> None:
    """Wait until the listener has said so often whether it reaches its server."""
    await recorder.when(lambda seen: len(seen.reach) >= count)


def recorder_for(client: HttpClient, clock: Any = None) -> Recorder:
    """Make the daemon's side."""
    return Recorder(clock=clock or FakeClock(EVENING), http=lambda: client)


@pytest.mark.anyio
async def test_play_is_heard_from_start_to_stop(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """Play, progress, pause and stop arrive over the websocket; HTTP is asked once."""
    recorder = recorder_for(client)
    async with listening(jellyfin, recorder):
        await subscribed(jellyfin)
        jellyfin.show(playing(0, 0))
        jellyfin.show(playing(10, 10))
        jellyfin.show(playing(12, 12, paused=True))
        jellyfin.show(jellyfin_session(None))
        await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "pause", "stop"]
    assert jellyfin.paths() == ["/Sessions"]
    assert {reach.up for reach in recorder.reach} == {True}


@pytest.mark.anyio
async def test_key_is_a_header_alone(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """The key is in `Authorization` for HTTP and websocket, in no address and no log (12.0 takes no other)."""
    recorder = recorder_for(client)
    async with listening(jellyfin, recorder):
        await subscribed(jellyfin)
    seen = [(one.headers, one.query) for one in jellyfin.opened] + [(one.headers, one.query) for one in jellyfin.asked]
    assert len(seen) == 2
    for headers, query in seen:
        assert headers["authorization"] == f'MediaBrowser Token="{JELLYFIN_KEY}"'
        assert JELLYFIN_KEY not in str(query)
    assert JELLYFIN_KEY not in str(recorder.log.lines)


@pytest.mark.anyio
async def test_what_plays_already_is_found_at_once(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """The list is read before the websocket opens."""
    jellyfin.sessions = [playing(600, 0)]
    recorder = recorder_for(client)
    async with listening(jellyfin, recorder):
        event = await recorder.until("play")
    assert event.position_ms == 600_000


@pytest.mark.anyio
async def test_broken_connection_is_made_again_and_reconciled(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """After a break the list is compared: what goes on goes on, what went is gone; nobody is alarmed."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(jellyfin, recorder):
        await subscribed(jellyfin)
        jellyfin.show(playing(0, 0), playing(0, 0, jellyfin_playing_episode(), DeviceId="dev-0002"))
        await recorder.until("play", 2)
        jellyfin.sessions = [playing(20, 20)]
        jellyfin.drop()
        await recorder.when(lambda seen: "connection over" in [line.event for line in seen.log.lines])
        await clock.advance(2)
        gone = await recorder.until("gone")
        await subscribed(jellyfin, 2)
        assert gone.player.startswith("dev-0002")
        assert recorder.of("progress")[-1].position_ms == 20_000
        assert all(reach.up for reach in recorder.reach)


@pytest.mark.anyio
async def test_server_that_is_off_and_comes_back(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """The daemon hears that the server is gone, and that it is back; meanwhile it is tried again and again."""
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    jellyfin.shut()
    async with listening(jellyfin, recorder):
        await tried(recorder, 1)
        await clock.advance(80)
        await tried(recorder, 2)
        assert {reach.up for reach in recorder.reach} == {False}
        assert "does not answer" in recorder.reach[0].why
        jellyfin.open()
        await comes_back(recorder, clock)
        await subscribed(jellyfin)


@pytest.mark.anyio
async def test_refused_key_says_so(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """A wrong key is a source that cannot be reached, with the reason."""
    jellyfin.key = "another"
    recorder = recorder_for(client)
    async with listening(jellyfin, recorder):
        await recorder.when(lambda seen: seen.reach)
    assert "refuses `api_key`" in recorder.reach[0].why


@pytest.mark.anyio
async def test_without_a_websocket_the_list_is_polled(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """A proxy that knows no websocket: the list is asked for every 20 s, every 5 s while something plays."""
    jellyfin.websocket = False
    clock = FakeClock(EVENING)
    recorder = recorder_for(client, clock)
    async with listening(jellyfin, recorder):
        await recorder.when(lambda seen: seen.log.lines)
        await clock.advance(0)
        jellyfin.sessions = [playing(0, 19)]
        await clock.advance(20)
        await recorder.until("play")
        for seconds in (25, 30):
            jellyfin.now = later(seconds)
            jellyfin.sessions = [playing(seconds, seconds)]
            await clock.advance(0)
            await clock.advance(5)
            await recorder.until("progress", (seconds - 20) // 5)
        jellyfin.sessions = []
        await clock.advance(0)
        await clock.advance(5)
        await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "progress", "stop"]
    assert len(jellyfin.opened) == 1


@pytest.mark.anyio
async def test_keep_alive_is_sent(jellyfin: LiveJellyfin, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes who does not say that it is alive within a minute."""
    monkeypatch.setattr(listener_module, "KEEP_ALIVE_S", 0.05)
    recorder = recorder_for(client, SystemClock())
    async with listening(jellyfin, recorder):
        await jellyfin.when(lambda: sum("KeepAlive" in text for text in jellyfin.told) >= 2)
    assert jellyfin.told[1] == '{"MessageType":"KeepAlive"}'


@pytest.mark.anyio
async def test_odd_messages_are_passed_over(jellyfin: LiveJellyfin, client: HttpClient) -> None:
    """A message that cannot be read changes nothing and breaks nothing."""
    recorder = recorder_for(client)
    async with listening(jellyfin, recorder):
        await subscribed(jellyfin)
        for odd in ({}, {"MessageType": 5}, {"MessageType": "Sessions", "Data": "x"}, {"MessageType": "Play"}):
            jellyfin.say(odd)
        jellyfin.show(playing(0, 0))
        await recorder.until("play")
    assert recorder.kinds == ["play"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"url": "http://x"}, False),
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
