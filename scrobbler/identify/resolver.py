"""From what a player says to the film or episode it is (architecture.md, the resolver)."""

from msgspec.structs import replace

from scrobbler.api import SKIP_WORDS, Episode, File, Ids, Item, Movie, Show
from scrobbler.identify import nfo
from scrobbler.identify.aliases import normal_title
from scrobbler.identify.correct import corrected
from scrobbler.identify.exclude import name_skip
from scrobbler.identify.guess import GuessError, GuessSource
from scrobbler.identify.names import PathName, Titled, for_guessing, show_folder, split, words
from scrobbler.identify.nfo import Nfo, SidecarReader, Sidecars
from scrobbler.identify.quick import film_folder, quick
from scrobbler.identify.tags import EpisodeTags, contradict, for_episode, for_movie
from scrobbler.identify.work import Confidence, Identification, Reading

_NATIVE = ("anidb", "mal", "anilist", "kitsu")
_NAMELESS = "the path names no title"
_LATE = "the disk did not answer in time, so NFO files were not read"


async def identify(
    item: Item, *, duration_ms: int | None, guesses: GuessSource, read_sidecars: SidecarReader = nfo.read_beside
) -> Identification:
    """Find out what an item is. Never raises for what a name holds.

    Films and episodes are taken as they are; for files the path is read: id tags, NFO files beside a local file, then the
    words of the name, by our own quick reader or, where that has doubts, by guessit. `duration_ms` is the file's length, if
    known.
    """
    match item:
        case Movie():
            return _movie_as_is(item)
        case Episode():
            return _episode_as_is(item)
        case File():
            return await _file(item, duration_ms, guesses, read_sidecars)


def _movie_as_is(movie: Movie) -> Identification:
    if movie.ids:
        return Identification(
            work=movie, confidence=Confidence.IDS.value, reasons=(f"{_named(movie.ids)} from the source",)
        )
    if movie.title.strip() and movie.year:
        return Identification(
            work=movie, confidence=Confidence.DATED.value, reasons=("title and year from the source",)
        )
    if movie.title.strip():
        return Identification(work=movie, confidence=Confidence.TITLE.value, reasons=("title alone, from the source",))
    return Identification(reasons=("the source gave neither a title nor ids of the film",))


def _episode_as_is(episode: Episode) -> Identification:
    usable = Ids(tvdb=episode.ids.tvdb, anidb=episode.ids.anidb)
    if episode.number is None and not episode.aired and not usable:
        return Identification(reasons=("the source gave neither a number nor a date nor an id of the episode",))
    if episode.show.ids:
        sure = Confidence.IDS if episode.number is not None or usable else Confidence.LOOSE
        return Identification(
            work=episode, confidence=sure.value, reasons=(f"{_named(episode.show.ids)} of the show from the source",)
        )
    if usable:
        return Identification(
            work=episode, confidence=Confidence.IDS.value, reasons=(f"{_named(usable)} of the episode from the source",)
        )
    if not episode.show.title.strip():
        return Identification(reasons=("the source gave neither a title nor ids of the show",))
    if episode.number is None:
        return Identification(
            work=episode, confidence=Confidence.LOOSE.value, reasons=("show title and date from the source",)
        )
    return Identification(
        work=episode, confidence=Confidence.NUMBERED.value, reasons=("show title and number from the source",)
    )


def _named(ids: Ids) -> str:
    schemes = [scheme for scheme, _ in ids.pairs()]
    return f"{schemes[0]} id" if len(schemes) == 1 else f"{', '.join(schemes)} ids"


async def _file(
    item: File, duration_ms: int | None, guesses: GuessSource, read_sidecars: SidecarReader
) -> Identification:
    skip = name_skip(item.path)
    if skip is not None:
        return Identification(skip=skip, reasons=(f"the name says that it is {SKIP_WORDS[skip]}",))
    beside = await nfo.sidecars(item.path, read_sidecars)
    name = split(item.path)
    reading = _known(beside) or await _read(name, item, duration_ms, guesses)
    if name is not None and not reading.title:
        reading = _by_title_tag(item, name, reading)
    found = _episode(item.path, reading, beside) if reading.episode else _film(item.path, name, reading, beside)
    late = (_LATE,) if beside.late else ()
    return replace(found, reasons=tuple(dict.fromkeys((*found.reasons, *late))))


