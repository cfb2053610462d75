"""Real players on a session bus, the real daemon, and what reaches Simkl.

One daemon watches many buses, each with an account of its own, and on all of them something plays at the same time: every
test has an `act`, in which somebody plays something and ends, and looks at what came of it.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.e2e.acts import Acts
from tests.e2e.players import FOUR_TIMES as MPV_4
from tests.e2e.players import LONG_FILM, Clips, leave, until
from tests.e2e.stage import Stage, Told
from tests.kit.bus import Chromium, Relay, SessionBus, mpv_on, session_bus, vlc_on
from tests.kit.daemon import DaemonProcess
from tests.kit.frontends import Frontend, screen
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.kit.vlc import PASSWORD, VlcProcess, open_folder, place

pytestmark = pytest.mark.real

VLC_4 = "--rate=4"
BUNNY = "Big Buck Bunny (2008).mkv"
MATRIX = "The Matrix (1999).mkv"


class Room(Stage):
    """The daemon, films that every user may read, and a bus for each account.

    `web` is the port at which the daemon looks for a VLC that it hears on the bus as well.
    """

    def __init__(
        self,
        daemon: DaemonProcess,
        sandbox: SandboxClient,
        buses: dict[str, SessionBus],
        clips: Clips,
        web: int,
        display: str,
    ) -> None:
        super().__init__(daemon, sandbox)
        self.buses = buses
        self.clips = clips
        self.web = web
        self.display = display
        self.sockets = daemon.folder / "s"
        self.sockets.mkdir(exist_ok=True)

    def mpv(self, at: str, *paths: Path, speed: str = MPV_4) -> MpvProcess:
        """Start an mpv on the bus of an account."""
        return mpv_on(self.buses[at], *paths, ipc=self.sockets / at, arguments=[speed])

    def vlc(self, at: str, *paths: Path, more: tuple[str, ...] = (VLC_4,)) -> VlcProcess:
        """Start a VLC on the bus of an account."""
        return vlc_on(self.buses[at], *paths, port=place(), arguments=more)

    def window(self, at: str, *command: str | Path) -> Frontend:
        """Make a program with a window, on the bus of an account."""
        folder = self.daemon.folder / f"window-{at}"
        folder.mkdir()
        return Frontend(folder, self.display, *command, bus=self.buses[at].address)

    def jumped(self, at: str) -> None:
        """Wait until the daemon has seen a jump in the play of an account."""
        self.daemon.wait_for(lambda: "jumped" in self.daemon.why(self.play(at)), "the jump is seen", 30)

    def play(self, at: str) -> str:
        """Return the only play of an account."""
        (play,) = (one.id for one in self.daemon.history() if one.account == at)
        return play


Played: TypeAlias = Callable[[str], Room]
act: Acts[Room] = Acts()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Room]:
    """One daemon before many buses; at the end nothing may have been said beyond what was wanted."""
    folder = tmp_path_factory.mktemp("mpris")
    with ExitStack() as stack:
        buses = {name: stack.enter_context(session_bus()) for name in act.places if name != "cinema"}
        buses["cinema"] = buses["browser"]
        sources: dict[str, dict[str, Any]] = {
            name: {"type": "mpris", "account": name, "bus": bus.address} for name, bus in buses.items()
        }
        sources["cinema"] |= {"players": ["chromium"], "titles": ["* - Some Cinema"]}
        for name in ("both", "handed"):
            sources[f"{name}-mpv"] = {"type": "mpv", "account": name, "sockets": [f"{folder}/{name}/*.sock"]}
            (folder / name).mkdir()
        web = place()
        sources["web"] = {"type": "vlc", "account": "vlc-both", "url": f"http://127.0.0.1:{web}", "password": PASSWORD}
        config = {"accounts": {name: {} for name in act.places}, "sources": sources, "ignore": {"shorter_than": "0s"}}
        display = stack.enter_context(screen(folder / "screen.log"))
        sandbox = stack.enter_context(running_sandbox())
        daemon = stack.enter_context(DaemonProcess(folder, config, sandbox))
        for name in act.places:
            daemon.link(name)
        room = Room(daemon.start(), sandbox, buses, clips, web, display)
        yield room
        room.close()


@pytest.fixture(scope="module")
def played(room: Room) -> Iterator[Played]:
    """Begin all acts; give a function that waits for the end of one."""
    with open_folder() as folder, act.going_on(room, folder, 150) as wait:
        yield wait


@act("ending")
def watch_with_mpv_to_the_end(room: Room, films: Path) -> None:
    with room.mpv("ending", room.clips.named(films, seconds=15), speed="--speed=1") as mpv:
        room.await_calls("ending", 1)
        now_playing = room.sandbox.banner("ending")
        assert now_playing is not None
        assert (now_playing.title, now_playing.action) == ("Sintel", "start")
        mpv.wait()


@act("vlc-ending")
def watch_with_vlc_to_the_end(room: Room, films: Path) -> None:
    with room.vlc("vlc-ending", room.clips.named(films, seconds=40), more=(VLC_4, "--play-and-exit")) as vlc:
        vlc.wait()


@act("vlc-open")
def leave_vlc_open_after_the_end(room: Room, films: Path) -> None:
    with room.vlc("vlc-open", room.clips.named(films, seconds=40)) as vlc:
        room.await_calls("vlc-open", 1)
        vlc.stopped()
        room.await_calls("vlc-open", 2)


@pytest.mark.parametrize("at", ["ending", "vlc-ending", "vlc-open"])
def test_a_film_to_its_natural_end(played: Played, at: str) -> None:
    """A film that plays through is two calls, start and stop at 100, and one watch, whether its player closes or not."""
    room = played(at)
    began, _ = room.expect(at, Told("start", 0, 79.99), Told("stop", 100))
    assert began.body["movie"]["ids"]["imdb"] == "tt1727587"
    assert [(row.title, row.source) for row in room.sandbox.history(at)] == [("Sintel", "stop")]
    assert room.sandbox.playbacks(at) == []
    assert "reached 100 %" in room.daemon.why(room.play(at))


def test_one_vlc_under_two_names_is_one_play(played: Played) -> None:
    """VLC speaks on two connections at once; the history has one play, and nothing was merged into it."""
    room = played("vlc-ending")
    room.expect("vlc-ending", Told("start", 0, 79.99), Told("stop", 100))
    assert [play.kind for play in room.daemon.history() if play.account == "vlc-ending"] == ["watched"]


@act("half")
def leave_mpv_in_the_middle(room: Room, films: Path) -> None:
    with room.mpv("half", room.clips.named(films, seconds=60)) as mpv:
        room.await_calls("half", 1)
        until(mpv, 30)
        leave(mpv)


@act("killed")
def let_mpv_die(room: Room, films: Path) -> None:
    with room.mpv("killed", room.clips.named(films, seconds=60)) as mpv:
        room.await_calls("killed", 1)
        until(mpv, 30)
        mpv.kill()


@act("vlc-half")
def leave_vlc_in_the_middle(room: Room, films: Path) -> None:
    with room.vlc("vlc-half", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("vlc-half", 1)
        vlc.past(30)
        vlc.quit()


@act("vlc-stopped")
def stop_vlc_in_the_middle(room: Room, films: Path) -> None:
    with room.vlc("vlc-stopped", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("vlc-stopped", 1)
        vlc.past(30)
        room.buses["vlc-stopped"].call("vlc", "Stop")
        room.await_calls("vlc-stopped", 2)


@act("vlc-killed")
def let_vlc_die(room: Room, films: Path) -> None:
    with room.vlc("vlc-killed", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("vlc-killed", 1)
        vlc.past(30)
        vlc.kill()


@pytest.mark.parametrize("at", ["half", "killed", "vlc-half", "vlc-stopped", "vlc-killed"])
def test_leaving_in_the_middle_saves_the_position(played: Played, at: str) -> None:
    """Closed, stopped or killed in the middle: the last position that was seen is saved, with no watch, and nothing shows."""
    room = played(at)
    room.expect(at, Told("start", 0, 60), Told("stop", 35, 79.99))
    (saved,) = room.sandbox.playbacks(at)
    assert 35 <= saved.progress < 80
    assert room.sandbox.history(at) == []
    assert room.sandbox.banner(at) is None


@act("paused")
def pause_mpv_for_a_while(room: Room, films: Path) -> None:
    with room.mpv("paused", room.clips.named(films, seconds=60)) as mpv:
        room.await_calls("paused", 1)
        mpv.set("pause", "yes")
        room.await_calls("paused", 2)
        mpv.set("pause", "no")
        room.await_calls("paused", 3)
        mpv.wait()


@act("vlc-paused")
def pause_vlc_for_a_while(room: Room, films: Path) -> None:
    bus = room.buses["vlc-paused"]
    with room.vlc("vlc-paused", room.clips.named(films, seconds=60)) as vlc:
        room.await_calls("vlc-paused", 1)
        bus.call("vlc", "Pause")
        room.await_calls("vlc-paused", 2)
        bus.call("vlc", "Play")
        room.await_calls("vlc-paused", 3)
        vlc.stopped()
        room.await_calls("vlc-paused", 4)


@pytest.mark.parametrize("at", ["paused", "vlc-paused"])
def test_a_pause_makes_four_calls(played: Played, at: str) -> None:
    """Start, pause, start, stop: nothing in between, not even for the jump that VLC announces when it goes on."""
    room = played(at)
    calls = room.expect(at, Told("start", 0, 60), Told("pause", 0, 79), Told("start", 0, 79.99), Told("stop", 100))
    assert 0 <= calls[2].body["progress"] - calls[1].body["progress"] < 20
    assert len(room.sandbox.history(at)) == 1


@act("seeker")
def skip_to_the_end_with_mpv(room: Room, films: Path) -> None:
    with room.mpv("seeker", room.clips.named(films, MATRIX, LONG_FILM)) as mpv:
        room.await_calls("seeker", 1)
        mpv.command("seek", 92, "absolute-percent", "exact")
        room.jumped("seeker")
        leave(mpv)


@act("vlc-seeker")
def skip_to_the_end_with_vlc(room: Room, films: Path) -> None:
    with room.vlc("vlc-seeker", room.clips.named(films, MATRIX, LONG_FILM)) as vlc:
        room.await_calls("vlc-seeker", 1)
        room.buses["vlc-seeker"].call("vlc", "Seek", f"int64:{92 * 81_600_000}")
        room.jumped("vlc-seeker")
        vlc.quit()


@pytest.mark.parametrize("at", ["seeker", "vlc-seeker"])
def test_skipping_to_the_end_is_no_watch(played: Played, at: str) -> None:
    """Somebody who jumps to 92 % and leaves has not watched it: the position is saved by a pause, never by a stop."""
    room = played(at)
    room.expect(at, Told("start", 0, 2), Told("pause", 91.5, 96))
    assert room.sandbox.history(at) == []
    assert room.sandbox.banner(at) is None


@act("series")
def watch_two_episodes_with_mpv(room: Room, films: Path) -> None:
    episodes = [room.clips.named(films, f"Firefly S01E0{number}.mkv", 40) for number in (1, 2)]
    with room.mpv("series", *episodes) as mpv:
        mpv.wait()


@act("vlc-series")
def watch_two_episodes_with_vlc(room: Room, films: Path) -> None:
    episodes = [room.clips.named(films, f"Firefly S01E0{number}.mkv", 40) for number in (1, 2)]
    with room.vlc("vlc-series", *episodes, more=(VLC_4, "--play-and-exit")) as vlc:
        vlc.wait()


@pytest.mark.parametrize("at", ["series", "vlc-series"])
def test_the_next_episode_comes_after_the_end_of_the_first(played: Played, at: str) -> None:
    """In a playlist mpv tells new metadata and no more, VLC stops and plays: each episode is closed before the next."""
    room = played(at)
    calls = room.expect(at, Told("start", 0, 79.99), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 100))
    assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
    rows = room.sandbox.history(at)
    assert [(row.title, row.season, row.number) for row in rows] == [("Firefly", 1, 1), ("Firefly", 1, 2)]


@act("other")
def open_another_with_mpv(room: Room, films: Path) -> None:
    with room.mpv("other", room.clips.named(films, seconds=60)) as mpv:
        room.await_calls("other", 1)
        until(mpv, 30)
        mpv.command("loadfile", str(room.clips.named(films, BUNNY, 40)))
        mpv.wait()


@act("vlc-other")
def open_another_with_vlc(room: Room, films: Path) -> None:
    another = room.clips.named(films, BUNNY, 40)
    with room.vlc("vlc-other", room.clips.named(films, seconds=60), more=(VLC_4, "--play-and-exit")) as vlc:
        room.await_calls("vlc-other", 1)
        vlc.past(30)
        room.buses["vlc-other"].call("vlc", "OpenUri", f"string:{another.as_uri()}")
        room.await_calls("vlc-other", 4, 60)


@pytest.mark.parametrize("at", ["other", "vlc-other"])
def test_opening_another_file_while_one_plays(played: Played, at: str) -> None:
    """A file that is opened over another closes it at its last position, and is watched to its own end."""
    room = played(at)
    calls = room.expect(at, Told("start", 0, 60), Told("stop", 35, 79.99), Told("start", 0, 79.99), Told("stop", 100))
    titles = [call.body["movie"]["title"].partition(" (")[0] for call in calls]
    assert titles == ["Sintel", "Sintel", "Big Buck Bunny", "Big Buck Bunny"]
    assert [row.title for row in room.sandbox.history(at)] == ["Big Buck Bunny"]
    assert [saved.title for saved in room.sandbox.playbacks(at)] == ["Sintel"]


@act("both")
def be_seen_twice(room: Room, films: Path) -> None:
    film = room.clips.named(films, seconds=40)
    with mpv_on(room.buses["both"], film, ipc=room.daemon.folder / "both" / "mpv.sock", arguments=[MPV_4]) as mpv:
        mpv.wait()


def test_an_mpv_that_is_seen_by_its_socket_as_well(played: Played) -> None:
    """What socket and bus both see is one play with the calls of one; the socket, which sees more, speaks."""
    room = played("both")
    room.expect("both", Told("start", 0, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("both")) == 1
    assert _plays(room, "both") == {"watched", "merged"}
    story = room.daemon.why(_play(room, "both", "watched"))
    assert story.index("both-mpv: over: played to its end") < story.index("judged: watched")


@act("vlc-both")
def be_seen_on_the_web_as_well(room: Room, films: Path) -> None:
    film = room.clips.named(films, seconds=60)
    with vlc_on(room.buses["vlc-both"], film, port=room.web, arguments=[VLC_4]) as vlc:
        room.await_calls("vlc-both", 1)
        room.daemon.wait_for(lambda: len(_plays(room, "vlc-both")) == 2, "both sources hear it", 60)
        vlc.stopped()
        room.await_calls("vlc-both", 2)


def test_a_vlc_that_is_seen_by_its_web_interface_as_well(played: Played) -> None:
    """What web interface and bus both see is one play with the calls of one."""
    room = played("vlc-both")
    room.expect("vlc-both", Told("start", 0, 79.99), Told("stop", 100))
    assert len(room.sandbox.history("vlc-both")) == 1
    assert _plays(room, "vlc-both") == {"watched", "merged"}


@act("handed")
def lose_the_socket(room: Room, films: Path) -> None:
    film = room.clips.named(films, seconds=60)
    with room.mpv("handed", film) as mpv:
        mpv.get("pid")
        with Relay(room.daemon.folder / "handed" / "mpv.sock", room.sockets / "handed") as relay:
            room.await_calls("handed", 1)
            until(mpv, 20)
            relay.cut()
        mpv.wait()


def test_the_bus_takes_over_when_the_socket_is_lost(played: Played) -> None:
    """When the socket falls silent in the middle, the bus goes on with the play: no call more, and one watch."""
    room = played("handed")
    room.expect("handed", Told("start", 0, 60), Told("stop", 100))
    assert len(room.sandbox.history("handed")) == 1
    assert _plays(room, "handed") == {"watched", "merged"}
    story = room.daemon.why(_play(room, "handed", "watched"))
    lost, over = "handed-mpv: over: contact with the player was lost", "handed: over: played to its end"
    assert story.index(lost) < story.index(over) < story.index("judged: watched")


@act("celluloid")
def watch_two_episodes_with_celluloid(room: Room, films: Path) -> None:
    episodes = [room.clips.named(films, f"Firefly S01E0{number}.mkv", 40) for number in (1, 2)]
    options = ("--mpv-ao=null", "--mpv-speed=4")
    with room.window("celluloid", "celluloid", *options, *episodes):
        room.await_calls("celluloid", 4, 90)


@act("smplayer")
def pause_with_smplayer(room: Room, films: Path) -> None:
    bus = room.buses["smplayer"]
    with room.window("smplayer", "smplayer", room.clips.named(films, seconds=60)):
        room.await_calls("smplayer", 1, 60)
        bus.call("smplayer", "Pause")
        room.await_calls("smplayer", 2)
        bus.call("smplayer", "Play")
        room.await_calls("smplayer", 3)


def test_celluloid(played: Played) -> None:
    """Celluloid's windows have names of their own kind; two episodes in a row are two watches."""
    room = played("celluloid")
    room.expect("celluloid", Told("start", 0, 79.99), Told("stop", 100), Told("start", 0, 79.99), Told("stop", 100))
    assert [row.number for row in room.sandbox.history("celluloid")] == [1, 2]


