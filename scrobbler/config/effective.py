"""The configuration as it counts, as YAML, with secrets masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct, UnsetType, inspect, structs

from scrobbler.config.paths import state_dir
from scrobbler.config.typeinfo import NO_TRAITS, Traits, alternatives, fields_of
from scrobbler.config.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrobbler.config.loader import Loaded

MASK = "********"
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")


def effective_yaml(loaded: Loaded, env: Mapping[str, str]) -> str:
    """Write the configuration with all defaults in it, where it came from on top, and secrets as asterisks.

    What is left out and has no value of its own (`users`, a token) stays left out.
    """
    config = structs.replace(loaded.config, state_dir=str(state_dir(loaded.config, env)))
    text: str = yaml.dump(
        plain(config),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=10_000,
    )
    return f"# from {loaded.file}\n{text}"


def plain(value: Struct) -> dict[str, Any]:
    """Give a model as plain data as the file would have it, with secrets masked and what is not set left out."""
    return {
        setting.name: _shown(found, setting.type)
        for setting in fields_of(type(value))
        if not isinstance(found := getattr(value, setting.attribute), UnsetType)
    }


def _shown(value: Any, kind: inspect.Type, outer: Traits = NO_TRAITS) -> Any:
    choices = alternatives(kind, outer)
    if isinstance(value, Struct):
        return plain(value)
    if isinstance(value, dict):
        inner = next((found for found, _ in choices if isinstance(found, inspect.DictType)), None)
        return {key: _shown(one, inner.value_type if inner else kind) for key, one in value.items()}
    if isinstance(value, list | tuple):
        found = next((one for one in choices if isinstance(one[0], inspect.CollectionType)), None)
        if found is None:
            return [_shown(one, inspect.AnyType()) for one in value]
        item = found[0]
        assert isinstance(item, inspect.CollectionType)
        return [_shown(one, item.item_type, Traits(secret=found[1].secret)) for one in value]
    if value in ("", None):
        return value
    if any(traits.secret for _, traits in choices):
        return MASK
    if any(traits.duration for _, traits in choices):
        return format_duration(value)
    if isinstance(value, str):
        return _PASSWORD.sub(rf"\1:{MASK}@", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as people write them, and never writes aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True
