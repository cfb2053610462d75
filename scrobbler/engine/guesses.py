"""Remembers in the store what a file name was taken for, so that each is guessed once."""

import msgspec

from scrobbler.clock import Clock
from scrobbler.identify.guess import Guess, GuessError, GuessSource
from scrobbler.store.database import Connection, Database

_GUESS = msgspec.json.Decoder(Guess)

RETRY_S = (15.0, 60.0, 300.0)
"""A machine that is too busy to read a name now has time for it later; the play is followed meanwhile."""


class StoredGuesses:
    """A GuessSource in front of another one. What fails there is asked again a few times."""

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
        guess = await self._ask(path)
        if guess is not None:
            now = self._clock.now()
            body = msgspec.json.encode(guess)
            await self._database.write(
                lambda connection: connection.execute(
                    "INSERT OR REPLACE INTO guesses (path, used_utc_ms, body) VALUES (?, ?, ?)", (key, now.utc_ms, body)
                )
            )
        return guess

    async def _ask(self, path: str) -> Guess | None:
        for pause_s in RETRY_S:
            try:
                return await self._behind.guess(path)
            except GuessError:
                await self._clock.sleep(pause_s)
        return await self._behind.guess(path)
