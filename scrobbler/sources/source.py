"""One configured source at work: its plugin, its intake, and what is known of its health."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, TypeAlias

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Context, Facts, HookPlugin, Item, ListenerPlugin, PlayerEvent, SourceOptions, SourcePlugin
from scrobbler.api.connection import in_words
from scrobbler.clock import Clock, utc_ms
from scrobbler.engine.resolver import UnansweredError
from scrobbler.http import HttpClient, HttpError
from scrobbler.intake.intake import Refused, Rules, SourceIntake
from scrobbler.plays.model import Heard, Telling
from scrobbler.store.database import StorageError

SourceState: TypeAlias = Literal[
    "enabled",
    "disabled",  # switched off in the configuration
    "import failed",  # its plugin cannot be loaded, or is none, or two packages claim its name
    "self-check failed",  # its plugin says that it cannot work on this machine, or its hook can have no secret
    "bad options",  # its plugin refuses what is configured
    "failing",  # its listener raised an error, and is started again and again
]

LOOKUP_TIMEOUT_S = 5.0
CATCH_UP_TIMEOUT_S = 300.0
STORAGE_RETRY_S = 2.0
RECOVERED_S = 60.0
"""A listener that ran so long had recovered: the next failure is a first one."""
RESTART_S: Sequence[float] = (1.0, 5.0, 15.0, 60.0)


class Health(Struct, frozen=True, kw_only=True):
    """How a source is: `state` of its plugin, whether its player or server answers (None: nobody knows), since when."""

    name: str
    type: str
    state: SourceState
    problem: str = ""
    reachable: bool | None = None
    since_utc_ms: int = 0
    heard_utc_ms: int | None = None


class Ports(Struct, frozen=True, kw_only=True):
    """What a source needs of the house. `contact` is told when a source's player or server is gone, and when it is back."""

    clock: Clock
    random: Random
    http: Callable[[], HttpClient]
    hear: Callable[[Heard], Awaitable[None]]
    hidden: Callable[[], frozenset[str]]
    recall: Callable[[str], Awaitable[str | None]]
    remember: Callable[[str, str], Awaitable[None]]
    contact: Callable[[str, bool], None] = lambda _source, _up: None


class SourceMemory:
    """What one source keeps in the store. A store that cannot be used now is waited for: nothing is read twice for it."""

    def __init__(self, source: str, ports: Ports) -> None:
        self._prefix = f"plugin:{source}:"
        self._ports = ports

    async def get(self, key: str) -> str | None:
        """Read a text; None where there is none."""
        while True:
            try:
                return await self._ports.recall(self._prefix + key)
            except StorageError:
                await self._ports.clock.sleep(STORAGE_RETRY_S)

    async def put(self, key: str, value: str) -> None:
        """Write a text; returns when it is durably stored."""
        while True:
            try:
                await self._ports.remember(self._prefix + key, value)
            except StorageError:
                await self._ports.clock.sleep(STORAGE_RETRY_S)
            else:
                return


Watch: TypeAlias = Callable[[PlayerEvent, str], None]


