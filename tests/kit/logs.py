"""Logs on a real disk: written, rotated and compressed as programs and logrotate do it."""

import gzip
import os
import shutil
from io import FileIO
from pathlib import Path
from typing import Self


class LogFile:
    """A log that a program writes to `path`, keeping it open until it is told, as most do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __init__(self, path: Path, encoding: str = "utf-8", newline: str = "\n") -> None:
        self.path = path
        self.encoding = encoding
        self.newline = newline
        self._file: FileIO | None = None
        self.reopen()

    def write(self, *lines: str) -> None:
        """Write whole lines."""
        self.raw("".join(line + self.newline for line in lines).encode(self.encoding))

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert self._file is not None
        self._file.write(data)

    def reopen(self) -> None:
        """Open the log again under its name, as a program does that was told of a rotation."""
        self.close()
        self._file = FileIO(self.path, "ab")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def rename(self, name: str) -> Path:
        """Rotate by renaming; the program goes on with the renamed file until `reopen`."""
        target = self.path.with_name(name)
        self.path.rename(target)
        return target

    def copytruncate(self, name: str) -> Path:
        """Rotate by copying and cutting off, as `copytruncate` does: the program's file stays the same one."""
        target = self.path.with_name(name)
        shutil.copy(self.path, target)
        os.truncate(self.path, 0)
        return target


def compress(path: Path) -> Path:
    """Compress a file as gzip does: under its own time, and the plain one is gone."""
    target = path.with_name(path.name + ".gz")
    status = path.stat()
    with path.open("rb") as plain, gzip.open(target, "wb") as packed:
        shutil.copyfileobj(plain, packed)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    return target
