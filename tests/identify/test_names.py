"""The table of players.md 9.1 to 9.3, read by our own reader and by the real guessit."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler.api import Episode, File, Movie
from scrobbler.identify import Confidence, Guess, GuessError, identify
from scrobbler.identify.correct import corrected
from scrobbler.identify.names import is_library, readable, season_of, split, titled
from scrobbler.identify.quick import quick
from tests.identify.conftest import Ask, NoGuesser, no_sidecars

MINUTE = 60_000

NUMBERED = [
    ("Show.Name.S01E01-E03.mkv", "Show Name", None, 1, 1, 3),
    ("Show.Name.S01E01E02.mkv", "Show Name", None, 1, 1, 2),
    ("Show.Name.S01E01-03.mkv", "Show Name", None, 1, 1, 3),
    ("Show.Name.1x01-02.mkv", "Show Name", None, 1, 1, 2),
    ("Show.Name.1x01-1x02.mkv", "Show Name", None, 1, 1, 2),
    ("Friends.1x05x06.mkv", "Friends", None, 1, 5, 6),
    ("Show.Name.S01E01.S01E02.mkv", "Show Name", None, 1, 1, 2),
    ("Show Name - S01E01 & E02 - Pilot.mkv", "Show Name", None, 1, 1, 2),
    ("Show.Name.S01E01E03.mkv", "Show Name", None, 1, 1, None),
    ("Show.Name.S01E05E04.mkv", "Show Name", None, 1, 5, None),
    ("Show.Name.S01E22.S02E01.mkv", "Show Name", None, 1, 22, None),
    ("Show.Name.S01E01-1080p.mkv", "Show Name", None, 1, 1, None),
    ("Show.Name.S01E01-720.mkv", "Show Name", None, 1, 1, None),
    ("[Group] Show S3 - 12.mkv", "Show", None, 3, 12, None),
    ("[Group] Show - 29 (1080p) [ABCD1234].mkv", "Show", None, None, 29, None),
    ("[Group] Mob Psycho 100 - 05.mkv", "Mob Psycho 100", None, None, 5, None),
    ("Mob Psycho 100 - 05.mkv", "Mob Psycho 100", None, 1, 5, None),
    ("[Group] 86 - Eighty Six - 03.mkv", "86 - Eighty Six", None, None, 3, None),
    ("[Group]_Show_Name_-_05v2_[1080p].mkv", "Show Name", None, None, 5, None),
    ("[Group] Show - 05v2 [1080p].mkv", "Show", None, None, 5, None),
    ("[Group] One Piece - 1088 [1080p][ABCD1234].mkv", "One Piece", None, None, 1088, None),
    ("One Piece - 1088.mkv", "One Piece", None, None, 1088, None),
    ("[Group] Show - 01-02 [720p].mkv", "Show", None, None, 1, 2),
    ("[Group] Steins;Gate 0 - SP01.mkv", "Steins;Gate 0", None, 0, 1, None),
    ("Show/Specials/Show - SP2.mkv", "Show", None, 0, 2, None),
    ("Show (2010)/Specials/Show - 03.mkv", "Show", 2010, 0, 3, None),
    ("Show 2nd Season - 05.mkv", "Show", None, 2, 5, None),
    ("[Group] Kaguya-sama - Love is War 3rd Season - 05.mkv", "Kaguya-sama - Love is War", None, 3, 5, None),
    ("Show Season 2/Show - 05.mkv", "Show", None, 2, 5, None),
    ("1923.S01E01.mkv", "1923", None, 1, 1, None),
    ("1923/Season 1/S01E01.mkv", "1923", None, 1, 1, None),
    ("24.S01E01.mkv", "24", None, 1, 1, None),
    ("The.Office.US.S04E01.mkv", "The Office US", None, 4, 1, None),
    ("MasterChef.Australia.S15E02.mkv", "MasterChef Australia", None, 15, 2, None),
    ("Doctor Who (1963) - s01e01.mkv", "Doctor Who", 1963, 1, 1, None),
    ("Doctor.Who.2005.S01E01.1080p.mkv", "Doctor Who", 2005, 1, 1, None),
    ("Doctor Who (2005)/Season 1/Doctor Who S01E01.mkv", "Doctor Who", 2005, 1, 1, None),
    ("Show.S2024E015.mkv", "Show", None, 2024, 15, None),
    ("Show (2010)/Season 02/S02E05.mkv", "Show", 2010, 2, 5, None),
    (
        "Battlestar Galactica (2003)/Season 00/Battlestar Galactica (2003) - S00E01.mkv",
        "Battlestar Galactica",
        2003,
        0,
        1,
        None,
    ),
    ("Show - S01E00 - Pilot.mkv", "Show", None, 1, 0, None),
    ("www.site.example - Show.S01E02.mkv", "Show", None, 1, 2, None),
    ("Mr. Robot S01E02.mkv", "Mr. Robot", None, 1, 2, None),
    ("Marvels.Agents.of.S.H.I.E.L.D.S01E02.mkv", "Marvels Agents of S.H.I.E.L.D", None, 1, 2, None),
    ("Show.Name.S01E02.1080p-GRP/grp-sn.s01e02.mkv", "Show Name", None, 1, 2, None),
    ("One Piece 1088화.mkv", "One Piece", None, None, 1088, None),
    ("Show 第01話.mkv", "Show", None, 1, 1, None),
    ("Naruto/Season 1/Naruto - 001-002.mkv", "Naruto", None, 1, 1, 2),
    ("Trailer.Park.Boys.S01E01.mkv", "Trailer Park Boys", None, 1, 1, None),
    ("smb://nas/tv/Show/Season 1/Show - S01E02.mkv", "Show", None, 1, 2, None),
    ("http://nas:8080/dl/Show%20Name%20S01E02.mkv?token=x", "Show Name", None, 1, 2, None),
    ("C:\\TV\\Show\\Season 1\\S01E02.mkv", "Show", None, 1, 2, None),
    ("/home/alice/Extras/Season 1/Extras - S01E02.mkv", "Extras", None, 1, 2, None),
]


@pytest.mark.parametrize(("path", "title", "year", "season", "number", "last"), NUMBERED)
def test_clear_episode_names_need_no_guessit(
    read: Ask, path: str, title: str, year: int | None, season: int | None, number: int, last: int | None
) -> None:
    """A clear episode name is read by ourselves, to the same answer that the table asks for."""
    work = read(path).work
    assert isinstance(work, Episode)
    assert (work.show.title, work.show.year, work.season, work.number, work.last_number) == (
        title,
        year,
        season,
        number,
        last,
    )


GUESSED = [
    ("Firefly/05.mkv", "Firefly", None, 1, 5),
    ("Firefly/Season 1/05.mkv", "Firefly", None, 1, 5),
    ("24/Season 1/05.mkv", "24", None, 1, 5),
    ("Show.Name.105.HDTV.mkv", "Show Name", None, 1, 5),
    ("[Group] Show 105 [1080p].mkv", "Show", None, None, 105),
    ("Show/Season 2/05 - Some Title.mkv", "Show", None, 2, 5),
    ("Show/Season 2/Show - 13.mkv", "Show", None, 2, 13),
    ("S1/Show 1.mkv", "Show", None, 1, 1),
    ("Naruto/Naruto 045.mkv", "Naruto", None, 1, 45),
    ("Chernobyl/Chernobyl.2019.E03.mkv", "Chernobyl", 2019, 1, 3),
    ("Show OVA 2.mkv", "Show", None, 0, 2),
    ("The Office US Episode 5.mkv", "The Office US", None, 1, 5),
    ("Show.S01.1080p.WEB-GRP/Show.E05.mkv", "Show", None, 1, 5),
]


@pytest.mark.parametrize(("path", "title", "year", "season", "number"), GUESSED)
def test_guessed_episodes_are_corrected(
    ask: Ask, path: str, title: str, year: int | None, season: int | None, number: int
) -> None:
    """What guessit gets wrong about an episode is put right."""
    work = ask(path).work
    assert isinstance(work, Episode)
    assert (work.show.title, work.show.year, work.season, work.number, work.last_number) == (
        title,
        year,
        season,
        number,
        None,
    )


FILMS = [
    ("2012.2009.mkv", "2012", 2009),
    ("1917.2019.1080p.mkv", "1917", 2019),
    ("300.2006.mkv", "300", 2006),
    ("Blade.Runner.2049.2017.mkv", "Blade Runner 2049", 2017),
    ("2001.A.Space.Odyssey.1968.mkv", "2001 A Space Odyssey", 1968),
    ("Movie (2021) [imdbid-tt1234567].mkv", "Movie", 2021),
    ("Blade Runner (1982) {edition-Director's Cut}.mkv", "Blade Runner", 1982),
    ("Movie (2010)/VIDEO_TS/VTS_01_1.VOB", "Movie", 2010),
    ("Heat (1995)/Disc 1/BDMV/STREAM/00001.m2ts", "Heat", 1995),
    ("/home/alice/videos/Ocean's Eleven.mkv", "Ocean's Eleven", None),
    ("The Movie (2010)/tm-x264.mkv", "The Movie", 2010),
    ("Some.Movie.2010.1080p.BluRay.x264-GRP/a1b2c3d4e5f60718293a4b5c.mkv", "Some Movie", 2010),
    ("Dune.Part.Two.2024.1080p.mkv", "Dune Part Two", 2024),
    ("Dune (2021) part1.mkv", "Dune", 2021),
    ("Kill Bill Vol. 1 (2003).mkv", "Kill Bill Vol. 1", 2003),
    ("Apollo 13.mkv", "Apollo 13", None),
    ("12 Angry Men.mkv", "12 Angry Men", None),
    ("Toy Story 3.mkv", "Toy Story 3", None),
    ("The.Sample.2015.mkv", "The Sample", 2015),
]


@pytest.mark.parametrize(("path", "title", "year"), FILMS)
def test_films(ask: Ask, path: str, title: str, year: int | None) -> None:
    """A film keeps the numbers of its title, and its year."""
    found = ask(path)
    assert isinstance(found.work, Movie)
    assert (found.work.title, found.work.year) == (title, year)


@pytest.mark.parametrize("path", ["The.Daily.Show.2024.03.05.mkv", "The Daily Show - 2024-03-05 - Guest.mkv"])
def test_shows_of_the_day(read: Ask, path: str) -> None:
    """A show named by its date becomes an episode with a date and no numbers."""
    work = read(path).work
    assert isinstance(work, Episode)
    assert (work.show.title, work.season, work.number, work.aired) == ("The Daily Show", None, None, "2024-03-05")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("S01E05.mkv", "the show is named nowhere in the path"),
        ("BDMV/STREAM/00001.m2ts", "the path names no title"),
        ("dvd://1", "the path names no title"),
        ("[Group] Show - 12.5 [1080p].mkv", "number 12.5 is a recap or a special"),
        ("Show/Season 2/Some Title.mkv", "the name has no episode number"),
        ("Show S01 OVA.mkv", "a special without a number"),
        ("Show.S01.Disc.1/BDMV/STREAM/00001.m2ts", "a disc with several episodes"),
    ],
)
def test_what_cannot_be_known_says_why(ask: Ask, path: str, reason: str) -> None:
    """A name that does not tell what plays gives no work and one plain reason."""
    found = ask(path)
    assert found.work is None
    assert found.skip is None
    assert any(said.startswith(reason) for said in found.reasons), found.reasons


def test_length_tells_a_film_from_an_episode(ask: Ask) -> None:
    """The same bare number is an episode in a short file and part of the title in a long one."""
    short, long = (
        ask("Apollo 13.mkv", duration_ms=24 * MINUTE).work,
        ask("Apollo 13.mkv", duration_ms=140 * MINUTE).work,
    )
    assert isinstance(short, Episode)
    assert (short.show.title, short.number) == ("Apollo", 13)
    assert long == Movie(title="Apollo 13")
    leading = ask("Show Name/1. Pilot.mkv", duration_ms=24 * MINUTE).work
    assert isinstance(leading, Episode)
    assert (leading.show.title, leading.season, leading.number) == ("Show Name", 1, 1)


def test_editions_are_told(ask: Ask) -> None:
    """The edition of a film is a reason, not part of the title."""
    found = ask("Movie.Name.2010.Directors.Cut.mkv")
    assert found.work == Movie(title="Movie Name", year=2010)
    assert any("Director's Cut" in reason for reason in found.reasons)


def test_title_tag_serves_where_the_path_is_silent(ask: Ask) -> None:
    """The tag inside a file is used for a path without a title, with little confidence, and never against the path."""
    found = ask("/tmp/00001.mkv", title="Heat (1995)")
    assert found.work == Movie(title="Heat", year=1995)
    assert found.confidence == Confidence.WEAK
    named = ask("S01E05.mkv", title="Show - S01E05 - Name").work
    assert isinstance(named, Episode)
    assert named.show.title == "Show"
    assert ask("Heat (1995).mkv", title="Ronin").work == Movie(title="Heat", year=1995)


def test_clear_names_are_read_fast(read: Ask) -> None:
    """Reading a clear name costs milliseconds, so that mpv's film is at Simkl within 0.3 s."""
    read("Show.Name.S01E01.mkv")
    begin = time.perf_counter()
    for path, *_ in NUMBERED:
        read(path)
    assert (time.perf_counter() - begin) / len(NUMBERED) < 0.02


