"""The file: how it is made, brought up to date, kept safe, and what happens when it cannot be."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scrobbler.store import database as module
from scrobbler.store import play_state, schema
from scrobbler.store.database import FILE_NAME, Connection, Database, NewerDatabaseError, StorageError

pytestmark = pytest.mark.anyio
ADDED = "CREATE TABLE added (value TEXT NOT NULL) STRICT;"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new store."""
    made = Database(tmp_path / "state" / FILE_NAME)
    await made.open()
    yield made
    await made.close()


async def put(database: Database, key: str = "key", value: str = "value") -> None:
    """Write something."""
    await database.write(lambda connection: play_state.set_meta(connection, key, value))


async def get(database: Database, key: str = "key") -> str | None:
    """Read it."""
    return await database.read(lambda connection: play_state.get_meta(connection, key))


def names(folder: Path) -> list[str]:
    """List a folder."""
    return sorted(path.name for path in folder.iterdir())


def descriptors() -> int:
    """Count what this process holds open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - links, some of them to nothing


def closed_folder(outer: Path) -> Path:
    """Make a folder that nobody may write into, below folders that everybody may pass."""
    for parent in (outer, *outer.parents):
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    folder = outer / "closed"
    folder.mkdir(mode=0o555)
    return folder


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Let another process hold the store locked."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.communicate()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root for a while, so that modes count."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def add_migration(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the program be one version newer."""
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, script))
    monkeypatch.setattr(module, "VERSION", schema.VERSION + 1)


async def test_a_new_file_has_all_tables(database: Database) -> None:
    """From nothing the migrations lead to the present version."""
    version = await database.read(lambda connection: connection.execute("PRAGMA user_version").fetchone())
    assert version == (schema.VERSION,)
    found = await database.read(
        lambda connection: {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    )
    assert {"sessions", "plays", "outbox", "remote_state", "attempts", "journal", "aliases", "works"} <= found


async def test_every_commit_is_durable(database: Database) -> None:
    """The file is in WAL mode, and a commit waits for the disk (FULL = 2)."""

    def work(connection: Connection) -> tuple[object, object]:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        return mode, level

    assert await database.write(work) == ("wal", 2)


async def test_only_the_owner_reads_it(database: Database) -> None:
    """The store and its companions tell what people watch: mode 0600, in a folder of 0700."""
    await put(database)
    for path in database.path.parent.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert database.path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_write_is_whole_or_nothing(database: Database) -> None:
    """A function that fails leaves nothing behind, and the next one is not disturbed."""

    def broken(connection: Connection) -> None:
        play_state.set_meta(connection, "half", "1")
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await database.write(broken)
    assert await get(database, "half") is None
    await put(database)
    assert await get(database) == "value"


async def test_a_reader_cannot_write(database: Database) -> None:
    """The reading connection refuses to change anything."""
    with pytest.raises(StorageError):
        await database.read(lambda connection: play_state.set_meta(connection, "key", "value"))


async def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """A file of a newer version is refused with a sentence that says what to do, and not touched."""
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    database = Database(path)
    with pytest.raises(NewerDatabaseError, match=r"format 99, this one knows 2.*install that version again"):
        await database.open()
    await database.close()
    assert path.read_bytes()[100:] == before[100:]


async def test_an_older_file_is_copied_before_it_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade keeps what was, in a copy that only the owner reads, and brings the file up to date."""
    path = tmp_path / FILE_NAME
    old = Database(path)
    await old.open()
    await put(old)
    await old.close()
    add_migration(monkeypatch, ADDED)
    new = Database(path)
    await new.open()
    assert await get(new) == "value"
    await new.write(lambda connection: connection.execute("INSERT INTO added VALUES ('x')"))
    await new.close()
    copy = tmp_path / f"scrobbler.v{schema.VERSION}.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("SELECT value FROM meta WHERE key = 'key'").fetchone() == ("value",)
    connection.close()
    assert names(tmp_path) == [FILE_NAME, copy.name]


async def test_a_failed_upgrade_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that breaks half-way leaves the file at its old version, with everything in it."""
    path = tmp_path / FILE_NAME
    old = Database(path)
    await old.open()
    await put(old)
    await old.close()
    with monkeypatch.context() as newer:
        add_migration(newer, f"{ADDED} INSERT INTO nowhere VALUES (1);")
        new = Database(path)
        with pytest.raises(StorageError, match="nowhere"):
            await new.open()
        await new.close()
    again = Database(path)
    await again.open()
    assert await get(again) == "value"
    tables = await again.read(lambda connection: connection.execute("SELECT name FROM sqlite_master").fetchall())
    assert ("added",) not in tables
    await again.close()


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """No right to write is one sentence that names the place."""
    folder = closed_folder(tmp_path)
    database = Database(folder / FILE_NAME)
    with as_nobody(), pytest.raises(StorageError, match=f"{folder}.*cannot be made or written"):
        await database.open()
    await database.close()


async def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """A path that leads through a file is one sentence."""
    (tmp_path / "file").write_text("x")
    database = Database(tmp_path / "file" / FILE_NAME)
    with pytest.raises(StorageError, match="cannot be made or written"):
        await database.open()
    await database.close()


async def test_the_disk_is_full(database: Database) -> None:
    """A full disk is named; what was stored stays, and once there is room the store goes on."""
    await put(database)

    def limit(connection: Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await database.outside_transaction("PRAGMA wal_checkpoint")
    await database.write(limit)
    with pytest.raises(StorageError, match="the disk is full"):
        await put(database, "big", "x" * 200_000)
    assert await get(database) == "value"
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    await put(database, "big", "x" * 200_000)
    assert await get(database, "big") == "x" * 200_000


async def test_another_program_holds_it(database: Database) -> None:
    """A lock by another process is named after the wait, and nothing is lost once it is gone."""
    await database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 50"))
    with held_by_another(database.path):
        with pytest.raises(StorageError, match="another program holds it locked"):
            await put(database)
        assert await get(database) is None
    await put(database)
    assert await get(database) == "value"


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"SQLite format 3\x00" + b"\xff" * 9000])
async def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    """A damaged file is named as such, with what to do; it is left as it is."""
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    database = Database(path)
    with pytest.raises(StorageError, match=r"scrobbler\.db: is damaged .*; put it aside"):
        await database.open()
    await database.close()
    assert path.read_bytes() == content


