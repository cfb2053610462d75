"""What can be wrong with a configuration, and where; all of it is collected before anything is said."""

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from msgspec import Struct

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys, and indexes (from 0) of list items."""

_PLAIN_KEY = re.compile(r"[\w*@ /+-]+")


class Place(NamedTuple):
    """A line and a column of the file, both from 1. Line 0 means the file as a whole."""

    line: int = 0
    column: int = 0


class Problem(Struct, frozen=True):
    """One thing that is wrong. As text: `file:line:column: path: what is wrong, what is allowed`.

    `line` and `column` count from 1; `line` 0 means the file as a whole. `path` is empty where no setting is meant.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds all that is wrong, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Findings:
    """Collects problems and warnings of one file."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, path: KeyPath, place: Place, message: str) -> None:
        """Note something that makes the configuration unusable."""
        self.problems.append(Problem(self.file_name, place.line, place.column, path_text(path), message))

    def warn(self, path: KeyPath, place: Place, message: str) -> None:
        """Note something that works, but that its owner should change."""
        self.warnings.append(Problem(self.file_name, place.line, place.column, path_text(path), message))

    def stop_if_wrong(self) -> None:
        """Raise ConfigError with all problems so far, in the order of the file, each once."""
        if self.problems:
            unique = dict.fromkeys(self.problems)
            raise ConfigError(sorted(unique, key=lambda problem: (problem.line, problem.column)))


def path_text(path: KeyPath) -> str:
    """Write a path as messages and documentation show it: `sources.plex.users.Bob[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = part if _PLAIN_KEY.fullmatch(part) else quoted(part)
        text = f"{text}.{shown}" if text else shown
    return text


def quoted(text: str) -> str:
    """Quote a piece of the file for a message: one line, no control characters, not too long."""
    clean = "".join(char if char.isprintable() else "�" for char in text)
    return f'"{clean if len(clean) <= 60 else clean[:57] + "…"}"'


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `, did you mean "x"?` when one of the choices is near; otherwise nothing."""
    import difflib  # needed only when something is wrong

    by_folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f", did you mean {quoted(by_folded[near[0]])}?" if near else ""


def listed(words: Iterable[str], *, last: str = "or") -> str:
    """Join words as a sentence does: `a, b or c`."""
    *front, end = list(words) or ["nothing"]
    return f"{', '.join(front)} {last} {end}" if front else end
