"""One SQLite file, one writer thread, whole transactions (design.md part 2, datasette's habit)."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from scrobbler.store.schema import MIGRATIONS, VERSION

Result = TypeVar("Result")
Connection = sqlite3.Connection

FILE_NAME = "scrobbler.db"


class StorageError(Exception):
    """The store cannot take anything now: disk full, read-only, locked, damaged. The text says which and what to do."""


class NewerDatabaseError(StorageError):
    """The file was written by a newer version of the program."""


def _explain(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"{path.parent}: the disk is full"
    if "readonly" in text or "unable to open" in text:
        return f"{path}: cannot be written; check owner and mode of {path.parent}"
    if "locked" in text:
        return f"{path}: another program holds it locked"
    if "malformed" in text or "not a database" in text:
        return f"{path}: is damaged ({text})"
    return f"{path}: {text}"


class Database:
    """The store's file. Every write is a function that gets the connection and runs as one `BEGIN IMMEDIATE` transaction.

    Writes and reads run in one thread each, so that a long report never delays the storing of an event. All methods raise
    StorageError with a sentence for people.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._write_connection: Connection | None = None
        self._read_connection: Connection | None = None

    async def open(self) -> None:
        """Open the file, make it or bring it up to date. Raises NewerDatabaseError or StorageError."""
        await self._in(self._writer, self._open)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` as one durable transaction and return what it returns."""
        return await self._in(self._writer, lambda: self._transact(work))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on a read-only connection."""
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
        for executor, name in ((self._reader, "_read_connection"), (self._writer, "_write_connection")):
            connection: Connection | None = getattr(self, name)
            if connection is not None:
                await loop.run_in_executor(executor, connection.close)
                setattr(self, name, None)
            executor.shutdown(wait=True)

    async def _in(self, executor: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except sqlite3.Error as error:
            raise StorageError(_explain(self.path, error)) from error

    def _connect(self) -> Connection:
        connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA cache_size = -1024")
        return connection

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its -wal and -shm files the mode of the file itself.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = self._connect()
        except OSError as error:
            raise StorageError(f"{self.path.parent}: cannot be made or written: {error.strerror}") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
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
            if number > 0:
                self._copy(connection, number)
            script = MIGRATIONS[number]
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number + 1};\nCOMMIT;")

    def _copy(self, connection: Connection, version: int) -> None:
        target = self.path.with_suffix(f".v{version}.db")
        with closing(sqlite3.connect(target)) as copy:
            connection.backup(copy)

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._write_connection
        if connection is None:
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
            self._read_connection = self._connect()
            self._read_connection.execute("PRAGMA query_only = ON")
        return self._read_connection
