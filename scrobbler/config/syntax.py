"""What is meant by libyaml's syntax errors, in a user's words."""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml

from scrobbler.config.problems import Place

MAX_DEPTH = 50
TOO_DEEP = f"is nested too deep, at most {MAX_DEPTH} levels are read"
_QUOTED = re.compile(r"""\"[^\"]*\"|'[^']*'""")
_BARE_IPV6 = re.compile(r"[\[,]\s*::|\[[0-9a-fA-F]*:[0-9a-fA-F:]*\]")


class _Error(NamedTuple):
    problem: str
    context: str
    line: str
    char: str


_RULES: tuple[tuple[Callable[[_Error], bool], str], ...] = (
    (lambda e: "escape" in e.problem, "a `\\` that begins no escape, put the text in single quotes"),
    (
        lambda e: _BARE_IPV6.search(e.line) is not None,
        'an address such as ::1 cannot be read here, put it in quotes: "::1", "[::1]:7465"',
    ),
    (lambda e: "alias" in e.context, 'a `*` that is no alias, put it in quotes: "*"'),
    (
        lambda e: "${" in e.line and ("flow" in e.context or "mapping values" in e.problem),
        'a `${NAME}` inside `{…}` or `[…]` cannot be read, put it in quotes: "${NAME}"',
    ),
    (
        lambda e: "mapping values" in e.problem,
        "a `:` that cannot stand here, check the indentation or put the text in quotes",
    ),
    (
        lambda e: "cannot start any token" in e.problem and e.char.isprintable() and e.char != "",
        "a text cannot begin with this character, put it in quotes",
    ),
    (lambda e: "flow" in e.context, "a `{` or `[` is not closed, or a `,` is missing"),
    (lambda e: "expected ':'" in e.problem, "the text above this has no `:`, a setting is written `name: value`"),
    (
        lambda e: "block mapping" in e.context or "block collection" in e.context or "<document start>" in e.problem,
        "this line is indented unlike its neighbours, keys of one level must stand in one column",
    ),
)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Say where and what is wrong. The file's content itself is not shown, since it may hold secrets."""
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    char = line[place.column - 1 : place.column]
    indent = line[: len(line) - len(line.lstrip())]
    deep = _too_deep(line[: place.column])
    if deep is not None:
        return Place(place.line, deep), TOO_DEEP
    found = _Error(error.problem or "something cannot be read", error.context or "", line, char)
    if "\t" in indent or char == "\t":
        return Place(place.line, line.index("\t") + 1), "a tab, only spaces may indent"
    if "quoted scalar" in found.context and "end of stream" in found.problem and error.context_mark:
        start = error.context_mark
        return Place(start.line + 1, start.column + 1), "a quote opens here and is never closed"
    for applies, meaning in _RULES:
        if applies(found):
            return place, meaning
    return place, f"is not valid YAML: {found.problem}"


def _too_deep(line: str) -> int | None:
    """Give the column where a line of brackets goes deeper than we read.

    libyaml looks ahead for the end of a key, and since 0.2.6 gives up on what it sees there: then no event comes by which the
    tree could tell the depth itself.
    """
    depth = 0
    for index, char in enumerate(_QUOTED.sub(lambda text: " " * len(text.group()), line)):
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH + 1:  # the outermost is level 0
            return index + 1
    return None
