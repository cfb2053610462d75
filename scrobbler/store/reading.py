"""What people ask of the store: history, one play's story, what waits. Read-only (contract.md 1.3, rule 17)."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import Struct

from scrobbler.api import Episode, Ids, Movie, Work, describe
from scrobbler.plays.model import Fact, Play, Session
from scrobbler.store.database import Connection, StorageError
from scrobbler.store.schema import VERSION

OutcomeKind: TypeAlias = Literal[
    "playing",
    "paused",
    "watched",
    "saved",
    "not saved",
    "merged",
    "already watched",
    "ignored",
    "review",
    "refused",
    "waiting",
    "too old",
]

_FACT = msgspec.json.Decoder(Fact)
_SESSION = msgspec.json.Decoder(Session)
_PLAY = msgspec.json.Decoder(Play)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_NO_REASONS: Mapping[str, str] = {}


class PlaySummary(Struct, frozen=True, kw_only=True):
    """One play, as `history` shows it. `outcome` is `kind` in words, with its reason (rule 17).

    `watched_utc_ms` is when it was watched, where it was. `ended_utc_ms` is None while it may go on. `link` is its page at
    Simkl, empty as long as its id there is unknown.
    """

    id: str
    account: str
    title: str
    source: str
    kind: OutcomeKind
    outcome: str
    began_utc_ms: int
    ended_utc_ms: int | None = None
    watched_utc_ms: int | None = None
    progress: float | None = None
    link: str = ""


class ExplanationLine(Struct, frozen=True, kw_only=True):
    """One thing that happened to a play."""

    utc_ms: int
    text: str


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole chain of one play, in the order in which it happened."""

    play: PlaySummary
    lines: tuple[ExplanationLine, ...]


class Queued(Struct, frozen=True, kw_only=True):
    """What one account still has to be told to Simkl."""

    account: str
    due: int
    oldest_utc_ms: int


class Delivery(Struct, frozen=True, kw_only=True):
    """One request to Simkl that changed something, and what came of it. An empty `result`: its answer is awaited."""

    utc_ms: int
    account: str
    action: str
    title: str
    play: str
    result: str


class Counts(Struct, frozen=True, kw_only=True):
    """Totals for `/metrics`."""

    plays: dict[str, int]
    outbox: dict[tuple[str, str], int]
    attempts: dict[tuple[str, str], int]


@contextmanager
def open_reading(path: Path) -> Iterator[Connection]:
    """Open the store beside a daemon, or without one. Raises StorageError if there is none, or it is of another version."""
    if not path.exists():
        raise StorageError(f"{path}: nothing was recorded yet")
    try:
        # Opened for writing, since a log left behind by a crash must be taken in before it can be read.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA query_only = ON")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                age = "a newer" if version > VERSION else "an older"
                raise StorageError(f"{path}: was written by {age} scrobblerd; restart the daemon with this version")
            yield connection
    except sqlite3.Error as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error


_COLUMNS = "v.id, v.title, v.source, v.body"


def history(
    connection: Connection, limit: int, before: str | None = None, waiting: Mapping[str, str] = _NO_REASONS
) -> list[PlaySummary]:
    """List plays, newest first, older than the play `before`. `waiting` says per account what holds deliveries up."""
    where, values = ("", ()) if before is None else ("WHERE v.number < ?", (_number(before),))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM plays v {where} ORDER BY v.number DESC LIMIT ?",  # noqa: S608
        (*values, limit),
    ).fetchall()
    return [_play(connection, row, waiting) for row in rows]


