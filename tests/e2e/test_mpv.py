"""A real mpv, the real daemon, and what reaches Simkl.

One daemon watches many players, each with an account and sockets of its own, and all of them play at the same time: every
test has an `act`, in which somebody plays something and ends, and looks at what came of it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import sleep
from typing import TypeAlias

import pytest

from tests.e2e.acts import Acts
from tests.e2e.players import FOUR_TIMES, LONG_FILM, Clips, leave, until
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

MATRIX = "The Matrix (1999).mkv"
LIMITS = {"seventy": {"watched_percent": 70}, "ninety": {"watched_percent": 90}}
COUPLE = ("both-a", "both-b")


class Room(Stage):
    """The daemon, films, and a place for the sockets of each account."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient, folder: Path, clips: Clips) -> None:
        super().__init__(daemon, sandbox)
        self.folder = folder
        self.clips = clips

    def sockets(self, place: str) -> Path:
        """Return the folder of one place's sockets."""
        return self.folder / "run" / place

    def mpv(self, place: str, *paths: Path, arguments: Sequence[str] = (FOUR_TIMES,)) -> MpvProcess:
        """Start an mpv at this place; in most of them sits the account of the same name."""
        self.sockets(place).mkdir(parents=True, exist_ok=True)
        return MpvProcess(*paths, ipc=self.sockets(place) / "mpv.sock", arguments=arguments)


Played: TypeAlias = Callable[[str], Room]
act: Acts[Room] = Acts()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Room]:
    """One daemon in front of many players; at the end nothing may have been said beyond what was wanted."""
    folder = tmp_path_factory.mktemp("mpv")
    alone = [place for place in act.places if place != "shared"]
    accounts = (*alone, *COUPLE)
    sources = {
        place: {"type": "mpv", "account": place, "sockets": [f"{folder}/run/{place}/*.sock"]}
        for place in (*alone, "shared")
    }
    sources["shared"]["account"] = list(COUPLE)
    config = {
        "accounts": {name: LIMITS.get(name, {}) for name in accounts},
        "sources": sources,
        "ignore": {"shorter_than": "0s"},
    }
    with running_sandbox() as sandbox, DaemonProcess(folder, config, sandbox) as daemon:
        for name in accounts:
            daemon.link(name)
        room = Room(daemon.start(), sandbox, folder, clips)
        yield room
        room.close()


