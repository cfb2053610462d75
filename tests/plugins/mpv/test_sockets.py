"""Finding sockets, bearing with those who serve them badly, and what doctor says."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler_plugins.mpv.checks import conf_line
from scrobbler_plugins.mpv.plugin import Attempt, Plugin
from scrobbler_plugins.mpv.process import folder_of
from scrobbler_plugins.mpv.transport import Stamp
from scrobbler_plugins.mpv.watch import folders
from tests.kit.mpv import MpvProcess
from tests.plugins.mpv.conftest import make_plugin

pytestmark = pytest.mark.anyio


class FakeMpv:
    """Serves one socket, with answers as the test sets them."""

    def __init__(self) -> None:
        self.state: dict[str, object] = {"path": "/m/A.mkv", "time-pos": 5.0, "duration": 6000.0}
        self.before = b""  # said first
        self.hang_up = False
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.connections += 1
        self.writers.append(writer)
        if self.hang_up:
            writer.close()
            return
        writer.write(self.before)
        while line := await reader.readline():
            request = json.loads(line)
            if request["command"][0] == "get_property":
                value = self.state.get(request["command"][1])
                answer = {"request_id": request["request_id"], "error": "success", "data": value}
                for piece in json.dumps(answer) + "\n":
                    writer.write(piece.encode())
        writer.close()


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[FakeMpv]:
    """Serve a socket for the length of the block."""
    mpv = FakeMpv()
    server = await asyncio.start_unix_server(mpv.serve, str(path))
    try:
        yield mpv
    finally:
        server.close()
        for writer in mpv.writers:
            writer.close()
        await server.wait_closed()


async def test_nonsense_between_messages_does_no_harm(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """Garbage, a line without an end and answers in single bytes are borne; a connection that breaks is no end of the play."""
    async with serving(sockets / "a.sock") as mpv:
        mpv.before = b"\x00\xff garbage\n[1]\n" + b"x" * 5_000_000 + b'\n{"event":"unheard-of"}\n'
        async with running(plugin):
            play = await recorder.until("play")
            mpv.writers[0].transport.abort()
            again = await recorder.until("progress")  # it is still there, so the play goes on
            mpv.writers[1].write(b'{"event":"end-file","reason":"quit"}\n')
            await recorder.until("stop")
    assert (play.position_ms, play.item_key) == (5000, "/m/A.mkv")
    assert again.player == play.player
    assert recorder.kinds == ["play", "progress", "stop"]
    check_events(recorder.events)


async def test_one_that_hangs_up_is_not_hammered(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """A socket whose server hangs up at once is tried less and less often."""
    async with serving(sockets / "a.sock") as mpv:
        mpv.hang_up = True
        async with running(plugin):
            await recorder.when(lambda _: mpv.connections >= 4)
            await asyncio.sleep(0.3)  # nothing may happen, and nothing is to be waited for
            assert mpv.connections <= 9
    assert recorder.events == []


def test_tries_grow_to_half_a_minute() -> None:
    """A stale file is tried at once again, then rarely, and for ever."""
    attempt = Attempt(Stamp(1, 2, 3))
    waits = []
    for _ in range(40):
        attempt.failed(0.0)
        waits.append(attempt.due_s)
    assert waits[0] == 0.01
    assert waits == sorted(waits)
    assert waits[-1] == 30.0


async def test_a_connection_that_never_comes_back_is_lost(
    plugin: Plugin, recorder: Recorder, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lives on without a socket is given some seconds, then its play is over."""
    monkeypatch.setattr("scrobbler_plugins.mpv.plugin.RETURN_S", 0.3)
    async with running(plugin):
        async with serving(sockets / "a.sock"):
            await recorder.until("play")
        gone = await recorder.until("gone")
    assert gone.position_ms == 5000
    assert recorder.kinds == ["play", "gone"]


