"""A store that takes nothing: hooks and health say 503, nothing ends, and it goes on by itself when the cause is gone."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from scrobbler.store.database import FILE_NAME
from tests.faults.house import FILM_S, House, open_house

pytestmark = pytest.mark.anyio

Cause = Callable[[House], AbstractContextManager[Callable[[], Awaitable[None]]]]


@contextmanager
def _full(house: House) -> Iterator[Callable[[], Awaitable[None]]]:
    """Let the file grow no more, as on a full disk (SQLITE_FULL)."""

    async def begin() -> None:
        await house.daemon.database.outside_transaction("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA max_page_count = 1")

    yield begin


@contextmanager
def _read_only(house: House) -> Iterator[Callable[[], Awaitable[None]]]:
    """Let every write be refused, as on a file system that was mounted read-only (SQLITE_READONLY)."""

    async def begin() -> None:
        await house.daemon.database.outside_transaction("PRAGMA query_only = ON")

    yield begin


@contextmanager
def _locked(house: House) -> Iterator[Callable[[], Awaitable[None]]]:
    """Let another program hold the file (SQLITE_BUSY)."""
    with closing(sqlite3.connect(house.state / FILE_NAME, isolation_level=None)) as other:

        async def begin() -> None:
            await house.daemon.database.outside_transaction("PRAGMA busy_timeout = 5")
            other.execute("BEGIN IMMEDIATE")

        yield begin


CAUSES: Mapping[str, tuple[Cause, str]] = {
    "disk full": (_full, "PRAGMA max_page_count = 1000000"),
    "read-only": (_read_only, "PRAGMA query_only = OFF"),
    "locked": (_locked, "PRAGMA busy_timeout = 5000"),
}
WORDS = {"disk full": "the disk is full", "read-only": "cannot be written", "locked": "another program holds it locked"}


@pytest.mark.parametrize("name", CAUSES)
async def test_a_store_that_takes_nothing(name: str, tmp_path: Path) -> None:
    """503 at the hook and at /healthz with the reason; later both are well by themselves, and no watch is lost."""
    cause, mended = CAUSES[name]
    async with open_house(tmp_path) as house:
        await house.say("play", 0)
        await house.passes(FILM_S / 2)
        with cause(house) as begin:
            await begin()
            assert 503 in [await house.post(kind, FILM_S / 2) for _ in range(100) for kind in ("pause", "play")]
            assert await house.health() == 503
            assert WORDS[name] in " ".join((await house.status()).faults)
            await house.passes(60)
            # What needs no new page still fits into a file that cannot grow.
            assert await house.health() == (200 if name == "disk full" else 503)
            assert not house.daemon.supervisor.faults, "no service died of it"
        await house.daemon.database.outside_transaction(mended)
        await house.passes(20)
        assert await house.health() == 200
        assert await house.post("play", FILM_S / 2) == 204
        await house.passes(FILM_S / 2)
        assert await house.post("stop", FILM_S) == 204
        await house.settled()
        assert [watch.source for watch in house.simkl().history] == ["stop"]
        assert house.simkl().banner is None


@pytest.mark.parametrize("name", CAUSES)
async def test_ending_with_a_store_that_takes_nothing(name: str, tmp_path: Path) -> None:
    """SIGTERM ends the daemon all the same, and the next start pauses what it left as playing."""
    cause, _ = CAUSES[name]
    async with open_house(tmp_path) as house:
        await house.say("play", 0)
        await house.passes(FILM_S / 2)
        with cause(house) as begin:
            await begin()
            began = house.clock.now().mono_ms
            await house.end()
            assert house.clock.now().mono_ms - began < 10_000
        await house.start()
        await house.passes(60)
        assert house.simkl().banner is None
        assert house.simkl().history == []


async def test_what_is_answered_is_stored(tmp_path: Path) -> None:
    """A 204 means that another process reads it from the disk at once: event, outbox, now playing and journal together."""
    async with open_house(tmp_path) as house:
        assert await house.post("play", 0) == 204
        with closing(sqlite3.connect(f"file:{house.state / FILE_NAME}?mode=ro", uri=True)) as other:
            counts = [
                other.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("sessions", "plays", "journal")
            ]
            assert all(counts), counts
            await house.passes(FILM_S)
            assert await house.post("stop", FILM_S) == 204
            assert other.execute("SELECT kind FROM outbox").fetchall() == [("watched",)]
        await house.settled()