@pytest.fixture(scope="module")
def played(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Begin all acts; give a function that waits for the end of one."""
    with act.going_on(room, tmp_path_factory.mktemp("films"), 60) as wait:
        yield wait


@act("ending")
def watch_to_the_end(room: Room, films: Path) -> None:
    with room.mpv("ending", room.clips.named(films, seconds=15), arguments=()) as mpv:
        room.await_calls("ending", 1)
        now_playing = room.sandbox.banner("ending")
        assert now_playing is not None
        assert (now_playing.title, now_playing.action) == ("Sintel", "start")
        mpv.wait()


def test_a_film_to_its_natural_end(played: Played) -> None:
    """A film that plays through at its own speed is two calls, start and stop at 100, and one watch."""
    room = played("ending")
    began, _ = room.expect("ending", Told("start", 0, 20), Told("stop", 100))
    assert began.body["movie"]["ids"]["imdb"] == "tt1727587"
    assert [(row.title, row.source) for row in room.sandbox.history("ending")] == [("Sintel", "stop")]
    assert room.sandbox.playbacks("ending") == []
    play = next(one for one in room.daemon.history() if one.account == "ending")
    assert (play.kind, play.title) == ("watched", "Sintel (2010)")
    assert play.link.startswith("https://simkl.com/movies/")
    assert "reached 100 %" in room.daemon.why(play.id)


@act("guessed")
def watch_a_plain_name(room: Room, films: Path) -> None:
    with room.mpv("guessed", room.clips.named(films / "Movies", "big.buck.bunny.mkv", 40)) as mpv:
        mpv.wait()


def test_a_plain_name_goes_through_guessit(played: Played) -> None:
    """A file that is called by its title alone is recognised by guessit, and watched like any other."""
    room = played("guessed")
    room.expect("guessed", Told("start", 0, 79.99), Told("stop", 100))
    assert [row.title for row in room.sandbox.history("guessed")] == ["Big Buck Bunny"]


@act("nearly")
def leave_during_the_credits(room: Room, films: Path) -> None:
    with room.mpv("nearly", room.clips.named(films, seconds=40)) as mpv:
        until(mpv, 36)
        leave(mpv)


def test_leaving_during_the_credits_is_a_watch(played: Played) -> None:
    """Quitting at 90 % of what was honestly played is a watch, told at the true position."""
    room = played("nearly")
    room.expect("nearly", Told("start", 0, 30), Told("stop", 90, 99.9))
    assert len(room.sandbox.history("nearly")) == 1
    assert room.sandbox.playbacks("nearly") == []


@act("half")
def leave_in_the_middle(room: Room, films: Path) -> None:
    with room.mpv("half", room.clips.named(films, seconds=40)) as mpv:
        until(mpv, 16)
        leave(mpv)


def test_leaving_in_the_middle_saves_the_position(played: Played) -> None:
    """Quitting at 40 % leaves a saved position there, no watch, and nothing shows."""
    room = played("half")
    room.expect("half", Told("start", 0, 30), Told("stop", 40, 60))
    (saved,) = room.sandbox.playbacks("half")
    assert 40 <= saved.progress <= 60
    assert room.sandbox.history("half") == []
    assert room.sandbox.banner("half") is None


@act("paused")
def pause_for_a_while(room: Room, films: Path) -> None:
    with room.mpv("paused", room.clips.named(films, seconds=40)) as mpv:
        until(mpv, 8)
        mpv.set("pause", "yes")
        room.await_calls("paused", 2)
        mpv.set("pause", "no")
        room.await_calls("paused", 3)
        mpv.wait()


def test_a_pause_makes_four_calls(played: Played) -> None:
    """Start, pause, start, stop: nothing in between however long the pause."""
    room = played("paused")
    calls = room.expect("paused", Told("start", 0, 20), Told("pause", 20, 60), Told("start", 20, 60), Told("stop", 100))
    assert calls[2].body["progress"] == pytest.approx(
        calls[1].body["progress"], abs=10
    )  # it plays at four times the speed
    assert len(room.sandbox.history("paused")) == 1


@act("flap")
def pause_for_a_moment(room: Room, films: Path) -> None:
    with room.mpv("flap", room.clips.named(films, seconds=40)) as mpv:
        room.await_calls("flap", 1)
        mpv.set("pause", "yes")
        sleep(0.2)  # the length of the pause
        mpv.set("pause", "no")
        mpv.wait()


def test_a_short_pause_sends_nothing(played: Played) -> None:
    """A pause that is taken back within the settle time is seen, and not sent."""
    room = played("flap")
    room.expect("flap", Told("start", 0, 40), Told("stop", 100))
    story = room.daemon.why(next(one.id for one in room.daemon.history() if one.account == "flap"))
    assert "pause heard" in story


@act("seeker")
def skip_to_the_end(room: Room, films: Path) -> None:
    with room.mpv("seeker", room.clips.named(films, MATRIX, LONG_FILM)) as mpv:
        room.await_calls("seeker", 1)
        mpv.command("seek", 92, "absolute-percent", "exact")
        until(mpv, 92 * 81.6)
        leave(mpv)


def test_skipping_to_the_end_is_no_watch(played: Played) -> None:
    """Somebody who jumps to 92 % and leaves has not watched it: the position is saved by a pause, never by a stop."""
    room = played("seeker")
    room.expect("seeker", Told("start", 0, 1), Told("pause", 92, 94))
    assert room.sandbox.history("seeker") == []
    assert room.sandbox.banner("seeker") is None


@act("rusher")
def rush_through(room: Room, films: Path) -> None:
    with room.mpv("rusher", room.clips.named(films, MATRIX, LONG_FILM)) as mpv:
        room.await_calls("rusher", 1)
        mpv.set("untimed", "yes")
        mpv.wait()


def test_rushing_through_is_no_watch(played: Played) -> None:
    """A film that runs through as fast as the machine can has been watched by nobody."""
    room = played("rusher")
    calls = room.expect("rusher", Told("start", 0, 1), Told("pause", 0, 100))
    assert room.sandbox.history("rusher") == [], calls


@act("killed")
def die(room: Room, films: Path) -> None:
    with room.mpv("killed", room.clips.named(films, seconds=40)) as mpv:
        room.await_calls("killed", 1)
        until(mpv, 12)
        mpv.kill()


def test_a_player_that_dies_leaves_its_position(played: Played) -> None:
    """When mpv is killed, the last position that it had told is saved, and no start is left dangling."""
    room = played("killed")
    room.expect("killed", Told("start", 0, 30), Told("stop", 28, 60))
    assert room.sandbox.banner("killed") is None
    assert len(room.sandbox.playbacks("killed")) == 1


@act("series")
def watch_two_episodes(room: Room, films: Path) -> None:
    episodes = [room.clips.named(films, f"Firefly S01E0{number}.mkv", 15) for number in (1, 2)]
    with room.mpv("series", *episodes) as mpv:
        mpv.wait()


def test_the_next_episode_comes_after_the_end_of_the_first(played: Played) -> None:
    """In a playlist each episode is closed before the next one starts."""
    room = played("series")
    calls = room.expect("series", Told("start", 0, 60), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 100))
    assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
    rows = room.sandbox.history("series")
    assert [(row.title, row.season, row.number) for row in rows] == [("Firefly", 1, 1), ("Firefly", 1, 2)]


@act("kept")
def keep_the_window_open(room: Room, films: Path) -> None:
    with room.mpv("kept", room.clips.named(films), arguments=(FOUR_TIMES, "--keep-open=yes")) as mpv:
        room.await_calls("kept", 2)
        assert mpv.process.poll() is None
        leave(mpv)


def test_a_window_kept_open_ends_the_play(played: Played) -> None:
    """With `keep-open` the end of the file is the end of the play; closing the window later changes nothing."""
    room = played("kept")
    room.expect("kept", Told("start", 0, 60), Told("stop", 100))
    assert len(room.sandbox.history("kept")) == 1


@act("shared")
def watch_together(room: Room, films: Path) -> None:
    with room.mpv("shared", room.clips.named(films)) as mpv:
        mpv.wait()


@pytest.mark.parametrize("account", COUPLE)
def test_one_player_for_two_people(played: Played, account: str) -> None:
    """An mpv in front of which two people sit is told to both."""
    room = played("shared")
    room.expect(account, Told("start", 0, 60), Told("stop", 100))
    assert len(room.sandbox.history(account)) == 1


@act("bytes")
def watch_a_strange_name(room: Room, films: Path) -> None:
    with room.mpv("bytes", room.clips.named(films / os.fsdecode(b"caf\xe9"))) as mpv:
        mpv.wait()


def test_a_name_that_is_not_utf8(played: Played) -> None:
    """A file name may hold any bytes; what can be read of it is enough."""
    room = played("bytes")
    room.expect("bytes", Told("start", 0, 60), Told("stop", 100))
    assert len(room.sandbox.history("bytes")) == 1


@act("later")
def come_later(room: Room, films: Path) -> None:
    assert not room.sockets("later").exists()
    with room.mpv("later", room.clips.named(films)) as mpv:
        mpv.wait()


def test_a_socket_folder_that_comes_later(played: Played) -> None:
    """The folder for sockets may appear long after the daemon has started; the first play in it is whole."""
    room = played("later")
    room.expect("later", Told("start", 0, 60), Told("stop", 100))


@act("one", "two")
def play_side_by_side(room: Room, films: Path) -> None:
    with (
        room.mpv("one", room.clips.named(films)) as first,
        room.mpv("two", room.clips.named(films, "Big Buck Bunny (2008).mkv", 40)) as second,
    ):
        until(second, 16)
        leave(second)
        first.wait()


def test_two_players_of_two_people(played: Played) -> None:
    """Two mpvs that play at once are two stories, each at its own account."""
    room = played("one")
    room.expect("one", Told("start", 0, 60), Told("stop", 100))
    room.expect("two", Told("start", 0, 30), Told("stop", 40, 60))
    assert [row.title for row in room.sandbox.history("one")] == ["Sintel"]
    assert [saved.title for saved in room.sandbox.playbacks("two")] == ["Big Buck Bunny"]


@act("seventy")
def leave_at_75(room: Room, films: Path) -> None:
    with room.mpv("seventy", room.clips.named(films, seconds=60)) as mpv:
        until(mpv, 44)
        leave(mpv)


def test_a_threshold_below_simkls(played: Played) -> None:
    """With 70 %, leaving at 75 is a watch: a stop, the history, and the saved position that the stop left is deleted."""
    room = played("seventy")
    room.expect("seventy", Told("start", 0, 30), Told("stop", 73, 79.99), Told("history"), Told("delete"))
    assert len(room.sandbox.history("seventy")) == 1
    assert room.sandbox.playbacks("seventy") == []


@act("ninety")
def leave_at_85(room: Room, films: Path) -> None:
    with room.mpv("ninety", room.clips.named(films, seconds=60)) as mpv:
        until(mpv, 49.5)
        leave(mpv)


def test_a_threshold_above_simkls(played: Played) -> None:
    """With 90 %, leaving at 85 is a pause, which Simkl does not count."""
    room = played("ninety")
    room.expect("ninety", Told("start", 0, 30), Told("pause", 82, 89.99))
    assert room.sandbox.history("ninety") == []
    assert [saved.title for saved in room.sandbox.playbacks("ninety")] == ["Sintel"]


@act("looper")
def leave_in_the_second_round(room: Room, films: Path) -> None:
    with room.mpv(
        "looper", room.clips.named(films, seconds=60), arguments=(FOUR_TIMES, "--start=20", "--loop-file")
    ) as mpv:
        room.await_calls("looper", 3, 60)
        mpv.set("speed", 1)  # so that there is time to leave on a busy machine
        until(mpv, 4)
        leave(mpv)


def test_a_film_that_loops_is_watched_once_and_begun_again(played: Played) -> None:
    """Who leaves a film in its second round has watched the first: its end counts, though mpv says none."""
    room = played("looper")
    room.expect("looper", Told("start", 20, 79.99), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 5, 79.99))
    assert [row.title for row in room.sandbox.history("looper")] == ["Sintel"]
