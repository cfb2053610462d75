"""Every row of the fault table, played by the whole daemon against the sandbox on virtual time."""

import itertools
from pathlib import Path

import pytest

from scrobbler.sandbox.clock import parse
from scrobbler.sandbox.views import HistoryRow
from scrobbler.store.reading import history
from tests.faults.house import FILM, House, open_house
from tests.faults.provoke import PATHS, PROVOKE, Truth, play
from tests.faults.table import DOCUMENT, FAULTS, REQUESTS, FaultName, Row, renewed, rows

TOLERANCE_MS = 60_000

UNHEARD: frozenset[FaultName] = frozenset({"JSON cut off", "answer takes 35 s"})
"""The sandbox believes these answers to have arrived, and so takes the repeat for a heartbeat."""

ROWS = list(rows())


def test_the_table_is_complete() -> None:
    """Each fault meets each kind of request once, and each is provoked."""
    assert [(row.fault, row.request) for row in ROWS] == [(fault, request) for fault in FAULTS for request in REQUESTS]
    assert set(PROVOKE) == set(FAULTS)


def test_the_document_is_up_to_date() -> None:
    """docs/reliability.md prints this very table; `python -m tests.faults.table` brings it up to date."""
    document = DOCUMENT.read_text("utf-8")
    assert renewed(document) == document


@pytest.mark.anyio
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.request}: {row.fault}" for row in ROWS])
async def test_row(row: Row, tmp_path: Path) -> None:
    """The calls are those of the table, and Simkl ends up with the truth: one watch at its time, nothing playing."""
    async with open_house(tmp_path) as house:
        provoked = PROVOKE[row.fault](house, PATHS[row.request])
        assert provoked is None
        truth = await play(house, row.request)
        await house.settled()
        assert tuple(house.told()) == row.calls
        _judge(house, row, truth)
        _judge_wait(house, row)
        plays = await house.daemon.database.read(lambda connection: history(connection, 10))
        assert [(one.kind, one.title) for one in plays] == [("watched", "The Example (2014)")]


def _judge(house: House, row: Row, truth: Truth) -> None:
    """Hold Simkl's outbox against what happened."""
    simkl = house.simkl()
    (watch,) = simkl.history
    assert (watch.title, watch.rewatch) == (FILM.title, False)
    assert _off_ms(house, watch, truth) <= TOLERANCE_MS
    assert simkl.banner is None
    assert [saved.title for saved in simkl.playbacks if saved.title == FILM.title] == []
    counters = house.sandbox.gate.recorder.counters()
    assert counters.heartbeats == (row.fault in UNHEARD and row.request in ("start", "pause"))
    ours = [call.at_ms for call in house.calls() if call.method == "POST" and call.path != "/oauth2/token"]
    assert all(abs(later - earlier) >= 1000 for earlier, later in itertools.pairwise(ours))


def _off_ms(house: House, watch: HistoryRow, truth: Truth) -> int:
    """Say how far off a watch is: history carries our time, what is told live gets Simkl's, wherever that stands by now."""
    said = parse(watch.watched_at)
    assert said is not None
    if watch.source == "history":
        return abs(said - truth.ours_utc_ms)
    simkl_is_ahead_ms = house.sandbox.clock.now_ms() - house.true_clock.now().utc_ms
    return abs(said - truth.true_utc_ms - simkl_is_ahead_ms)


def _judge_wait(house: House, row: Row) -> None:
    if row.after_s is None:
        return
    calls = house.calls()
    first = next(index for index, call in enumerate(calls) if call.path.startswith(PATHS[row.request]))
    success = next(call for call in calls[first + 1 :] if call.status in (201, 409) or call.path == "/oauth2/token")
    waited_s = (success.at_ms - calls[first].at_ms) / 1000
    assert row.after_s[0] <= waited_s <= row.after_s[1]
