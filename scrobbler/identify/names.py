"""Paths as words: components, folders that mean something, titles with their years. Pure."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from msgspec import Struct

MAX_COMPONENT = 255
"""Longer names than file systems allow are cut: they only make expressions slow."""

_KEPT_FOLDERS = 3
_URL = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PERCENT_SCHEMES = frozenset({"file", "http", "https", "ftp", "ftps", "sftp", "dav", "davs", "webdav"})
_NAMELESS_SCHEMES = frozenset(
    {"dvd", "dvdnav", "bd", "bluray", "cdda", "edl", "memory", "lavf", "av", "ytdl", "fd", "fdclose"}
)
_EXTENSION = re.compile(r"\.(?=[a-z0-9]{1,5}$)(?=[a-z0-9]*[a-z])[a-z0-9]+$", re.IGNORECASE)
_NOT_AN_EXTENSION = re.compile(
    r"\.(?:s?\d{1,4}e\d{1,4}|e\d{1,4}|s\d{1,2}|\d{3,4}[pi]|[xh]26[45]|v\d|us|uk)$", re.IGNORECASE
)
_DISC_FOLDERS = frozenset({"bdmv", "video_ts", "stream", "playlist", "hvdvd_ts", "certificate", "backup"})
_DISC_FILE = re.compile(
    r"(?:\d{5}|vts_\d\d_\d|video_ts|index|movieobject|vr_movie)\.(?:m2ts|mts|mpls|vob|ifo|bup|bdmv)", re.IGNORECASE
)
_DISC_NUMBER = re.compile(r"(?:disc|disk|cd|dvd|d)[ ._-]?\d{1,2}", re.IGNORECASE)
_SEASON_WORDS = (
    r"season|series|staffel|saison|temporada|stagione|seizoen|sezon|sezona|sæson|säsong|sesong|kausi|évad"
    r"|сезон|シーズン|시즌"
)
_SEASON = re.compile(
    rf"(?:(?:{_SEASON_WORDS})[ ._-]*(?P<after>\d{{1,4}})|s(?P<short>\d{{1,4}})"
    rf"|(?P<before>\d{{1,2}})(?:st|nd|rd|th|\.|ª|a|ème|e)?[ ._-]*(?:{_SEASON_WORDS})|第(?P<cjk>\d{{1,2}})[季期])",
    re.IGNORECASE,
)
_SPECIALS = re.compile(r"(?:specials?|extras? episodes|season 0+|spéciaux|especiales|speciali)", re.IGNORECASE)
_TRAILING_SEASON = re.compile(
    rf"[ ._-]+(?:(?:{_SEASON_WORDS})[ ._-]*(?P<after>\d{{1,2}})|s(?P<short>\d{{1,2}})"
    rf"|(?P<ordinal>\d{{1,2}})(?:st|nd|rd|th)[ ._-]+season|第(?P<cjk>\d{{1,2}})[季期])$",
    re.IGNORECASE,
)
_PRINTED_YEAR = re.compile(r"[\s._]*[(\[](?P<year>(?:19[2-9]|20[0-3])\d)(?:\s*-\s*(?:\d{4})?)?[)\]]\s*$")
_BARE_YEAR = re.compile(r"[\s._]+(?P<year>(?:19[2-9]|20[0-3])\d)\s*$")
_GROUP = re.compile(r"^\s*(?:\[[^\[\]]*\]|【[^【】]*】)\s*")
_TAGS = re.compile(
    r"[\[({](?:edition|imdb|tmdb|tvdb|tvmaze|anidb|mal|myanimelist|anilist|kitsu|simkl)(?:id)?\d?[-=:][^\[\](){}]*[\])}]",
    re.IGNORECASE,
)
_BARE_IMDB = re.compile(r"(?<![A-Za-z0-9])tt\d{7,10}(?![A-Za-z0-9])", re.IGNORECASE)
_SITE = re.compile(r"^\s*www\.[\w-]+\.[\w.-]{2,20}\s+-\s+", re.IGNORECASE)
_NOISE = re.compile(
    r"[\s._(\[-]+(?:\d{3,4}[pi]|4k|uhd|web|web-?dl|webrip|blu-?ray|bdrip|brrip|bdremux|remux|hdtv|dvd|dvdrip"
    r"|[xh][ .]?26[45]|hevc|avc|av1"
    r"|xvid|complete|batch|multi|proper|repack|extended|unrated|remastered|dual[ ._-]audio)(?![a-z0-9]).*$",
    re.IGNORECASE,
)
_SHELVES = (
    "media medias video videos movies films filme cinema tv tvshow tvshows shows series serien serie anime animes cartoon "
    "cartoons documentary documentaries download downloads complete completed incoming torrent torrents usenet data mnt srv "
    "storage nas disk hdd ssd usb drive volume library libraries collection tmp unsorted 4k uhd hd 1080p 720p 2160p plex "
    "jellyfin emby kodi and my"
)
_LIBRARY = frozenset(_SHELVES.split())
_HOMES = frozenset({"home", "users"})


class PathName(Struct, frozen=True):
    """A path in readable pieces.

    `stem` is the file's name without extension; for a disc structure the name of the folder that holds the disc (players.md
    9.1). `folders` are the folders above it, nearest first, at most three. `disc` marks a disc structure.
    """

    stem: str
    folders: tuple[str, ...] = ()
    disc: bool = False


class Titled(Struct, frozen=True):
    """A title with what stands behind it: a year, and a season."""

    title: str
    year: int | None = None
    season: int | None = None


def readable(path: str) -> str:
    """Return a path as text that every encoder takes: bytes that were not UTF-8 are read as Windows-1252, accents composed."""
    try:
        path.encode()
    except UnicodeEncodeError:
        path = (
            path.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            if _real_surrogates(path)
            else _legacy(path)
        )
    return unicodedata.normalize("NFC", "".join(c if c >= " " and c != "\x7f" else " " for c in path))


def _real_surrogates(path: str) -> bool:
    return any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in path)


def _legacy(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def split(path: str) -> PathName | None:
    """Take a path or an address apart. None: it names no file (a disc drive, standard input, a generated stream)."""
    text = readable(path).strip()
    if text in {"", "-"}:
        return None
    if match := _URL.match(text):
        scheme = match.group()[:-3].lower()
        if scheme in _NAMELESS_SCHEMES:
            return None
        text = _address_path(text, scheme)
    pieces = [piece.strip()[:MAX_COMPONENT] for piece in text.replace("\\", "/").split("/")]
    pieces = [piece for piece in pieces if piece not in {"", ".", ".."} and not re.fullmatch(r"[A-Za-z]:", piece)]
    if not pieces:
        return None
    *folders, name = pieces
    if folders and folders[0].lower() in _HOMES:
        folders = folders[2:]  # a person's name is no title
    disc = bool(_DISC_FILE.fullmatch(name)) and bool(folders)
    if disc or (folders and folders[-1].lower() in _DISC_FOLDERS):
        while folders and (folders[-1].lower() in _DISC_FOLDERS or _DISC_NUMBER.fullmatch(folders[-1])):
            folders.pop()
        if not folders:
            return None
        name = folders.pop()
        return PathName(name, tuple(reversed(folders[-_KEPT_FOLDERS:])), disc=True)
    return PathName(without_extension(name), tuple(reversed(folders[-_KEPT_FOLDERS:])))


def _address_path(text: str, scheme: str) -> str:
    if scheme == "stack":  # Kodi: several files of one film, joined by " , "
        return text[len("stack://") :].split(" , ", 1)[0]
    if scheme not in _PERCENT_SCHEMES:  # smb, nfs: the host is not part of the name
        return text.split("://", 1)[1].partition("/")[2]
    try:
        plain = urlsplit(text).path if scheme != "file" else text[len("file://") :]
    except ValueError:
        plain = text.split("://", 1)[1].partition("/")[2]
    return readable(unquote(plain))


def without_extension(name: str) -> str:
    """Drop a file extension, and nothing that only looks like one."""
    if _NOT_AN_EXTENSION.search(name):
        return name
    return _EXTENSION.sub("", name) or name


def without_tags(text: str) -> str:
    """Drop id and edition tags (players.md 9.4) from a name."""
    return _BARE_IMDB.sub("", _TAGS.sub("", text)).strip()


def for_guessing(name: PathName) -> str:
    """Return what guessit should see of a path: the file and the title's folders, without id tags and library shelves."""
    folders: list[str] = []
    for folder in name.folders:
        if is_library(folder):
            break
        folders.insert(0, without_tags(folder))
    return "/".join((*(folder for folder in folders if folder), f"{without_tags(name.stem)}.mkv"))


