"""A month of watches that wait, and their way to Simkl."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from scrobbler.api import Episode, Ids, Show
from scrobbler.clock import iso
from scrobbler.plays.model import Fact
from scrobbler.sandbox.orders import AddTitle
from scrobbler.sandbox.views import Call
from scrobbler.store import outbox, play_state
from scrobbler.store.database import FILE_NAME, Connection, Database
from tests.faults.house import House

EPISODES = 25
MONTH_S = 30 * 86_400


class Drained(Struct, frozen=True, kw_only=True):
    """How a backlog was delivered: the calls that wrote it, and how long that took in virtual seconds."""

    calls: tuple[Call, ...]
    took_s: float


async def enqueue(house: House, count: int) -> list[str]:
    """Let so many watches of a month wait, while the daemon does not run; return their times in order.

    They are episodes of many series, watched in turn, as in a household of many.
    """
    shows = count // EPISODES
    for number in range(shows):
        house.sandbox.add_title(
            AddTitle(
                kind="tv",
                title=f"Show {number}",
                year=2020,
                ids={"tvdb": f"{500_000 + number}"},
                runtime=25,
                status="ended",
                seasons={"1": EPISODES},
            )
        )
    now_ms = house.clock.now().utc_ms
    began_ms = now_ms - MONTH_S * 1000
    moments = [began_ms + index * MONTH_S * 1000 // count for index in range(count)]

    def enter(connection: Connection) -> None:
        for index, moment in enumerate(moments):
            show, episode = index % shows, index // shows + 1
            work = Episode(
                show=Show(title=f"Show {show}", year=2020, ids=Ids(tvdb=f"{500_000 + show}")), season=1, number=episode
            )
            fact = Fact(
                play=f"p{index + 1}",
                part=0,
                account="alice",
                work_id=index + 1,
                work=work,
                kind="watched",
                progress=100.0,
                at_utc_ms=moment,
                runtime_ms=1_500_000,
            )
            outbox.enqueue(connection, fact, moment)
        # The plays of this month have used these numbers.
        play_state.set_meta(connection, "serial", str(count + 1))

    await in_store(house.state / FILE_NAME, enter)
    return [iso(moment) for moment in moments]


async def in_store(path: Path, work: Callable[[Connection], object]) -> None:
    """Write into a store that nobody else has open."""
    database = Database(path)
    await database.open()
    await database.write(work)
    await database.close()


async def drain(house: House, limit: timedelta = timedelta(hours=2)) -> Drained:
    """Let time pass until nothing waits any more."""
    began = house.clock.now().mono_ms
    until = began + limit.total_seconds() * 1000
    while (await house.status()).queue:
        assert house.clock.now().mono_ms < until, f"not drained in {limit}"
        await house.passes(20)
    took_s = (house.clock.now().mono_ms - began) / 1000
    calls = tuple(call for call in house.calls() if call.path == "/sync/history")
    return Drained(calls=calls, took_s=took_s)
