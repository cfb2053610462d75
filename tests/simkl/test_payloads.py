"""Bodies (simkl-api.md 3, 4.1, 6.1)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, Ids, Movie, Show
from scrobbler.simkl import history
from scrobbler.simkl.errors import Rejected
from scrobbler.simkl.history import Entry
from scrobbler.simkl.payloads import forms, percent
from tests.simkl.rig import EPISODE, FILM

text = st.sampled_from(["", "Example Show", "Other"])
idv = st.none() | st.sampled_from(["1", "22", "tt0000001", "0", ""])
number = st.none() | st.integers(0, 40)
ids = st.builds(
    Ids,
    simkl=st.none() | st.integers(1, 99),
    imdb=idv,
    tmdb=idv,
    tvdb=idv,
    anidb=idv,
    mal=idv,
    anilist=idv,
    kitsu=idv,
)
episodes = st.builds(
    Episode,
    show=st.builds(Show, title=text, year=st.none() | st.just(2021), ids=ids),
    season=number,
    number=number,
    ids=ids,
    native=st.booleans(),
)
movies = st.builds(Movie, title=text, year=st.none() | st.just(2019), ids=ids)
NATIVE = {"mal", "anidb", "anilist", "kitsu"}


def entries(works: list[Any], attempt: int = 0) -> list[Entry]:
    found = []
    for index, work in enumerate(works):
        try:
            ways = forms(work)
        except Rejected:
            continue
        found.append(Entry(index=index, form=ways[min(attempt, len(ways) - 1)], at_utc_ms=1_768_507_200_000 + index))
    return found


@settings(deadline=None)
@given(episodes, st.floats(0, 100))
def test_a_scrobble_never_names_a_show_alone(work: Episode, progress: float):
    """Whatever is known of an episode, its body names the episode, or is not built."""
    try:
        ways = forms(work)
    except Rejected:
        return
    for form in ways:
        body = form.scrobble(progress)
        assert {"number", "ids"} & set(body["episode"])
        assert set(body) - {"progress", "episode"} in ({"show"}, {"anime"})
        assert set(body["episode"].get("ids", {})) <= {"tvdb", "anidb"}


@settings(deadline=None)
@given(episodes)
def test_an_anime_id_never_meets_a_tvdb_season(work: Episode):
    """An id of a cour stands beside a number without a season, or a special's; never beside another catalogue's season."""
    try:
        ways = forms(work)
    except Rejected:
        return
    for form in ways:
        body = form.scrobble(1)
        title = body["show"] if "show" in body else body["anime"]
        assert not (NATIVE & set(title["ids"]) and body["episode"].get("season"))
        assert not ("show" in body and NATIVE & set(title["ids"]))


@settings(deadline=None)
@given(st.lists(st.one_of(episodes, movies), max_size=12), st.integers(0, 2))
def test_a_history_write_never_names_a_show_or_season_without_episodes(works: list[Any], attempt: int):
    """No history body can mark a whole season or a whole series, and none of its watches is lost."""
    batch = entries(works, attempt)
    body = history.body(batch)
    count = len(body.get("movies", []))
    for show in body.get("shows", []) + body.get("anime", []):
        assert ("episodes" in show) != ("seasons" in show)
        listed = [
            *show.get("episodes", []),
            *(each for season in show.get("seasons", []) for each in season["episodes"]),
        ]
        assert all(season["episodes"] for season in show.get("seasons", []))
        assert listed
        assert all("number" in each or each.get("ids") for each in listed)
        assert all(each["watched_at"].endswith("Z") for each in listed)
        count += len(listed)
    assert count == len(batch)
    assert all(show["use_tvdb_anime_seasons"] for show in body.get("shows", []))


@settings(deadline=None)
@given(st.lists(st.one_of(episodes, movies), max_size=12))
def test_what_simkl_echoes_as_not_found_is_found_again(works: list[Any]):
    """When the whole body comes back as not found, every watch of the batch is told; when nothing does, none."""
    batch = entries(works)
    body = history.body(batch)
    echo = {"movies": body.get("movies", []), "shows": body.get("shows", []) + body.get("anime", []), "episodes": []}
    assert history.not_found({"not_found": echo}, batch) == {entry.index for entry in batch}
    assert history.not_found({"not_found": {"movies": [], "shows": [], "episodes": []}}, batch) == frozenset()


@settings(deadline=None)
@given(st.floats(0, 100))
def test_a_progress_is_never_rounded_up(value: float):
    """Two decimals at most, and never more than was played: 79.999 stays below the threshold."""
    done = percent(value)
    assert value - 0.0100001 < done <= value
    assert len(str(float(done)).partition(".")[2]) <= 2 or done < 0.01


@pytest.mark.parametrize(
    ("value", "expected"), [(79.999, 79.99), (80, 80), (-3, 0), (250, 100), (42.5, 42.5), (0.005, 0)]
)
def test_a_progress_stays_in_its_range(value: float, expected: float):
    """Progress is clamped to 0 to 100."""
    assert percent(value) == expected


def test_a_progress_must_be_a_number():
    """NaN is refused, not sent."""
    with pytest.raises(ValueError, match="0 to 100"):
        percent(float("nan"))


def test_the_bodies_of_the_dossier():
    """A film and an episode look like the samples of simkl-api.md 4.1."""
    assert forms(FILM)[0].scrobble(0) == {
        "progress": 0,
        "movie": {"title": "Example Film", "year": 2019, "ids": {"imdb": "tt9000002", "tmdb": "80002"}},
    }
    assert forms(EPISODE)[0].scrobble(37.25) == {
        "progress": 37.25,
        "show": {"title": "Example Show", "year": 2021, "ids": {"tvdb": "400001"}},
        "episode": {"season": 2, "number": 5},
    }


def bodies(work: Episode) -> list[dict[str, Any]]:
    return [{key: value for key, value in form.scrobble(1).items() if key != "progress"} for form in forms(work)]


def test_native_anime_goes_under_anime_without_a_season():
    """AniDB numbering is sent with its own ids and a number, and without the TVDB id of the whole series."""
    show = Show(title="Anime", ids=Ids(anidb="12345", mal="54321", tvdb="9"))
    expected = {"anime": {"title": "Anime", "ids": {"anidb": "12345", "mal": "54321"}}, "episode": {"number": 7}}
    assert bodies(Episode(show=show, season=1, number=7, native=True)) == [expected]


def test_an_anime_with_tvdb_coordinates_drops_the_ids_of_its_cour():
    """TVDB's season stands beside the ids of the series alone; the one of Simkl would win, and may be a cour's."""
    show = Show(title="Anime", ids=Ids(simkl=5, anidb="12345", tvdb="9"))
    body = bodies(Episode(show=show, season=2, number=7))[0]
    assert body == {"show": {"title": "Anime", "ids": {"tvdb": "9"}}, "episode": {"season": 2, "number": 7}}


def test_a_series_known_by_name_leads_with_the_episode_id():
    """Without ids of the series the episode's TVDB id helps; a stale one falls back to season and number."""
    work = Episode(show=Show(title="Example Show"), season=1, number=2, ids=Ids(tvdb="777", imdb="tt0000009"))
    first, second = bodies(work)
    assert first["episode"] == {"season": 1, "number": 2, "ids": {"tvdb": "777"}}
    assert second["episode"] == {"season": 1, "number": 2}


