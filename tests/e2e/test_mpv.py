"""A real mpv, the real daemon, and what reaches Simkl.

All tests share one daemon: each has an account of its own, and sockets of its own that lead to it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.players import FOUR_TIMES, LONG_FILM, SINTEL, Clips, until
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

ACCOUNTS = (
    *("ending", "guessed", "nearly", "half", "paused", "flap", "seeker", "rusher", "killed", "series", "kept", "bytes"),
    *("one", "two", "both-a", "both-b", "later"),
)


class Room(Stage):
    """The daemon, and a place for the sockets of each account."""

    def __init__(self, daemon: DaemonProcess, folder: Path, sandbox: SandboxClient) -> None:
        super().__init__(daemon, sandbox)
        self.folder = folder

    def mpv(self, account: str, *paths: Path, arguments: Sequence[str] = (FOUR_TIMES,)) -> MpvProcess:
        """Start an mpv that this account watches."""
        sockets = self.folder / "run" / account
        sockets.mkdir(parents=True, exist_ok=True)
        return MpvProcess(*paths, ipc=sockets / "mpv.sock", arguments=arguments)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One daemon with many accounts in front of many players; at the end nothing may have been said beyond what was wanted."""
    folder = tmp_path_factory.mktemp("mpv")
    single = [name for name in ACCOUNTS if not name.startswith("both")]
    sources = {
        name: {"type": "mpv", "account": name, "sockets": [f"{folder}/run/{name}/*.sock"]}
        for name in (*single, "seventy", "ninety")
    }
    sources["shared"] = {"type": "mpv", "account": ["both-a", "both-b"], "sockets": [f"{folder}/run/shared/*.sock"]}
    limits = {"seventy": {"watched_percent": 70}, "ninety": {"watched_percent": 90}}
    with running_sandbox() as sandbox:
        config = {
            "accounts": {**{name: {} for name in ACCOUNTS}, **limits},
            "sources": sources,
            "ignore": {"shorter_than": "0s"},
        }
        with DaemonProcess(folder, config, sandbox) as daemon:
            for name in (*ACCOUNTS, *limits):
                daemon.link(name)
            room = Room(daemon.start(), folder, sandbox)
            yield room
            room.close()


@pytest.fixture(scope="module")
def evening(room: Room, clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MpvProcess]]:
    """Players that run at the same time, for tests that only wait for their end."""
    folder = tmp_path_factory.mktemp("evening")
    sintel = clips.named(folder)
    strange = clips.named(folder / os.fsdecode(b"caf\xe9"))
    episodes = [clips.named(folder, f"Firefly S01E0{number}.mkv", 12) for number in (1, 2)]
    with ExitStack() as stack:
        players = {
            "ending": room.mpv("ending", clips.named(folder, SINTEL, 15), arguments=()),
            "guessed": room.mpv("guessed", clips.named(folder / "Movies", "big.buck.bunny.mkv", 24)),
            "series": room.mpv("series", *episodes),
            "kept": room.mpv("kept", sintel, arguments=(FOUR_TIMES, "--keep-open=yes")),
            "shared": room.mpv("shared", sintel),
            "bytes": room.mpv("bytes", strange),
        }
        for player in players.values():
            stack.enter_context(player)
        yield players


def test_a_film_to_its_natural_end(room: Room, evening: dict[str, MpvProcess]) -> None:
    """A film that plays through at its own speed is two calls, start and stop at 100, and one watch."""
    room.await_calls("ending", 1)
    banner = room.sandbox.banner("ending")
    assert banner is not None
    assert (banner.title, banner.action) == ("Sintel", "start")
    evening["ending"].wait()
    began, *_ = room.expect("ending", Told("start", 0, 10), Told("stop", 100))
    assert began.body["movie"]["ids"]["imdb"] == "tt1727587"
    assert [(row.title, row.source) for row in room.sandbox.history("ending")] == [("Sintel", "stop")]
    assert room.sandbox.playbacks("ending") == []
    play = next(one for one in room.daemon.history() if one.account == "ending")
    assert (play.kind, play.title) == ("watched", "Sintel (2010)")
    assert play.link.startswith("https://simkl.com/movies/")
    assert "reached 100 %" in room.daemon.why(play.id)


