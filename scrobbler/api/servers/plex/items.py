"""From the metadata of Plex to a film or an episode, and to the reason why something is neither. Pure."""

from typing import NamedTuple

from msgspec.structs import replace

from scrobbler.api.events import Skip
from scrobbler.api.media import Episode, Ids, Movie, Show
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.plex.guids import Guid, Level, Order, read_guid, read_list

_TYPES: dict[str, Skip] = {
    "track": "music",
    "album": "music",
    "artist": "music",
    "photo": "photo",
    "photoalbum": "photo",
}
_SECTIONS: dict[str, Skip] = {"artist": "music", "photo": "photo"}
_TRAILER = 1
_FIRST_YEAR = 1900
_DAYS = 366


class Reading(NamedTuple):
    """What metadata describes: the item, or None where it is neither film nor episode, and what was odd about it."""

    item: Movie | Episode | None
    notes: tuple[str, ...] = ()


def skip_of(meta: Fields) -> Skip | None:
    """Tell why an item is not a play of ours; None when it may be one (players.md 1.6 items 8, 9, 10 and 13)."""
    kind = meta.text("type").lower()
    subtype = meta.text("subtype").lower()
    guid = read_guid(meta.text("guid"), _level(kind))
    section = meta.whole("librarySectionID")
    if other := _TYPES.get(kind) or _SECTIONS.get(meta.text("librarySectionType").lower()):
        return other
    if guid.skip == "preroll" or (section is not None and section < 0):
        return "preroll"
    if _is_live(meta) or guid.skip == "live_tv":
        return "live_tv"
    if meta.whole("extraType") == _TRAILER or subtype == "trailer":
        return "trailer"
    if kind == "movie" and subtype == "clip":
        return "home_video"
    if guid.skip:
        return guid.skip
    if kind == "clip" or "extraType" in meta:
        return "extra"
    return None if kind in ("movie", "episode") else "unknown_type"


def read_item(meta: Fields) -> Reading:
    """Read the film or episode that metadata describes.

    Ids of `Guid[]` belong to the item itself, those of an old guid to the series (players.md 1.6 item 4, 1.7).
    """
    kind = meta.text("type").lower()
    listed = read_list(entry.text("id") for entry in meta.nodes("Guid"))
    if kind == "movie":
        guid = read_guid(meta.text("guid"), "movie")
        aired = meta.text("originallyAvailableAt")
        year = meta.positive("year") or (int(aired[:4]) if aired[:4].isdecimal() else None)
        return Reading(Movie(title=meta.text("title"), year=year, ids=listed.ids.merged(guid.item)), listed.notes)
    if kind == "episode":
        return Reading(_episode(meta, listed.ids), listed.notes)
    return Reading(None)


def read_show(meta: Fields) -> Show:
    """Read the series that metadata describes: here `year` is the one it began, and `Guid[]` its own ids."""
    listed = read_list(entry.text("id") for entry in meta.nodes("Guid"))
    guid = read_guid(meta.text("guid"), "show")
    return Show(title=meta.text("title"), year=meta.positive("year"), ids=listed.ids.merged(guid.show))


def fuller(known: Movie | Episode, found: Movie | Episode) -> Movie | Episode:
    """Fill the gaps of an item from another reading of the same item."""
    if isinstance(known, Movie) and isinstance(found, Movie):
        return Movie(title=known.title or found.title, year=known.year or found.year, ids=known.ids.merged(found.ids))
    if isinstance(known, Episode) and isinstance(found, Episode):
        unnumbered = known.season is None and known.number is None and not known.native
        return replace(
            known,
            show=with_show(known, found.show).show,
            season=found.season if unnumbered else known.season,
            number=found.number if unnumbered else known.number,
            native=found.native if unnumbered else known.native,
            title=known.title or found.title,
            ids=known.ids.merged(found.ids),
            aired=known.aired or found.aired,
        )
    return known


def with_show(episode: Episode, show: Show) -> Episode:
    """Complete the series of an episode from the series' own metadata."""
    known = episode.show
    return replace(
        episode,
        show=Show(title=known.title or show.title, year=known.year or show.year, ids=known.ids.merged(show.ids)),
    )


