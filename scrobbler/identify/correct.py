"""What guessit is known to get wrong, put right (players.md 9.1). Pure: a path and a guess in, a reading out."""

import re
from itertools import pairwise

from msgspec.structs import replace

from scrobbler.identify.guess import Guess
from scrobbler.identify.names import (
    PathName,
    Titled,
    has_group,
    is_library,
    season_of,
    show_folder,
    titled,
    without_group,
    without_tags,
    words,
)
from scrobbler.identify.quick import film_folder, in_anime, place
from scrobbler.identify.work import Confidence, Reading

_FILM_FROM_MS = 70 * 60_000
"""From this length on a number in a name rather belongs to a film's title than counts episodes."""

_MARKED = re.compile(r"(?<![a-z])(?:e|ep|episode|folge|capitulo|第)[\s._-]*\d|\s-\s\d|#\d", re.IGNORECASE)
_SPECIAL = re.compile(
    r"(?<![a-z0-9])(?P<word>SP|Special|OVA|OAD|ONA)[\s._-]*(?P<number>\d{1,3})?(?:v\d)?(?![a-z0-9])", re.IGNORECASE
)
_LEADING = re.compile(r"^(?P<number>\d{1,3})(?:v\d)?(?:[\s._-]+(?P<rest>.*))?$")
_NUMBER = re.compile(r"(?<![\w.])(?P<number>\d{1,3})(?:v\d)?(?![\w])")
_PADDED = re.compile(r"(?<!\w)0\d\d(?!\w)")
_RUN = re.compile(r"(?<!\d)(?P<first>\d{1,4})\s?[-~+&]\s?E?(?P<last>\d{1,4})(?!\d)", re.IGNORECASE)
_MEANINGLESS = re.compile(
    r"(?:[0-9a-f]{16,}|[0-9]{1,2}|[0-9]{5}|title[\s._-]?\d*|video|movie|film|untitled|unknown|stream|index|play|main)?",
    re.IGNORECASE,
)


def corrected(name: PathName, guess: Guess, duration_ms: int | None) -> Reading:
    """Turn guessit's answer into a reading.

    `duration_ms` decides between `Apollo 13` and the thirteenth episode of something.
    """
    stem = without_tags(name.stem).strip()
    _, folder_season = show_folder(name.folders)
    in_season = any(season_of(folder) is not None for folder in name.folders[:2])
    special = _SPECIAL.search(without_group(stem))
    if special is not None and not guess.episode and (special["number"] or in_season or guess.season):
        return _special(name, stem, special)
    if guess.type == "movie" and not in_season:
        return _leading(name, guess, stem, duration_ms) or _film(name, guess, stem)
    if guess.date is not None and not guess.episode:
        return _by_date(name, guess)
    numbers = guess.episode or _forced(stem)
    if not numbers:
        return _numberless(name, guess, stem)
    if not guess.season and folder_season is None and not in_season and _title_number(name, guess, stem, duration_ms):
        title = words(without_group(stem))
        return Reading(
            episode=False,
            title=title,
            year=guess.year,
            confidence=Confidence.WEAK.value,
            reasons=("title from the file name; its number was taken as part of the title",),
        )
    return _episode(name, guess, stem, numbers)


def _episode(name: PathName, guess: Guess, stem: str, numbers: tuple[int, ...]) -> Reading:
    number, last = _run(stem, numbers)
    base = _show(name, guess, stem)
    year = base.year
    # guessit repeats the show's year as its season, and reads season 0 in `Naruto 045`.
    if guess.season and guess.season[0] != guess.year and not (guess.season[0] == 0 and _PADDED.search(stem)):
        season = guess.season[0]
        printed = re.search(rf"(?<!\d){season}0?{number:02}(?!\d)", stem) is not None and not _MARKED.search(stem)
        confidence = Confidence.TITLE if printed else Confidence.NUMBERED
        note = "season and number from one figure in the file name" if printed else "season and number from the path"
        return replace(
            base,
            season=season,
            number=number,
            last_number=last,
            special=season == 0,
            confidence=confidence.value,
            reasons=(*base.reasons, note),
        )
    placed = place(name, base.title, number, anime=has_group(stem) or in_anime(name))
    if placed is None:
        return replace(base, number=number, last_number=last, reasons=(*base.reasons, "number from the file name"))
    title = base.title or placed.title
    return replace(
        placed,
        title=title,
        year=year if year is not None else placed.year,
        last_number=last,
        reasons=(*base.reasons, *placed.reasons[1:]),
    )


