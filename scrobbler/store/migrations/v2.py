"""Version 2: tables, columns and fields get the names of docs/glossary.md. Nothing is lost and nothing else changes."""

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
    _rewrite(connection, "sessions", "id", _renamer({"nature": "traits", "watchers": "accounts"}))
    _rewrite(connection, "plays", "number", _renamer({"threshold": "policy", "voice": "primary"}))
    _rewrite(connection, "outbox", "id", _renamer({"viewing": "play"}))
    _rewrite(connection, "now_playing", "account", _renamer({"viewing": "play"}))
    _rewrite(connection, "remote_state", "account", _remote_state)


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
