"""The outbox, works and aliases; and that a million lines of journal cost an event nothing."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import Ids, Movie
from scrobbler.plays.model import Fact
from scrobbler.store import outbox, play_state, titles
from scrobbler.store.database import FILE_NAME, Connection, Database
from scrobbler.store.titles import Names
from tests.kit.virtual import FILM, House, open_inline

pytestmark = pytest.mark.anyio
T0 = 1_790_000_000_000
RANGE_ALONE = re.compile(r"USING \S*\s*(?:COVERING )?INDEX \w+ \(\w+[<>]")
"""A search that knows a range alone may read everything within it."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new store."""
    made = await open_inline(tmp_path / FILE_NAME)
    yield made
    await made.close()


def fact(kind: Any = "left", progress: float = 30.0, **more: Any) -> Fact:
    """Judge a film."""
    values: dict[str, Any] = {"play": "p1", "part": 0, "account": "alice", "work_id": 1, "at_utc_ms": T0, **more}
    return Fact(work=FILM, kind=kind, progress=progress, runtime_ms=6_000_000, **values)


async def enqueue(database: Database, *facts: Fact, at: int = T0) -> None:
    """Enter facts, a second apart."""

    def work(connection: Connection) -> None:
        for number, one in enumerate(facts):
            outbox.enqueue(connection, one, at + number * 1000)

    await database.write(work)


async def due(database: Database, account: str = "alice") -> list[tuple[str, float]]:
    """List what is due, as kind and percent."""
    entries = await database.read(lambda connection: outbox.due(connection, account))
    return [(entry.fact.kind, entry.fact.progress) for entry in entries]


async def only(database: Database) -> outbox.Entry:
    """Read the one entry that is due."""
    (entry,) = await database.read(lambda connection: outbox.due(connection, "alice"))
    return entry


async def test_left_gives_way_to_what_comes_later(database: Database) -> None:
    """Rule 11: a play and part has one entry; what was left may go on and be left elsewhere, or become a watch."""
    await enqueue(database, fact("left", 30.0), fact("left", 50.0), fact("watched", 95.0))
    assert await due(database) == [("watched", 95.0)]
    assert await database.read(lambda connection: connection.execute("SELECT count(*) FROM outbox").fetchone()) == (1,)


async def test_a_watch_stands(database: Database) -> None:
    """Rule 11: nothing that comes later changes a watch, settled or not."""
    await enqueue(database, fact("watched", 95.0), fact("left", 10.0), fact("watched", 81.0))
    assert await due(database) == [("watched", 95.0)]
    entry = await only(database)
    await database.write(lambda connection: outbox.settle(connection, entry.id, "settled", "watched", T0))
    await enqueue(database, fact("left", 10.0), fact("watched", 99.0))
    assert await due(database) == []


async def test_a_settled_position_is_due_again_when_it_changes(database: Database) -> None:
    """What was saved and then went on is owed anew, from the first stage, with no attempts counted."""
    await enqueue(database, fact("left", 30.0))
    entry = await only(database)

    def deliver(connection: Connection) -> None:
        outbox.begin_attempt(connection, "alice", "stop", "p1", [entry.id], T0)
        outbox.settle(connection, entry.id, "settled", "saved at 30 %", T0)

    await database.write(deliver)
    await enqueue(database, fact("left", 60.0), at=T0 + 5000)
    entry = await only(database)
    assert (entry.fact.progress, entry.tries, entry.stage) == (60.0, 0, "tell")


async def test_parts_of_one_play_are_rows_of_their_own(database: Database) -> None:
    """Rule 13: the episodes of one file are settled each for itself."""
    await enqueue(database, fact("watched", 100.0, part=0), fact("left", 20.0, part=1))
    assert await due(database) == [("watched", 100.0), ("left", 20.0)]


async def test_completions_first_each_in_the_order_of_watching(database: Database) -> None:
    """Rule 16: what is due comes watched first, oldest first; other accounts' entries stay out of it."""
    await enqueue(
        database,
        fact("left", 1.0, play="p1", at_utc_ms=T0 - 9),
        fact("watched", 2.0, play="p2", at_utc_ms=T0),
        fact("watched", 3.0, play="p3", at_utc_ms=T0 - 5),
        fact("watched", 4.0, play="p4", account="bob"),
    )
    assert await due(database) == [("watched", 3.0), ("watched", 2.0), ("left", 1.0)]


