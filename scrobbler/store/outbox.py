"""The outbox of terminal facts, what Simkl shows, and the attempts to change that."""

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scrobbler.api import Work
from scrobbler.plays.model import Fact
from scrobbler.store.database import Connection

Stage: TypeAlias = Literal["tell", "history", "delete"]
EntryState: TypeAlias = Literal["due", "settled", "refused", "review"]

_FACT = msgspec.json.Decoder(Fact)


class Entry(Struct, frozen=True, kw_only=True):
    """One fact of the outbox on its way to Simkl.

    `stage` is what is to be done next: tell it, write history as well because the watch was below Simkl's 80 %, or delete
    the saved position which that left. `live` is False once only history can carry it. `tries` counts the attempts that may
    have reached Simkl.
    """

    id: int
    fact: Fact
    stage: Stage
    live: bool
    tries: int
    enqueued_utc_ms: int
    playback_id: int | None = None


class RemoteState(Struct, frozen=True, kw_only=True):
    """What Simkl shows for an account, as far as the replies tell. `confirmed` is False while a request's fate is unknown.

    `settled` marks a work whose watch has been recorded meanwhile. `refused` is the work that Simkl did not know.
    `previous` is what played before a start of which nobody knows whether it arrived: it may be what Simkl still shows.
    """

    account: str
    mode: Literal["nothing", "playing", "paused"] = "nothing"
    confirmed: bool = True
    play: str | None = None
    part: int = 0
    work_id: int | None = None
    work: Work | None = None
    progress: float = 0.0
    at_utc_ms: int = 0
    runtime_ms: int | None = None
    settled: bool = False
    refused: int | None = None
    previous: "RemoteState | None" = None


_REMOTE_STATE = msgspec.json.Decoder(RemoteState)


def enqueue(connection: Connection, fact: Fact, utc_ms: int) -> None:
    """Enter a terminal fact. A watch stands for ever; "left" gives way to what is said later of the same part."""
    connection.execute(
        "INSERT INTO outbox (play, part, account, work_id, kind, at_utc_ms, live, stage, state, outcome, enqueued_utc_ms, "
        "tries, body) VALUES (?, ?, ?, ?, ?, ?, ?, 'tell', 'due', '', ?, 0, ?) ON CONFLICT (play, part) DO UPDATE SET "
        "kind = excluded.kind, at_utc_ms = excluded.at_utc_ms, live = excluded.live, stage = 'tell', state = 'due', "
        "outcome = '', enqueued_utc_ms = excluded.enqueued_utc_ms, settled_utc_ms = NULL, tries = 0, playback_id = NULL, "
        "body = excluded.body WHERE outbox.kind = 'left'",
        (
            fact.play,
            fact.part,
            fact.account,
            fact.work_id,
            fact.kind,
            fact.at_utc_ms,
            int(fact.live),
            utc_ms,
            msgspec.json.encode(fact),
        ),
    )


_COLUMNS = "id, body, stage, live, tries, enqueued_utc_ms, playback_id"


def _entry(record: tuple[int, bytes, Stage, int, int, int, int | None]) -> Entry:
    number, body, stage, live, tries, enqueued, playback = record
    return Entry(
        id=number,
        fact=_FACT.decode(body),
        stage=stage,
        live=bool(live),
        tries=tries,
        enqueued_utc_ms=enqueued,
        playback_id=playback,
    )


