"""A damaged database: set aside, saved as far as SQLite can read it, said, and never silently made anew."""

import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scrobbler.clock import Now
from scrobbler.store import play_state
from scrobbler.store.database import FILE_NAME, Database, StorageError
from scrobbler.store.salvage import MOST_ASIDE, NOTICE_MS, notice, salvage
from tests.faults.house import FILM_S, House, open_house

pytestmark = pytest.mark.anyio

NOW = Now(1_768_540_000_000, 1_000_000)
ROWS = 3000


async def _fill(path: Path) -> None:
    """Make a store with many rows of every kind of table, all of it in the file itself."""
    database = Database(path)
    await database.open()

    def work(connection: sqlite3.Connection) -> None:
        for number in range(1, ROWS + 1):
            connection.execute("INSERT INTO journal VALUES (?, ?, ?, 'sent', ?)", (number, f"p{number}", 1, "x" * 80))
            connection.execute("INSERT INTO aliases VALUES ('movie:imdb', ?, ?)", (f"tt{number:07}", number))
            connection.execute(
                "INSERT INTO attempts (account, action, about, sent_utc_ms) VALUES ('alice', 'start', ?, 1)",
                (f"p{number}",),
            )

    await database.write(work)
    await database.write(lambda connection: play_state.set_meta(connection, "serial", "41"))
    await database.close()


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