async def _read(name: PathName | None, item: File, duration_ms: int | None, guesses: GuessSource) -> Reading:
    if name is None:
        return _by_title_tag(item, None, Reading(episode=False, reasons=(_NAMELESS,)))
    reading = quick(name) or _tagged_film(item.path, name)
    if reading is not None:
        return reading
    try:
        guess = await guesses.guess(for_guessing(name))
    except GuessError as error:
        return Reading(episode=False, reasons=(str(error),))
    if guess is None:
        return Reading(episode=False, reasons=("guessit found nothing in the name",))
    return corrected(name, guess, duration_ms)


def _tagged_film(path: str, name: PathName) -> Reading | None:
    """A folder that carries a film's ids and its year names the film, and the file begins like it: nothing to guess."""
    tags, folder = for_movie(path), film_folder(name)
    if not tags.ids or folder is None or folder.year is None:
        return None
    if not name.disc and not words(name.stem).casefold().startswith(folder.title.casefold()):
        return None
    return Reading(
        episode=False,
        title=folder.title,
        year=folder.year,
        confidence=Confidence.DATED.value,
        reasons=("title and year from the folder name",),
    )


def _known(beside: Sidecars) -> Reading | None:
    """An NFO that says all of it makes reading the name unnecessary."""
    movie = beside.movie
    own = movie is not None and movie.source == nfo.BESIDE
    if own and movie is not None and movie.root == "movie" and movie.title and (movie.ids or movie.year):
        return Reading(episode=False, title=movie.title, year=movie.year, confidence=Confidence.DATED.value)
    if not beside.episodes:
        return None
    first = beside.episodes[0]
    show = beside.show
    title = first.title or (show.title if show is not None else "")
    if not title or first.season is None or first.number is None:
        return None
    return Reading(
        episode=True,
        title=title,
        year=show.year if show is not None else None,
        season=first.season,
        number=first.number,
        last_number=_last(beside.episodes),
        confidence=Confidence.NUMBERED.value,
    )


def _last(episodes: tuple[Nfo, ...]) -> int | None:
    """Return the last number of a gapless run of one season."""
    last = first = episodes[0].number
    for episode in episodes[1:]:
        if episode.season != episodes[0].season or last is None or episode.number != last + 1:
            break
        last = episode.number
    return last if last != first else None


def _by_title_tag(item: File, name: PathName | None, reading: Reading) -> Reading:
    """The title tag inside a file is anybody's: it serves only where the path gives no title."""
    title = item.title.strip()
    tag = split(title.replace("/", " ").replace("\\", " ")) if title else None
    if tag is None or (name is not None and tag.stem == name.stem):
        return reading
    found = quick(tag) or Reading(episode=False, title=words(tag.stem))
    reasons = (*reading.reasons, "from the title tag inside the file, as the path has no title")
    if reading.number is None:
        return replace(found, confidence=Confidence.WEAK.value, reasons=reasons)
    if found.episode and found.number == reading.number and found.season == reading.season:
        return replace(reading, title=found.title, year=found.year, confidence=Confidence.LOOSE.value, reasons=reasons)
    return reading


def _other_film(reading: Reading, folder: Titled | None, side: Nfo) -> bool:
    """Say whether an NFO speaks of another film than the name: one `movie.nfo` may lie among many films."""
    if side.source == nfo.BESIDE or not side.title or not reading.title:
        return False
    years = {year for year in (reading.year, folder.year if folder is not None else None) if year}
    if side.year and years:
        return all(abs(year - side.year) > 1 for year in years)
    return not set(normal_title(side.title).split()) & set(normal_title(reading.title).split())


def _film(path: str, name: PathName | None, reading: Reading, beside: Sidecars) -> Identification:
    tags = for_movie(path)
    ids, reasons = tags.ids, tags.reasons
    title, year = reading.title, reading.year
    side, folder = beside.movie, film_folder(name) if name is not None else None
    if side is not None and (contradict(ids, side.ids) or _other_film(reading, folder, side)):
        reasons = (*reasons, f"{side.source} names another film and was left out")
    elif side is not None:
        ids, reasons = ids.merged(side.ids), (*reasons, _from(side, "film"))
        title, year = title or side.title, year or side.year
    if not title and ids and folder is not None:
        title, year = folder.title, folder.year
    reasons = (*reasons, *reading.reasons)
    if not ids and not title:
        return Identification(reasons=reasons or ("the path has no title",))
    movie = Movie(title=title, year=year, ids=ids)
    return Identification(work=movie, confidence=Confidence.IDS.value if ids else reading.confidence, reasons=reasons)


