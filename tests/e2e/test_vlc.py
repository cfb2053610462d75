"""A real VLC, the real daemon, and what reaches Simkl.

One daemon watches many VLCs, each with an account and a port of its own, and all of them play at the same time: every
test has an `act`, in which somebody plays something and ends, and looks at what came of it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.e2e.acts import Acts
from tests.e2e.players import LONG_FILM, Clips
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.mpv import make_image, make_music
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.kit.vlc import PASSWORD, VlcProcess, open_folder, place

pytestmark = pytest.mark.real

FOUR_TIMES = "--rate=4"
BUNNY = "Big Buck Bunny (2008).mkv"
MATRIX = "The Matrix (1999).mkv"


class Room(Stage):
    """The daemon, films that every user may read, and a port for the VLC of each account."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient, ports: dict[str, int], clips: Clips) -> None:
        super().__init__(daemon, sandbox)
        self.ports = ports
        self.clips = clips

    def vlc(
        self, place: str, *paths: Path, arguments: Sequence[str] = (FOUR_TIMES,), password: str = PASSWORD
    ) -> VlcProcess:
        """Start a VLC at this place, where the account of the same name sits."""
        return VlcProcess(*paths, port=self.ports[place], arguments=arguments, password=password)

    def source(self, place: str) -> str:
        """Return what the status says of a source that has trouble."""
        return next(one.problem for one in self.daemon.status().sources if one.name == place)


Played: TypeAlias = Callable[[str], Room]
act: Acts[Room] = Acts()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Room]:
    """One daemon in front of many players; at the end nothing may have been said beyond what was wanted."""
    folder = tmp_path_factory.mktemp("vlc")
    ports = {name: place() for name in act.places}
    config = {
        "accounts": {name: {} for name in act.places},
        "sources": {
            name: {"type": "vlc", "account": name, "url": f"http://127.0.0.1:{port}", "password": PASSWORD}
            for name, port in ports.items()
        },
        "ignore": {"shorter_than": "0s"},
    }
    with running_sandbox() as sandbox, DaemonProcess(folder, config, sandbox) as daemon:
        for name in act.places:
            daemon.link(name)
        room = Room(daemon.start(), sandbox, ports, clips)
        yield room
        room.close()


@pytest.fixture(scope="module")
def played(room: Room) -> Iterator[Played]:
    """Begin all acts; give a function that waits for the end of one."""
    with open_folder() as folder, act.going_on(room, folder, 120) as wait:
        yield wait


@act("ending")
def watch_to_the_end(room: Room, films: Path) -> None:
    with room.vlc("ending", room.clips.named(films, seconds=15), arguments=()) as vlc:
        room.await_calls("ending", 1)
        now_playing = room.sandbox.banner("ending")
        assert now_playing is not None
        assert (now_playing.title, now_playing.action) == ("Sintel", "start")
        vlc.stopped()
        room.await_calls("ending", 2)


def test_a_film_to_its_natural_end(played: Played) -> None:
    """A film that plays through at its own speed is two calls, start and stop at 100, and one watch; VLC stays open."""
    room = played("ending")
    began, _ = room.expect("ending", Told("start", 0, 40), Told("stop", 100))
    assert began.body["movie"]["ids"]["imdb"] == "tt1727587"
    assert [(row.title, row.source) for row in room.sandbox.history("ending")] == [("Sintel", "stop")]
    assert room.sandbox.playbacks("ending") == []
    assert "reached 100 %" in room.daemon.why(next(one for one in room.daemon.history() if one.account == "ending").id)


@act("exit")
def end_with_the_film(room: Room, films: Path) -> None:
    with room.vlc("exit", room.clips.named(films, seconds=40), arguments=(FOUR_TIMES, "--play-and-exit")) as vlc:
        vlc.wait()


