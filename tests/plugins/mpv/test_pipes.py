"""Named pipes of Windows, with a stand-in for the calls of Windows: the pipes are sockets in a folder."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler_plugins.mpv.checks import conf_line
from scrobbler_plugins.mpv.plugin import Plugin
from scrobbler_plugins.mpv.transport import PIPE_BUSY, NamedPipes, PipeChannel
from tests.kit.mpv import MpvProcess
from tests.plugins.mpv.conftest import make_plugin
from tests.plugins.mpv.test_sockets import serving

pytestmark = pytest.mark.anyio

PATTERN = r"\\.\pipe\MPV*"


class BusyPipeError(OSError):
    """What Windows raises while another program connects."""

    winerror = PIPE_BUSY


class FakeWindows:
    """Windows, whose pipes are the sockets of a folder. `busy` is how often a pipe is not free yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.busy = 0
        self.hangs = False
        self.asked = 0
        self.opened: list[asyncio.Transport] = []

    def names(self) -> Iterable[str]:
        """List all pipes of the machine."""
        self.asked += 1
        return ["lsass", *sorted(path.name for path in self.folder.iterdir())]

    async def open(self, address: str, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        """Open one."""
        if self.busy:
            self.busy -= 1
            raise BusyPipeError("All pipe instances are busy")
        if self.hangs:
            await asyncio.Event().wait()
        path = self.folder / address.rpartition("\\")[2]
        transport, _ = await asyncio.get_running_loop().create_unix_connection(protocol, str(path))
        self.opened.append(transport)
        return transport

    def server_pid(self, pipe: asyncio.Transport) -> int:
        """Return the process."""
        assert not pipe.is_closing()
        return 4711


@pytest.fixture
def windows(sockets: Path) -> FakeWindows:
    """Return a Windows whose pipes lie in `sockets`."""
    return FakeWindows(sockets)


@pytest.fixture
def plugin(recorder: Recorder, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """Return the plugin as on Windows, looking often."""
    monkeypatch.setattr("scrobbler_plugins.mpv.plugin.LOOK_BLIND_S", 0.05)
    plugin = make_plugin(recorder, PATTERN)
    plugin.pipes = NamedPipes(windows)
    return plugin


@pytest.mark.real
async def test_a_film_through_a_pipe(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """All that is told through a socket is told through a pipe: play, pause, seek, stop."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "mpvsocket") as mpv:
            play = await recorder.until("play")
            mpv.set("pause", "yes")
            await recorder.until("pause")
            mpv.command("seek", 600, "absolute", "exact")
            await recorder.until("seek")
            mpv.quit()
            await recorder.until("stop")
    assert play.player == r"\\.\pipe\mpvsocket#4711-0"
    assert recorder.kinds == ["play", "pause", "seek", "stop"]
    assert all(word.up for word in recorder.reach)
    check_events(recorder.events)


async def test_a_busy_pipe_is_tried_again(
    plugin: Plugin, recorder: Recorder, windows: FakeWindows, sockets: Path
) -> None:
    """ERROR_PIPE_BUSY is no trouble: the pipe is tried again in a moment, and nobody is told."""
    windows.busy = 3
    async with serving(sockets / "mpv"), running(plugin):
        await recorder.until("play")
    assert windows.busy == 0
    assert all(word.up for word in recorder.reach)


async def test_a_pipe_that_never_gets_free_holds_nobody_up(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system itself waits for a busy pipe, that ends."""
    monkeypatch.setattr("scrobbler_plugins.mpv.transport.PIPE_OPENS_S", 0.05)
    windows.hangs = True
    with pytest.raises(BlockingIOError, match="busy"):
        await NamedPipes(windows).connect(r"\\.\pipe\mpv")


async def test_only_pipes_that_match_are_opened(
    plugin: Plugin, recorder: Recorder, windows: FakeWindows, sockets: Path
) -> None:
    """Of all pipes of a machine, those that match are opened, in whatever case their names are written."""
    async with (
        serving(sockets / "mpv-1") as one,
        serving(sockets / "Mpv-2") as two,
        serving(sockets / "other") as other,
    ):
        async with running(plugin):
            await recorder.until("play", 2)
        assert (one.connections, two.connections, other.connections) == (1, 1, 0)
    assert all(transport.is_closing() for transport in windows.opened)


async def test_a_pipe_that_breaks(plugin: Plugin, recorder: Recorder, windows: FakeWindows, sockets: Path) -> None:
    """An mpv that dies takes its pipe with it; the last position seen stands."""
    async with running(plugin):
        async with serving(sockets / "mpv"):
            await recorder.until("play")
        gone = await recorder.until("gone")
    assert gone.position_ms == 5000
    check_events(recorder.events)


async def test_what_comes_while_nobody_listens_is_kept(windows: FakeWindows, sockets: Path) -> None:
    """Between two readings a pipe may deliver: nothing of it is lost, and the end comes last."""
    channel = PipeChannel()
    heard: list[bytes] = []
    async with serving(sockets / "mpv") as mpv:
        mpv.before = b"one\n"
        pipe = await windows.open(r"\\.\pipe\mpv", lambda: channel)
        channel.data_received(b"zero\n")
        channel.listen(heard.append)
        channel.rest()
        channel.listen(heard.append)
        await come(heard, b"one\n")
        pipe.abort()
        await come(heard, b"")
        await channel.write(b"dropped")
    assert heard == [b"zero\n", b"one\n", b""]


async def come(heard: list[bytes], data: bytes) -> None:
    """Wait until something was heard."""
    async with asyncio.timeout(10):
        while data not in heard:  # noqa: ASYNC110 (a list has no event)
            await asyncio.sleep(0.01)


async def test_doctor_asks_through_the_pipe(plugin: Plugin, sockets: Path) -> None:
    """Doctor asks the mpv behind a pipe, and names the line for mpv.conf where there is none."""
    (result,) = await plugin.check()
    assert (result.good, "no mpv is running" in result.what) == (True, True)
    assert r"input-ipc-server=\\.\pipe\MPV" in result.advice
    async with serving(sockets / "mpv") as mpv:
        mpv.state["mpv-version"] = "mpv 0.40.0"
        (result,) = await plugin.check()
    assert "mpv 0.40.0 answers" in result.what


async def test_pipes_on_a_system_without_them(recorder: Recorder) -> None:
    """Configured where there are none, a pipe is a fault with its reason, for doctor and in the state of the source."""
    plugin = make_plugin(recorder, PATTERN)
    (result,) = await plugin.check()
    assert (result.good, "Windows alone" in result.what) == (False, True)
    async with running(plugin):
        await recorder.when(lambda seen: seen.reach)
    assert "Windows alone" in recorder.reach[0].why


def test_the_line_for_mpv_conf() -> None:
    """A pattern of pipes becomes one that mpv takes."""
    assert conf_line(r"\\.\pipe\mpv*") == r"input-ipc-server=\\.\pipe\mpv"
