"""The commands while a daemon runs, in its sandbox: they go through its control socket (contract.md 1.3)."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.cli.kit import Done, Home

pytestmark = pytest.mark.real

PLAY = json.dumps(
    [
        {
            "kind": "play",
            "player": "tv",
            "item_key": "1",
            "item": {"type": "movie", "title": "Sintel", "year": 2010},
            "position_ms": 0,
            "duration_ms": 888000,
        }
    ]
)


class Running:
    """A daemon in its sandbox."""

    def __init__(self, home: Home, url: str) -> None:
        self.home = home
        self.url = url

    def post(self, body: str) -> int:
        """Post to the hook of `scripts`."""
        secrets = json.loads((self.home.state_dir / "sandbox" / "secrets.json").read_text())["secrets"]
        address = f"{self.url}hooks/scripts/{secrets['scripts']}"
        with urllib.request.urlopen(urllib.request.Request(address, body.encode())) as reply:
            return int(reply.status)

    def until(self, words: str, *args: str) -> Done:
        """Repeat a command until it says so, for at most ten seconds."""
        for _ in range(20):
            done = self.home.run(*args)
            if words in done.out:
                return done
            time.sleep(0.2)
        raise AssertionError(f"{args} never said {words!r}: {done}")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run one daemon for all tests here."""
    home = Home(tmp_path_factory.mktemp("online"))
    log = home.config.with_name("log")
    with log.open("w") as out, home.follow("run", "--sandbox", stdout=out) as process:
        for _ in range(100):
            found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
            if found:
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        assert found, log.read_text()
        yield Running(home, found.group())


def test_status(daemon: Running):
    """`status` shows what plays now, and `--json` is what `/api/status` answers."""
    assert daemon.post(PLAY) == 204
    done = daemon.until("Sintel", "status")
    assert "running since" in done.out
    assert "linked as alice" in done.out
    with urllib.request.urlopen(f"{daemon.url}api/status") as reply:
        served = json.load(reply)
    asked = json.loads(daemon.home.run("status", "--json").out)
    assert served.keys() == asked.keys()
    assert served["playing"][0]["title"] == asked["playing"][0]["title"] == "Sintel (2010)"
    assert asked["running"] is True


def test_history_beside_the_daemon(daemon: Running):
    """The store is read while the daemon writes to it."""
    daemon.post(PLAY)
    done = daemon.until("Sintel", "history")
    play = done.out.split()[0]
    assert "scripts" in daemon.home.run("why", play).out


def test_private_mode(daemon: Running):
    """A pause counts at once and is seen; what plays is let go of."""
    assert daemon.home.run("pause", "1h", "--account", "bob").out.startswith("private until")
    status = json.loads(daemon.home.run("status", "--json").out)
    until = {one["name"]: one["paused_until_utc_ms"] for one in status["accounts"]}
    assert until["alice"] is None
    assert until["bob"] is not None
    assert daemon.home.run("resume").out == "recording again: alice, bob\n"


def test_refusals_of_the_daemon(daemon: Running):
    """What the daemon refuses is a sentence and exit code 1."""
    for args in (["retry"], ["retry", "p999"], ["fix", "p999", "--movie", "X"]):
        done = daemon.home.run(*args)
        assert done.code == 1, args
        assert len(done.err.strip().splitlines()) == 1
        assert "p999" not in args or "there is no play p999" in done.err


def test_watching_a_source(daemon: Running):
    """`test` prints each event that the daemon hears, as it is understood."""
    with daemon.home.follow("test", "scripts") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "watching scripts" in process.stderr.readline()
        time.sleep(0.3)
        daemon.post(PLAY)
        line = process.stdout.readline()
    assert line.startswith("play")
    assert "Sintel (2010)" in line


def test_doctor_reaches_every_hook(daemon: Running):
    """Doctor finds the daemon, and its own probe gets through to the hook; it leaves no trace in the log."""
    port = daemon.url.rsplit(":", 1)[1].strip("/")
    done = daemon.home.run("doctor", env={"SCROBBLER_LISTEN": f"127.0.0.1:{port}"})
    assert done.code == 0, done.out
    assert "the daemon answers" in done.out
    assert "source scripts: the hook was reached" in done.out
    assert "hook refused" not in daemon.home.config.with_name("log").read_text()


def test_only_one_daemon(daemon: Running):
    """A second daemon on the same state directory is refused in one sentence."""
    done = daemon.home.run("run", "--sandbox")
    assert done.code == 1
    assert "is in use by process" in done.err
