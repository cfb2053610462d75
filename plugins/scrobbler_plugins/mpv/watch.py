"""Tells when something appears or goes in folders that need not exist yet."""

import fnmatch
import glob
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scrobbler.api import Logger

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch


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
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[tuple[int, int], ObservedWatch]] = {}
        self._names: Mapping[str, set[str]] = {}
        self._dead: set[str] = set()  # folders that were deleted; filled by the observer's thread
        self.covers = False

    def follow(self, names: Mapping[str, set[str]]) -> bool:
        """Watch exactly these folders; True when one of them is watched only from now on, so that it must be looked at."""
        self._names = names
        wanted = {folder: identity for folder in names if (identity := _identity(folder)) is not None}
        gone, self._dead = self._dead, set()
        for folder, (identity, watch) in list(self._watches.items()):
            if wanted.get(folder) != identity or folder in gone:
                del self._watches[folder]
                if self._observer is not None:
                    with suppress(KeyError, OSError):
                        self._observer.unschedule(watch)
        new = [folder for folder in wanted if folder not in self._watches]
        self.covers = len(wanted) == len(names)
        for folder in new:
            try:
                self._watches[folder] = (wanted[folder], self._schedule(folder))
            except (OSError, ImportError) as error:
                self.covers = False
                self._log.debug("cannot watch a folder, looking at it every few seconds", folder=folder, why=str(error))
        return any(folder in self._watches for folder in new)

    def stop(self) -> None:
        """Stop watching, and wait for the observer's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        self._watches.clear()

    def _schedule(self, folder: str) -> "ObservedWatch":
        from watchdog import events  # noqa: PLC0415 (costs memory that a daemon without mpv does not need)
        from watchdog.observers import Observer  # noqa: PLC0415

        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        handler = events.FileSystemEventHandler()
        handler.on_any_event = self._on_event  # type: ignore[method-assign]
        kinds: list[type[FileSystemEvent]] = [
            events.FileCreatedEvent,
            events.DirCreatedEvent,
            events.FileDeletedEvent,
            events.DirDeletedEvent,
            events.FileMovedEvent,
            events.DirMovedEvent,
        ]
        return self._observer.schedule(handler, folder, event_filter=kinds)

    def _on_event(self, event: "FileSystemEvent") -> None:
        for path in filter(None, (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))):
            folder, _, name = path.rpartition("/")
            if path in self._names:
                self._dead.add(path)
            elif not any(fnmatch.fnmatchcase(name, part) for part in self._names.get(folder or "/", ())):
                continue
            self._wake()
            return


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = Path(folder).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
