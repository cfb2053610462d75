"""Chores by the calendar, with APScheduler: pruning, tidying the file, looking after tokens and checkpoints."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from scrobbler.store.database import Connection, Database, StorageError

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("chores")

DAY_MS = 86_400_000
JOURNAL_DAYS = 400
"""The journal of plays is kept for a year and a month; plays and the outbox stay."""

GUESS_DAYS = 180


class Chore(Struct, frozen=True, kw_only=True):
    """Something to be done every so many seconds; `jitter_s` keeps a thousand daemons from doing it at once."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]
    jitter_s: float = 30.0


def schedule(chores: Sequence[Chore]) -> "AsyncIOScheduler":
    """Start the chores; the scheduler's `shutdown(wait=False)` ends them."""
    from apscheduler.executors.asyncio import AsyncIOExecutor  # heavy, and no command but `run` needs it
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    scheduler = AsyncIOScheduler(executors={"default": AsyncIOExecutor()}, timezone="UTC")
    for chore in chores:
        scheduler.add_job(
            _quietly(chore),
            "interval",
            seconds=chore.every_s,
            jitter=chore.jitter_s,
            name=chore.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    return scheduler


def _quietly(chore: Chore) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        try:
            await chore.work()
        except StorageError as error:
            log.warning("chore waits", chore=chore.name, problem=str(error))
        except Exception as error:
            log.exception("chore failed", chore=chore.name, problem=type(error).__name__)

    return work


async def prune(database: Database, utc_ms: int) -> None:
    """Let go of old journal lines, attempts and guesses, a portion at a time."""

    def work(connection: Connection) -> None:
        old = utc_ms - JOURNAL_DAYS * DAY_MS
        connection.execute(
            "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE utc_ms < ? ORDER BY utc_ms LIMIT 20000)",
            (old,),
        )
        connection.execute("DELETE FROM attempts WHERE done_utc_ms < ?", (old,))
        connection.execute("DELETE FROM sessions WHERE live = 0 AND opened_utc_ms < ?", (old,))
        connection.execute("DELETE FROM guesses WHERE used_utc_ms < ?", (utc_ms - GUESS_DAYS * DAY_MS,))

    await database.write(work)


async def tidy(database: Database) -> None:
    """Give space back and bring the planner's statistics up to date."""
    await database.outside_transaction("PRAGMA optimize", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
