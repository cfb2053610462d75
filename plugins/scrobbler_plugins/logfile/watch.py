"""Tells when something changes in the folders of logs, and where such tidings do not reach."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scrobbler.api import Logger
from scrobbler.api.watching import Change, FolderWatch

CHANGES: Sequence[Change] = (
    "FileCreated",
    "DirCreated",
    "FileModified",
    "FileDeleted",
    "DirDeleted",
    "FileMoved",
    "DirMoved",
)

_REMOTE = re.compile(
    r"nfs4?|cifs|smb\w*|9p|virtiofs|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre|davfs\d?|fakeowner|drvfs|osxfs"
    r"|fuse(?!blk|ctl)[\w.-]*",
    re.IGNORECASE,
)
"""File systems on which others write without our kernel knowing: shares, and folders of a host in a machine or container."""

_ESCAPED = re.compile(r"\\([0-7]{3})")  # a space, a tab, a newline, a backslash


def is_remote(folder: str, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether a folder lies on a file system that sends no tidings of what others write."""
    try:
        lines = Path(mounts).read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        fields, _, tail = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not tail:
            continue
        place = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), parts[4])
        inside = folder == place or folder.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, tail.split(" ")[0]
    return _REMOTE.fullmatch(kind) is not None


class Watch:
    """Calls `wake` from its own thread whenever something in a folder has come, changed or gone.

    `covers` is False while some folder cannot be watched or lies where no tidings come from: then look yourself.
    """

    def __init__(self, wake: Callable[[], None], log: Logger) -> None:
        self._log = log
        self._folders = FolderWatch(lambda _was, _now: wake(), CHANGES)
        self._remote: dict[str, bool] = {}
        self.covers = False

    def follow(self, folders: Iterable[str]) -> bool:
        """Watch exactly these folders; True when one of them is watched only from now on, so that it must be looked at."""
        there = [folder for folder in folders if os.path.exists(folder)]  # noqa: PTH110 (a name may hold any bytes)
        new = self._folders.follow(there)
        self._remote |= {folder: is_remote(folder) for folder in new}
        covers = bool(there) and all(one in self._folders and not self._remote[one] for one in there)
        if not covers and self.covers:
            self._log.debug("a folder cannot be watched, looking at it every few seconds")
        self.covers = covers
        return bool(new)

    def stop(self) -> None:
        """Stop watching, and wait for the observer's threads."""
        self._folders.stop()