def due(connection: Connection, account: str, limit: int = 60) -> list[Entry]:
    """List what Simkl still has to learn of an account: completions first, each kind in the order of watching."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE account = ? AND state = 'due' ORDER BY kind DESC, at_utc_ms, id LIMIT ?",  # noqa: S608
        (account, limit),
    )
    return [_entry(record) for record in found]


def count_due(connection: Connection) -> dict[str, int]:
    """Count per account what waits."""
    return dict(connection.execute("SELECT account, count(*) FROM outbox WHERE state = 'due' GROUP BY account"))


def only_history(connection: Connection) -> None:
    """After a restart no completion is told live any more: history carries its true time (contract.md 1.6)."""
    connection.execute("UPDATE outbox SET live = 0 WHERE state = 'due' AND kind = 'watched'")


def settle(connection: Connection, number: int, state: EntryState, outcome: str, utc_ms: int) -> None:
    """Close a entry with its outcome in words."""
    connection.execute(
        "UPDATE outbox SET state = ?, outcome = ?, settled_utc_ms = ? WHERE id = ?", (state, outcome, utc_ms, number)
    )


def unchanged(connection: Connection, entry: Entry) -> bool:
    """Tell whether an entry is what it was when it was read: while a request is away, a watch may have taken over."""
    found = connection.execute(
        "SELECT 1 FROM outbox WHERE id = ? AND state = 'due' AND kind = ? AND enqueued_utc_ms = ?",
        (entry.id, entry.fact.kind, entry.enqueued_utc_ms),
    ).fetchone()
    return found is not None


def advance(connection: Connection, number: int, stage: Stage, playback_id: int | None) -> None:
    """Go to the next stage of a entry that takes more than one call."""
    connection.execute("UPDATE outbox SET stage = ?, playback_id = ? WHERE id = ?", (stage, playback_id, number))


def never_sent(connection: Connection, numbers: list[int]) -> None:
    """Take back that an attempt was counted for these entries: it surely changed nothing."""
    connection.executemany("UPDATE outbox SET tries = max(0, tries - 1) WHERE id = ?", [(one,) for one in numbers])


def reopen(connection: Connection, play: str | None) -> int:
    """Make refused entries due again, of one play or of all; returns how many."""
    cursor = connection.execute(
        "UPDATE outbox SET state = 'due', outcome = '', settled_utc_ms = NULL, live = 0 "
        "WHERE state IN ('refused', 'review') AND (?1 IS NULL OR play = ?1)",
        (play,),
    )
    return cursor.rowcount


def get_remote_state(connection: Connection, account: str) -> RemoteState:
    """Read what Simkl shows for an account."""
    entry = connection.execute("SELECT body FROM remote_state WHERE account = ?", (account,)).fetchone()
    return RemoteState(account=account) if entry is None else _REMOTE_STATE.decode(entry[0])


def set_remote_state(connection: Connection, remote: RemoteState) -> None:
    """Write what Simkl shows for an account."""
    connection.execute(
        "INSERT INTO remote_state (account, body) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET body = excluded.body",
        (remote.account, msgspec.json.encode(remote)),
    )


def begin_attempt(
    connection: Connection, account: str, action: str, about: str, entries: list[int], utc_ms: int
) -> int:
    """Write down that a request is about to be made. A crash from here on leaves its fate unknown, never silent."""
    connection.executemany("UPDATE outbox SET tries = tries + 1 WHERE id = ?", [(number,) for number in entries])
    cursor = connection.execute(
        "INSERT INTO attempts (account, action, about, sent_utc_ms) VALUES (?, ?, ?, ?)",
        (account, action, about, utc_ms),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def end_attempt(connection: Connection, number: int, result: str, utc_ms: int) -> None:
    """Write down what came of a request."""
    connection.execute("UPDATE attempts SET done_utc_ms = ?, result = ? WHERE id = ?", (utc_ms, result, number))


def forget_open_attempts(connection: Connection, utc_ms: int) -> list[str]:
    """At start: close the attempts that a crash left open; returns the accounts that had one."""
    accounts = [str(name) for (name,) in connection.execute("SELECT account FROM attempts WHERE done_utc_ms IS NULL")]
    connection.execute(
        "UPDATE attempts SET done_utc_ms = ?, result = 'unknown: the daemon ended first' WHERE done_utc_ms IS NULL",
        (utc_ms,),
    )
    return accounts
