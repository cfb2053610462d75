"""Which file a log names: its key, how it is shown, and why it is no play of ours (players.md 10)."""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from scrobbler.api import File, Skip

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LIVE = frozenset({"dvb", "dvbin", "rtsp", "rtsps", "rtp", "udp", "tv", "pvr", "mms", "mmsh"})
_WEB = frozenset({"http", "https", "ytdl", "rtmp", "rtmps", "hls", "plugin", "magnet", "upnp"})
_FILES = frozenset(
    {"file", "smb", "nfs", "sftp", "ftp", "ftps", "dav", "davs", "webdav", "webdavs", "afp", "special", "zip", "rar"}
)
_SERVER = re.compile(
    r"/library/parts/|/video/:/|/videos/[^/]+/(stream|master|main|live|hls|original)|/emby/|/livetv/|/items/[^/]+/(download|file)"
    r"|x-plex-token=|plugin\.video\.(jellyfin|emby|plex|jellycon|embycon|composite_for_plex)",
    re.IGNORECASE,
)
_AUDIO = re.compile(
    r"\.(aac|ac3|aiff?|alac|amr|ape|dsf|dts|eac3|flac|m4[ab]|midi?|mka|mp[123]|og[ag]|opus|wav|wma|wv)$", re.IGNORECASE
)
_IMAGE = re.compile(r"\.(avif|bmp|gif|heic|jpe?g|jxl|png|psd|svg|tiff?|webp)$", re.IGNORECASE)
VIDEO = re.compile(
    r"\.(3gp|asf|avi|divx|flv|iso|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|ogm|ogv|rm|rmvb|ts|vob|webm|wmv)$", re.IGNORECASE
)
_HIDDEN = re.compile(r"((?:x-plex-token|api_?key|access_token|token|password|auth)=)[^&\s\"']+", re.IGNORECASE)


class Media(NamedTuple):
    """What plays: the name it keeps from line to line, the item, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def media_of(path: str, title: str = "") -> Media:
    """Name a file, a share's file or a stream. Passwords and queries of addresses are left out."""
    path = clean(path)
    match = _SCHEME.match(path)
    scheme = match.group(1).lower() if match else ""
    if scheme == "file":
        path, scheme = unquote(path[len("file://") :]), ""
    if not scheme or scheme in _FILES:
        plain = _without_password(path) if scheme else path
        return Media(plain, File(path=plain, title=title), _kind(plain))
    short = _short(path)
    return Media(short, File(path=short, title=title), _why_not(scheme, path))


def clean(text: str) -> str:
    """Make text fit for JSON and eyes: no control characters, no broken halves of characters."""
    readable = text.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(char for char in readable if char >= " " and char != "\x7f")


def redact(text: str) -> str:
    """Take tokens and passwords out of text that is to be shown."""
    return _HIDDEN.sub(r"\1***", text)


def _kind(path: str) -> Skip | None:
    if _AUDIO.search(path):
        return "music"
    return "photo" if _IMAGE.search(path) else None


def _why_not(scheme: str, path: str) -> Skip:
    if scheme in _LIVE:
        return "live_tv"
    if scheme in ("cdda", "musicdb"):
        return "music"
    if scheme not in _WEB:
        return "unknown_type"
    return "server_stream" if _SERVER.search(path) else "web_stream"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, tail = rest.partition("/")
    user, at, machine = host.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{machine}{slash}{tail}"


def _short(url: str) -> str:
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    try:
        parts = urlsplit(url)
    except ValueError:
        return digest
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}#{digest}"
