"""The house as it looks when no daemon runs: read from the store, the token file and the configuration."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from scrobbler.clock import Clock, SystemClock
from scrobbler.config.models import Config
from scrobbler.daemon import account_binding
from scrobbler.plays.state import State
from scrobbler.simkl.token_store import Grants
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.store import reading
from scrobbler.store.database import FILE_NAME, Connection
from scrobbler.store.play_state import get_meta
from scrobbler.store.schema import VERSION, migrate

Result = TypeVar("Result")

PAUSES = "pauses"


def read_pauses(connection: Connection) -> dict[str, int]:
    """Read until when which account is in private mode, in ms since 1970."""
    text = get_meta(connection, PAUSES)
    try:
        return msgspec.json.decode(text, type=dict[str, int]) if text else {}
    except msgspec.MsgspecError:
        return {}


class OfflineHouse:
    """What the status needs, without a daemon. Nothing plays, and whether players answer nobody knows."""

    def __init__(self, config: Config, state_dir: Path) -> None:
        self._config = config
        self._path = state_dir / FILE_NAME
        self._tokens = state_dir / "tokens.json"
        self.clock: Clock = SystemClock()
        self.running = False
        self.started_utc_ms: int | None = None

    def state(self) -> State:
        """Nothing goes on."""
        return State()

    def accounts(self) -> Sequence[AccountState]:
        """Say what the token file knows of each account."""
        grants = Grants(self._tokens, self.clock)
        client_id = self._config.simkl.client_id
        with open_store(self._path) as connection:
            pauses = read_pauses(connection)
            grants.belongs(account_binding.settled(connection, list(self._config.accounts), grants.get))
        found = []
        for name in self._config.accounts:
            token = grants.get(name)
            why_not = grants.why_not(name, client_id)
            found.append(
                AccountState(
                    name=name,
                    linked=not why_not,
                    linked_as="" if token is None else token.name,
                    parked=why_not,
                    paused_until_utc_ms=pauses.get(name),
                )
            )
        return found

    def sources(self) -> Sequence[SourceHealth]:
        """List what is configured."""
        return [
            SourceHealth(name=name, type=options.type, state="not running")
            for name, options in self._config.sources.items()
        ]

    def faults(self) -> Sequence[str]:
        """Without a daemon there is nothing that could be at fault."""
        return ()

    def not_taken_over(self) -> str:
        """Without a daemon nothing is taken over."""
        return ""

    def hook_answers(self) -> Mapping[tuple[str, int], int]:
        """No daemon, no hooks."""
        return {}

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run a query on the store. Raises StorageError."""
        with open_store(self._path) as connection:
            return work(connection)


@contextmanager
def open_store(path: Path) -> Iterator[Connection]:
    """Open the store for reading; before the first start, an empty one. Raises StorageError."""
    if path.exists():
        with reading.open_reading(path) as connection:
            yield connection
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        for number in range(VERSION):
            migrate(empty, number)
        yield empty


def waiting_reasons(connection: Connection, config: Config, state_dir: Path) -> dict[str, str]:
    """Say per account what its deliveries most likely wait for, as far as store and token file tell."""
    grants = Grants(state_dir / "tokens.json", SystemClock())
    grants.belongs(account_binding.settled(connection, list(config.accounts), grants.get))
    reasons = {}
    for name in config.accounts:
        why_not = grants.why_not(name, config.simkl.client_id)
        reasons[name] = f"not linked: {why_not}" if why_not else reading.last_problem(connection, name)
    return {name: reason for name, reason in reasons.items() if reason}
