"""The daemon as a process whose database another program holds, or that is damaged: nothing is lost, and it is said."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.events import one_source
from tests.e2e.watches import Watches, listening, unwell, well, whole
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient

pytestmark = pytest.mark.real

PAGE = 4096


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Let another program hold the database."""
    with closing(sqlite3.connect(state / "scrobbler.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_database_that_another_program_locks(tmp_path: Path, sandbox: SandboxClient) -> None:
    """503 while it is held, also at a start; well by itself when it is let go, and nothing lost."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        films = Watches(daemon.start(), sandbox)
        assert films.report() == 204
        with _locked(daemon.state):
            assert films.report() == 503
            unwell(daemon, "another program holds it locked")
        well(daemon)
        assert films.report() == 204
        daemon.terminate()
        with _locked(daemon.state):
            listening(daemon)
            assert films.report() == 503
            unwell(daemon, "another program holds it locked")
        well(daemon)
        assert films.report() == 204
        films.arrived()
    whole(daemon.state)


def test_a_database_that_is_damaged_meanwhile(tmp_path: Path, sandbox: SandboxClient) -> None:
    """Pages of the file are destroyed: it is set aside and salvaged, that is said, and what waited still arrives."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        sandbox.fault("drop_before", count=None)
        films = Watches(daemon.start(), sandbox)
        assert [films.report() for _ in range(12)] == [204] * 12
        daemon.terminate()
        store = daemon.state / "scrobbler.db"
        with closing(sqlite3.connect(store)) as other:
            (root,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'journal'").fetchone()
        with store.open("r+b") as file:
            file.seek((root - 1) * PAGE)
            file.write(b"\xff" * PAGE)
        sandbox.clear_faults()
        daemon.start()
        daemon.wait_log("database was damaged", seconds=30)
        assert list(daemon.state.glob("scrobbler.db.damaged-*"))
        assert "damaged" in " ".join(daemon.status().faults)
        assert films.report() == 204
        films.arrived()
    whole(daemon.state)