def test_a_series_known_by_id_keeps_the_episode_id_for_later():
    """With ids of the series the numbers lead, because the ids of an episode win over them and may be stale."""
    work = Episode(show=Show(ids=Ids(tvdb="400001")), season=0, number=0, ids=Ids(tvdb="777"))
    first, second = bodies(work)
    assert first["episode"] == {"season": 0, "number": 0}
    assert second["episode"]["ids"] == {"tvdb": "777"}


def test_an_absolute_number_goes_under_anime():
    """A number without a season is anime's, by the title alone if need be."""
    work = Episode(show=Show(title="Long Anime"), season=None, number=1015)
    assert bodies(work) == [{"anime": {"title": "Long Anime", "ids": {}}, "episode": {"number": 1015}}]


@pytest.mark.parametrize(
    "work",
    [
        Movie(),
        Movie(ids=Ids(imdb="nm123", tmdb="0")),
        Episode(show=Show(title="Example Show")),
        Episode(show=Show(title="Example Show"), season=2),
        Episode(season=1, number=2),
        Episode(show=Show(ids=Ids(mal="5")), season=3, number=2),
        Episode(show=Show(title="Example Show"), season=1, ids=Ids(imdb="tt0000009")),
    ],
)
def test_what_cannot_be_named_is_refused(work: Movie | Episode):
    """Too little to go on is refused with a reason, and never guessed."""
    with pytest.raises(Rejected) as caught:
        forms(work)
    assert caught.value.reason


def test_a_batch_groups_by_series_and_season_in_order():
    """Episodes share their series and season, films and series keep their order."""
    other = Episode(show=EPISODE.show, season=2, number=6)
    third = Episode(show=EPISODE.show, season=3, number=1)
    body = history.body(entries([EPISODE, FILM, other, third]))
    assert [season["number"] for season in body["shows"][0]["seasons"]] == [2, 3]
    assert [each["number"] for each in body["shows"][0]["seasons"][0]["episodes"]] == [5, 6]
    assert body["movies"][0]["watched_at"] == "2026-01-15T20:00:00Z"
    assert len(body["shows"]) == 1


def test_one_lost_episode_does_not_condemn_its_season():
    """An echo with one episode tells exactly that one."""
    other = Episode(show=EPISODE.show, season=2, number=6)
    batch = entries([EPISODE, FILM, other])
    shows = {
        "title": "Example Show",
        "ids": {"tvdb": 400001},
        "seasons": [{"number": 2, "episodes": [{"number": "6"}]}],
    }
    assert history.not_found({"not_found": {"shows": [shows]}}, batch) == {2}
    flat = {"show": {"ids": {"tvdb": "400001"}}, "season": 2, "number": 5}
    assert history.not_found({"not_found": {"episodes": [flat]}}, batch) == {0}


def test_an_echo_that_fits_nothing_condemns_its_kind():
    """When we cannot tell which one was lost, none of that kind counts as done."""
    batch = entries([EPISODE, FILM])
    assert history.not_found({"not_found": {"movies": [{"title": "?"}]}}, batch) == {1}
    assert history.not_found({"not_found": {"shows": [{"ids": {"tvdb": "5"}}]}}, batch) == {0}
