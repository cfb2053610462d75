"""The guid grammar of Plex, form by form (players.md 1.7)."""

import pytest

from scrobbler.api import Ids
from scrobbler.api.servers.plex.guids import Guid, Level, clean_id, read_guid, read_list

LEGACY = "com.plexapp.agents."


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (LEGACY + "imdb://tt0000009?lang=en", Ids(imdb="tt0000009")),
        (LEGACY + "themoviedb://603?lang=en", Ids(tmdb="603")),
        (LEGACY + "xbmcnfo://tt0000009", Ids(imdb="tt0000009")),
        (LEGACY + "xbmcnfo://603", Ids(tmdb="603")),
        (LEGACY + "hama://anidb-17?lang=en", Ids(anidb="17")),
        (LEGACY + "hama://tmdb-603", Ids(tmdb="603")),
        (LEGACY + "hama://imdb-tt0000009", Ids(imdb="tt0000009")),
        ("tv.plex.agents.nfo.movie://movie/tmdb_123", Ids(tmdb="123")),
        ("tv.plex.agents.nfo.movie://movie/imdb_tt0000009", Ids(imdb="tt0000009")),
        ("imdb://tt0000009", Ids(imdb="tt0000009")),
        ("plex://movie/5d0000000000000000000009", Ids()),
        (LEGACY + "thetvdb://80000", Ids()),
        (LEGACY + "shoko://55/1/2?lang=en", Ids()),
        ("tv.plex.agents.nfo.movie://movie/123", Ids()),
        ("local://4711", Ids()),
        ("", Ids()),
        ("nonsense", Ids()),
    ],
)
def test_guid_of_a_film_gives_ids_of_the_film(text: str, ids: Ids) -> None:
    """Each form of a film's guid gives the film's own ids, or none at all; never ids of a series."""
    guid = read_guid(text, "movie")
    assert (guid.item, guid.show) == (ids, Ids())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LEGACY + "thetvdb://80000/2/5?lang=xx", Guid(show=Ids(tvdb="80000"), season=2, number=5)),
        (LEGACY + "thetvdb://80000/0/1", Guid(show=Ids(tvdb="80000"), season=0, number=1)),
        (LEGACY + "themoviedb://1399/1/2", Guid(show=Ids(tmdb="1399"), season=1, number=2)),
        (LEGACY + "xbmcnfotv://80000/1/2", Guid(show=Ids(tvdb="80000"), season=1, number=2)),
        (LEGACY + "xbmcnfotv://tt0000100/1/2", Guid(show=Ids(imdb="tt0000100"), season=1, number=2)),
        (LEGACY + "thetvdbdvdorder://80000/1/3", Guid(show=Ids(tvdb="80000"), season=1, number=3, order="unknown")),
        (LEGACY + "anidb://17/1/3", Guid(show=Ids(anidb="17"), season=1, number=3, order="native")),
        (LEGACY + "hama://anidb-17/1/3?lang=en", Guid(show=Ids(anidb="17"), season=1, number=3, order="native")),
        (LEGACY + "hama://anidb2-17/2/3", Guid(season=2, number=3)),
        (LEGACY + "hama://anidb4-17/2/3", Guid(season=2, number=3)),
        (LEGACY + "hama://tvdb-80000/2/3", Guid(show=Ids(tvdb="80000"), season=2, number=3)),
        (LEGACY + "hama://tvdb2-80000/2/3", Guid(show=Ids(tvdb="80000"), season=2, number=3)),
        (LEGACY + "hama://tvdb3-80000/2/30", Guid(show=Ids(tvdb="80000"), season=2, number=30, order="absolute")),
        (LEGACY + "hama://tvdb4-80000/2/30", Guid(show=Ids(tvdb="80000"), season=2, number=30, order="absolute")),
        (LEGACY + "hama://tvdb5-80000/2/30", Guid(show=Ids(tvdb="80000"), season=2, number=30, order="unknown")),
        (LEGACY + "hama://tvdb6-80000/2/30", Guid(show=Ids(tvdb="80000"), season=2, number=30, order="unknown")),
        (LEGACY + "hama://tsdb-1399/1/2", Guid(show=Ids(tmdb="1399"), season=1, number=2)),
        (LEGACY + "hama://tmdb-603/1/1", Guid(season=1, number=1)),
        (LEGACY + "hama://imdb-tt0000100/1/2", Guid(show=Ids(imdb="tt0000100"), season=1, number=2)),
        (LEGACY + "hama://other-5/1/2", Guid(order="unknown")),
        (LEGACY + "shoko://55/1/2?lang=en", Guid()),
        (LEGACY + "none://abc/2026/41103?lang=xn", Guid()),
        ("tv.plex.agents.none://abc", Guid()),
        ("local://4711", Guid()),
        ("plex://episode/5d0000000000000000000001", Guid()),
        ("tvdb://9200002", Guid(item=Ids(tvdb="9200002"))),
        ("tv.plex.agents.nfo.series://episode/tvdb_123", Guid(item=Ids(tvdb="123"))),
        ("tv.plex.agents.nfo.series://show/tvdb_123", Guid(show=Ids(tvdb="123"))),
        ("tv.plex.agents.nfo.series://season/tvdb_123", Guid()),
        ("tv.plex.agents.nfo.series://episode/123", Guid()),
        (LEGACY + "thetvdb://80000", Guid()),
    ],
)
def test_guid_of_an_episode(text: str, expected: Guid) -> None:
    """An old guid names the series and its numbers, a new one the episode; a doubtful one names nothing."""
    assert read_guid(text, "episode") == expected


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (LEGACY + "thetvdb://80000?lang=en", Ids(tvdb="80000")),
        (LEGACY + "themoviedb://1399?lang=en", Ids(tmdb="1399")),
        (LEGACY + "hama://anidb-17?lang=en", Ids(anidb="17")),
        (LEGACY + "hama://anidb3-17", Ids()),
        ("tv.plex.agents.nfo.series://show/tvdb_123", Ids(tvdb="123")),
        ("plex://show/5d0000000000000000000000", Ids()),
    ],
)
def test_guid_of_a_series(text: str, ids: Ids) -> None:
    """A series' guid gives ids of the series."""
    assert read_guid(text, "show").show == ids


