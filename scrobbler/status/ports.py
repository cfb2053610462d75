"""What the status needs to see of the house. The daemon gives it; the command line gives its own when no daemon runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from msgspec import Struct

from scrobbler.clock import Clock
from scrobbler.plays.state import State
from scrobbler.store.database import Connection

Result = TypeVar("Result")


class SignInOffer(Struct, frozen=True, kw_only=True):
    """A sign-in that waits for somebody: open `link` and enter `code`, before `until_utc_ms`."""

    link: str
    code: str
    until_utc_ms: int | None = None


class AccountState(Struct, frozen=True, kw_only=True):
    """One account: whether it is linked, and what holds its deliveries up.

    `linked_as` is the name at Simkl, `sign_in` the sign-in going on. `parked` is why Simkl refused the token, or why the
    account is not linked. `waits_for` is empty while nothing holds deliveries up. `paused_until_utc_ms` is private mode.
    `allowance_left` and `allowance_limit` are None as long as Simkl has not told.
    """

    name: str
    linked: bool
    linked_as: str = ""
    sign_in: SignInOffer | None = None
    parked: str = ""
    waits_for: str = ""
    waits_until_utc_ms: int | None = None
    paused_until_utc_ms: int | None = None
    allowance_left: int | None = None
    allowance_limit: int | None = None


class SourceHealth(Struct, frozen=True, kw_only=True):
    """One source: the state of its plugin, and whether its player or server answers (None: nobody knows)."""

    name: str
    type: str
    state: Literal["enabled", "disabled", "import failed", "bad options", "self-check failed", "failing", "not running"]
    problem: str = ""
    up: bool | None = None
    since_utc_ms: int | None = None
    heard_utc_ms: int | None = None


class House(Protocol):
    """Everything the status is made of."""

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def running(self) -> bool:
        """Whether this is a running daemon; False when the command line looks into the store by itself."""
        ...

    @property
    def started_utc_ms(self) -> int | None:
        """Since when the daemon runs."""
        ...

    def state(self) -> State:
        """What is going on now."""
        ...

    def accounts(self) -> Sequence[AccountState]:
        """All configured accounts."""
        ...

    def sources(self) -> Sequence[SourceHealth]:
        """All configured sources."""
        ...

    def faults(self) -> Sequence[str]:
        """Faults of the daemon itself, one sentence each: storage, a dead task."""
        ...

    def not_taken_over(self) -> str:
        """Say that a changed configuration has errors; empty if not. The daemon is well meanwhile: it runs as before."""
        ...

    def hook_answers(self) -> Mapping[tuple[str, int], int]:
        """How many hooks of which source were answered with which code."""
        ...

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run a query on the store. Raises StorageError."""
        ...
