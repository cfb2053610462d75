"""One owner of the state directory (contract.md 1.3)."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LOCK_NAME = "lock"


class StateDirError(Exception):
    """The state directory cannot be used. The text is one sentence for people."""


class LockHeldError(StateDirError):
    """Another scrobbler owns the state directory. `pid` is its process, 0 if it did not say."""

    def __init__(self, state_dir: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{state_dir} is in use by {who}, another scrobbler; stop it or choose another `state_dir`")
        self.pid = pid


class StateLock:
    """Owns `state_dir` while it is held. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._handle: int | None = None

    @staticmethod
    def make_folder(path: Path) -> None:
        """Make a folder for its owner alone, if it is not there. Raises StateDirError."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _not_writable(path, error) from None

    def acquire(self) -> None:
        """Make the folder (0700) if need be and take the lock, without waiting. Raises LockHeldError or StateDirError."""
        self.make_folder(self.state_dir)
        try:
            path = self.state_dir / LOCK_NAME
            handle = _open(path)
        except OSError as error:
            raise _not_writable(self.state_dir, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whose it is is a courtesy; on a full disk or a read-only one the lock holds all the same.
            with suppress(OSError):
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            text = os.pread(handle, 32, 0).strip()
            os.close(handle)
            raise LockHeldError(self.state_dir, int(text) if text.isdigit() else 0) from None
        except OSError as error:
            os.close(handle)
            raise StateDirError(f"the state directory {self.state_dir} cannot be written ({error.strerror})") from None
        self._handle = handle

    def release(self) -> None:
        """Let go of it. The file stays: whoever unlinks a lock file lets two owners in."""
        if self._handle is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _open(path: Path) -> int:
    """Open the lock's file; where the file system has become read-only, as it is."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def _not_writable(path: Path, error: OSError) -> StateDirError:
    return StateDirError(
        f"the state directory {path} cannot be written ({error.strerror}); "
        "change its owner or mode, or choose another `state_dir`"
    )
