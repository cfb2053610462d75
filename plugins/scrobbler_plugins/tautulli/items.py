"""From what Tautulli sends to a film or an episode. Pure."""

import re
from typing import Any

from scrobbler.api import Episode, Ids, Movie, Show, Skip
from scrobbler.api.servers.plex.guids import read_guid
from scrobbler.api.servers.plex.items import meant
from scrobbler_plugins.tautulli.fields import Fields

LIVE_SECTION = "999999"
_SCHEMES = {"imdb": "imdb_id", "tmdb": "themoviedb_id", "tvdb": "thetvdb_id"}
_TRAILER = ("1", "trailer")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def skip_of(fields: Fields) -> Skip | None:
    """Tell why an item is not a play of ours; None when it may be one (players.md 10)."""
    kind = fields.text("media_type").lower()
    if kind in ("track", "album", "artist"):
        return "music"
    if kind == "photo":
        return "photo"
    if fields.flag("preroll") or "prerolls://" in fields.text("guid"):
        return "preroll"
    guid = fields.text("guid").lower()
    live = fields.flag("live") or fields.text("section_id") == LIVE_SECTION
    if live or guid.startswith(("tv.plex.xmltv", "tv.plex.providers.epg")):
        return "live_tv"
    if extra := fields.text("extra_type").lower():
        return "trailer" if extra in _TRAILER else "extra"
    if kind == "movie" and guid.startswith(("com.plexapp.agents.none://", "tv.plex.agents.none://")):
        return "home_video"
    if kind == "clip":
        return "extra"
    return None if kind in ("movie", "episode") else "unknown_type"


def read_item(fields: Fields) -> Movie | Episode | None:
    """Read a film or an episode. The ids of an episode are those of its series, the opposite of Plex (players.md 1.9)."""
    match fields.text("media_type").lower():
        case "movie":
            return Movie(title=fields.text("title"), year=fields.whole("year") or None, ids=_ids(fields))
        case "episode":
            return _episode(fields)
    return None


def _episode(fields: Fields) -> Episode:
    """Read an episode; the numbers of HAMA's modes and of DVD orders are not always what Simkl reads in them (1.7)."""
    guid = read_guid(fields.text("guid"), "episode")
    aired = fields.text("air_date")
    season, number = meant(fields.whole("season_num"), fields.whole("episode_num"), guid.order, aired)
    show = Show(
        title=fields.text("show_name"),
        year=fields.whole("show_year") or None,
        ids=Ids(anidb=guid.show.anidb).merged(_ids(fields)),
    )
    return Episode(
        show=show,
        season=season,
        number=number,
        title=fields.text("episode_name"),
        aired=aired if _DATE.fullmatch(aired) else None,
        native=guid.order == "native",
    )


def _ids(fields: Fields) -> Ids:
    found: dict[str, Any] = {}
    for scheme, key in _SCHEMES.items():
        value = fields.text(key).lower()
        if scheme == "imdb" and re.fullmatch(r"tt\d{5,12}", value):
            found[scheme] = value
        elif scheme != "imdb" and value.isascii() and value.isdecimal() and len(value) <= 12:
            found[scheme] = value.lstrip("0") or None
    return Ids(**found)
