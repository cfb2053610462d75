"""Which file a log names: its key, how it is shown, and why it is no play of ours (players.md 10)."""

import re
from typing import NamedTuple

from scrobbler.api import File, Skip
from scrobbler.api.location import kind_of, locate, locate_url, scheme_of, without_password

VIDEO = re.compile(
    r"\.(3gp|asf|avi|divx|flv|iso|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|ogm|ogv|rm|rmvb|ts|vob|webm|wmv)$", re.IGNORECASE
)

# Kodi's own addresses: of files, and of what its add-ons and servers stream (players.md 4.4).
_KODI_FILES = frozenset({"special", "zip", "rar"})
_KODI_STREAMS = frozenset({"plugin", "upnp"})
_KODI_SERVERS = re.compile(r"plugin\.video\.(jellyfin|emby|plex|jellycon|embycon|composite_for_plex)", re.IGNORECASE)


class Media(NamedTuple):
    """What plays: the name it keeps from line to line, the item, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def media_of(path: str, title: str = "") -> Media:
    """Name a file, a share's file or a stream. Passwords and queries of addresses are left out."""
    path = clean(path)
    scheme = scheme_of(path)
    if scheme in _KODI_FILES:
        plain = without_password(path)
        return Media(plain, File(path=plain, title=title), kind_of(plain))
    there = locate_url(path) if scheme == "file" else locate(path)
    skip = there.skip
    if scheme in _KODI_STREAMS:
        skip = "server_stream" if _KODI_SERVERS.search(path) else "web_stream"
    elif there.place == "disc":  # every disc has the same path, and no log has more
        skip = "unknown_type"
    return Media(there.key, File(path=there.path, title=title), skip)


def clean(text: str) -> str:
    """Make text fit for JSON and eyes: no control characters, no broken halves of characters."""
    readable = text.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(char for char in readable if char >= " " and char != "\x7f")
