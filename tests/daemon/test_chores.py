"""Chores: what is pruned, that the file is tidied, and that a failing chore disturbs nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scrobbler.daemon import chores
from scrobbler.daemon.chores import DAY_MS, GUESS_DAYS, JOURNAL_DAYS
from scrobbler.plays.model import Note
from scrobbler.store import outbox, play_state
from scrobbler.store.database import FILE_NAME, Connection, Database, StorageError

pytestmark = pytest.mark.anyio
NOW = 1_790_000_000_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new store."""
    made = Database(tmp_path / FILE_NAME)
    await made.open()
    yield made
    await made.close()


async def count(database: Database, table: str) -> int:
    """Count a table's rows."""
    found = await database.read(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone())
    return int(found[0])


async def test_pruning_takes_the_old_alone(database: Database) -> None:
    """Journal lines and attempts go after their time, guesses after theirs; what is younger stays, and so do plays."""
    old, young = NOW - (JOURNAL_DAYS + 1) * DAY_MS, NOW - (JOURNAL_DAYS - 1) * DAY_MS

    def fill(connection: Connection) -> None:
        for moment in (old, young):
            play_state.write_notes(connection, [Note(about="p1", step="x", text="x")], moment)
            number = outbox.begin_attempt(connection, "alice", "start", "p1", [], moment)
            outbox.end_attempt(connection, number, "start", moment)
        outbox.begin_attempt(connection, "alice", "stop", "p1", [], old)
        for path, days in (("old", GUESS_DAYS + 1), ("young", GUESS_DAYS - 1)):
            connection.execute("INSERT INTO guesses VALUES (?, ?, ?)", (path, NOW - days * DAY_MS, b"{}"))

    await database.write(fill)
    await chores.prune(database, NOW)
    assert (await count(database, "journal"), await count(database, "attempts")) == (1, 2)
    kept = await database.read(lambda connection: connection.execute("SELECT path FROM guesses").fetchall())
    assert kept == [("young",)]


async def test_tidying_gives_space_back(database: Database) -> None:
    """After a great deletion the file is small again."""
    notes = [Note(about="p1", step="x", text="x" * 500)] * 4000
    await database.write(lambda connection: play_state.write_notes(connection, notes, 0))
    await chores.tidy(database)
    big = database.path.stat().st_size
    await database.write(lambda connection: connection.execute("DELETE FROM journal"))
    await chores.tidy(database)
    assert database.path.stat().st_size < big / 4


@pytest.mark.parametrize("error", [StorageError("the disk is full"), RuntimeError("a bug")])
async def test_a_failing_chore_is_logged(error: Exception) -> None:
    """What goes wrong in a chore is said with its name, and goes no further."""

    async def broken() -> None:
        raise error

    with capture_logs() as said:
        await chores._quietly(chores.Chore(name="prune", every_s=1, work=broken))()
    (line,) = said
    assert line["chore"] == "prune"


async def test_the_calendar_starts_and_ends() -> None:
    """Chores are scheduled with their names and intervals, and the scheduler ends at once."""

    async def nothing() -> None:
        return None

    scheduler = chores.schedule([chores.Chore(name="links", every_s=60, work=nothing, jitter_s=5)])
    jobs = [(job.name, job.trigger.interval.total_seconds()) for job in scheduler.get_jobs()]
    scheduler.shutdown(wait=False)
    assert jobs == [("links", 60)]
