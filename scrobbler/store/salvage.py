"""A damaged database is set aside and saved as far as SQLite can read it; it is never silently made anew (issue 3, point 1)."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from msgspec import Struct

from scrobbler.api import Work
from scrobbler.clock import Now
from scrobbler.plays.model import Fact, NowPlaying, Play, Session
from scrobbler.store import play_state
from scrobbler.store.database import Connection, DamagedError, Database, StorageError
from scrobbler.store.outbox import RemoteState
from scrobbler.store.schema import VERSION, migrate

log = structlog.get_logger("store")

TABLES: Mapping[str, Callable[[bytes], object]] = {
    "meta": bytes,
    "works": msgspec.json.Decoder(Work).decode,
    "aliases": bytes,
    "sessions": msgspec.json.Decoder(Session).decode,
    "plays": msgspec.json.Decoder(Play).decode,
    "outbox": msgspec.json.Decoder(Fact).decode,
    "now_playing": msgspec.json.Decoder(NowPlaying).decode,
    "remote_state": msgspec.json.Decoder(RemoteState).decode,
    "attempts": bytes,
    "checkpoints": bytes,
    "guesses": msgspec.json.decode,
    "journal": bytes,
}
"""All tables, what matters most first, and what reads their `body`: a row that cannot be read later is no row."""

NOTICE_MS = 7 * 86_400_000
"""So long the status tells of it."""

MOST_ASIDE = 5
"""With so many damaged files beside it, it is the disk that is broken, and saving what is left would only fill it."""

_OLD_NAMES = {"plays": "viewings", "outbox": "ledger", "now_playing": "banners", "remote_state": "shown"}
"""The names of version 1."""

_META = "salvaged"
_CHUNK = 500
_TRIES = 20_000
"""So many reads of one table may fail before the rest of it is given up."""

_FAR = 1 << 40


class Salvaged(Struct, frozen=True, kw_only=True):
    """What was done. `aside` is the damaged file's new name; `rows` how many were saved, `damaged` the tables that lost some."""

    aside: str
    at_utc_ms: int
    rows: int
    damaged: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        lost = f"could not be read whole: {', '.join(self.damaged)}" if self.damaged else "nothing seems to be missing"
        return f"the database was damaged; {self.rows} rows were saved from it, {lost}; it lies aside as {self.aside}"


async def open_or_salvage(database: Database, now: Now) -> None:
    """Open the store; a damaged file is salvaged first. Raises StorageError."""
    try:
        await database.open()
        await database.read(_touch)
    except DamagedError:
        await heal(database, now)


def _touch(connection: Connection) -> None:
    """Read what every start reads anyway: damage there is better found now."""
    play_state.load_state(connection)


async def heal(database: Database, now: Now) -> None:
    """Put a salvaged file in the place of a damaged one, while the daemon runs. Raises StorageError."""
    found = await database.replace_file(lambda path: salvage(path, now))
    log.error("database was damaged", said=found.words, aside=found.aside, rows=found.rows, lost=list(found.damaged))


async def examine(database: Database) -> None:
    """Read the whole file once, so that damage is found before somebody needs what it hit. Raises StorageError."""

    def check(connection: Connection) -> bool:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        return bool(answer == "ok")

    if not await database.read(check):
        database.damaged = True


def notice(connection: Connection, utc_ms: int) -> str:
    """Tell for a week that the database was damaged; empty otherwise."""
    text = play_state.get_meta(connection, _META)
    if text is None:
        return ""
    with contextlib.suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(text, type=Salvaged)
        if utc_ms - found.at_utc_ms < NOTICE_MS:
            return found.words
    return ""


def salvage(path: Path, now: Now) -> Salvaged:
    """Set the file aside as `<name>.damaged-<UTC>` and make a new one of what can be read. Nothing may have it open.

    The old file stays in its place until the new one is whole, so that a crash in between loses nothing. Raises StorageError.
    """
    earlier = [one for one in path.parent.glob(f"{path.name}.damaged-*") if not one.name.endswith(("-wal", "-shm"))]
    if len(earlier) >= MOST_ASIDE:
        raise StorageError(
            f"{path}: is damaged again, and {MOST_ASIDE} damaged files lie beside it; check the disk, then move them away"
        )
    aside = path.with_name(f"{path.name}.damaged-{now.utc:%Y%m%dT%H%M%SZ}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}+")
    fresh = path.with_name(f"{path.name}.salvage")
    try:
        for ending in ("", "-wal"):
            _keep(path.with_name(path.name + ending), aside.with_name(aside.name + ending))
            fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        found = _rescue(aside, fresh, now)
        for ending in ("-wal", "-shm"):
            # A log that belongs to the old file would be taken for the new one's.
            path.with_name(path.name + ending).unlink(missing_ok=True)
        fresh.replace(path)
        _sync(path.parent)
        aside.with_name(f"{aside.name}-shm").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: is damaged, and cannot be set aside: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StorageError(f"{path}: is damaged, and what is left cannot be written: {error}") from error
    return found


