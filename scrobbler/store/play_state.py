"""The state machine's state in the store: load it whole, save what a step changed."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from scrobbler.api import describe
from scrobbler.plays.model import Note, NowPlaying, Play, Session, State
from scrobbler.store.database import Connection

Value = TypeVar("Value", bound=Struct)

_SESSION = msgspec.json.Decoder(Session)
_PLAY = msgspec.json.Decoder(Play)
_NOW_PLAYING = msgspec.json.Decoder(NowPlaying)


def load_state(connection: Connection) -> State:
    """Read what was going on."""
    serial = get_meta(connection, "serial")
    return State(
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


def _changed(old: dict[str, Value], new: dict[str, Value]) -> list[Value]:
    return [value for key, value in new.items() if old.get(key) is not value]


def save_state(connection: Connection, old: State, new: State) -> None:
    """Write what differs between two states."""
    encode = msgspec.json.encode
    connection.executemany(
        "INSERT INTO sessions (id, source, live, opened_utc_ms, body) VALUES (?, ?, 1, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        [(one.id, one.source, one.opened_utc_ms, encode(one)) for one in _changed(old.sessions, new.sessions)],
    )
    for play in _changed(old.plays, new.plays):
        _save_play(connection, play, new)
    connection.executemany(
        "INSERT INTO now_playing (account, body) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET body = excluded.body",
        [(one.account, encode(one)) for one in _changed(old.now_playing, new.now_playing)],
    )
    connection.executemany(
        "UPDATE sessions SET live = 0 WHERE id = ?", [(key,) for key in old.sessions if key not in new.sessions]
    )
    connection.executemany(
        "UPDATE plays SET live = 0 WHERE id = ?", [(key,) for key in old.plays if key not in new.plays]
    )
    if old.serial != new.serial:
        set_meta(connection, "serial", str(new.serial))


def _save_play(connection: Connection, play: Play, state: State) -> None:
    primary = state.sessions.get(play.primary)
    item = play.work or (primary.item if primary is not None else None) or play.item
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
            None if primary is None else primary.position_ms,
            play.merged_into,
            play.outcome,
            play.outcome_reason,
            "" if item is None else describe(item),
            "" if primary is None else primary.source,
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
