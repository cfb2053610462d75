"""All configured sources: made from the configuration, asked by the resolver, opened to hooks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from scrobbler.api import Facts, HookOptions, HookPlugin, Item, PlayerEvent, SourceOptions
from scrobbler.config.models import Config
from scrobbler.config.thresholds import watched_percent
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.hooks.ports import HookSource
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from scrobbler.sources.registry import installed, obstacle
from scrobbler.sources.secrets import SecretsError, hook_secrets
from scrobbler.sources.source import Health, Ports, Source, SourceState

log = structlog.get_logger("sources")


def rules_of(config: Config) -> Rules:
    """Take from the configuration what concerns every source."""
    return Rules(
        accounts={
            name: AccountPolicy(
                account=name,
                movie_percent=watched_percent(config, name, "movie"),
                episode_percent=watched_percent(config, name, "episode"),
                rewatch=account.rewatch,
            )
            for name, account in config.accounts.items()
        },
        ignore_paths=config.ignore.paths,
        ignore_titles=config.ignore.titles,
        shorter_than_ms=int(config.ignore.shorter_than * 1000),
    )


class SourceSet:
    """The sources of the house, by name. A source whose plugin is broken is kept as a bad state, nothing more."""

    def __init__(self, state_dir: Path, ports: Ports) -> None:
        self._state_dir = state_dir
        self._ports = ports
        self._sources: dict[str, Source] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}
        self._broken: dict[str, Health] = {}

    def add(self, name: str, options: SourceOptions, rules: Rules) -> None:
        """Make one source."""
        found = installed().get(options.type)
        problem = "no plugin of this type is installed" if found is None else found.problem
        if not options.enabled:
            self._leave_out(name, options, "disabled", "`enabled: false`")
            return
        if found is None or found.plugin is None:
            self._leave_out(name, options, "import failed", problem)
            return
        problem = obstacle(found.plugin)
        if problem:
            self._leave_out(name, options, "self-check failed", problem)
            return
        try:
            source = Source(name, found.plugin, options, rules, self._ports)
        except Exception as error:  # noqa: BLE001 - a stranger's constructor may raise anything
            self._leave_out(name, options, "bad options", f"{type(error).__name__}: {error}")
            return
        if isinstance(source.plugin, HookPlugin):
            assert isinstance(options, HookOptions)
            try:
                self._secrets[name] = hook_secrets(self._state_dir, name, options)
            except SecretsError as error:
                self._leave_out(name, options, "self-check failed", str(error))
                return
        self._sources[name] = source

    def _leave_out(self, name: str, options: SourceOptions, state: SourceState, problem: str) -> None:
        since_utc_ms = self._ports.clock.now().utc_ms
        self._broken[name] = Health(
            name=name, type=options.type, state=state, problem=problem, since_utc_ms=since_utc_ms
        )
        if state != "disabled":
            log.error("source cannot start", source=name, type=options.type, state=state, problem=problem)

    def remove(self, name: str) -> None:
        """Forget one source."""
        self._sources.pop(name, None)
        self._secrets.pop(name, None)
        self._broken.pop(name, None)

    def new_rules(self, rules: Rules) -> None:
        """Let every source know changed accounts and filters."""
        for source in self._sources.values():
            source.new_rules(rules)

    def serve(self, supervisor: Supervisor, name: str) -> None:
        """Start a source's listener, if it has one."""
        source = self._sources.get(name)
        if source is not None and source.is_listener:
            supervisor.serve(f"source {name}", source.run)

    def __iter__(self) -> Iterator[Source]:
        return iter(list(self._sources.values()))

    def get(self, name: str) -> Source | None:
        """Find a source that works."""
        return self._sources.get(name)

    def health(self) -> Sequence[Health]:
        """Say how every source is."""
        return [one.health for one in self._sources.values()] + list(self._broken.values())

    def secrets(self, name: str) -> tuple[str, ...]:
        """Give the secrets of a hook."""
        return self._secrets.get(name, ())

    async def lookup(self, source: str, event: PlayerEvent) -> Facts | None:
        """Ask a source for what its event lacks."""
        one = self._sources.get(source)
        return None if one is None else await one.lookup(event)

    def why_not(self, source: str, item: Item | None, *, path: str | None, library: str | None) -> str:
        """Say what speaks against a play; empty: nothing."""
        one = self._sources.get(source)
        return "" if one is None else one.why_not(item, path=path, library=library)

    def source(self, name: str) -> HookSource | None:
        """Find a source that takes hooks."""
        one = self._sources.get(name)
        if one is None or not isinstance(one.plugin, HookPlugin):
            return None
        return HookSource(plugin=one.plugin, secrets=self._secrets[name])

    async def take(self, source: str, events: Sequence[PlayerEvent]) -> None:
        """Store all events of one hook. Raises StorageError."""
        one = self._sources.get(source)
        if one is not None:
            for event in events:
                await one.take(event)