async def test_damage_that_shows_later(database: Database) -> None:
    """Damage found in the middle of the work is a StorageError too."""
    for number in range(300):
        await put(database, f"key{number}", "x" * 500)
    await database.outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 100_000)
    second = Database(database.path)
    await second.open()
    with pytest.raises(StorageError, match="is damaged"):
        await second.read(lambda connection: connection.execute("SELECT * FROM meta").fetchall())
    await second.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Who comes too late gets a sentence, whatever is asked."""
    database = Database(tmp_path / FILE_NAME)
    await database.open()
    await database.close()
    with pytest.raises(StorageError, match="is closed"):
        await put(database)
    with pytest.raises(StorageError, match="is closed"):
        await get(database)
    await database.close()


async def test_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    """Twenty times opened and closed: no thread, no descriptor, no companion file is left."""
    threads, files = threading.active_count(), descriptors()
    for _ in range(20):
        database = Database(tmp_path / FILE_NAME)
        await database.open()
        await put(database)
        await get(database)
        await database.close()
    assert threading.active_count() == threads
    assert descriptors() == files
    assert names(tmp_path) == [FILE_NAME]


async def test_a_long_report_delays_no_event(database: Database) -> None:
    """Reading and writing have a thread each: a slow query does not hold a write up."""
    release, began = threading.Event(), threading.Event()

    def slow(_connection: Connection) -> str:
        began.set()
        assert release.wait(10)
        return "done"

    report = asyncio.ensure_future(database.read(slow))
    await asyncio.to_thread(began.wait, 10)
    await put(database)
    assert not report.done()
    release.set()
    assert await report == "done"
