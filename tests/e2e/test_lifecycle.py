"""The daemon ends, dies, starts again and changes its configuration in the middle of plays: nothing dangles, nothing is lost."""

import signal
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.events import BUNNY, event, one_source, tell, watched
from tests.e2e.players import FOUR_TIMES, Clips, until
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
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


def test_a_watch_that_was_told_to_nobody(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A watch that a crash kept from being delivered becomes history with its true time at the next start."""
    daemon = DaemonProcess(tmp_path, one_source(), sandbox)
    daemon.link("alice")
    sandbox.fault("drop_before", path="/scrobble/stop", count=None)
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        stage.await_calls("alice", 1)
        before_ms = sandbox.now_ms()
        tell(daemon, *watched())
        after_ms = sandbox.now_ms()
        daemon.wait_log("delivery waits")
        daemon.kill()
        sandbox.clear_faults()
        daemon.start()
        daemon.wait_for(lambda: sandbox.history("alice"), "the watch")
        daemon.wait_for(lambda: not stage.owes("alice"), "nothing left to do")
        stage.close()
    (row,) = sandbox.history("alice")
    assert row.source == "history"
    assert _between(before_ms, row.watched_at, after_ms)
    assert sandbox.banner("alice") is None


def test_a_second_daemon(tmp_path: Path, sandbox: SandboxClient) -> None:
    """One daemon owns the state directory: another one says which process it is, and ends with 1."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as first:
        first.link("alice")
        first.start()
        assert first.process is not None
        (tmp_path / "other").mkdir()
        second = DaemonProcess(tmp_path / "other", one_source(state_dir=str(first.state)), sandbox)
        second.launch()
        assert second.wait_exit() == 1
        assert str(first.process.pid) in second.said
        assert str(first.state) in second.said
        assert "Traceback" not in second.said
        assert first.get("/healthz")[0] == 200


def test_a_changed_configuration(tmp_path: Path, sandbox: SandboxClient) -> None:
    """SIGHUP: a bad configuration is reported and changes nothing, a good one counts for the next play."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        stage = Stage(daemon.start(), sandbox)
        daemon.configure(one_source(watched_percnt=70))
        daemon.signal(signal.SIGHUP)
        problem = daemon.wait_log("configuration not taken over")
        assert "did you mean" in problem["problem"].lower()
        daemon.wait_for(lambda: daemon.status().faults, "the fault is shown")
        tell(daemon, event("play", 60))
        stage.await_calls("alice", 1)

        daemon.configure(one_source(accounts={"alice": {"watched_percent": 70}}))
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("configuration taken over")
        assert daemon.get("/healthz")[0] == 200
        tell(daemon, event("stop", 61))
        tell(daemon, event("play", 60, BUNNY))
        stage.await_calls("alice", 3)
        tell(daemon, event("stop", 74, BUNNY))
        stage.expect(
            "alice",
            *(Told("start", 60), Told("stop", 61), Told("start", 60), Told("stop", 74)),
            *(Told("history"), Told("delete")),
        )
        stage.close()
    assert [row.title for row in sandbox.history("alice")] == ["Big Buck Bunny"]


def test_a_source_that_is_added(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A source that a change of the configuration adds works without a restart, and one that it removes is gone."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        daemon.start()
        new = {"type": "events", "account": "alice", "secret": SECRET}
        daemon.configure(one_source(sources={"other": new}))
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("configuration taken over")
        assert daemon.hook("script", event("play", 0)) == 404
        assert daemon.hook("other", event("play", 0)) == 204
        sandbox.wait_for(lambda: sandbox.banner("alice"))


def _between(before_ms: int, stamp: str, after_ms: int) -> bool:
    moment = datetime.fromisoformat(stamp).timestamp()
    return before_ms // 1000 <= moment <= after_ms / 1000
