"""From what Jellyfin sends to a film or an episode. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from scrobbler.api import Episode, Ids, Movie, Show, Skip
from scrobbler_plugins.jellyfin.fields import Fields

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
    "musicalbum": "music",
    "musicvideo": "music",
    "audiobook": "music",
    "video": "home_video",
    "trailer": "trailer",
    "photo": "photo",
    "livetvchannel": "live_tv",
    "livetvprogram": "live_tv",
    "tvchannel": "live_tv",
    "program": "live_tv",
    "recording": "live_tv",
}


def skip_of(item_type: str) -> Skip | None:
    """Tell why an item of this class is not a play of ours; class `Video` is home videos and extras (players.md 2.1)."""
    kind = item_type.lower()
    return None if kind in ("movie", "episode") else _SKIPS.get(kind, "unknown_type")


def read_ids(pairs: Iterable[tuple[str, str]]) -> Ids:
    """Read ids by the provider's key; values set by hand carry junk or nothing (players.md 2.5 item 6)."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        scheme = _SCHEMES.get(key.lower())
        if scheme and (cleaned := _clean(scheme, value)):
            found.setdefault(scheme, cleaned)
    return Ids(**found)


def read_event_item(fields: Fields) -> Movie | Episode | None:
    """Read the item of a webhook: ids of an episode are its own, its `Year` is the series' (players.md 2.5 items 1, 2)."""
    ids = read_ids(fields.starting("Provider_"))
    match fields.text("ItemType").lower():
        case "movie":
            return Movie(title=fields.name("Name"), year=fields.whole("Year") or None, ids=ids)
        case "episode":
            return Episode(
                show=Show(
                    title=fields.name("SeriesName"), year=fields.whole("Year") or _year(fields, "SeriesPremiereDate")
                ),
                season=fields.whole("SeasonNumber"),
                number=fields.whole("EpisodeNumber"),
                last_number=_last(fields.whole("EpisodeNumber"), fields.whole("EpisodeNumberEnd")),
                title=fields.name("Name"),
                ids=ids,
                aired=_date(fields, "PremiereDate"),
            )
    return None


def read_server_item(fields: Fields) -> Movie | Episode | None:
    """Read an item as the server's own API has it; here `ProductionYear` of an episode is the episode's."""
    ids = read_ids(fields.node("ProviderIds").starting(""))
    match fields.text("Type").lower():
        case "movie":
            return Movie(title=fields.text("Name"), year=fields.whole("ProductionYear") or None, ids=ids)
        case "episode":
            return Episode(
                show=Show(title=fields.text("SeriesName")),
                season=fields.whole("ParentIndexNumber"),
                number=fields.whole("IndexNumber"),
                last_number=_last(fields.whole("IndexNumber"), fields.whole("IndexNumberEnd")),
                title=fields.text("Name"),
                ids=ids,
                aired=_date(fields, "PremiereDate"),
            )
    return None


def read_series(fields: Fields) -> Show:
    """Read a series as the server's own API has it."""
    return Show(
        title=fields.text("Name"),
        year=fields.whole("ProductionYear") or None,
        ids=read_ids(fields.node("ProviderIds").starting("")),
    )


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
    return replace(episode, show=full, native=episode.native or native)


def fuller(known: Movie | Episode, found: Movie | Episode) -> Movie | Episode:
    """Fill the gaps of an item from another reading of the same item."""
    if isinstance(known, Movie) and isinstance(found, Movie):
        return Movie(title=known.title or found.title, year=known.year or found.year, ids=known.ids.merged(found.ids))
    if isinstance(known, Episode) and isinstance(found, Episode):
        unnumbered = known.season is None and known.number is None
        base = found if unnumbered else known
        return replace(
            known,
            show=with_show(known, found.show).show,
            season=base.season,
            number=base.number,
            last_number=base.last_number,
            title=known.title or found.title,
            ids=known.ids.merged(found.ids),
            aired=known.aired or found.aired,
        )
    return known


def _clean(scheme: str, value: str) -> str | None:
    if scheme == "imdb":
        found = re.search(r"tt\d{5,12}", value.lower())
        return found.group() if found else None
    bare = value.strip().strip("/")
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= 12):
        return None
    return bare.lstrip("0") or None


def _last(number: int | None, last: int | None) -> int | None:
    return last if number is not None and last is not None and last > number else None


def _date(fields: Fields, key: str) -> str | None:
    found = re.match(r"\d{4}-\d{2}-\d{2}", fields.text(key))
    return found.group() if found and not found.group().startswith("0001") else None


def _year(fields: Fields, key: str) -> int | None:
    date = _date(fields, key)
    return int(date[:4]) if date else None