def _run(stem: str, numbers: tuple[int, ...]) -> tuple[int, int | None]:
    """Several numbers are several episodes only as one gapless, printed run; else the last one counts, as behind ` - `."""
    if len(numbers) == 1:
        return numbers[0], None
    gapless = all(after == before + 1 for before, after in pairwise(numbers))
    printed = any((int(m["first"]), int(m["last"])) == (numbers[0], numbers[-1]) for m in _RUN.finditer(stem))
    return (numbers[0], numbers[-1]) if gapless and printed else (numbers[-1], None)


def _show(name: PathName, guess: Guess, stem: str) -> Reading:
    """Find the show's title in the guess; where guessit lost it, in the folders or in a year that was the title."""
    folder, _ = show_folder(name.folders)
    title, year, reason = _full_title(guess), guess.year, "show title from the path, read by guessit"
    beginning = _LEADING.match(without_group(stem))
    if not title and year is not None and stem.startswith(str(year)):
        title, year = str(year), None  # `1923`
    own_folder = folder is not None and (
        beginning is not None or not title or _MEANINGLESS.fullmatch(title) or _is_episode_title(guess, title, stem)
    )
    if own_folder and folder is not None:
        title, year, reason = (
            folder.title,
            folder.year if folder.year is not None else year,
            "show title from the folder name",
        )
    elif folder is not None and year is None and folder.title.casefold() == title.casefold():
        year = folder.year
    found = titled(title) if title else Titled("")
    title = title if found.season is None else found.title
    if not guess.episode:
        title = re.sub(r"\s+\d{1,3}$", "", title)  # the number that guessit left there is the episode's
    return Reading(
        episode=True,
        title=title,
        year=year,
        reasons=(reason,) if title else (),
    )


def _is_episode_title(guess: Guess, title: str, stem: str) -> bool:
    """`Show/Season 2/Some Title.mkv`: without a number of its own the file's words name the episode."""
    return not guess.episode and words(stem).casefold() == title.casefold()


def _full_title(guess: Guess) -> str:
    """Put back what guessit takes out of a title: the country, and the half behind ` - `."""
    title = guess.title.strip()
    if title and guess.country and not title.casefold().endswith(guess.country.casefold()):
        title = f"{title} {guess.country}"
    if title and guess.alternative_title and guess.type == "episode":
        title = f"{title} - {guess.alternative_title}"
    return title


def _forced(stem: str) -> tuple[int, ...]:
    """Find a number where a season folder says that this is an episode, though guessit saw none."""
    text = without_group(stem)
    match = _LEADING.match(text) or next(iter(list(_NUMBER.finditer(re.sub(r"[\[(].*?[\])]", " ", text)))[-1:]), None)
    return (int(match["number"]),) if match is not None else ()


def _title_number(name: PathName, guess: Guess, stem: str, duration_ms: int | None) -> bool:
    """Say whether the only number in a name belongs to a film's title: `Apollo 13`, `12 Angry Men`."""
    if len(guess.episode) != 1 or has_group(stem) or _MARKED.search(stem) or re.fullmatch(r"\d+", stem):
        return False
    folder, _ = show_folder(name.folders)
    if folder is not None and folder.title.casefold() == words(stem).casefold():
        return True
    if duration_ms is not None:
        return duration_ms >= _FILM_FROM_MS
    if folder is not None and folder.title.casefold() == guess.title.casefold():
        return False
    padded = re.search(r"(?<!\d)0\d", stem) is not None
    in_title_folder = bool(name.folders) and not is_library(name.folders[0]) and _LEADING.match(stem) is not None
    return not padded and not in_title_folder