def undecided(connection: Connection) -> list[PlaySummary]:
    """List the plays that need a decision, or that Simkl refused, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM plays v WHERE (v.outcome = 'needs review' AND v.merged_into IS NULL) OR v.id IN "  # noqa: S608
        "(SELECT play FROM outbox WHERE state IN ('refused', 'review')) ORDER BY v.number DESC"
    ).fetchall()
    found = [_play(connection, row, _NO_REASONS) for row in rows]
    return [one for one in found if one.kind in ("review", "refused")]


def find_play(connection: Connection, play: str, waiting: Mapping[str, str] = _NO_REASONS) -> PlaySummary | None:
    """Find one play by its id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM plays v WHERE v.id = ?", (play,)).fetchone()  # noqa: S608
    return None if row is None else _play(connection, row, waiting)


def _number(play: str) -> int:
    digits = play.removeprefix("p")
    return int(digits) if digits.isdecimal() else 0


def _play(connection: Connection, row: tuple[str, str, str, bytes], waiting: Mapping[str, str]) -> PlaySummary:
    name, title, source, body = row
    play = _PLAY.decode(body)
    facts = connection.execute("SELECT state, outcome, body FROM outbox WHERE play = ? ORDER BY part", (name,))
    ends = [(state, words, _FACT.decode(fact)) for state, words, fact in facts]
    if play.open:
        kind, text = _going_on(connection, play)
    elif ends:
        kind, text = _summary(ends, play.account, waiting)
    else:
        kind, text = _unsent(play)
    watched = [fact.at_utc_ms for _, _, fact in ends if fact.kind == "watched"]
    # A correction by hand reaches the facts alone.
    work, work_id = (ends[-1][2].work, ends[-1][2].work_id) if ends else (play.work, play.work_id)
    return PlaySummary(
        id=name,
        account=play.account,
        title=title or "an unknown title",
        source=source,
        kind=kind,
        outcome=text,
        began_utc_ms=play.opened_utc_ms,
        ended_utc_ms=play.closed_utc_ms,
        watched_utc_ms=max(watched, default=None),
        progress=ends[-1][2].progress if ends else None,
        link=link_of(connection, work_id, work),
    )


def _going_on(connection: Connection, play: Play) -> tuple[OutcomeKind, str]:
    row = connection.execute("SELECT body FROM sessions WHERE id = ?", (play.primary,)).fetchone()
    mode = None if row is None else _SESSION.decode(row[0]).phase.mode
    if play.outcome == "needs review":
        return "playing", f"playing now; {_because('needs review', play.outcome_reason)}"
    return ("playing", "playing now") if mode == "playing" else ("paused", "paused")


def _unsent(play: Play) -> tuple[OutcomeKind, str]:
    match play.outcome:
        case "merged":
            return "merged", f"merged into {play.merged_into}"
        case "already watched":
            return "already watched", _because("already watched", play.merged_into or "")
        case "needs review":
            return "review", _because("needs review", play.outcome_reason)
        case None:
            return "waiting", "waiting (not identified yet)"
        case words:
            return "ignored", _because(words, play.outcome_reason)


def _because(words: str, reason: str) -> str:
    return f"{words} ({reason})" if reason else words


_RANK: tuple[OutcomeKind, ...] = ("review", "refused", "waiting", "watched", "already watched", "saved", "too old")


def _summary(ends: list[tuple[str, str, Fact]], account: str, waiting: Mapping[str, str]) -> tuple[OutcomeKind, str]:
    """Put the ends of all parts of a file together; what needs people comes first."""
    said = [_end(state, words, fact, waiting.get(account, "")) for state, words, fact in ends]
    ranked = sorted(said, key=lambda one: _RANK.index(one[0]) if one[0] in _RANK else len(_RANK))
    if len({text for _, text in said}) == 1:
        return ranked[0]
    parts = (f"{_place(fact.work)}: {text}" for (_, text), (_, _, fact) in zip(said, ends, strict=True))
    return ranked[0][0], "; ".join(parts)


def _place(work: Work) -> str:
    return describe(work) if isinstance(work, Movie) else f"episode {work.number}"


