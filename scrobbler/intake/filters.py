"""Which items count: paths, libraries and titles by shell patterns, without regard to case."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from scrobbler.api import Episode, File, Filter, Item, Movie


def matches(value: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the patterns fits the whole value."""
    folded = value.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def lets_in(rule: Filter, value: str) -> bool:
    """Apply `include` and `exclude`; `exclude` wins."""
    if matches(value, rule.exclude):
        return False
    return not rule.include or matches(value, rule.include)


def title_of(item: Item | None) -> str:
    """Name what `ignore.titles` is compared with: the film's or the show's title, or the file's name."""
    match item:
        case Movie(title=title):
            return title
        case Episode(show=show):
            return show.title
        case File(path=path):
            return path.replace("\\", "/").rsplit("/", 1)[-1]
        case None:
            return ""
