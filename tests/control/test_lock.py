"""One owner of the state directory."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scrobbler.control.lock import LockHeldError, StateDirError, StateLock

HOLD = """
import sys, time
from pathlib import Path
from scrobbler.control.lock import StateLock
lock = StateLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_owner_is_refused_by_name(tmp_path: Path):
    """Who comes second is told which process holds the lock; after its end, even by SIGKILL, the lock is free."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeldError, match=f"process {holder.pid}") as caught:
            StateLock(tmp_path).acquire()
        assert caught.value.pid == holder.pid
        assert "\n" not in str(caught.value)
        holder.kill()
        holder.wait()
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text().strip() == str(os.getpid())


def test_release_and_take_again(tmp_path: Path):
    """A lock that was let go of can be taken again, also in the same process."""
    with StateLock(tmp_path), pytest.raises(LockHeldError):
        StateLock(tmp_path).acquire()
    with StateLock(tmp_path):
        assert (tmp_path / "lock").exists()


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path):
    """A missing state directory is made with mode 0700, the lock file with 0600."""
    folder = tmp_path / "a" / "state"
    with StateLock(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "lock").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be(tmp_path: Path):
    """A state directory that cannot be made or written is one sentence that names it and the setting."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "state", tmp_path / "file", Path("/proc/state")):
        with pytest.raises(StateDirError, match="state_dir") as caught:
            StateLock(folder).acquire()
        assert str(folder) in str(caught.value)


def test_a_link_is_not_followed(tmp_path: Path):
    """A symbolic link in place of the lock file is refused: it could lead anywhere."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(StateDirError):
        StateLock(tmp_path).acquire()
    assert (tmp_path / "target").read_text() == "precious"
