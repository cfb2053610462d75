"""The command itself: help, versions, mistakes, exit codes (contract.md 1.3)."""

import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from scrobbler import __version__
from scrobbler.cli import COMMANDS
from scrobbler.cli.exit_codes import BAD_CONFIGURATION, FAILED, explain
from scrobbler.config.problems import ConfigError
from scrobbler.control.lock import StateDirError
from scrobbler.hooks.server import ListenError
from tests.cli.kit import Home, command

HEAVY = ("httpx", "starlette", "uvicorn", "structlog", "msgspec", "sqlite3", "asyncio", "yaml", "jinja2")


def test_help_names_every_command():
    """The help lists all commands with what they do."""
    done = command("--help")
    assert done.code == 0
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in done.out
        assert text in done.out


def test_help_imports_nothing_heavy():
    """`--help` is quick because none of the heavy modules is imported for it."""
    code = (
        "import sys; from scrobbler.cli import cli\n"
        "try: cli.main(['--help'], prog_name='scrobbler')\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_takes_a_file(name: str):
    """What the help lists can be run, has a help of its own, and takes `-c FILE`."""
    found = import_module(f"scrobbler.cli.{COMMANDS[name][0]}").command
    assert isinstance(found, click.Command)
    options = [option for parameter in found.params for option in parameter.opts]
    assert "-c" in options
    assert found.help


def test_version():
    """`--version` says which one it is."""
    assert command("--version").out == f"scrobblerd {__version__}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nonsense"], "there is no command 'nonsense'"),
        (["stauts"], "did you mean 'status'?"),
        (["status", "--nonsense"], "--nonsense"),
        (["why"], "PLAY"),
    ],
)
def test_wrong_usage_is_2(args: list[str], words: str):
    """A mistake in the command line is said in words, with exit code 2."""
    done = command(*args)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["status", "history", "review", "pause", "doctor", "retry"])
def test_a_bad_configuration_is_2(tmp_path: Path, name: str):
    """Every command that needs the configuration says all that is wrong with it, with exit code 2."""
    home = Home(tmp_path)
    home.config.write_text(home.config.read_text() + "acounts: {}\n")
    done = home.run(name)
    assert done.code == 2
    assert "acounts" in done.err
    assert "Traceback" not in done.err


def test_no_configuration_is_2(tmp_path: Path):
    """A file that is not there is exit code 2, too."""
    done = command("status", "-c", str(tmp_path / "none.yaml"))
    assert (done.code, done.out) == (2, "")
    assert "none.yaml" in done.err


def test_a_refused_start_is_one_sentence(tmp_path: Path):
    """A daemon that cannot listen says which address and why, in one line, with exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = Home(tmp_path, port).run("run", "--sandbox")
    assert done.code == 1
    assert f"127.0.0.1:{port}" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_group_of_errors_is_one_line_each():
    """Errors in groups of groups are told one by one, the same one once; a code that not all share becomes 1."""
    problems = ConfigError([]), StateDirError("no room"), ListenError("no port"), StateDirError("no room")
    deep = BaseExceptionGroup("outer", [ExceptionGroup("inner", problems[1:3]), problems[3]])
    assert explain(deep) == ("no room\nno port", FAILED)
    assert explain(ExceptionGroup("one", [problems[0]]))[1] == BAD_CONFIGURATION
    assert explain(ExceptionGroup("both", problems[:2]))[1] == FAILED


def test_an_unexpected_error_is_one_sentence(tmp_path: Path):
    """A bug ends in one sentence and exit code 1; SCROBBLER_DEBUG=1 shows the traceback."""
    home = Home(tmp_path)
    code = (
        "import scrobbler.cli.common as common\n"
        "def broken(*a, **k): raise KeyError('x')\n"
        "common.load = broken\n"
        "from scrobbler.cli import main; main()"
    )
    for debug, expected in (("", False), ("1", True)):
        done = subprocess.run(
            [sys.executable, "-c", code, "status", "-c", str(home.config)],
            capture_output=True,
            text=True,
            env={"SCROBBLER_DEBUG": debug, "PYTHONPATH": ":".join(sys.path)},
            check=False,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is expected
    assert done.stdout == ""


def test_a_reader_that_goes_away(tmp_path: Path):
    """`scrobbler schema | head` ends without complaint."""
    home = Home(tmp_path)
    with home.follow("schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.wait(timeout=30)
        assert "Traceback" not in process.stderr.read()