def _episode(path: str, reading: Reading, beside: Sidecars) -> Identification:
    tags = for_episode(path)
    show_ids, reasons = tags.show, tags.reasons
    title, year = reading.title, reading.year
    if beside.show is not None and not contradict(show_ids, beside.show.ids):
        show_ids = show_ids.merged(beside.show.ids)
        title, year = title or beside.show.title, year or beside.show.year
        reasons = (*reasons, _from(beside.show, "show"))
    elif beside.show is not None:
        reasons = (*reasons, f"{beside.show.source} names another show and was left out")
    if beside.episodes:
        reasons = (*reasons, _from(beside.episodes[0], "episode"))
    reasons = (*reasons, *reading.reasons)
    if show_ids and not tags.shared:
        title, year = _folder_title(path, title, year, tagged=bool(tags.show))
    season, number, last, aired = _numbers(reading, beside)
    episode_ids = tags.episode.merged(beside.episodes[0].ids if beside.episodes and last is None else Ids())
    work = Episode(
        show=Show(title=title, year=year, ids=show_ids),
        season=season,
        number=number,
        last_number=last,
        ids=episode_ids,
        aired=aired,
    )
    work, said = _counted_natively(work, tags)
    reasons = (*reasons, *said)
    usable = Ids(tvdb=work.ids.tvdb, anidb=work.ids.anidb)
    if number is None and aired is None and not usable:
        return Identification(reasons=reasons or ("the name has no episode number",))
    if not work.show.ids and not title and not usable:
        return Identification(reasons=(*reasons, "the show is named nowhere in the path"))
    return Identification(work=work, confidence=_sure(work, reading, shared=tags.shared), reasons=reasons)


def _folder_title(path: str, title: str, year: int | None, *, tagged: bool) -> tuple[str, int | None]:
    """Beside ids from a folder, take the title of that folder, so that both speak of one show."""
    name = split(path)
    folder = show_folder(name.folders)[0] if name is not None else None
    if folder is None or (title and not tagged):
        return title, year
    return folder.title, folder.year if folder.year is not None else year


def _from(side: Nfo, what: str) -> str:
    return f"{_named(side.ids)} of the {what} from {side.source}" if side.ids else f"{what} from {side.source}"


def _numbers(reading: Reading, beside: Sidecars) -> tuple[int | None, int | None, int | None, str | None]:
    """The file's own season and number; where it has none, or an absolute or dated one, the NFO's."""
    first = beside.episodes[0] if beside.episodes else None
    if first is None or first.number is None or (reading.season is not None and reading.number is not None):
        return reading.season, reading.number, reading.last_number, reading.aired
    return first.season, first.number, _last(beside.episodes), reading.aired or first.aired


def _counted_natively(work: Episode, tags: EpisodeTags) -> tuple[Episode, tuple[str, ...]]:
    """Keep the two ways of counting apart: an AniDB id is one season, TVDB's numbers run over many (simkl-api.md 3.3)."""
    ids = work.show.ids
    native = any(getattr(ids, name) for name in _NATIVE)
    common = Ids(simkl=ids.simkl, imdb=ids.imdb, tmdb=ids.tmdb, tvdb=ids.tvdb)
    if not native or work.number is None:
        return work, ()
    if not common and not tags.seasons and (tags.cour or work.season in {None, 1}):
        season = None if tags.cour else work.season
        return replace(work, season=season, native=True), ("counted as in the anime catalogue",)
    if (work.season is not None and work.season > 1) or tags.seasons:
        left_out = "the anime catalogue's id was left out, as the file counts seasons"
        return replace(work, show=replace(work.show, ids=common)), (left_out,)
    return work, ()


def _sure(work: Episode, reading: Reading, *, shared: bool) -> float:
    if work.show.ids and work.number is not None:
        if reading.special:
            return Confidence.LOOSE.value
        return Confidence.SHARED_ID.value if shared else Confidence.IDS.value
    if Ids(tvdb=work.ids.tvdb, anidb=work.ids.anidb):
        return Confidence.IDS.value
    return reading.confidence or Confidence.WEAK.value
