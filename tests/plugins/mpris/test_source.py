"""The source on a real bus, with players of the tests' own that misbehave as real ones do."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from dbus_fast import Variant

from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler.clock import SystemClock
from scrobbler_plugins.mpris import Plugin
from scrobbler_plugins.mpris import bus as bus_module
from scrobbler_plugins.mpris.options import Options
from tests.kit.bus import SessionBus, session_bus
from tests.plugins.mpris.fake import fake_player, playing
from tests.plugins.mpris.kit import NEXT

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@pytest.fixture
def anyio_backend() -> str:
    """The library of the bus is asyncio's."""
    return "asyncio"


@pytest.fixture
def bus() -> Iterator[SessionBus]:
    """A bus of the test's own."""
    with session_bus() as one:
        yield one


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """The daemon's side; what was told obeys the rules of the API."""
    recorder = Recorder(clock=SystemClock())
    yield recorder
    check_events(recorder.events)


def source(recorder: Recorder, bus: SessionBus, **options: Any) -> Plugin:
    """Make the source for a bus."""
    return Plugin(Options(type="mpris", account="alice", bus=bus.address, **options), recorder.context)


async def test_an_evening_on_the_bus(recorder: Recorder, bus: SessionBus) -> None:
    """Signals and looks together make start, pause, resume, seek and the next item."""
    async with running(source(recorder, bus)), fake_player(bus.address) as player:
        player.shows = playing()
        player.signal(**playing())
        await recorder.until("play")
        player.signal(PlaybackStatus=Variant("s", "Paused"))
        await recorder.until("pause")
        player.seeked(300)
        seek = await recorder.until("seek")
        player.signal(PlaybackStatus=Variant("s", "Playing"))
        await recorder.until("play", 2)
        player.signal(Metadata=playing(NEXT)["Metadata"], Position=Variant("x", 0))
        await recorder.until("play", 3)
        player.signal(PlaybackStatus=Variant("s", "Stopped"))
        await recorder.until("stop", 2)
    assert seek.position_ms == 300_000
    assert recorder.of("stop")[0].position_ms == 300_000
    assert [reach.up for reach in recorder.reach] == [True]


async def test_a_player_that_leaves_without_a_word(recorder: Recorder, bus: SessionBus) -> None:
    """The bus says who has gone, at once."""
    async with running(source(recorder, bus)), fake_player(bus.address) as player:
        player.shows = playing(at_s=100)
        player.signal(**player.shows)
        await recorder.until("play")
        player.leave()
        gone = await recorder.until("gone")
    assert gone.position_ms == 100_000


async def test_one_player_with_two_connections(recorder: Recorder, bus: SessionBus) -> None:
    """Two names of one process are one play; when one connection goes, the other goes on under the same name."""
    other = f"vlc.instance{os.getpid()}"
    async with fake_player(bus.address, "vlc") as short, fake_player(bus.address, other) as long:
        for one in (short, long):
            one.shows = playing(at_s=50)
        async with running(source(recorder, bus)):
            await recorder.until("play")
            for one in (short, long):
                one.signal(PlaybackStatus=Variant("s", "Paused"))
            await recorder.until("pause")
            assert long.asked == 0
            short.leave()
            await recorder.until("pause", 2)
    assert recorder.kinds == ["play", "pause", "gone", "pause"]
    assert len({event.player for event in recorder.events}) == 1


