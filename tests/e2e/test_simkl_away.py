"""Simkl is away, slow, forgetful or strict: each watch arrives once, with its true time."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.events import BUNNY, SINTEL, event, one_source, tell, watched
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import Call, HistoryRow, SandboxClient, running_sandbox

pytestmark = pytest.mark.real


@pytest.fixture
def daemon(tmp_path: Path, sandbox: SandboxClient) -> DaemonProcess:
    """A daemon, not started yet, with alice linked."""
    daemon = DaemonProcess(tmp_path, one_source(), sandbox)
    daemon.link("alice")
    return daemon


@pytest.fixture(scope="module", autouse=True)
def long_lock(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Future[tuple[list[Call], list[HistoryRow]]]]:
    """Begin the story that takes twenty seconds beside the others; it has a sandbox and a daemon of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_told_under_the_long_lock, tmp_path_factory.mktemp("lock"))


def test_an_answer_that_is_lost(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """A stop that Simkl took, and whose answer never came, is asked again and recorded once."""
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        stage.await_calls("alice", 1)
        sandbox.fault("drop_after", path="/scrobble/stop")
        tell(daemon, *watched())
        stage.expect("alice", Told("start", 0), Told("stop", 100), Told("stop", 100, status=409))
        stage.close()
    (row,) = sandbox.history("alice")
    assert row.source == "stop"
    (play,) = daemon.history()
    assert play.kind == "watched"


def test_a_pause_that_is_lost(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """A pause that Simkl did not take is told again: no start is left dangling."""
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 40))
        stage.await_calls("alice", 1)
        sandbox.fault("status", status=503, path="/scrobble/pause")
        tell(daemon, event("pause", 41))
        stage.expect("alice", Told("start", 40), Told("pause", 41, status=503), Told("pause", 41))
        assert sandbox.banner("alice") is None
        stage.close()


def test_simkl_comes_back(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """A watch that could not be told is told when Simkl is back, well within a minute, and `status` says what it waits for."""
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        stage.await_calls("alice", 1)
        sandbox.fault("status", status=503, count=None)
        tell(daemon, *watched())
        daemon.wait_log("delivery waits", account="alice")
        (account,) = daemon.status().accounts
        assert "503" in account.waits_for
        assert daemon.get("/healthz")[0] == 200
        assert daemon.history()[0].kind == "waiting"
        sandbox.clear_faults()
        daemon.wait_log("delivering again", seconds=20)
        stage.close()
    assert len(sandbox.history("alice")) == 1
    assert sandbox.banner("alice") is None


def test_simkl_stays_away_over_a_restart(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """Watches of the time without Simkl become one history write with their true times, in their order."""
    sandbox.fault("status", status=503, count=None)
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        before_ms = sandbox.now_ms()
        for film in (SINTEL, BUNNY):
            tell(daemon, event("play", 0, film), *watched(film))
        after_ms = sandbox.now_ms()
        daemon.wait_log("delivery waits")
        daemon.terminate()
        sandbox.clear_faults()
        daemon.start()
        daemon.wait_for(lambda: len(sandbox.history("alice")) == 2, "two watches")
        daemon.wait_for(lambda: not stage.owes("alice"), "nothing left to do")
        daemon.terminate()
    rows = sandbox.history("alice")
    assert [(row.title, row.source) for row in rows] == [("Sintel", "history"), ("Big Buck Bunny", "history")]
    moments = [datetime.fromisoformat(row.watched_at).timestamp() for row in rows]
    assert before_ms // 1000 <= moments[0] <= moments[1] <= after_ms / 1000
    assert len([call for call in stage.writes("alice") if call.path == "/sync/history"]) == 1
    assert sandbox.banner("alice") is None
    assert sandbox.playbacks("alice") == []


def test_a_link_that_is_ended_at_simkl(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """After the user removed the app, plays wait; once linked again, they arrive."""
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        stage.await_calls("alice", 1)
        sandbox.revoke("alice")
        tell(daemon, *watched())
        daemon.wait_log("not linked", account="alice")
        assert daemon.get("/healthz")[0] == 200
        (account,) = daemon.status().accounts
        assert not account.linked
        assert account.parked
        (play,) = daemon.history()
        assert (play.kind, "not linked" in play.outcome) == ("waiting", True)
        sandbox.switch(auto_approve="alice", poll_interval_s=1)
        done = daemon.run("auth", "alice")
        assert done.returncode == 0, done.stderr
        daemon.wait_for(lambda: sandbox.history("alice"), "the watch")
        daemon.wait_for(lambda: not stage.owes("alice"), "nothing left to do")
        daemon.terminate()
    assert len(sandbox.history("alice")) == 1
    assert sandbox.banner("alice") is None


def test_a_lock_that_lasts_as_long_as_the_write(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """While a write is slow, the next one waits for it: never two at once."""
    sandbox.switch(lock="wait")
    sandbox.fault("slow", path="/scrobble/start", seconds=3)
    with daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        sandbox.wait_for(lambda: stage.writes("alice"))
        tell(daemon, *watched())
        began, ended = stage.expect("alice", Told("start", 0), Told("stop", 100))
        assert ended.at_ms - began.at_ms >= 3000
        stage.close()
    assert len(sandbox.history("alice")) == 1


def _told_under_the_long_lock(folder: Path) -> tuple[list[Call], list[HistoryRow]]:
    with running_sandbox() as sandbox, DaemonProcess(folder, one_source(), sandbox) as daemon:
        sandbox.switch(lock="spacing")
        daemon.link("alice")
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0))
        stage.await_calls("alice", 1)
        tell(daemon, *watched())
        calls = stage.expect("alice", Told("start", 0), Told("stop", 100, status=400), Told("stop", 100), seconds=40)
        stage.close()
        return calls, sandbox.history("alice")


def test_a_lock_that_lasts_twenty_seconds(long_lock: Future[tuple[list[Call], list[HistoryRow]]]) -> None:
    """Where a scrobble write within 20 s of the one before is refused, the watch arrives after them, once."""
    calls, history = long_lock.result(60)
    assert 20_000 <= calls[2].at_ms - calls[0].at_ms < 25_000
    assert len(history) == 1
