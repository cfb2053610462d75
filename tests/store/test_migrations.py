"""A store that an older version wrote is taken over whole."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from scrobbler.store import outbox, play_state, reading
from scrobbler.store.database import FILE_NAME, Database

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"


@pytest.fixture
async def upgraded(tmp_path: Path) -> AsyncIterator[Database]:
    """Open a file of version 1 with the present program."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.executescript((DATA / "v1.sql").read_text("utf-8"))
    database = Database(tmp_path / FILE_NAME)
    await database.open()
    yield database
    await database.close()


async def test_history_is_what_it_was(upgraded: Database) -> None:
    """Every play of the older version is there, with its outcome."""
    plays = await upgraded.read(lambda connection: reading.history(connection, 10))
    assert [(one.id, one.account, one.title, one.outcome) for one in plays] == [
        ("p4", "bob", "Slow Trains S01E02", "paused"),
        ("p3", "alice", "Slow Trains S01E02", "paused"),
        ("p2", "bob", "The Long Hall (2019)", "watched"),
        ("p1", "alice", "The Long Hall (2019)", "watched"),
    ]


async def test_what_was_going_on_goes_on(upgraded: Database) -> None:
    """Sessions, plays, and what Simkl should show and does show are read as they were."""
    state = await upgraded.read(play_state.load_state)
    paused = state.sessions["s3"]
    assert (paused.phase.mode, paused.identity.traits.ticks) == ("paused", True)
    assert [one.account for one in paused.identity.accounts] == ["alice", "bob"]
    assert (paused.position.ms, paused.position.duration_ms, paused.position.seen) == (
        1_800_000,
        6_000_000,
        ((0, 1_800_000),),
    )
    assert (paused.phase.since_mono_ms, paused.contact.heard_mono_ms, paused.identity.opened_utc_ms) == (
        8_530_000,
        8_530_000,
        1_768_512_930_000,
    )
    assert paused.counted is None
    play = state.plays["p3"]
    assert (play.primary, play.policy.account, play.work_id) == ("s3", "alice", 2)
    assert (state.now_playing["bob"].play, state.now_playing["bob"].mode) == ("p4", "paused")
    remote = await upgraded.read(lambda connection: outbox.get_remote_state(connection, "alice"))
    assert (remote.play, remote.mode, remote.confirmed, remote.previous) == ("p3", "paused", True, None)


async def test_the_older_file_is_kept_beside_it(upgraded: Database) -> None:
    """Before it is changed, the file is copied: a downgrade has something to go back to."""
    with closing(sqlite3.connect(upgraded.path.with_suffix(".v1.db"))) as copy:
        assert copy.execute("SELECT count(*) FROM viewings").fetchone() == (4,)