async def test_a_connection_that_is_cut_off(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """An mpv that cuts its clients off when its socket is changed is found by the new one, and its play goes on."""
    async with running(plugin):
        async with serving(sockets / "a.sock"):
            play = await recorder.until("play")
        async with serving(sockets / "b.sock") as mpv:
            mpv.state["time-pos"] = 7.0
            progress = await recorder.until("progress")
            mpv.writers[0].write(b'{"event":"end-file","reason":"quit"}\n')
            await recorder.until("stop")
    assert recorder.kinds == ["play", "progress", "stop"]
    assert (progress.player, progress.position_ms) == (play.player, 7000)
    check_events(recorder.events)


async def test_several_windows_of_one_process(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """A program with an mpv for each window, all at one path: the last one answers there, the others are still heard."""
    path = sockets / "a.sock"
    async with serving(path) as first, running(plugin):
        one = await recorder.until("play")
        path.unlink()
        async with serving(path) as second:
            second.state["path"] = "/m/B.mkv"
            two = await recorder.until("play", 2)
            second.writers[0].write(b'{"event":"end-file","reason":"quit"}\n')
            await recorder.until("stop")
        first.writers[0].write(b'{"event":"end-file","reason":"quit"}\n')
        await recorder.until("stop", 2)
    assert one.player != two.player
    assert [(event.kind, event.item_key) for event in recorder.events] == [
        ("play", "/m/A.mkv"),
        ("play", "/m/B.mkv"),
        ("stop", "/m/B.mkv"),
        ("stop", "/m/A.mkv"),
    ]
    check_events(recorder.events)


async def test_a_touched_file_is_not_a_second_player(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """Changing the mode of a socket, or naming it twice, gives no second connection to the same mpv."""
    async with serving(sockets / "a.sock"):
        (sockets / "b.sock").symlink_to(sockets / "a.sock")
        async with running(plugin):
            await recorder.until("play")
            (sockets / "a.sock").chmod(0o660)
            (sockets / "c.sock").write_text("wakes the plugin")
            looked = len(recorder.reach)
            await recorder.when(lambda seen: len(seen.reach) > looked)
    assert recorder.kinds.count("play") == 1


async def test_a_refusal_is_reported_and_taken_back(
    plugin: Plugin, recorder: Recorder, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that this user may not use makes the source unreachable with the reason; mpv being off does not."""

    async def refuse(self: object, address: str) -> None:
        raise PermissionError(13, "Permission denied")

    async with serving(sockets / "a.sock"):
        with monkeypatch.context() as patch:
            patch.setattr("scrobbler_plugins.mpv.transport.UnixSockets.connect", refuse)
            async with running(plugin):
                await recorder.when(lambda seen: any(not word.up for word in seen.reach))
        assert "a.sock: permission denied" in recorder.reach[-1].why
        async with running(plugin):
            await recorder.until("play")
    assert recorder.reach[-1].up


def test_folders_are_watched_as_far_as_they_exist(tmp_path: Path) -> None:
    """Of a pattern the last folder that exists is watched, and every one whose children's names are a pattern."""
    (tmp_path / "run" / "mpv-1").mkdir(parents=True)
    (tmp_path / "run" / "other").mkdir()
    root = os.path.realpath(tmp_path)
    assert folders([f"{tmp_path}/run/mpv-1/*.sock"]) == {f"{root}/run/mpv-1": {"*.sock"}}
    assert folders([f"{tmp_path}/none/below/*.sock"]) == {root: {"none"}}
    assert folders([f"{tmp_path}/run/mpv-*/a.sock", f"{tmp_path}/run/b"]) == {
        f"{root}/run": {"mpv-*", "b"},
        f"{root}/run/mpv-1": {"a.sock"},
    }


def test_the_working_directory_is_the_processes_own(tmp_path: Path) -> None:
    """Mpv repeats $PWD: it stands where it names the same folder, as through a link, and not where it is wrong."""
    link = tmp_path / "link"
    link.symlink_to(Path.cwd())
    assert folder_of(os.getpid(), str(link)) == str(link)
    assert folder_of(os.getpid(), str(tmp_path)) == str(Path.cwd())
    assert folder_of(os.getpid(), str(tmp_path / "missing")) == str(Path.cwd())
    assert folder_of(0, "/told") == "/told"


async def test_doctor_names_the_missing_folder_and_the_line(recorder: Recorder, tmp_path: Path) -> None:
    """Without the folder, doctor says how to make it and what to write into mpv.conf."""
    (result,) = await make_plugin(recorder, f"{tmp_path}/none/*.sock").check()
    assert not result.good
    assert f"input-ipc-server={tmp_path}/none/mpv.sock" in result.advice


async def test_doctor_knows_that_mpv_may_be_off(plugin: Plugin, sockets: Path) -> None:
    """No mpv is no fault; files left over are counted."""
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(str(sockets / "dead.sock"))
    (result,) = await plugin.check()
    assert result.good
    assert "1 left over" in result.what


@pytest.mark.real
async def test_doctor_asks_the_real_mpv(plugin: Plugin, sockets: Path) -> None:
    """A running mpv answers with its version; a socket open to others is pointed out."""
    with MpvProcess(ipc=sockets / "a.sock") as mpv:
        await mpv.run("get_property", "pid")
        (result,) = await plugin.check()
        assert result.good
        assert "mpv 0." in result.what
        assert result.advice == ""
        (sockets / "a.sock").chmod(0o666)
        (result,) = await plugin.check()
        assert "chmod 600" in result.advice


async def test_doctor_warns_of_a_folder_for_everybody(plugin: Plugin, sockets: Path) -> None:
    """Whoever may write there may run programs as the user."""
    os.chmod(sockets, 0o777)  # noqa: PTH101 (ruff takes Path.chmod for blocking)
    assert [result.good for result in await plugin.check()] == [False, True]


async def test_doctor_meets_something_else(plugin: Plugin, sockets: Path) -> None:
    """A socket that is not mpv's is named as that."""
    async with serving(sockets / "a.sock") as other:
        other.hang_up = True
        results = await plugin.check()
    assert [result.good for result in results] == [False, True]
    assert "not mpv" in results[0].what


def test_the_line_for_mpv_conf_fits_the_pattern() -> None:
    """A pattern becomes a path that it matches."""
    assert conf_line("~/.local/state/mpv/*.sock") == "input-ipc-server=~/.local/state/mpv/mpv.sock"
    assert conf_line("/tmp/mpvsocket") == "input-ipc-server=/tmp/mpvsocket"
