"""What the status sees of a running daemon."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from scrobbler.clock import Clock
from scrobbler.plays.state import State
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.store.database import Connection

if TYPE_CHECKING:
    from scrobbler.daemon.app import Daemon

Result = TypeVar("Result")


class View:
    """The `House` of `scrobbler.status.ports`, for a running daemon."""

    running = True

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._daemon.clock

    @property
    def started_utc_ms(self) -> int | None:
        """Since when the daemon runs."""
        return self._daemon.started_utc_ms

    def state(self) -> State:
        """What is going on now."""
        return self._daemon.engine.state

    def accounts(self) -> Sequence[AccountState]:
        """All configured accounts."""
        return self._daemon.accounts.states()

    def sources(self) -> Sequence[SourceHealth]:
        """All configured sources."""
        return [
            SourceHealth(
                name=one.name,
                type=one.type,
                state=one.state,
                problem=one.problem,
                up=one.reachable,
                since_utc_ms=one.since_utc_ms,
                heard_utc_ms=one.heard_utc_ms,
            )
            for one in self._daemon.sources.health()
        ]

    def faults(self) -> Sequence[str]:
        """Faults of the daemon itself: storage, a failed service."""
        daemon = self._daemon
        return [*daemon.supervisor.faults.values(), *([daemon.engine.fault] if daemon.engine.fault else [])]

    def not_taken_over(self) -> str:
        """Say that a changed configuration has errors."""
        return self._daemon.reloader.problem

    def hook_answers(self) -> Mapping[tuple[str, int], int]:
        """How many hooks of which source were answered with which code."""
        return self._daemon.answers.counts

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run a query on the store."""
        return await self._daemon.database.read(work)
