"""Finds the plugins: every entry point ends in a visible state, and a broken one never stops the daemon (design.md 3)."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.api import HookPlugin, ListenerPlugin, SourcePlugin
from scrobbler.config.kinds import SourceKind

GROUP = "scrobbler.plugins"

Finding: TypeAlias = Literal["usable", "import failed", "no plugin", "refused"]


class Found(Struct, frozen=True, kw_only=True):
    """One name in the group of entry points, and what became of it. `plugin` is None unless it is usable."""

    name: str
    distributions: tuple[str, ...]
    finding: Finding
    plugin: type[SourcePlugin] | None = None
    problem: str = ""


def discover(points: Iterable[EntryPoint]) -> dict[str, Found]:
    """Load every entry point, by name."""
    by_name: dict[str, list[EntryPoint]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    return {name: _load(name, rivals) for name, rivals in sorted(by_name.items())}


def _load(name: str, rivals: list[EntryPoint]) -> Found:
    distributions = tuple(sorted({point.dist.name if point.dist else "unknown" for point in rivals}))
    if len(distributions) > 1:
        problem = f"the plugin name {name} is claimed by {' and '.join(distributions)}; uninstall one of them"
        return Found(name=name, distributions=distributions, finding="refused", problem=problem)
    try:
        loaded = rivals[0].load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        problem = f"{type(error).__name__}: {error}"
        return Found(name=name, distributions=distributions, finding="import failed", problem=problem)
    if not (isinstance(loaded, type) and issubclass(loaded, HookPlugin | ListenerPlugin)):
        problem = f"{rivals[0].value} is neither a HookPlugin nor a ListenerPlugin of scrobbler.api"
        return Found(name=name, distributions=distributions, finding="no plugin", problem=problem)
    return Found(name=name, distributions=distributions, finding="usable", plugin=loaded)


@cache
def installed() -> dict[str, Found]:
    """Load the plugins that are installed here, once."""
    return discover(entry_points(group=GROUP))


def kinds() -> dict[str, SourceKind]:
    """List the source types that a configuration may name, with their option models."""
    found = {}
    for name, one in installed().items():
        if one.plugin is not None:
            optional = getattr(one.plugin, "users_optional", False)
            knows_users = None if optional else one.plugin.traits.knows_users
            found[name] = SourceKind(options=one.plugin.Options, knows_users=knows_users)
    return found
