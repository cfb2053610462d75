"""From an item, as the API of Emby and Jellyfin has it, to a film or an episode. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from scrobbler.api.events import Skip
from scrobbler.api.media import Episode, Ids, Movie, Show
from scrobbler.api.servers.mediabrowser.fields import MediaFields

_SCHEMES = {
    "imdb": "imdb",
    "tmdb": "tmdb",
    "tvdb": "tvdb",
    "anidb": "anidb",
    "anilist": "anilist",
    "kitsu": "kitsu",
    "mal": "mal",
    "myanimelist": "mal",
}

_SKIPS: dict[str, Skip] = {
    "audio": "music",
    "audiobook": "music",
    "musicalbum": "music",
    "musicvideo": "music",
    "video": "home_video",
    "photo": "photo",
    "trailer": "trailer",
    "tvchannel": "live_tv",
    "livetvchannel": "live_tv",
    "livetvprogram": "live_tv",
    "program": "live_tv",
    "recording": "live_tv",
}

_EXTRAS: dict[str, Skip] = {"trailer": "trailer", "themesong": "theme", "themevideo": "theme"}


def skip_of_class(item_class: str) -> Skip | None:
    """Tell why an item of this class is no play of ours; class `Video` is home videos and extras (players.md 2.1)."""
    kind = item_class.lower()
    return None if kind in ("movie", "episode") else _SKIPS.get(kind, "unknown_type")


def skip_of(item: MediaFields) -> Skip | None:
    """Tell why an item is no play of ours; None when it may be one (players.md 3.3, 10)."""
    if (extra := item.text("ExtraType").lower()) and extra != "unknown":
        return _EXTRAS.get(extra, "extra")
    if item.has("ChannelId") or item.has("ChannelNumber"):
        return "live_tv"
    skip = skip_of_class(item.text("Type"))
    return "music" if skip == "unknown_type" and item.text("MediaType").lower() == "audio" else skip


def read_ids(pairs: Iterable[tuple[str, str]]) -> Ids:
    """Read ids by the provider's key, whose case varies; values set by hand carry junk or nothing (players.md 2.5 item 6)."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        scheme = _SCHEMES.get(key.lower())
        if scheme and (cleaned := _clean(scheme, value)):
            found.setdefault(scheme, cleaned)
    return Ids(**found)


def read_item(item: MediaFields) -> Movie | Episode | None:
    """Read a film or an episode. `ProviderIds` and `ProductionYear` of an episode are its own, not the series'.

    `SeriesProviderIds` are ids of the series where a server sends them (players.md 3.3 calls that unsure).
    """
    ids = read_ids(item.node("ProviderIds").pairs())
    match item.text("Type").lower():
        case "movie":
            return Movie(title=item.text("Name"), year=item.positive("ProductionYear"), ids=ids)
        case "episode":
            number = item.count("IndexNumber")
            episode = Episode(
                season=item.count("ParentIndexNumber"),
                number=number,
                last_number=last_of(number, item.count("IndexNumberEnd")),
                title=item.text("Name"),
                ids=ids,
                aired=item.date("PremiereDate"),
            )
            series_ids = read_ids(item.node("SeriesProviderIds").pairs())
            return with_show(episode, Show(title=item.text("SeriesName"), ids=series_ids))
    return None


def read_series(item: MediaFields) -> Show:
    """Read a series: here `ProductionYear` is the year it began."""
    ids = read_ids(item.node("ProviderIds").pairs())
    return Show(title=item.text("Name"), year=item.positive("ProductionYear"), ids=ids)


def last_of(number: int | None, last: int | None) -> int | None:
    """Return the last number of a file that holds several episodes; None where it holds one."""
    return last if number is not None and last is not None and last > number else None


def with_show(episode: Episode, show: Show) -> Episode:
    """Complete the series of an episode.

    A series known to anime catalogues alone is numbered as they do: each season its own title. With a later season the
    id can be that of the first, so only a first or missing season, or specials, count as native.
    """
    known = episode.show
    ids = known.ids.merged(show.ids)
    anime = bool(ids.anidb or ids.mal or ids.anilist or ids.kitsu)
    native = anime and not (ids.tvdb or ids.tmdb or ids.imdb) and episode.season in (None, 0, 1)
    full = Show(title=known.title or show.title, year=known.year or show.year, ids=ids)
    return replace(episode, show=full, native=native)


def fuller(known: Movie | Episode, found: Movie | Episode) -> Movie | Episode:
    """Fill the gaps of an item from another reading of the same item."""
    if isinstance(known, Movie) and isinstance(found, Movie):
        return Movie(title=known.title or found.title, year=known.year or found.year, ids=known.ids.merged(found.ids))
    if isinstance(known, Episode) and isinstance(found, Episode):
        base = found if known.season is None and known.number is None else known
        filled = replace(
            known,
            season=base.season,
            number=base.number,
            last_number=base.last_number,
            title=known.title or found.title,
            ids=known.ids.merged(found.ids),
            aired=known.aired or found.aired,
        )
        return with_show(filled, found.show)
    return known


def _clean(scheme: str, value: str) -> str | None:
    if scheme == "imdb":
        found = re.search(r"tt\d{5,12}", value.lower())
        return found.group() if found else None
    bare = value.strip().strip("/")
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= 12):
        return None
    return bare.lstrip("0") or None
