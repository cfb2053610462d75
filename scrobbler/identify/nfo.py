"""NFO sidecars as Kodi, Jellyfin and the arrs write them (players.md 9.5).

They come from anywhere, so: at most 1 MiB, plain files only, no document types, no entities; what no parser accepts is
searched for ids alone.
"""

import asyncio
import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Ids
from scrobbler.identify.tags import contradict, imdb_id

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

MAX_BYTES = 1 << 20
BESIDE = "the NFO beside the file"
READ_WITHIN_S = 3.0
"""A share that has gone away must not hold up the play."""

Root: TypeAlias = Literal["movie", "tvshow", "episodedetails", "address"]

_UP = 2
_SCHEMES = ("imdb", "tmdb", "tvdb", "anidb", "anilist", "mal", "kitsu")
_OLD_TAGS = {"imdbid": "imdb", "imdb_id": "imdb", "tmdbid": "tmdb", "tvdbid": "tvdb", "anidbid": "anidb"}
_ROOT = re.compile(r"<(movie|tvshow|episodedetails)(?=[\s>/])", re.IGNORECASE)
_LAST_CLOSE = re.compile(r"</(?:movie|tvshow|episodedetails)\s*>", re.IGNORECASE)
# Every repetition below is bounded or stops at the next `<`, so that no file makes the search slow.
_DANGER = re.compile(r"<!\s{0,20}(?:doctype|entity)", re.IGNORECASE)
_PROLOGUE = re.compile(r"<\?xml[^<>]{0,200}>", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?!(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos);)", re.IGNORECASE)
_NESTED = re.compile(
    r"<(?P<close>/?)(?P<name>actor|set|fileinfo|director|credits|producer|ratings?)\b(?P<rest>[^<>]{0,300})>",
    re.IGNORECASE,
)
_UNIQUE = re.compile(
    r"<uniqueid\b[^<>]{0,100}?\btype\s{0,9}=\s{0,9}[\"'](?P<type>\w{1,20})[\"'][^<>]{0,100}>\s{0,20}(?P<value>[^<\s]{1,40})\s{0,20}</",
    re.IGNORECASE,
)
_OLD = re.compile(
    r"<(?P<type>id|imdbid|imdb_id|tmdbid|tvdbid|anidbid)\b[^<>]{0,100}>\s{0,20}(?P<value>[^<\s]{1,40})\s{0,20}</",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"https?://(?:www\.|m\.)?(?:imdb\.com/title/(?P<imdb>tt\d{7,10})|(?:themoviedb|tmdb)\.org/(?:movie|tv)/(?P<tmdb>\d{1,10})"
    r"|thetvdb\.com/[^\s<>]{0,60}?[?&](?:series)?id=(?P<tvdb>\d{1,10})|thetvdb\.com/dereferrer/series/(?P<tvdb2>\d{1,10})"
    r"|anidb\.net/(?:a|anime/)(?P<anidb>\d{1,10})|myanimelist\.net/anime/(?P<mal>\d{1,10})|anilist\.co/anime/(?P<anilist>\d{1,10}))",
    re.IGNORECASE,
)
_MOST_ROOTS = 100


class Nfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one root element of a sidecar says, and which file it was, in words.

    `address`: the file was a link alone, which does not tell its kind. For an episode `title` is the show's.
    """

    root: Root
    ids: Ids = Ids()
    title: str = ""
    year: int | None = None
    season: int | None = None
    number: int | None = None
    aired: str | None = None
    source: str = ""


class Sidecars(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that stands beside a file: the film, the show, the episodes in the file, in order.

    `late`: the disk did not answer in time, so nothing was read.
    """

    movie: Nfo | None = None
    show: Nfo | None = None
    episodes: tuple[Nfo, ...] = ()
    late: bool = False


SidecarReader: TypeAlias = Callable[[str], Sidecars]


def parse(data: bytes) -> tuple[Nfo, ...]:
    """Read the text of an NFO. Never raises; what cannot be understood gives nothing."""
    text = _decoded(data[:MAX_BYTES]).replace("\0", "")
    roots = list(islice(_ROOT.finditer(text), _MOST_ROOTS))
    if not roots:
        ids = _address_ids(text)
        return (Nfo(root="address", ids=ids),) if ids else ()
    if not _DANGER.search(text):
        try:
            return tuple(_parsed(text, roots[0].start()))
        except (SyntaxError, ValueError, RecursionError):  # ParseError is a SyntaxError
            pass
    return _searched(text, roots)