class Source:
    """One entry of `sources:`."""

    def __init__(
        self, name: str, plugin: type[SourcePlugin], options: SourceOptions, rules: Rules, ports: Ports
    ) -> None:
        self.name = name
        self.options = options
        self._plugin_type = plugin
        self._ports = ports
        self._log = structlog.get_logger("source", source=name)
        self._said: set[str] = set()
        self._reasons: set[str] = set()  # why it is gone, as far as that was said
        self._began_ms = 0
        self.watchers: list[Watch] = []
        self.intake = SourceIntake(name, options, plugin.traits, rules)
        self.health = Health(name=name, type=options.type, state="enabled", since_utc_ms=ports.clock.now().utc_ms)
        context = Context(
            source=name,
            clock=ports.clock,
            log=self._log,
            emit=self._emit,
            reachable=self._reachable,
            http=ports.http,
            memory=SourceMemory(name, ports),
        )
        self.plugin = plugin(options, context)

    def new_rules(self, rules: Rules) -> None:
        """Take over a changed configuration of accounts and filters."""
        self.intake = SourceIntake(self.name, self.options, self._plugin_type.traits, rules)

    @property
    def is_hook(self) -> bool:
        """Whether it has an address of its own on our HTTP server."""
        return isinstance(self.plugin, HookPlugin)

    @property
    def is_listener(self) -> bool:
        """Whether it goes to its player by itself; a source may be this and a hook."""
        return isinstance(self.plugin, ListenerPlugin) and self.plugin.listens()

    async def take(self, event: PlayerEvent, telling: Telling = "live") -> None:
        """Take in one event; returns when it is stored or is none of ours. Raises StorageError."""
        self._works()
        self.health = replace(self.health, heard_utc_ms=self._ports.clock.now().utc_ms)
        decision = self.intake.admit(event, self._ports.hidden())
        words = decision.reason if isinstance(decision, Refused) else decision.ignored
        for watch in list(self.watchers):
            watch(event, words)
        if isinstance(decision, Refused):
            if decision.once and decision.once not in self._said:
                self._said.add(decision.once)
                hint = f"`scrobbler test {self.name}` shows who; add them to `users:` of this source, or map them to []"
                self._log.info("user is not mapped", why=decision.reason, hint=hint)
            return
        await self._ports.hear(replace(decision, telling=telling))

    async def _emit(self, event: PlayerEvent, telling: Telling = "live") -> None:
        """Store a listener's event however long it takes: a player does not repeat itself."""
        said = ""
        while True:
            try:
                await self.take(event, telling)
            except StorageError as error:
                if str(error) != said:
                    said = str(error)
                    self._log.warning("storage", error=said)
                await self._ports.clock.sleep(STORAGE_RETRY_S)
            else:
                return

    def _reachable(self, up: bool, why: str = "") -> None:  # noqa: FBT001 - the public shape of Context.reachable
        self._works()
        if self.health.reachable is up:
            if not up and why not in ("", self.health.problem):
                self.health = replace(self.health, problem=why)
                if why not in self._reasons:
                    self._reasons.add(why)
                    self._log.info("source is still gone", why=why)
            return
        self._reasons = {why}
        first = self.health.reachable is None
        self.health = replace(self.health, reachable=up, problem=why, since_utc_ms=self._ports.clock.now().utc_ms)
        if not up:
            self._log.warning("source is gone", why=why)
        elif not first:
            self._log.info("source is back")
        if not up or not first:
            self._ports.contact(self.name, up)

    def _works(self) -> None:
        """Take back that the listener fails, once it runs again for a while and says something."""
        ran_ms = self._ports.clock.now().mono_ms - self._began_ms
        if self.health.state == "failing" and ran_ms >= RECOVERED_S * 1000:
            self.health = replace(self.health, state="enabled", problem="")
            self._log.info("source works again")

    def _answered(self) -> None:
        """A source that only answers look-ups has nothing else that would say that it is back."""
        if self.health.reachable is False and not self.is_listener:
            self._reachable(True)

    async def run(self) -> None:
        """Run a listener until cancelled; if it fails, start it again, later and later."""
        if not isinstance(self.plugin, ListenerPlugin):
            return
        failures = 0
        while True:
            self._began_ms = self._ports.clock.now().mono_ms
            try:
                await self.plugin.run()
                problem = "its listener ended"
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - one broken source never disturbs another
                problem = f"{type(error).__name__}: {error}"
            if self._ports.clock.now().mono_ms - self._began_ms >= RECOVERED_S * 1000:
                failures = 0
            failures += 1
            if self.health.state != "failing":
                self._log.error("source fails", problem=problem)
            self.health = replace(self.health, state="failing", problem=problem)
            wait_s = RESTART_S[min(failures, len(RESTART_S)) - 1]
            await self._ports.clock.sleep(wait_s * (0.9 + 0.2 * self._ports.random.random()))

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the plugin; None: it has nothing to ask, or nothing is known. Raises UnansweredError."""
        if type(self.plugin).lookup is SourcePlugin.lookup:
            return None
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                facts = await self.plugin.lookup(event)
        except (HttpError, TimeoutError) as error:
            self._reachable(False, in_words(error))
            raise UnansweredError(in_words(error)) from error
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            self._log.warning("look-up failed", problem=problem)
            raise UnansweredError(problem) from error
        if facts is not None:
            self._answered()
        return facts

    def why_not(self, item: Item | None, *, path: str | None, library: str | None) -> str:
        """Say what speaks against a play; empty: nothing."""
        return self.intake.why_not(item, path=path, library=library)

    @property
    def remembers(self) -> bool:
        """Whether it can be asked for plays of the time when we were away."""
        return type(self.plugin).missed is not SourcePlugin.missed

    async def catch_up(self, since_utc_ms: int) -> int | None:
        """Ask for plays since then and take them in. Returns until when the source has now been asked; None: it failed."""
        asked_utc_ms = self._ports.clock.now().utc_ms
        try:
            async with asyncio.timeout(CATCH_UP_TIMEOUT_S):
                events = await self.plugin.missed(datetime.fromtimestamp(since_utc_ms / 1000, UTC))
        except (HttpError, TimeoutError) as error:
            self._reachable(False, in_words(error))
            return None
        except Exception as error:  # noqa: BLE001
            self._log.warning("catching up failed", problem=f"{type(error).__name__}: {error}")
            return None
        self._answered()
        for event in events:
            if event.at is not None and utc_ms(event.at) > since_utc_ms:
                await self._emit(event, "remembered")
        if events:
            self._log.info("caught up", plays=len(events))
        return asked_utc_ms

    async def check(self) -> Sequence[Any]:
        """Let the plugin prove itself, for `doctor`."""
        return await self.plugin.check()
