"""What plays outside of Kodi's library: a file, a disc, a stream, live TV; and what is no play of ours (players.md 4.2, 4.4)."""

import hashlib
import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from scrobbler.api import File, Item, Movie, Skip
from scrobbler.api.location import kind_of, locate, scheme_of
from scrobbler_plugins.kodi.fields import text, whole, year
from scrobbler_plugins.kodi.items import episode, read_ids, show

_LOGIN = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)
_NESTED = frozenset({"bluray", "udf", "iso9660", "zip", "rar", "archive", "dvd"})
_SHARE = frozenset(
    {"smb", "nfs", "sftp", "ssh", "ftp", "ftps", "dav", "davs", "special", "removable", "file", "upnp", "stack"}
)
_TUNERS = frozenset({"hdhomerun", "tuxbox", "myth", "slingbox"})
_SERVERS = re.compile(
    r"plugin://[^/]*(plugin\.video\.(jellyfin|emby|plex|composite)|script\.plex|plugin\.service\.emby)", re.IGNORECASE
)
_CLIPS = re.compile(r"plugin://[^/]*(youtube|vimeo|dailymotion|trailer)", re.IGNORECASE)
_DISC_TAIL = re.compile(r"/(?:BDMV(?:/.*)?|VIDEO_TS(?:/.*)?|HVDVD_TS(?:/.*)?|PLAYLIST/.*|index\.bdmv)$", re.IGNORECASE)
_KINDS: dict[str, Skip] = {
    "song": "music",
    "album": "music",
    "artist": "music",
    "musicvideo": "music",
    "channel": "live_tv",
    "picture": "photo",
}


class Media(NamedTuple):
    """What plays: the name that it keeps from event to event, how it is shown, and why it is no play of ours."""

    key: str
    item: Item
    skip: Skip | None = None
    path: str = ""
    duration_ms: int | None = None


def skip_of(kind: str) -> Skip | None:
    """Tell why an item of this `type` is no play; None for films, episodes, and what Kodi only guesses."""
    return _KINDS.get(kind)


def loose(answer: Any, title: str = "") -> Media:
    """Name what `Player.GetItem` tells of an item that is not in the library.

    Its `type` is a guess, so a file goes by its path. An add-on describes what it plays: that is believed where it is
    enough to find the title by.
    """
    url = text(answer, "file") or text(answer, "mediapath")
    label = text(answer, "title") or text(answer, "label") or title
    kind = text(answer, "type")
    where = place(url)
    shown = File(path=where or label, title=label if label != where.rsplit("/", 1)[-1] else "")
    key = key_of(url) if url else f"title:{label}"
    scheme = scheme_of(url)
    if (skip := skip_of(kind) or _why_not(scheme, url)) is not None:
        told = skip == "web_stream" and scheme == "plugin" and not _CLIPS.match(url)
        described = _described(answer) if told else None
        return Media(key, described or shown, None if described else skip, where)
    if scheme == "upnp":  # its address names nothing, but the server of it does
        return Media(key, _described(answer) or File(path=label), None, where)
    return Media(key, shown, None, where)


def place(url: str) -> str:
    """Return the path in an address of Kodi's that says what it is: without login, query and what lies inside a disc."""
    path = url.split(" , ", 1)[0].removeprefix("stack://") if url.startswith("stack://") else url
    while (scheme := scheme_of(path)) in _NESTED:
        outer, _, inner = path[len(scheme) + 3 :].partition("/")
        opened = unquote(outer)
        if "/" not in opened and "\\" not in opened:  # a drive, or the disc in it
            break
        archive = scheme in ("zip", "rar", "archive") and inner
        path = f"{opened.rstrip('/')}/{unquote(inner)}" if archive else opened
    path = _LOGIN.sub(r"\1", path).replace("\\", "/")
    if not _is_file(scheme) or scheme == "upnp" or "|" in path:
        path = re.split(r"[?|#]", path, maxsplit=1)[0]
    return _DISC_TAIL.sub("", path.rstrip("/")) or path


def key_of(url: str) -> str:
    """Name a file for as long as it stays what it is; two that differ only in what must not be shown stay two."""
    where = place(url)
    return where if where == url else f"{where}#{hashlib.sha256(url.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _is_file(scheme: str) -> bool:
    return not scheme or scheme in _NESTED or scheme in _SHARE


def _why_not(scheme: str, url: str) -> Skip | None:
    if _is_file(scheme):
        return kind_of(place(url))
    if scheme in _TUNERS:
        return "live_tv"
    if scheme != "plugin":
        return locate(url).skip
    if _SERVERS.match(url):
        return "server_stream"
    return "trailer" if _CLIPS.match(url) and "trailer" in url.lower() else "web_stream"


def _described(answer: Any) -> Item | None:
    """Read what an add-on says of its own item, if it is enough: an episode's numbers, or a film's year or ids."""
    if text(answer, "showtitle") and whole(answer, "season") is not None:
        # Whose ids an add-on gives with an episode is anybody's guess: the numbers and the title say enough.
        found = episode({**answer, "uniqueid": {}, "imdbnumber": ""}, show({"title": answer.get("showtitle")}))
        if found is not None:
            return found
    if text(answer, "type") in ("movie", "unknown", "video", "movies") and not text(answer, "showtitle"):
        ids, name = read_ids(answer), text(answer, "title")
        if name and (ids or year(answer)):
            return Movie(title=name, year=year(answer), ids=ids)
    return None
