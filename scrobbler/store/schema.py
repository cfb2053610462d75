"""The tables, and how older files become newer ones. `user_version` counts the migrations that a file has had."""

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

from scrobbler.store.migrations.v2 import plain_words

_V1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, live INTEGER NOT NULL, opened_utc_ms INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_live ON sessions (live) WHERE live = 1;

CREATE TABLE viewings (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, work_id INTEGER, live INTEGER NOT NULL,
    opened_utc_ms INTEGER NOT NULL, closed_utc_ms INTEGER, position_ms INTEGER, merged_into TEXT, outcome TEXT,
    outcome_reason TEXT NOT NULL, title TEXT NOT NULL, source TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX viewings_live ON viewings (live) WHERE live = 1;
CREATE INDEX viewings_work ON viewings (account, work_id, opened_utc_ms);
CREATE INDEX viewings_opened ON viewings (opened_utc_ms);

CREATE TABLE works (id INTEGER PRIMARY KEY, body BLOB NOT NULL, seen_utc_ms INTEGER NOT NULL) STRICT;
CREATE TABLE aliases (scheme TEXT NOT NULL, value TEXT NOT NULL, work_id INTEGER NOT NULL, PRIMARY KEY (scheme, value))
    STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY, viewing TEXT NOT NULL, part INTEGER NOT NULL, account TEXT NOT NULL, work_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('watched', 'left')), at_utc_ms INTEGER NOT NULL, live INTEGER NOT NULL,
    stage TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('due', 'settled', 'refused', 'review')),
    outcome TEXT NOT NULL, owed_utc_ms INTEGER NOT NULL, settled_utc_ms INTEGER, tries INTEGER NOT NULL,
    playback_id INTEGER, body BLOB NOT NULL, UNIQUE (viewing, part)
) STRICT;
CREATE INDEX ledger_due ON ledger (account, kind DESC, at_utc_ms) WHERE state = 'due';
CREATE INDEX ledger_watched ON ledger (account, work_id, at_utc_ms) WHERE kind = 'watched';

CREATE TABLE banners (account TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE shown (account TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, action TEXT NOT NULL, about TEXT NOT NULL, sent_utc_ms INTEGER NOT NULL,
    done_utc_ms INTEGER, result TEXT
) STRICT;
CREATE INDEX attempts_open ON attempts (account) WHERE done_utc_ms IS NULL;

CREATE TABLE journal (id INTEGER PRIMARY KEY, about TEXT NOT NULL, utc_ms INTEGER NOT NULL, step TEXT NOT NULL,
    text TEXT NOT NULL) STRICT;
CREATE INDEX journal_about ON journal (about, id);
CREATE INDEX journal_time ON journal (utc_ms);

CREATE TABLE guesses (path TEXT PRIMARY KEY, used_utc_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (source TEXT PRIMARY KEY, utc_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

Migration: TypeAlias = str | Callable[[sqlite3.Connection], None]

MIGRATIONS: tuple[Migration, ...] = (_V1, plain_words)
"""What to do, in order: SQL, or a function that runs inside the same transaction.

Number n brings a file from version n to n + 1. A released one is never changed.
"""

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, number: int) -> None:
    """Bring a file from version `number` to the next, in one transaction."""
    migration = MIGRATIONS[number]
    connection.execute("BEGIN IMMEDIATE")
    try:
        if isinstance(migration, str):
            for statement in migration.split(";"):
                connection.execute(statement)
        else:
            migration(connection)
        connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
