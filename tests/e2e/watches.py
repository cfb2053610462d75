"""Films that a script reports as watched: what was answered with 204 is promised, and nothing else may arrive."""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

from tests.e2e.events import event
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

LONG_S = 30.0


class Watches:
    """Reports one film after another, each by one request."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient) -> None:
        self.daemon = daemon
        self.sandbox = sandbox
        self.promised: list[str] = []
        self._numbers = count(1)
        sandbox.switch(invent_titles=True)

    def report(self) -> int:
        """Report the next film; return the answer."""
        title = f"Film {next(self._numbers)}"
        item = {"type": "movie", "title": title, "year": 2001}
        # With its beginning: a flood of verdicts about what nobody saw begin waits for people (rule 15).
        story = [event("play", 0, item), event("watched", item=item), event("stop", 100, item)]
        code = self.daemon.hook("script", story)
        if code == 204:
            self.promised.append(title)
        return code

    def arrived(self) -> None:
        """Wait until every film that was promised, and no other, is at Simkl, each once."""
        self.daemon.wait_for(lambda: not self.daemon.status().queue, "nothing is owed any more", 4 * LONG_S)
        assert sorted(row.title for row in self.sandbox.history("alice")) == sorted(self.promised)


def unwell(daemon: DaemonProcess, words: str) -> None:
    """Check that the daemon says what is wrong wherever one looks, and goes on living."""
    code, text = daemon.get("/healthz")
    assert code == 503, text
    assert words in text
    assert words in " ".join(daemon.status().faults)
    assert daemon.running


def well(daemon: DaemonProcess) -> None:
    """Wait until the daemon says by itself that it is well."""
    daemon.wait_for(lambda: daemon.get("/healthz")[0] == 200, "it is well again", LONG_S)


def listening(daemon: DaemonProcess) -> None:
    """Start the daemon, and wait until it answers, well or not."""
    daemon.launch()
    daemon.url = str(daemon.wait_log("ready", seconds=LONG_S)["status"]).rstrip("/")


def whole(folder: Path) -> None:
    """Check that nothing half-written is in the store."""
    with closing(sqlite3.connect(folder / "scrobbler.db")) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