def test_a_plain_name_goes_through_guessit(room: Room, evening: dict[str, MpvProcess]) -> None:
    """A file that is called by its title alone is recognised by guessit, and watched like any other."""
    evening["guessed"].wait()
    room.expect("guessed", Told("start", 0, 60), Told("stop", 100))
    assert [row.title for row in room.sandbox.history("guessed")] == ["Big Buck Bunny"]


def test_leaving_during_the_credits_is_a_watch(room: Room, clips: Clips, tmp_path: Path) -> None:
    """Quitting at 90 % of what was honestly played is a watch, told at the true position."""
    with room.mpv("nearly", clips.named(tmp_path, SINTEL, 40)) as mpv:
        until(mpv, 36)
        mpv.quit()
        room.expect("nearly", Told("start", 0, 20), Told("stop", 90, 97))
    assert len(room.sandbox.history("nearly")) == 1
    assert room.sandbox.playbacks("nearly") == []


def test_leaving_in_the_middle_saves_the_position(room: Room, clips: Clips, tmp_path: Path) -> None:
    """Quitting at 40 % leaves a saved position there, no watch and no banner."""
    with room.mpv("half", clips.named(tmp_path)) as mpv:
        until(mpv, 8)
        mpv.quit()
        room.expect("half", Told("start", 0, 30), Told("stop", 40, 55))
    (saved,) = room.sandbox.playbacks("half")
    assert 40 <= saved.progress <= 55
    assert room.sandbox.history("half") == []
    assert room.sandbox.banner("half") is None


def test_a_pause_makes_four_calls(room: Room, clips: Clips, tmp_path: Path) -> None:
    """Start, pause, start, stop: nothing in between however long the pause."""
    with room.mpv("paused", clips.named(tmp_path, SINTEL, 24)) as mpv:
        until(mpv, 6)
        mpv.set("pause", "yes")
        room.await_calls("paused", 2)
        mpv.set("pause", "no")
        room.await_calls("paused", 3)
        mpv.wait()
        calls = room.expect(
            "paused", Told("start", 0, 25), Told("pause", 25, 60), Told("start", 25, 60), Told("stop", 100)
        )
    assert calls[1].body["progress"] == calls[2].body["progress"]
    assert len(room.sandbox.history("paused")) == 1


def test_a_short_pause_sends_nothing(room: Room, clips: Clips, tmp_path: Path) -> None:
    """A pause that is taken back within the settle time is seen, and not sent."""
    with room.mpv("flap", clips.named(tmp_path)) as mpv:
        room.await_calls("flap", 1)
        mpv.set("pause", "yes")
        mpv.set("pause", "no")
        mpv.wait()
        room.expect("flap", Told("start", 0, 40), Told("stop", 100))
    story = room.daemon.why(next(one.id for one in room.daemon.history() if one.account == "flap"))
    assert "pause heard" in story


def test_skipping_to_the_end_is_no_watch(room: Room, clips: Clips, tmp_path: Path) -> None:
    """Somebody who jumps to 92 % and leaves has not watched it: the position is saved by a pause, never by a stop."""
    with room.mpv("seeker", clips.named(tmp_path, "The Matrix (1999).mkv", LONG_FILM)) as mpv:
        room.await_calls("seeker", 1)
        mpv.command("seek", 92, "absolute-percent", "exact")
        until(mpv, 92 * 81.6)
        mpv.quit()
        room.expect("seeker", Told("start", 0, 1), Told("pause", 92, 94))
    assert room.sandbox.history("seeker") == []
    assert room.sandbox.banner("seeker") is None


def test_rushing_through_is_no_watch(room: Room, clips: Clips, tmp_path: Path) -> None:
    """A film that runs through as fast as the machine can has been watched by nobody."""
    with room.mpv("rusher", clips.named(tmp_path, "The Matrix (1999).mkv", LONG_FILM)) as mpv:
        room.await_calls("rusher", 1)
        mpv.set("untimed", "yes")
        mpv.wait()
        room.expect("rusher", Told("start", 0, 1), Told("pause", 100))
    assert room.sandbox.history("rusher") == []


