"""A real mpv plays on while the daemon ends, dies, or comes late."""

from pathlib import Path

import pytest

from tests.e2e.players import FOUR_TIMES, Clips, until
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real


def desk(tmp_path: Path, sandbox: SandboxClient) -> DaemonProcess:
    """Return a daemon, not started yet, that watches the mpv of alice."""
    (tmp_path / "run").mkdir()
    config = {
        "accounts": {"alice": {}},
        "sources": {"desk": {"type": "mpv", "account": "alice", "sockets": [f"{tmp_path}/run/*.sock"]}},
        "ignore": {"shorter_than": "0s"},
    }
    daemon = DaemonProcess(tmp_path, config, sandbox)
    daemon.link("alice")
    return daemon


def test_an_orderly_end_in_the_middle(tmp_path: Path, sandbox: SandboxClient, clips: Clips) -> None:
    """SIGTERM pauses at Simkl before the daemon is gone; started again it goes on, and the film is one watch."""
    with desk(tmp_path, sandbox) as daemon:
        stage = Stage(daemon.start(), sandbox)
        with MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock") as mpv:
            until(mpv, 3)
            stage.await_calls("alice", 1)
            daemon.terminate()
            assert [call.path for call in stage.writes("alice")] == ["/scrobble/start", "/scrobble/pause"]
            assert sandbox.banner("alice") is None
            daemon.start()
            stage.await_calls("alice", 3)
            mpv.set("speed", 4)
            mpv.wait()
            stage.expect("alice", Told("start", 0, 15), Told("pause", 0, 40), Told("start", 15, 60), Told("stop", 100))
        stage.close()
    assert len(sandbox.history("alice")) == 1
    assert sandbox.playbacks("alice") == []


def test_a_crash_in_the_middle(tmp_path: Path, sandbox: SandboxClient, clips: Clips) -> None:
    """After SIGKILL the daemon finds the player still there: no call is repeated, and the film is one watch."""
    with desk(tmp_path, sandbox) as daemon:
        stage = Stage(daemon.start(), sandbox)
        with MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock") as mpv:
            stage.await_calls("alice", 1)
            # A start whose answer was not stored yet would rightly be sent again.
            daemon.wait_for(lambda: any(one.result == "start" for one in daemon.status().deliveries), "it is answered")
            daemon.kill()
            daemon.start()
            daemon.wait_for(
                lambda: daemon.status().playing and daemon.status().playing[0].mode == "playing", "it plays on"
            )
            mpv.set("speed", 4)
            mpv.wait()
            stage.expect("alice", Told("start", 0, 10), Told("stop", 100))
        stage.close()
    assert len(sandbox.history("alice")) == 1


def test_a_crash_of_both(tmp_path: Path, sandbox: SandboxClient, clips: Clips) -> None:
    """When player and daemon die together, the next start of the daemon saves the position: no start is left dangling."""
    with desk(tmp_path, sandbox) as daemon:
        stage = Stage(daemon.start(), sandbox)
        with MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock", arguments=[FOUR_TIMES]) as mpv:
            stage.await_calls("alice", 1)
            until(mpv, 4)
            daemon.kill()
            mpv.kill()
        assert sandbox.banner("alice") is not None
        daemon.start()
        stage.expect("alice", Told("start", 0, 20), Told("pause", 0, 60))
        stage.close()
    assert sandbox.banner("alice") is None
    assert sandbox.history("alice") == []


def test_a_daemon_that_comes_late(tmp_path: Path, sandbox: SandboxClient, clips: Clips) -> None:
    """Started while mpv already plays, it counts what was played before, and the film is a watch."""
    daemon = desk(tmp_path, sandbox)
    with (
        MpvProcess(clips.named(tmp_path), ipc=tmp_path / "run" / "a.sock", arguments=[FOUR_TIMES]) as mpv,
        daemon,
    ):
        until(mpv, 6)
        stage = Stage(daemon.start(), sandbox)
        mpv.wait()
        stage.expect("alice", Told("start", 30, 79.99), Told("stop", 100))
        stage.close()
    assert len(sandbox.history("alice")) == 1