def _leading(name: PathName, guess: Guess, stem: str, duration_ms: int | None) -> Reading | None:
    """`Show/1. Pilot.mkv`: a short file with a number in front, in a folder that is no shelf."""
    match = _LEADING.match(without_group(stem))
    short = duration_ms is not None and duration_ms < _FILM_FROM_MS
    if (
        match is None
        or not match["rest"]
        or not short
        or guess.year is not None
        or show_folder(name.folders)[0] is None
    ):
        return None
    return place(name, "", int(match["number"]), anime=False)


def _special(name: PathName, stem: str, match: re.Match[str]) -> Reading:
    before = without_group(stem)[: match.start()]
    number = int(match["number"]) if match["number"] else None
    if number is None:
        folder, _ = show_folder(name.folders)
        title = titled(before).title or (folder.title if folder is not None else "")
        return Reading(episode=True, title=title, season=0, special=True, reasons=("a special without a number",))
    reading = place(name, before, number, anime=True, special=True)
    if reading is not None:
        return reading
    return Reading(episode=True, season=0, number=number, special=True, reasons=("a special whose show is not named",))


def _by_date(name: PathName, guess: Guess) -> Reading:
    base = _show(name, guess, name.stem)
    return replace(
        base,
        aired=guess.date,
        confidence=Confidence.LOOSE.value,
        reasons=(*base.reasons, "the file is named by the day it was aired"),
    )


def _numberless(name: PathName, guess: Guess, stem: str) -> Reading:
    base = _show(name, guess, stem)
    what = (
        "a disc with several episodes: which one plays is not known" if name.disc else "the name has no episode number"
    )
    return replace(
        base,
        season=guess.season[0] if guess.season else None,
        confidence=Confidence.NONE.value,
        reasons=(*base.reasons, what),
    )


def _film(name: PathName, guess: Guess, stem: str) -> Reading:
    folder = film_folder(name)
    title, year, where = _film_title(guess, stem), guess.year, "file name"
    if (
        folder is not None
        and not is_library(folder.title)
        and (not title or _MEANINGLESS.fullmatch(title) or (year is None and folder.year is not None))
    ):
        title, year, where = folder.title, folder.year if folder.year is not None else year, "folder name"
    if not title:
        return Reading(episode=False, reasons=("the path has no title",))
    if year is None and _MEANINGLESS.fullmatch(title):
        return Reading(episode=False, reasons=(f"the name {title!r} is no title",))
    edition = (f"edition: {guess.edition}",) if guess.edition else ()
    if year is None:
        return Reading(
            episode=False,
            title=title,
            confidence=Confidence.TITLE.value,
            reasons=(f"title alone, from the {where}", *edition),
        )
    return Reading(
        episode=False,
        title=title,
        year=year,
        confidence=Confidence.DATED.value,
        reasons=(f"title and year from the {where}", *edition),
    )


def _film_title(guess: Guess, stem: str) -> str:
    """Put a part back into the title (`Dune Part Two`); one behind the year or glued on counts files (`Movie.part1`)."""
    title = _full_title(guess)
    if not guess.part:
        return title
    match = re.search(
        rf"(?<![a-z])(?P<word>part|vol\.?|volume)(?P<gap>[\s._-]*){re.escape(guess.part)}(?![a-z0-9])",
        stem,
        re.IGNORECASE,
    )
    behind_year = match is not None and guess.year is not None and 0 <= stem.find(str(guess.year)) < match.start()
    if match is None or not match["gap"] or behind_year:
        return title
    return f"{title} {match['word'].capitalize()} {guess.part}"
