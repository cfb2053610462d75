"""Each line once, in order, whatever happens to the file (players.md 8.3)."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler_plugins.logfile.family import Family, families, template
from scrobbler_plugins.logfile.position import Position
from scrobbler_plugins.logfile.tail import GRACE_MS, Tail
from tests.kit.logs import LogFile, compress


class Reader:
    """A tail that can be stopped and started again, with a clock of its own."""

    def __init__(self, path: Path, *, at_end: bool = False) -> None:
        (self.family,) = families(str(path)) or {Family(str(path.parent), template(path.name))}
        self.now_ms = 0
        self.lines: list[str] = []
        self.late: list[str] = []
        self.tail = Tail(self.family, Position())
        self.tail.at_once()
        if at_end:
            self.tail.begin_at_end()

    def read(self, *, again: bool = True) -> list[str]:
        """Read all that is new; what came now."""
        before = len(self.lines)
        for _ in range(3 if again else 1):
            while batch := self.tail.read(self.now_ms):
                if not batch.lines:
                    break
                self.lines += [text for text, _ in batch.lines]
                self.late += [text for text, _ in batch.lines if batch.late]
            self.now_ms += GRACE_MS + 1 if again else 10
        return self.lines[before:]

    def restart(self) -> None:
        """End and begin again with the position alone."""
        self.tail.close()
        self.tail = Tail(self.family, self.tail.position)


@pytest.fixture
def log(tmp_path: Path):
    file = LogFile(tmp_path / "server.log")
    yield file
    file.close()


@pytest.fixture
def reader(log: LogFile):
    reader = Reader(log.path)
    yield reader
    reader.tail.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plex Media Server.log", "Plex Media Server.log"),
        ("Plex Media Server.1.log", "Plex Media Server.log"),
        ("Plex Media Server.log.5", "Plex Media Server.log"),
        ("kodi.old.log", "kodi.log"),
        ("access.log-20260304", "access.log"),
        ("access.log.2.gz", "access.log"),
        ("access.log-20260304-1772600000.gz", "access.log"),
        ("embyserver-63912345678.txt", "embyserver.txt"),
        ("log_20260304.log", "log_#.log"),
        ("log_20260304_001.log", "log_#.log"),
        ("log_2026-03-04.log.gz", "log_#.log"),
        ("mpv-2.log", "mpv-2.log"),
        ("server.log~", "server.log"),
        ("syslog", "syslog"),
        ("syslog.1", "syslog"),
    ],
)
def test_rotated_names_belong_together(name: str, expected: str) -> None:
    """Every life of a log has the same template."""
    assert template(name) == expected


def test_lines_come_once_and_whole(log: LogFile, reader: Reader) -> None:
    """A line is read when its newline is there, and not before."""
    log.write("one", "two")
    log.raw(b"thr")
    assert reader.read() == ["one", "two"]
    log.raw(b"ee\nfour\n")
    assert reader.read() == ["three", "four"]
    assert reader.read() == []


def test_begins_at_the_end(log: LogFile) -> None:
    """The first start tells no history; a line that is being written then is read whole."""
    log.write("old")
    log.raw(b"half ")
    reader = Reader(log.path, at_end=True)
    log.raw(b"a line\nnew\n")
    assert reader.read() == ["half a line", "new"]
    reader.tail.close()


@pytest.mark.parametrize("restart", [False, True])
def test_rename(log: LogFile, reader: Reader, restart: Any) -> None:
    """Rename rotation: the old file is finished first, also what its program still writes to it."""
    log.write("a")
    reader.read()
    log.write("b")
    log.rename("server.log.1")
    log.write("c")
    if restart:
        reader.restart()
    assert reader.read(again=False) == ["b", "c"]
    log.reopen()
    log.write("d")
    assert reader.read() == ["d"]


def test_late_writes_to_the_renamed_file(log: LogFile, reader: Reader) -> None:
    """A program that goes on with the renamed file after the new one exists is heard for a while."""
    log.write("a")
    reader.read()
    log.rename("server.log.1")
    log.path.touch()
    assert reader.read(again=False) == []
    log.write("still the old one")
    assert reader.read(again=False) == ["still the old one"]
    log.reopen()
    log.write("new")
    assert reader.read() == ["new"]


@pytest.mark.parametrize("restart", [False, True])
def test_ring(log: LogFile, reader: Reader, restart: Any) -> None:
    """Several rotations between two looks: each generation is read, the oldest first."""
    log.write("a")
    reader.read()
    for number in range(3):
        log.write(f"end {number}")
        for old in (2, 1):
            path = log.path.with_name(f"server.{old}.log")
            if path.exists():
                path.rename(log.path.with_name(f"server.{old + 1}.log"))
        log.rename("server.1.log")
        log.reopen()
        log.write(f"begin {number}")
    if restart:
        reader.restart()
    assert reader.read() == ["end 0", "begin 0", "end 1", "begin 1", "end 2", "begin 2"]


@pytest.mark.parametrize("restart", [False, True])
def test_copytruncate(log: LogFile, reader: Reader, restart: Any) -> None:
    """What was written between the last look and the cut is found in the copy."""
    log.write("a", "b")
    reader.read()
    log.write("c")
    log.copytruncate("server.log.1")
    log.write("d")
    if restart:
        reader.restart()
    assert reader.read() == ["c", "d"]


def test_cut_off_and_grown_beyond(log: LogFile, reader: Reader) -> None:
    """A file that was cut off and has grown past the old place is known by its content."""
    log.write("first line", "second")
    reader.read()
    os.truncate(log.path, 0)
    log.write("quite another line", "and one more of them", "third")
    assert reader.read() == ["quite another line", "and one more of them", "third"]


def test_written_anew_under_the_same_heading(log: LogFile, reader: Reader) -> None:
    """Programs begin each log with the same lines; what follows tells that it is another one."""
    heading = ["heading " * 8] * 6
    log.write(*heading, "first run", "more of it")
    reader.read()
    os.truncate(log.path, 0)
    log.write(*heading, "second one", "other words than before", "and more")
    assert reader.read() == [*heading, "second one", "other words than before", "and more"]


def test_hole_of_zeros(tmp_path: Path) -> None:
    """A writer that does not notice the cut leaves a hole; the lines behind it are whole."""
    path = tmp_path / "x.log"
    with path.open("wb", buffering=0) as file:
        file.write(b"a\n" * 3000)
        reader = Reader(path)
        assert len(reader.read()) == 3000
        os.truncate(path, 0)
        file.write(b"after the hole\n")
        assert reader.read() == ["after the hole"]
    reader.tail.close()


@pytest.mark.parametrize("restart", [False, True])
def test_compressed(log: LogFile, reader: Reader, restart: Any) -> None:
    """After downtime the missed lines are found in the compressed file."""
    log.write(*(f"line {number}" for number in range(50)))
    reader.read()
    log.write("missed")
    old = log.rename("server.log.1")
    log.reopen()
    log.write("new")
    if restart:
        reader.restart()
        compress(old)
    got = reader.read()
    assert got == ["missed", "new"]
    assert reader.late == (got if restart else [])


def test_a_file_that_cannot_be_unpacked_is_passed_over(log: LogFile, reader: Reader) -> None:
    """Broken archives, and those of a kind that is not known, are no reason to stop."""
    log.write("a")
    reader.read()
    log.path.with_name("server.log.1.gz").write_bytes(b"no archive")
    log.path.with_name("server.log.2.zst").write_bytes(b"unknown")
    log.path.unlink()
    log.reopen()
    log.write("b")
    reader.restart()
    assert reader.read() == ["b"]


def test_dated_names(tmp_path: Path) -> None:
    """The next day's file follows, and the part file of a long day."""
    with LogFile(tmp_path / "log_20260304.log") as first:
        reader = Reader(tmp_path / "log_*.log")
        first.write("a")
    assert reader.read() == ["a"]
    for number, name in enumerate(("log_20260304_001.log", "log_20260305.log", "log_20260306.log")):
        with LogFile(tmp_path / name) as log:
            log.write(f"day {number}")
        if number == 1:
            reader.restart()
    assert reader.read() == ["day 0", "day 1", "day 2"]
    reader.tail.close()


