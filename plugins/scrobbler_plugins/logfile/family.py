"""One log and its other lives: rotated, dated, compressed. Which files belong together, in which order (players.md 8.3)."""

import bz2
import fnmatch
import glob
import gzip
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

_DATE = r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|lzma|zst|zip)$", re.IGNORECASE)
_AFTER = re.compile(rf"(?:[._-](?:old|bak|\d{{1,3}}|\d{{9,12}}|{_DATE}(?:[-_.T]?\d{{1,6}})?)|~)$", re.IGNORECASE)
_BEFORE_EXTENSION = re.compile(
    r"(?P<stem>.+?)(?:\.(?:old|bak|\d{1,2})|-\d{9,12})(?P<extension>\.[A-Za-z]{2,4})$", re.IGNORECASE
)
_DATED = re.compile(rf"{_DATE}(?:[-_.]\d{{1,3}}(?!\d))?")
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a file may raise, packed ones among them."""

_ENDS_DATED = re.compile(rf"[._-]{_DATE}(?:[-_.T]?\d{{1,6}})?$")
_OPENERS: dict[str, Callable[[str], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".lzma": lzma.open}


def template(name: str) -> str:
    """Return the name that all lives of a log share: rotation taken off, a date written as `#`."""
    name = _COMPRESSED.sub("", name)
    while (shorter := _AFTER.sub("", name)) != name and shorter:
        name = shorter
    if match := _BEFORE_EXTENSION.match(name):
        name = match["stem"] + match["extension"]
    return _DATED.sub("#", name)


def is_compressed(name: str) -> bool:
    """Tell whether a file is only to be searched for what was missed."""
    return _COMPRESSED.search(name) is not None


class Member(NamedTuple):
    """One file of a family, as it is now."""

    path: str
    device: int
    inode: int
    size: int
    changed_ns: int
    live: bool

    @property
    def compressed(self) -> bool:
        """Whether it must be unpacked to be read."""
        return is_compressed(self.path)


class Family(NamedTuple):
    """The files of one log in one folder. `alone`: no other file belongs to it, whatever it is called."""

    folder: str
    template: str
    alone: bool = False

    @property
    def key(self) -> str:
        """A name that stays the same."""
        return os.path.join(self.folder, self.template)  # noqa: PTH118 (a name)

    @property
    def dated(self) -> bool:
        """Whether each day has its own file."""
        return "#" in self.template and not self.alone

    def members(self) -> list[Member]:
        """Return the files that exist, oldest first. Raises OSError where the folder cannot be read."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 (names may hold any bytes)
        except FileNotFoundError:
            return []
        found = []
        plain = set(names)
        mine_too = {self.template, *_dated_siblings(self.template)}
        for name in names:
            mine = name == self.template if self.alone else template(name) in mine_too
            if not mine or (is_compressed(name) and _COMPRESSED.sub("", name) in plain):
                continue
            member = self._member(name)
            if member is not None:
                found.append(member)
        if not any(one.live for one in found):
            # rotatelogs: `access.log.2026-03-04` is written to, and no `access.log` is there.
            found = [one._replace(live=_ENDS_DATED.search(one.path) is not None) for one in found]
        # Where one name is the live one it is the last, even while a copy of it is being made.
        return sorted(found, key=lambda one: (one.live and not self.dated, *_order(one)))

    def _member(self, name: str) -> Member | None:
        path = os.path.join(self.folder, name)  # noqa: PTH118
        try:
            status = Path(path).stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        live = name == self.template or (self.dated and not is_compressed(name))
        return Member(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, live)


def _dated_siblings(name: str) -> list[str]:
    """Return the names that a rotation with the date before the extension gives to a log without one."""
    if "#" in name:
        return []
    stem, extension = os.path.splitext(name)  # noqa: PTH122
    return [f"{stem}{mark}#{extension}" for mark in ("-", "_", ".")]


def _order(member: Member) -> tuple[int, bool, int, str]:
    """Sort by the last write; of files that were rotated in one stroke, the higher number is the older."""
    name = os.path.basename(member.path)  # noqa: PTH119
    ring = re.search(r"[._](\d{1,3})(?:\.[A-Za-z]{2,4}){0,2}$", name)
    return member.changed_ns, member.live, -int(ring.group(1)) if ring else 0, name


def families(pattern: str) -> set[Family]:
    """Return the logs that a path or a shell pattern names now. `pattern` is absolute."""
    folder, name = os.path.split(pattern)
    if not glob.has_magic(pattern):
        found = template(name)
        return {Family(folder, found)} if found == name or "#" in found else {Family(folder, name, alone=True)}
    result = set()
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 (patterns may hold `**`)
        if os.path.isfile(path):  # noqa: PTH113
            place, found = os.path.split(path)
            result.add(Family(place, template(found)))
    rotated = {Family(one.folder, name) for one in result for name in _dated_siblings(one.template)}
    return result - rotated


def folders(patterns: Iterable[str]) -> set[str]:
    """Return the folders that exist and in which something that matters can change."""
    found: set[str] = set()
    for pattern in patterns:
        level = {"/"}
        parts = [part for part in pattern.split("/") if part][:-1]
        for part in parts:
            below: set[str] = set()
            for folder in level:
                inside = _inside(folder, part)
                below |= inside
                if not inside or glob.has_magic(part):
                    found.add(folder)
            level = below
        found |= level
    return {os.path.realpath(folder) for folder in found}


def _inside(folder: str, part: str) -> set[str]:
    if part == "**":
        return {folder} | {place for place, _, _ in os.walk(folder)}
    if not glob.has_magic(part):
        path = os.path.join(folder, part)  # noqa: PTH118
        return {path} if os.path.isdir(path) else set()  # noqa: PTH112
    with suppress(OSError), os.scandir(folder) as entries:
        return {entry.path for entry in entries if fnmatch.fnmatchcase(entry.name, part) and entry.is_dir()}
    return set()


def open_member(path: str) -> IO[bytes]:
    """Open a file for reading, unpacking it where its name says so. Raises OSError, also for what cannot be unpacked here."""
    opener = _OPENERS.get(os.path.splitext(path)[1].lower())  # noqa: PTH122
    if opener is None and is_compressed(path):
        raise OSError(f"{os.path.basename(path)}: this compression cannot be read")  # noqa: PTH119
    if opener is None:
        return Path(path).open("rb", buffering=0)
    unpacked: IO[bytes] = opener(path)
    return unpacked
