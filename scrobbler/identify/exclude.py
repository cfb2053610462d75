"""Names that say by themselves that they are no plays of ours: trailers, samples, extras (contract.md 1.6, players.md 10)."""

import re

from scrobbler.api import Skip
from scrobbler.identify.names import PathName, season_of, split, titled, without_tags, words

_LOOKED_AT = 2
"""An extras folder may hold one more folder (`Extras/Disc 1`); further up such a name is a library's."""

_FOLDERS: dict[str, Skip] = {
    "trailer": "trailer",
    "trailers": "trailer",
    "extra": "extra",
    "extras": "extra",
    "bonus": "extra",
    "featurette": "extra",
    "featurettes": "extra",
    "behind the scenes": "extra",
    "behindthescenes": "extra",
    "deleted scenes": "extra",
    "deleted": "extra",
    "sample": "extra",
    "samples": "extra",
    "theme-music": "theme",
    "theme music": "theme",
    "backdrops": "theme",
}
# These are also names of libraries (a shelf of short films), so they count only inside the folder of a title.
_FOLDERS_OF_A_TITLE: dict[str, Skip] = {
    "interview": "extra",
    "interviews": "extra",
    "scenes": "extra",
    "shorts": "extra",
    "clips": "extra",
    "other": "extra",
    "promos": "trailer",
}
_EPISODE = re.compile(r"(?<![a-z0-9])(?:s\d{1,4}[\s._-]*e\d{1,4}|\d{1,2}x\d{2,3})(?!\d)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19[2-9]|20[0-3])\d(?!\d)")
_QUALITY = re.compile(
    r"(?<![a-z0-9])(?:\d{3,4}[pi]|[xh]\.?26[45]|hevc|web(?:-?dl|rip)?|blu-?ray|hdtv|dvdrip|bdrip|xvid)(?![a-z0-9])",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"[\[{(](?:imdb|tmdb|tvdb|anidb)", re.IGNORECASE)
_CLEAR_SUFFIX = re.compile(
    r"[-_.](?:(?P<trailer>trailer|teaser)|(?P<extra>sample|featurette|behind[ ._]?the[ ._]?scenes|deleted[ ._]?scenes?))"
    r"[ ._-]?\d{0,2}$",
    re.IGNORECASE,
)
_LOOSE_SUFFIX = re.compile(
    r"\s(?:-\s*)?(?:official\s+)?(?:(?P<trailer>trailer|teaser)|(?P<extra>sample|featurette))\s*#?\d{0,2}$",
    re.IGNORECASE,
)
_SHORT_SUFFIX = re.compile(r"\S-(?:deleted|interview|scene|short|clip|extra|other)[ ._-]?\d{0,2}$", re.IGNORECASE)
_WHOLE = re.compile(
    r"(?:movie[-_. ]?)?(?:(?P<trailer>trailer|teaser)|(?P<extra>sample)|(?P<theme>theme))[ ._-]?\d{0,2}", re.IGNORECASE
)
_SAMPLE_PREFIX = re.compile(r"^sample[-_.]", re.IGNORECASE)
_CREDITLESS = re.compile(
    r"(?:^|[\s._\-\[(])(?:NCOP|NCED|nc[ _-]?(?:op|ed))\s?\d{0,3}[a-z]?(?:v\d)?(?=$|[\s._\-\])])", re.IGNORECASE
)
_SONG = re.compile(
    r"(?:\s-\s|\]\s?|_)(?:Creditless\s)?(?:OP|ED|PV|CM|Opening|Ending|Menu)\s?\d{0,3}[a-z]?(?:v\d)?\s*(?:[\[(].*)?$"
)


def name_skip(path: str) -> Skip | None:
    """Return why the name of this path is not a play of ours, or None.

    A folder of extras counts when it stands directly above the file or one higher, and not when the file is named after it
    (`Trailers/Trailers (2014).mkv`) or a season lies below it. An episode called `The Trailer` stays an episode.
    """
    name = split(path)
    if name is None:
        return None
    return _by_stem(name) or _by_folder(name)


def _by_stem(name: PathName) -> Skip | None:
    stem = without_tags(name.stem).strip()
    if match := _WHOLE.fullmatch(stem):
        kind = match.lastgroup
        own_folder = bool(name.folders) and titled(name.folders[0]).title.casefold() == stem.casefold()
        return (
            None
            if own_folder or name.disc
            else "trailer"
            if kind == "trailer"
            else "theme"
            if kind == "theme"
            else "extra"
        )
    episode = _EPISODE.search(stem)
    if _SAMPLE_PREFIX.match(stem):
        return "extra"
    if match := _CLEAR_SUFFIX.search(stem):
        rest = stem[: match.start()]
        if _speaks_of_a_title(rest, dash=match.group().startswith("-"), episode=episode):
            return "trailer" if match["trailer"] else "extra"
    if episode is None and (match := _LOOSE_SUFFIX.search(stem)) and not _article(stem[: match.start()]):
        return "trailer" if match["trailer"] else "extra"
    if match := _SHORT_SUFFIX.search(stem):
        rest = stem[: match.start() + 1]
        if not _article(rest) and ("-" not in rest or re.search(r"[\s._(\[]", rest)):
            return "extra"
    if episode is None and (_CREDITLESS.search(stem) or _SONG.search(stem)):
        return "extra"
    return None


def _speaks_of_a_title(rest: str, *, dash: bool, episode: re.Match[str] | None) -> bool:
    """Say whether what stands before the word is a whole title, so that the word is not the title's last one."""
    if _article(rest):
        return False
    if dash:  # `The-Last-Trailer` has dashes for spaces
        return "-" not in rest or bool(re.search(r"[\s._(\[]", rest))
    if episode is None:
        return bool(_YEAR.search(rest) or _QUALITY.search(rest) or "." not in rest or rest.count(".") > 1)
    tail = rest[episode.end() :].strip(" ._-")
    return not tail or bool(_QUALITY.search(tail))


def _article(text: str) -> bool:
    return words(text).casefold() in {"", "the", "a", "an", "my", "official"}


def _by_folder(name: PathName) -> Skip | None:
    folders = name.folders
    for index, folder in enumerate(folders[:_LOOKED_AT]):
        if season_of(folder) is not None:
            return None  # what stands above a season is a show: there is one called "Extras"
        key = words(folder).casefold()
        if (key in _FOLDERS or key in _FOLDERS_OF_A_TITLE) and _is_title_of(key, name.stem):
            return None
        if found := _FOLDERS.get(key):
            return found
        weak = _FOLDERS_OF_A_TITLE.get(key)
        if weak and index + 1 < len(folders) and _of_a_title(folders[index + 1]) and not _EPISODE.search(name.stem):
            return weak
    return None


def _is_title_of(folder: str, stem: str) -> bool:
    """Say whether the file is named after its folder: `Trailers/Trailers (2014)`, `Extras/Extras.S01E01`."""
    episode = _EPISODE.search(stem)
    return titled(stem[: episode.start()] if episode else stem).title.casefold() == folder


def _of_a_title(folder: str) -> bool:
    return bool(_YEAR.search(folder) or _TAGGED.search(folder) or season_of(folder) is not None)
