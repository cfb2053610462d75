"""The plugin against a real mpv. Waits for conditions; the only real time is what mpv itself takes."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scrobbler.api import File, PlayerEvent
from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler_plugins.mpv.plugin import Plugin
from tests.kit.mpv import MpvError, MpvProcess, make_clip
from tests.plugins.mpv.conftest import make_plugin

pytestmark = [pytest.mark.anyio, pytest.mark.real]


def position(event: PlayerEvent) -> int:
    """Return a position that must be there."""
    assert event.position_ms is not None
    return event.position_ms


async def playing(past_ms: int, *, mpv: MpvProcess) -> None:
    """Wait until mpv is past a position."""
    async with asyncio.timeout(10):
        while True:
            with suppress(MpvError):  # not before the file is open
                if await mpv.run("get_property", "time-pos") * 1000 > past_ms:
                    return
            await asyncio.sleep(0.02)


async def test_a_file_that_opens_is_a_play_with_its_length(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """Opening a file gives one `play` at the beginning with path and length, at once, and `stop` with the position on quit."""
    ipc = sockets / "a.sock"
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=ipc) as mpv:
            async with asyncio.timeout(10):
                while True:
                    if ipc.exists():
                        break
                    await asyncio.sleep(0.002)
            appeared = time.monotonic()
            play = await recorder.until("play")
            assert time.monotonic() - appeared < 0.25  # 50 ms on a machine that is not testing at the same time
            assert play.item == File(path=str(clips / "clip.mkv"))
            assert play.item_key == str(clips / "clip.mkv")
            assert play.duration_ms == 20_000
            assert position(play) < 1000
            assert play.player.startswith(f"{ipc}#{mpv.pid}-")
            await playing(500, mpv=mpv)
            mpv.quit()
            stop = await recorder.until("stop")
            assert 300 <= position(stop) <= 3000
    assert recorder.kinds == ["play", "stop"]
    assert all(word.up for word in recorder.reach)
    check_events(recorder.events)


async def test_pause_and_resume(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """Pause and resume are told once each, at the position where they happen."""
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock") as mpv:
            await recorder.until("play")
            await playing(300, mpv=mpv)
            mpv.set("pause", "yes")
            pause = await recorder.until("pause")
            mpv.set("pause", "no")
            await recorder.until("play", 2)
    assert recorder.kinds == ["play", "pause", "play"]
    assert position(pause) > 0
    assert position(recorder.events[2]) >= position(pause)
    check_events(recorder.events)


async def test_a_seek_tells_both_places(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A seek gives the last position before it, then where it landed; speed is carried along."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--speed=2"]) as mpv:
            play = await recorder.until("play")
            assert (play.speed, play.duration_ms) == (2.0, 136 * 60_000)
            mpv.command("seek", 3600, "absolute", "exact")
            seek = await recorder.until("seek")
            assert abs(position(seek) - 3_600_000) <= 1000
            assert recorder.kinds == ["play", "progress", "seek"]
            assert position(recorder.events[1]) < 10_000
            mpv.quit()
            assert position(await recorder.until("stop")) >= 3_599_000
    check_events(recorder.events)


async def test_a_seek_while_paused_is_no_progress(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """In a paused film a seek is told alone: nothing played."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--pause"]) as mpv:
            await recorder.until("pause")
            mpv.command("seek", 600, "absolute")
            await recorder.until("seek")
            mpv.set("pause", "no")
            assert position(await recorder.until("play")) >= 590_000
    assert recorder.kinds == ["pause", "seek", "play"]
    check_events(recorder.events)


async def test_many_seeks_in_a_row_are_few_events(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """A held arrow key makes no storm: the row ends with the last place."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--pause"]) as mpv:
            await recorder.until("pause")
            for step in range(1, 13):
                await mpv.run("seek", step * 100, "absolute")
            await recorder.when(lambda seen: seen.events[-1].position_ms == 1_200_000)
    assert set(recorder.kinds[1:]) == {"seek"}
    assert len(recorder.events) <= 6
    check_events(recorder.events)


async def test_the_natural_end_is_an_end(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A file played to its end gives `end` and nothing after it, though mpv then exits."""
    async with running(plugin):
        with MpvProcess(clips / "short.mkv", ipc=sockets / "a.sock", arguments=["--start=2"]) as mpv:
            end = await recorder.until("end")
            mpv.wait()
            assert position(end) >= 2400
            await recorder.when(lambda seen: any(line.event == "mpv has gone" for line in seen.log.lines))
    assert recorder.kinds == ["play", "end"]
    check_events(recorder.events)


async def test_an_opening_offset_is_no_seek(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A file resumed in its middle begins there, without a seek and never at zero."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--start=3000"]) as mpv:
            play = await recorder.until("play")
            await playing(3_000_000, mpv=mpv)
    assert abs(position(play) - 3_000_000) <= 1000
    assert recorder.kinds[0] == "play"
    assert "seek" not in recorder.kinds
    check_events(recorder.events)


