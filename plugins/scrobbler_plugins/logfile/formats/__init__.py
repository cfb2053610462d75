"""The formats of logs, each a reader of lines: pure, without files, clocks or network."""

from scrobbler_plugins.logfile.formats.access import AccessFormat
from scrobbler_plugins.logfile.formats.emby import EmbyFormat
from scrobbler_plugins.logfile.formats.jellyfin import JellyfinFormat
from scrobbler_plugins.logfile.formats.kodi import KodiFormat
from scrobbler_plugins.logfile.formats.mpc import MpcFormat
from scrobbler_plugins.logfile.formats.mpv import MpvFormat
from scrobbler_plugins.logfile.formats.own import OwnFormat
from scrobbler_plugins.logfile.formats.plex import PlexFormat
from scrobbler_plugins.logfile.parse import LineFormat

FORMATS: dict[str, type[LineFormat]] = {
    "plex": PlexFormat,
    "jellyfin": JellyfinFormat,
    "emby": EmbyFormat,
    "kodi": KodiFormat,
    "mpv": MpvFormat,
    "mpc": MpcFormat,
    "access": AccessFormat,
    "own": OwnFormat,
}
"""What reads a log, by the name in `format`; `own` is what a `pattern` is read with."""
