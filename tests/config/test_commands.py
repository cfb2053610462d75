"""`scrobbler check`, `config` and `schema`."""

import json
import sys
from pathlib import Path

import pytest

from scrobbler.cli import main
from scrobbler.sources import registry
from tests.config.support import BASE, KINDS, SECRET


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the stand-ins instead of what is installed."""
    monkeypatch.setattr(registry, "kinds", lambda: dict(KINDS))
    monkeypatch.delenv("SCROBBLER_LISTEN", raising=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command as the shell would, and give its exit code."""
    monkeypatch.setattr(sys, "argv", ["scrobbler", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_check_says_that_a_file_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit code 0, and how many accounts and sources there are."""
    path = tmp_path / "config.yaml"
    path.write_text(BASE + "sources: {tv: {type: mpv, account: bob}}\n")
    assert run(monkeypatch, "check", "-c", str(path)) == 0
    assert capsys.readouterr() == (f"{path} is good: 2 accounts, 1 source\n", "")


def test_check_tells_every_problem_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2, one line for each problem, nothing on stdout."""
    path = tmp_path / "config.yaml"
    path.write_text(BASE + "one: 1\ntwo: 2\n")
    assert run(monkeypatch, "check", "-c", str(path)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" ")[0] for line in err.splitlines()] == [f"{path}:3:1:", f"{path}:4:1:"]


@pytest.mark.parametrize("command", ["check", "config"])
def test_a_simkl_section_that_is_not_right_is_not_passed_over(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The placeholder of the example is an error here, though other commands do without."""
    path = tmp_path / "config.yaml"
    path.write_text("simkl: {client_id: your-client-id}\naccounts: {alice: {}}\n")
    assert run(monkeypatch, command, "-c", str(path)) == 2
    assert "https://simkl.com/settings/developer" in capsys.readouterr().err


def test_check_without_any_file_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2 and one sentence."""
    for name in ("SCROBBLER_CONFIG", "CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("scrobbler.config.paths.SYSTEM_FILE", tmp_path / "etc/config.yaml")
    assert run(monkeypatch, "check") == 2
    assert f"looked for {tmp_path}/.config/scrobbler/config.yaml" in capsys.readouterr().err


def test_warnings_do_not_make_a_file_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """They are told on stderr, the exit code stays 0."""
    path = tmp_path / "config.yaml"
    path.write_text(BASE + "sources: {p: {type: plex, users: {}}}\n")
    assert run(monkeypatch, "check", "-c", str(path)) == 0
    assert capsys.readouterr().err.startswith(f"warning: {path}:3:34: sources.p.users: maps nobody")


def test_config_shows_what_counts_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The file found by the environment, with the variable's address in it."""
    path = tmp_path / "config.yaml"
    path.write_text(BASE + f"http: {{status: {{token: {SECRET}}}}}\n")
    path.chmod(0o600)
    monkeypatch.setenv("SCROBBLER_CONFIG", str(path))
    monkeypatch.setenv("SCROBBLER_LISTEN", "0.0.0.0:7465")
    assert run(monkeypatch, "config") == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[0], err) == (f"# from {path}", "")
    assert "0.0.0.0:7465" in out
    assert SECRET not in out


def test_schema_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """It prints JSON with the types that are there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(monkeypatch, "schema") == 0
    assert sorted(json.loads(capsys.readouterr().out)["$defs"]) == ["source-events", "source-mpv", "source-plex"]
