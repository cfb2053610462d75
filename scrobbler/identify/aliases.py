"""Names under which one film or episode is known, so that reports of different sources meet. Pure.

The rule. Two reports speak of the same work when they share an alias that is strong on both sides. An alias that is `weak`
on either side joins two plays only while both run, at the same time, for the same account; it never makes two works one for
ever. And whatever they share, works that `contradicts` tells apart stay apart.
"""

import re
import unicodedata
from collections.abc import Iterator

from msgspec import Struct

from scrobbler.api import Episode, Ids, Movie, Work
from scrobbler.identify.tags import contradict, imdb_id

_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ħ": "h",
        "ŧ": "t",
        "&": " and ",
        "+": " and ",
    }
)
_APOSTROPHES = re.compile("['`\u2018\u2019\u02bc\u00b4]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_BETWEEN = re.compile(r"[\W_]+")
_ARTICLE = re.compile(r"^(?:the|a|an) (?!(?:the|a|an)$)(?=.)")
_YEAR_BEHIND = re.compile(r"^(?P<title>.*\S)\s*[(\[](?P<year>(?:19|20)\d\d)[)\]]\s*$")
_NATIVE = frozenset({"anidb", "mal", "anilist", "kitsu"})


class Alias(Struct, frozen=True):
    """One name of a work, such as `Alias("show:tvdb", "400001/2/5")`. `weak`: see the module's rule."""

    scheme: str
    value: str
    weak: bool = False


def normal_title(title: str) -> str:
    """Reduce a title to what two catalogues agree on: no case, accents, punctuation or leading article; `&` is `and`.

    A country suffix stays (`The Office (US)` is `office us`): it tells shows apart.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", title).casefold())
    text = unicodedata.normalize("NFKC", _ACCENTS.sub("", text)).translate(_LETTERS)
    text = _BETWEEN.sub(" ", _APOSTROPHES.sub("", text)).strip()
    return _ARTICLE.sub("", text) or " ".join(title.casefold().split())


def aliases(work: Work) -> tuple[Alias, ...]:
    """Return every alias of a work, the strongest first, each once."""
    found = _movie(work) if isinstance(work, Movie) else _episode(work)
    unique: dict[tuple[str, str], Alias] = {}
    for alias in found:
        unique.setdefault((alias.scheme, alias.value), alias)
    return tuple(unique.values())


def contradicts(one: Work, other: Work) -> bool:
    """Say whether two works cannot be the same, whatever aliases they share.

    A film is no episode. Ids of one scheme that differ, while none agrees, tell titles apart; without a shared id, years that
    differ do. Episodes of one show differ by season and number where both count the same way.
    """
    if isinstance(one, Movie) and isinstance(other, Movie):
        return _titles_differ(one.ids, other.ids, _year(one.title, one.year), _year(other.title, other.year))
    if isinstance(one, Episode) and isinstance(other, Episode):
        if _share(one.ids, other.ids):
            return False
        mine, theirs = one.show, other.show
        if _titles_differ(mine.ids, theirs.ids, _year(mine.title, mine.year), _year(theirs.title, theirs.year)):
            return True
        if None in (one.season, other.season, one.number, other.number) or one.native != other.native:
            return False
        return one.season != other.season or not _overlap(one, other)
    return True


def _titles_differ(one: Ids, other: Ids, year: int | None, other_year: int | None) -> bool:
    if _share(one, other):
        return False
    return contradict(one, other) or (year is not None and other_year is not None and year != other_year)


def _share(one: Ids, other: Ids) -> bool:
    return bool(set(_clean(one)) & set(_clean(other)))


def _last(episode: Episode) -> int | None:
    """Return the last number of a file with several episodes; a last number before the first one is none."""
    if episode.number is None or episode.last_number is None:
        return episode.number
    return max(episode.number, episode.last_number)


def _overlap(one: Episode, other: Episode) -> bool:
    first, second = one.number or 0, other.number or 0
    return first <= (_last(other) or second) and second <= (_last(one) or first)


def _clean(ids: Ids) -> Iterator[tuple[str, str]]:
    """Yield ids as every source would write them: imdb with `tt`, no spaces, no zeros for nothing."""
    for scheme, value in ids.pairs():
        if scheme == "imdb":
            if known := imdb_id(value):
                yield scheme, known
        elif value.strip().strip("0"):
            yield scheme, value.strip()


def _movie(movie: Movie) -> Iterator[Alias]:
    for scheme, value in _clean(movie.ids):
        yield Alias(f"movie:{scheme}", value)
    title, year = _plain(movie.title), _year(movie.title, movie.year)
    if not title:
        return
    if year is not None:
        yield Alias("movie:title", f"{title}/{year}")
    yield Alias("movie:title", title, weak=True)


def _episode(episode: Episode) -> Iterator[Alias]:
    titles = tuple(_show_titles(episode))
    shows = (*((f"show:{scheme}", value, False) for scheme, value in _clean(episode.show.ids)), *titles)
    by_id, by_title = shows[: len(shows) - len(titles)], titles
    several = _last(episode) != episode.number
    for scheme, value, weak in by_id:
        yield from _places(episode, scheme, value, weak=weak)
    for scheme, value in _clean(episode.ids):
        yield Alias(f"episode:{scheme}", value, weak=several)  # servers give the ids of the first part
    for scheme, value, weak in by_title:
        yield from _places(episode, scheme, value, weak=weak)


def _show_titles(episode: Episode) -> Iterator[tuple[str, str, bool]]:
    """A title with its year pins a show; a title alone does so only where nothing better is known."""
    show = episode.show
    title, year = _plain(show.title), _year(show.title, show.year)
    if not title:
        return
    if year is not None:
        yield "show:title", f"{title} {year}", False
    yield "show:title", title, year is not None or bool(show.ids)


def _places(episode: Episode, scheme: str, show: str, *, weak: bool) -> Iterator[Alias]:
    """Yield where in the show the episode stands: season and number, absolute number, or the day it was aired.

    A file with several episodes is a work of its own (`2/5-6`) and touches each of its parts weakly.
    """
    number, last = episode.number, _last(episode)
    if number is not None:
        native = scheme.removeprefix("show:") in _NATIVE
        # An anime catalogue's id is one season already: `1` and no season mean the same there.
        season = "-" if episode.season is None or (native and episode.season == 1) else str(episode.season)
        if last is not None and last > number:
            yield Alias(scheme, f"{show}/{season}/{number}-{last}", weak=weak)
            for part in range(number, min(last, number + 50) + 1):
                yield Alias(scheme, f"{show}/{season}/{part}", weak=True)
        else:
            yield Alias(scheme, f"{show}/{season}/{number}", weak=weak)
            if episode.season is None and not native:  # the same file is S01E05 to a server
                yield Alias(scheme, f"{show}/1/{number}", weak=True)
    if episode.aired:
        # Whole seasons come out on one day, so a date decides only where it is all there is.
        yield Alias(scheme, f"{show}/{episode.aired[:10]}", weak=weak or number is not None)


def _plain(title: str) -> str:
    match = _YEAR_BEHIND.match(title)
    return normal_title(match["title"] if match else title)


def _year(title: str, year: int | None) -> int | None:
    if year:
        return year
    match = _YEAR_BEHIND.match(title)
    return int(match["year"]) if match else None