@pytest.mark.parametrize(
    ("text", "level", "skip"),
    [
        ("tv.plex.xmltv://movie/The%20Example", "movie", "live_tv"),
        ("tv.plex.xmltv://show/Example/1", "episode", "live_tv"),
        ("tv.plex.providers.epg.cloud:7://episode/1", "episode", "live_tv"),
        ("analyzed.prerolls://0f0f", "episode", "preroll"),
        ("iva://api.internetvideoarchive.com/1", "movie", "trailer"),
        ("file:///extras/scene.mkv", "movie", "extra"),
        ("mbid://0f0f", "episode", "music"),
        (LEGACY + "youtube-as-series://x|y/2020/1", "episode", "unknown_type"),
        ("tv.plex.ytinforeader://x", "movie", "unknown_type"),
        (LEGACY + "none://abc?lang=xn", "movie", "home_video"),
        (LEGACY + "none://abc/1/2?lang=xn", "episode", None),
    ],
)
def test_guid_that_is_no_play(text: str, level: Level, skip: str | None) -> None:
    """Guids of guides, pre-rolls, trailers, music and videos of the web say so themselves."""
    assert read_guid(text, level).skip == skip


def test_list_keeps_the_first_of_two_and_says_so() -> None:
    """Two ids of one source that disagree: the first stays, and it is noted."""
    found = read_list(["imdb://tt0000009", "tmdb://5", "tmdb://6", "tmdb://5", "plex://x", "tvdb://", "what"])
    assert found.ids == Ids(imdb="tt0000009", tmdb="5")
    assert found.notes == ("two ids of tmdb: 5 stays, 6 is left out",)


@pytest.mark.parametrize(
    ("scheme", "value", "expected"),
    [
        ("imdb", "TT0000009/", "tt0000009"),
        ("imdb", "nm0000009", None),
        ("imdb", "", None),
        ("tmdb", "0603", "603"),
        ("tmdb", "0", None),
        ("tmdb", "-5", None),
        ("tvdb", "https://x", None),
        ("tvdb", "٣", None),
    ],
)
def test_junk_is_no_id(scheme: str, value: str, expected: str | None) -> None:
    """An id is what the catalogue prints, and junk is none."""
    assert clean_id(scheme, value) == expected
