"""What the daemon refuses: hooks that are wrong, and circumstances in which it cannot start. Each is one clear sentence."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.events import event, one_source
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.servers import plex_event
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """One daemon with a Plex and a source of events."""
    sources = {
        "attic": {"type": "plex", "secret": SECRET, "users": {"alice": "alice"}},
        "script": {"type": "events", "secret": SECRET, "account": "alice"},
    }
    config = {"accounts": {"alice": {}}, "sources": sources}
    with running_sandbox() as sandbox, DaemonProcess(tmp_path_factory.mktemp("refusals"), config, sandbox) as daemon:
        daemon.link("alice")
        yield daemon.start()


def test_a_hook_with_a_wrong_secret(daemon: DaemonProcess) -> None:
    """A wrong or missing secret is 401, in header or address; the right one is let in either way."""
    kind, body = plex_event("media.play")
    assert daemon.hook("attic", body, kind, secret="wrong-but-long-enough") == 401
    assert daemon.hook("attic", body, kind, secret="") == 401
    assert daemon.post("/hooks/attic/wrong-but-long-enough", body, kind)[0] == 401
    assert daemon.post(f"/hooks/attic/{SECRET}", body, kind)[0] == 204
    assert daemon.post("/hooks/attic", body, kind, {"Authorization": f"Bearer {SECRET}"})[0] == 204
    assert SECRET not in daemon.said
    assert "wrong-but-long-enough" not in daemon.said


def test_a_hook_of_no_source(daemon: DaemonProcess) -> None:
    """A name that is not configured is 404, whatever the secret."""
    assert daemon.hook("nowhere", event("play", 0)) == 404
    assert daemon.hook("nowhere", event("play", 0), secret="") == 404


def test_a_hook_that_cannot_be_read(daemon: DaemonProcess) -> None:
    """Content that cannot be read is 422 and says why; a content type that is never read is 415."""
    code, words = daemon.post(f"/hooks/script/{SECRET}", b"{", "application/json")
    assert (code, "JSON" in words) == (422, True)
    code, words = daemon.post(f"/hooks/script/{SECRET}", {"kind": "plya", "player": "tv", "item_key": "1"})
    assert (code, "kind" in words) == (422, True)
    code, words = daemon.post(f"/hooks/attic/{SECRET}", b"<xml/>", "application/xml")
    assert (code, "application/xml" in words) == (415, True)
    assert daemon.hook("attic", b"payload=nonsense", "application/x-www-form-urlencoded") == 422


def test_a_hook_that_is_too_large(daemon: DaemonProcess) -> None:
    """A payload of more than 256 KiB is 413."""
    assert daemon.hook("script", b'{"kind": "' + b"x" * 300_000 + b'"}') == 413


def test_a_hook_that_is_none_of_ours(daemon: DaemonProcess) -> None:
    """What is understood and not a play of ours is 204: a stranger, news of the library."""
    kind, body = plex_event("media.play", account={"id": 77, "title": "stranger"})
    assert daemon.hook("attic", body, kind) == 204
    kind, body = plex_event("library.new")
    assert daemon.hook("attic", body, kind) == 204


def refusal(tmp_path: Path, sandbox: SandboxClient, code: int = 1, **more: Any) -> str:
    """Start a daemon that must refuse, and return what it says: a sentence, no traceback."""
    with DaemonProcess(tmp_path, one_source(**more), sandbox) as daemon:
        daemon.launch()
        assert daemon.wait_exit() == code, daemon.said
    said = daemon.said.strip()
    assert "Traceback" not in said
    return said


def test_a_port_that_is_taken(tmp_path: Path, sandbox: SandboxClient) -> None:
    """Another program on the port: exit code 1, and the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(tmp_path, sandbox, http={"listen": f"127.0.0.1:{port}"})
    assert f"127.0.0.1:{port}" in said
    assert len(said.splitlines()) == 1


def test_a_state_directory_that_cannot_be(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A state directory that cannot be made: exit code 1, and it is named."""
    (tmp_path / "file").touch()
    said = refusal(tmp_path, sandbox, state_dir=str(tmp_path / "file" / "state"))
    assert str(tmp_path / "file" / "state") in said
    assert len(said.splitlines()) == 1


def test_a_database_of_a_newer_version(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A store of a newer version is left as it is: exit code 1."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        daemon.start()
    (store,) = daemon.state.glob("*.db")
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    said = refusal(tmp_path, sandbox)
    assert str(store) in said
    assert "newer" in said
    assert len(said.splitlines()) == 1


def test_a_damaged_database(tmp_path: Path, sandbox: SandboxClient) -> None:
    """A store that is damaged is set aside, never overwritten; the daemon starts, and says so."""
    with DaemonProcess(tmp_path, one_source(), sandbox) as daemon:
        daemon.link("alice")
        daemon.start()
        daemon.terminate()
        (store,) = daemon.state.glob("*.db")
        store.write_bytes(b"this is no database " * 500)
        daemon.start()
        assert any(b"this is no database" in path.read_bytes() for path in daemon.state.iterdir() if path.is_file())
        assert "damaged" in daemon.said
        assert daemon.hook("script", event("play", 0)) == 204
        sandbox.wait_for(lambda: sandbox.banner("alice"))


def test_a_configuration_with_many_errors(tmp_path: Path, sandbox: SandboxClient) -> None:
    """All errors at once, each with its place; exit code 2, and nothing is made on the disk."""
    sources = {
        "desk": {"type": "mvp", "account": "alice"},
        "attic": {"type": "plex", "users": {"Bob": "bob"}},
    }
    said = refusal(tmp_path, sandbox, code=2, watched_percent=120, sources=sources, acounts={})
    for path in ("watched_percent", "sources.desk.type", "sources.attic.users", "acounts"):
        assert path in said, said
    assert all(line.startswith(str(tmp_path)) for line in said.splitlines())
    assert "accounts" in said
    assert not (tmp_path / "state").exists()


def test_a_configuration_that_is_missing(tmp_path: Path, sandbox: SandboxClient) -> None:
    """No file: exit code 2, and it says where it looked."""
    daemon = DaemonProcess(tmp_path, one_source(), sandbox)
    daemon.file.unlink()
    with daemon:
        daemon.launch()
        assert daemon.wait_exit() == 2
    assert str(daemon.file) in daemon.said
    assert "Traceback" not in daemon.said
