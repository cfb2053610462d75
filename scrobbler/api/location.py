"""What a path or an address says of what lies there: a file of ours, a disc, or why it is no play (players.md 5.5, 10).

Pure, for players that name files. Imported by its own name, not through `scrobbler.api`: not every source has files.
"""

import hashlib
import re
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from scrobbler.api.events import Skip

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LIVE = re.compile(
    r"(atsc|cable|cqam|dtv|dvb([cst]2?|in)?|isdb|mmsh?|pvr|rtp|rtsp[su]?|satellite|srt|terrestrial|tv|udp)(-\w+)?"
)
_WEB = frozenset(
    {"http", "https", "ytdl", "rtmp", "rtmps", "rtmpe", "rtmpt", "hls", "magnet", "ipfs", "ipns", "gopher"}
)
_SHARE = frozenset({"smb", "cifs", "nfs", "sftp", "ftp", "ftps", "dav", "davs", "webdav", "webdavs", "afp"})
_DISC = frozenset({"dvd", "dvdnav", "dvdread", "bd", "bdnav", "br", "bluray", "dvdsimple", "vcd", "svcd"})
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
_DRIVE = re.compile(r"/[a-z]:(/|$)", re.IGNORECASE)
_IMAGE = re.compile(r"\.(avif|bmp|gif|hei[cf]|jpe?g|jxl|p[bgp]m|pcx|png|psd|svg|tga|tiff?|webp)$", re.IGNORECASE)

Place: TypeAlias = Literal["file", "disc", "stream"]
"""A file here or on a share; a disc, whose path is the same for every disc; or what comes from elsewhere."""


class Location(NamedTuple):
    """Where something lies: the name it keeps, its path fit for people, and why it is no play, as far as the name tells."""

    place: Place
    key: str
    path: str
    skip: Skip | None


def scheme_of(address: str) -> str:
    """Return the scheme of an address in lower case; empty for a path."""
    match = _SCHEME.match(address)
    return match.group(1).lower() if match else ""


def locate(address: str) -> Location:
    """Place a path or an address that stands as it is; it may hold any bytes, as surrogates. Passwords are left out."""
    scheme = scheme_of(address)
    if not scheme or scheme in _SHARE:
        path = without_password(address) if scheme else address
        return Location("file", _key(path), readable(path), kind_of(path))
    if scheme in _DISC:
        return Location("disc", readable(address), readable(address), None)
    short = _short(address)
    return Location("stream", short, short, _why_not(scheme, address))


def locate_url(url: str) -> Location:
    """Place a URL whose special characters are written as `%20`, as `file://` has them everywhere.

    A bare `#` begins a place in the file, and `#!/` a file inside of an archive (VLC).
    """
    scheme = scheme_of(url)
    if scheme == "file":
        outer, _, anchor = url[len("file://") :].partition("#")
        path = decoded(outer) + (decoded(anchor[1:]) if anchor.startswith("!/") else "")
        if _DRIVE.match(path):  # of Windows: `file:///C:/…`
            return locate(path[1:])
        host, slash, rest = path.partition("/")  # `file://localhost/…`, or a machine as Windows names them
        return locate(f"{slash}{rest}" if host in ("", "localhost") else f"//{path}")
    return locate(decoded(url) if scheme in _SHARE else url)


def kind_of(path: str) -> Skip | None:
    """Tell music and pictures by their extension."""
    if _AUDIO.search(path):
        return "music"
    return "photo" if _IMAGE.search(path) else None


def decoded(text: str) -> str:
    """Replace `%20` and the like; bytes that are no UTF-8 become surrogates."""
    return unquote(text, errors="surrogateescape")


def readable(text: str) -> str:
    """Make text fit for JSON and eyes: bytes that are not UTF-8 become the replacement character."""
    return _raw(text).decode("utf-8", "replace")


def own_title(title: str, path: str) -> str:
    """Return a title if it says more than the file's name, else nothing: players repeat the name where there is no tag."""
    name = path.rsplit("/", 1)[-1]
    return "" if title in ("", path, name, name.rpartition(".")[0]) else readable(title)


def without_password(url: str) -> str:
    """Take the password out of an address."""
    scheme, rest = url.split("://", 1)
    host, slash, tail = rest.partition("/")
    user, at, machine = host.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{machine}{slash}{tail}"


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


def _why_not(scheme: str, address: str) -> Skip:
    if _LIVE.fullmatch(scheme):
        return "live_tv"
    if scheme == "cdda":
        return "music"
    if scheme not in _WEB:
        return "unknown_type"
    return "server_stream" if _SERVER.search(address) else "web_stream"


def _short(url: str) -> str:
    """Name a stream without what may be a secret in it: user, password, query."""
    try:
        parts = urlsplit(without_password(url))
    except ValueError:
        return _digest(_raw(url))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{readable(host + parts.path)}#{_digest(_raw(url))}"
