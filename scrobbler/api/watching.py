"""What plugins share that look at folders: tidings from the disk of what comes, changes and goes in them.

Imported by its own name, not through `scrobbler.api`, so that only who watches folders pays for it.
"""

import os
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

Change: TypeAlias = Literal[
    "FileCreated", "DirCreated", "FileModified", "FileDeleted", "DirDeleted", "FileMoved", "DirMoved"
]


class FolderWatch:
    """Watches folders, each by what it is and not by its name alone: one that was made anew is watched anew.

    `heard` is called from a thread of its own with the paths of each change: where it was, and where it is now ("" where
    there is none). `failed` holds why folders cannot be watched: no inotify left, a file system without it.
    """

    def __init__(self, heard: Callable[[str, str], None], changes: Collection[Change]) -> None:
        self._heard = heard
        self._changes = changes
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[tuple[int, int], ObservedWatch]] = {}
        self.failed: dict[str, str] = {}

    def __contains__(self, folder: str) -> bool:
        return folder in self._watches

    def follow(self, folders: Iterable[str], gone: Collection[str] = ()) -> list[str]:
        """Watch exactly these folders, those that are there; return which are watched only from now on.

        Those in `gone` are watched anew, also where another of the same name and number has taken their place.
        """
        wanted = {folder: identity for folder in folders if (identity := _identity(folder)) is not None}
        for folder, (identity, watch) in list(self._watches.items()):
            if wanted.get(folder) != identity or folder in gone:
                del self._watches[folder]
                if self._observer is not None:
                    with suppress(KeyError, OSError):
                        self._observer.unschedule(watch)
        self.failed = {}
        new = [folder for folder in wanted if folder not in self._watches]
        for folder in new:
            try:
                self._watches[folder] = (wanted[folder], self._schedule(folder))
            except (OSError, ImportError) as error:
                self.failed[folder] = str(error)
        return [folder for folder in new if folder in self._watches]

    def stop(self) -> None:
        """Stop watching, and wait for the observer's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        self._watches.clear()

    def _schedule(self, folder: str) -> "ObservedWatch":
        from watchdog import events  # costs memory that a daemon without folders does not need
        from watchdog.observers import Observer

        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        handler = events.FileSystemEventHandler()
        handler.on_any_event = self._on_event  # type: ignore[method-assign]
        kinds = [getattr(events, f"{change}Event") for change in self._changes]
        return self._observer.schedule(handler, folder, event_filter=kinds)

    def _on_event(self, event: "FileSystemEvent") -> None:
        self._heard(os.fsdecode(event.src_path), os.fsdecode(event.dest_path))


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)  # noqa: PTH116 (a folder's name may hold any bytes)
    except OSError:
        return None
    return status.st_dev, status.st_ino