def test_vanishes_and_comes_back(log: LogFile, reader: Reader) -> None:
    """A file that is deleted and appears again is read from its beginning."""
    log.write("a")
    reader.read()
    log.path.unlink()
    log.write("into the void that is still open")
    assert reader.read() == ["into the void that is still open"]
    log.reopen()
    log.write("back")
    assert reader.read() == ["back"]


def test_folder_comes_late(tmp_path: Path) -> None:
    """Neither file nor folder need exist yet."""
    path = tmp_path / "later" / "x.log"
    reader = Reader(path)
    assert reader.read() == []
    path.parent.mkdir()
    with LogFile(path) as log:
        log.write("first")
    assert reader.read() == ["first"]
    reader.tail.close()


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, mark: bytes) -> None:
    """UTF-8 and UTF-16, with and without a mark, CRLF, letters whose halves look like newlines."""
    path = tmp_path / "x.log"
    path.write_bytes(mark)
    reader = Reader(path)
    with LogFile(path, encoding, "\r\n") as log:
        for text in ("plain one", "Příliš žluťoučký", "\u0a0a \u0d0a \u0a00", "雪"):
            log.write(text)
            assert reader.read() == [text]
            reader.restart()
    reader.tail.close()


def test_broken_bytes(log: LogFile, reader: Reader) -> None:
    """Bytes that are no text do not stop the line, nor the next."""
    log.raw(b"caf\xe9 \xff\xfe\nnext\n")
    assert reader.read() == ["caf\ufffd \ufffd\ufffd", "next"]


