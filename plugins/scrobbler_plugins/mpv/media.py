"""What mpv plays: from its path, title and tracks to an item of ours, or to a reason why it is none (players.md 5.5, 10)."""

import hashlib
import os.path
import re
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from scrobbler.api import File, Skip

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LIVE = frozenset({"dvb", "dvbin", "rtsp", "rtsps", "rtp", "udp", "tv", "pvr", "mms", "mmsh"})
_WEB = frozenset(
    {"http", "https", "ytdl", "rtmp", "rtmps", "rtmpe", "rtmpt", "hls", "magnet", "ipfs", "ipns", "gopher"}
)
_SHARE = frozenset({"smb", "nfs", "sftp", "ftp", "ftps", "dav", "davs", "webdav", "webdavs", "afp"})
_DISC = frozenset({"dvd", "dvdnav", "dvdread", "bd", "bdnav", "br", "bluray"})
_SERVER = re.compile(
    r"/library/parts/|/video/:/|/videos/[^/]+/(stream|master|main|live|hls|original)|/emby/|/livetv/"
    r"|/items/[^/]+/(download|file|playbackinfo)|/audio/[^/]+/(stream|universal)|x-plex-token=",
    re.IGNORECASE,
)
_AUDIO = re.compile(
    r"\.(aac|ac3|aiff?|alac|amr|ape|au|dff|dsf|dts|eac3|flac|m4[ab]|midi?|mka|mod|mp[23c]|og[ag]|opus|ra|tak|tta|wav|wma"
    r"|wv|xm)$",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"\.(avif|bmp|gif|hei[cf]|jpe?g|jxl|p[bgp]m|pcx|png|psd|svg|tga|tiff?|webp)$", re.IGNORECASE)


class Media(NamedTuple):
    """A file in mpv: the name it keeps, how it is shown, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def identify(path: str, folder: str, title: str, tracks: Any) -> Media:
    """Name what mpv plays.

    `path` is mpv's, relative to `folder` or a URL, both may hold bytes as surrogates; `tracks` is mpv's track list.
    """
    scheme = _scheme(path)
    if scheme == "file":
        path, scheme = unquote(path[len("file://") :], errors="surrogateescape"), ""
    elif scheme == "archive":  # `archive://outer|/inner`: the inner name is the one that tells
        outer, _, inner = path[len("archive://") :].partition("|")
        path, scheme = unquote(outer, errors="surrogateescape").removeprefix("file://") + "/" + inner.lstrip("/"), ""
    if path == "-":
        return Media("-", File(path="-", title=readable(title)), "unknown_type")
    if not scheme:
        return _file(os.path.normpath(os.path.join(folder, path)), title, tracks)  # noqa: PTH118 (names, not the disk)
    if scheme in _SHARE:
        return _file(_without_password(path), title, tracks)
    if scheme in _DISC:  # every disc has the same path
        return Media(f"{readable(path)}|{readable(title)}", _item(path, title), None)
    return Media(_short(path), File(path=_short(path), title=readable(title)), _why_not(scheme, path))


def readable(text: str) -> str:
    """Make text fit for JSON and eyes: bytes that are not UTF-8 become the replacement character."""
    return _raw(text).decode("utf-8", "replace")


def _scheme(path: str) -> str:
    match = _SCHEME.match(path)
    return match.group(1).lower() if match else ""


def _file(path: str, title: str, tracks: Any) -> Media:
    return Media(_key(path), _item(path, title), _kind(path, tracks))


def _item(path: str, title: str) -> File:
    name = path.rsplit("/", 1)[-1]
    plain = title in ("", path, name, name.rpartition(".")[0])
    return File(path=readable(path), title="" if plain else readable(title))


def _key(path: str) -> str:
    # Two names that differ in bytes which cannot be shown stay two.
    shown = readable(path)
    return shown if _raw(path) == shown.encode() else f"{shown}#{_digest(_raw(path))}"


def _raw(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _kind(path: str, tracks: Any) -> Skip | None:
    kinds = [track for track in tracks if isinstance(track, dict)] if isinstance(tracks, list) else []
    video = [track for track in kinds if track.get("type") == "video"]
    audio = any(track.get("type") == "audio" for track in kinds)
    if any(not track.get("image") and not track.get("albumart") for track in video):
        return "photo" if path.lower().endswith(".gif") else None
    if audio:
        return "music"
    if video:
        return "photo"
    if _AUDIO.search(path):
        return "music"
    return "photo" if _IMAGE.search(path) else None


def _why_not(scheme: str, path: str) -> Skip:
    if scheme in _LIVE:
        return "live_tv"
    if scheme == "cdda":
        return "music"
    if scheme not in _WEB:
        return "unknown_type"
    return "server_stream" if _SERVER.search(path) else "web_stream"


def _without_password(url: str) -> str:
    scheme, rest = url.split("://", 1)
    host, slash, tail = rest.partition("/")
    user, at, machine = host.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{machine}{slash}{tail}"


def _short(url: str) -> str:
    """Name a stream without what may be a secret in it: user, password, query."""
    try:
        parts = urlsplit(_without_password(url))
    except ValueError:
        return _digest(_raw(url))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{readable(host + parts.path)}#{_digest(_raw(url))}"
