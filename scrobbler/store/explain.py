"""The whole chain of one play in plain words, for `scrobbler why` (rule 17)."""

from collections.abc import Iterator, Mapping

import msgspec

from scrobbler.api import describe
from scrobbler.plays.model import Fact, Play
from scrobbler.store.database import Connection
from scrobbler.store.reading import Explanation, ExplanationLine, find_play

_PLAY = msgspec.json.Decoder(Play)
_FACT = msgspec.json.Decoder(Fact)

_PLAIN_STEPS = frozenset({"opened", "resumed", "paused", "seek", "verdict", "reattached", "late stop", "echo"})
"""Steps whose text says it all; before every other, its name is put."""

_STAGES = {
    "tell": "to be told to Simkl",
    "history": "to be written into the history as well, since Simkl counts a stop from 80 % on alone",
    "delete": "the position that the stop had saved is to be deleted",
}


def why(connection: Connection, play: str, waiting: Mapping[str, str] | None = None) -> Explanation | None:
    """Tell all that happened to a play, of its players, its verdict and its deliveries; None if there is no such play.

    `waiting` says per account what holds deliveries up.
    """
    found = find_play(connection, play, waiting or {})
    if found is None:
        return None
    lines = sorted(
        (*_journal(connection, play), *_outbox(connection, play), *_attempts(connection, play)),
        key=lambda line: line.utc_ms,
    )
    return Explanation(play=found, lines=tuple(lines))


def _journal(connection: Connection, play_id: str) -> Iterator[ExplanationLine]:
    (body,) = connection.execute("SELECT body FROM plays WHERE id = ?", (play_id,)).fetchone()
    play = _PLAY.decode(body)
    known = {}
    for name in play.sessions:
        row = connection.execute("SELECT source FROM sessions WHERE id = ?", (name,)).fetchone()
        known[name] = "" if row is None else f"{row[0]}: "
    abouts = (play_id, *play.sessions)
    marks = ", ".join("?" * len(abouts))
    rows = connection.execute(
        f"SELECT about, utc_ms, step, text FROM journal WHERE about IN ({marks}) ORDER BY id",  # noqa: S608
        abouts,
    )
    for about, utc_ms, step, text in rows:
        if about == play_id and step == "opened":
            yield ExplanationLine(utc_ms=utc_ms, text=f"a play of {text} began")
            continue
        plain = step in _PLAIN_STEPS
        yield ExplanationLine(utc_ms=utc_ms, text=known.get(about, "") + (text if plain else f"{step}: {text}"))


def _outbox(connection: Connection, play: str) -> Iterator[ExplanationLine]:
    rows = connection.execute(
        "SELECT state, stage, outcome, enqueued_utc_ms, settled_utc_ms, body FROM outbox WHERE play = ? ORDER BY part",
        (play,),
    )
    for state, stage, outcome, enqueued, settled, body in rows:
        fact = _FACT.decode(body)
        what = f"{describe(fact.work)}: " + ("watched" if fact.kind == "watched" else f"left at {fact.progress:g} %")
        if state == "due":
            yield ExplanationLine(utc_ms=enqueued, text=f"{what}, {_STAGES[stage]}")
            continue
        yield ExplanationLine(utc_ms=enqueued, text=f"{what}, to be told to Simkl")
        if settled is not None:
            words = {"settled": "done", "refused": "refused", "review": "needs review"}[state]
            yield ExplanationLine(utc_ms=settled, text=f"{words}: {outcome}" if outcome else words)


def _attempts(connection: Connection, play: str) -> Iterator[ExplanationLine]:
    """Tell of requests that did not succeed, or whose answer is awaited; the journal tells of the others."""
    rows = connection.execute(
        "SELECT sent_utc_ms, action, result FROM attempts WHERE about = ? AND (result IS NULL OR result LIKE 'failed:%' "
        "OR result LIKE 'unknown:%') ORDER BY id",
        (play,),
    )
    for sent, action, result in rows:
        yield ExplanationLine(utc_ms=sent, text=f"{action} sent to Simkl: {result or 'its answer is awaited'}")
