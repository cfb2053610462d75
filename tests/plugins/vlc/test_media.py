"""What plays is named by its address; passwords are left out, and what is no play is told (players.md 10)."""

import pytest

from scrobbler.api import File
from scrobbler_plugins.vlc.media import identify


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///media/b%20%26%20c%2520%C3%A9.mkv", "/media/b & c%20é.mkv"),
        ("file:///C:/Films/Sintel%20%282010%29.mkv", "C:/Films/Sintel (2010).mkv"),
        ("file://nas/films/Sintel.mkv", "//nas/films/Sintel.mkv"),
        ("file:///media/a%231.mkv#1:2", "/media/a#1.mkv"),
        ("file:///media/pack.zip#!/inner/Sintel.mkv", "/media/pack.zip/inner/Sintel.mkv"),
        ("smb://nas/films/Sintel%20%282010%29.mkv", "smb://nas/films/Sintel (2010).mkv"),
        ("smb://alice:s3cret@nas/films/x.mkv", "smb://alice@nas/films/x.mkv"),
        ("ftp://alice:p%40ss@nas/x.mkv", "ftp://alice@nas/x.mkv"),
        ("nfs://nas/x.mkv", "nfs://nas/x.mkv"),
    ],
)
def test_files_have_a_path(uri: str, path: str) -> None:
    """Addresses of files become the paths that people know, without their passwords."""
    media = identify(uri, "", "", "video")
    assert (media.item, media.key, media.skip) == (File(path=path), path, None)


def test_bytes_that_are_not_utf8() -> None:
    """Two names that look alike once their bytes are replaced keep two keys."""
    one, two = (identify(f"file:///media/caf%{byte}.mkv", "", "", "video") for byte in ("E9", "E8"))
    assert one.item == two.item == File(path="/media/caf\ufffd.mkv")
    assert one.key != two.key


@pytest.mark.parametrize(
    ("uri", "skip"),
    [
        ("https://www.youtube.com/watch?v=abc", "web_stream"),
        ("http://nas:8200/MediaItems/22.mkv", "web_stream"),
        ("http://plex:32400/library/parts/12/1/file.mkv?X-Plex-Token=abc", "server_stream"),
        ("http://jelly:8096/Videos/0123/stream.mkv?Static=true&api_key=abc", "server_stream"),
        ("http://emby:8096/emby/videos/12/original.mkv", "server_stream"),
        ("rtsp://cam/1", "live_tv"),
        ("udp://@239.0.0.1:1234", "live_tv"),
        ("dvb-t://frequency=1", "live_tv"),
        ("rtp://@:5004", "live_tv"),
        ("cdda:///dev/sr0", "music"),
        ("v4l2:///dev/video0", "unknown_type"),
        ("screen://", "unknown_type"),
        ("vlc://quit", "unknown_type"),
        ("", "unknown_type"),
    ],
)
def test_what_is_no_play(uri: str, skip: str) -> None:
    """Streams, live TV, discs of music and captures say why they are none; nothing of a secret is kept of them."""
    media = identify(uri, "A title", "name.mkv", "video")
    assert media.skip == skip
    assert media.key
    assert "abc" not in media.key + media.item.path


@pytest.mark.parametrize(
    ("name", "streams", "skip"),
    [
        ("film.mkv", "video", None),
        ("film.mkv", "", None),
        ("album.mkv", "audio", "music"),
        ("song.mp3", "video", "music"),
        ("song.flac", "", "music"),
        ("Film.MKV", "video", None),
        ("photo.JPG", "video", "photo"),
    ],
)
def test_music_and_pictures(name: str, streams: str, skip: str | None) -> None:
    """Sound alone is music, a song with a cover too; a picture is none of ours though VLC shows it as a film of ten seconds."""
    kinds = {"video": "video", "audio": "audio"}
    assert identify(f"file:///media/{name}", "", name, kinds.get(streams, "")).skip == skip  # type: ignore[arg-type]


def test_a_disc_is_known_by_its_label() -> None:
    """All discs have the same address: the label tells them apart, whatever the title on the disc."""
    media = identify("dvd:///dev/sr0#1:1", "THE_MATRIX", "sr0", "video")
    assert media.key == identify("dvd:///dev/sr0#2:7", "THE_MATRIX", "sr0", "video").key
    assert media.key != identify("dvd:///dev/sr0", "SINTEL", "sr0", "video").key
    assert (media.item, media.skip) == (File(path="dvd:///dev/sr0", title="THE_MATRIX"), None)


def test_a_title_that_is_the_name_is_none() -> None:
    """VLC gives the name of a file without tags as its title."""
    assert identify("file:///m/Sintel.mkv", "Sintel.mkv", "Sintel.mkv", "video").item.title == ""
    assert identify("file:///m/Sintel.mkv", "Sintel", "Sintel.mkv", "video").item.title == ""
    assert identify("file:///m/Sintel.mkv", "Durian", "Sintel.mkv", "video").item.title == "Durian"
