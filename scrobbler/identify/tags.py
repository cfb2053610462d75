"""Ids that people and tools write into folder and file names (players.md 9.4). Pure."""

import re
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.api import Ids
from scrobbler.identify.names import is_library, readable, season_of, split

Level: TypeAlias = Literal["file", "season", "folder"]

_SCHEMES = {"myanimelist": "mal"}
_TAG = re.compile(
    r"[\[({]\s*(?P<scheme>imdb|tmdb|tvdb|anidb|mal|myanimelist|anilist|kitsu|simkl)(?P<id>id)?(?P<mode>\d?)\s*[-=:]\s*"
    r"(?P<value>(?:tt)?\d{1,10})\s*[\])}]",
    re.IGNORECASE,
)
_BARE_IMDB = re.compile(r"(?<![A-Za-z0-9])(?P<value>tt\d{7,10})(?![A-Za-z0-9])", re.IGNORECASE)
_NATIVE = ("anidb", "mal", "anilist", "kitsu")


class Tags(Struct, frozen=True):
    """The ids of one path component. `seasons`: a HAMA mode (`anidb2-`) says that seasons are counted as TVDB does."""

    level: Level
    ids: Ids
    seasons: bool = False


class EpisodeTags(Struct, frozen=True, kw_only=True):
    """Tags of an episode's path.

    `shared`: the show's ids stand on the episode's file alone, so they may be the episode's. `cour`: an anime catalogue's id
    stands on the season's folder, so it is that season's own.
    """

    show: Ids = Ids()
    episode: Ids = Ids()
    shared: bool = False
    cour: bool = False
    seasons: bool = False
    reasons: tuple[str, ...] = ()


class MovieTags(Struct, frozen=True, kw_only=True):
    """Tags of a film's path."""

    ids: Ids = Ids()
    reasons: tuple[str, ...] = ()


def imdb_id(value: str) -> str | None:
    """Write an imdb number as Simkl knows it: `tt` and at least seven digits. None: it is not one."""
    digits = value.strip().lower().removeprefix("tt")
    if not re.fullmatch(r"[0-9]{1,10}", digits) or not digits.strip("0"):
        return None
    return f"tt{digits.zfill(7)}"


def ids_in(text: str) -> tuple[Ids, bool]:
    """Return the ids that one name carries, and whether a HAMA mode digit was among them. The first of each scheme counts."""
    found: dict[str, str | int] = {}
    seasons = False
    for match in _TAG.finditer(text):
        scheme = _SCHEMES.get(match["scheme"].lower(), match["scheme"].lower())
        value = match["value"]
        if scheme == "imdb":
            known = imdb_id(value)
            if known is not None and len(value) >= len("0000000"):
                found.setdefault("imdb", known)
        elif value.isdecimal() and int(value):
            found.setdefault(scheme, int(value) if scheme == "simkl" else str(int(value)))
            seasons = seasons or (scheme == "anidb" and match["mode"] not in {"", "1"})
    if "imdb" not in found and (match_ := _BARE_IMDB.search(text)) and (known := imdb_id(match_["value"])):
        found["imdb"] = known
    return Ids(**found), seasons  # type: ignore[arg-type]


def path_tags(path: str) -> tuple[Tags, ...]:
    """Return the tags of a path, innermost first: of the file, and of up to three folders above it."""
    name = split(path)
    if name is None:
        return ()
    last = re.split(r"[/\\]", readable(path).rstrip("/\\"))[-1]
    file_ids, file_mode = ids_in(name.stem if name.disc else last)
    found = [Tags("folder" if name.disc else "file", file_ids, file_mode)]
    for folder in name.folders:
        ids, mode = ids_in(folder)
        found.append(Tags("season" if season_of(folder) is not None else "folder", ids, mode))
        if is_library(folder):
            break
    return tuple(tag for tag in found if tag.ids)


def for_movie(path: str) -> MovieTags:
    """Read the tags of a path as a film's.

    The file's own tags win; those of its folder fill the gaps, unless they name another film. Folders further up belong to
    collections.
    """
    name = split(path)
    if name is None:
        return MovieTags()
    tags = path_tags(path)
    own = next((tag.ids for tag in tags if tag.level == "file"), Ids())
    folder = ids_in(name.stem if name.disc else (name.folders[0] if name.folders else ""))[0]
    reasons = _said(own, "file name")
    if own and contradict(own, folder):
        return MovieTags(ids=own, reasons=(*reasons, "the folder's ids name another film and were left out"))
    return MovieTags(ids=own.merged(folder), reasons=reasons + _said(_without(folder, own), "folder name"))


def for_episode(path: str) -> EpisodeTags:
    """Read the tags of a path as an episode's.

    A tag on a folder is the show's. One on the file is the show's too when no folder has that scheme, for people copy the
    show's id there; a tvdb number that differs from the folder's is the episode's own. Other differing ids are left out:
    Simkl knows no imdb or tmdb ids of episodes (simkl-api.md 3.2).
    """
    tags = path_tags(path)
    own = next((tag.ids for tag in tags if tag.level == "file"), Ids())
    season = next((tag.ids for tag in tags if tag.level == "season"), Ids())
    folder = next((tag.ids for tag in tags if tag.level == "folder"), Ids())
    # A season folder may carry the id of an anime's cour, which is nearer to the truth than the show folder's.
    above = Ids(**{name: getattr(season, name) for name in _NATIVE}).merged(folder) if season else folder
    above = above.merged(season)
    reasons = _said(above, "folder name")
    episode = Ids()
    if above.tvdb and own.tvdb and above.tvdb != own.tvdb:
        episode = Ids(tvdb=own.tvdb)
        reasons = (*reasons, "tvdb id in the file name differs from the folder's, taken as the episode's")
    alone = _without(own, above)
    if not above and alone:
        reasons = (*reasons, *(f"{scheme} id in the file name, taken as the show's" for scheme, _ in alone.pairs()))
    return EpisodeTags(
        show=above or alone,
        episode=episode,
        shared=not above and bool(alone),
        cour=any(scheme in _NATIVE for scheme, _ in season.pairs()),
        seasons=any(tag.seasons for tag in tags),
        reasons=reasons,
    )


def contradict(one: Ids, other: Ids) -> bool:
    """Say whether two sets of ids name different titles: a scheme differs, and none agrees."""
    mine, theirs = dict(one.pairs()), dict(other.pairs())
    common = mine.keys() & theirs.keys()
    return bool(common) and all(mine[scheme] != theirs[scheme] for scheme in common)


def _without(ids: Ids, other: Ids) -> Ids:
    known = {scheme for scheme, _ in other.pairs()}
    return Ids(**{name: None if name in known else getattr(ids, name) for name in ids.__struct_fields__})


def _said(ids: Ids, where: str) -> tuple[str, ...]:
    return tuple(f"{scheme} id in the {where}" for scheme, _ in ids.pairs())