async def test_a_player_that_hangs_holds_up_nobody(
    recorder: Recorder, bus: SessionBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A player that answers nothing costs a limit of time, and another is heard meanwhile; doctor names it."""
    monkeypatch.setattr(bus_module, "ANSWER_S", 0.2)
    plugin = source(recorder, bus)
    async with fake_player(bus.address, "totem") as hung, fake_player(bus.address, "vlc") as other:
        hung.hangs = True
        other.shows = playing()
        async with running(plugin):
            hung.signal(**playing(NEXT))
            await recorder.until("play")
            assert recorder.events[0].player.startswith("vlc#")
            told = {result.what: result.good for result in await plugin.check()}
            assert told["totem: does not answer"] is False
            assert told["vlc: answers, and plays"] is True
            hung.hangs = False
            await recorder.until("play", 2, seconds=60)
        assert hung.asked > 1


async def test_a_look_that_a_signal_has_overtaken(recorder: Recorder, bus: SessionBus) -> None:
    """An answer that was on its way when a signal came is old: what the signal says is not undone by it."""
    async with fake_player(bus.address) as player:
        player.shows = playing(at_s=30)

        def pause() -> None:
            player.before_answer = lambda: None
            player.signal(PlaybackStatus=Variant("s", "Paused"))

        player.before_answer = pause
        async with running(source(recorder, bus)):
            await recorder.until("pause")
    assert recorder.kinds == ["pause"]


async def test_who_does_not_count_is_asked_nothing(recorder: Recorder, bus: SessionBus) -> None:
    """Browsers, phones and proxies are not asked anything, and none of their signals is heard; doctor says why."""
    names = ("firefox.instance_1_2", "playerctld", "kdeconnect.mpris_1", "spotify")
    plugin = source(recorder, bus)
    async with (
        fake_player(bus.address, names[0]) as browser,
        fake_player(bus.address, names[1]) as proxy,
        fake_player(bus.address, names[2]) as phone,
        fake_player(bus.address, names[3]) as music,
        fake_player(bus.address, "vlc") as vlc,
    ):
        others = (browser, proxy, phone, music)
        async with running(plugin):
            for one in others:
                one.signal(**playing(NEXT))
            vlc.signal(**playing())
            await recorder.until("play")
            told = [result.what for result in await plugin.check()]
        assert [one.asked for one in others] == [0, 0, 0, 0]
    assert {event.player.partition("#")[0] for event in recorder.events} == {"vlc"}
    assert f"{names[0]}: left out, a browser, and not among `players`" in told
    assert f"{names[1]}: left out, repeats another player" in told
    assert f"{names[2]}: left out, a phone" in told
    assert f"{names[3]}: left out, not among `players`" in told


async def test_a_player_that_plays_nothing_is_asked_once(recorder: Recorder, bus: SessionBus) -> None:
    """A player that is open and plays nothing is looked at once, when it comes."""
    async with fake_player(bus.address, "totem") as idle, fake_player(bus.address, "vlc") as vlc:
        idle.shows = playing(status="Stopped")
        async with running(source(recorder, bus)):
            vlc.signal(**playing())
            await recorder.until("progress", 2, seconds=30)
        assert idle.asked == 1


async def test_an_event_that_cannot_be_stored(recorder: Recorder, bus: SessionBus) -> None:
    """What the daemon could not store is told again from the beginning, and said in the log."""
    recorder.fail = 1
    async with running(source(recorder, bus)), fake_player(bus.address) as player:
        player.shows = playing(at_s=10)
        player.signal(**player.shows)
        await recorder.until("play", seconds=30)
    assert any(line.event == "following a player failed, trying again" for line in recorder.log.lines)


async def test_a_bus_that_goes_and_comes(recorder: Recorder, bus: SessionBus) -> None:
    """The end of the bus is the end of contact with each player; it is said, and the next bus is found."""
    async with running(source(recorder, bus)):
        async with fake_player(bus.address) as player:
            player.shows = playing(at_s=60)
            player.signal(**player.shows)
            await recorder.until("play")
            bus.stop()
            gone = await recorder.until("gone")
            await recorder.when(lambda seen: not seen.reach[-1].up)
        bus.start()
        async with fake_player(bus.address) as player:
            player.shows = playing(at_s=70)
            player.signal(**player.shows)
            await recorder.until("play", 2, seconds=30)
    assert gone.position_ms == 60_000
    assert "no session bus is running" in next(reach.why for reach in recorder.reach if not reach.up)
    assert recorder.reach[-1].up


async def test_nobody_is_there(recorder: Recorder, bus: SessionBus) -> None:
    """Doctor says that the bus answers and that no player is running, which is no fault."""
    results = await source(recorder, bus).check()
    assert [(result.good, result.what) for result in results] == [
        (True, "the session bus answers"),
        (True, "of the players, none is running now"),
    ]


async def test_a_browser_that_is_wanted_needs_titles(recorder: Recorder, bus: SessionBus) -> None:
    """Doctor tells who has allowed a browser, and no title of it, that nothing will count."""
    async with fake_player(bus.address, "chromium.instance9") as browser:
        browser.shows = playing()
        results = await source(recorder, bus, players=["chromium"]).check()
    assert any("nothing counts" in result.what and "titles:" in result.advice for result in results)
