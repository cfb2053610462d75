"""`scrobbler auth` as a user runs it, against the sandbox."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import structlog
from click.testing import CliRunner, Result

import scrobbler.clock
from scrobbler.cli import auth
from scrobbler.simkl import tokens
from tests.kit.simkl_sandbox import SandboxClient
from tests.simkl.conftest import SharedClock


class Command:
    """Runs the command without a terminal."""

    def __init__(self, sandbox: SandboxClient, folder: Path) -> None:
        self.sandbox = sandbox
        self.state = folder / "state"
        self.file = folder / "config.yaml"
        self.configure(["alice", "bob"])

    def configure(self, accounts: list[str], client_id: str = "sandbox", api_url: str = "") -> None:
        listed = "".join(f"  {name}: {{}}\n" for name in accounts)
        self.file.write_text(
            f"simkl: {{client_id: {client_id}, api_url: {api_url or self.sandbox.url}}}\n"
            f"state_dir: {self.state}\naccounts:\n{listed}",
            encoding="utf-8",
        )

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(auth.command, ["-c", str(self.file), *arguments], input=answer)

    @property
    def kept(self) -> dict[str, tokens.Token]:
        return tokens.load(self.state / "tokens.json")


@pytest.fixture
def run(sandbox: SandboxClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """A configuration with two accounts, and a sandbox whose user allows everything at once as Ann."""
    monkeypatch.setenv("HOME", str(tmp_path))
    clock = SharedClock(sandbox)
    monkeypatch.setattr(scrobbler.clock, "SystemClock", lambda: clock)
    sandbox.switch(auto_approve="Ann")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Command(sandbox, tmp_path)
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("client_id", ["sandbox", "sandbox-v1"])
def test_linking_without_a_terminal(run: Command, client_id: str):
    """It prints code and link naming the account, links, says as whom, and ends with 0; no QR code without a terminal."""
    run.configure(["alice"], client_id)
    result = run.run("alice")
    assert result.exit_code == 0, result.output
    assert "'alice'" in result.stdout
    assert "/pin?user_code=" in result.stdout
    assert "is linked as Ann" in result.stdout
    assert "█" not in result.stdout
    assert run.kept["alice"].name == "Ann"
    assert run.kept["alice"].access not in result.output


def test_the_only_account_needs_no_name(run: Command):
    """With one account the name may be left out; with several, and no terminal, they are listed and the exit code is 2."""
    result = run.run()
    assert result.exit_code == 2
    assert "alice, bob" in result.stderr
    run.configure(["alice"])
    assert run.run().exit_code == 0


def test_an_unknown_account_is_named(run: Command):
    """An account that is not in the configuration ends with 2 and a suggestion."""
    result = run.run("alcie")
    assert result.exit_code == 2
    assert "Did you mean 'alice'?" in result.stderr


def test_a_bad_configuration_ends_with_2(run: Command):
    """Errors of the configuration are said with their place."""
    run.file.write_text("simkl: {}\n", encoding="utf-8")
    result = run.run("alice")
    assert result.exit_code == 2
    assert "config.yaml:" in result.stderr


def test_a_wrong_client_id_ends_with_3(run: Command):
    """A client_id that Simkl does not know is said in one sentence."""
    run.configure(["alice"], "nonsense")
    result = run.run("alice")
    assert result.exit_code == 3
    assert "simkl.com/settings/developer" in result.stderr


def test_simkl_away_ends_with_3(run: Command):
    """When Simkl cannot be reached nothing is linked, and it says so without a traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run.configure(["alice"], api_url=f"http://127.0.0.1:{port}")
    result = run.run("alice")
    assert result.exit_code == 3
    assert "cannot be reached" in result.stderr
    assert "Traceback" not in result.output


def test_nobody_answers_ends_with_3(run: Command):
    """One code is shown, and when it expires the command gives up."""
    run.sandbox.switch(auto_approve="", poll_interval_s=60)
    result = run.run("alice")
    assert result.exit_code == 3
    assert "expired" in result.stderr
    assert result.stdout.count("type ") == 1


def test_another_simkl_account_needs_replace(run: Command):
    """Signing in as somebody else than before is refused with 1 where nobody can be asked, and done with --replace."""
    assert run.run("alice").exit_code == 0
    run.sandbox.switch(auto_approve="Beth")
    result = run.run("alice")
    assert result.exit_code == 1
    assert "Ann" in result.stderr
    assert "Beth" in result.stderr
    assert "--replace" in result.stderr
    assert run.kept["alice"].name == "Ann"
    result = run.run("alice", "--replace")
    assert result.exit_code == 0, result.output
    assert run.kept["alice"].name == "Beth"


def test_two_accounts_for_one_simkl_account_are_refused(run: Command):
    """The second one ends with 3, naming both."""
    run.run("alice")
    result = run.run("bob")
    assert result.exit_code == 3
    assert "'alice'" in result.stderr
    assert "'bob'" in result.stderr


@pytest.mark.parametrize(("client_id", "told"), [("sandbox", True), ("sandbox-v1", False)])
def test_unlinking(run: Command, client_id: str, told: bool):  # noqa: FBT001
    """Unlinking forgets the token; where Simkl cannot be told, it says where the user removes the app."""
    run.configure(["alice"], client_id)
    run.run("alice")
    result = run.run("alice", "--unlink")
    assert result.exit_code == 0
    assert ("connected-apps" in result.stdout) is not told
    assert run.kept == {}
    assert run.run("alice", "--unlink").exit_code == 3


def test_a_damaged_token_file_ends_with_1(run: Command):
    """A damaged token file is said in one sentence and left as it is."""
    run.state.mkdir()
    (run.state / "tokens.json").write_text("{", encoding="utf-8")
    result = run.run("alice")
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert (run.state / "tokens.json").read_text() == "{"


def test_a_folder_that_cannot_be_written_ends_with_1(run: Command, monkeypatch: pytest.MonkeyPatch):
    """Nobody signs in for nothing: that the link could not be kept is said before a code is shown."""
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    result = run.run("alice")
    assert result.exit_code == 1
    assert f"may not write into {run.state}" in result.stderr
    assert "open http" not in result.stdout


class _Folder:
    """A folder of somebody else."""

    def stat(self) -> SimpleNamespace:
        return SimpleNamespace(st_uid=998, st_gid=997)


@pytest.mark.parametrize(("euid", "expected"), [(0, [(7, 998, 997)]), (1000, [])])
def test_what_root_links_belongs_to_the_daemon(
    monkeypatch: pytest.MonkeyPatch, euid: int, expected: list[tuple[int, int, int]]
):
    """Run by root beside a daemon of another user, the token file goes to the owner of the state directory."""
    given: list[tuple[int, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    monkeypatch.setattr(os, "fchown", lambda *arguments: given.append(arguments))
    tokens.keep_owner(7, cast("Path", _Folder()))
    assert given == expected
