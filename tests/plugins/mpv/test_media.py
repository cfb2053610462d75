"""From mpv's paths and tracks to items, and to the reasons why something is no play."""

import pytest

from scrobbler.api import File, Skip
from scrobbler_plugins.mpv.media import identify

VIDEO = {"type": "video", "image": False, "albumart": False}
COVER = {"type": "video", "image": True, "albumart": True}
PICTURE = {"type": "video", "image": True, "albumart": False}
SOUND = {"type": "audio"}


@pytest.mark.parametrize(
    ("path", "skip"),
    [
        ("http://nas:32400/library/parts/7/1/file.mkv?X-Plex-Token=abc", "server_stream"),
        ("https://plex.example/video/:/transcode/universal/start.m3u8", "server_stream"),
        ("http://jelly:8096/Videos/0a1b/stream.mkv?static=true&api_key=abc", "server_stream"),
        ("http://jelly:8096/videos/0a1b/master.m3u8?api_key=abc", "server_stream"),
        ("http://emby:8096/emby/videos/12/stream", "server_stream"),
        ("https://jelly/Items/0a1b/Download?api_key=abc", "server_stream"),
        ("https://www.youtube.com/watch?v=abc", "web_stream"),
        ("ytdl://dQw4w9WgXcQ", "web_stream"),
        ("rtmp://example/live", "web_stream"),
        ("http://user:secret@example/film.mkv", "web_stream"),
        ("dvb://BBC", "live_tv"),
        ("rtsp://camera/1", "live_tv"),
        ("udp://@239.0.0.1:1234", "live_tv"),
        ("cdda://", "music"),
        ("edl://a.mkv", "unknown_type"),
        ("-", "unknown_type"),
        ("http://[broken/film", "web_stream"),
    ],
)
def test_streams_are_no_plays(path: str, skip: Skip) -> None:
    """Every kind of stream is told apart, and no query, user or password of it is kept."""
    media = identify(path, "/home/u", "", [VIDEO])
    assert media.skip == skip
    for hidden in ("abc", "secret", "user:"):
        assert hidden not in media.key + media.item.path


def test_two_streams_of_one_address_are_two() -> None:
    """What differs in the query alone is not taken for the same."""
    one, two = (identify(f"https://www.youtube.com/watch?v={name}", "/", "", []) for name in "ab")
    assert one.key != two.key


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/media/A.mkv", "/media/A.mkv"),
        ("A.mkv", "/home/u/A.mkv"),
        ("../v/./A.mkv", "/home/v/A.mkv"),
        ("file:///media/A%20B.mkv", "/media/A B.mkv"),
        ("archive:///media/A.rar|/A.mkv", "/media/A.rar/A.mkv"),
        ("smb://anna:geheim@nas/films/A.mkv", "smb://anna@nas/films/A.mkv"),
        ("nfs://nas/films/A.mkv", "nfs://nas/films/A.mkv"),
        ("sftp://:geheim@nas/films/a@b:c.mkv", "sftp://@nas/films/a@b:c.mkv"),
    ],
)
def test_files_have_one_absolute_name(path: str, key: str) -> None:
    """Relative, encoded and network names become one name, without a password."""
    assert identify(path, "/home/u", "A.mkv", [VIDEO]) == (key, File(path=key, title=identify_title(key)), None)


def identify_title(key: str) -> str:
    """Return the title that a file keeps if mpv calls it `A.mkv`."""
    return "" if key.endswith("/A.mkv") else "A.mkv"


@pytest.mark.parametrize(
    ("tracks", "name", "skip"),
    [
        ([VIDEO, SOUND], "A.mkv", None),
        ([VIDEO], "A.mkv", None),
        ([SOUND], "A.mkv", "music"),
        ([COVER, SOUND], "A.flac", "music"),
        ([PICTURE], "A.mkv", "photo"),
        ([VIDEO], "A.gif", "photo"),
        ([], "A.FLAC", "music"),
        (None, "A.m4b", "music"),
        (None, "A.jpeg", "photo"),
        (None, "A.mkv", None),
        ("odd", "A.mkv", None),
        ([3, {}, {"type": "sub"}], "A.mkv", None),
    ],
)
def test_tracks_tell_music_and_pictures(tracks: object, name: str, skip: Skip | None) -> None:
    """A cover is no film; where mpv names no tracks, the extension decides."""
    assert identify(f"/media/{name}", "/", "", tracks).skip == skip


@pytest.mark.parametrize(("title", "kept"), [("A.mkv", ""), ("A", ""), ("", ""), ("The Third Man", "The Third Man")])
def test_a_title_is_kept_if_it_says_more_than_the_name(title: str, kept: str) -> None:
    """Mpv repeats the file's name as title; only a tag is told."""
    assert identify("/media/A.mkv", "/", title, None).item.title == kept


def test_discs_are_told_apart_by_title() -> None:
    """Every disc has mpv's same path; its title makes the difference."""
    one, two = (identify("dvd://1", "/", title, [VIDEO]) for title in ("ALIEN", "ALIENS"))
    assert one.key != two.key
    assert one.skip is None


def test_bytes_that_cannot_be_shown_still_tell_names_apart() -> None:
    """Raw bytes and lone surrogates become fit for JSON; the keys stay different and stable."""
    names = ["/m/\udce9.mkv", "/m/\udce8.mkv", "/m/\ud800.mkv", "/m/\N{REPLACEMENT CHARACTER}.mkv"]
    media = [identify(name, "/", "", None) for name in names]
    assert len({entry.key for entry in media}) == 4
    for entry in media:
        (entry.key + entry.item.path).encode()
    assert identify(names[0], "/", "", None) == media[0]