def read_beside(path: str) -> Sidecars:
    """Read the sidecars of a local file. Blocks on the disk: call it in a thread. Never raises."""
    try:
        file = Path(path)
        if not file.is_absolute() or not file.exists():
            return Sidecars()
        return _beside(file)
    except (OSError, ValueError):
        return Sidecars()


async def sidecars(path: str, read: SidecarReader = read_beside) -> Sidecars:
    """Read the sidecars of a path that is a local one, in a thread, within three seconds."""
    if not path.startswith("/"):
        return Sidecars()
    try:
        return await asyncio.wait_for(asyncio.to_thread(read, path), READ_WITHIN_S)
    except TimeoutError:
        return Sidecars(late=True)


def _beside(file: Path) -> Sidecars:
    folder, own = _own_files(file)
    found = next((_sorted(roots) for roots in map(_load, own) if roots), Sidecars())
    show = found.show
    for above in (folder, *list(folder.parents)[:_UP]):
        if show is not None or (found.movie is not None and found.movie.root == "movie"):
            break
        show = _show_of(above)
    return Sidecars(movie=found.movie, show=show, episodes=found.episodes)


def _own_files(file: Path) -> tuple[Path, list[Path]]:
    """Return the title's folder, and where its own NFO may be. A disc's stands in or beside `BDMV` and `VIDEO_TS`."""
    folder = file.parent
    parts = [part.upper() for part in folder.parts]
    for disc, inside in (("BDMV", "index.nfo"), ("VIDEO_TS", "VIDEO_TS.nfo")):
        if disc in parts:
            inner = Path(*folder.parts[: parts.index(disc) + 1])
            return inner.parent, [inner / inside, inner.parent / "movie.nfo", inner.parent / f"{inner.parent.name}.nfo"]
    return folder, [file.with_suffix(".nfo"), folder / "movie.nfo"]


def _show_of(folder: Path) -> Nfo | None:
    for root in _load(folder / "tvshow.nfo"):
        if root.root in {"tvshow", "address"}:
            return root
    for scheme in ("anidb", "tvdb"):  # HAMA's one-line files
        match = re.search(rb"\d{1,10}", _bytes(folder / f"{scheme}.id")[:64])
        if match and int(match.group()):
            value = str(int(match.group()))
            return Nfo(
                root="tvshow", ids=Ids(anidb=value) if scheme == "anidb" else Ids(tvdb=value), source=f"{scheme}.id"
            )
    return None


def _sorted(roots: tuple[Nfo, ...]) -> Sidecars:
    return Sidecars(
        movie=next((root for root in roots if root.root in {"movie", "address"}), None),
        show=next((root for root in roots if root.root == "tvshow"), None),
        episodes=tuple(root for root in roots if root.root == "episodedetails"),
    )


def _load(path: Path) -> tuple[Nfo, ...]:
    data = _bytes(path)
    named = path.name if path.name in {"movie.nfo", "tvshow.nfo", "index.nfo", "VIDEO_TS.nfo"} else BESIDE
    return tuple(replace(root, source=named) for root in parse(data)) if data else ()