def _end(state: str, words: str, fact: Fact, why_waiting: str) -> tuple[OutcomeKind, str]:
    match state:
        case "due":
            return "waiting", f"waiting ({why_waiting or 'to be sent'})"
        case "refused":
            return "refused", _because("refused", words)
        case "review":
            return "review", _because("needs review", words)
    words = words or ("watched" if fact.kind == "watched" else f"saved at {fact.progress:g} %")
    for kind in ("watched", "already watched", "too old", "not saved"):
        if words.startswith(kind):
            return kind, words
    return ("merged" if words.startswith("continued in") else "saved"), words


def link_of(connection: Connection, work_id: int | None, work: Work | None) -> str:
    """Give the page of a work at Simkl (simkl-api.md 3.1, rule 9.2); empty while its id there is not known."""
    if work is None:
        return ""
    movie = isinstance(work, Movie)
    ids: Ids = work.ids if isinstance(work, Movie) else work.show.ids
    number = ids.simkl
    if number is None and work_id is not None:
        row = connection.execute(
            "SELECT value FROM aliases WHERE work_id = ? AND scheme = ?",
            (work_id, "movie:simkl" if movie else "show:simkl"),
        ).fetchone()
        text = "" if row is None else str(row[0]).partition("/")[0]
        number = int(text) if text.isdecimal() else None
    if number is None:
        return ""
    title = work.title if isinstance(work, Movie) else work.show.title
    anime = ids.anidb or ids.mal or (isinstance(work, Episode) and work.native)
    slug = _NOT_WORD.sub("-", title.casefold()).strip("-")
    return f"https://simkl.com/{'movies' if movie else 'anime' if anime else 'tv'}/{number}" + (slug and f"/{slug}")


def queued(connection: Connection) -> list[Queued]:
    """Say per account how much waits to be delivered, and since when."""
    rows = connection.execute(
        "SELECT account, count(*), min(enqueued_utc_ms) FROM outbox WHERE state = 'due' GROUP BY account ORDER BY account"
    )
    return [Queued(account=account, due=due, oldest_utc_ms=oldest) for account, due, oldest in rows]


def deliveries(connection: Connection, limit: int) -> list[Delivery]:
    """List the last requests that changed something at Simkl, newest first."""
    rows = connection.execute(
        "SELECT a.sent_utc_ms, a.account, a.action, coalesce(v.title, ''), a.about, coalesce(a.result, '') FROM attempts a "
        "LEFT JOIN plays v ON v.id = a.about ORDER BY a.id DESC LIMIT ?",
        (limit,),
    )
    return [
        Delivery(utc_ms=sent, account=account, action=action, title=title, play=about, result=result)
        for sent, account, action, title, about, result in rows
    ]


def last_problem(connection: Connection, account: str) -> str:
    """Say what came of an account's last request, if it failed: what deliveries most likely wait for."""
    row = connection.execute(
        "SELECT result FROM attempts WHERE account = ? AND done_utc_ms IS NOT NULL ORDER BY id DESC LIMIT 1", (account,)
    ).fetchone()
    result = "" if row is None else str(row[0])
    return result.partition(": ")[2] if result.startswith(("failed: ", "unknown: ")) else ""


def counts(connection: Connection) -> Counts:
    """Count what the store holds. The fate of a request is the first word of its result."""
    fates: dict[tuple[str, str], int] = {}
    for action, result, number in connection.execute("SELECT action, result, count(*) FROM attempts GROUP BY 1, 2"):
        fate = _fate(result)
        fates[action, fate] = fates.get((action, fate), 0) + number
    return Counts(
        plays=dict(connection.execute("SELECT account, count(*) FROM plays GROUP BY account")),
        outbox={
            (kind, state): number
            for kind, state, number in connection.execute("SELECT kind, state, count(*) FROM outbox GROUP BY 1, 2")
        },
        attempts=fates,
    )


def _fate(result: str | None) -> str:
    if result is None:
        return "open"
    for fate in ("failed", "refused", "unknown"):
        if result.startswith(fate):
            return fate
    return "done"