def same_item(known: Movie | Episode, found: Movie | Episode) -> bool:
    """Tell whether two readings can be one item: they share an id, or names and numbers agree."""
    if isinstance(known, Movie) and isinstance(found, Movie):
        return _share(known.ids, found.ids) or _alike(known.title, found.title)
    if isinstance(known, Episode) and isinstance(found, Episode):
        named = (
            _alike(known.show.title, found.show.title) and known.number == found.number and known.season == found.season
        )
        return _share(known.ids, found.ids) or named
    return False


def is_key(key: str) -> bool:
    """Tell whether a rating key may go into an address: digits, nothing that leads elsewhere."""
    return key.isascii() and key.isdecimal()


def first_item(container: Fields) -> Fields | None:
    """Return the one item of a `MediaContainer`, with the library's name, which may stand outside it."""
    for meta in container.nodes("Metadata"):
        return meta.filled(container, ("librarySectionTitle", "librarySectionID"))
    return None


def library_of(meta: Fields) -> str | None:
    """Name the library of an item: by its title, or by its number where the title is missing."""
    return meta.text("librarySectionTitle") or meta.text("librarySectionID") or None


def exact_length(meta: Fields) -> int | None:
    """Return the file's own length in ms: of several versions the longest, as nobody says which one plays."""
    lengths = [length for media in meta.nodes("Media") if (length := media.positive("duration"))]
    return max(lengths, default=None)


def file_of(meta: Fields) -> str | None:
    """Return the path of the item's first file, as the server sees it."""
    for media in meta.nodes("Media"):
        for part in media.nodes("Part"):
            if path := part.text("file"):
                return path
    return None


def _share(one: Ids, other: Ids) -> bool:
    return bool(set(one.pairs()) & set(other.pairs()))


def _alike(one: str, other: str) -> bool:
    return bool(one) and one.casefold() == other.casefold()


def _level(kind: str) -> Level:
    return "movie" if kind == "movie" else "episode"


def _is_live(meta: Fields) -> bool:
    key = meta.text("key")
    if meta.flag("live") or key.startswith("/livetv/"):
        return True
    if any(media.text("origin").lower() == "livetv" for media in meta.nodes("Media")):
        return True
    # Outside every library, and not an item of the server's database either.
    outside = not any(f"librarySection{part}" in meta for part in ("ID", "Key", "Title", "Type"))
    return outside and bool(key) and not key.startswith("/library/")


def _episode(meta: Fields, ids: Ids) -> Episode:
    guid = read_guid(meta.text("guid"), "episode")
    series = read_guid(meta.text("grandparentGuid"), "show")
    season, number = _numbers(meta, guid, meta.text("originallyAvailableAt"))
    return Episode(
        show=Show(title=meta.text("grandparentTitle"), ids=guid.show.merged(series.show)),
        season=season,
        number=number,
        title=meta.text("title"),
        ids=ids.merged(guid.item),
        aired=meta.text("originallyAvailableAt") or None,
        native=guid.order == "native",
    )


def _numbers(meta: Fields, guid: Guid, aired: str) -> tuple[int | None, int | None]:
    season = meta.whole("parentIndex") if guid.season is None else guid.season
    number = meta.whole("index") if guid.number is None else guid.number
    return meant(season, number, guid.order, aired)


def meant(season: int | None, number: int | None, order: Order, aired: str) -> tuple[int | None, int | None]:
    """Return season and number, both None where the numbers do not mean what Simkl would read in them."""
    if order == "unknown" or _by_date(season, number, aired):
        return None, None
    if order in ("native", "absolute") and season != 0:
        return None, number
    return season, number


def _by_date(season: int | None, number: int | None, aired: str) -> bool:
    """Tell a library that numbers by date: the season is a year, the number a date (players.md 1.3)."""
    if season is None or number is None or season < _FIRST_YEAR:
        return False
    month_day = aired[5:7] + aired[8:10]
    return number > _DAYS or (month_day.isdecimal() and number == int(month_day))