def _bytes(path: Path) -> bytes:
    """Read a plain file of at most 1 MiB; anything else (a pipe, a device, a huge file) is empty."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return b""
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return b""
    finally:
        os.close(handle)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _parsed(text: str, start: int) -> Iterator[Nfo]:
    """Parse all roots at once, inside one of ours: a file may hold several, and a link behind the last."""
    from xml.etree import ElementTree as ET  # half a MiB that a house without NFO files does not need

    ends = [match.end() for match in _LAST_CLOSE.finditer(text)]
    body = _PROLOGUE.sub("", text[start : ends[-1] if ends else len(text)])
    body = "".join(c for c in _AMPERSAND.sub("&amp;", body) if c >= " " or c in "\t\n\r")
    for element in ET.fromstring(f"<nfo>{body}</nfo>"):  # noqa: S314 — document types and entities were refused above
        name = element.tag.lower()
        match name:
            case "movie" | "tvshow" | "episodedetails":
                yield _element(element, name, text[ends[-1] :] if ends else "")
            case _:
                continue


def _element(element: "ET.Element", name: Literal["movie", "tvshow", "episodedetails"], behind: str) -> Nfo:
    pairs: list[tuple[str, str]] = []
    old: list[tuple[str, str]] = []
    for child in element:
        tag, value = child.tag.lower(), (child.text or "").strip()
        if tag == "uniqueid":
            pairs.append((child.get("type", "").lower(), value))
        elif tag == "id" or tag in _OLD_TAGS:
            old.append((tag, value))
    ids = _ids(pairs, old)
    if name == "movie" and behind and not contradict(ids, _address_ids(behind)):
        ids = ids.merged(_address_ids(behind))
    date = _child(element, "aired")
    return Nfo(
        root=name,
        ids=ids,
        title=_child(element, "showtitle") if name == "episodedetails" else _child(element, "title"),
        year=_whole(_child(element, "year") or _child(element, "premiered")[:4]) if name != "episodedetails" else None,
        season=_whole(_child(element, "season")) if name == "episodedetails" else None,
        number=_whole(_child(element, "episode")) if name == "episodedetails" else None,
        aired=date if re.fullmatch(r"\d{4}-\d\d-\d\d", date) else None,
    )


def _child(element: "ET.Element", name: str) -> str:
    return (element.findtext(name) or "").strip()


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None


def _searched(text: str, roots: list[re.Match[str]]) -> tuple[Nfo, ...]:
    """Search damaged XML for ids and numbers, root by root."""
    found: list[Nfo] = []
    for index, root in enumerate(roots):
        end = roots[index + 1].start() if index + 1 < len(roots) else len(text)
        body = _own_text(text[root.start() : end])
        ids = _ids(
            [(m["type"].lower(), m["value"]) for m in _UNIQUE.finditer(body)],
            [(m["type"].lower(), m["value"]) for m in _OLD.finditer(body)],
        )
        name = root.group(1).lower()
        match name:
            case "movie" | "tvshow":
                found.append(Nfo(root=name, ids=ids))
            case "episodedetails":
                found.append(Nfo(root=name, ids=ids, season=_inside(body, "season"), number=_inside(body, "episode")))
            case _:
                continue
    return tuple(found)


def _own_text(body: str) -> str:
    """Leave out people, sets and streams: they carry ids of their own. What is never closed ends the search."""
    kept: list[str] = []
    begin, inside = 0, ""
    for match in _NESTED.finditer(body):
        name = match["name"].lower()
        if not inside and not match["close"] and not match["rest"].endswith("/"):
            kept.append(body[begin : match.start()])
            inside = name
        elif inside == name and match["close"]:
            begin, inside = match.end(), ""
    return "".join(kept) if inside else "".join((*kept, body[begin:]))


def _inside(body: str, tag: str) -> int | None:
    match = re.search(rf"<{tag}>\s{{0,20}}(\d{{1,4}})\s{{0,20}}</{tag}>", body, re.IGNORECASE)
    return int(match.group(1)) if match else None


def _ids(pairs: list[tuple[str, str]], old: list[tuple[str, str]]) -> Ids:
    """Take ids by their known type; `default` may stand on a private one. Older tags fill the gaps."""
    found: dict[str, str] = {}
    for scheme, value in (*pairs, *((_old_scheme(tag, value), value) for tag, value in old)):
        if scheme == "imdb":
            known = imdb_id(value)
            if known is not None:
                found.setdefault("imdb", known)
        elif scheme in _SCHEMES and re.fullmatch(r"[0-9]{1,10}", value) and int(value):
            found.setdefault(scheme, str(int(value)))
    return Ids(**found)  # type: ignore[arg-type]


def _old_scheme(tag: str, value: str) -> str:
    return _OLD_TAGS.get(tag, "imdb" if value.lower().startswith("tt") else "tvdb")


def _address_ids(text: str) -> Ids:
    found: dict[str, str] = {}
    for match in _ADDRESS.finditer(text):
        for scheme in ("imdb", "tmdb", "tvdb", "tvdb2", "anidb", "mal", "anilist"):
            if match[scheme]:
                value = match[scheme]
                found.setdefault(scheme.rstrip("2"), (imdb_id(value) or "") if scheme == "imdb" else value)
    return Ids(**found)  # type: ignore[arg-type]
