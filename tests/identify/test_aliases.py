"""Aliases: what joins reports of one work, and what keeps two works apart."""

import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scrobbler.api import Episode, Ids, Movie, Show, Work
from scrobbler.identify import Alias, aliases, contradicts, normal_title


def strong(work: Work) -> set[tuple[str, str]]:
    return {(alias.scheme, alias.value) for alias in aliases(work) if not alias.weak}


def every(work: Work) -> set[tuple[str, str]]:
    return {(alias.scheme, alias.value) for alias in aliases(work)}


def episode(
    season: int | None = 2, number: int | None = 5, *, title: str = "", year: int | None = None, ids: Ids | None = None
) -> Episode:
    return Episode(show=Show(title=title, year=year, ids=ids or Ids()), season=season, number=number)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Office (US)", "office us"),
        ("Amélie", "AMELIE"),
        ("Tom & Jerry", "Tom and Jerry"),
        ("Marvel's Agents of S.H.I.E.L.D.", "marvels agents of s h i e l d"),
        ("Spider-Man: No Way Home", "spider man no way home"),
        ("Grey\u2019s Anatomy", "Grey's Anatomy"),
        ("Straße", "STRASSE"),
        ("Smørrebrød", "smorrebrod"),
        ("  A   Beautiful_Mind ", "Beautiful Mind"),
        ("Ame\u0301lie", "Amélie"),
    ],
)
def test_titles_that_are_the_same(one: str, other: str) -> None:
    """Case, accents, punctuation, articles and the ampersand do not tell titles apart."""
    assert normal_title(one) == normal_title(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Office", "The Office (US)"),
        ("The The", "The"),
        ("Rocky", "Rocky II"),
        ("ガンダム", "カンタム"),
        ("!!!", "???"),
        ("Ran", "Rän & Co"),
    ],
)
def test_titles_that_differ(one: str, other: str) -> None:
    """A country, a numeral, a voiced kana and mere punctuation do tell titles apart."""
    assert normal_title(one) != normal_title(other)


def test_strongest_first() -> None:
    """Ids come first, then the title with its year, then the weak title alone."""
    movie = Movie(title="Blade Runner", year=1982, ids=Ids(simkl=7, imdb="tt0083658", tmdb="78"))
    assert aliases(movie) == (
        Alias("movie:simkl", "7"),
        Alias("movie:imdb", "tt0083658"),
        Alias("movie:tmdb", "78"),
        Alias("movie:title", "blade runner/1982"),
        Alias("movie:title", "blade runner", weak=True),
    )


def test_episode_aliases() -> None:
    """An episode is known by each show id with its place, by its own ids, and by the show's title with its place."""
    work = replace(episode(title="Doctor Who", year=2005, ids=Ids(tvdb="400001")), ids=Ids(tvdb="9", imdb="tt0000009"))
    assert aliases(work) == (
        Alias("show:tvdb", "400001/2/5"),
        Alias("episode:imdb", "tt0000009"),
        Alias("episode:tvdb", "9"),
        Alias("show:title", "doctor who 2005/2/5"),
        Alias("show:title", "doctor who/2/5", weak=True),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Movie(title="Amélie", year=2001), Movie(title="AMELIE", year=2001, ids=Ids(imdb="tt0211915"))),
        (Movie(title="x", ids=Ids(imdb="0211915")), Movie(title="y", ids=Ids(imdb="tt0211915"))),
        (Movie(title="Doctor Who (1996)"), Movie(title="Doctor Who", year=1996)),
        (episode(title="Doctor Who (2005)"), episode(title="Doctor Who", year=2005)),
        (episode(title="Show"), episode(title="The Show!")),
        (episode(ids=Ids(anidb="5"), season=1), episode(ids=Ids(anidb="5"), season=None)),
        (episode(0, 0, title="Show"), episode(0, 0, title="show")),
    ],
)
def test_same_for_ever(one: Work, other: Work) -> None:
    """Two reports of one work share a strong alias and do not contradict each other."""
    assert strong(one) & strong(other)
    assert not contradicts(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Movie(title="Heat"), Movie(title="Heat", year=1995)),
        (Movie(title="Heat"), Movie(title="Heat")),
        (episode(title="Ghosts"), episode(title="Ghosts", year=2021)),
        (episode(title="Ghosts"), episode(title="Ghosts", ids=Ids(tvdb="1"))),
        (episode(None, 5, title="Show"), episode(1, 5, title="Show")),
        (replace(episode(2, 5, title="Show"), last_number=6), episode(2, 6, title="Show")),
        (
            Episode(show=Show(title="Daily"), aired="2024-03-05"),
            replace(episode(29, 70, title="Daily"), aired="2024-03-05"),
        ),
    ],
)
def test_same_only_while_both_run(one: Work, other: Work) -> None:
    """What may be the same shares a weak alias alone: it joins plays at one time and fuses nothing for ever."""
    assert every(one) & every(other)
    assert not strong(one) & strong(other)
    assert not contradicts(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Movie(title="Dune", year=1984), Movie(title="Dune", year=2021)),
        (
            Movie(title="Heat", year=1995, ids=Ids(imdb="tt0000001")),
            Movie(title="Heat", year=1995, ids=Ids(imdb="tt0000002")),
        ),
        (episode(title="Ghosts", ids=Ids(tvdb="1")), episode(title="Ghosts", ids=Ids(tvdb="2"))),
        (episode(title="Doctor Who", year=1963), episode(title="Doctor Who", year=2005)),
        (episode(2, 5, title="Show"), episode(2, 6, title="Show")),
        (Movie(title="Fargo"), episode(title="Fargo")),
    ],
)
def test_never_the_same(one: Work, other: Work) -> None:
    """Other years, other ids, other numbers and other kinds of work contradict, whatever aliases they share."""
    assert contradicts(one, other)
    assert contradicts(other, one)