def test_a_player_that_dies_leaves_its_position(room: Room, clips: Clips, tmp_path: Path) -> None:
    """When mpv is killed, the last position that it had told is saved, and no start is left dangling."""
    with room.mpv("killed", clips.named(tmp_path)) as mpv:
        until(mpv, 8)
        room.await_calls("killed", 1)
        mpv.kill()
        room.expect("killed", Told("start", 0, 30), Told("stop", 38, 55))
    assert room.sandbox.banner("killed") is None
    assert len(room.sandbox.playbacks("killed")) == 1


def test_the_next_episode_comes_after_the_end_of_the_first(room: Room, evening: dict[str, MpvProcess]) -> None:
    """In a playlist each episode is closed before the next one starts."""
    evening["series"].wait()
    calls = room.expect("series", Told("start", 0, 40), Told("stop", 100), Told("start", 0, 60), Told("stop", 100))
    assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
    rows = room.sandbox.history("series")
    assert [(row.title, row.season, row.number) for row in rows] == [("Firefly", 1, 1), ("Firefly", 1, 2)]


def test_a_window_kept_open_ends_the_play(room: Room, evening: dict[str, MpvProcess]) -> None:
    """With `keep-open` the end of the file is the end of the play; closing the window later changes nothing."""
    room.expect("kept", Told("start", 0, 30), Told("stop", 100))
    assert evening["kept"].process.poll() is None
    evening["kept"].quit()
    assert len(room.sandbox.history("kept")) == 1


def test_two_players_of_two_people(room: Room, clips: Clips, tmp_path: Path) -> None:
    """Two mpvs that play at once are two stories, each at its own account."""
    with (
        room.mpv("one", clips.named(tmp_path)) as first,
        room.mpv("two", clips.named(tmp_path, "Big Buck Bunny (2008).mkv", 24)) as second,
    ):
        until(second, 10)
        second.quit()
        first.wait()
        room.expect("one", Told("start", 0, 30), Told("stop", 100))
        room.expect("two", Told("start", 0, 30), Told("stop", 41, 60))
    assert [row.title for row in room.sandbox.history("one")] == ["Sintel"]
    assert [saved.title for saved in room.sandbox.playbacks("two")] == ["Big Buck Bunny"]


def test_one_player_for_two_people(room: Room, evening: dict[str, MpvProcess]) -> None:
    """An mpv in front of which two people sit is told to both."""
    evening["shared"].wait()
    for account in ("both-a", "both-b"):
        room.expect(account, Told("start", 0, 40), Told("stop", 100))
        assert len(room.sandbox.history(account)) == 1


def test_a_name_that_is_not_utf8(room: Room, evening: dict[str, MpvProcess]) -> None:
    """A file name may hold any bytes; what can be read of it is enough."""
    evening["bytes"].wait()
    room.expect("bytes", Told("start", 0, 30), Told("stop", 100))
    assert len(room.sandbox.history("bytes")) == 1


def test_a_socket_folder_that_comes_later(room: Room, clips: Clips, tmp_path: Path) -> None:
    """The folder for sockets may appear long after the daemon has started; the first play in it is whole."""
    assert not (room.folder / "run" / "later").exists()
    with room.mpv("later", clips.named(tmp_path)) as mpv:
        mpv.wait()
        room.expect("later", Told("start", 0, 30), Told("stop", 100))


def test_a_threshold_below_simkls(room: Room, clips: Clips, tmp_path: Path) -> None:
    """With 70 %, leaving at 75 is a watch: a stop, the history, and the saved position that the stop left is deleted."""
    with room.mpv("seventy", clips.named(tmp_path)) as mpv:
        until(mpv, 14.6)
        mpv.quit()
        room.expect("seventy", Told("start", 0, 30), Told("stop", 73, 79.9), Told("history"), Told("delete"))
    assert len(room.sandbox.history("seventy")) == 1
    assert room.sandbox.playbacks("seventy") == []


def test_a_threshold_above_simkls(room: Room, clips: Clips, tmp_path: Path) -> None:
    """With 90 %, leaving at 85 is a pause, which Simkl does not count."""
    with room.mpv("ninety", clips.named(tmp_path, SINTEL, 24)) as mpv:
        until(mpv, 19.7)
        mpv.quit()
        room.expect("ninety", Told("start", 0, 30), Told("pause", 82, 89.9))
    assert room.sandbox.history("ninety") == []
    assert [saved.title for saved in room.sandbox.playbacks("ninety")] == ["Sintel"]