def season_of(folder: str) -> int | None:
    """Return the season of a folder that names nothing else: `Season 2`, `S02`, `Specials`."""
    text = without_tags(folder).strip(" ._-")
    if _SPECIALS.fullmatch(text):
        return 0
    match = _SEASON.match(text)
    if match is None:
        return None
    rest = _NOISE.sub("", " " + text[match.end() :]).strip(" ._-")
    return _season_number(match) if not rest or re.fullmatch(r"[(\[].*[)\]]", rest) else None


def _season_number(match: re.Match[str]) -> int | None:
    return next((int(value) for value in match.groups() if value), None)


def is_library(folder: str) -> bool:
    """Say whether a folder names a shelf (`TV Shows`, `Anime`, `downloads`) and not a title."""
    parts = re.split(r"[\s._&-]+", folder.lower().strip())
    return all(not part or part in _LIBRARY or part.rstrip("0123456789") in _LIBRARY for part in parts)


def without_group(text: str) -> str:
    """Drop the bracketed release group in front."""
    shorter = _GROUP.sub("", text, count=1)
    return shorter if shorter.strip() else text


def has_group(text: str) -> bool:
    """Say whether a name begins with a bracketed release group, as anime releases do."""
    return without_group(text) != text


def words(text: str) -> str:
    """Turn dots and underscores that stand for spaces into spaces, and trim what separates."""
    text = text.replace("_", " ")
    if " " not in text.strip():
        text = _spaced(text)
    return re.sub(r"\s+", " ", text).strip(" -\u2013\u2014·~,;:([{")