def test_an_agreeing_id_outweighs_a_differing_one() -> None:
    """Catalogues renumber: one id that agrees is enough, even when the years differ."""
    one = Movie(title="X", year=2000, ids=Ids(imdb="tt0000001", tmdb="1"))
    assert not contradicts(one, Movie(title="X", year=2001, ids=Ids(imdb="tt0000001", tmdb="2")))


def test_several_episodes_are_a_work_of_their_own() -> None:
    """A file of two episodes is not its first episode, though each of its parts leads to it while it plays."""
    both = replace(episode(1, 1, ids=Ids(tvdb="7")), last_number=2, ids=Ids(tvdb="99"))
    assert aliases(both) == (
        Alias("show:tvdb", "7/1/1-2"),
        Alias("show:tvdb", "7/1/1", weak=True),
        Alias("show:tvdb", "7/1/2", weak=True),
        Alias("episode:tvdb", "99", weak=True),
    )


def test_nothing_known_means_no_alias() -> None:
    """Empty works have no alias, so they join nothing."""
    assert aliases(Movie()) == ()
    assert aliases(Episode()) == ()
    assert aliases(Movie(ids=Ids(tmdb="0", tvdb=" "))) == ()


LATIN = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=["Cc"]), min_size=1, max_size=30
)


def decorated(title: str) -> str:
    """Write a title as another catalogue might: decomposed, in capitals."""
    return unicodedata.normalize("NFD", title).upper()


@given(LATIN)
def test_titles_are_stable_under_case_and_accents(title: str) -> None:
    """Capitals and decomposed accents never change a normal title, and normalising twice changes nothing."""
    once = normal_title(title)
    assert normal_title(decorated(title)) == once
    assert normal_title(once) in {once, once.removeprefix("the ").removeprefix("a ").removeprefix("an ")}


@given(
    title=LATIN,
    year=st.none() | st.integers(1900, 2030),
    season=st.none() | st.integers(0, 50),
    number=st.integers(0, 2000),
)
def test_aliases_are_stable_under_case_and_accents(
    title: str, year: int | None, season: int | None, number: int
) -> None:
    """Two sources that write a title differently give the same aliases."""
    assert aliases(Movie(title=title, year=year)) == aliases(Movie(title=decorated(title), year=year))
    assert aliases(episode(season, number, title=title, year=year)) == aliases(
        episode(season, number, title=decorated(title), year=year)
    )


WORKS = st.one_of(
    st.builds(
        Movie,
        title=st.text(max_size=8),
        year=st.none() | st.integers(1900, 2030),
        ids=st.builds(Ids, imdb=st.none() | st.text(max_size=9)),
    ),
    st.builds(
        Episode,
        show=st.builds(Show, title=st.text(max_size=8), ids=st.builds(Ids, tvdb=st.sampled_from([None, "1", "2"]))),
        season=st.none() | st.integers(0, 3),
        number=st.none() | st.integers(0, 3),
        last_number=st.none() | st.integers(0, 5),
        aired=st.sampled_from([None, "2024-03-05"]),
    ),
)


@given(st.lists(WORKS, min_size=2, max_size=4))
def test_aliases_hold_for_any_works(works: list[Work]) -> None:
    """Aliases are unique within a work, a work never contradicts itself, and contradiction is mutual."""
    for work in works:
        names = [(alias.scheme, alias.value) for alias in aliases(work)]
        assert len(names) == len(set(names))
        assert not contradicts(work, work)
    for one, other in combinations(works, 2):
        assert contradicts(one, other) == contradicts(other, one)
