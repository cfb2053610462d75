"""Version 2: tables, columns and fields get the names of docs/glossary.md, and the many fields of a session named parts.

Nothing is lost and nothing else changes.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]

_TABLES = """
ALTER TABLE viewings RENAME TO plays;
DROP INDEX viewings_live;
DROP INDEX viewings_work;
DROP INDEX viewings_opened;
CREATE INDEX plays_live ON plays (live) WHERE live = 1;
CREATE INDEX plays_work ON plays (account, work_id, opened_utc_ms);
CREATE INDEX plays_opened ON plays (opened_utc_ms);

ALTER TABLE ledger RENAME TO outbox;
ALTER TABLE outbox RENAME COLUMN viewing TO play;
ALTER TABLE outbox RENAME COLUMN owed_utc_ms TO enqueued_utc_ms;
DROP INDEX ledger_due;
DROP INDEX ledger_watched;
CREATE INDEX outbox_due ON outbox (account, kind DESC, at_utc_ms) WHERE state = 'due';
CREATE INDEX outbox_watched ON outbox (account, work_id, at_utc_ms) WHERE kind = 'watched';

ALTER TABLE banners RENAME TO now_playing;
ALTER TABLE shown RENAME TO remote_state;
"""


def plain_words(connection: sqlite3.Connection) -> None:
    """Rename tables, columns, and the fields of what they keep as JSON."""
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    _rewrite(connection, "sessions", "id", _session)
    _rewrite(connection, "plays", "number", _renamer({"threshold": "policy", "voice": "primary"}))
    _rewrite(connection, "outbox", "id", _renamer({"viewing": "play"}))
    _rewrite(connection, "now_playing", "account", _renamer({"viewing": "play"}))
    _rewrite(connection, "remote_state", "account", _remote_state)


_PARTS: Mapping[str, Mapping[str, str]] = {
    "identity": {
        "source": "source",
        "player": "player",
        "item_key": "item_key",
        "nature": "traits",
        "watchers": "accounts",
        "origin": "origin",
        "device": "device",
        "item": "item",
        "work_id": "work_id",
        "shorter_than_ms": "shorter_than_ms",
        "undecided": "undecided",
        "past_utc_ms": "past_utc_ms",
        "opened_utc_ms": "opened_utc_ms",
        "opened_mono_ms": "opened_mono_ms",
    },
    "phase": {
        "mode": "mode",
        "mode_mono_ms": "since_mono_ms",
        "edge_mono_ms": "edge_mono_ms",
        "ending": "ending",
        "over_mono_ms": "over_mono_ms",
        "played_on": "played_on",
    },
    "position": {
        "offset_ms": "offset_ms",
        "position_ms": "ms",
        "position_mono_ms": "mono_ms",
        "said_utc_ms": "said_utc_ms",
        "duration_ms": "duration_ms",
        "nominal": "nominal",
        "seen": "seen",
        "ahead_ms": "ahead_ms",
    },
    "contact": {
        "ticking": "ticking",
        "rhythm_ms": "rhythm_ms",
        "heard_mono_ms": "heard_mono_ms",
        "heard_utc_ms": "heard_utc_ms",
        "blind_mono_ms": "blind_mono_ms",
    },
}
"""The fields of version 1 by the part of a session that they belong to since, with their new names."""


def _session(body: Body) -> Body:
    """Put the fields of a session into its parts."""
    parts: Body = {"id": body.get("id")}
    for part, names in _PARTS.items():
        parts[part] = {new: body[old] for old, new in names.items() if old in body}
    if body.get("verdict_utc_ms") is not None:
        parts["counted"] = {"utc_ms": body["verdict_utc_ms"], "mono_ms": body.get("verdict_mono_ms", 0)}
    return parts


def _renamer(names: Mapping[str, str]) -> Callable[[Body], Body]:
    return lambda body: {names.get(key, key): value for key, value in body.items()}


def _remote_state(body: Body) -> Body:
    """The state before an unknown start lies inside, in the same shape."""
    renamed = _renamer({"viewing": "play", "sure": "confirmed", "beneath": "previous"})(body)
    if isinstance(renamed.get("previous"), dict):
        renamed["previous"] = _remote_state(renamed["previous"])
    return renamed


def _rewrite(connection: sqlite3.Connection, table: str, key: str, change: Callable[[Body], Body]) -> None:
    """Change each readable body of a table. One that cannot be read stays as it is: whoever reads it says so."""
    keys = [name for (name,) in connection.execute(f"SELECT {key} FROM {table}")]  # noqa: S608
    for name in keys:
        (raw,) = connection.execute(f"SELECT body FROM {table} WHERE {key} = ?", (name,)).fetchone()  # noqa: S608
        try:
            body = json.loads(raw)
        except ValueError:
            continue
        if isinstance(body, dict):
            encoded = json.dumps(change(body), ensure_ascii=False, separators=(",", ":")).encode()
            connection.execute(f"UPDATE {table} SET body = ? WHERE {key} = ?", (encoded, name))  # noqa: S608
