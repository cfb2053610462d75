"""From what Kodi and its add-on know of a title to a film or an episode of ours: pure (players.md 4.3, 4.5)."""

import re
from collections.abc import Iterable
from typing import Any

from scrobbler.api import Episode, Ids, Movie, Show
from scrobbler_plugins.kodi.fields import date, node, text, whole, year

_SCHEMES = {
    "imdb": "imdb",
    "tmdb": "tmdb",
    "themoviedb": "tmdb",
    "tvdb": "tvdb",
    "thetvdb": "tvdb",
    "anidb": "anidb",
    "anilist": "anilist",
    "mal": "mal",
    "myanimelist": "mal",
    "kitsu": "kitsu",
}
_IMDB = re.compile(r"tt\d{5,12}")


def read_ids(values: Any, key: str = "uniqueid") -> Ids:
    """Read the ids of a title.

    `unknown` is an id of which the scraper did not say whose it is, and `imdbnumber` holds the default id, whosever that is:
    both are believed only where they look as IMDb's do and no other does (players.md 4.3 item 4).
    """
    found: dict[str, str] = {}
    for name, value in node(values, key).items():
        scheme = _SCHEMES.get(str(name).lower())
        cleaned = _clean(scheme, text({"id": value}, "id")) if scheme else ""
        if scheme and cleaned:
            found.setdefault(scheme, cleaned)
    for guess in (text(node(values, key), "unknown"), text(values, "imdbnumber")):
        if "imdb" not in found and _IMDB.fullmatch(guess):
            found["imdb"] = guess
    return Ids(**found)  # type: ignore[arg-type]


def movie(row: Any) -> Movie:
    """Read a film of the library."""
    return Movie(title=text(row, "title") or text(row, "label"), year=year(row), ids=read_ids(row))


def show(row: Any) -> Show:
    """Read a series of the library."""
    return Show(title=text(row, "title") or text(row, "label"), year=year(row), ids=read_ids(row))


def episode(row: Any, series: Show | None, others: Iterable[Any] = ()) -> Episode | None:
    """Read an episode of the library; `others` are the episodes in the same file, itself among them or not.

    None where Kodi knows no number: a season or number of -1 is none, while 0 is one (players.md 4.3 item 2).
    """
    season, named = whole(row, "season"), whole(row, "episode")
    if named is None:
        return None
    there = {named: row}
    for other in others:
        if whole(other, "season") == season and (its := whole(other, "episode")) is not None:
            there.setdefault(its, other)
    first = last = named
    while first - 1 in there:
        first -= 1
    while last + 1 in there:
        last += 1
    begins = there[first]
    full = series or Show()
    return Episode(
        show=Show(title=full.title or text(row, "showtitle"), year=full.year, ids=full.ids),
        season=season,
        number=first,
        last_number=last if last > first else None,
        title=text(begins, "title") or text(begins, "label"),
        ids=read_ids(begins),
        aired=date(begins, "firstaired"),
        native=is_native(full.ids, season),
    )


def is_native(ids: Ids, season: int | None) -> bool:
    """Tell whether a series is numbered as an anime catalogue does it: no other knows it, and it is its first season."""
    anime = bool(ids.anidb or ids.mal or ids.anilist or ids.kitsu)
    return anime and not (ids.tvdb or ids.tmdb or ids.imdb) and season in (None, 0, 1)


def _clean(scheme: str, value: str) -> str:
    if scheme == "imdb":
        return value if _IMDB.fullmatch(value) else ""
    return value.lstrip("0") if value.isascii() and value.isdecimal() and len(value) <= 12 else ""
