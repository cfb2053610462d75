"""NFO sidecars: what Kodi accepts, what damage looks like, and what must never be read (players.md 9.5)."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler.api import Episode, File, Ids, Movie
from scrobbler.identify import Confidence, Guess, Identification, identify
from scrobbler.identify.nfo import MAX_BYTES, Nfo, Sidecars, parse, read_beside, sidecars
from tests.identify.conftest import NoGuesser

EPISODE = (
    "<episodedetails><showtitle>Show</showtitle><season>2</season><episode>{}</episode>"
    "<uniqueid type='tvdb'>{}</uniqueid></episodedetails>"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<movie><title>Heat</title><year>1995</year><uniqueid type="imdb">tt0113277</uniqueid></movie>',
            Ids(imdb="tt0113277"),
        ),
        (
            '<movie><uniqueid type="sonarr" default="true">77</uniqueid><uniqueid type="tmdb">949</uniqueid></movie>',
            Ids(tmdb="949"),
        ),
        ("<movie><id>tt0113277</id></movie>", Ids(imdb="tt0113277")),
        ("<tvshow><id>81189</id></tvshow>", Ids(tvdb="81189")),
        (
            "<tvshow><tvdbid>81189</tvdbid><imdb_id>tt0903747</imdb_id><tmdbid>1396</tmdbid></tvshow>",
            Ids(imdb="tt0903747", tmdb="1396", tvdb="81189"),
        ),
        (
            "<tvshow><anidbid>7</anidbid><uniqueid type='mal'>8</uniqueid><uniqueid type='unknown'>9</uniqueid></tvshow>",
            Ids(anidb="7", mal="8"),
        ),
        ("<movie><actor><tmdbid>5</tmdbid></actor><tmdbid>949</tmdbid></movie>", Ids(tmdb="949")),
        ("<movie><title>Tom & Jerry</title><tmdbid>949</tmdbid></movie>", Ids(tmdb="949")),
        ("<movie><title>Tom &nbsp; Jerry</title><tmdbid>949</tmdbid></movie>", Ids(tmdb="949")),
        ("<movie><plot>never closed<tmdbid>949</tmdbid><actor><tmdbid>5</tmdbid></actor>", Ids(tmdb="949")),
        (
            "<movie><tmdbid>949</tmdbid></movie>\nhttps://www.imdb.com/title/tt0113277/",
            Ids(imdb="tt0113277", tmdb="949"),
        ),
        ("<?xml version='1.0' encoding='UTF-16'?><movie><tmdbid>949</tmdbid></movie>garbage &&& <", Ids(tmdb="949")),
        ("https://www.imdb.com/title/tt0113277/", Ids(imdb="tt0113277")),
        ("Release notes\nhttps://www.themoviedb.org/movie/949-heat\n", Ids(tmdb="949")),
        ("https://thetvdb.com/?tab=series&id=81189", Ids(tvdb="81189")),
        (
            "<movie><uniqueid type='imdb'>0113277</uniqueid><uniqueid type='tmdb'>x</uniqueid></movie>",
            Ids(imdb="tt0113277"),
        ),
    ],
)
def test_ids_of_every_style(text: str, expected: Ids) -> None:
    """Known types are read whatever is marked as default; old tags, links, nested people and damage are handled."""
    (found,) = parse(text.encode())
    assert found.ids == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    """A byte-order mark or a wrong declaration does not matter."""
    (found,) = parse("<?xml version='1.0' encoding='ascii'?><movie><title>Amélie</title></movie>".encode(encoding))
    assert found.title == "Amélie"


def test_several_roots() -> None:
    """A file of several episodes has several root elements, which is no XML; each is read."""
    found = parse((EPISODE.format(5, 50) + EPISODE.format(6, 60)).encode())
    assert [(one.season, one.number, one.ids) for one in found] == [(2, 5, Ids(tvdb="50")), (2, 6, Ids(tvdb="60"))]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE movie [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><movie><title>&b;</title><tmdbid>949</tmdbid></movie>',
        '<!DOCTYPE movie [<!ENTITY x SYSTEM "file:///etc/passwd">]><movie><title>&x;</title><tmdbid>949</tmdbid></movie>',
        "<!doctype movie><movie><title>t</title><tmdbid>949</tmdbid></movie>",
    ],
)
def test_entities_are_refused(text: str) -> None:
    """A document type or an entity is never expanded; only the ids are searched for."""
    assert parse(text.encode()) == (Nfo(root="movie", ids=Ids(tmdb="949")),)


@given(
    st.binary(max_size=300) | st.text(alphabet="<>/&;movietvshwpdlas \"'=!?-0123456789", max_size=200).map(str.encode)
)
def test_no_content_raises(data: bytes) -> None:
    """Whatever an NFO holds, reading it answers."""
    assert isinstance(parse(data), tuple)


@pytest.mark.parametrize("depth", [50_000])
def test_deep_nesting_is_survived(depth: int) -> None:
    """XML nested deeper than anybody writes neither crashes nor hangs."""
    assert parse(b"<movie>" + b"<a>" * depth + b"</a>" * depth + b"</movie>")[0].root == "movie"


def identified(path: Path, guess: Guess | None = None) -> Identification:
    class Fixed:
        async def guess(self, path: str) -> Guess | None:
            return guess if path else None

    return asyncio.run(identify(File(path=str(path)), duration_ms=None, guesses=Fixed() if guess else NoGuesser()))


def made(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_film_from_its_own_nfo(tmp_path: Path) -> None:
    """`<file>.nfo` names the film by itself: guessit is not asked."""
    film = made(tmp_path / "x" / "abc.mkv")
    made(
        film.with_suffix(".nfo"),
        "<movie><title>Heat</title><year>1995</year><uniqueid type='imdb'>tt0113277</uniqueid></movie>",
    )
    found = identified(film)
    assert found.work == Movie(title="Heat", year=1995, ids=Ids(imdb="tt0113277"))
    assert found.reasons == ("imdb id of the film from the NFO beside the file",)


def test_movie_nfo_of_another_film_is_left_out(tmp_path: Path) -> None:
    """One `movie.nfo` among many films gives its ids to its own film alone."""
    made(tmp_path / "movie.nfo", "<movie><title>Heat</title><year>1995</year><tmdbid>949</tmdbid></movie>")
    other = identified(made(tmp_path / "Ronin (1998).mkv"))
    assert other.work == Movie(title="Ronin", year=1998)
    assert "movie.nfo names another film and was left out" in other.reasons
    own = identified(made(tmp_path / "Heat (1995).mkv"))
    assert own.work == Movie(title="Heat", year=1995, ids=Ids(tmdb="949"))
    assert own.confidence == Confidence.IDS


def test_path_tag_wins_over_nfo(tmp_path: Path) -> None:
    """Ids in the path were put there on purpose; an NFO with others is left out, one that agrees adds to them."""
    film = made(tmp_path / "Heat (1995) {tmdb-949}.mkv")
    made(tmp_path / "movie.nfo", "<movie><title>Heat</title><tmdbid>1</tmdbid><imdbid>tt0000001</imdbid></movie>")
    assert identified(film).work == Movie(title="Heat", year=1995, ids=Ids(tmdb="949"))
    made(tmp_path / "movie.nfo", "<movie><title>Heat</title><tmdbid>949</tmdbid><imdbid>tt0113277</imdbid></movie>")
    assert identified(film).work == Movie(title="Heat", year=1995, ids=Ids(tmdb="949", imdb="tt0113277"))


def test_show_from_two_folders_up(tmp_path: Path) -> None:
    """`tvshow.nfo` in the show's folder gives the show's ids; the episode's NFO gives the episode's."""
    episode = made(tmp_path / "Show" / "Season 2" / "Show S02E05.mkv")
    made(
        tmp_path / "Show" / "tvshow.nfo",
        "<tvshow><title>Show</title><year>2010</year><uniqueid type='tvdb'>123</uniqueid></tvshow>",
    )
    made(episode.with_suffix(".nfo"), EPISODE.format(5, 55))
    work = identified(episode).work
    assert isinstance(work, Episode)
    assert (work.show.ids, work.show.year, work.ids) == (Ids(tvdb="123"), 2010, Ids(tvdb="55"))


def test_numbers_from_the_nfo(tmp_path: Path) -> None:
    """An episode whose name has no numbers takes them from its NFO, a file of several takes the range."""
    episode = made(tmp_path / "Show" / "Some Title.mkv")
    made(episode.with_suffix(".nfo"), EPISODE.format(5, 50) + EPISODE.format(6, 60))
    work = identified(episode).work
    assert isinstance(work, Episode)
    assert (work.show.title, work.season, work.number, work.last_number, work.ids) == ("Show", 2, 5, 6, Ids())


def test_one_line_id_files(tmp_path: Path) -> None:
    """HAMA's `anidb.id` and `tvdb.id` give the show's id."""
    made(tmp_path / "Show" / "tvdb.id", "tvdb-123\n")
    work = identified(made(tmp_path / "Show" / "Show S02E05.mkv")).work
    assert isinstance(work, Episode)
    assert work.show.ids == Ids(tvdb="123")


def test_disc_nfo(tmp_path: Path) -> None:
    """The NFO of a disc structure is found in the disc's folder."""
    disc = made(tmp_path / "Heat (1995)" / "BDMV" / "STREAM" / "00001.m2ts")
    made(
        tmp_path / "Heat (1995)" / "BDMV" / "index.nfo",
        "<movie><title>Heat</title><year>1995</year><tmdbid>949</tmdbid></movie>",
    )
    assert identified(disc, Guess(title="Heat", year=1995)).work == Movie(title="Heat", year=1995, ids=Ids(tmdb="949"))


