"""What VLC plays: from its address and streams to an item of ours, or to a reason why it is none (players.md 10)."""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from scrobbler.api import File, Skip
from scrobbler_plugins.vlc.messages import Streams

_LIVE = re.compile(
    r"(atsc|cable|cqam|dtv|dvb[cst]?2?|isdb|mmsh?|rtp|rtsp[su]?|sap|satellite|srt|terrestrial|tv|udp)(-\w+)?"
)
_WEB = frozenset(["http", "https", "ftp-web", "hls", "rtmp", "rtmpe", "rtmps", "rtmpt", "magnet", "icyx", "gopher"])
_SHARE = frozenset(
    ["smb", "cifs", "nfs", "sftp", "ftp", "ftps", "ftpes", "dav", "davs", "webdav", "webdavs", "afp", "upnp"]
)
_DISC = frozenset(["dvd", "dvdnav", "dvdread", "dvdsimple", "bluray", "bd", "vcd", "svcd"])
_SERVER = re.compile(
    r"/library/parts/|/video/:/|/videos/[^/]+/(stream|master|main|live|hls|original)|/emby/|/livetv/"
    r"|/items/[^/]+/(download|file|playbackinfo)|/audio/[^/]+/(stream|universal)|x-plex-token=",
    re.IGNORECASE,
)
_AUDIO = re.compile(
    r"\.(aac|ac3|aiff?|alac|amr|ape|au|dff|dsf|dts|eac3|flac|it|m4[ab]|midi?|mka|mod|mp[23c]|og[ag]|opus|ra|s3m|spx|tak|tta"
    r"|wav|wma|wv|xm)$",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"\.(avif|bmp|gif|hei[cf]|jpe?g|jxl|p[bgp]m|pcx|png|svg|tga|tiff?|webp|xcf)$", re.IGNORECASE)
_DRIVE = re.compile(r"/[a-z]:", re.IGNORECASE)


class Media(NamedTuple):
    """What plays in VLC: the name it keeps, how it is shown, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def identify(uri: str, title: str, name: str, streams: Streams) -> Media:
    """Name what VLC plays: `uri` from its playlist, `title` and `name` (of the file) from its status."""
    scheme, mark, rest = uri.partition("://")
    scheme = scheme.lower()
    title = "" if title in (name, name.rpartition(".")[0]) else title
    if not mark:
        key = f"?{name}"
        return Media(key, File(path=name or "?", title=title), "unknown_type")
    if scheme in ("file", *_SHARE):
        path = _path(rest) if scheme == "file" else f"{scheme}://{_decoded(_without_password(rest))}"
        item = File(path=_readable(path), title=title)
        return Media(_key(path), item, _kind(path, streams))
    if scheme in _DISC:  # every disc has the same path; its title is its label
        return Media(f"{uri.partition('#')[0]}|{title}", File(path=uri.partition("#")[0], title=title), None)
    short = _short(uri)
    return Media(short, File(path=short, title=title), _why_not(scheme, uri))


def _path(rest: str) -> str:
    """Turn what follows `file://` into a path. A bare `#` begins a place in the file; `#!` a file inside of an archive."""
    outer, _, anchor = rest.partition("#")
    path = _decoded(outer)
    path = path.removeprefix("/") if _DRIVE.match(path) else path if path.startswith("/") else f"//{path}"
    inner = _decoded(anchor[1:].lstrip("+/")) if anchor.startswith("!") else ""
    return f"{path}/{inner}" if inner else path


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _readable(text: str) -> str:
    """Make text fit for JSON and eyes: bytes that are not UTF-8 become the replacement character."""
    return _raw(text).decode("utf-8", "replace")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _key(path: str) -> str:
    # Two names that differ in bytes which cannot be shown stay two.
    shown = _readable(path)
    return shown if _raw(path) == shown.encode() else f"{shown}#{_digest(_raw(path))}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _kind(path: str, streams: Streams) -> Skip | None:
    if _IMAGE.search(path):
        return "photo"
    return "music" if streams == "audio" or _AUDIO.search(path) else None


def _why_not(scheme: str, uri: str) -> Skip:
    if _LIVE.fullmatch(scheme):
        return "live_tv"
    if scheme == "cdda":
        return "music"
    if scheme not in _WEB:
        return "unknown_type"
    return "server_stream" if _SERVER.search(uri) else "web_stream"


def _without_password(rest: str) -> str:
    host, slash, tail = rest.partition("/")
    user, at, machine = host.rpartition("@")
    return f"{user.partition(':')[0]}{at}{machine}{slash}{tail}"


def _short(uri: str) -> str:
    """Name a stream without what may be a secret in it: user, password, query."""
    digest = _digest(uri.encode("utf-8", "surrogatepass"))
    try:
        parts = urlsplit(uri)
    except ValueError:
        return digest
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{_readable(_decoded(parts.path))}#{digest}"