def _spaced(text: str) -> str:
    """Undo dots as spaces, but keep those of an abbreviation (`S.H.I.E.L.D`)."""
    kept = re.sub(
        r"(?<![A-Za-z])((?:[A-Za-z]\.){2,}[A-Za-z]?)(?![A-Za-z])", lambda m: m.group().replace(".", "\0"), text
    )
    kept = re.sub(r"\0(?=[A-Za-z]{2})", " ", kept.replace(".", " "))
    return kept.replace("\0", ".")


def titled(text: str) -> Titled:
    """Read `Title (2010)`, `Title.2010`, `Title Season 2` or `Title 2nd Season`. A year alone is a title (`1923`)."""
    text = _SITE.sub("", without_group(without_tags(text))).strip()
    if match := _NOISE.search(text):
        text = text[: match.start()] or text
    season: int | None = None
    year: int | None = None
    for _ in range(2):  # year and season come in either order
        text = text.strip(" ._-")
        if season is None and (match := _TRAILING_SEASON.search(text)):
            season, text = _season_number(match), text[: match.start()]
        elif (
            year is None
            and (match := _PRINTED_YEAR.search(text) or _BARE_YEAR.search(text))
            and text[: match.start()].strip(" ._-")
        ):
            year, text = int(match["year"]), text[: match.start()]
    return Titled(words(text), year, season)


def show_folder(folders: tuple[str, ...]) -> tuple[Titled | None, int | None]:
    """Return the nearest folder that names a show, and the season that it or a folder below it names."""
    season: int | None = None
    for folder in folders:
        found = season_of(folder)
        if found is not None:
            season = found if season is None else season
            continue
        if is_library(folder) or _DISC_NUMBER.fullmatch(folder):
            return None, season
        show = titled(folder)
        return (show if show.title else None), (season if season is not None else show.season)
    return None, season
