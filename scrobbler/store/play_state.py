"""The state machine's state in the store: load it whole, save what a step changed."""

from collections.abc import Mapping, Sequence

import msgspec

from scrobbler.api import describe
from scrobbler.plays.model import Effect, Fact, Note, NowPlaying, Play, Session
from scrobbler.plays.state import Change, Contents
from scrobbler.store import outbox
from scrobbler.store.database import Connection

_SESSION = msgspec.json.Decoder(Session)
_PLAY = msgspec.json.Decoder(Play)
_NOW_PLAYING = msgspec.json.Decoder(NowPlaying)


def load_state(connection: Connection) -> Contents:
    """Read what was going on."""
    serial = get_meta(connection, "serial")
    return Contents(
        sessions={
            key: _SESSION.decode(body)
            for key, body in connection.execute("SELECT id, body FROM sessions WHERE live = 1 ORDER BY opened_utc_ms")
        },
        plays={
            key: _PLAY.decode(body)
            for key, body in connection.execute("SELECT id, body FROM plays WHERE live = 1 ORDER BY number")
        },
        now_playing={
            key: _NOW_PLAYING.decode(body) for key, body in connection.execute("SELECT account, body FROM now_playing")
        },
        serial=int(serial) if serial else 1,
    )


def save_all(connection: Connection, contents: Contents) -> None:
    """Write everything that is going on, and let go of what the file still holds as going on and is over for long."""
    gone_sessions = {key: None for (key,) in connection.execute("SELECT id FROM sessions WHERE live = 1")}
    gone_plays = {key: None for (key,) in connection.execute("SELECT id FROM plays WHERE live = 1")}
    change = Change(
        sessions=gone_sessions | contents.sessions,
        plays=gone_plays | contents.plays,
        now_playing=contents.now_playing,
        serial=contents.serial,
    )
    save_change(connection, change, contents.sessions)


def save_step(
    connection: Connection,
    *,
    change: Change,
    effects: Sequence[Effect],
    sessions: Mapping[str, Session],
    utc_ms: int,
    recovered: bool,
) -> None:
    """Write all that a step means: what it changed, lines for the journal, and facts for the outbox.

    `sessions` are those that it left as they were; `recovered`: the store could not be written until now.
    """
    if recovered:
        set_meta(connection, "recovered", str(utc_ms))
    save_change(connection, change, sessions)
    write_notes(connection, [one for one in effects if isinstance(one, Note)], utc_ms)
    for effect in effects:
        if isinstance(effect, Fact):
            outbox.enqueue(connection, effect, utc_ms)


def save_change(connection: Connection, change: Change, sessions: Mapping[str, Session]) -> None:
    """Write what a step changed. `sessions` are those that it left as they were."""
    encode = msgspec.json.encode
    connection.executemany(
        "INSERT INTO sessions (id, source, live, opened_utc_ms, body) VALUES (?, ?, 1, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        [
            (one.id, one.identity.source, one.identity.opened_utc_ms, encode(one))
            for one in change.sessions.values()
            if one is not None
        ],
    )
    for play in change.plays.values():
        if play is not None:
            known = change.sessions.get(play.primary)
            _save_play(connection, play, sessions.get(play.primary) if known is None else known)
    connection.executemany(
        "INSERT INTO now_playing (account, body) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET body = excluded.body",
        [(one.account, encode(one)) for one in change.now_playing.values()],
    )
    connection.executemany(
        "UPDATE sessions SET live = 0 WHERE id = ?", [(key,) for key, one in change.sessions.items() if one is None]
    )
    connection.executemany(
        "UPDATE plays SET live = 0 WHERE id = ?", [(key,) for key, one in change.plays.items() if one is None]
    )
    if any(one is not None for one in change.plays.values()):
        set_meta(connection, "serial", str(change.serial))


def _save_play(connection: Connection, play: Play, primary: Session | None) -> None:
    item = play.work or (primary.identity.item if primary is not None else None) or play.item
    connection.execute(
        "INSERT INTO plays (number, id, account, work_id, live, opened_utc_ms, closed_utc_ms, position_ms, merged_into, "
        "outcome, outcome_reason, title, source, body) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (number) DO UPDATE SET work_id = excluded.work_id, closed_utc_ms = excluded.closed_utc_ms, "
        "position_ms = excluded.position_ms, merged_into = excluded.merged_into, outcome = excluded.outcome, "
        "outcome_reason = excluded.outcome_reason, title = excluded.title, body = excluded.body",
        (
            int(play.id[1:]),
            play.id,
            play.account,
            play.work_id,
            play.opened_utc_ms,
            play.closed_utc_ms,
            None if primary is None else primary.position.ms,
            play.merged_into,
            play.outcome,
            play.outcome_reason,
            "" if item is None else describe(item),
            "" if primary is None else primary.identity.source,
            msgspec.json.encode(play),
        ),
    )


def write_notes(connection: Connection, notes: list[Note], utc_ms: int) -> None:
    """Append lines to the journal."""
    connection.executemany(
        "INSERT INTO journal (about, utc_ms, step, text) VALUES (?, ?, ?, ?)",
        [(note.about, utc_ms, note.step, note.text) for note in notes],
    )


def get_meta(connection: Connection, key: str) -> str | None:
    """Read one of the store's own values."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Write one of the store's own values."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def get_checkpoint(connection: Connection, source: str) -> int | None:
    """Say until when a source's plays are known, in ms since 1970."""
    row = connection.execute("SELECT utc_ms FROM checkpoints WHERE source = ?", (source,)).fetchone()
    return None if row is None else int(row[0])


def set_checkpoint(connection: Connection, source: str, utc_ms: int) -> None:
    """Remember until when a source's plays are known."""
    connection.execute(
        "INSERT INTO checkpoints (source, utc_ms) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET utc_ms = excluded.utc_ms",
        (source, utc_ms),
    )
