"""Tells when something changes in the folders of logs, and where such tidings do not reach."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scrobbler.api import Logger

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

_REMOTE = re.compile(
    r"nfs4?|cifs|smb\w*|9p|virtiofs|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre|davfs\d?|fakeowner|drvfs|osxfs"
    r"|fuse(?!blk|ctl)[\w.-]*",
    re.IGNORECASE,
)
"""File systems on which others write without our kernel knowing: shares, and folders of a host in a machine or container."""


def is_remote(folder: str, mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether a folder lies on a file system that sends no tidings of what others write."""
    try:
        lines = Path(mounts).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        fields, _, tail = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not tail:
            continue
        place = parts[4].encode().decode("unicode_escape", "replace")
        inside = folder == place or folder.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, tail.split(" ")[0]
    return _REMOTE.fullmatch(kind) is not None


class Watch:
    """Calls `wake` from its own thread whenever something in a folder has come, changed or gone.

    `covers` is False while some folder cannot be watched or lies where no tidings come from: then look yourself.
    """

    def __init__(self, wake: Callable[[], None], log: Logger) -> None:
        self._wake = wake
        self._log = log
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[tuple[int, int], ObservedWatch]] = {}
        self._remote: dict[str, bool] = {}
        self.covers = False

    def follow(self, folders: Iterable[str]) -> bool:
        """Watch exactly these folders; True when one of them is watched only from now on, so that it must be looked at."""
        wanted = {folder: identity for folder in folders if (identity := _identity(folder)) is not None}
        for folder, (identity, watch) in list(self._watches.items()):
            if wanted.get(folder) != identity:
                del self._watches[folder]
                if self._observer is not None:
                    with suppress(KeyError, OSError):
                        self._observer.unschedule(watch)
        new = [folder for folder in wanted if folder not in self._watches]
        for folder in new:
            self._remote[folder] = is_remote(folder)
            with suppress(OSError, ImportError):
                self._watches[folder] = (wanted[folder], self._schedule(folder))
        covers = bool(wanted) and all(one in self._watches and not self._remote[one] for one in wanted)
        if not covers and self.covers:
            self._log.debug("a folder cannot be watched, looking at it every few seconds")
        self.covers = covers
        return any(folder in self._watches for folder in new)

    def stop(self) -> None:
        """Stop watching, and wait for the observer's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        self._watches.clear()

    def _schedule(self, folder: str) -> "ObservedWatch":
        from watchdog import events  # noqa: PLC0415 (costs memory that a daemon without logs does not need)
        from watchdog.observers import Observer  # noqa: PLC0415

        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        handler = events.FileSystemEventHandler()
        handler.on_any_event = self._on_event  # type: ignore[method-assign]
        kinds: list[type[FileSystemEvent]] = [
            events.FileCreatedEvent,
            events.DirCreatedEvent,
            events.FileModifiedEvent,
            events.FileDeletedEvent,
            events.DirDeletedEvent,
            events.FileMovedEvent,
            events.DirMovedEvent,
        ]
        return self._observer.schedule(handler, folder, event_filter=kinds)

    def _on_event(self, event: "FileSystemEvent") -> None:
        del event
        self._wake()


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)  # noqa: PTH116 (a folder's name may hold any bytes)
    except OSError:
        return None
    return status.st_dev, status.st_ino