@pytest.mark.parametrize(
    ("folder", "season"),
    [
        ("Season 2", 2),
        ("season 02", 2),
        ("S03", 3),
        ("Staffel 1", 1),
        ("2. Staffel", 2),
        ("Saison 4", 4),
        ("第2季", 2),
        ("Specials", 0),
        ("Season 0", 0),
        ("Season 1 (1080p)", 1),
        ("Season 3 [tvdbid-1]", 3),
        ("Show", None),
        ("S.W.A.T", None),
        ("Season of the Witch", None),
    ],
)
def test_season_folders(folder: str, season: int | None) -> None:
    """A folder that names a season alone is recognised in several languages."""
    assert season_of(folder) == season


@pytest.mark.parametrize(
    ("folder", "shelf"),
    [("TV Shows", True), ("Anime", True), ("disk1", True), ("Downloads", True), ("Lost", False), ("Show", False)],
)
def test_shelves(folder: str, shelf: bool) -> None:  # noqa: FBT001 — a column of the table
    """A folder that names a shelf is no title."""
    assert is_library(folder) is shelf


def test_names_that_are_not_utf8() -> None:
    """Bytes that were not UTF-8 are read as the old Windows page, and decomposed accents are composed."""
    assert readable(b"Am\xe9lie (2001).mkv".decode("utf-8", "surrogateescape")) == "Amélie (2001).mkv"
    assert readable("Ame\u0301lie") == "Amélie"
    assert readable("\ud800x").encode() != b""


