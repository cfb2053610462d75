"""The source on a real file system: what is told, what is remembered, what is history."""

import asyncio
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler_plugins.logfile import plugin
from scrobbler_plugins.logfile.watch import is_remote
from tests.kit.logs import LogFile, compress
from tests.kit.mpv import HEADLESS, make_clip
from tests.plugins.logfile.kit import AccountPolicy, stamp

pytestmark = pytest.mark.anyio


def told(recorder: Recorder) -> list[tuple[str, str]]:
    return [(event.kind, event.item_key) for event in recorder.events]


async def test_begins_at_the_end_and_follows(tmp_path: Path) -> None:
    """The first start tells no history; what is written then is told at once, with item, place and length."""
    with LogFile(tmp_path / "x.log") as log:
        log.write("start old.mkv")
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("start new.mkv 0/1500", "nonsense", "stop new.mkv 20:00/1500")
            stop = await policy.recorder.until("stop")
    assert told(policy.recorder) == [("play", "new.mkv"), ("stop", "new.mkv")]
    assert (stop.position_ms, stop.duration_ms) == (1_200_000, 1_500_000)
    check_events(policy.recorder.events)


@pytest.mark.parametrize("rotation", ["rename", "copytruncate", "gz", "dated", "vanish"])
async def test_rotation_under_our_eyes(tmp_path: Path, rotation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to rotate, while we look: every line once."""
    monkeypatch.setattr("scrobbler_plugins.logfile.tail.GRACE_MS", 200)
    name = "log_20260304.log" if rotation == "dated" else "x.log"
    with LogFile(tmp_path / name) as log:
        policy = AccountPolicy(tmp_path / "log_*.log" if rotation == "dated" else log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("start a.mkv")
            await policy.recorder.until("play")
            log.write("pause a.mkv")
            if rotation == "copytruncate":
                log.copytruncate("x.log.1")
            elif rotation == "dated":
                (tmp_path / "log_20260305.log").write_text("stop a.mkv\n")
            else:
                old = log.rename("x.log.1")
                log.reopen()
                if rotation == "gz":
                    compress(old)
                elif rotation == "vanish":
                    old.unlink()
            if rotation != "dated":
                log.write("stop a.mkv")
            await policy.recorder.until("stop")
    assert [event.kind for event in policy.recorder.events] == ["play", "pause", "stop"]


@pytest.mark.parametrize("rotation", ["none", "rename", "copytruncate", "gz", "dated", "two"])
async def test_rotation_while_we_were_away(tmp_path: Path, rotation: str) -> None:
    """A restart neither misses nor repeats a line, however the log was rotated meanwhile; what was missed has its own time."""
    name = "log_20260304.log" if rotation == "dated" else "x.log"
    with LogFile(tmp_path / name) as log:
        policy = AccountPolicy(tmp_path / "log_*.log" if rotation == "dated" else log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("stop before.mkv 10/100")
            await policy.recorder.until("stop")
        log.write(f"{stamp(policy.clock, 90)} start a.mkv 0/6000")
        if rotation == "copytruncate":
            log.copytruncate("x.log.1")
        elif rotation == "dated":
            log.path = tmp_path / "log_20260305.log"
            log.reopen()
        elif rotation != "none":
            old = log.rename("x.log.1")
            log.reopen()
            if rotation == "gz":
                compress(old)
            if rotation == "two":
                compress(old).rename(tmp_path / "x.log.2.gz")
                log.write(f"{stamp(policy.clock, 60)} pause a.mkv 1800/6000")
                log.rename("x.log.1")
                log.reopen()
        log.write(f"{stamp(policy.clock, 30)} stop a.mkv 3600/6000")
        async with running(policy.start()):
            await policy.recorder.until("stop")
            log.write("start b.mkv 0/6000")
            await policy.recorder.until("play", 2)
    missed = policy.recorder.events[:-1]
    assert [(event.kind, event.item_key, event.position_ms) for event in missed] == [
        ("play", "a.mkv", None),
        ("stop", "a.mkv", 3_600_000),
    ]
    now_s = policy.clock.now().utc_ms / 1000
    assert [round((now_s - event.at.timestamp()) / 60) for event in missed if event.at] == [90, 30]
    check_events(policy.recorder.events)


async def test_a_play_in_progress_over_a_restart(tmp_path: Path) -> None:
    """A play that began while we were away is not started; the next line under our eyes goes on with it."""
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
        log.write(f"{stamp(policy.clock, 20)} start a.mkv 0/6000", f"{stamp(policy.clock, 1)} progress a.mkv 1140/6000")
        async with running(policy.start()):
            first = await policy.recorder.until("play")
            assert first.position_ms is None
            log.write(f"{stamp(policy.clock)} progress a.mkv 1200/6000")
            second = await policy.recorder.until("progress")
    assert second.position_ms == 1_200_000
    assert len(policy.recorder.events) == 2


async def test_natural_end_that_was_missed(tmp_path: Path) -> None:
    """A natural end in the missed stretch is a watch with its own time; one that came too fast is not."""
    with LogFile(tmp_path / "kodi.log") as log:
        policy = AccountPolicy(log.path, format="kodi")
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)

        def line(minutes_ago: float, text: str) -> str:
            return f"{stamp(policy.clock, minutes_ago)[1:-1]} T:1    info <general>: {text}"

        log.write(
            line(90, "VideoPlayer::OpenFile: /media/a.mkv"),
            line(50, "VideoPlayer: eof, waiting for queues to empty"),
            line(50, "VideoPlayer::OpenFile: /media/b.mkv"),
            line(49, "VideoPlayer: eof, waiting for queues to empty"),
        )
        async with running(policy.start()):
            await policy.recorder.until("stop")
    assert told(policy.recorder) == [
        ("play", "/media/a.mkv"),
        ("watched", "/media/a.mkv"),
        ("end", "/media/a.mkv"),
        ("play", "/media/b.mkv"),
        ("stop", "/media/b.mkv"),
    ]


async def test_nothing_is_lost_when_storing_fails(tmp_path: Path) -> None:
    """The position is written after the event was stored: what could not be is told after the restart."""
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("start a.mkv 0/100")
            await policy.recorder.until("play")
        log.write("stop a.mkv 50/100")
        broken = policy.start()
        policy.recorder.fail = 1
        with pytest.raises(OSError, match="no space"):
            await broken.run()
        async with running(policy.start()):
            stop = await policy.recorder.until("stop")
            assert stop.position_ms == 50_000
        assert told(policy.recorder) == [("stop", "a.mkv")]


async def test_a_long_missed_stretch_is_written_down_seldom(tmp_path: Path) -> None:
    """What was missed is written down when it is told and now and then, not at each of its thousand lines."""
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
        log.write(*(f"{stamp(policy.clock, 100 - n / 20)} progress a.mkv {n * 3}/6000" for n in range(1000)))
        log.write(f"{stamp(policy.clock, 45)} stop a.mkv 3000/6000")
        puts = 0
        put = policy.memory.put

        async def counted(key: str, value: str) -> None:
            nonlocal puts
            puts += 1
            await put(key, value)

        policy.memory.put = counted  # type: ignore[method-assign]
        async with running(policy.start()):
            await policy.recorder.until("stop")
    assert told(policy.recorder) == [("play", "a.mkv"), ("stop", "a.mkv")]
    assert puts < 20


async def test_appears_late(tmp_path: Path) -> None:
    """Folder and file may come later; their first line is news."""
    path = tmp_path / "a" / "b" / "x.log"
    policy = AccountPolicy(path)
    async with running(policy.start()):
        await policy.recorder.when(lambda _: policy.memory.texts)
        path.parent.mkdir(parents=True)
        with LogFile(path) as log:
            log.write("start a.mkv 5/100")
            play = await policy.recorder.until("play")
    assert play.position_ms == 5_000


async def test_new_log_of_a_pattern_with_old_lines(tmp_path: Path) -> None:
    """A share that appears with a full log brings history, not news."""
    policy = AccountPolicy(tmp_path / "*.log")
    async with running(policy.start()):
        await policy.recorder.when(lambda _: policy.memory.texts)
        with LogFile(tmp_path / "x.log") as log:
            log.write(f"{stamp(policy.clock, 90)} start a.mkv 0/6000\n{stamp(policy.clock, 30)} stop a.mkv 3000/6000")
        stop = await policy.recorder.until("stop")
    assert stop.at is not None
    assert policy.recorder.events[0].position_ms is None


@pytest.mark.parametrize("appears", ["while we were away", "under our eyes"])
async def test_download_in_an_access_log_that_was_missed(tmp_path: Path, appears: str) -> None:
    """What a web server wrote unseen ended when it says, and not when its log was written to last."""
    size, path = 1_000_000_000, tmp_path / "logs" / "access.log"
    path.parent.mkdir()
    policy = AccountPolicy(path, format="access")

    def line(minutes_ago: float, name: str, first: int, last: int) -> str:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        asked = f'192.0.2.10 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {name} HTTP/1.1" 206 {last - first + 1}'
        return f'{asked} "-" "VLC/3.0.24" "bytes {first}-{last}/{size}"'

    def written() -> None:
        with LogFile(path) as log:
            log.write(line(200, "/downloaded.mkv", 0, size // 2 - 1), line(199, "/downloaded.mkv", size // 2, size - 1))
            log.write(
                *(
                    line(120 - 4 * part, "/seen.mkv", part * size // 10, part * size // 10 + size // 10 - 1)
                    for part in range(10)
                )
            )
            log.write(line(30, "/index.html", 0, 99))
        moment_s = time.time() - 30 * 60
        os.utime(path, (moment_s, moment_s))

    if appears == "while we were away":
        path.touch()
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
        written()
    async with running(policy.start()):
        if appears == "under our eyes":
            await policy.recorder.when(lambda _: policy.memory.texts)
            written()
        await policy.recorder.until("stop")
    assert told(policy.recorder) == [("watched", "/seen.mkv"), ("stop", "/seen.mkv")]


async def test_slow_pattern_holds_nobody_up(tmp_path: Path) -> None:
    """A pattern that takes too long for a line is broken off and named once; the next line is read."""
    slow = r"(?P<time>.*) (?P<user>.*) (?P<event>.*) (?P<file>.*) (?P<position>.*)/(?P<duration>.*)"
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path, pattern=slow)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write(*["word " * 390] * 3, "x alice start a.mkv 5/100")
            await policy.recorder.until("play")
    assert [line.event for line in policy.recorder.log.lines if line.level == "warning"] == ["lines are passed over"]


async def test_two_logs_are_two_players(tmp_path: Path) -> None:
    """Logs of one source do not mix; a pattern finds new ones."""
    policy = AccountPolicy(tmp_path / "*" / "x.log")
    async with running(policy.start()):
        await policy.recorder.when(lambda _: policy.memory.texts)
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            with LogFile(tmp_path / name / "x.log") as log:
                log.write("start same.mkv")
        await policy.recorder.until("play", 2)
    assert len({event.player for event in policy.recorder.events}) == 2


async def test_without_tidings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk sends no tidings, it is looked at every few seconds."""
    monkeypatch.setattr("scrobbler_plugins.logfile.watch.is_remote", lambda _folder: True)
    monkeypatch.setattr("scrobbler.api.watching.FolderWatch._on_event", lambda _self, _event: None)
    monkeypatch.setattr(plugin, "LOOK_BLIND_S", 0.05)
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("start a.mkv")
            await policy.recorder.until("play")
    assert told(policy.recorder) == [("play", "a.mkv")]


def test_which_file_systems_send_no_tidings(tmp_path: Path) -> None:
    """Shares and folders of a host are known by the table of mounts; the longest matching place counts."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /mnt/nas\\040one rw shared:1 - nfs4 nas:/x rw\n"
        "3 1 0:6 / /mnt/nas\\040one/local rw - btrfs /dev/sdb rw\n4 1 0:7 / /host rw - fuse.grpcfuse x rw\n"
        "5 1 0:8 / /mnt/Vidéos\\134x rw - cifs //nas/v rw\n",
        "utf-8",
    )
    places = {"/var/log": False, "/mnt/nas one/logs": True, "/mnt/nas one/local": False, "/host/logs": True}
    places["/mnt/Vidéos\\x/logs"] = True
    assert {place: is_remote(place, str(mounts)) for place in places} == places


async def test_unreadable_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that may not be read makes the source unreachable, with the reason; it comes back when it may."""
    with LogFile(tmp_path / "x.log") as log:
        log.write("start a.mkv")
        policy = AccountPolicy(log.path)

        def refuse(_path: str) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr("scrobbler_plugins.logfile.tail.open_member", refuse)
            patch.setattr(plugin, "LOOK_S", 0.05)
            async with running(policy.start()):
                await policy.recorder.when(lambda seen: seen.reach)
                assert policy.recorder.reach[-1] == (False, "x.log: Permission denied")
                patch.undo()
                log.write("more")
                await policy.recorder.when(lambda seen: seen.reach[-1].up)


async def test_wrong_zone_does_not_turn_news_into_history(tmp_path: Path) -> None:
    """What is read as it is written is news, whatever clock its writer has."""
    with LogFile(tmp_path / "x.log") as log:
        policy = AccountPolicy(log.path)
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write(f"{stamp(policy.clock, 120)} start a.mkv 0/6000")
            play = await policy.recorder.until("play")
    assert play.at is None
    assert play.position_ms == 0


async def test_symbolic_link(tmp_path: Path) -> None:
    """A link to a log in another folder is followed where it leads."""
    (tmp_path / "there").mkdir()
    with LogFile(tmp_path / "there" / "real.log") as log:
        (tmp_path / "x.log").symlink_to(log.path)
        policy = AccountPolicy(tmp_path / "x.log")
        async with running(policy.start()):
            await policy.recorder.when(lambda _: policy.memory.texts)
            log.write("start a.mkv")
            await policy.recorder.until("play")
            log.write("stop a.mkv")
            await policy.recorder.until("stop")


async def run(command: list[str | Path]) -> None:
    """Run a program to its end without holding up the source."""
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=30)


@pytest.mark.real
async def test_real_mpv(tmp_path: Path) -> None:
    """The log of the real mpv: two files to their ends, and a quit; the second run begins the log anew."""
    make_clip(tmp_path / "one.mkv", 1.5)
    make_clip(tmp_path / "two.mkv", 1.5)
    log = tmp_path / "mpv.log"
    policy = AccountPolicy(log, format="mpv")
    command: list[str | Path] = [*HEADLESS, f"--log-file={log}"]
    async with running(policy.start()):
        await policy.recorder.when(lambda _: policy.memory.texts)
        await run([*command, tmp_path / "one.mkv", tmp_path / "two.mkv"])
        await policy.recorder.until("end", 2)
        await run([*command, "--length=0.5", tmp_path / "one.mkv"])
        await policy.recorder.until("play", 3)
        await policy.recorder.when(lambda seen: len(seen.of("end", "stop")) == 3)
    events = policy.recorder.events
    assert [(event.kind, Path(event.item_key).name) for event in events[:4]] == [
        ("play", "one.mkv"),
        ("end", "one.mkv"),
        ("play", "two.mkv"),
        ("end", "two.mkv"),
    ]
    assert events[0].position_ms == 0
    assert 1400 <= (events[0].duration_ms or 0) <= 1600
