"""What plays: films and episodes of the library, files outside of it, and what is no play (players.md 4.2 to 4.4)."""

from typing import Any

import pytest

from scrobbler.api import Episode, File, Ids, Movie, Show
from scrobbler_plugins.kodi.fields import date, moment, number, seconds_ms, time_ms, whole, year
from scrobbler_plugins.kodi.items import episode, is_native, movie, read_ids, show
from scrobbler_plugins.kodi.media import key_of, loose, place, skip_of
from tests.plugins.kodi.kit import clock

SERIES = Show(title="Example Show", year=2019, ids=Ids(tvdb="9300100"))
ROW = {"episodeid": 412, "title": "The Second", "season": 1, "episode": 2, "showtitle": "Example Show", "tvshowid": 7}


def test_film_of_the_library() -> None:
    """Title, year and the ids of each catalogue."""
    row = {"title": "The Example", "year": 2014, "uniqueid": {"imdb": "tt0000009", "tmdb": "9100009", "trakt": "5"}}
    assert movie(row) == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))


def test_episode_with_the_ids_of_its_series() -> None:
    """`uniqueid` of an episode holds ids of the episode, that of the series those of the series."""
    row = {**ROW, "uniqueid": {"tvdb": "9200002", "imdb": "tt0000002"}, "firstaired": "2019-04-11"}
    assert episode(row, SERIES) == Episode(
        show=SERIES,
        season=1,
        number=2,
        title="The Second",
        ids=Ids(tvdb="9200002", imdb="tt0000002"),
        aired="2019-04-11",
    )


def test_imdbnumber_is_believed_only_where_it_is_one() -> None:
    """`imdbnumber` holds the default id, which is often of another catalogue; `unknown` may be anything."""
    assert read_ids({"imdbnumber": "9200002"}) == Ids()
    assert read_ids({"imdbnumber": "tt0000002"}) == Ids(imdb="tt0000002")
    assert read_ids({"uniqueid": {"unknown": "78874"}}) == Ids()
    assert read_ids({"uniqueid": {"unknown": "tt0000003"}}) == Ids(imdb="tt0000003")
    assert read_ids({"uniqueid": {"imdb": "tt0000001", "unknown": "tt0000003"}}) == Ids(imdb="tt0000001")
    assert read_ids({"uniqueid": {"imdb": "junk", "tvdb": "", "tmdb": "12x", "anidb": 42}}) == Ids(anidb="42")
    assert read_ids({"uniqueid": ["tt0000001"]}) == Ids()
    assert read_ids({"uniqueid": {"tvmaze": "123"}}) == Ids()


def test_minus_one_is_no_number_and_zero_is_one() -> None:
    """Items without numbers have -1; season 0 and episode 0 are numbers."""
    assert episode({**ROW, "season": -1, "episode": -1}, SERIES) is None
    special = episode({**ROW, "season": 0, "episode": 0}, SERIES)
    assert special is not None
    assert (special.season, special.number) == (0, 0)


@pytest.mark.parametrize(("named", "there", "told"), [(3, (3, 4), (3, 4)), (4, (3, 4), (3, 4)), (2, (2,), (2, None))])
def test_several_episodes_in_one_file(named: int, there: tuple[int, ...], told: tuple[int, int | None]) -> None:
    """Whichever of them Kodi names, the file is all of them, from the first to the last."""
    others = [{**ROW, "episode": number, "title": f"Part {number}"} for number in there]
    found = episode({**ROW, "episode": named}, SERIES, others)
    assert found is not None
    assert (found.number, found.last_number) == told


def test_episodes_that_do_not_follow_each_other() -> None:
    """A file that the library has wrongly as episodes 2 and 9 is the one that was named."""
    found = episode({**ROW, "episode": 2}, SERIES, [{**ROW, "episode": 9}])
    assert found is not None
    assert (found.number, found.last_number) == (2, None)


def test_year_of_a_date_that_is_none() -> None:
    """Kodi has the first day of 1970 where it knows no date, and makes a year of it."""
    assert show({"title": "X", "year": 1970, "premiered": "1970-01-01"}).year is None
    assert show({"title": "X", "year": 1970, "premiered": "1970-09-14"}).year == 1970
    assert year({"year": 0}) is None
    assert date({"firstaired": ""}, "firstaired") is None
    assert date({"firstaired": "1970-01-01"}, "firstaired") is None


