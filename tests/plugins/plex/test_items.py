"""From Plex metadata to films, episodes, and what is neither (players.md 1.3, 1.6)."""

from typing import Any

import pytest

from scrobbler.api import Episode, Ids, Movie, Show
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.plex.items import fuller, read_item, same_item, skip_of
from tests.kit.servers import plex_episode, plex_movie

LEGACY = "com.plexapp.agents."


def item(metadata: dict[str, Any]) -> Movie | Episode | None:
    """Read an item."""
    return read_item(Fields(metadata)).item


def episode(**changes: Any) -> Episode:
    """Read an episode with changes."""
    found = item(plex_episode(**changes))
    assert isinstance(found, Episode)
    return found


def test_film_carries_its_own_ids() -> None:
    """For a film `Guid[]` is the film itself."""
    ids = Ids(imdb="tt0000009", tmdb="9100009")
    assert item(plex_movie()) == Movie(title="The Example", year=2014, ids=ids)


def test_film_without_year_takes_that_of_its_release() -> None:
    """A film without `year` still has one in its release date."""
    found = item(plex_movie(year=None, originallyAvailableAt="2014-05-01"))
    assert isinstance(found, Movie)
    assert found.year == 2014


def test_ids_of_an_episode_never_become_ids_of_the_series() -> None:
    """`Guid[]` of an episode goes to the episode; the series has a title alone, and no year (1.6 item 4)."""
    found = episode()
    assert found.ids == Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002")
    assert found.show == Show(title="Example Show")
    assert (found.season, found.number, found.aired, found.title) == (1, 2, "2021-04-11", "Part 2")


def test_old_guid_names_the_series() -> None:
    """An old guid gives the id of the series, and the numbers where the fields lack them."""
    found = episode(guid=LEGACY + "thetvdb://80000/2/5?lang=en", Guid=None, index=None, parentIndex=None)
    assert found.show.ids == Ids(tvdb="80000")
    assert found.ids == Ids()
    assert (found.season, found.number) == (2, 5)


def test_old_guid_of_the_series_helps_too() -> None:
    """The series' own guid in the event gives its id when the episode's does not."""
    found = episode(guid="local://1", grandparentGuid=LEGACY + "thetvdb://80000?lang=en")
    assert found.show.ids == Ids(tvdb="80000")


def test_season_zero_is_a_season() -> None:
    """Specials keep season 0, and an episode 0 its number."""
    found = episode(parentIndex=0, index=0)
    assert (found.season, found.number) == (0, 0)


def test_numbers_in_dvd_order_are_not_used() -> None:
    """DVD order counts otherwise than Simkl: the id of the series stays, title and date must find the episode."""
    found = episode(guid=LEGACY + "thetvdbdvdorder://80000/1/2", Guid=None)
    assert (found.season, found.number, found.show.ids.tvdb) == (None, None, "80000")
    assert (found.title, found.aired) == ("Part 2", "2021-04-11")


@pytest.mark.parametrize(
    ("guid", "season", "number", "native"),
    [
        ("hama://anidb-17/1/3", None, 3, True),
        ("hama://anidb-17/0/3", 0, 3, True),
        ("hama://tvdb3-80000/4/88", None, 88, False),
        ("hama://tvdb3-80000/0/1", 0, 1, False),
        ("hama://tvdb5-80000/4/88", None, None, False),
    ],
)
def test_anime_numbering(guid: str, season: int | None, number: int | None, *, native: bool) -> None:
    """AniDB numbers are native and have no season, absolute ones neither; specials stay season 0."""
    found = episode(guid=LEGACY + guid, Guid=None)
    assert (found.season, found.number, found.native) == (season, number, native)


@pytest.mark.parametrize(
    ("season", "number", "aired", "expected"),
    [
        (2026, 41103, "2026-04-11", (None, None)),
        (2026, 411, "2026-04-11", (None, None)),
        (2026, 105, "2026-01-05", (None, None)),
        (2026, 105, "2026-06-05", (2026, 105)),
        (2026, 15, "2026-04-11", (2026, 15)),
        (1, 1088, "2026-04-11", (1, 1088)),
        (2026, 41103, None, (None, None)),
    ],
)
def test_library_by_date(season: int, number: int, aired: str | None, expected: tuple[int | None, int | None]) -> None:
    """A year with a date for a number is no coordinate; a year with a plain number is one (1.3)."""
    found = episode(parentIndex=season, index=number, originallyAvailableAt=aired)
    assert (found.season, found.number) == expected
    assert found.aired == aired


