"""Tells when something appears or goes in folders that need not exist yet."""

import fnmatch
import glob
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from scrobbler.api import Logger
from scrobbler.api.watching import Change, FolderWatch

CHANGES: Sequence[Change] = ("FileCreated", "DirCreated", "FileDeleted", "DirDeleted", "FileMoved", "DirMoved")


def folders(patterns: Iterable[str]) -> dict[str, set[str]]:
    """Return the folders that exist and in which a new name could bring a match, each with the names that matter there.

    `patterns` are absolute. Of a pattern whose folders are missing, that is the last one that exists; where a folder's
    own name is a pattern, its parent is one too.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pattern in patterns:
        level = {"/"}
        parts = [part for part in pattern.split("/") if part]
        for place, part in enumerate(parts):
            below: set[str] = set()
            for folder in level:
                inside = _inside(folder, part) if place < len(parts) - 1 else set()
                if glob.has_magic(part) or not inside:
                    found[os.path.realpath(folder)].add(part)
                below |= inside
            level = below
    return dict(found)


def _inside(folder: str, part: str) -> set[str]:
    if not glob.has_magic(part):
        path = os.path.join(folder, part)  # noqa: PTH118 (folder and name may hold any bytes)
        return {path} if os.path.isdir(path) else set()  # noqa: PTH112
    with suppress(OSError), os.scandir(folder) as entries:
        return {entry.path for entry in entries if fnmatch.fnmatchcase(entry.name, part) and entry.is_dir()}
    return set()


class Watch:
    """Calls `wake` from its own thread whenever a name that matters has come, changed or gone.

    `covers` is False while some folder cannot be watched (no inotify left, a file system without it): then look yourself.
    """

    def __init__(self, wake: Callable[[], None], log: Logger) -> None:
        self._wake = wake
        self._log = log
        self._folders = FolderWatch(self._on_change, CHANGES)
        self._names: Mapping[str, set[str]] = {}
        self._dead: set[str] = set()  # folders that were deleted; filled by the observer's thread
        self.covers = False

    def follow(self, names: Mapping[str, set[str]]) -> bool:
        """Watch exactly these folders; True when one of them is watched only from now on, so that it must be looked at."""
        self._names = names
        gone, self._dead = self._dead, set()
        new = self._folders.follow(names, gone)
        for folder, why in self._folders.failed.items():
            self._log.debug("cannot watch a folder, looking at it every few seconds", folder=folder, why=why)
        self.covers = all(folder in self._folders for folder in names)
        return bool(new)

    def stop(self) -> None:
        """Stop watching, and wait for the observer's threads."""
        self._folders.stop()

    def _on_change(self, was: str, now: str) -> None:
        for path in filter(None, (was, now)):
            folder, _, name = path.rpartition("/")
            if path in self._names:
                self._dead.add(path)
            elif not any(fnmatch.fnmatchcase(name, part) for part in self._names.get(folder or "/", ())):
                continue
            self._wake()
            return