def test_smplayer(played: Played) -> None:
    """SMPlayer is paused and goes on by the buttons of the desktop; ended from outside, it leaves its position."""
    room = played("smplayer")
    room.expect("smplayer", Told("start", 0, 60), Told("pause", 0, 70), Told("start", 0, 70), Told("stop", 0, 79.99))


@act("browser", "cinema")
def watch_in_a_browser(room: Room, films: Path) -> None:
    films.mkdir()
    film, home = films / "film.webm", room.daemon.folder / "chromium"
    home.mkdir()
    picture = ("-f", "lavfi", "-i", "color=c=black:s=64x64:r=5", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono")
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-nostdin",
        *picture,
        "-t",
        "60",
        "-c:v",
        "libvpx",
        "-c:a",
        "libopus",
        str(film),
    ]
    subprocess.run(command, check=True, timeout=120)
    with Chromium(room.buses["browser"], home, "Sintel (2010) - Some Cinema", film) as chromium:
        room.await_calls("cinema", 1, 90)
        doctor = room.daemon.run("doctor", seconds=60).stdout
        assert "left out, a browser, and not among `players`" in doctor
        room.await_calls("cinema", 2, 60)
        chromium.quit()


def test_a_browser_is_left_alone(played: Played) -> None:
    """Without a word in the configuration nothing of what Chromium plays is known to the daemon."""
    room = played("browser")
    room.expect("browser")
    assert [play for play in room.daemon.history() if play.account == "browser"] == []


def test_a_browser_that_is_allowed_counts_by_title(played: Played) -> None:
    """With a pattern for its titles, the film of a page is a play by the title that the pattern leaves."""
    room = played("cinema")
    calls = room.expect("cinema", Told("start", 0, 79.99), Told("stop", 80, 100))
    assert (calls[0].body["movie"]["title"], calls[0].body["movie"]["year"]) == ("Sintel", 2010)
    assert [row.title for row in room.sandbox.history("cinema")] == ["Sintel"]


def _plays(room: Room, account: str) -> set[str]:
    """Return what became of the plays of an account."""
    return {play.kind for play in room.daemon.history() if play.account == account}


def _play(room: Room, account: str, kind: str) -> str:
    """Return the play of an account of which this became."""
    return next(play.id for play in room.daemon.history() if (play.account, play.kind) == (account, kind))
