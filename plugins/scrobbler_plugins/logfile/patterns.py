"""The user's own pattern: checked before it is used, read into a line's parts."""

import difflib
import importlib
import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

Meaning: TypeAlias = Literal["start", "pause", "resume", "progress", "stop", "end", "watched"]

MEANINGS: tuple[str, ...] = get_args(Meaning)
GROUPS = ("event", "file", "title", "position", "duration", "user", "time")

MAX_LINE = 2000
"""Longer lines are not held against a user's pattern: a slow one would hold up everything."""

MAX_PATTERN = 1000

QUICK_LINE = 120
"""No pattern takes long for a line of so many characters."""

Search: TypeAlias = Callable[[re.Pattern[str], str], re.Match[str] | None]
"""Holds a line against a pattern; may raise TooSlowError."""


class PatternError(Exception):
    """A pattern that cannot be used. The text says what is wrong and what is allowed."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a user's pattern. Raises PatternError."""
    if len(text) > MAX_PATTERN:
        raise PatternError(f"it is longer than {MAX_PATTERN} characters")
    try:
        found = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        place = getattr(error, "pos", None)
        where = "" if place is None else f" at character {place + 1}"
        raise PatternError(f"no regular expression: {getattr(error, 'msg', error)}{where}") from error
    _check_groups(found)
    if _explodes(text):
        raise PatternError(
            "a repetition inside a repetition, such as `(a+)+`, can take for ever on one line; repeat only once"
        )
    return found


class TooSlowError(Exception):
    """A pattern takes too long for a line."""


def search(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Hold a line against a pattern, however long that takes."""
    return pattern.search(line)


def _check_groups(pattern: re.Pattern[str]) -> None:
    groups = set(pattern.groupindex)
    for name in sorted(groups - set(GROUPS)):
        near = difflib.get_close_matches(name, GROUPS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise PatternError(f"the group {name!r} is not known{hint} Groups are {', '.join(GROUPS)}")
    if "event" not in groups:
        raise PatternError("the group `(?P<event>…)` is missing: it holds the word that says what happened")
    if not groups & {"file", "title"}:
        raise PatternError("a group `(?P<file>…)` or `(?P<title>…)` is missing: it says what plays")


def _explodes(text: str) -> bool:
    """Tell whether an unbounded repetition stands inside another: the shape whose time grows exponentially."""
    parser = importlib.import_module("re._parser")  # the only way to see a pattern's shape
    return _nested(parser.parse(text), inside=False)


def _nested(tree: Any, *, inside: bool) -> bool:
    if not isinstance(tree, tuple | list) and not hasattr(tree, "data"):
        return False
    for node in tree.data if hasattr(tree, "data") else tree:
        if not isinstance(node, tuple) or len(node) != 2:
            if _nested(node, inside=inside):
                return True
            continue
        name, value = str(node[0]), node[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, body = value
            many = int(most) > 50
            if many and inside:
                return True
            if _nested(body, inside=inside or many):
                return True
        elif _nested(value, inside=inside):
            return True
    return False