def test_broken_name_is_identified(ask: Ask) -> None:
    """A name with bytes that were not UTF-8 gives a title that every encoder takes."""
    work = ask(b"/m/Am\xe9lie.2001.mkv".decode("utf-8", "surrogateescape")).work
    assert work == Movie(title="Amélie", year=2001)


@pytest.mark.parametrize(
    ("path", "numbers", "number", "last"),
    [
        ("86 87 Eighty Six.mkv", (86, 87), 87, None),
        ("Show 05-06.mkv", (5, 6), 5, 6),
        ("Show 05-07.mkv", (5, 6, 7), 5, 7),
        ("Show 100 - 05.mkv", (100, 5), 5, None),
        ("Show 06-05.mkv", (6, 5), 5, None),
    ],
)
def test_number_lists(path: str, numbers: tuple[int, ...], number: int, last: int | None) -> None:
    """Several numbers of guessit are several episodes only as one ascending, gapless, printed run; else the last one counts."""
    name = split(path)
    assert name is not None
    reading = corrected(name, Guess(type="episode", title="Show", episode=numbers), None)
    assert (reading.number, reading.last_number) == (number, last)


class Stubborn:
    """A guesser that answers everything in one way."""

    def __init__(self, guess: Guess | None) -> None:
        self.answer = guess

    async def guess(self, path: str) -> Guess | None:
        path.encode()
        if self.answer is None:
            raise GuessError("guessit is not installed")
        return self.answer


