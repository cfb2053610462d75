"""The listener against a VLC of ours on a real socket: off and on, passwords, slow and broken answers. Time is virtual."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from scrobbler.api.testkit import FakeClock, Recorder, check_events, running
from scrobbler_plugins.vlc import client
from scrobbler_plugins.vlc.client import Client, DeniedError
from scrobbler_plugins.vlc.options import Options
from scrobbler_plugins.vlc.plugin import DENIED_S, SILENT_S, Plugin
from tests.plugins.vlc.kit import BROKEN_PAGE, FILM, OTHER, PASSWORD, FakeVlc, fake_vlc, listed, said, stopped

pytestmark = pytest.mark.anyio


class House:
    """A plugin, the VLC that it watches, and a clock that goes on whenever the plugin waits for it."""

    def __init__(self, vlc: FakeVlc, host: str = "127.0.0.1", password: str = PASSWORD) -> None:
        self.vlc = vlc
        self.clock = FakeClock()
        self.recorder = Recorder("desk", clock=self.clock)
        options = Options(type="vlc", account="alice", url=f"http://{host}:{vlc.port}", password=password)
        self.plugin = Plugin(options, self.recorder.context)

    @property
    def now_s(self) -> float:
        """The plugin's time."""
        return self.clock.now().mono_ms / 1000

    async def until(self, condition: Callable[[], object]) -> None:
        """Let time pass until something is so; 20 s of the real one at most."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, (self.recorder.events, self.recorder.reach, self.recorder.log.lines)
            if self.clock.sleepers:
                await self.clock.advance(0.1)
            else:
                await asyncio.sleep(0.001)

    async def let_pass(self, seconds: float) -> None:
        """Let so much of the plugin's time pass."""
        goal = self.now_s + seconds
        await self.until(lambda: self.now_s >= goal)

    async def told(self, kind: str, count: int = 1) -> None:
        """Wait until so many events of a kind have come."""
        await self.until(lambda: self.recorder.kinds.count(kind) >= count)

    async def looked(self, times: int = 2) -> None:
        """Wait until VLC was asked so many times more."""
        goal = len(self.vlc.asked) + times
        await self.until(lambda: len(self.vlc.asked) >= goal)


@pytest.fixture
async def vlc() -> AsyncIterator[FakeVlc]:
    """Run a VLC that plays nothing yet."""
    async with fake_vlc() as one:
        yield one


async def test_an_evening(vlc: FakeVlc) -> None:
    """A film that is opened, paused, resumed and stopped is told in order; its address is asked for once."""
    house = House(vlc)
    async with running(house.plugin):
        await house.looked()
        vlc.status = said(time=745)
        await house.told("play")
        vlc.status = said("paused", time=746)
        await house.told("pause")
        vlc.status = said(time=747)
        await house.told("play", 2)
        vlc.status = stopped()
        await house.told("stop")
    assert house.recorder.kinds == ["play", "pause", "play", "stop"]
    assert [event.position_ms for event in house.recorder.events] == [745_000, 746_000, 747_000, 747_000]
    assert vlc.asked.count("/requests/playlist.json") == 1
    assert [word.up for word in house.recorder.reach] == [True]
    check_events(house.recorder.events, secrets=[PASSWORD])


async def test_the_next_item_is_asked_for(vlc: FakeVlc) -> None:
    """Another place in the playlist is looked up there; the old item is closed first."""
    house = House(vlc)
    async with running(house.plugin):
        vlc.playlist = listed(FILM, OTHER)
        vlc.status = said(time=100)
        await house.told("play")
        vlc.status = said(time=0, length=600, item=4)
        await house.told("play", 2)
    assert house.recorder.kinds == ["play", "stop", "play"]
    assert house.recorder.events[-1].item_key == "/media/Big Buck Bunny (2008).mkv"
    assert vlc.asked.count("/requests/playlist.json") == 2


