"""Id tags in folder and file names (players.md 9.4), alone and in the resolver."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler.api import Episode, Ids, Movie
from scrobbler.identify import Confidence
from scrobbler.identify.tags import for_episode, for_movie, ids_in, imdb_id, path_tags
from tests.identify.conftest import Ask

STYLES = [
    ("{imdb-tt0000123}", Ids(imdb="tt0000123")),
    ("{tmdb-123}", Ids(tmdb="123")),
    ("{tvdb-123}", Ids(tvdb="123")),
    ("{edition-Final Cut}", Ids()),
    ("[imdbid-tt0000123]", Ids(imdb="tt0000123")),
    ("[tmdbid-123]", Ids(tmdb="123")),
    ("[tvdbid-123]", Ids(tvdb="123")),
    ("[tvmazeid-123]", Ids()),
    ("[imdbid=tt0000123]", Ids(imdb="tt0000123")),
    ("[tmdbid=123]", Ids(tmdb="123")),
    ("(tvdb-123)", Ids(tvdb="123")),
    ("(tmdbid=123)", Ids(tmdb="123")),
    ("[imdb=tt0000123]", Ids(imdb="tt0000123")),
    ("[IMDBID-TT0000123]", Ids(imdb="tt0000123")),
    ("[imdbid-0000123]", Ids(imdb="tt0000123")),
    ("[anidb-123]", Ids(anidb="123")),
    ("[AniDB-123]", Ids(anidb="123")),
    ("[anidb2-123]", Ids(anidb="123")),
    ("[tvdb4-123]", Ids(tvdb="123")),
    ("tt0000123", Ids(imdb="tt0000123")),
    ("Movie.tt0000123.1080p", Ids(imdb="tt0000123")),
    ("{imdb-tt0000123}{tmdb-45} [tvdbid-6]", Ids(imdb="tt0000123", tmdb="45", tvdb="6")),
    ("[tmdbid-0]", Ids()),
    ("[imdbid-tt000]", Ids()),
    ("att0000123b", Ids()),
    ("[tmdbid-abc]", Ids()),
    ("[anilist-12] [mal-13] [kitsu-14]", Ids(mal="13", anilist="12", kitsu="14")),
]


@pytest.mark.parametrize(("text", "ids"), STYLES)
def test_styles(text: str, ids: Ids) -> None:
    """Every style of tag that people use is read, in any case, several at once."""
    assert ids_in(f"Name (2010) {text}")[0] == ids


@pytest.mark.parametrize(
    ("value", "known"),
    [("tt123", "tt0000123"), ("0137523", "tt0137523"), ("tt", None), ("tt0000000", None), ("abc", None)],
)
def test_imdb_numbers(value: str, known: str | None) -> None:
    """An imdb number gets its `tt` and its zeros; anything else is none."""
    assert imdb_id(value) == known


def test_show_folder_tag_is_the_shows() -> None:
    """A tag on the show's folder is the show's id, through a season folder."""
    tags = for_episode("/tv/Show (2010) {tvdb-123} [imdbid-tt0000123]/Season 1/Show - S01E02.mkv")
    assert tags.show == Ids(imdb="tt0000123", tvdb="123")
    assert tags.episode == Ids()
    assert not tags.shared


def test_file_tag_equal_to_the_folders() -> None:
    """A tag that people copied from the folder to the file stays the show's."""
    assert for_episode("/tv/Show {tvdb-123}/Show - S01E02 {tvdb-123}.mkv").episode == Ids()


def test_file_tag_that_differs_is_the_episodes_for_tvdb_alone() -> None:
    """A differing tvdb tag on the file is the episode's; imdb and tmdb ids of episodes do not exist at Simkl."""
    tags = for_episode("/tv/Show {tvdb-123} {imdb-tt0000123}/Show - S01E02 {tvdb-999} {imdb-tt0000999}.mkv")
    assert (tags.show, tags.episode) == (Ids(imdb="tt0000123", tvdb="123"), Ids(tvdb="999"))


def test_file_tag_alone_is_taken_as_the_shows(read: Ask) -> None:
    """A tag on an episode's file alone is read as the show's, with less confidence and a reason that says it."""
    found = read("/tv/Show - S01E02 [tvdbid-123].mkv")
    assert isinstance(found.work, Episode)
    assert found.work.show.ids == Ids(tvdb="123")
    assert found.confidence == Confidence.SHARED_ID
    assert "tvdb id in the file name, taken as the show's" in found.reasons


