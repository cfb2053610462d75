"""A link that is lost, with the real commands: whichever way it is linked again, what waits goes to whom it belongs."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.events import one_source
from tests.e2e.watches import LONG_S, Watches
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real


@pytest.fixture
def daemon(tmp_path: Path, sandbox: SandboxClient) -> DaemonProcess:
    """A daemon that is not started, linked as alice."""
    made = DaemonProcess(tmp_path, one_source(), sandbox)
    made.link("alice")
    return made


def _lose(daemon: DaemonProcess, sandbox: SandboxClient) -> Watches:
    """Let a running daemon lose its link, with three watches that wait."""
    films = Watches(daemon, sandbox)
    sandbox.revoke("alice")
    assert [films.report() for _ in range(3)] == [204] * 3
    daemon.wait_for(lambda: not daemon.status().accounts[0].linked, "the loss is noticed", LONG_S)
    return films


def _words(daemon: DaemonProcess, command: str) -> str:
    done = daemon.run(command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _on_terminal(daemon: DaemonProcess, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and type an answer when it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        daemon.words(*arguments), env={**daemon.environment, "TERM": "dumb"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while True:
            part = os.read(ours, 4096)
            said += part
            if b"[y/N]" in said and answer:
                os.write(ours, answer.encode() + b"\n")
                answer = ""
    except OSError:  # a terminal whose other end is closed
        pass
    finally:
        os.close(ours)
    return process.wait(LONG_S), said.decode()


@pytest.mark.parametrize("running", [True, False])
def test_the_same_account_by_the_command(daemon: DaemonProcess, sandbox: SandboxClient, running: bool) -> None:  # noqa: FBT001
    """`scrobbler auth` beside the daemon, or while none runs: what waited drains by itself."""
    with daemon:
        films = _lose(daemon.start(), sandbox)
        sandbox.switch(auto_approve="alice", poll_interval_s=1)
        if not running:
            daemon.terminate()
        done = daemon.run("auth", "alice")
        assert done.returncode == 0, done.stderr
        if not running:
            daemon.start()
        films.arrived()


def test_the_same_account_by_the_daemons_own_sign_in(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """A daemon that starts without a good link shows a code by itself; allowed as alice, it drains."""
    sandbox.switch(poll_interval_s=1)
    with daemon:
        films = _lose(daemon.start(), sandbox)
        daemon.restart()
        code = str(daemon.wait_log("link this account", seconds=LONG_S)["code"])
        assert "3 plays" in _words(daemon, "review")
        sandbox.approve(code, "bob")
        daemon.wait_log("linked with another account, refused", seconds=LONG_S)
        for command in ("status", "review"):
            assert "signed in as bob" in _words(daemon, command), command
        assert sandbox.history("bob") == []
        daemon.restart()
        code = str(daemon.wait_log("link this account", seconds=LONG_S)["code"])
        sandbox.approve(code, "alice")
        films.arrived()
    assert sandbox.history("bob") == []


@pytest.mark.parametrize("unlinked", [False, True])
def test_another_account_without_a_terminal(daemon: DaemonProcess, sandbox: SandboxClient, unlinked: bool) -> None:  # noqa: FBT001
    """Nobody can be asked: exit code 1 and nothing is sent, also after unlinking; `--replace` says that it may go there."""
    with daemon:
        films = _lose(daemon.start(), sandbox)
        if unlinked:
            assert daemon.run("auth", "alice", "--unlink").returncode == 0
        sandbox.switch(auto_approve="bob", poll_interval_s=1)
        daemon.terminate()
        done = daemon.run("auth", "alice")
        assert done.returncode == 1
        assert "--replace" in done.stderr
        assert sandbox.history("bob") == []
        sandbox.switch(auto_approve="")
        daemon.start()
        assert [owed.due for owed in daemon.status().queue] == [3]
        sandbox.switch(auto_approve="bob")
        done = daemon.run("auth", "alice", "--replace")
        assert done.returncode == 0, done.stderr
        daemon.wait_for(lambda: not daemon.status().queue, "nothing is owed any more", LONG_S)
    assert sorted(row.title for row in sandbox.history("bob")) == sorted(films.promised)


def _refused(code: int, said: str, sandbox: SandboxClient) -> None:
    assert code == 1
    assert "Not linked" in said
    assert sandbox.history("bob") == []


def _taken(code: int, said: str, sandbox: SandboxClient) -> None:
    assert code == 0, said
    sandbox.wait_for(lambda: len(sandbox.history("bob")) == 3, LONG_S)


@pytest.mark.parametrize(("answer", "then"), [("n", _refused), ("y", _taken)])
def test_another_account_on_a_terminal(
    daemon: DaemonProcess, sandbox: SandboxClient, answer: str, then: Callable[[int, str, SandboxClient], None]
) -> None:
    """It asks, naming both accounts, and that what waits would go there; the answer is done, beside the running daemon."""
    sandbox.switch(poll_interval_s=1)
    with daemon:
        _lose(daemon.start(), sandbox)
        # The daemon's own code is older, and stays unanswered.
        sandbox.switch(auto_approve="bob")
        code, said = _on_terminal(daemon, answer, "auth", "alice")
        assert "was linked as alice" in said
        assert "bob" in said
        assert "would go there too" in said
        then(code, said, sandbox)
