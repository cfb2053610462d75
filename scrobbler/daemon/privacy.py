"""Private mode: which accounts are not recorded now, and until when. It survives a restart."""

import msgspec

from scrobbler.clock import Clock
from scrobbler.store.database import Connection, Database
from scrobbler.store.play_state import get_meta, set_meta

KEY = "pauses"
_PAUSES = msgspec.json.Decoder(dict[str, int])


class Privacy:
    """The accounts in private mode, by account until when (ms since 1970)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._until: dict[str, int] = {}

    async def load(self) -> None:
        """Read what was set before the daemon started."""
        text = await self._database.read(lambda connection: get_meta(connection, KEY))
        try:
            self._until = _PAUSES.decode(text) if text else {}
        except msgspec.MsgspecError:
            self._until = {}

    def hidden(self) -> frozenset[str]:
        """Name the accounts that are not recorded now."""
        now = self._clock.now().utc_ms
        return frozenset(account for account, until in self._until.items() if until > now)

    def until(self, account: str) -> int | None:
        """Say until when an account is not recorded; None: it is."""
        until = self._until.get(account)
        return until if until is not None and until > self._clock.now().utc_ms else None

    async def hide(self, account: str, until_utc_ms: int) -> None:
        """Begin private mode."""
        await self._keep({**self._until, account: until_utc_ms})

    async def show(self, account: str) -> None:
        """End private mode."""
        await self._keep({name: until for name, until in self._until.items() if name != account})

    async def _keep(self, pauses: dict[str, int]) -> None:
        text = msgspec.json.encode(pauses).decode()

        def work(connection: Connection) -> None:
            set_meta(connection, KEY, text)

        await self._database.write(work)
        self._until = pauses
