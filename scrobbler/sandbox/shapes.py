"""Media objects in and out (simkl-api.md 3): reading what a client names, writing what was found."""

import re
from collections.abc import Mapping
from typing import Any

from scrobbler.sandbox.catalogue import Container, EpisodeInfo, Item, Kind, Title, Wanted
from scrobbler.sandbox.switches import Switches

_WHOLE = re.compile(r"-?[0-9]{1,18}")

KEYS: dict[Kind, str] = {"movie": "movie", "tv": "show", "anime": "anime"}


def number_of(value: object) -> int | None:
    """Read a whole number that may have come as text; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON array; anything else counts as an empty one."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def read_title(container: Container, media: Mapping[str, Any]) -> Wanted:
    """Read which title a media object names."""
    ids = dict(mapping(media.get("ids")))
    if "simkl" not in ids and "simkl_id" in ids:
        ids["simkl"] = ids["simkl_id"]
    title = media.get("title")
    return Wanted(
        container=container,
        title=title if isinstance(title, str) else "",
        year=number_of(media.get("year")),
        ids=ids,
    )


def read_episode(container: Container, media: Mapping[str, Any], episode: Mapping[str, Any]) -> Wanted:
    """Read which episode of which title is named."""
    title = read_title(container, media)
    return Wanted(
        container=container,
        title=title.title,
        year=title.year,
        ids=title.ids,
        season=number_of(episode.get("season")),
        number=number_of(episode.get("number")),
        episode_ids=mapping(episode.get("ids")),
        has_episode=True,
    )


def ids_out(title: Title) -> dict[str, Any]:
    """Write the ids: `simkl` a number, everything else a string."""
    return {"simkl": title.simkl, "slug": title.slug, **title.ids}


def title_out(title: Title) -> dict[str, Any]:
    """Write a title as most answers carry it."""
    return {"title": title.title, "year": title.year, "ids": ids_out(title)}


def episode_out(episode: EpisodeInfo, switches: Switches, number_key: str = "number") -> dict[str, Any]:
    """Write an episode, with its place at TVDB where there is one."""
    out: dict[str, Any] = {"season": episode.season, number_key: episode.number, "title": episode.title}
    own = (episode.season, episode.number)
    place = (episode.tvdb_season, episode.tvdb_number)
    if episode.tvdb_number is not None and (switches.tvdb_numbers == "always" or place != own):
        out["tvdb_season"], out["tvdb_number"] = place
    return out


def item_out(
    item: Item, switches: Switches, sent_as: Container | None = None, number_key: str = "number"
) -> dict[str, Any]:
    """Write an item as its keys in an answer: `movie`, or `show`/`anime` with `episode`."""
    key = KEYS[item.title.kind]
    if item.title.kind == "anime" and sent_as is not None and switches.anime_key == "as_sent":
        key = sent_as
    out: dict[str, Any] = {key: title_out(item.title)}
    if item.episode is not None:
        out["episode"] = episode_out(item.episode, switches, number_key)
    return out


def plain_number(value: float) -> float | int:
    """Write a percentage as Simkl does: at most two decimals, `75` instead of `75.00`."""
    rounded = round(value, 2)
    return int(rounded) if rounded.is_integer() else rounded