def test_what_is_no_plain_small_file_is_not_read(tmp_path: Path) -> None:
    """A pipe does not hang the reader, and a file beyond 1 MiB is left alone."""
    film = made(tmp_path / "a.mkv")
    os.mkfifo(film.with_suffix(".nfo"))
    assert read_beside(str(film)) == Sidecars()
    made(tmp_path / "movie.nfo", "<movie><tmdbid>949</tmdbid></movie>" + " " * MAX_BYTES)
    assert read_beside(str(film)) == Sidecars()


@pytest.mark.parametrize(
    "path", ["relative.mkv", "/nowhere/at/all.mkv", "http://x/y.mkv", "/a\0b.mkv", "/" + "x" * 5000]
)
def test_paths_that_are_not_here(path: str) -> None:
    """A path of another machine or of no machine has no sidecars."""
    assert asyncio.run(sidecars(path)) == Sidecars()


@pytest.mark.parametrize(
    "unit", ["<movie><actor>", "<uniqueid type='a' ", "<tmdbid>1", "<a>", "https://thetvdb.com/", "<?xml", "<actor"]
)
def test_hostile_content_is_read_fast(unit: str) -> None:
    """One MiB made to trip up expressions is done with in a moment."""
    begin = time.perf_counter()
    assert isinstance(parse(f"<movie>{unit * (MAX_BYTES // len(unit))}".encode()), tuple)
    assert time.perf_counter() - begin < 5