async def test_a_row_that_changed_meanwhile_is_known(database: Database) -> None:
    """`unchanged` tells a entry that was taken over by a watch, or by a newer position, from one that was not."""
    await enqueue(database, fact("left", 30.0))
    entry = await only(database)
    assert await database.read(lambda connection: outbox.unchanged(connection, entry))
    await enqueue(database, fact("left", 31.0), at=T0 + 1)
    assert not await database.read(lambda connection: outbox.unchanged(connection, entry))
    newer = await only(database)
    await enqueue(database, fact("watched", 95.0), at=T0 + 1)
    assert not await database.read(lambda connection: outbox.unchanged(connection, newer))


async def test_refused_rows_can_be_sent_again(database: Database) -> None:
    """`retry` makes refused and reviewed entries due, of one play or of all, as history; settled ones stay."""
    await enqueue(database, *(fact("watched", 95.0, play=f"p{number}") for number in range(4)))
    entries = await database.read(lambda connection: outbox.due(connection, "alice"))
    states: tuple[outbox.EntryState, ...] = ("refused", "review", "settled", "refused")

    def settle(connection: Connection) -> None:
        for entry, state in zip(entries, states, strict=True):
            outbox.settle(connection, entry.id, state, "so it is", T0)

    await database.write(settle)
    assert await database.write(lambda connection: outbox.reopen(connection, entries[0].fact.play)) == 1
    entry = await only(database)
    assert not entry.live
    assert await database.write(lambda connection: outbox.reopen(connection, None)) == 2
    assert len(await due(database)) == 3


async def test_after_a_restart_only_history_carries_a_watch(database: Database) -> None:
    """contract.md 1.6: completions that are due lose their liveness, positions keep it."""
    await enqueue(database, fact("watched", 95.0), fact("left", 30.0, play="p2"))
    await database.write(outbox.only_history)
    entries = await database.read(lambda connection: outbox.due(connection, "alice"))
    assert [(entry.fact.kind, entry.live) for entry in entries] == [("watched", False), ("left", True)]


async def test_attempts_that_surely_failed_are_not_counted(database: Database) -> None:
    """Rule 15 rests on it: `tries` counts what may have reached Simkl."""
    await enqueue(database, fact("watched", 95.0))
    entry = await only(database)
    await database.write(lambda connection: outbox.begin_attempt(connection, "alice", "stop", "p1", [entry.id], T0))
    assert (await only(database)).tries == 1
    await database.write(lambda connection: outbox.never_sent(connection, [entry.id, entry.id]))
    assert (await only(database)).tries == 0


async def test_open_attempts_are_closed_as_unknown(database: Database) -> None:
    """A crash leaves its attempts open; the next start names their accounts and closes them."""

    def work(connection: Connection) -> None:
        done = outbox.begin_attempt(connection, "alice", "start", "p1", [], T0)
        outbox.end_attempt(connection, done, "start", T0)
        outbox.begin_attempt(connection, "bob", "stop", "p2", [], T0)

    await database.write(work)
    assert await database.write(lambda connection: outbox.forget_open_attempts(connection, T0)) == ["bob"]
    assert await database.write(lambda connection: outbox.forget_open_attempts(connection, T0)) == []


async def test_what_simkl_shows_is_kept_whole(database: Database) -> None:
    """A now playing entry survives the way through the file; an account without one shows nothing."""
    remote = outbox.RemoteState(
        account="alice", mode="playing", play="p1", part=2, work_id=4, work=FILM, confirmed=False
    )
    await database.write(lambda connection: outbox.set_remote_state(connection, remote))
    assert await database.read(lambda connection: outbox.get_remote_state(connection, "alice")) == remote
    assert await database.read(lambda connection: outbox.get_remote_state(connection, "bob")) == outbox.RemoteState(
        account="bob"
    )


def named(title: str, strong: tuple[str, ...] = (), weak: tuple[str, ...] = ()) -> Names:
    """Give a film names; two differ if their years do."""
    return Names(
        work=Movie(title=title, ids=Ids()),
        strong=tuple(("imdb", one) for one in strong),
        weak=tuple(("weak:title", one) for one in weak),
        differs=lambda one, other: one != other and "apart" in {getattr(one, "title", ""), getattr(other, "title", "")},
    )