def test_a_vlc_that_closes_after_the_film(played: Played) -> None:
    """A VLC that closes itself after its last item has played it to the end: its silence there is no lost contact."""
    room = played("exit")
    room.expect("exit", Told("start", 0, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("exit")) == 1


@act("half")
def stop_in_the_middle(room: Room, films: Path) -> None:
    with room.vlc("half", room.clips.named(films, seconds=60)) as vlc:
        vlc.past(24)
        vlc.status("pl_stop")
        room.await_calls("half", 2)


def test_a_stop_in_the_middle_saves_the_position(played: Played) -> None:
    """After a stop VLC says zero everywhere; what is saved is where it was, with no watch, and nothing shows."""
    room = played("half")
    room.expect("half", Told("start", 0, 39), Told("stop", 30, 60))
    (saved,) = room.sandbox.playbacks("half")
    assert 30 <= saved.progress <= 60
    assert room.sandbox.history("half") == []
    assert room.sandbox.banner("half") is None


@act("quitter")
def quit_in_the_middle(room: Room, films: Path) -> None:
    with room.vlc("quitter", room.clips.named(films, seconds=60)) as vlc:
        vlc.past(24)
        vlc.quit()


@act("killed")
def die(room: Room, films: Path) -> None:
    with room.vlc("killed", room.clips.named(films, seconds=60)) as vlc:
        vlc.past(24)
        vlc.kill()


@pytest.mark.parametrize("place", ["quitter", "killed"])
def test_a_vlc_that_is_gone_leaves_its_position(played: Played, place: str) -> None:
    """When VLC is closed or dies, the last position that it had told is saved, and no start is left dangling."""
    room = played(place)
    room.expect(place, Told("start", 0, 39), Told("stop", 30, 60))
    assert room.sandbox.banner(place) is None
    assert len(room.sandbox.playbacks(place)) == 1
    room.daemon.wait_for(lambda: "VLC is not running" in room.source(place), "it is said to be off")


@act("paused")
def pause_for_a_while(room: Room, films: Path) -> None:
    with room.vlc("paused", room.clips.named(films, seconds=60)) as vlc:
        vlc.past(8)
        room.await_calls("paused", 1)
        vlc.status("pl_forcepause")
        room.await_calls("paused", 2)
        vlc.status("pl_forceresume")
        room.await_calls("paused", 3)
        vlc.stopped()
        room.await_calls("paused", 4)


def test_a_pause_makes_four_calls(played: Played) -> None:
    """Start, pause, start, stop: nothing in between however long the pause."""
    room = played("paused")
    room.expect("paused", Told("start", 0, 60), Told("pause", 10, 79), Told("start", 10, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("paused")) == 1


@act("seeker")
def skip_to_the_end(room: Room, films: Path) -> None:
    with room.vlc("seeker", room.clips.named(films, MATRIX, LONG_FILM)) as vlc:
        room.await_calls("seeker", 1)
        vlc.status("seek", val="92%")
        vlc.past(0.921 * 8160)
        room.daemon.wait_for(lambda: "jumped" in room.daemon.why(_play(room, "seeker")), "the seek is seen")
        vlc.status("pl_stop")
        room.await_calls("seeker", 2)


def test_skipping_to_the_end_is_no_watch(played: Played) -> None:
    """Somebody who jumps to 92 % and stops has not watched it: the position is saved by a pause, never by a stop."""
    room = played("seeker")
    room.expect("seeker", Told("start", 0, 1), Told("pause", 92, 94))
    assert room.sandbox.history("seeker") == []
    assert room.sandbox.banner("seeker") is None


@act("back")
def seek_forth_and_back(room: Room, films: Path) -> None:
    with room.vlc("back", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("back", 1)
        vlc.past(8)
        vlc.status("seek", val="50%")
        vlc.past(32)
        vlc.status("seek", val="8s")
        vlc.wait_for(lambda said: said["time"] < 28)
        vlc.stopped()
        room.await_calls("back", 2)


def test_seeking_back_makes_it_good(played: Played) -> None:
    """No seek is a call, and what was skipped and then watched all the same is a watch."""
    room = played("back")
    room.expect("back", Told("start", 0, 50), Told("stop", 100))
    assert len(room.sandbox.history("back")) == 1


@act("series")
def watch_two_episodes(room: Room, films: Path) -> None:
    episodes = [room.clips.named(films, f"Firefly S01E0{number}.mkv", 40) for number in (1, 2)]
    with room.vlc("series", *episodes) as vlc:
        room.await_calls("series", 1)
        vlc.stopped()
        room.await_calls("series", 4)


def test_the_next_episode_comes_after_the_end_of_the_first(played: Played) -> None:
    """In a playlist VLC goes from one file to the next without a stop; each episode is closed before the next one starts."""
    room = played("series")
    calls = room.expect(
        "series", Told("start", 0, 79.99), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 100)
    )
    assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
    rows = room.sandbox.history("series")
    assert [(row.title, row.season, row.number) for row in rows] == [("Firefly", 1, 1), ("Firefly", 1, 2)]


@act("other")
def open_another(room: Room, films: Path) -> None:
    with room.vlc("other", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("other", 1)
        vlc.past(20)
        vlc.open(room.clips.named(films, BUNNY, 40))
        room.await_calls("other", 3)
        vlc.wait_for(lambda said: said["length"] != 40)  # the list goes on to nothing, or to the first again
        room.await_calls("other", 4)
        vlc.kill()


def test_opening_another_file_while_one_plays(played: Played) -> None:
    """A file that is opened over another closes it at its last position, and is watched to its own end."""
    room = played("other")
    calls = room.expect("other", Told("start", 0, 50), Told("stop", 25, 70), Told("start", 0, 79.99), Told("stop", 100))
    titles = [call.body["movie"]["title"] for call in calls]
    assert [title.partition(" (")[0] for title in titles] == ["Sintel", "Sintel", "Big Buck Bunny", "Big Buck Bunny"]
    assert [row.title for row in room.sandbox.history("other")] == ["Big Buck Bunny"]
    assert [saved.title for saved in room.sandbox.playbacks("other")] == ["Sintel"]


@act("repeated")
def repeat(room: Room, films: Path) -> None:
    with room.vlc("repeated", room.clips.named(films, seconds=40), arguments=(FOUR_TIMES, "--repeat")) as vlc:
        room.await_calls("repeated", 3)
        vlc.past(8)
        vlc.status("pl_stop")
        room.await_calls("repeated", 4)


def test_a_repeated_film_is_watched_once_and_begun_again(played: Played) -> None:
    """With repeat on, the end of the film is its end, and what follows is a new play."""
    room = played("repeated")
    room.expect("repeated", Told("start", 0, 79.99), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 5, 79.99))
    assert len(room.sandbox.history("repeated")) == 1


@act("again")
def close_and_open_again(room: Room, films: Path) -> None:
    film = room.clips.named(films, seconds=60)
    with room.vlc("again", film) as vlc:
        vlc.past(20)
        vlc.quit()
    room.await_calls("again", 2)
    with room.vlc("again", film, arguments=(FOUR_TIMES, "--start-time=28")) as vlc:
        room.await_calls("again", 3)
        vlc.stopped()
        room.await_calls("again", 4)


def test_a_film_in_two_halves(played: Played) -> None:
    """VLC closed in the middle and opened there again is one watch of the film."""
    room = played("again")
    room.expect("again", Told("start", 0, 40), Told("stop", 25, 70), Told("start", 40, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("again")) == 1


@act("bytes")
def watch_a_strange_name(room: Room, films: Path) -> None:
    folder = films / os.fsdecode(b"caf\xe9 100% & #1")
    with room.vlc("bytes", room.clips.named(folder, seconds=40)) as vlc:
        room.await_calls("bytes", 1)
        vlc.stopped()
        room.await_calls("bytes", 2)


def test_a_name_that_is_not_utf8(played: Played) -> None:
    """A file name may hold any bytes, and what stands for itself in addresses; what can be read of it is enough."""
    room = played("bytes")
    room.expect("bytes", Told("start", 0, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("bytes")) == 1


@act("one", "two")
def play_side_by_side(room: Room, films: Path) -> None:
    with (
        room.vlc("one", room.clips.named(films, seconds=40)) as first,
        room.vlc("two", room.clips.named(films, BUNNY, 60)) as second,
    ):
        second.past(24)
        second.quit()
        room.await_calls("one", 1)
        first.stopped()
        room.await_calls("one", 2)


def test_two_vlcs_of_two_people(played: Played) -> None:
    """Two VLCs that play at once are two stories, each at its own account."""
    room = played("one")
    room.expect("one", Told("start", 0, 79.99), Told("stop", 100))
    room.expect("two", Told("start", 0, 39), Told("stop", 30, 60))
    assert [row.title for row in room.sandbox.history("one")] == ["Sintel"]
    assert [saved.title for saved in room.sandbox.playbacks("two")] == ["Big Buck Bunny"]


@act("nothing")
def play_what_is_no_play(room: Room, films: Path) -> None:
    films.mkdir()
    music, picture = films / "Sintel (2010).mka", films / "Sintel (2010).png"
    make_music(music, 8)
    make_image(picture)
    with room.vlc("nothing", music, picture) as vlc:
        room.daemon.wait_for(lambda: _heard(room, "nothing"), "VLC is heard", 60)
        vlc.stopped()


def test_music_and_pictures_are_no_plays(played: Played) -> None:
    """What VLC plays without moving pictures leaves no trace at Simkl, and none in the history of the daemon."""
    room = played("nothing")
    room.expect("nothing")
    assert all(play.account != "nothing" or play.kind == "ignored" for play in room.daemon.history())


@act("locked")
def let_nobody_in(room: Room, films: Path) -> None:
    with room.vlc("locked", room.clips.named(films), password="another") as vlc:
        vlc.status()
        room.daemon.wait_for(lambda: "does not accept this `password`" in room.source("locked"), "it is said", 60)
        doctor = room.daemon.run("doctor", seconds=60).stdout
        assert "does not accept this `password`" in doctor
        assert "Write VLC's own password into `password`" in doctor


def test_a_wrong_password_is_told(played: Played) -> None:
    """With a wrong password, status and doctor say so in plain words, and nothing is sent."""
    room = played("locked")
    room.expect("locked")


@act("without")
def have_no_password(room: Room, films: Path) -> None:
    with room.vlc("without", room.clips.named(films), password=""):
        room.daemon.wait_for(lambda: "has no `http-password`" in room.source("without"), "it is said", 60)


def test_a_vlc_without_a_password_is_told(played: Played) -> None:
    """A VLC with no password lets nobody in, and the status says that."""
    room = played("without")
    room.expect("without")


def _play(room: Room, account: str) -> str:
    return next(one.id for one in room.daemon.history() if one.account == account)


def _heard(room: Room, place: str) -> bool:
    return any(one.name == place and one.heard_utc_ms is not None for one in room.daemon.status().sources)
