"""Finds the plugins: every entry point ends in a visible state, and a broken one never stops the daemon."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.api import HookOptions, HookPlugin, ListenerPlugin, SourceOptions, SourcePlugin, Traits
from scrobbler.config.kinds import SourceKind, SourceKinds
from scrobbler.config.typeinfo import fields_of

GROUP = "scrobbler.plugins"

Finding: TypeAlias = Literal["usable", "import failed", "no plugin", "refused"]


class Found(Struct, frozen=True, kw_only=True):
    """One name in the group of entry points, and what became of it. `plugin` is None unless it is usable."""

    name: str
    distributions: tuple[str, ...]
    finding: Finding
    plugin: type[SourcePlugin] | None = None
    problem: str = ""


class Shelf(Mapping[str, Found]):
    """What became of each entry point, by name. A plugin is loaded when it is first looked at, so only who uses it pays."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in points:
            self._points.setdefault(point.name, []).append(point)
        self._found: dict[str, Found] = {}

    def __getitem__(self, name: str) -> Found:
        if name not in self._found:
            self._found[name] = _load(name, self._points[name])
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._points))

    def __len__(self) -> int:
        return len(self._points)


def _load(name: str, rivals: list[EntryPoint]) -> Found:
    distributions = tuple(sorted({point.dist.name if point.dist else "unknown" for point in rivals}))

    def broken(finding: Finding, problem: str) -> Found:
        return Found(name=name, distributions=distributions, finding=finding, problem=problem)

    if len(distributions) > 1:
        claims = " and ".join(distributions)
        return broken("refused", f"the plugin name {name} is claimed by {claims}; uninstall one of them")
    try:
        loaded = rivals[0].load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        return broken("import failed", f"{type(error).__name__}: {error}")
    problem = _misfit(loaded)
    if problem:
        return broken("no plugin", f"{rivals[0].value} {problem}")
    return Found(name=name, distributions=distributions, finding="usable", plugin=loaded)


def _misfit(loaded: object) -> str:
    """Say what an entry point lacks to be a plugin; empty: nothing."""
    if not (isinstance(loaded, type) and issubclass(loaded, HookPlugin | ListenerPlugin)):
        return "is neither a HookPlugin nor a ListenerPlugin of scrobbler.api"
    if not isinstance(getattr(loaded, "traits", None), Traits):
        return "has no `traits` that are a scrobbler.api.Traits"
    options = getattr(loaded, "Options", None)
    wanted: type[SourceOptions] = HookOptions if issubclass(loaded, HookPlugin) else SourceOptions
    if not (isinstance(options, type) and issubclass(options, wanted)):
        return f"has no `Options` that are a subclass of scrobbler.api.{wanted.__name__}"
    try:
        fields_of(options)
    except Exception as error:  # noqa: BLE001 - types that nobody can read from a file
        return f"has `Options` that cannot be read from a file: {error}"
    return ""


def obstacle(plugin: type[SourcePlugin]) -> str:
    """Ask a plugin whether it can work on this machine; empty: it can."""
    try:
        return plugin.obstacle()
    except Exception as error:  # noqa: BLE001 - a stranger's code
        return f"its self-check failed: {type(error).__name__}: {error}"


@cache
def installed() -> Shelf:
    """Find the plugins that are installed here, once."""
    return Shelf(entry_points(group=GROUP))


def kinds() -> SourceKinds:
    """List the source types that a configuration may name, with their option models.

    A type whose plugin is broken is among them, with its problem: one plugin must not make the whole file unusable.
    """
    return _Kinds(installed())


class _Kinds(Mapping[str, SourceKind]):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def __getitem__(self, name: str) -> SourceKind:
        return _kind(self._shelf[name])

    def __contains__(self, name: object) -> bool:
        return name in self._shelf

    def __iter__(self) -> Iterator[str]:
        return iter(self._shelf)

    def __len__(self) -> int:
        return len(self._shelf)


def _kind(found: Found) -> SourceKind:
    if found.plugin is None:
        return SourceKind(options=SourceOptions, knows_users=None, problem=found.problem)
    optional = getattr(found.plugin, "users_optional", False)
    return SourceKind(options=found.plugin.Options, knows_users=None if optional else found.plugin.traits.knows_users)
