"""Tautulli as the daemon meets it: notifications filled from the template that we ship."""

import json
import re
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "docs" / "players" / "tautulli-template.json"

_COMMON = {
    "unixtime": "1772651733",
    "user": "Alice K",
    "username": "alice",
    "user_id": "1234567",
    "player": "Living Room",
    "machine_id": "abc123-player",
    "server_machine_id": "0f0f0f0f",
    "live": "0",
    "preroll": "0",
}
_FILM = {
    "media_type": "movie",
    "library_name": "Movies",
    "section_id": "1",
    "title": "The Example",
    "year": "2014",
    "duration_ms": "6000000",
    "guid": "plex://movie/5d0000000000000000000009",
    "imdb_id": "tt0000009",
    "themoviedb_id": "9100009",
    "file": "/media/films/The Example (2014)/film.mkv",
    "rating_key": "4001",
}
_EPISODE = {
    "media_type": "episode",
    "library_name": "TV",
    "section_id": "2",
    "title": "Example Show - Part 2",
    "year": "2021",
    "show_name": "Example Show",
    "show_year": "2019",
    "episode_name": "Part 2",
    "season_num": "1",
    "episode_num": "2",
    "air_date": "2021-04-11",
    "duration_ms": "1500000",
    "guid": "plex://episode/5d0000000000000000000002",
    "imdb_id": "tt0000100",
    "thetvdb_id": "9300100",
    "themoviedb_id": "9000100",
    "file": "/media/tv/Example Show/Season 1/Example Show - S01E02.mkv",
    "rating_key": "5012",
}


def film(**changes: str) -> dict[str, str]:
    """Return what Tautulli knows of a film."""
    return {**_COMMON, **_FILM, **changes}


def episode(**changes: str) -> dict[str, str]:
    """Return what Tautulli knows of an episode; its ids are those of the series."""
    return {**_COMMON, **_EPISODE, **changes}


def filled(action: str, item: dict[str, str] | None = None, **changes: str) -> dict[str, str]:
    """Fill the shipped template as Tautulli does: each parameter by its text, an absent one by nothing."""
    values = {**(item or film()), "action": action, **changes}
    template: dict[str, str] = json.loads(TEMPLATE.read_text())
    return {key: re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], ""), text) for key, text in template.items()}
