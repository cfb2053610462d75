"""What somebody does who has just got it: runs it on the example against the built-in sandbox, and tries what it prints."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Run the example in the sandbox, as `make run` does; ports are free ones, and home is a folder of the test's."""
    text = EXAMPLE.read_text(encoding="utf-8")
    with DaemonProcess(tmp_path, text, None, env={"SCROBBLER_LISTEN": "127.0.0.1:0"}) as daemon:
        daemon.start("--sandbox")
        daemon.wait_for(lambda: "why p1" in daemon.said, "the hints")
        yield Stage(daemon, SandboxClient(printed(daemon, "What reached Simkl")[-1]))


def printed(daemon: DaemonProcess, begins: str) -> list[str]:
    """Return the words of the line that begins so."""
    return next(shlex.split(line) for line in daemon.said.splitlines() if line.strip().startswith(begins))


def test_the_line_with_curl(stage: Stage) -> None:
    """The line posts a film that Simkl then has as watched, and the two commands below it show it."""
    daemon = stage.daemon
    curl, option, body, address = printed(daemon, "curl")
    assert (curl, option) == ("curl", "-d")
    path = address.removeprefix(daemon.url)
    # What curl says of the content when it is told nothing.
    assert daemon.post(path, body, "application/x-www-form-urlencoded")[0] == 204
    daemon.wait_for(lambda: stage.sandbox.history("alice"), "the watch")
    stage.check_manners()
    stop = stage.writes("alice")[-1]
    assert Told("stop", 96, 100).fits(stop)
    assert [row.title for row in stage.sandbox.history("alice")] == ["Sintel"]
    done = daemon.run("history")
    assert "Sintel (2010)" in done.stdout
    assert "Simkl" in daemon.why("p1")


def test_the_pages(stage: Stage) -> None:
    """The status page and the sandbox's own page answer, and the accounts are linked."""
    code, page = stage.daemon.get("/")
    assert (code, "living-room" in page) == (200, True)
    assert [one.linked for one in stage.daemon.status().accounts] == [True, True]
    assert {one.state for one in stage.daemon.status().sources} == {"enabled"}


def test_a_second_run_goes_on(stage: Stage) -> None:
    """Ended and started again, it still knows the plays of before, and its accounts are linked again."""
    daemon = stage.daemon
    *_, body, address = printed(daemon, "curl")
    assert daemon.post(address.removeprefix(daemon.url), body)[0] == 204
    daemon.wait_for(lambda: stage.sandbox.history("alice"), "the watch")
    daemon.terminate()
    daemon.start("--sandbox")
    assert [play.title for play in daemon.history()] == ["Sintel (2010)"]
    assert all(one.linked for one in daemon.status().accounts)
