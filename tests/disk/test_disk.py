"""The daemon as a process on a disk that really fills, or breaks: 503 until it takes something, and nothing lost."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.events import one_source
from tests.e2e.watches import Watches, listening, unwell, well, whole
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real

MOST = 3000
"""So many watches fill the small disk of these tests several times over."""


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Make a file system of four megabytes the daemon's state directory."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    _run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", state)
    yield state
    _run("umount", "--lazy", state)


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Leave not one byte."""
    ballast = disk / "ballast"
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    os.write(handle, bytes(size))
            except OSError:
                continue
        yield
    finally:
        os.close(handle)
        ballast.unlink()


def test_a_disk_that_fills_while_it_runs(tmp_path: Path, disk: Path, sandbox: SandboxClient) -> None:
    """ENOSPC: hooks and /healthz say 503, it goes on running, and is well by itself when there is room; nothing is lost."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        films = Watches(daemon.start(), sandbox)
        assert films.report() == 204
        with _full(disk):
            answers = [films.report()]
            while answers[-1] == 204 and len(answers) < MOST:
                answers.append(films.report())
            assert answers[-1] == 503, f"{len(answers)} watches found room"
            unwell(daemon, "the disk is full")
            said = len(daemon.log)
            time.sleep(3)
            assert films.report() == 503
            assert len(daemon.log) - said < 20, "it fills the log instead"
        well(daemon)
        assert films.report() == 204
        films.arrived()
    whole(disk)


def test_a_disk_that_is_full_at_the_start(tmp_path: Path, disk: Path, sandbox: SandboxClient) -> None:
    """To end would only have it started again: it answers 503, and begins by itself when there is room."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        films = Watches(daemon, sandbox)
        with _full(disk):
            listening(daemon)
            assert films.report() == 503
            unwell(daemon, "the disk is full")
        well(daemon)
        assert films.report() == 204
        films.arrived()
    whole(disk)


def test_a_disk_that_is_full_when_it_starts_again(tmp_path: Path, disk: Path, sandbox: SandboxClient) -> None:
    """With a store that holds plays: none is forgotten, and what comes before it could be read is not stored over it."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        sandbox.fault("drop_before", count=None)
        films = Watches(daemon.start(), sandbox)
        assert [films.report() for _ in range(5)] == [204] * 5
        daemon.kill()
        with _full(disk):
            listening(daemon)
            assert films.report() == 503
            unwell(daemon, "the disk is full")
        sandbox.clear_faults()
        well(daemon)
        assert films.report() == 204
        films.arrived()
    whole(disk)


def test_a_disk_that_is_read_only_at_the_start(tmp_path: Path, disk: Path, sandbox: SandboxClient) -> None:
    """Mounted read-only after an error, as at boot: 503, and it begins by itself once it can write."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        films = Watches(daemon.start(), sandbox)
        assert films.report() == 204
        daemon.terminate()
        _run("mount", "-o", "remount,ro", disk)
        listening(daemon)
        assert films.report() == 503
        unwell(daemon, "cannot be")
        _run("mount", "-o", "remount,rw", disk)
        well(daemon)
        assert films.report() == 204
        films.arrived()
    whole(disk)


def test_a_disk_that_breaks_while_it_runs(tmp_path: Path, sandbox: SandboxClient) -> None:
    """The kernel takes the disk for broken and makes it read-only: 503, it goes on running, and what it promised is there."""
    image, state = tmp_path / "disk.img", tmp_path / "state"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    state.mkdir(mode=0o700)
    _run("mkfs.ext4", "-q", image)
    _run("mount", "-o", "loop", image, state)
    try:
        with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
            daemon.link("alice")
            sandbox.fault("drop_before", count=None)
            films = Watches(daemon.start(), sandbox)
            assert [films.report() for _ in range(5)] == [204] * 5
            _run("mount", "-o", "remount,abort", state)
            assert films.report() == 503
            unwell(daemon, str(state))
            time.sleep(3)
            assert films.report() == 503
            daemon.terminate()
            _run("umount", state)
            subprocess.run(["e2fsck", "-fy", image], check=False, capture_output=True)
            _run("mount", "-o", "loop", image, state)
            sandbox.clear_faults()
            daemon.start()
            assert films.report() == 204
            films.arrived()
        whole(state)
    finally:
        _run("umount", "--lazy", state)