def test_endless_line(log: LogFile, reader: Reader) -> None:
    """A line without an end is passed over without holding it all."""
    log.raw(b"x" * (3 * 1024 * 1024))
    reader.read()
    log.raw(b"\nnext\n")
    assert reader.read()[-1:] == ["next"]


def test_copy_in_the_making(log: LogFile, reader: Reader) -> None:
    """While copytruncate copies, its copy is newer than the log; that does not make it the next file."""
    log.write("a", "b")
    reader.read()
    shutil.copy(log.path, log.path.with_name("server.log.1"))
    assert reader.read() == []
    log.write("c")
    assert reader.read() == ["c"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.sampled_from([(one, 0) for one in ("half", "rename", "copy", "compress", "restart", "read", "read")]),
    ),
    max_size=25,
)


class Random:
    """A log under random treatment. Rotations keep what programs keep: generations until they were read."""

    def __init__(self, folder: Path) -> None:
        self.log = LogFile(folder / "server.log")
        self.reader = Reader(self.log.path)
        self.written: list[str] = []
        self.half = ""
        self.serial = 0
        self.now_ns = 1_000_000_000
        self._touch(self.log.path)

    def step(self, what: str, count: int) -> None:
        steps: dict[str, Any] = {
            "half": self.begin_a_line,
            "copy": self.copytruncate,
            "read": self.reader.read,
        }
        steps |= {"rename": self.rename, "compress": self.compress, "restart": self.reader.restart}
        if what == "write":
            self.write(count)
        else:
            steps[what]()

    def write(self, count: int) -> None:
        for _ in range(count):
            self.serial += 1
            text = f"line {self.serial} " + "é" * (self.serial % 7)
            self.log.raw(text.encode() + b"\n")
            self.written.append(self.half + text)
            self.half = ""
        self._touch(self.log.path)

    def _touch(self, path: Path) -> None:
        """Give each change a time of its own: the disk's clock is coarser than this test."""
        self.now_ns += 1_000_000
        os.utime(path, ns=(self.now_ns, self.now_ns))

    def begin_a_line(self) -> None:
        self.serial += 1
        self.log.raw(f"part {self.serial} ".encode())
        self.half += f"part {self.serial} "
        self._touch(self.log.path)

    def _shift(self) -> None:
        for number in range(40, 0, -1):
            for end in ("", ".gz"):
                old = self.log.path.with_name(f"server.log.{number}{end}")
                if old.exists():
                    old.rename(self.log.path.with_name(f"server.log.{number + 1}{end}"))

    def rename(self) -> None:
        if self.half:
            self.write(1)
        self._shift()
        self.log.rename("server.log.1")
        self.log.reopen()
        self._touch(self.log.path)

    def copytruncate(self) -> None:
        if self.half:
            self.write(1)
        self._shift()
        self._touch(self.log.copytruncate("server.log.1"))
        self._touch(self.log.path)

    def compress(self) -> None:
        for path in sorted(self.log.path.parent.glob("server.log.*[0-9]")):
            compress(path)

    def close(self) -> None:
        self.reader.tail.close()
        self.log.close()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_line_exactly_once(steps: list[tuple[str, int]]) -> None:
    """Random writing, rotating, compressing and restarting: each line is read once, in order."""
    with tempfile.TemporaryDirectory(prefix="tail-") as name:
        world = Random(Path(name))
        try:
            for what, count in steps:
                world.step(what, count)
            if world.half:
                world.write(1)
            world.reader.read()
        finally:
            world.close()
        assert world.reader.lines == world.written