def test_anime_numbering() -> None:
    """Only a series that anime catalogues alone know is numbered as they do, and only in its first season."""
    assert is_native(Ids(anidb="1"), 1)
    assert not is_native(Ids(anidb="1", tvdb="2"), 1)
    assert not is_native(Ids(anidb="1"), 2)


def test_file_outside_of_the_library() -> None:
    """`type: movie` is a guess there: the file goes by its path."""
    answer = {
        "type": "movie",
        "label": "Example.Show.S01E02.mkv",
        "title": "",
        "file": "/media/Example.Show.S01E02.mkv",
    }
    found = loose({**answer, "season": -1, "episode": -1, "year": 0})
    assert found.item == File(path="/media/Example.Show.S01E02.mkv")
    assert (found.key, found.skip) == ("/media/Example.Show.S01E02.mkv", None)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/media/Film (2000).mkv", "/media/Film (2000).mkv"),
        ("C:\\Films\\Film (2000).mkv", "C:/Films/Film (2000).mkv"),
        ("smb://alice:hunter22@nas/films/Film (2000).mkv", "smb://nas/films/Film (2000).mkv"),
        ("nfs://nas/films/Film (2000).mkv", "nfs://nas/films/Film (2000).mkv"),
        ("stack:///m/Film (2000) cd1.avi , /m/Film (2000) cd2.avi", "/m/Film (2000) cd1.avi"),
        ("bluray://%2fmedia%2fFilm%20(2000)%2f/BDMV/PLAYLIST/00800.mpls", "/media/Film (2000)"),
        (
            "bluray://udf%3a%2f%2f%252fmedia%252fFilm%2520(2000).iso%2f/BDMV/PLAYLIST/00800.mpls",
            "/media/Film (2000).iso",
        ),
        ("/media/Film (2000)/BDMV/index.bdmv", "/media/Film (2000)"),
        ("/media/Film (2000)/VIDEO_TS/VIDEO_TS.IFO", "/media/Film (2000)"),
        ("zip://%2fmedia%2fpack.zip/Film (2000).mkv", "/media/pack.zip/Film (2000).mkv"),
        ("dav://bob:secretword@cloud/Film%20(2000).mkv", "dav://cloud/Film%20(2000).mkv"),
        ("bluray://smb%3a%2f%2fbob%3asecretword%40nas%2fFilm%20(2000)/BDMV/PLAYLIST/1.mpls", "smb://nas/Film (2000)"),
    ],
)
def test_addresses_of_files(url: str, path: str) -> None:
    """The path that names the film, without login, and without what lies inside of a disc."""
    found = loose({"file": url, "type": "unknown"})
    assert isinstance(found.item, File)
    assert found.item.path == place(url) == path
    assert found.skip is None
    assert "hunter22" not in found.key
    assert "secretword" not in found.key


def test_a_key_stays_apart() -> None:
    """Two files that differ only in what may not be shown stay two; the same stays the same."""
    first, second = "smb://a:pass1word@nas/x.mkv", "smb://b:pass2word@nas/x.mkv"
    assert key_of(first) != key_of(second)
    assert key_of(first) == key_of(first)


@pytest.mark.parametrize(
    ("answer", "skip"),
    [
        ({"type": "channel", "file": "pvr://channels/tv/x.pvr", "title": "News"}, "live_tv"),
        ({"type": "unknown", "file": "pvr://recordings/tv/x.pvr"}, "live_tv"),
        ({"type": "song", "file": "/music/a.flac"}, "music"),
        ({"type": "musicvideo", "file": "/clips/a.mkv"}, "music"),
        ({"type": "unknown", "file": "/music/a.flac"}, "music"),
        ({"type": "picture", "file": "/a.jpg"}, "photo"),
        ({"type": "unknown", "file": "https://example.org/a.mp4"}, "web_stream"),
        (
            {"type": "movie", "title": "X", "year": 2014, "file": "plugin://plugin.video.youtube/play/?v=1"},
            "web_stream",
        ),
        ({"type": "movie", "title": "X", "year": 2014, "file": "plugin://plugin.video.imdb.trailers/?id=1"}, "trailer"),
        ({"type": "unknown", "file": "http://plex:32400/library/parts/5/file.mkv?X-Plex-Token=abc"}, "server_stream"),
        ({"type": "unknown", "file": "plugin://plugin.video.jellyfin/?id=1"}, "server_stream"),
        ({"type": "unknown", "file": "rtsp://camera/1"}, "live_tv"),
        ({"type": "unknown", "file": "hdhomerun://1048B6DE/tuner0?channel=auto:5"}, "live_tv"),
        ({"type": "unknown", "file": "plugin://script.plexmod/?id=1"}, "server_stream"),
        ({"type": "unknown", "file": "http://box:8096/videos/7/stream.mkv?static=true"}, "server_stream"),
        ({"type": "unknown", "file": "/photos/a.heic"}, "photo"),
        ({"type": "unknown", "file": "shout://x/1"}, "unknown_type"),
        ({"type": "unknown", "title": "Something", "file": "plugin://plugin.video.example/?id=1"}, "web_stream"),
    ],
)
def test_what_is_no_play(answer: dict[str, Any], skip: str) -> None:
    """Live TV, music, trailers, streams of the web and of media servers."""
    assert loose(answer).skip == skip


