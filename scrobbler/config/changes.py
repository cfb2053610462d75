"""What differs between two configurations, and what each difference does to a running daemon."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from scrobbler.config.models import Config, Effect
from scrobbler.config.problems import KeyPath, path_text
from scrobbler.config.typeinfo import fields_of, unwrap


class Change(Struct, frozen=True):
    """One setting that changed. `path` names it; values are left out, they may be secrets."""

    path: str
    effect: Effect


class Changes(Struct, frozen=True, kw_only=True):
    """All that changed.

    `added`, `removed` and `restarted` name sources; everything else about them goes on. Changes with effect `live` count as
    soon as the new configuration is in use; those with `daemon` wait for a restart.
    """

    changes: tuple[Change, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def live(self) -> tuple[str, ...]:
        """Paths of the settings that count at once."""
        return tuple(change.path for change in self.changes if change.effect == "live")

    @property
    def daemon(self) -> tuple[str, ...]:
        """Paths of the settings that count after a restart of the daemon."""
        return tuple(change.path for change in self.changes if change.effect == "daemon")


def diff(old: Config, new: Config) -> Changes:
    """Compare two configurations. Pure."""
    before, after = old.sources, new.sources
    changes = [change for change in _compare(old, new, (), "live") if not change.path.startswith("sources")]
    restarted: list[str] = []
    for name in before.keys() & after.keys():
        found = list(_compare(before[name], after[name], ("sources", name), "source"))
        changes += found
        if any(change.effect == "source" for change in found):
            restarted.append(name)
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changes += [Change(path_text(("sources", name)), "source") for name in added | removed]
    return Changes(
        changes=tuple(sorted(changes, key=lambda change: change.path)),
        added=tuple(sorted(added)),
        removed=tuple(sorted(removed)),
        restarted=tuple(sorted(restarted)),
    )


def _compare(old: Any, new: Any, path: KeyPath, effect: Effect) -> Iterator[Change]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, Struct) and type(old) is type(new):
        for setting in fields_of(type(old)):
            own = unwrap(setting.type)[1].effect or effect
            yield from _compare(
                getattr(old, setting.name), getattr(new, setting.name), (*path, setting.name), _effect(own)
            )
    elif path == ("accounts",) and isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            yield from _compare(old.get(name), new.get(name), (*path, name), effect)
    else:
        yield Change(path_text(path), effect)


def _effect(text: str) -> Effect:
    match text:
        case "live" | "source" | "daemon":
            return text
        case _:
            raise ValueError(f"{text!r} is no effect: live, source or daemon")
