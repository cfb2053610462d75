"""What the HTTP server needs from the rest of the daemon."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from scrobbler.api import HookPlugin, PlayerEvent


class HookSource(NamedTuple):
    """A source that may be posted to. `secrets` holds one, or two while it is being changed."""

    plugin: HookPlugin
    secrets: tuple[str, ...]


class HookDoor(Protocol):
    """Where hooks go."""

    def source(self, name: str) -> HookSource | None:
        """Find an enabled source that takes hooks. None for all others, listeners included."""
        ...

    async def take(self, source: str, events: Sequence[PlayerEvent]) -> None:
        """Return when all events of a request are durably stored. Raises StorageError when they cannot be."""
        ...


class StatusDoor(Protocol):
    """Where the pages come from."""

    async def page(self) -> str:
        """Make the status page, as HTML."""
        ...

    async def report(self) -> bytes:
        """Make what `/api/status` answers, as JSON."""
        ...

    async def metrics(self) -> str:
        """Make what `/metrics` answers, in Prometheus' text format."""
        ...

    def faults(self) -> Sequence[str]:
        """List this daemon's own faults; Simkl being away or an account not linked is none (contract.md 1.5)."""
        ...


class Answers:
    """Counts the answers to hooks, for `/metrics`."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, int], int] = {}

    def count(self, source: str, code: int) -> None:
        """Note one answer. Unknown sources are counted under an empty name."""
        self.counts[source, code] = self.counts.get((source, code), 0) + 1
