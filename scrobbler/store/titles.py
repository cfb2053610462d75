"""Works and their aliases: two names of one film or episode lead to one number (architecture.md, the resolver)."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scrobbler.api import Work
from scrobbler.plays.judge import threshold_of
from scrobbler.plays.model import Fact, Play, Prior
from scrobbler.store.database import Connection

Alias: TypeAlias = tuple[str, str]

_WORK: msgspec.json.Decoder[Work] = msgspec.json.Decoder(Work)
_FACT = msgspec.json.Decoder(Fact)
_PLAY = msgspec.json.Decoder(Play)

_EARLIER = 20
"""So many of the last plays of a work are looked at for a part that was seen."""


class Names(Struct, frozen=True, kw_only=True):
    """A work with all its names. `differs` tells works apart that share a name all the same."""

    work: Work
    strong: tuple[Alias, ...]
    weak: tuple[Alias, ...]
    differs: Callable[[Work, Work], bool]


def work_number(connection: Connection, names: Names, utc_ms: int, *, window_ms: int) -> int:
    """Find the work that one of the aliases names, or number a new one; all strong aliases lead to it from then on.

    Weak aliases (a title alone) find a work only when it was seen within `window_ms`: they join two reports of one evening,
    they never fuse two films for ever.
    """
    number = _find(connection, names, names.strong, 0)
    if number is None:
        number = _find(connection, names, names.weak, utc_ms - window_ms)
    if number is None:
        cursor = connection.execute(
            "INSERT INTO works (body, seen_utc_ms) VALUES (?, ?)", (msgspec.json.encode(names.work), utc_ms)
        )
        number = cursor.lastrowid
        assert number is not None
    else:
        connection.execute("UPDATE works SET seen_utc_ms = ? WHERE id = ?", (utc_ms, number))
    learn_aliases(connection, number, (*names.strong, *names.weak))
    return number


def learn_aliases(connection: Connection, number: int, aliases: Sequence[Alias]) -> None:
    """Let names lead to a work. What led elsewhere before goes on doing so, except title-only names."""
    for scheme, value in aliases:
        connection.execute(
            "INSERT INTO aliases (scheme, value, work_id) VALUES (?, ?, ?) ON CONFLICT (scheme, value) DO UPDATE "
            "SET work_id = excluded.work_id WHERE scheme LIKE 'weak:%'",
            (scheme, value, number),
        )


def _find(connection: Connection, names: Names, aliases: Sequence[Alias], since_utc_ms: int) -> int | None:
    for scheme, value in aliases:
        row = connection.execute(
            "SELECT id, body FROM aliases JOIN works ON id = work_id WHERE scheme = ? AND value = ? AND seen_utc_ms >= ?",
            (scheme, value, since_utc_ms),
        ).fetchone()
        if row is not None and not names.differs(_WORK.decode(row[1]), names.work):
            return int(row[0])
    return None


def get_work(connection: Connection, number: int) -> Work | None:
    """Read a work as it was first named."""
    row = connection.execute("SELECT body FROM works WHERE id = ?", (number,)).fetchone()
    return None if row is None else _WORK.decode(row[0])


def prior(connection: Connection, account: str, number: int, before_utc_ms: int) -> Prior:
    """Say what an account has done with a work: a part seen before that time, and the watch that is nearest to it."""
    earlier = connection.execute(
        "SELECT v.body, l.body FROM plays v LEFT JOIN outbox l ON l.play = v.id WHERE v.account = ? AND v.work_id = ? "
        "AND v.opened_utc_ms < ? AND v.position_ms > 0 ORDER BY v.opened_utc_ms DESC LIMIT ?",
        (account, number, before_utc_ms, _EARLIER),
    ).fetchall()
    watches = [
        row
        for side in ("at_utc_ms <= ? ORDER BY at_utc_ms DESC", "at_utc_ms > ? ORDER BY at_utc_ms")
        for row in connection.execute(
            "SELECT play, at_utc_ms FROM outbox WHERE account = ? AND work_id = ? AND kind = 'watched' "  # noqa: S608
            f"AND state IN ('due', 'settled') AND {side} LIMIT 1",
            (account, number, before_utc_ms),
        )
    ]
    play, at_utc_ms = min(watches, key=lambda row: abs(row[1] - before_utc_ms), default=("", None))
    return Prior(
        account=account,
        seen=any(_showed_a_part(*row) for row in earlier),
        watched_utc_ms=at_utc_ms,
        watched_play=play,
    )


def _showed_a_part(play: bytes, fact: bytes | None) -> bool:
    """Tell whether a play showed an earlier part. One that stood past its threshold and is no watch began there or skipped."""
    if fact is None:
        return True
    one, ended = _PLAY.decode(play), _FACT.decode(fact)
    return ended.kind == "watched" or ended.progress < threshold_of(one.policy, one.work)
