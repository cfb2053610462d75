"""The types of settings as msgspec tells them: what is special about them, and how they are named to people."""

from functools import cache
from typing import Any, NamedTuple

from msgspec import NODEFAULT, UNSET, inspect

from scrobbler.config.problems import listed
from scrobbler.config.values import format_duration

ARRAYS = (inspect.CollectionType, inspect.TupleType)
MAPPINGS = (inspect.StructType, inspect.DictType)


class Traits(NamedTuple):
    """What `Meta` says beyond the type."""

    description: str = ""
    secret: bool = False
    duration: bool = False
    effect: str = ""


NO_TRAITS = Traits()


class Setting(NamedTuple):
    """One field of a model. `name` is the key in the file, `attribute` the field's name in Python."""

    name: str
    attribute: str
    type: inspect.Type
    required: bool
    default: Any
    """UNSET where there is none."""


@cache
def fields_of(model: type) -> tuple[Setting, ...]:
    """List the fields of a model, in its order."""
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    return tuple(Setting(f.encode_name, f.name, f.type, f.required, _default(f)) for f in info.fields)


def _default(field: inspect.Field) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return UNSET if field.default_factory is NODEFAULT else field.default_factory()


def unwrap(kind: inspect.Type, outer: Traits = NO_TRAITS) -> tuple[inspect.Type, Traits]:
    """Take the `Meta` off a type; what is secret outside is secret inside."""
    traits = outer
    while isinstance(kind, inspect.Metadata):
        extra = kind.extra or {}
        traits = Traits(
            description=traits.description or str((kind.extra_json_schema or {}).get("description", "")),
            secret=traits.secret or bool(extra.get("secret")),
            duration=traits.duration or bool(extra.get("duration")),
            effect=traits.effect or str(extra.get("effect", "")),
        )
        kind = kind.type
    return kind, traits


def alternatives(kind: inspect.Type, outer: Traits = NO_TRAITS) -> list[tuple[inspect.Type, Traits]]:
    """List the types that a value may have: those of a union, or the type itself; without their `Meta`."""
    inner, traits = unwrap(kind, outer)
    if isinstance(inner, inspect.UnionType):
        return [found for one in inner.types for found in alternatives(one, traits)]
    return [(inner, traits)]


def is_secret(kind: inspect.Type) -> bool:
    """Tell whether a type is, or in a union or list contains, a secret text."""
    return any(
        traits.secret or (isinstance(inner, inspect.CollectionType) and is_secret(inner.item_type))
        for inner, traits in alternatives(kind)
    )


def takes_list(kind: inspect.Type) -> bool:
    """Tell whether a value of this type may be a list."""
    return any(isinstance(inner, ARRAYS) for inner, _ in alternatives(kind))


def twin(name: str) -> str:
    """Name the key that takes a secret from a file."""
    return f"{name}_file"


def keys_of(model: type) -> list[str]:
    """List all keys that a mapping of this model may have, the `_file` twins of secrets included."""
    keys: list[str] = []
    for setting in fields_of(model):
        keys.append(setting.name)
        if is_secret(setting.type):
            keys.append(twin(setting.name))
    return keys


def bounds(kind: inspect.Type) -> tuple[float | None, float | None, bool, bool]:
    """Give the least and the greatest number allowed, and whether each of them is itself excluded."""
    if not isinstance(kind, inspect.IntType | inspect.FloatType):
        return None, None, False, False
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    return low, high, kind.ge is None and kind.gt is not None, kind.le is None and kind.lt is not None


def named(kind: inspect.Type, outer: Traits = NO_TRAITS) -> str:
    """Say what a value of this type may be: `a number from 1 to 100, or a mapping of movie and episode`."""
    return listed((_named_one(inner, traits) for inner, traits in alternatives(kind, outer)), last="or")


_NAMES: dict[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.StrType: "a text",
    inspect.DictType: "a mapping of names to values",
    inspect.NoneType: "nothing",
}


def _named_one(kind: inspect.Type, traits: Traits) -> str:
    match kind:
        case inspect.FloatType() | inspect.IntType():
            whole = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return f"{'a duration such as 90s, 5m, 1h or 14d' if traits.duration else whole}{_range(kind, traits)}"
        case inspect.LiteralType():
            return listed(str(value) for value in kind.values)
        case inspect.EnumType():
            return listed(str(member.value) for member in kind.cls)
        case inspect.StructType():
            return f"a mapping with {listed(keys_of(kind.cls), last='and')}"
        case inspect.CollectionType():
            items = {"a text": "texts", "a whole number": "whole numbers"}.get(named(kind.item_type), "values")
            return f"a list of {items}"
        case _:
            return _NAMES.get(type(kind), "a value")


def _range(kind: inspect.Type, traits: Traits) -> str:
    low, high, above, below = bounds(kind)

    def shown(number: float) -> str:
        return format_duration(number) if traits.duration else f"{number:g}"

    if low is not None and high is not None and not above and not below:
        return f" from {shown(low)} to {shown(high)}"
    words = []
    if low is not None:
        words.append(f" {'above' if above else 'of at least'} {shown(low)}")
    if high is not None:
        words.append(f" {'below' if below else 'of at most'} {shown(high)}")
    return " and".join(words)
