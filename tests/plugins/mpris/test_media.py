"""From metadata to items, and to the reasons why something is no play (players.md 7, 10)."""

import pytest

from scrobbler.api import File, Skip
from scrobbler_plugins.mpris.media import Rules, identify
from scrobbler_plugins.mpris.messages import Told


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///media/A%20B.mkv", "/media/A B.mkv"),
        ("file://localhost/media/A.mkv", "/media/A.mkv"),
        ("file:///media/100%25%20%23.mkv", "/media/100% #.mkv"),
        ("file:///media/A.mkv#3:1", "/media/A.mkv"),
        ("file:///media/A.rar#!/A%20B.mkv", "/media/A.rar/A B.mkv"),
        ("/media/A.mkv", "/media/A.mkv"),
        ("smb://anna:geheim@nas/films/A%20B.mkv", "smb://anna@nas/films/A B.mkv"),
        ("sftp://nas/films/A.mkv", "sftp://nas/films/A.mkv"),
    ],
)
def test_files_have_one_name(url: str, path: str) -> None:
    """Encoded and network names become one name, without a password; the title is told if it says more."""
    assert identify(Told(url=url, title="A tag"), Rules()) == (path, File(path=path, title="A tag"), None)
    media = identify(Told(url=url, title=path.rsplit("/", 1)[-1]), Rules())
    assert media is not None
    assert media.item.title == ""


def test_bytes_that_cannot_be_shown_still_tell_names_apart() -> None:
    """A name that is not UTF-8 becomes fit for JSON, and stays itself."""
    one, two = (identify(Told(url=f"file:///m/caf%{byte}.mkv"), Rules()) for byte in ("E9", "E8"))
    assert one is not None
    assert two is not None
    assert one.key != two.key
    one.item.path.encode()


@pytest.mark.parametrize(
    ("told", "skip"),
    [
        (Told(url="file:///m/a.flac"), "music"),
        (Told(url="file:///m/a.mkv", music=True), None),
        (Told(url="file:///m/a", music=True), "music"),
        (Told(url="file:///m/a.jpg"), "photo"),
        (Told(url="https://www.youtube.com/watch?v=abc", title="Cats"), "web_stream"),
        (Told(url="http://jelly:8096/Videos/0a1b/stream.mkv?api_key=abc"), "server_stream"),
        (Told(url="dvb://BBC"), "live_tv"),
        (Told(url="vlc://quit"), "unknown_type"),
        (Told(url="dvd:///dev/sr0", title="ALIEN"), None),
    ],
)
def test_what_is_no_play(told: Told, skip: Skip | None) -> None:
    """Every kind of stream is told apart, and no query of it is kept; music is known by its extension."""
    media = identify(told, Rules())
    assert media is not None
    assert media.skip == skip
    assert "abc" not in media.key + media.item.path


def test_discs_are_told_apart_by_title() -> None:
    """Every disc has the same path."""
    one, two = (identify(Told(url="dvd:///dev/sr0", title=title), Rules()) for title in ("ALIEN", "ALIENS"))
    assert one is not None
    assert two is not None
    assert one.key != two.key


def test_a_title_without_a_file_counts_where_it_is_wanted() -> None:
    """Without a file and without a pattern that fits, nothing is ours, and nothing is told."""
    told = Told(title="Firefly S01E02 - Some Cinema")
    assert identify(told, Rules()) is None
    assert identify(told, Rules(titles=["* - Netflix"])) is None
    media = identify(told, Rules(titles=["* - Netflix", "* - some cinema"]))
    assert media == ("title:Firefly S01E02", File(path="Firefly S01E02"), None)


@pytest.mark.parametrize(
    ("pattern", "title", "kept"),
    [
        ("*", "Sintel (2010)", "Sintel (2010)"),
        ("Cinema: *", "Cinema: Sintel", "Sintel"),
        ("*Sintel*", "The Sintel film", "The Sintel film"),
        ("Sintel", "sintel", "sintel"),
        ("* - Cinema", " - Cinema", ""),
        ("[SB]*", "Sintel", "Sintel"),
        ("*", "Face/Off", "Face Off"),
    ],
)
def test_the_part_that_the_star_stands_for(pattern: str, title: str, kept: str) -> None:
    """With one star, what it stands for is the title; otherwise the whole is."""
    media = identify(Told(title=title), Rules(titles=[pattern]))
    assert (media.item.path if media else "") == kept


def test_an_address_counts_where_paths_include_it() -> None:
    """A film on a web address is a file where `paths` says so, without the query; a server's stream never is."""
    rules = Rules(paths=["/media/*", "https://nas/films/*"])
    media = identify(Told(url="https://me:geheim@nas/films/Sintel%20(2010).mkv?key=abc"), rules)
    assert media is not None
    assert (media.item.path, media.skip) == ("https://nas/films/Sintel%20(2010).mkv", None)
    other = identify(Told(url="https://elsewhere/films/a.mkv"), rules)
    assert other is not None
    assert other.skip == "web_stream"
    assert identify(Told(url="https://elsewhere/films/a.mkv"), Rules(paths=["*"])) == other


def test_an_address_in_a_browser_is_nobodys_business() -> None:
    """Firefox names the address of the page; only what is wanted by title or path is told."""
    told = Told(url="https://cinema.example/watch/1", title="Sintel (2010) - Some Cinema")
    assert identify(told, Rules(), browser=True) is None
    media = identify(told, Rules(titles=["* - Some Cinema"]), browser=True)
    assert media is not None
    assert media.item == File(path="Sintel (2010)")


def test_nothing_is_nothing() -> None:
    """Metadata that name nothing are no item."""
    assert identify(Told(), Rules(titles=["*"])) is None
