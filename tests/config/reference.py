"""Lists every setting from the models, as the documentation must have it.

`python -m tests.config.reference` prints the tables for docs/configuration.md.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct, UnsetType, inspect

from scrobbler.api import HookOptions, SourceOptions
from scrobbler.config.kinds import SourceKinds
from scrobbler.config.models import Config
from scrobbler.config.typeinfo import Setting, alternatives, fields_of, is_secret, twin, unwrap
from scrobbler.config.values import format_duration
from scrobbler.sources.registry import kinds

EFFECTS = {"live": "at once", "source": "the source starts anew", "daemon": "after a restart"}


class Row(NamedTuple):
    """One setting: its path in the file, with NAME for names that people choose."""

    path: str
    default: str
    description: str
    effect: str

    @property
    def markdown(self) -> str:
        """The row of a table in the documentation."""
        description = self.description.replace("|", "\\|")
        return f"| `{self.path}` | {self.default} | {description} | {EFFECTS[self.effect]} |"


def core() -> Iterator[Row]:
    """All settings apart from those of sources."""
    for setting in fields_of(Config):
        if setting.name != "sources":
            yield from _rows(setting, setting.name, "")


def of_every_source() -> Iterator[Row]:
    """Settings that each source has."""
    for setting in fields_of(SourceOptions):
        yield from _rows(setting, f"sources.NAME.{setting.name}", "source")


def of_every_hook() -> Iterator[Row]:
    """Settings that a source has which posts to us."""
    common = {setting.name for setting in fields_of(SourceOptions)}
    for setting in fields_of(HookOptions):
        if setting.name not in common:
            yield from _rows(setting, f"sources.NAME.{setting.name}", "source")


def of_type(kinds: SourceKinds, name: str) -> Iterator[Row]:
    """Settings that only this type of source has."""
    common = {setting.name for setting in fields_of(HookOptions)}
    for setting in fields_of(kinds[name].options):
        if setting.name not in common:
            yield from _rows(setting, f"sources.NAME.{setting.name}", "source")


def _rows(setting: Setting, path: str, effect: str) -> Iterator[Row]:
    _, traits = unwrap(setting.type)
    effect = traits.effect or effect
    structs = [inner for inner, _ in alternatives(setting.type) if isinstance(inner, inspect.StructType)]
    mapping = next((inner for inner, _ in alternatives(setting.type) if isinstance(inner, inspect.DictType)), None)
    values = [inner for inner, _ in alternatives(setting.type) if not isinstance(inner, inspect.StructType)]
    if values or effect == "source":
        shown = _default(setting, duration=traits.duration)
        file = f" Or `{twin(setting.name)}`." if is_secret(setting.type) else ""
        yield Row(path, shown, traits.description + file, effect)
    for struct in structs:
        if effect != "source":
            for inner in fields_of(struct.cls):
                yield from _rows(inner, f"{path}.{inner.name}", effect)
    if mapping is not None and isinstance(mapping.value_type, inspect.StructType):
        for inner in fields_of(mapping.value_type.cls):
            yield from _rows(inner, f"{path}.NAME.{inner.name}", "")


def _default(setting: Setting, *, duration: bool) -> str:
    if setting.required:
        return "needed"
    match setting.default:
        case UnsetType() | "" | Struct():
            return "none"
        case True | False as value:
            return f"`{str(value).lower()}`"
        case int() | float() as value:
            return f"`{format_duration(value) if duration else value}`"
        case tuple() | list() as values:
            return f"`[{', '.join(_item(value) for value in values)}]`"
        case value:
            return f"`{value}`"


def _item(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if text.startswith((":", "~", "*")) else text


HEAD = "| Setting | Default | What it does | A change counts |\n|---|---|---|---|"


def main() -> None:
    """Print all tables."""
    found = kinds()
    for title, rows in [
        ("core", core()),
        ("every source", of_every_source()),
        ("hooks", of_every_hook()),
        *((name, of_type(found, name)) for name in sorted(found)),
    ]:
        print(f"\n## {title}\n\n{HEAD}", *(row.markdown for row in rows), sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
