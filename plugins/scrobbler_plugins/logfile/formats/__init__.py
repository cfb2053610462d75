"""The formats of logs, each a reader of lines: pure, without files, clocks or network."""

from importlib import import_module

from scrobbler_plugins.logfile.parse import LineFormat

FORMATS: dict[str, str] = {
    "plex": "PlexFormat",
    "jellyfin": "JellyfinFormat",
    "emby": "EmbyFormat",
    "kodi": "KodiFormat",
    "mpv": "MpvFormat",
    "mpc": "MpcFormat",
    "access": "AccessFormat",
    "own": "OwnFormat",
}
"""What reads a log, by the name in `format`, which is also its module's; `own` is what a `pattern` is read with."""


def format_of(name: str) -> type[LineFormat]:
    """Return the reader of a format; it alone is imported, for a house has one or two kinds of log."""
    found: type[LineFormat] = getattr(import_module(f"{__name__}.{name}"), FORMATS[name])
    return found