async def test_off_and_on(vlc: FakeVlc) -> None:
    """VLC that is off is said to be so once, is found within seconds when it starts, and leaves its position when it ends."""
    await vlc.stop()
    house = House(vlc)
    async with running(house.plugin):
        await house.let_pass(600)
        await vlc.start()
        vlc.status = said(time=745)
        began_s = house.now_s
        await house.told("play")
        assert house.now_s - began_s < 5
        await vlc.stop()
        await house.told("gone")
        assert house.recorder.events[-1].position_ms == 745_000
        await house.until(lambda: not house.recorder.reach[-1].up)
        await vlc.start()
        await house.told("play", 2)
        await vlc.stop()
    reach = [
        word
        for before, word in zip([None, *house.recorder.reach], house.recorder.reach, strict=False)
        if before != word
    ]
    assert [word.up for word in reach] == [False, True, False, True]
    assert reach[0].why == client.OFF
    check_events(house.recorder.events)


async def test_nothing_leaves_the_machine_while_it_is_off(vlc: FakeVlc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VLC of this machine is tried every two seconds, in vain and without a request; one elsewhere once a minute in the end."""
    times: dict[str, list[float]] = {}

    async def refuse(self: Client, path: str) -> bytes:
        del path
        times.setdefault(self.player, []).append(house.now_s)
        raise ConnectionRefusedError(111, "Connect call failed")

    monkeypatch.setattr(Client, "_ask", refuse)
    for host in ("127.0.0.1", "192.0.2.7"):
        house = House(vlc, host)
        async with running(house.plugin):
            await house.let_pass(3600)
    here, there = times[f"127.0.0.1:{vlc.port}"], times[f"192.0.2.7:{vlc.port}"]
    assert 1400 <= len(here) <= 2600
    assert all(later - before <= 2.7 for before, later in itertools.pairwise(here))
    assert len(there) <= 85
    assert vlc.asked == []


async def test_it_rests_while_nothing_plays(vlc: FakeVlc) -> None:
    """An open VLC is asked every second while it plays, and every two while it does not."""
    house = House(vlc)
    async with running(house.plugin):
        await house.looked()
        before = len(vlc.asked)
        await house.let_pass(60)
        assert 25 <= len(vlc.asked) - before <= 32
        vlc.status = said(time=745)
        await house.told("play")
        before = len(vlc.asked)
        await house.let_pass(60)
        assert 50 <= len(vlc.asked) - before <= 62


@pytest.mark.parametrize(
    ("code", "why"), [(401, client.WRONG_PASSWORD), (403, client.NO_PASSWORD), (404, client.NO_PASSWORD)]
)
async def test_a_vlc_that_lets_nobody_in(vlc: FakeVlc, code: int, why: str) -> None:
    """A wrong password, and none in VLC at all, are told in plain words, and VLC is left alone for a while."""
    house = House(vlc, password="wrong" if code == 401 else PASSWORD)
    vlc.code = code
    async with running(house.plugin):
        await house.until(lambda: house.recorder.reach)
        await house.let_pass(600)
    assert set(house.recorder.reach) == {(False, why)}
    assert len(vlc.asked) <= 600 / DENIED_S + 2
    assert "wrong" not in str(house.recorder.log.lines)


async def test_another_program_on_the_port(vlc: FakeVlc) -> None:
    """Port 8080 is popular: what answers and is no VLC is told as such."""
    house = House(vlc)
    vlc.code, vlc.body = 404, b"<h1>nginx</h1>"
    async with running(house.plugin):
        await house.until(lambda: house.recorder.reach)
        assert house.recorder.reach[-1].why.startswith(client.NOT_VLC)
        vlc.code, vlc.status = 200, b'{"hello": "world"}'
        await house.let_pass(600)
        assert house.recorder.reach[-1].why == client.NOT_VLC
    assert len(vlc.asked) <= 12  # as many as minutes, and the first one


@pytest.mark.parametrize("answer", [b"\r\n\r\n", b"SSH-2.0-server\r\n\r\n", b"HTTP/1.1 what now\r\n\r\n"])
async def test_a_port_that_speaks_no_http(answer: bytes) -> None:
    """Whatever comes instead of an answer is told as a program that is not VLC, and is no failure of ours."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeniedError, match=client.NOT_VLC):
            await Client(f"http://127.0.0.1:{port}", PASSWORD).status()


async def test_answers_that_make_no_sense_for_a_moment(vlc: FakeVlc) -> None:
    """Between two items VLC may answer with a page about an error of its own, or with broken JSON: the play goes on."""
    house = House(vlc)
    async with running(house.plugin):
        vlc.status = said(time=745)
        await house.told("play")
        for nonsense in (BROKEN_PAGE, b'{"state": "playing", ', b""):
            vlc.status = nonsense
            await house.looked()
        vlc.status = said("paused", time=750)
        await house.told("pause")
    assert house.recorder.kinds == ["play", "pause"]
    assert [word.up for word in house.recorder.reach] == [True]


async def test_raw_control_characters(vlc: FakeVlc) -> None:
    """Tags with raw control characters make JSON that is not valid, and are read all the same."""
    house = House(vlc)
    vlc.status = json.dumps(said(meta={"filename": "a.mkv", "title": "TAG"})).encode().replace(b"TAG", b"\x01\x1f\n")
    async with running(house.plugin):
        await house.told("play")
    assert house.recorder.events[0].position_ms == 745_000


async def test_a_vlc_that_hangs_and_comes_back(vlc: FakeVlc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VLC without an answer for some seconds is busy; one without an answer for longer has gone, at its last position."""
    monkeypatch.setattr(client, "ANSWER_S", 0.1)
    house = House(vlc)
    async with running(house.plugin):
        vlc.status = said(time=745)
        await house.told("play")
        vlc.stall = True
        await house.looked()
        vlc.stall = False
        vlc.status = said(time=748)
        await house.looked()
        assert "gone" not in house.recorder.kinds
        vlc.stall = True
        began_s = house.now_s
        await house.told("gone")
        assert house.now_s - began_s >= SILENT_S - 2
        assert house.recorder.events[-1].position_ms in (745_000, 748_000)
        vlc.stall = False
        await house.told("play", 2)
    check_events(house.recorder.events)


async def test_a_playlist_that_does_not_come(vlc: FakeVlc) -> None:
    """Without the address of an item nothing is told of it; the next look asks again."""
    house = House(vlc)
    vlc.status, vlc.playlist = said(time=745), b"<html>"
    async with running(house.plugin):
        await house.looked(6)
        assert house.recorder.events == []
        vlc.playlist = listed(FILM)
        await house.told("play")


async def test_an_item_that_is_not_in_the_playlist(vlc: FakeVlc) -> None:
    """What has no address cannot be told from a stream, and is no play."""
    house = House(vlc)
    vlc.status, vlc.playlist = said(time=745), listed(OTHER, first=9)
    async with running(house.plugin):
        await house.told("play")
    assert house.recorder.events[0].skip == "unknown_type"


async def test_a_path_before_the_interface(vlc: FakeVlc) -> None:
    """Behind a proxy the interface may lie below a path."""
    one = Client(f"http://127.0.0.1:{vlc.port}/vlc/", PASSWORD)
    assert await one.status() == b""
    assert vlc.asked == ["/vlc/requests/status.json"]


@pytest.mark.parametrize(
    ("url", "player", "local"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://localhost", "localhost:80", True),
        ("http://[::1]:9090/", "::1:9090", True),
        ("https://tv.lan", "tv.lan:443", False),
        ("http://192.168.1.5:8080", "192.168.1.5:8080", False),
    ],
)
def test_addresses(url: str, player: str, *, local: bool) -> None:
    """Host and port name the player, and say whether it is on this machine."""
    one = Client(url, PASSWORD)
    assert (one.player, one.local) == (player, local)


async def test_nobody_at_localhost() -> None:
    """A name with several addresses, of which none listens, is off like a single one."""
    async with fake_vlc() as vlc:
        port = vlc.port
    with pytest.raises(client.OffError):
        await Client(f"http://localhost:{port}", PASSWORD).status()
