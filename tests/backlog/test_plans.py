"""What an event costs does not grow with what the store has seen: every statement on its way goes by an index."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrobbler.store.database import Connection
from tests.faults.house import House, open_house

pytestmark = pytest.mark.anyio

GROWING = ("journal", "outbox", "plays", "sessions", "attempts", "works", "aliases", "guesses")
"""Tables that grow for ever, or for a year."""

_SCAN = re.compile(rf"SCAN (?:{'|'.join(GROWING)})(?! USING (?:COVERING )?INDEX (?:\w+_live|\w+_due|attempts_open))")
"""A look at every row; indexes of what is live, due or open are as small as what goes on."""

_RANGE = re.compile(rf"SEARCH (?:{'|'.join(GROWING)}) USING [^(]*\((?!.*=\?)")
"""A look at everything before or after something is no better."""


class AccountPolicy:
    """Notes every statement that the daemon runs on its store."""

    def __init__(self) -> None:
        self.statements: set[str] = set()

    async def attach(self, house: House) -> None:
        database = house.daemon.database
        await database.write(lambda connection: connection.set_trace_callback(self.statements.add))
        await database.read(lambda connection: connection.set_trace_callback(self.statements.add))

    def plans(self, connection: Connection) -> Iterator[tuple[str, str]]:
        connection.set_trace_callback(None)
        for statement in sorted(self.statements):
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                    yield statement, str(detail)


async def test_no_statement_of_an_event_reads_a_whole_table(tmp_path: Path) -> None:
    """A film with a pause, its identification, its deliveries and a checkpoint: no scan, and no sorting of a table."""
    async with open_house(tmp_path) as house:
        policy = AccountPolicy()
        await policy.attach(house)
        await house.say("play", 0)
        await house.passes(60)
        await house.say("pause", 60)
        await house.passes(60)
        await house.say("play", 60)
        await house.passes(30)
        await house.say("progress", 90)
        await house.passes(510)
        await house.say("stop", 600)
        await house.passes(120)
        found = await house.daemon.database.read(lambda connection: list(policy.plans(connection)))
        assert len({statement for statement, _ in found}) > 12, "the statements were seen"
        assert [(detail, statement[:120]) for statement, detail in found if _costly(detail)] == []
        sorts = [statement for statement, detail in found if "TEMP B-TREE" in detail]
        assert [one[:120] for one in sorts if any(f"FROM {table}" in one for table in GROWING)] == []


def _costly(detail: str) -> bool:
    return _SCAN.search(detail) is not None or _RANGE.search(detail) is not None


@pytest.mark.parametrize(
    ("detail", "costly"),
    [
        ("SCAN outbox", True),
        ("SCAN journal USING INDEX journal_time", True),
        ("SEARCH plays USING INDEX plays_opened (opened_utc_ms<?)", True),
        ("SEARCH plays USING INDEX plays_work (account=? AND work_id=? AND opened_utc_ms<?)", False),
        ("SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)", False),
        ("SCAN sessions USING INDEX sessions_live", False),
        ("SCAN now_playing", False),
    ],
)
def test_what_counts_as_costly(detail: str, costly: object) -> None:
    """The words of SQLite's planner are understood."""
    assert _costly(detail) is costly
