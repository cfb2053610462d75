"""Our own reading of names that leave no doubt: it takes microseconds, where guessit has to be started (players.md 9.1). Pure."""

import re
from datetime import date

from msgspec.structs import replace

from scrobbler.identify.names import (
    PathName,
    Titled,
    has_group,
    season_of,
    show_folder,
    titled,
    without_group,
    without_tags,
    words,
)
from scrobbler.identify.work import Confidence, Reading

_LONGEST_RUN = 30
"""More episodes than this in one file is not a range but a number of something else."""

_NUMBERED = re.compile(
    r"(?<![a-z0-9])s(?P<season>\d{1,4})[\s._-]*ep?[\s._]*(?P<first>\d{1,4})(?!\d)"
    r"(?P<more>(?:[\s._]*[-+&~]?[\s._]*(?:s\d{1,4}[\s._]*)?ep?\d{1,4}(?!\d)|-\d{1,4}(?![\dpi]))*)",
    re.IGNORECASE,
)
_CROSSED = re.compile(
    r"(?<![a-z0-9])(?P<season>\d{1,2})x(?P<first>\d{2,3})(?P<more>(?:-\d{1,2}x\d{2,3}|[-x]\d{2,3})*)(?![a-z0-9])",
    re.IGNORECASE,
)
_WORDY = re.compile(
    r"(?<![a-z0-9])season[\s._-]*(?P<season>\d{1,3})[\s._,-]*(?:episode|ep)[\s._-]*(?P<first>\d{1,4})(?P<more>)(?!\d)",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"(?P<join>[-~]?)[\s._]*(?:s(?P<season>\d{1,4})[\s._]*|(?P<cross>\d{1,2})x(?=\d{2}))?(?:ep?|x)?(?P<number>\d{1,4})",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<!\d)(?P<y>(?:19[4-9]|20[0-3])\d)(?P<sep>[.\-_ ])(?P<m>\d\d)(?P=sep)(?P<d>\d\d)(?!\d)")
