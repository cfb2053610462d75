"""Who is on the bus, and which of them count (players.md 7)."""

import pytest

from scrobbler_plugins.mpris.options import DEFAULT_PLAYERS
from scrobbler_plugins.mpris.players import PREFIX, Presence, changes, choose


def there(name: str, owner: str = "", pid: int = 1) -> Presence:
    """Put a player on the bus."""
    return Presence(PREFIX + name, owner or f":1.{abs(hash(name)) % 1000}", pid)


def followed(*present: Presence, wanted: tuple[str, ...] = DEFAULT_PLAYERS) -> list[str]:
    """Return the short names of who is followed."""
    return [one.short for one in choose(present, wanted).followed]


@pytest.mark.parametrize(
    "name",
    [
        "vlc",
        "vlc.instance4711",
        "mpv",
        "mpv.instance-3",
        "io.github.celluloid_player.Celluloid",
        "io.github.celluloid_player.Celluloid.instance-1",
        "haruna",
        "org.kde.haruna",
        "totem",
        "org.gnome.Totem",
        "smplayer",
        "dragonplayer",
        "com.github.rafostar.Clapper",
        "kodi",
    ],
)
def test_players_of_films_count(name: str) -> None:
    """The usual players count, however their names are written."""
    assert followed(there(name)) == [name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("firefox.instance_1_23", "a browser, and not among `players`"),
        ("chromium.instance99", "a browser, and not among `players`"),
        ("spotify", "not among `players`"),
        ("rhythmbox", "not among `players`"),
        ("vlcjunk", "not among `players`"),
        ("playerctld", "repeats another player"),
        ("plasma-browser-integration", "repeats what a browser plays"),
        ("kdeconnect.mpris_000001", "a phone"),
    ],
)
def test_others_are_left_out_with_a_reason(name: str, why: str) -> None:
    """Who does not count is named with the reason."""
    choice = choose([there(name)], DEFAULT_PLAYERS)
    assert (choice.followed, choice.left_out) == ([], [(there(name), why)])


@pytest.mark.parametrize("name", ["playerctld", "plasma-browser-integration", "kdeconnect.mpris_000001"])
def test_what_repeats_others_never_counts(name: str) -> None:
    """Not even who asks for everybody, or for that very name, gets what repeats others."""
    assert followed(there(name), wanted=("*", name)) == []


def test_the_user_chooses() -> None:
    """Words and patterns, in whatever case; browsers if they are named."""
    everybody = [there("vlc"), there("firefox.instance_1_2"), there("org.kde.elisa")]
    assert followed(*everybody, wanted=("Firefox",)) == ["firefox.instance_1_2"]
    assert followed(*everybody, wanted=("ORG.KDE.*",)) == ["org.kde.elisa"]
    assert there("firefox.instance_1_2").browser
    assert not there("vlc").browser


def test_one_vlc_has_two_names() -> None:
    """Both names of one process are one player, whichever comes first; its name in events is the same by both."""
    short, long = there("vlc", ":1.2", 4711), there("vlc.instance4711", ":1.3", 4711)
    for pair in ((short, long), (long, short)):
        choice = choose(pair, DEFAULT_PLAYERS)
        assert choice.followed == [short]
        assert choice.left_out == [(long, "another name of vlc")]
    assert short.label == long.label == "vlc#4711"


def test_one_connection_with_two_names_is_one_player() -> None:
    """A player may own two names by one connection."""
    assert followed(there("mpv", ":1.2", 7), there("mpv.instance7", ":1.2", 7)) == ["mpv"]


def test_two_vlcs_are_two() -> None:
    """The second VLC has only its own long name, and is another process."""
    assert followed(there("vlc", ":1.2", 1), there("vlc.instance2", ":1.4", 2)) == ["vlc", "vlc.instance2"]


def test_two_windows_of_one_process_are_two() -> None:
    """Celluloid's windows share a process; each has a name of its own."""
    name = "io.github.celluloid_player.Celluloid.instance-"
    one, two = there(f"{name}1", ":1.2", 7), there(f"{name}2", ":1.3", 7)
    assert len(choose([one, two], DEFAULT_PLAYERS).followed) == 2
    assert one.label != two.label


def test_whoever_is_followed_stays() -> None:
    """A shorter name that comes later does not interrupt what is heard by the longer one."""
    long, short = there("vlc.instance7", ":1.3", 7), there("vlc", ":1.2", 7)
    before = {long.owner: long}
    choice = choose([short, long], DEFAULT_PLAYERS, before)
    assert choice.followed == [long]
    assert changes(before, choice.followed) == ([], [])


def test_the_other_name_takes_over() -> None:
    """When one of two connections goes, the other is followed."""
    long, short = there("vlc.instance7", ":1.3", 7), there("vlc", ":1.2", 7)
    before = {short.owner: short}
    assert changes(before, choose([long], DEFAULT_PLAYERS, before).followed) == ([":1.2"], [long])


def test_a_bus_that_does_not_know_processes() -> None:
    """Without the number of the process, a name and its longer form are taken for one."""
    assert followed(there("vlc", ":1.2", 0), there("vlc.instance7", ":1.3", 0)) == ["vlc"]
    assert there("vlc", ":1.2", 0).label == "vlc"
