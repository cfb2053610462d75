"""From what Emby sends to a film or an episode. Webhooks, sessions and look-ups have one shape of items. Pure."""

import re
from typing import Any

from msgspec.structs import replace

from scrobbler.api import Episode, Ids, Movie, Show, Skip
from scrobbler_plugins.emby.fields import Fields

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


def skip_of(item: Fields) -> Skip | None:
    """Tell why an item is not a play of ours; None when it may be one (players.md 3.3, 10)."""
    if extra := item.text("ExtraType").lower():
        return _EXTRAS.get(extra, "extra")
    if item.has("ChannelId") or item.has("ChannelNumber"):
        return "live_tv"
    kind = item.text("Type").lower()
    if kind in _SKIPS:
        return _SKIPS[kind]
    if item.text("MediaType").lower() == "audio":
        return "music"
    return None if kind in ("movie", "episode") else "unknown_type"


def read_ids(providers: Fields) -> Ids:
    """Read provider ids; the case of their keys varies, and values set by hand carry junk."""
    found: dict[str, Any] = {}
    for key, value in providers.pairs():
        scheme = _SCHEMES.get(key)
        if scheme and (cleaned := _clean(scheme, value)):
            found.setdefault(scheme, cleaned)
    return Ids(**found)


def read_item(item: Fields) -> Movie | Episode | None:
    """Read a film or an episode. `ProviderIds` and `ProductionYear` of an episode are its own, not the series'.

    `SeriesProviderIds` are ids of the series where a server sends them (players.md 3.3 calls that unsure).
    """
    ids = read_ids(item.node("ProviderIds"))
    match item.text("Type").lower():
        case "movie":
            return Movie(title=item.text("Name"), year=item.whole("ProductionYear") or None, ids=ids)
        case "episode":
            number, last = item.whole("IndexNumber"), item.whole("IndexNumberEnd")
            episode = Episode(
                season=item.whole("ParentIndexNumber"),
                number=number,
                last_number=last if number is not None and last is not None and number < last else None,
                title=item.text("Name"),
                ids=ids,
                aired=_date(item, "PremiereDate"),
            )
            show = Show(title=item.text("SeriesName"), ids=read_ids(item.node("SeriesProviderIds")))
            return with_show(episode, show)
    return None


def read_series(item: Fields) -> Show:
    """Read a series as the server's API has it: here `ProductionYear` is the year it began."""
    return Show(
        title=item.text("Name"),
        year=item.whole("ProductionYear") or None,
        ids=read_ids(item.node("ProviderIds")),
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


def _date(item: Fields, key: str) -> str | None:
    found = re.match(r"(\d{4}-\d{2}-\d{2})", item.text(key))
    return found.group(1) if found and not found.group(1).startswith("0001") else None