async def number(database: Database, names: Names, at: int = T0, window_ms: int = 1000) -> int:
    """Number a work."""
    return await database.write(lambda connection: titles.work_number(connection, names, at, window_ms=window_ms))


async def test_names_lead_to_one_work(database: Database) -> None:
    """Any strong name that two reports share makes them one, for ever; and both then share all names."""
    first = await number(database, named("a", ("tt1",)))
    assert await number(database, named("b", ("tt2", "tt1")), T0 + 10**9) == first
    assert await number(database, named("c", ("tt2",)), T0 + 2 * 10**9) == first
    assert await number(database, named("d", ("tt3",))) != first


async def test_weak_names_lead_to_one_work_for_a_while(database: Database) -> None:
    """A title joins only within the window, counted from when the work was last seen."""
    first = await number(database, named("a", weak=("solaris",)))
    assert await number(database, named("b", weak=("solaris",)), T0 + 1000) == first
    assert await number(database, named("c", weak=("solaris",)), T0 + 2000) == first
    assert await number(database, named("d", weak=("solaris",)), T0 + 3001) != first


async def test_what_contradicts_stays_apart(database: Database) -> None:
    """A shared name does not join works that differ; the name goes on leading to the first."""
    first = await number(database, named("a", ("tt1",)))
    assert await number(database, named("apart", ("tt1",))) != first
    assert await number(database, named("a", ("tt1",))) == first


async def test_a_name_is_not_taken_away(database: Database) -> None:
    """What Simkl says of one work does not turn the strong names of another to it."""
    first, second = await number(database, named("a", ("tt1",))), await number(database, named("b", ("tt2",)))
    await database.write(lambda connection: titles.learn_aliases(connection, second, [("imdb", "tt1"), ("simkl", "9")]))
    assert await number(database, named("a", ("tt1",))) == first
    assert await number(database, replace(named("c"), strong=(("simkl", "9"),))) == second


async def test_a_work_is_read_back(database: Database) -> None:
    """A number leads to the work as it was first named; a strange one to nothing."""
    first = await number(database, named("a", ("tt1",)))
    await number(database, named("b", ("tt1",)))
    assert await database.read(lambda connection: titles.get_work(connection, first)) == Movie(title="a")
    assert await database.read(lambda connection: titles.get_work(connection, 99)) is None


async def test_no_statement_of_an_event_reads_a_whole_table(tmp_path: Path) -> None:
    """Every statement of an evening finds its entries by an index: a million lines of journal cost an event nothing."""
    house = await House(tmp_path).open()
    house.serve()
    seen: set[str] = set()
    writer, reader = house.database._write_connection, house.database._reading()
    assert writer is not None
    for connection in (writer, reader):
        connection.set_trace_callback(seen.add)
    await house.hear("play", 0)
    await house.watch(0, 30, every_s=60)
    await house.hear("pause", 30)
    await house.pass_time(30)
    await house.hear("play", 30)
    await house.watch(30, 95, every_s=60)
    await house.hear("stop", 95)
    house.clock.tick(100_000)
    await house.pass_time(10)
    await house.engine.unidentified("s1", "nothing")
    for connection in (writer, reader):
        connection.set_trace_callback(None)
    explained = 0
    for statement in seen:
        if not statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            continue
        steps = [entry[3] for entry in writer.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert not [step for step in steps if step.startswith("SCAN") or RANGE_ALONE.search(step)], (statement, steps)
        explained += 1
    assert explained > 15
    await house.crash()


async def test_loading_reads_what_is_live_alone(database: Database) -> None:
    """A start reads the plays of the last day by the index of the live ones, however many there have been."""
    for statement in ("SELECT id, body FROM sessions WHERE live = 1", "SELECT id, body FROM plays WHERE live = 1"):
        steps = await database.read(
            lambda connection, text=statement: [entry[3] for entry in connection.execute(f"EXPLAIN QUERY PLAN {text}")]  # type: ignore[misc]
        )
        assert all("_live" in step for step in steps), steps


async def test_checkpoints(database: Database) -> None:
    """Until when a source was heard is kept by source, and the newest word counts."""
    assert await database.read(lambda connection: play_state.get_checkpoint(connection, "tv")) is None
    for moment in (5, 7):
        await database.write(lambda connection, value=moment: play_state.set_checkpoint(connection, "tv", value))  # type: ignore[misc]
    assert await database.read(lambda connection: play_state.get_checkpoint(connection, "tv")) == 7