_DASHED = re.compile(
    r"^(?P<title>.*\S)\s+-\s+(?:(?P<special>SP|Special|OVA|OAD|ONA)\s?\.?)?(?:E|Ep\.?\s?|Episode\s)?(?P<number>\d{1,4})(?P<half>\.5)?(?:v\d)?"
    r"(?P<range>\s?[-~]\s?\d{1,4})?(?:\s+END)?(?=\s*$|\s*[\[(]|\s+-\s)(?P<rest>.*)$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"^(?P<title>.*?)[\s._-]*第?\s*(?P<number>\d{1,4})\s*(?:화|회|話|话|集)(?P<rest>.*)$")
_FILM = re.compile(r"^(?P<title>.*?\S)[\s._]*\((?P<year>(?:19[0-9]|20[0-3])\d)\)(?P<rest>.*)$")
_FILM_REST = re.compile(
    r"(?:[\s._\-\[\](){},+]|(?:\d{3,4}[pi]|4k|uhd|hdr(?:10)?\+?|dv|sdr|web|web-?dl|webrip|blu-?ray|bdrip|brrip|dvdrip|dvd|hdtv|remux|proper|repack"
    r"|[xh]\.?26[45]|hevc|avc|av1|xvid|divx|10bit|8bit|aac|ac3|eac3|dts(?:-?hd)?|truehd|atmos|ddp?|flac|opus|ma|[257]\.[01]|multi|dual|subs?"
    r"|directors?|director's|cut|extended|theatrical|unrated|remastered|final|special|ultimate|edition|imax|criterion|limited)(?![a-z0-9]))*"
    r"(?:-[A-Za-z0-9]+)?",
    re.IGNORECASE,
)
_RELEASED = re.compile(
    r"^(?P<title>.*?[^\s._])[\s._]+(?P<year>(?:19[2-9]|20[0-3])\d)[\s._]+"
    r"(?P<rest>(?:\d{3,4}[pi]|4k|uhd|web|web-?dl|webrip|blu-?ray|bdrip|brrip|dvdrip|remux|extended|unrated|remastered|repack|proper|[xh]\.?26[45])"
    r"(?![a-z0-9]).*)$",
    re.IGNORECASE,
)
_EPISODIC = re.compile(
    r"(?<![a-z0-9])(?:e|ep|episode|part|pt|cd|disc|disk)[\s._-]*\d|(?:^|\s-\s)\d{1,4}(?:v\d)?(?=\s|$|\[|\.)|\d{1,2}x\d\d|\d{4}[.-]\d\d[.-]\d\d|[화회話话集]",
    re.IGNORECASE,
)
_PRINTED = re.compile(r"\((?:19|20)\d\d\)")
_ABSOLUTE_FROM = 100


def quick(name: PathName) -> Reading | None:
    """Read a path whose name is clear by itself. None: guessit should look."""
    if name.disc:
        return None
    stem = without_tags(name.stem).strip()
    return (
        _numbered(name, stem) or _dated(name, stem) or _counted(name, stem) or _dashed(name, stem) or _film(name, stem)
    )


def film_folder(name: PathName) -> Titled | None:
    """Return title and year of the film's own folder, if the file's name does not speak of episodes."""
    folder = name.stem if name.disc else (name.folders[0] if name.folders else "")
    if not folder or season_of(folder) is not None:
        return None
    found = titled(folder)
    if found.season is not None or not found.title or (not name.disc and _EPISODIC.search(without_tags(name.stem))):
        return None
    return found


def _numbered(name: PathName, stem: str) -> Reading | None:
    """`S01E02`, `1x02` and `Season 1 Episode 2`, with several episodes in one expression."""
    match = _NUMBERED.search(stem) or _CROSSED.search(stem) or _WORDY.search(stem)
    if match is None:
        return None
    season, first = int(match["season"]), int(match["first"])
    last, broken = _last(match["more"], season, first)
    reading = _of_show(name, stem[: match.start()], (season, first)) or Reading(episode=True)
    number = (
        "season and number from the file name"
        if last is None
        else f"season and numbers {first} to {last} from the file name"
    )
    reasons = (*reading.reasons, number)
    if broken:
        reasons = (*reasons, "the file names several episodes that do not follow one another; the first one counts")
    return replace(
        reading, season=season, number=first, last_number=last, confidence=Confidence.NUMBERED.value, reasons=reasons
    )


def _last(more: str, season: int, first: int) -> tuple[int | None, bool]:
    """Return the last number of an ascending, gapless run, and whether there were numbers that make no run."""
    last = first
    for match in _MORE.finditer(more):
        number, other = int(match["number"]), match["season"] or match["cross"]
        if other is not None and int(other) != season:
            return (last if last > first else None), True
        is_range = match["join"] != "" and number > last
        if not (is_range or number == last + 1) or number - first > _LONGEST_RUN:
            return (last if last > first else None), True
        last = number
    return (last if last > first else None), False


def _of_show(name: PathName, before: str, numbers: tuple[int, int] | None = None) -> Reading | None:
    """Find the show's title: in front of the number, else in the folders. None: there is none."""
    own = titled(before)
    folder, _ = show_folder(name.folders)
    release = _release(name, numbers) if numbers is not None else None
    if release is not None:  # the folder of a release has the full name where the file's is short
        own, reason = release, "show title from the folder name"
    elif own.title:
        reason = "show title from the file name"
    elif folder is not None:
        own, reason = folder, "show title from the folder name"
    else:
        return None
    year = own.year
    if year is None and folder is not None and folder.year is not None and _same(folder.title, own.title):
        year = folder.year
    return Reading(episode=True, title=own.title, year=year, reasons=(reason,))


def _release(name: PathName, numbers: tuple[int, int] | None) -> Titled | None:
    """Return the title that the folder gives, if the folder names the very same episode."""
    folder = without_tags(name.folders[0]) if name.folders else ""
    match = _NUMBERED.search(folder) or _CROSSED.search(folder)
    if match is None or (int(match["season"]), int(match["first"])) != numbers:
        return None
    found = titled(folder[: match.start()])
    return found if found.title else None


def _same(one: str, other: str) -> bool:
    return re.sub(r"\W+", "", one).casefold() == re.sub(r"\W+", "", other).casefold()


def _dated(name: PathName, stem: str) -> Reading | None:
    """A show of the day, named by its date: it has no numbers here."""
    match = _DATE.search(stem)
    if match is None:
        return None
    try:
        aired = date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
    except ValueError:
        return None
    reading = _of_show(name, stem[: match.start()])
    if reading is None:
        return None
    return replace(
        reading,
        aired=aired,
        confidence=Confidence.LOOSE.value,
        reasons=(*reading.reasons, "the file is named by the day it was aired"),
    )


def _counted(name: PathName, stem: str) -> Reading | None:
    """Korean, Japanese and Chinese counters behind the number: `1088화`, `第01話`, `12集`."""
    match = _COUNTED.match(without_group(stem))
    if match is None:
        return None
    return place(name, match["title"], int(match["number"]), anime=has_group(stem))


def _dashed(name: PathName, stem: str) -> Reading | None:
    """`[Group] Title - 05v2 [1080p]`, the way of anime releases. The last number behind ` - ` is the episode."""
    grouped = has_group(stem)
    text = without_group(stem).replace("_", " ") if " " not in without_group(stem) else without_group(stem)
    match = _DASHED.match(text)
    if match is None or (not match["title"].strip(" -")):
        return None
    number, rest = int(match["number"]), match["rest"]
    if re.search(r"[(\[](?:19|20)\d\d[)\]]", rest) or (
        len(match["number"]) == 4 and 1900 <= number < 2040 and not grouped
    ):
        return None  # part numbers of films: `Fast & Furious - 07 - Furious 7 (2015)`
    if match["half"]:
        return Reading(
            episode=True,
            title=titled(match["title"]).title,
            special=True,
            confidence=Confidence.NONE.value,
            reasons=(
                f"number {match['number']}{match['half']} is a recap or a special; no catalogue has such numbers",
            ),
        )
    last = int(re.sub(r"\D", "", match["range"])) if match["range"] else None
    if last is not None and not number < last <= number + _LONGEST_RUN:
        last = None
    reading = place(name, match["title"], number, anime=grouped, special=bool(match["special"]))
    return None if reading is None else replace(reading, last_number=last)


def place(name: PathName, before: str, number: int, *, anime: bool, special: bool = False) -> Reading | None:
    """Find the season of a number that came without one.

    A season in the title or in a folder; season 0 for specials; no season (an absolute number) for anime and for large
    numbers; else the first season, which is a conclusion and is said as one.
    """
    own = titled(before)
    reading = _of_show(name, before)
    if reading is None:
        return None
    _, folder_season = show_folder(name.folders)
    if special or folder_season == 0:
        return replace(
            reading,
            season=0,
            number=number,
            special=True,
            confidence=Confidence.SPECIAL.value,
            reasons=(*reading.reasons, "counted as a special; catalogues differ in numbering them"),
        )
    season = own.season if own.season is not None else folder_season
    if season is not None:
        where = "file name" if own.season is not None else "folder name"
        return replace(
            reading,
            season=season,
            number=number,
            confidence=Confidence.NUMBERED.value,
            reasons=(*reading.reasons, "number from the file name", f"season from the {where}"),
        )
    if anime or number >= _ABSOLUTE_FROM or in_anime(name):
        return replace(
            reading,
            number=number,
            confidence=Confidence.LOOSE.value,
            reasons=(*reading.reasons, "number from the file name, without a season: taken as an absolute number"),
        )
    return replace(
        reading,
        season=1,
        number=number,
        confidence=Confidence.LOOSE.value,
        reasons=(*reading.reasons, "number from the file name, without a season: taken as season 1"),
    )


def in_anime(name: PathName) -> bool:
    """Say whether a folder calls what is in it anime."""
    return any(re.fullmatch(r"animes?", words(folder), re.IGNORECASE) for folder in name.folders)


def _film(name: PathName, stem: str) -> Reading | None:
    """`Title (2010)` with nothing behind it but qualities, and `Title.2010.1080p` as releases are called."""
    match = _FILM.match(stem)
    if match is None or not _FILM_REST.fullmatch(match["rest"]):
        match = _RELEASED.match(stem)
    if match is None or has_group(stem) or any(season_of(folder) is not None for folder in name.folders):
        return None
    if _EPISODIC.search(match["title"]) or _PRINTED.search(match["title"]):
        return None
    title = words(match["title"])
    if not title:
        return None
    return Reading(
        episode=False,
        title=title,
        year=int(match["year"]),
        confidence=Confidence.DATED.value,
        reasons=("title and year from the file name",),
    )
