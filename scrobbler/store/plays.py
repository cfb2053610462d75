"""The state machine's state in the store: load it whole, save what a step changed."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from scrobbler.api import describe
from scrobbler.plays.model import Banner, Note, Session, State, Viewing
from scrobbler.store.database import Connection

Value = TypeVar("Value", bound=Struct)

_SESSION = msgspec.json.Decoder(Session)
_VIEWING = msgspec.json.Decoder(Viewing)
_BANNER = msgspec.json.Decoder(Banner)


def load_state(connection: Connection) -> State:
    """Read what was going on."""
    serial = get_meta(connection, "serial")
    return State(
        sessions={
            key: _SESSION.decode(body)
            for key, body in connection.execute("SELECT id, body FROM sessions WHERE live = 1 ORDER BY opened_utc_ms")
        },
        viewings={
            key: _VIEWING.decode(body)
            for key, body in connection.execute("SELECT id, body FROM viewings WHERE live = 1 ORDER BY number")
        },
        banners={key: _BANNER.decode(body) for key, body in connection.execute("SELECT account, body FROM banners")},
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
    for viewing in _changed(old.viewings, new.viewings):
        _save_viewing(connection, viewing, new)
    connection.executemany(
        "INSERT INTO banners (account, body) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET body = excluded.body",
        [(one.account, encode(one)) for one in _changed(old.banners, new.banners)],
    )
    connection.executemany(
        "UPDATE sessions SET live = 0 WHERE id = ?", [(key,) for key in old.sessions if key not in new.sessions]
    )
    connection.executemany(
        "UPDATE viewings SET live = 0 WHERE id = ?", [(key,) for key in old.viewings if key not in new.viewings]
    )
    if old.serial != new.serial:
        set_meta(connection, "serial", str(new.serial))


def _save_viewing(connection: Connection, viewing: Viewing, state: State) -> None:
    voice = state.sessions.get(viewing.voice)
    item = viewing.work or (voice.item if voice is not None else None) or viewing.item
    connection.execute(
        "INSERT INTO viewings (number, id, account, work_id, live, opened_utc_ms, closed_utc_ms, position_ms, merged_into, "
        "outcome, outcome_reason, title, source, body) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (number) DO UPDATE SET work_id = excluded.work_id, closed_utc_ms = excluded.closed_utc_ms, "
        "position_ms = excluded.position_ms, merged_into = excluded.merged_into, outcome = excluded.outcome, "
        "outcome_reason = excluded.outcome_reason, title = excluded.title, body = excluded.body",
        (
            int(viewing.id[1:]),
            viewing.id,
            viewing.account,
            viewing.work_id,
            viewing.opened_utc_ms,
            viewing.closed_utc_ms,
            None if voice is None else voice.position_ms,
            viewing.merged_into,
            viewing.outcome,
            viewing.outcome_reason,
            "" if item is None else describe(item),
            "" if voice is None else voice.source,
            msgspec.json.encode(viewing),
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