def _damage(path: Path, *, pages: int, seed: int) -> None:
    """Overwrite some pages, never the first one."""
    size = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in random.Random(seed).sample(range(1, size), pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("seed", range(6))
async def test_what_can_be_read_is_saved(tmp_path: Path, seed: int) -> None:
    """Of a file with three broken pages nearly all rows are saved, the rest is named, and the new file is sound."""
    path = tmp_path / FILE_NAME
    await _fill(path)
    _damage(path, pages=3, seed=seed)
    found = salvage(path, NOW)
    kept = {table: _count(path, table) for table in ("journal", "aliases", "attempts")}
    assert all(count <= ROWS for count in kept.values())
    for table, count in kept.items():
        assert (count == ROWS) or (table in found.damaged), (table, count)
    assert sum(kept.values()) > 1.5 * ROWS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database = Database(path)
    await database.open()
    assert (await database.read(play_state.load_state)).serial >= 1
    await database.close()


async def test_a_sound_file_is_copied_whole(tmp_path: Path) -> None:
    """Nothing is lost of what is readable, also what lies in the log alone; the old file is kept under its new name."""
    path = tmp_path / FILE_NAME
    await _fill(path)
    before = path.read_bytes()
    found = salvage(path, NOW)
    assert found.damaged == ()
    assert found.rows == 3 * ROWS + 1
    assert found.aside == f"{FILE_NAME}.damaged-20260116T050640Z"
    assert (tmp_path / found.aside).read_bytes() == before
    assert {_count(path, table) for table in ("journal", "aliases", "attempts")} == {ROWS}
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_is_in_the_log_is_saved_too(tmp_path: Path) -> None:
    """A crash leaves commits in the write-ahead log; they are part of the file."""
    path = tmp_path / FILE_NAME
    database = Database(path)
    await database.open()
    await database.write(lambda connection: play_state.set_meta(connection, "in", "log"))
    for ending in ("", "-wal"):
        (tmp_path / f"crashed{ending}").write_bytes(path.with_name(path.name + ending).read_bytes())
    await database.close()
    crashed = tmp_path / "crashed"
    salvage(crashed, NOW)
    with closing(sqlite3.connect(crashed)) as connection:
        assert play_state.get_meta(connection, "in") == "log"


async def test_nothing_readable_is_said_too(tmp_path: Path) -> None:
    """A file that is no database at all becomes an empty one that says so, beside the old one."""
    path = tmp_path / FILE_NAME
    path.write_bytes(b"this is no database " * 500)
    found = salvage(path, NOW)
    assert found.rows == 0
    assert "outbox" in found.damaged
    assert (tmp_path / found.aside).read_bytes().startswith(b"this is no database")
    with closing(sqlite3.connect(path)) as connection:
        assert notice(connection, NOW.utc_ms) == found.words
        assert notice(connection, NOW.utc_ms + NOTICE_MS) == ""


async def test_rows_of_garbage_are_no_rows(tmp_path: Path) -> None:
    """A row that cannot be decoded would stop every start: it is left out, and its table named."""
    path = tmp_path / FILE_NAME
    await _fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO now_playing VALUES ('alice', x'a5a5')")
        connection.commit()
    assert salvage(path, NOW).damaged == ("now_playing",)
    assert _count(path, "now_playing") == 0


async def test_play_numbers_are_not_given_twice(tmp_path: Path) -> None:
    """The next play is numbered after every one that is known, also when the counter itself was lost."""
    path = tmp_path / FILE_NAME
    await _fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'serial'")
        connection.execute(
            "INSERT INTO plays VALUES (77, 'p77', 'alice', NULL, 0, 1, 2, NULL, NULL, 'ignored', '', 'A', 'tv', ?)",
            (b'{"id":"p77","account":"alice","policy":{"account":"alice"},"sessions":[],"primary":""}',),
        )
        connection.commit()
    salvage(path, NOW)
    with closing(sqlite3.connect(path)) as connection:
        assert play_state.get_meta(connection, "serial") == "78"


async def test_a_disk_that_breaks_again_and_again_is_not_filled(tmp_path: Path) -> None:
    """After five damaged files the store refuses, in words, and changes nothing."""
    path = tmp_path / FILE_NAME
    for _ in range(MOST_ASIDE):
        path.write_bytes(b"this is no database " * 500)
        salvage(path, NOW)
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(StorageError, match="check the disk"):
        salvage(path, NOW)
    assert path.read_bytes().startswith(b"this is no database")


@pytest.mark.parametrize("table", ["plays", "journal"])
async def test_a_start_with_a_damaged_file(tmp_path: Path, table: str) -> None:
    """The daemon starts, finds it by itself, keeps what it could, says so in log and status, and is healthy; for a week."""
    async with open_house(tmp_path) as house:
        await house.watch()
        await house.settled()
        await house.end()
        _ruin(house.state / FILE_NAME, table)
        await house.start()
        await house.passes(6)
        said = _said(house)
        assert table in said["lost"]
        assert await house.health() == 200
        assert (house.state / said["aside"]).exists()
        assert [one for one in (await house.status()).faults if said["aside"] in one]
        await house.watch()
        await house.settled()
        assert len(house.simkl().history) == 1  # the film was seen before, and that is still known
        house.clock.jump_ms += round(timedelta(days=8).total_seconds() * 1000)
        assert (await house.status()).faults == ()


@pytest.mark.parametrize("table", ["plays", "outbox", "journal", "remote_state"])
async def test_damage_while_it_runs(tmp_path: Path, table: str) -> None:
    """It is mended before a hook is answered, or at the next look: nothing that was said to be stored is lost."""
    async with open_house(tmp_path) as house:
        await house.say("play", 0)
        await house.passes(60)
        await house.daemon.database.outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)")
        _ruin(house.state / FILE_NAME, table)
        assert await house.post("pause", 60) == 204
        await house.passes(30)
        assert await house.health() == 200
        assert await house.post("play", 60) == 204
        await house.passes(FILM_S - 60)
        assert await house.post("stop", FILM_S) == 204
        await house.settled()
        assert table in _said(house)["lost"]
        assert await house.health() == 200
        assert len(house.simkl().history) == 1
        assert house.simkl().banner is None


async def test_damage_that_cannot_be_mended(tmp_path: Path) -> None:
    """Where no new file can be made, hooks and health say 503, nothing ends, and it mends itself when it can."""
    async with open_house(tmp_path) as house:
        await house.watch()
        await house.settled()
        path = house.state / FILE_NAME
        for number in range(MOST_ASIDE):
            (house.state / f"{FILE_NAME}.damaged-{number}").touch()
        await house.daemon.database.outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)")
        _ruin(path, "plays")
        assert await house.post("play", 0) == 503
        await house.passes(60)
        assert await house.health() == 503
        for aside in house.state.glob("*.damaged-*"):
            aside.unlink()
        await house.passes(20)
        assert await house.health() == 200
        assert await house.post("play", 0) == 204
        _said(house)


def _ruin(path: Path, table: str) -> None:
    """Overwrite the root page of one table, and let everybody who has the file open notice that it has changed."""
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        with path.open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\xa5" * 4096)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('poked', 'yes')")
        connection.commit()


def _said(house: House) -> dict[str, Any]:
    """Take the one line about the damage out of the log."""
    (said,) = house.logged("database was damaged")
    house.logs.remove(said)
    return said