def _keep(old: Path, new: Path) -> None:
    """Give a file a second name, or where the file system has no such thing, make a copy."""
    if not old.exists():
        return
    try:
        os.link(old, new)
    except OSError:
        shutil.copy2(old, new)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rescue(old: Path, new: Path, now: Now) -> Salvaged:
    rows, damaged = 0, []
    with closing(sqlite3.connect(new, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = FULL")
        with closing(sqlite3.connect(f"file:{quote(str(old))}?mode=ro", uri=True, isolation_level=None)) as source:
            version = _version(source)
            for number in range(version):
                migrate(target, number)
            target.execute("BEGIN IMMEDIATE")
            for table, read in _tables(version).items():
                copied, whole = _Copy(source, target, table, read).run()
                rows += copied
                if not whole:
                    damaged.append(table)
        target.execute("COMMIT")
        for number in range(version, VERSION):
            migrate(target, number)
        target.execute("BEGIN IMMEDIATE")
        found = Salvaged(aside=old.name, at_utc_ms=now.utc_ms, rows=rows, damaged=tuple(damaged))
        _mend(target, found)
        target.execute("COMMIT")
    return found


def _tables(version: int) -> Mapping[str, Callable[[bytes], object]]:
    """Name the tables that a file of this version has, and what reads their `body`."""
    if version >= VERSION:
        return TABLES
    return {_OLD_NAMES.get(name, name): read if read is bytes else msgspec.json.decode for name, read in TABLES.items()}


def _version(source: Connection) -> int:
    """Read the old file's version; where even that is gone, the present one."""
    try:
        (version,) = source.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError:
        return VERSION
    return int(version) if 0 < version <= VERSION else VERSION


def _mend(target: Connection, found: Salvaged) -> None:
    """Keep numbers from being given twice, and remember what happened."""
    highest = 0
    for (name,) in target.execute("SELECT id FROM plays UNION SELECT play FROM outbox"):
        digits = str(name).removeprefix("p")
        highest = max(highest, int(digits) if digits.isdecimal() else 0)
    known = play_state.get_meta(target, "serial") or ""
    play_state.set_meta(target, "serial", str(max(highest + 1, int(known) if known.isdecimal() else 1)))
    play_state.set_meta(target, _META, msgspec.json.encode(found).decode())


class _Copy:
    """Copies one table. What is damaged is gone round: by halving where rows have numbers, else from both ends."""

    def __init__(self, source: Connection, target: Connection, table: str, read: Callable[[bytes], object]) -> None:
        self._source = source
        self._target = target
        self._table = table
        self._read = read
        self._whole = True
        self._copied = 0
        self._failed = 0
        info = list(target.execute(f"PRAGMA table_info({table})"))
        self._columns = [name for _, name, *_ in info]
        self._key = [name for _, name, *_ in sorted(info, key=lambda one: one[5]) if _part_of_key(info, name)]
        numbered = [one for one in info if one[5] and one[2] == "INTEGER"]
        self._numbered = len(self._key) == 1 and bool(numbered)

    def run(self) -> tuple[int, bool]:
        """Return how many rows were copied, and whether that was all of them."""
        if not self._columns:
            return 0, True
        if self._numbered:
            self._by_halves()
        elif not self._from("ASC", ">"):
            self._from("DESC", "<")
        return self._copied, self._whole

    def _by_halves(self) -> None:
        key = self._key[0]
        try:
            # An index would tell of rows that the table has lost, or hide that it has.
            low, high = self._source.execute(
                f"SELECT min({key}), max({key}) FROM {self._table} NOT INDEXED"  # noqa: S608
            ).fetchone()
        except sqlite3.DatabaseError as error:
            self._whole = False
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                return
            low, high = 1, _FAR
        spans = [] if low is None else [(low, high)]
        while spans:
            start, end = spans.pop()
            last = start - 1
            try:
                while rows := self._chunk(f"{key} > ? AND {key} <= ?", (last, end), "ASC"):
                    self._put(rows)
                    last = rows[-1][self._columns.index(key)]
            except sqlite3.DatabaseError:
                self._whole = False
                self._failed += 1
                if self._failed > _TRIES:
                    return
                if end > last + 1:
                    middle = (last + 1 + end) // 2
                    spans += [(middle + 1, end), (last + 1, middle)]

    def _from(self, direction: str, beyond: str) -> bool:
        """Copy row by row from one end until nothing more can be read; tells whether the other end was reached."""
        key = ", ".join(self._key)
        marks = ", ".join("?" * len(self._key))
        where, values = "1", ()
        try:
            while rows := self._chunk(where, values, direction, 1):
                self._put(rows)
                where = f"({key}) {beyond} ({marks})"
                values = tuple(rows[-1][self._columns.index(name)] for name in self._key)
        except sqlite3.DatabaseError:
            self._whole = False
            return False
        return True

    def _chunk(self, where: str, values: Sequence[Any], direction: str, limit: int = _CHUNK) -> list[tuple[Any, ...]]:
        order = ", ".join(f"{name} {direction}" for name in self._key)
        names = ", ".join(self._columns)
        return self._source.execute(
            f"SELECT {names} FROM {self._table} NOT INDEXED WHERE {where} ORDER BY {order} LIMIT {limit}",  # noqa: S608
            values,
        ).fetchall()

    def _put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(self._columns))
        text = f"INSERT OR IGNORE INTO {self._table} ({', '.join(self._columns)}) VALUES ({marks})"  # noqa: S608
        for row in self._sound(rows):
            try:
                self._copied += self._target.execute(text, row).rowcount
            except sqlite3.IntegrityError:
                self._whole = False

    def _sound(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Leave out rows whose body is garbage: they would stop the next start."""
        place = self._columns.index("body") if "body" in self._columns else None
        for row in rows:
            try:
                if place is not None:
                    self._read(row[place])
            except (msgspec.MsgspecError, UnicodeError, TypeError):
                self._whole = False
            else:
                yield row


def _part_of_key(info: Sequence[tuple[Any, ...]], name: str) -> bool:
    return any(one[1] == name and one[5] for one in info)
