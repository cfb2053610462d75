"""Accounts that are not linked: the daemon asks for it by itself, collects meanwhile, and delivers as soon as it may."""

from pathlib import Path

import pytest

from tests.e2e.events import event, one_source, tell, watched
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real


def unlinked(tmp_path: Path, sandbox: SandboxClient, client_id: str = "sandbox") -> DaemonProcess:
    """Return a daemon, not started yet, whose account alice nobody has linked; codes are asked about every second."""
    sandbox.switch(poll_interval_s=1)
    return DaemonProcess(tmp_path, one_source(), sandbox, client_id=client_id)


@pytest.mark.parametrize("client_id", ["sandbox", "sandbox-v1"])
def test_from_nothing(tmp_path: Path, sandbox: SandboxClient, client_id: str) -> None:
    """Code and link stand in the log and in the status; a play of the time before arrives once somebody has said yes."""
    with unlinked(tmp_path, sandbox, client_id) as daemon:
        stage = Stage(daemon.start(), sandbox)
        offer = daemon.wait_log("link this account", account="alice")
        assert offer["code"] in offer["open"]
        assert offer["open"].startswith(sandbox.url)
        (account,) = daemon.status().accounts
        assert account.sign_in is not None
        assert account.sign_in.code == offer["code"]
        assert daemon.get("/healthz")[0] == 200

        tell(daemon, event("play", 0), *watched())
        (play,) = daemon.history()
        assert play.kind == "waiting"
        assert "not linked" in play.outcome
        assert sandbox.calls(path_prefix="/scrobble") == []

        sandbox.approve(offer["code"], "ann")
        linked = daemon.wait_log("linked", account="alice", linked_as="ann", seconds=15)
        assert linked["level"] == "info"
        stage.expect("ann", Told("stop", 100))
        (account,) = daemon.status().accounts
        assert (account.linked, account.linked_as, account.sign_in) == (True, "ann", None)
        stage.close()
        assert (daemon.state / "tokens.json").stat().st_mode & 0o777 == 0o600
        assert "simkl_at_" not in daemon.said
    assert len(sandbox.history("ann")) == 1


def test_linked_by_the_command_meanwhile(tmp_path: Path, sandbox: SandboxClient) -> None:
    """`scrobbler auth`, without a terminal beside the running daemon: exit code 0, "linked as", and the queue drains."""
    with unlinked(tmp_path, sandbox) as daemon:
        stage = Stage(daemon.start(), sandbox)
        tell(daemon, event("play", 0), *watched())
        daemon.wait_log("link this account")
        sandbox.switch(auto_approve="ann")
        done = daemon.run("auth", "alice")
        assert done.returncode == 0, done.stderr
        assert "linked as ann" in done.stdout
        assert "'alice'" in done.stdout
        assert "/pin" in done.stdout
        daemon.wait_for(lambda: sandbox.history("ann"), "the watch")
        stage.close()


def test_a_code_that_nobody_uses(tmp_path: Path, sandbox: SandboxClient) -> None:
    """Simkl does not tell a No from no answer: `auth` ends with 3 when its code has expired, and the daemon goes on."""
    with unlinked(tmp_path, sandbox) as daemon:
        daemon.start()
        offer = daemon.wait_log("link this account")
        with daemon.begin("auth", "alice") as auth:
            fresh = sandbox.wait_for(lambda: [one for one in sandbox.codes() if one.user_code != offer["code"]])
            for code in (offer["code"], fresh[0].user_code):
                sandbox.decline(code)
            sandbox.advance(3600)
            _, said = auth.communicate(timeout=20)
        assert auth.returncode == 3
        assert "expired" in said
        assert "Traceback" not in said
        assert daemon.get("/healthz")[0] == 200
        tell(daemon, event("play", 0), *watched())
        assert daemon.history()[0].kind == "waiting"


def test_a_client_id_that_simkl_does_not_know(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A wrong client_id is one clear sentence that says where to look; plays are kept, and the daemon is well."""
    with unlinked(tmp_path, sandbox, "nonsense") as daemon:
        daemon.start()
        tell(daemon, event("play", 0), *watched())
        trouble = daemon.wait_log("sign-in waits", account="alice")
        assert "client_id" in trouble["reason"]
        assert "simkl.com/settings/developer" in trouble["reason"]
        assert len(daemon.logged("sign-in waits")) == 1
        assert daemon.get("/healthz")[0] == 200
        assert daemon.history()[0].kind == "waiting"
        asked = [call for call in sandbox.calls() if call.path.startswith("/oauth")]
        assert len(asked) <= 2
    done = daemon.run("auth", "alice")
    assert done.returncode == 3
    assert "client_id" in done.stderr
