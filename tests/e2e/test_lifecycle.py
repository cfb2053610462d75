"""The daemon ends, dies, starts again and changes its configuration in the middle of plays: nothing dangles, nothing is lost."""

import signal
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.events import BUNNY, event, one_source, tell, watched
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real


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
        assert daemon.get("/healthz")[0] == 200
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