def test_two_ids_of_one_source_are_noted() -> None:
    """Two ids of one source may disagree; the first stays, the reading says so (1.6 item 6)."""
    reading = read_item(Fields(plex_movie(Guid=[{"id": "tmdb://1"}, {"id": "tmdb://2"}])))
    assert reading.item == Movie(title="The Example", year=2014, ids=Ids(tmdb="1"))
    assert len(reading.notes) == 1


@pytest.mark.parametrize("listed", [None, [], {"id": "imdb://tt0000009"}, "x", [None, 3], [{"id": 5}]])
def test_a_guid_list_may_be_absent_or_odd(listed: object) -> None:
    """`Guid[]` empty, absent or of another type never spoils the item (1.6 item 5)."""
    found = item(plex_movie(Guid=listed))
    assert isinstance(found, Movie)
    assert found.title == "The Example"


def test_numbers_may_come_as_strings() -> None:
    """Numbers read alike as numbers and as strings (1.6 item 14)."""
    assert item(plex_episode(index="2", parentIndex="1", year="2021")) == item(plex_episode())


@pytest.mark.parametrize(
    ("metadata", "skip"),
    [
        (plex_movie(), None),
        (plex_episode(), None),
        (plex_movie(librarySectionID=None, librarySectionTitle=None, librarySectionType=None), None),
        (plex_movie(type="clip", subtype="trailer", extraType=1), "trailer"),
        (plex_movie(type="clip", extraType="1"), "trailer"),
        (plex_movie(type="clip", subtype="behindTheScenes", extraType=5), "extra"),
        (plex_movie(type="clip"), "extra"),
        (plex_movie(type="clip", guid="analyzed.prerolls://0f0f", librarySectionID=-2), "preroll"),
        (plex_movie(type="clip", librarySectionID="-2"), "preroll"),
        (plex_movie(subtype="clip", guid=LEGACY + "none://x?lang=xn"), "home_video"),
        (plex_movie(subtype="clip"), "home_video"),
        (plex_movie(guid=LEGACY + "none://x?lang=xn"), "home_video"),
        (plex_movie(guid="iva://x"), "trailer"),
        (plex_episode(live=1), "live_tv"),
        (plex_episode(live="1"), "live_tv"),
        (plex_episode(live=True), "live_tv"),
        (plex_episode(live=0), None),
        (plex_episode(live="0"), None),
        (plex_episode(live=False), None),
        (plex_episode(key="/livetv/sessions/0f"), "live_tv"),
        (plex_episode(Media=[{"origin": "livetv"}]), "live_tv"),
        (plex_movie(guid="tv.plex.xmltv://movie/The%20Example"), "live_tv"),
        (plex_episode(guid="tv.plex.providers.epg.cloud://episode/1"), "live_tv"),
        (
            plex_movie(key="/tv/1", librarySectionID=None, librarySectionTitle=None, librarySectionType=None),
            "live_tv",
        ),
        (plex_movie(type="track", librarySectionType="artist"), "music"),
        (plex_movie(type="movie", librarySectionType="artist"), "music"),
        (plex_movie(type="photo"), "photo"),
        (plex_movie(type="season"), "unknown_type"),
        (plex_movie(type=None), "unknown_type"),
    ],
)
def test_what_is_no_play(metadata: dict[str, Any], skip: str | None) -> None:
    """Clips, live TV, music, photos and home videos are told apart however they are typed (1.6 items 8 to 10, 13, 14)."""
    assert skip_of(Fields(metadata)) == skip


def test_fuller_fills_gaps_and_keeps_what_is_known() -> None:
    """A second reading fills what the first lacks and changes nothing else."""
    known = Episode(show=Show(title="Example Show"), season=0, number=3)
    found = Episode(show=Show(title="Other", ids=Ids(tvdb="1")), season=1, number=9, title="Three", ids=Ids(tmdb="2"))
    merged = fuller(known, found)
    show = Show(title="Example Show", ids=Ids(tvdb="1"))
    assert merged == Episode(show=show, season=0, number=3, title="Three", ids=Ids(tmdb="2"))
    assert fuller(Movie(title="A"), Movie(title="B", year=2014)) == Movie(title="A", year=2014)
    assert fuller(Movie(title="A"), found) == Movie(title="A")


def test_same_item_needs_an_id_or_names_and_numbers() -> None:
    """Two readings are one item by a common id, or by names and numbers together."""
    first = Episode(show=Show(title="Example Show"), season=1, number=2)
    assert same_item(first, Episode(show=Show(title="EXAMPLE show"), season=1, number=2))
    assert not same_item(first, Episode(show=Show(title="Example Show"), season=1, number=3))
    assert same_item(Movie(ids=Ids(tmdb="1")), Movie(title="Else", ids=Ids(tmdb="1")))
    assert not same_item(Movie(title=""), Movie(title=""))
    assert not same_item(Movie(title="A"), first)