@pytest.mark.parametrize("url", ["rtsp://camera/1?token=abcdef", "https://example.org/a.mp4?token=abcdef#t=token"])
def test_nothing_secret_is_kept_of_a_stream(url: str) -> None:
    """What an address says behind its path may be a secret."""
    found = loose({"type": "unknown", "file": url, "label": "x"})
    assert isinstance(found.item, File)
    assert "token" not in f"{found.key} {found.item.path} {found.path}"


@pytest.mark.parametrize("kind", ["movie", "movies", "unknown"])
def test_the_guessed_kind_of_a_file_means_nothing(kind: str) -> None:
    """Outside of the library Kodi calls a file without any tag `movies`, and everything else `movie` or `unknown`."""
    found = loose({"type": kind, "title": "Example.Show.S01E02.mkv", "file": "/media/Example.Show.S01E02.mkv"})
    assert (found.item, found.skip) == (File(path="/media/Example.Show.S01E02.mkv"), None)


def test_add_on_that_describes_its_item() -> None:
    """A title with numbers, a year or ids is enough; ids that come with an episode may be anybody's."""
    film = {
        "type": "movie",
        "title": "The Example",
        "year": 2014,
        "file": "plugin://plugin.video.example/?id=1&token=abc",
    }
    found = loose(film)
    assert (found.item, found.skip) == (Movie(title="The Example", year=2014), None)
    assert "token" not in found.key
    part = {**ROW, "type": "episode", "uniqueid": {"tvdb": "1"}, "file": "plugin://plugin.video.example/?id=2"}
    assert loose(part).item == Episode(show=Show(title="Example Show"), season=1, number=2, title="The Second")


def test_stream_of_a_upnp_server() -> None:
    """Its address names nothing; what the server says of the title does."""
    answer = {"type": "movie", "title": "The Example", "year": 2014, "file": "upnp://uuid/films%2f12"}
    assert loose(answer).item == Movie(title="The Example", year=2014)
    assert loose({"type": "unknown", "label": "Film (2000).mkv", "file": "upnp://uuid/1"}).item == File(
        path="Film (2000).mkv"
    )


def test_kinds_that_are_never_plays() -> None:
    """What a notification's type alone tells; `movie` alone tells nothing."""
    assert (skip_of("song"), skip_of("channel"), skip_of("movie"), skip_of("unknown")) == (
        "music",
        "live_tv",
        None,
        None,
    )


def test_times() -> None:
    """Kodi's times by parts; what cannot be is missing, not zero."""
    assert time_ms({"time": clock(3_723_045)}, "time") == 3_723_045
    assert time_ms({"time": {"hours": 0, "minutes": 0, "seconds": -5, "milliseconds": 0}}, "time") is None
    assert time_ms({"time": {}}, "time") is None
    assert time_ms({"time": 5}, "time") is None
    assert seconds_ms({"duration": 1500}, "duration") == 1_500_000
    assert seconds_ms({"duration": -1}, "duration") is None
    assert (number({"speed": -2}, "speed"), number({"speed": True}, "speed")) == (-2, None)
    assert (whole({"id": -1}, "id"), whole({"id": "7"}, "id")) == (None, 7)
    assert moment({"timestamp": "2026-06-12T20:16:35"}, "timestamp") is None