def test_movie_file_wins_over_folder() -> None:
    """The film's own tag wins; a folder that names another film adds nothing, one that agrees fills the gaps."""
    assert for_movie("/m/Set [tmdbid-5] [imdbid-tt0000555]/Film (2010) [tmdbid-6].mkv").ids == Ids(tmdb="6")
    assert for_movie("/m/Film (2010) [imdbid-tt0000555]/Film (2010) [tmdbid-6].mkv").ids == Ids(
        imdb="tt0000555", tmdb="6"
    )
    assert for_movie("/m/Set [tmdbid-5]/Film (2010)/Film.mkv").ids == Ids()


def test_film_folder_with_a_tag_needs_no_guessit(read: Ask) -> None:
    """A film folder with an id tag is enough: the film is known without guessit."""
    found = read("/movies/Heat (1995) [imdbid-tt0113277]/Heat FRENCH.mkv")
    assert found.work == Movie(title="Heat", year=1995, ids=Ids(imdb="tt0113277"))
    assert found.confidence == Confidence.IDS
    assert found.reasons == ("imdb id in the folder name", "title and year from the folder name")


def test_disc_folder_with_a_tag(read: Ask) -> None:
    """The tag of the folder that holds a disc structure is the film's."""
    found = read("/movies/Heat (1995) {tmdb-949}/BDMV/STREAM/00001.m2ts")
    assert found.work == Movie(title="Heat", year=1995, ids=Ids(tmdb="949"))


def test_tmdb_number_follows_the_context(read: Ask) -> None:
    """A tmdb number is the film's beside a film and the show's beside an episode."""
    episode = read("/tv/Show {tmdb-5}/Season 1/Show S01E01.mkv").work
    assert isinstance(episode, Episode)
    assert episode.show.ids == Ids(tmdb="5")
    assert episode.ids == Ids()
    film = read("/m/Film (2010) {tmdb-5}.mkv").work
    assert film == Movie(title="Film", year=2010, ids=Ids(tmdb="5"))


def test_title_beside_folder_ids_is_the_folders(read: Ask) -> None:
    """Title and ids speak of one show: with an id from the folder, the folder's title and year go with it."""
    work = read("/tv/Doctor Who (2005) {tvdb-78804}/Season 1/dw.s01e01.mkv").work
    assert isinstance(work, Episode)
    assert (work.show.title, work.show.year) == ("Doctor Who", 2005)


@pytest.mark.parametrize(
    ("path", "ids", "native", "season"),
    [
        ("/anime/Show [anidb-7]/[G] Show - 05.mkv", Ids(anidb="7"), True, None),
        ("/anime/Show [anidb-7]/Show S01E05.mkv", Ids(anidb="7"), True, 1),
        ("/anime/Show [anidb-7]/Season 2/Show S02E05.mkv", Ids(), False, 2),
        ("/anime/Show [anidb-7] [tvdb-8]/Season 2/Show S02E05.mkv", Ids(tvdb="8"), False, 2),
        ("/anime/Show [anidb2-7]/Show S01E05.mkv", Ids(), False, 1),
        ("/anime/Show [tvdb-8]/[G] Show - 105.mkv", Ids(tvdb="8"), False, None),
        ("/anime/Show [tvdb-8]/Season 2 [anidb-9]/[G] Show - 05.mkv", Ids(tvdb="8"), False, 2),
        ("/anime/Show/Season 2 [anidb-9]/[G] Show - 05.mkv", Ids(anidb="9"), True, None),
        ("/anime/Show [anidb-7]/Season 2 [anidb-9]/[G] Show - 05.mkv", Ids(anidb="9"), True, None),
    ],
)
def test_anime_numbering_is_not_mixed(read: Ask, path: str, ids: Ids, native: bool, season: int | None) -> None:  # noqa: FBT001 — a column
    """An anime catalogue's id never goes with a season that it does not have (simkl-api.md 3.3)."""
    work = read(path).work
    assert isinstance(work, Episode)
    assert (work.show.ids, work.native, work.season) == (ids, native, season)


@given(st.text(st.characters(codec=None), max_size=80))
def test_no_text_raises(text: str) -> None:
    """Whatever stands in a name, reading its tags answers."""
    assert for_movie(text).ids == for_movie(text).ids
    assert for_episode(text).shared in {True, False}
    assert isinstance(path_tags(text), tuple)
