"""What a player plugin is, and what the daemon gives it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct, field

from scrobbler.api.events import PlayerEvent
from scrobbler.api.media import Item
from scrobbler.api.options import SourceOptions

if TYPE_CHECKING:
    from scrobbler.clock import Clock
    from scrobbler.http import HttpClient


class Traits(Struct, frozen=True, kw_only=True):
    """What the daemon must know of a kind of source to judge its silence and its richness (rules.md rules 4, 10).

    `ticks`: it reports positions while it plays; otherwise edges only. `quiet_s`: so long without an observed word, and the
    play is shown as paused; `close_s`: so long, and the play is judged at its last observed position. For sources with
    edges alone `quiet_s` is the slack after the remaining runtime. `knows_users`: it says who watches. `richness`: where two
    sources report one playback, the higher speaks (0 to 100).
    """

    ticks: bool
    knows_users: bool
    quiet_s: float
    close_s: float
    richness: int


class HookRequest(Struct, frozen=True, kw_only=True):
    """A request to a hook, after the secret was checked.

    `body` is the text of the payload with attached files left out: the JSON itself, or the form's fields in `form`, whichever
    the sender used. `content_type` is in lower case, without parameters.
    """

    content_type: str = ""
    body: bytes = b""
    form: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class UnreadableError(Exception):
    """A hook's content cannot be understood. The text says what was expected; the daemon answers 422."""


class UnsupportedTypeError(Exception):
    """A hook's content type is one that this plugin never reads. The daemon answers 415."""


class CheckResult(Struct, frozen=True, kw_only=True):
    """One line of `scrobbler doctor`: whether it is good, what was tried, and what to change where if it is not."""

    good: bool
    what: str
    advice: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What a look-up at the source adds to an event: a fuller item, its length in ms, the file's path, the library's name."""

    item: Item | None = None
    duration_ms: int | None = None
    path: str | None = None
    library: str | None = None


class Logger(Protocol):
    """The part of a structured logger that plugins use: an event name and named values."""

    def debug(self, event: str, **values: Any) -> Any:
        """Log a detail."""
        ...

    def info(self, event: str, **values: Any) -> Any:
        """Log news."""
        ...

    def warning(self, event: str, **values: Any) -> Any:
        """Log trouble that needs nobody at once."""
        ...


class Memory(Protocol):
    """A small store of the source's own: texts by key, kept from run to run, and forgotten by nobody else.

    For what a source must find again after a restart, such as how far it has read. Not for secrets.
    """

    async def get(self, key: str) -> str | None:
        """Read a text; None where there is none."""
        ...

    async def put(self, key: str, value: str) -> None:
        """Write a text; returns when it is durably stored."""
        ...


class BriefMemory:
    """A memory that ends with the process: what a context has where nothing is to be kept."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        """Read a text; None where there is none."""
        return self.texts.get(key)

    async def put(self, key: str, value: str) -> None:
        """Write a text."""
        self.texts[key] = value


class Context(Struct, frozen=True, kw_only=True):
    """What the daemon gives to each configured source.

    `emit` returns when the event is durably stored, or was understood to be none of ours. `reachable(True)` and
    `reachable(False, why)` may be called as often as the plugin likes: the daemon says each change once. `http` makes the
    shared client on first use. `memory` is the source's own, and outlives a restart.
    """

    source: str
    clock: "Clock"
    log: Logger
    emit: Callable[[PlayerEvent], Awaitable[None]]
    reachable: Callable[..., None]
    http: Callable[[], "HttpClient"]
    memory: Memory = field(default_factory=BriefMemory)


class SourcePlugin:
    """The base of every plugin. One instance serves one entry of `sources:`."""

    Options: ClassVar[type[SourceOptions]]
    traits: ClassVar[Traits]

    def __init__(self, options: Any, context: Context) -> None:
        self.options = options
        self.context = context

    @classmethod
    def obstacle(cls) -> str:
        """Say why this plugin cannot work on this machine, such as a package that is missing; empty: it can.

        Asked before a source of this type is made, so it has to be quick, and must not reach for the player.
        """
        return ""

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the source for what its event lacks. None: nothing to ask, or nothing known. May raise HttpError."""
        del event
        return None

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return plays that ended after `since` while the daemon was away, as `watched` events with `at`, oldest first."""
        del since
        return ()

    async def check(self) -> Sequence[CheckResult]:
        """Try everything that this source needs, for `scrobbler doctor`."""
        return ()


class ListenerPlugin(SourcePlugin):
    """A plugin that goes to its player. One that can do both is a `HookPlugin` too."""

    def listens(self) -> bool:
        """Tell whether the options want it to listen; a plugin that is a hook as well may have nothing to go to."""
        return True

    async def run(self) -> None:
        """Watch until cancelled, handing each event to `context.emit`. Reconnects by itself, with back-off and jitter."""
        raise NotImplementedError


class HookPlugin(SourcePlugin):
    """A plugin whose player comes to us."""

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request: pure, without I/O.

        No events means: understood, and nothing of ours. Raises UnreadableError or UnsupportedTypeError.
        """
        raise NotImplementedError
