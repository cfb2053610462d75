"""One SQLite file, one writer thread, whole transactions (architecture.md, one transaction)."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from scrobbler.store.schema import VERSION, migrate

Result = TypeVar("Result")
Connection = sqlite3.Connection

FILE_NAME = "scrobbler.db"

WRITE_CACHE_KIB = 512
READ_CACHE_KIB = 256
"""Pages of the file that SQLite keeps at most. More made no hook and no report quicker with 1,200 plays in the file."""


class StorageError(Exception):
    """The store cannot take anything now: disk full, read-only, locked, damaged. The text says which and what to do."""


class RefusedError(StorageError):
    """The store will take nothing until somebody changes something: to wait is of no use."""


class NewerDatabaseError(RefusedError):
    """The file was written by a newer version of the program."""


class DamagedError(StorageError):
    """The file is damaged; `scrobbler.store.salvage` saves what can be read."""


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def _explain(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"{path.parent}: the disk is full"
    if "readonly" in text or "unable to open" in text:
        return f"{path}: cannot be written; check owner and mode of {path.parent}"
    if "locked" in text:
        return f"{path}: another program holds it locked"
    if "malformed" in text or "not a database" in text:
        return f"{path}: is damaged ({text}); put it aside, or a copy in its place"
    return f"{path}: {text}"


class Database:
    """The store's file. Every write is a function that gets the connection and runs as one `BEGIN IMMEDIATE` transaction.

    Writes and reads run in one thread each, so that a long report never delays the storing of an event. All methods raise
    StorageError with a sentence for people.

    `damaged` says that damage was met, and stays until another file has taken the place of this one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._write_connection: Connection | None = None
        self._read_connection: Connection | None = None
        self._closed = False
        self._there = asyncio.Event()
        self._there.set()
        self.damaged = False

    @property
    def opened(self) -> bool:
        """Whether the file is open for writing."""
        return self._write_connection is not None

    async def open(self) -> None:
        """Open the file, make it or bring it up to date. Raises NewerDatabaseError or StorageError."""
        await self._in(self._writer, self._open)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` as one durable transaction and return what it returns."""
        return await self._in(self._writer, lambda: self._transact(work))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on a read-only connection."""
        await self._there.wait()
        return await self._in(self._reader, lambda: work(self._reading()))

    async def outside_transaction(self, *statements: str) -> None:
        """Run statements that SQLite refuses inside a transaction, such as VACUUM."""

        def work() -> None:
            assert self._write_connection is not None
            for statement in statements:
                self._write_connection.execute(statement)

        await self._in(self._writer, work)

    async def close(self) -> None:
        """Close connections and threads."""
        loop = asyncio.get_running_loop()
        self._closed = True
        for executor, name in ((self._reader, "_read_connection"), (self._writer, "_write_connection")):
            connection: Connection | None = getattr(self, name)
            if connection is not None:
                await loop.run_in_executor(executor, connection.close)
                setattr(self, name, None)
            executor.shutdown(wait=True)

    async def _in(self, executor: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except RuntimeError as error:
            if self._closed:
                raise StorageError(f"{self.path}: is closed") from error
            raise
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
                self.damaged = True
                raise DamagedError(_explain(self.path, error)) from error
            raise StorageError(_explain(self.path, error)) from error

    async def replace_file(self, make: Callable[[Path], Result]) -> Result:
        """Let `make` put another file in the place of this one while nobody has it open. Raises StorageError."""

        def work() -> Result:
            if self._write_connection is not None:
                self._write_connection.close()
                self._write_connection = None
            try:
                return make(self.path)
            finally:
                self._open()

        self._there.clear()
        try:
            await self._in(self._reader, self._close_reading)
            made = await self._in(self._writer, work)
        finally:
            self._there.set()
        self.damaged = False
        return made

    def _close_reading(self) -> None:
        if self._read_connection is not None:
            self._read_connection.close()
            self._read_connection = None

    def _connect(self, cache_kib: int) -> Connection:
        connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        return connection

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its -wal and -shm files the mode of the file itself.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            kind = RefusedError if isinstance(error, PermissionError | NotADirectoryError) else StorageError
            raise kind(f"{self.path}: cannot be made or written: {error.strerror}") from error
        connection = self._connect(WRITE_CACHE_KIB)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        with suppress(OSError):  # another owner's file that we may write is none of our business
            self.path.chmod(0o600)
        self._write_connection = connection

    def _migrate(self, connection: Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise NewerDatabaseError(
                f"{self.path}: was written by a newer scrobblerd (format {version}, this one knows {VERSION}); "
                "install that version again, or restore the copy that was made before the upgrade"
            )
        for number in range(version, VERSION):
            if version > 0:
                self._copy(connection, number)
            migrate(connection, number)

    def _copy(self, connection: Connection, version: int) -> None:
        target = self.path.with_suffix(f".v{version}.db")
        part = target.with_suffix(".part")
        try:
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            with closing(sqlite3.connect(part)) as copy:
                connection.backup(copy)
            part.replace(target)
        except OSError as error:
            raise StorageError(f"{target}: the copy before the upgrade cannot be made: {error.strerror}") from error

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._write_connection
        if connection is None:
            if self.damaged:
                raise DamagedError(f"{self.path}: is damaged")
            raise StorageError(f"{self.path}: is closed")
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _reading(self) -> Connection:
        if self._read_connection is None:
            self._read_connection = self._connect(READ_CACHE_KIB)
            self._read_connection.execute("PRAGMA query_only = ON")
        return self._read_connection
