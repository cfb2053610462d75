"""Plex's guids: what each form says about the item or its series (players.md 1.7)."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from scrobbler.api.events import Skip
from scrobbler.api.media import Ids

Level: TypeAlias = Literal["movie", "episode", "show"]

Order: TypeAlias = Literal[
    "aired",  # the numbers are the usual ones
    "native",  # the numbers are an anime catalogue's own
    "absolute",  # the number counts on through all seasons
    "unknown",  # nobody knows what the numbers count: they must not be used
]


class Guid(Struct, frozen=True, kw_only=True):
    """What one guid tells: ids of the item itself, ids of its series, and how to read its numbers."""

    item: Ids = Ids()
    show: Ids = Ids()
    season: int | None = None
    number: int | None = None
    order: Order = "aired"
    skip: Skip | None = None


class GuidList(NamedTuple):
    """The ids of a `Guid[]` list, and what was odd about it."""

    ids: Ids
    notes: tuple[str, ...]


_NOTHING = Guid()
_LEGACY = "com.plexapp.agents."
_LIST_SCHEMES = frozenset({"imdb", "tmdb", "tvdb", "anidb", "mal", "anilist", "kitsu"})
_HAMA = re.compile(r"(?P<source>anidb|tvdb|tmdb|tsdb|imdb)(?P<mode>\d?)-(?P<value>\w+)")
_NATIVE_NFO = re.compile(r"(?P<source>imdb|tmdb|tvdb)_(?P<value>\w+)")

# HAMA's digit is a numbering mode (players.md 1.7; 12.5 calls their details unsure). `anidb2` to `anidb4` join an id of
# one AniDB entry with TVDB's seasons: neither half can be used with the other, so the id is left out.
_HAMA_ORDERS: dict[tuple[str, str], Order] = {
    ("anidb", ""): "native",
    ("tvdb", "3"): "absolute",
    ("tvdb", "4"): "absolute",
    ("tvdb", "5"): "unknown",
    ("tvdb", "6"): "unknown",
}


def clean_id(scheme: str, value: str) -> str | None:
    """Return an id as its catalogue prints it, or None where it cannot be one."""
    value = value.strip().strip("/").lower()
    if scheme == "imdb":
        return value if re.fullmatch(r"tt\d{5,12}", value) else None
    if not (value.isascii() and value.isdecimal() and len(value) <= 12):
        return None
    return value.lstrip("0") or None


def read_list(entries: Iterable[str]) -> GuidList:
    """Read the entries of `Guid[]`. Two ids of one source may disagree: the first stays (players.md 1.6 item 6)."""
    found: dict[str, Any] = {}
    notes = []
    for entry in entries:
        scheme, _, rest = entry.partition("://")
        scheme = scheme.lower()
        value = clean_id(scheme, rest.partition("?")[0]) if scheme in _LIST_SCHEMES else None
        if value is None:
            continue
        if found.setdefault(scheme, value) != value:
            notes.append(f"two ids of {scheme}: {found[scheme]} stays, {value} is left out")
    return GuidList(Ids(**found), tuple(notes))


def read_guid(text: str, level: Level) -> Guid:
    """Read the `guid` of an item of this level. A form that tells nothing, or an unknown one, gives an empty answer."""
    scheme, found, rest = text.strip().partition("://")
    if not found:
        return _NOTHING
    scheme = scheme.lower()
    parts = [part for part in rest.partition("?")[0].split("/") if part]
    if skip := _skip(scheme, level):
        return Guid(skip=skip)
    if scheme.startswith(_LEGACY):
        reader = _AGENTS.get(scheme.removeprefix(_LEGACY))
        return reader(parts, level) if reader and parts else _NOTHING
    if scheme.startswith("tv.plex.agents.nfo."):
        return _native_nfo(parts, level)
    if scheme in _LIST_SCHEMES and parts:
        return _item(scheme, parts[-1], level)
    return _NOTHING


def _skip(scheme: str, level: Level) -> Skip | None:
    if scheme.startswith(("tv.plex.xmltv", "tv.plex.providers.epg")):
        return "live_tv"
    if scheme.endswith("prerolls"):
        return "preroll"
    if scheme == "iva":
        return "trailer"
    if scheme == "file":
        return "extra"
    if scheme == "mbid":
        return "music"
    if scheme.startswith(f"{_LEGACY}youtube") or scheme.endswith("ytinforeader"):
        return "unknown_type"
    # A film of the personal-media agent is a home video, and would be matched by its title; its series are not.
    if level == "movie" and scheme in (f"{_LEGACY}none", "tv.plex.agents.none"):
        return "home_video"
    return None


def _ids(scheme: str, value: str) -> Ids:
    cleaned = clean_id(scheme, value)
    known: dict[str, Any] = {} if cleaned is None else {scheme: cleaned}
    return Ids(**known)


def _item(scheme: str, value: str, level: Level) -> Guid:
    ids = _ids(scheme, value)
    return Guid(show=ids) if level == "show" else Guid(item=ids)


def _number(parts: list[str], place: int) -> int | None:
    text = parts[place] if len(parts) > place else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _numbered(scheme: str, value: str, parts: list[str], level: Level, order: Order = "aired") -> Guid:
    """Read `ID`, `SHOW/S/E` and the like: an old guid names the series, and the item by its numbers."""
    ids = _ids(scheme, value)
    if level == "movie":
        # A number of TVDB in an old guid is always a series.
        return Guid(item=ids) if scheme != "tvdb" else _NOTHING
    if level == "show":
        return Guid(show=ids, order=order)
    if len(parts) < 3:
        # One id alone on an episode: nobody says whether it is the series or the episode.
        return Guid(order=order)
    return Guid(show=ids, season=_number(parts, 1), number=_number(parts, 2), order=order)


def _agent(scheme: str, order: Order = "aired") -> Callable[[list[str], Level], Guid]:
    return lambda parts, level: _numbered(scheme, parts[0], parts, level, order)


def _nfo(otherwise: str) -> Callable[[list[str], Level], Guid]:
    def read(parts: list[str], level: Level) -> Guid:
        return _numbered("imdb" if parts[0].lower().startswith("tt") else otherwise, parts[0], parts, level)

    return read


def _hama(parts: list[str], level: Level) -> Guid:
    match = _HAMA.fullmatch(parts[0].lower())
    if match is None:
        return Guid(order="unknown")
    source, mode = match["source"], match["mode"]
    if source == "anidb" and mode:
        return _numbered("", "", parts, level)
    if source == "tmdb" and level != "movie":
        # `tmdb-` is a film even in a library of series; its number would be another series.
        return _numbered("", "", parts, level)
    order = _HAMA_ORDERS.get((source, mode), "aired")
    return _numbered("tmdb" if source == "tsdb" else source, match["value"], parts, level, order)


def _native_nfo(parts: list[str], level: Level) -> Guid:
    """Read `movie/tmdb_123` or `episode/tvdb_123`; a season's id says nothing, a bare number has no known source."""
    if not parts or (len(parts) > 1 and parts[0].lower() == "season"):
        return _NOTHING
    last = parts[-1].lower()
    match = _NATIVE_NFO.fullmatch(last)
    scheme, value = (match["source"], match["value"]) if match else ("imdb", last)
    if level == "episode" and len(parts) > 1 and parts[0].lower() in ("show", "series"):
        return Guid(show=_ids(scheme, value))
    return _item(scheme, value, level)


_AGENTS: dict[str, Callable[[list[str], Level], Guid]] = {
    "imdb": _agent("imdb"),
    "themoviedb": _agent("tmdb"),
    "thetvdb": _agent("tvdb"),
    "thetvdbdvdorder": _agent("tvdb", "unknown"),
    "anidb": _agent("anidb", "native"),
    "hama": _hama,
    "xbmcnfo": _nfo("tmdb"),
    "xbmcnfotv": _nfo("tvdb"),
}
