"""Remembers in the store what a file name was taken for, so that each is guessed once."""

import msgspec

from scrobbler.clock import Clock
from scrobbler.identify.guess import Guess, GuessSource
from scrobbler.store.database import Connection, Database

_GUESS = msgspec.json.Decoder(Guess)


class StoredGuesses:
    """A GuessSource in front of another one."""

    def __init__(self, database: Database, clock: Clock, behind: GuessSource) -> None:
        self._database = database
        self._clock = clock
        self._behind = behind

    async def guess(self, path: str) -> Guess | None:
        """Read a path, from memory if it was read before. Raises GuessError."""
        key = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

        def read(connection: Connection) -> bytes | None:
            row = connection.execute("SELECT body FROM guesses WHERE path = ?", (key,)).fetchone()
            return None if row is None else bytes(row[0])

        known = await self._database.read(read)
        if known is not None:
            return _GUESS.decode(known)
        guess = await self._behind.guess(path)
        if guess is not None:
            now = self._clock.now()
            body = msgspec.json.encode(guess)
            await self._database.write(
                lambda connection: connection.execute(
                    "INSERT OR REPLACE INTO guesses (path, used_utc_ms, body) VALUES (?, ?, ?)", (key, now.utc_ms, body)
                )
            )
        return guess