def test_failing_guesser_is_a_reason() -> None:
    """When guessit fails, the play is not lost: there is no work, and the reason says so."""
    item = File(path="/m/Some Film 1080p.mkv")
    found = asyncio.run(identify(item, duration_ms=None, guesses=Stubborn(None), read_sidecars=no_sidecars))
    assert found.work is None
    assert found.reasons == ("guessit is not installed",)


PATHS = st.text(st.characters(codec=None), max_size=60) | st.lists(
    st.sampled_from(
        [
            "Show",
            "S01E02",
            "Season 1",
            " - ",
            "05",
            "/",
            ".",
            "(2010)",
            "[G]",
            "-trailer",
            "화",
            "{tmdb-1}",
            "BDMV",
            "\udcff",
        ]
    ),
    max_size=9,
).map("".join)


@given(path=PATHS, title=st.text(max_size=20), duration=st.none() | st.integers(0, 10**8))
def test_no_name_raises(path: str, title: str, duration: int | None) -> None:
    """Whatever text a player sends as a path, identification answers and its work can be encoded."""
    guesses = Stubborn(Guess(type="movie", title="x"))
    found = asyncio.run(
        identify(File(path=path, title=title), duration_ms=duration, guesses=guesses, read_sidecars=no_sidecars)
    )
    assert 0 <= found.confidence <= 1
    assert found.work is not None or found.reasons
    repr(found).encode()


NUMBERS = st.lists(st.integers(0, 3000), max_size=3).map(tuple)
GUESSES = st.builds(
    Guess,
    type=st.sampled_from(["movie", "episode"]),
    title=st.text(max_size=12),
    alternative_title=st.sampled_from(["", "SP01"]),
    year=st.none() | st.integers(1900, 2100),
    season=NUMBERS,
    episode=NUMBERS,
    part=st.sampled_from(["", "1", "Two", "("]),
    country=st.sampled_from(["", "US"]),
)


@given(path=PATHS, guess=GUESSES, duration=st.none() | st.integers(0, 10**8))
def test_no_guess_raises(path: str, guess: Guess, duration: int | None) -> None:
    """Whatever guessit answers, the corrections give a reading."""
    name = split(path)
    if name is not None:
        assert corrected(name, guess, duration).confidence <= 1
        assert titled(name.stem) is not None
        reading = quick(name)
        assert reading is None or reading.last_number is None or (reading.number or 0) < reading.last_number


def test_guesser_is_never_asked_for_nothing() -> None:
    """A path without a name asks nobody."""
    found = asyncio.run(identify(File(path=""), duration_ms=None, guesses=NoGuesser(), read_sidecars=no_sidecars))
    assert found.reasons == ("the path names no title",)
