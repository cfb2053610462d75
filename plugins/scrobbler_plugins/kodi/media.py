"""What plays outside of Kodi's library: a file, a disc, a stream, live TV; and what is no play of ours (players.md 4.2, 4.4)."""

import hashlib
import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from scrobbler.api import File, Item, Movie, Skip
from scrobbler_plugins.kodi.fields import text, whole, year
from scrobbler_plugins.kodi.items import episode, read_ids, show

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOGIN = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)
_NESTED = frozenset({"bluray", "udf", "iso9660", "zip", "rar", "archive", "dvd"})
_SHARE = frozenset(
    {"smb", "nfs", "sftp", "ssh", "ftp", "ftps", "dav", "davs", "special", "removable", "hdhomerun", "file", "upnp"}
)
_WEB = frozenset({"http", "https", "rtmp", "rtmpe", "rtmps", "rtmpt", "mms", "mmsh", "hls", "googlevideo"})
_LIVE = frozenset({"pvr", "rtp", "rtsp", "udp", "rtspu", "tuxbox", "myth", "slingbox"})
_SERVER = re.compile(
    r"/library/parts/|/video/:/|/videos/[^/]+/(stream|master|main|live|hls|original)|/emby/|/items/[^/]+/(download|file)"
    r"|plugin\.video\.(jellyfin|emby|plex|composite)|script\.plex|plugin\.service\.emby",
    re.IGNORECASE,
)
_CLIPS = re.compile(r"plugin://[^/]*(youtube|vimeo|dailymotion|trailer)", re.IGNORECASE)
_DISC_TAIL = re.compile(r"/(?:BDMV(?:/.*)?|VIDEO_TS(?:/.*)?|HVDVD_TS(?:/.*)?|PLAYLIST/.*|index\.bdmv)$", re.IGNORECASE)
_AUDIO = re.compile(
    r"\.(aac|ac3|aiff?|alac|ape|dsf|dts|flac|m4[ab]|midi?|mka|mp[23]|og[ag]|opus|wav|wma|wv)$", re.IGNORECASE
)
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
    scheme = _scheme(url)
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
    while (scheme := _scheme(path)) in _NESTED:
        outer, _, inner = path[len(scheme) + 3 :].partition("/")
        opened = unquote(outer)
        if "/" not in opened and "\\" not in opened:  # a drive, or the disc in it
            break
        archive = scheme in ("zip", "rar", "archive") and inner
        path = f"{opened.rstrip('/')}/{unquote(inner)}" if archive else opened
    path = _LOGIN.sub(r"\1", path).replace("\\", "/")
    if _scheme(path) in _WEB | {"plugin", "upnp"} or "|" in path:
        path = re.split(r"[?|#]", path, maxsplit=1)[0]
    return _DISC_TAIL.sub("", path.rstrip("/")) or path


def key_of(url: str) -> str:
    """Name a file for as long as it stays what it is; two that differ only in what must not be shown stay two."""
    where = place(url)
    return where if where == url else f"{where}#{hashlib.sha256(url.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    return match.group(1).lower() if match else ""


def _why_not(scheme: str, url: str) -> Skip | None:
    if not scheme or scheme in _NESTED or scheme in ("stack", *_SHARE):
        return "music" if _AUDIO.search(place(url)) else None
    if scheme in _LIVE:
        return "live_tv"
    if _SERVER.search(url):
        return "server_stream"
    if _CLIPS.match(url):
        return "trailer" if "trailer" in url.lower() else "web_stream"
    return "web_stream" if scheme in _WEB or scheme == "plugin" else "unknown_type"


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