async def test_keep_open_ends_and_begins_anew(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """With `keep-open` the end is an `end` without a pause; going back and on is a new play from there."""
    options = ["--keep-open", "--start=19"]
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock", arguments=options) as mpv:
            await recorder.until("end")
            mpv.command("seek", 5, "absolute", "exact")
            mpv.set("pause", "no")
            await recorder.until("play", 2)
            mpv.quit()
            await recorder.until("stop")
    assert recorder.kinds == ["play", "end", "play", "stop"]
    assert 4_500 <= position(recorder.events[2]) <= 6_000
    check_events(recorder.events)


async def test_keep_open_that_plays_on_after_a_seek(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """With `keep-open-pause=no` the seek back itself begins the new play."""
    options = ["--keep-open", "--keep-open-pause=no", "--start=19"]
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock", arguments=options) as mpv:
            await recorder.until("end")
            mpv.command("seek", 5, "absolute", "exact")
            await recorder.until("play", 2)
    assert recorder.kinds == ["play", "end", "play"]
    check_events(recorder.events)


async def test_a_seek_past_the_end_shows_as_a_seek(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """Who skips to the end is seen to have skipped: `seek` comes before `end`."""
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock") as mpv:
            await recorder.until("play")
            mpv.command("seek", 100, "absolute")
            await recorder.until("end")
    assert recorder.kinds == ["play", "progress", "seek", "end"]
    assert 18_000 <= position(recorder.events[2]) <= 20_000
    check_events(recorder.events)


async def test_a_killed_mpv_is_gone(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """An mpv that dies without a word leaves `gone` with the last position seen."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--start=600"]) as mpv:
            await recorder.until("play")
            mpv.kill()
            gone = await recorder.until("gone")
    assert recorder.kinds == ["play", "gone"]
    assert abs(position(gone) - 600_000) <= 2_000
    check_events(recorder.events)


async def test_the_next_file_stops_the_one_before(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """Going on in the playlist stops the old file at its position and begins the new one, even if both look alike."""
    twin = sockets / "twin.mkv"
    twin.write_bytes((clips / "film.mkv").read_bytes())
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", twin, ipc=sockets / "a.sock", arguments=["--start=60"]) as mpv:
            await recorder.until("play")
            mpv.command("playlist-next")
            await recorder.until("play", 2)
            mpv.command("loadfile", str(clips / "film.mkv"))
            await recorder.until("play", 3)
    assert recorder.kinds == ["play", "stop", "play", "stop", "play"]
    first, stop, second, *_, third = recorder.events
    assert (first.item_key, stop.item_key) == (str(clips / "film.mkv"),) * 2
    assert abs(position(stop) - 60_000) <= 2_000
    assert (second.item_key, second.duration_ms) == (str(twin), first.duration_ms)
    assert third.item_key == first.item_key
    check_events(recorder.events)


async def test_a_loop_ends_the_play(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A file that loops has run to its end, of which mpv says nothing; what follows is a new play."""
    options = ["--loop-file=inf", "--start=2"]
    async with running(plugin):
        with MpvProcess(clips / "short.mkv", ipc=sockets / "a.sock", arguments=options):
            again = await recorder.until("play", 2)
    assert [kind for kind in recorder.kinds if kind != "progress"] == ["play", "end", "play"]
    assert position(recorder.of("end")[0]) >= 2_400
    assert position(again) < 1_000
    check_events(recorder.events)


async def test_joining_in_the_middle_of_a_film(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A plugin that starts late tells what plays and where; after a restart under the same player's name."""
    with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--start=600"]) as mpv:
        await playing(600_000, mpv=mpv)
        async with running(plugin):
            first = await recorder.until("play")
        assert position(first) >= 600_000
        assert recorder.kinds[-1] != "gone"  # the daemon stopped, not the film
        mpv.set("pause", "yes")
        async with running(plugin):
            pause = await recorder.until("pause")
    assert (pause.player, pause.item) == (first.player, first.item)
    assert position(pause) >= position(first)
    check_events(recorder.events)


async def test_an_idle_mpv_plays_nothing(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """An mpv that waits is silent until a file is loaded; a file that cannot be opened stays silent too."""
    async with running(plugin):
        with MpvProcess(ipc=sockets / "a.sock") as mpv:
            await mpv.run("loadfile", str(sockets / "missing.mkv"))
            await mpv.run("loadfile", str(clips / "clip.mkv"), "append-play")
            await recorder.until("play")
            mpv.command("stop")
            await recorder.until("stop")
    assert recorder.kinds == ["play", "stop"]
    check_events(recorder.events)


async def test_a_playlist_file_is_no_play(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """An m3u replaces itself by its entries; only these are plays."""
    playlist = sockets / "evening.m3u"
    playlist.write_text(f"#EXTM3U\n{clips / 'clip.mkv'}\n")
    async with running(plugin):
        with MpvProcess(playlist, ipc=sockets / "a.sock"):
            play = await recorder.until("play")
    assert play.item_key == str(clips / "clip.mkv")
    assert recorder.kinds == ["play"]


async def test_stale_files_are_passed_over(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """Sockets that dead players left, and files that are none, do no harm; an mpv at a stale path is found."""
    for name in ("dead.sock", "a.sock"):
        with socket.socket(socket.AF_UNIX) as leftover:
            leftover.bind(str(sockets / name))
    (sockets / "plain.sock").write_text("not a socket")
    async with running(plugin):
        await recorder.when(lambda seen: seen.reach)
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock"):
            await recorder.until("play", seconds=3)
    assert all(word.up for word in recorder.reach)


async def test_a_second_mpv_at_the_same_path(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """Who takes over a path is watched as another player, and the first is still heard."""
    ipc = sockets / "a.sock"
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=ipc) as first:
            one = await recorder.until("play")
            with MpvProcess(clips / "clip.mkv", ipc=ipc) as second:
                await recorder.until("play", 2)
                two = recorder.events[-1]
                second.quit()
                await recorder.until("stop")
            first.kill()
            gone = await recorder.until("gone")
    assert one.player != two.player
    assert [event.player for event in recorder.of("stop")] == [two.player]
    assert gone.player == one.player
    check_events(recorder.events)


async def test_a_socket_that_is_changed_while_it_plays(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """Syncplay and scripts set `input-ipc-server` at run time: the play goes on, and is not told twice."""
    async with running(plugin):
        with MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock", arguments=["--start=600"]) as mpv:
            play = await recorder.until("play")
            mpv.command("set_property", "input-ipc-server", str(sockets / "b.sock"))
            mpv.ipc = sockets / "b.sock"
            twin = "another socket of an mpv that is heard already"
            await recorder.when(lambda seen: any(line.event == twin for line in seen.log.lines))
            mpv.set("pause", "yes")
            pause = await recorder.until("pause")
            mpv.quit()
            await recorder.until("stop")
    assert set(recorder.kinds) <= {"play", "progress", "pause", "stop"}
    assert [recorder.kinds.count(kind) for kind in ("play", "pause", "stop")] == [1, 1, 1]
    assert {event.player for event in recorder.events} == {play.player}
    assert position(pause) >= position(play)
    check_events(recorder.events)


async def test_a_stream_of_a_media_server_is_left_to_the_server(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """What jellyfin-mpv-shim plays has the server's address: it is no play of mpv's, and no key of it is kept."""
    film = (clips / "clip.mkv").read_bytes()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: video/x-matroska\r\nContent-Length: {len(film)}\r\n\r\n"
            writer.write(head.encode() + film)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, running(plugin):
        port = server.sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}/Videos/0f0f/stream.mkv?static=true&api_key=very-secret"
        with MpvProcess(address, ipc=sockets / "a.sock"):
            play = await recorder.until("play")
    assert play.skip == "server_stream"
    assert recorder.kinds == ["play"]
    check_events(recorder.events, secrets=["very-secret"])


async def test_two_players_at_once(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """Two sockets in one folder are two players."""
    async with running(plugin):
        with (
            MpvProcess(clips / "film.mkv", ipc=sockets / "a.sock"),
            MpvProcess(clips / "clip.mkv", ipc=sockets / "b.sock"),
        ):
            await recorder.until("play", 2)
    assert len({event.player for event in recorder.events}) == 2
    check_events(recorder.events)


async def test_a_folder_that_comes_later(recorder: Recorder, tmp_path: Path, clips: Path) -> None:
    """The folder of the sockets may come, go and come again while the plugin runs."""
    folder = tmp_path / "state" / "mpv-1" / "run"
    async with running(make_plugin(recorder, f"{tmp_path}/state/mpv-*/run/*.sock")):
        await recorder.when(lambda seen: seen.reach)
        for number in (1, 2):
            folder.mkdir(parents=True)
            with MpvProcess(clips / "clip.mkv", ipc=folder / "a.sock"):
                await recorder.until("play", number, seconds=3)
            (folder / "a.sock").unlink()
            folder.rmdir()
            folder.parent.rmdir()
    check_events(recorder.events)


async def test_without_a_watch_it_looks_itself(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no watches left, a new mpv is found by looking every few seconds."""

    def none_left(self: object, folder: str) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("scrobbler.api.watching.FolderWatch._schedule", none_left)
    monkeypatch.setattr("scrobbler_plugins.mpv.plugin.LOOK_BLIND_S", 0.2)
    async with running(plugin):
        await recorder.when(lambda seen: seen.reach)
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock"):
            await recorder.until("play", seconds=3)


async def test_a_relative_path_becomes_absolute(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A file named on the command line without its folder is told with it."""
    async with running(plugin):
        with MpvProcess("./clip.mkv", ipc=sockets / "a.sock", cwd=clips):
            play = await recorder.until("play")
    assert play.item_key == str(clips / "clip.mkv")


async def test_a_name_that_is_not_utf8(plugin: Plugin, recorder: Recorder, sockets: Path) -> None:
    """Two files whose names differ in a raw byte are two items, and both can be written as JSON."""
    names = [os.fsencode(sockets) + b"/Am\xe9lie.mkv", os.fsencode(sockets) + b"/Am\xe8lie.mkv"]
    for name in names:
        make_clip(name, 20)
    async with running(plugin):
        with MpvProcess(*names, ipc=sockets / "a.sock") as mpv:
            await recorder.until("play")
            mpv.command("playlist-next")
            await recorder.until("play", 2)
    one, two = recorder.of("play")
    assert one.item == two.item == File(path=f"{sockets}/Am\N{REPLACEMENT CHARACTER}lie.mkv")
    assert one.item_key != two.item_key
    check_events(recorder.events)


async def test_titles_music_and_pictures(plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path) -> None:
    """A title tag is told; music and pictures are told once as no plays of ours, and their end not at all."""
    files = [clips / name for name in ("tagged.mkv", "music.flac", "photo.png", "clip.mkv")]
    async with running(plugin):
        with MpvProcess(*files, ipc=sockets / "a.sock", arguments=["--image-display-duration=inf"]) as mpv:
            for number in range(1, len(files) + 1):
                await recorder.until("play", number)
                mpv.command("playlist-next") if number < len(files) else mpv.quit()
            await recorder.until("stop", 2)
    assert [(event.kind, event.skip) for event in recorder.events] == [
        ("play", None),
        ("stop", None),
        ("play", "music"),
        ("play", "photo"),
        ("play", None),
        ("stop", None),
    ]
    assert recorder.events[0].item == File(path=str(clips / "tagged.mkv"), title="The Third Man")
    check_events(recorder.events)


async def test_an_event_that_cannot_be_stored_is_told_again(
    plugin: Plugin, recorder: Recorder, sockets: Path, clips: Path
) -> None:
    """Where the daemon cannot store, the plugin lives on, connects again and tells what plays."""
    recorder.fail = 1
    async with running(plugin):
        with MpvProcess(clips / "clip.mkv", ipc=sockets / "a.sock"):
            await recorder.until("play")
    assert [line.event for line in recorder.log.lines if line.level == "warning"] == [
        "reading mpv failed, connecting again"
    ]
