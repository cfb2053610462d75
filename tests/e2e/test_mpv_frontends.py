"""Programs that are mpv inside, and what they do to its socket, through the real daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.players import Clips, leave, until
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.frontends import Frontend, screen
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real

SMPLAYER = """[%General]
use_screenshot=false
screenshot_folder={home}
driver\\vo=x11
driver\\audio_output="null"
"""


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a screen for the programs that want one."""
    with screen(tmp_path_factory.mktemp("screen") / "said.log") as name:
        yield name


@pytest.fixture
def stage(tmp_path: Path, sandbox: SandboxClient) -> Iterator[Stage]:
    """Run a daemon that looks for sockets in `run`, as they are called by mpv's own option and by SMPlayer."""
    (tmp_path / "run").mkdir(mode=0o700)
    sockets = [f"{tmp_path}/run/*.sock", f"{tmp_path}/run/smplayer-mpv-*"]
    config = {
        "accounts": {"alice": {}},
        "sources": {"desk": {"type": "mpv", "account": "alice", "sockets": sockets}},
        "ignore": {"shorter_than": "0s"},
    }
    daemon = DaemonProcess(tmp_path, config, sandbox)
    daemon.link("alice")
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        yield stage
        stage.close()


def playing(stage: Stage, mode: str, past_ms: int = 0, title: str = "Sintel") -> None:
    """Wait until the daemon shows the film so."""

    def shown() -> bool:
        shows = stage.daemon.status().playing
        return any(one.mode == mode and title in one.title and (one.position_ms or 0) >= past_ms for one in shows)

    stage.daemon.wait_for(shown, f"{title} {mode} past {past_ms} ms", 30)


def test_smplayer(stage: Stage, tmp_path: Path, display: str, clips: Clips) -> None:
    """SMPlayer's own socket is enough: a pause, another film opened while the first plays, and quitting are told."""
    film = clips.named(tmp_path / "films", seconds=60)
    other = clips.named(tmp_path / "films", "The Matrix (1999).mkv", seconds=50)
    player = Frontend(tmp_path, display, "smplayer", film)
    settings = player.home / ".config" / "smplayer" / "smplayer.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(SMPLAYER.format(home=player.home))
    with player:
        playing(stage, "playing", 5_000)
        player.tell("smplayer", "-send-action", "play_or_pause")
        playing(stage, "paused")
        stage.await_calls("alice", 2)
        player.tell("smplayer", "-send-action", "play_or_pause")
        playing(stage, "playing")
        stage.await_calls("alice", 3)
        player.tell("smplayer", other)
        playing(stage, "playing", 5_000, "Matrix")
        player.tell("smplayer", "-send-action", "quit")
        stage.expect(
            "alice",
            Told("start", 0, 40),
            Told("pause", 5, 60),
            Told("start", 5, 60),
            Told("stop", 5, 79),
            Told("start", 0, 40),
            Told("stop", 5, 79),
        )
        player.wait()
    assert len(stage.sandbox.playbacks("alice")) == 2


def test_celluloid(stage: Stage, tmp_path: Path, display: str, clips: Clips) -> None:
    """Celluloid hands options to the mpv inside it, socket included: its film is heard, and saved when it is closed."""
    film = clips.named(tmp_path / "films", seconds=60)
    options = [f"--mpv-input-ipc-server={tmp_path}/run/celluloid.sock", "--mpv-ao=null"]
    with Frontend(tmp_path, display, "celluloid", *options, film):
        playing(stage, "playing", 5_000)
    stage.over("alice", 30)
    stage.expect("alice", Told("start", 0, 40), Told("stop", 5, 79))


def test_a_socket_that_is_changed_while_it_plays(stage: Stage, tmp_path: Path, clips: Clips) -> None:
    """What Syncplay and scripts do, setting `input-ipc-server` at run time, is no news to Simkl: one start, one stop."""
    with MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock") as mpv:
        stage.await_calls("alice", 1)
        until(mpv, 2)
        mpv.command("set_property", "input-ipc-server", str(tmp_path / "run" / "b.sock"))
        mpv.ipc = tmp_path / "run" / "b.sock"
        until(mpv, 5)
        mpv.set("speed", 4)
        mpv.wait()
        stage.expect("alice", Told("start", 0, 20), Told("stop", 100))
    assert len(stage.sandbox.history("alice")) == 1


def test_a_changed_socket_over_a_restart_of_the_daemon(stage: Stage, tmp_path: Path, clips: Clips) -> None:
    """A daemon that comes back finds the mpv at its new socket, and the film is one watch."""
    with MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock") as mpv:
        stage.await_calls("alice", 1)
        mpv.command("set_property", "input-ipc-server", str(tmp_path / "run" / "b.sock"))
        mpv.ipc = tmp_path / "run" / "b.sock"
        until(mpv, 4)
        stage.daemon.terminate()
        stage.daemon.start()
        stage.await_calls("alice", 3)
        mpv.set("speed", 4)
        mpv.wait()
        stage.expect("alice", Told("start", 0, 15), Told("pause", 0, 60), Told("start", 15, 75), Told("stop", 100))
    assert len(stage.sandbox.history("alice")) == 1


def test_a_second_mpv_that_takes_the_path_over(stage: Stage, tmp_path: Path, clips: Clips) -> None:
    """A second window at the same path is another player: both are heard to their ends, the first after the second too."""
    ipc = tmp_path / "run" / "mpv.sock"
    other = clips.named(tmp_path, "The Matrix (1999).mkv", seconds=50)
    with MpvProcess(clips.named(tmp_path, seconds=60), ipc=ipc) as first:
        playing(stage, "playing", 5_000)
        with MpvProcess(other, ipc=ipc) as second:
            playing(stage, "playing", 5_000, "Matrix")
            leave(second)
        stage.daemon.wait_for(
            lambda: len(stage.sandbox.playbacks("alice")) >= 1 and len(stage.daemon.status().playing) == 1,
            "one is left",
        )
        assert "Sintel" in stage.daemon.status().playing[0].title
        first.kill()
        stage.over("alice", 30)
        stage.daemon.wait_for(lambda: not stage.owes("alice"), "nothing left to deliver")
    assert {one.title for one in stage.sandbox.playbacks("alice")} == {"Sintel", "The Matrix"}
    assert stage.sandbox.history("alice") == []
