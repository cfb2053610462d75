"""Single values of the file, read as their type wants them."""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import inspect

from scrobbler.config.problems import did_you_mean, quoted
from scrobbler.config.tree import NULL_TEXTS, Node, Scalar, Sequence
from scrobbler.config.tree import Mapping as MappingNode
from scrobbler.config.typeinfo import Traits, bounds, named
from scrobbler.config.values import (
    ValueProblemError,
    expand,
    has_variable,
    parse_boolean,
    parse_duration,
    parse_integer,
    parse_number,
)

_PASSWORD = re.compile(r"://[^/\s]*@")


class Bare(NamedTuple):
    """A value of a type that only msgspec can judge."""

    value: Any


def read(
    node: Scalar,
    kind: inspect.Type,
    choices: list[tuple[inspect.Type, Traits]],
    env: Mapping[str, str],
    *,
    literal: bool,
) -> Any:
    """Read a scalar as the first type that takes it. Raises ValueProblemError.

    `literal`: the text is a name, so that `null` and `~/x` stay what they are.
    """
    filled = has_variable(node.text)
    text = expand(node.text, env)
    if node.empty and (not literal or not node.text):
        if any(isinstance(inner, inspect.NoneType) for inner, _ in choices):
            return None
        quotes = f", or put {quoted(node.text)} in quotes" if node.text else ""
        raise ValueProblemError(f"has no value; give it one, leave the key out{quotes}")
    problems: list[ValueProblemError] = []
    # Numbers before texts: a union of both wants `80` as a number.
    for inner, traits in sorted(choices, key=lambda choice: isinstance(choice[0], inspect.StrType)):
        try:
            value = _read_one(text, inner, traits, env, loose=node.plain or filled, literal=literal)
        except ValueProblemError as problem:
            problems.append(problem)
        else:
            if value is not None:
                return value
    if len(problems) == 1:
        raise problems[0]
    raise ValueProblemError(f"must be {named(kind)}")


def _read_one(
    text: str, kind: inspect.Type, traits: Traits, env: Mapping[str, str], *, loose: bool, literal: bool
) -> Any:
    match kind:
        case inspect.StrType():
            return _checked_text(text if literal or traits.secret else _at_home(text, env), kind)
        case inspect.LiteralType():
            return _literal(text, kind)
        case inspect.FloatType() if traits.duration:
            return _in_range(parse_duration(text), kind, traits)
        case inspect.FloatType() | inspect.IntType() | inspect.BoolType() if not loose:
            raise ValueProblemError(f"must be {named(kind, traits)}, without quotes")
        case inspect.FloatType():
            return _in_range(_or_named(parse_number, text, kind, traits), kind, traits)
        case inspect.IntType():
            return _in_range(_or_named(parse_integer, text, kind, traits), kind, traits)
        case inspect.BoolType():
            return parse_boolean(text)
        case inspect.StructType() | inspect.DictType() | inspect.CollectionType() | inspect.NoneType():
            return None
        case _:
            return Bare(text)


def _or_named(parse: Any, text: str, kind: inspect.Type, traits: Traits) -> Any:
    try:
        return parse(text)
    except ValueProblemError:
        raise ValueProblemError(f"must be {named(kind, traits)}") from None


def _literal(text: str, kind: inspect.LiteralType) -> Any:
    by_text = {str(value): value for value in kind.values}
    if text not in by_text:
        raise ValueProblemError(f"must be {named(kind)}{did_you_mean(text, by_text)}")
    return by_text[text]


def _in_range(number: float, kind: inspect.Type, traits: Traits) -> float:
    low, high, above, below = bounds(kind)
    if low is not None and (number < low or (above and number == low)):
        raise ValueProblemError(f"must be {named(kind, traits)}")
    if high is not None and (number > high or (below and number == high)):
        raise ValueProblemError(f"must be {named(kind, traits)}")
    return number


def _checked_text(text: str, kind: inspect.StrType) -> str:
    if kind.min_length is not None and len(text) < kind.min_length:
        raise ValueProblemError(f"must have at least {kind.min_length} characters, it has {len(text)}")
    if kind.max_length is not None and len(text) > kind.max_length:
        raise ValueProblemError(f"must have at most {kind.max_length} characters, it has {len(text)}")
    if kind.pattern is not None and not re.search(kind.pattern, text):
        raise ValueProblemError(f"must {_in_words(kind.pattern)}")
    if kind.pattern is not None and "://" in kind.pattern and not _names_a_place(text):
        raise ValueProblemError("must name a host behind ://, and a port, if any, from 1 to 65535, as in host:8080")
    return text


def _names_a_place(address: str) -> bool:
    """Tell whether host and port of an address can be; a pattern cannot count."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _in_words(pattern: str) -> str:
    """Say what a pattern wants, where it is one of an address."""
    if pattern.startswith("^http"):
        return "be an address such as http://host:8080, without a user or a password in it"
    schemes = re.match(r"\^\(([a-z|]+)\)://", pattern)
    if schemes is None:
        return f"match {pattern}"
    *others, last = (f"{scheme}://" for scheme in schemes[1].split("|"))
    return f"begin with {', '.join(others)} or {last}, without a user or a password in it"


def expand_text(node: Scalar, env: Mapping[str, str], *, home: bool) -> str:
    """Put in variables and, with `home`, the home directory for a leading `~`. Raises ValueProblemError."""
    text = expand(node.text, env)
    return _at_home(text, env) if home else text


def _at_home(text: str, env: Mapping[str, str]) -> str:
    if text != "~" and not text.startswith("~/"):
        return text
    home = env.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser would clean the pattern after it
    return home + text[1:]


def shown(node: Scalar) -> str:
    """Quote what the file has for a message: variables by name, since their values may be secrets."""
    return f"is {quoted(_PASSWORD.sub('://…@', node.text))}, it "


def bare(node: Node) -> Any:
    """Give a part of the tree as plain data, for types that only msgspec can judge."""
    if isinstance(node, Scalar):
        return None if node.plain and node.text in NULL_TEXTS else node.text
    if isinstance(node, Sequence):
        return [bare(item) for item in node.items]
    assert isinstance(node, MappingNode)
    return {entry.key: bare(entry.node) for entry in node.entries}


def python_type(kind: inspect.Type) -> Any:
    """Find the Python type behind an inspected one, as far as msgspec.convert has to judge it."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return getattr(kind, "cls", Any)
