"""The container image: built from the Dockerfile without an engine, and run once as a household would.

The base image is made here from Debian's packages, under the name that the Dockerfile asks for, so that nothing but packages
comes from outside.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]
BASE = "debian:bookworm-slim"
IMAGE = "localhost/scrobblerd:test"
DAEMON_UID = 7465
SECRET = "a-secret-of-this-test"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
PLAY = {
    "kind": "play",
    "player": "tv",
    "item_key": "1",
    "item": {"type": "movie", "title": "Sintel", "year": 2010},
    "position_ms": 0,
    "duration_ms": 888_000,
}
# Simkl is a closed port here: the daemon has to live without it.
CONFIG = f"""
simkl: {{client_id: test, api_url: "http://127.0.0.1:1"}}
accounts: {{alice: {{}}}}
sources:
  scripts: {{type: events, account: alice, secret: {SECRET}}}
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """podman and buildah with a storage of their own, below a short path (podman allows 50 characters)."""

    folder: Path

    @property
    def storage(self) -> tuple[str, ...]:
        return ("--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--storage-driver", "vfs")

    def podman(self, *arguments: str, check: bool = True) -> str:
        return _run(
            "podman", *self.storage, "--runtime", "runc", "--cgroup-manager", "cgroupfs", *arguments, check=check
        ).strip()

    def build(self) -> None:
        build = ("bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--build-arg", f"BASE={BASE}")
        _run("buildah", *self.storage, *build, "--tag", IMAGE, str(ROOT), timeout_s=900)

    def inspect(self, name: str) -> Any:
        return json.loads(self.podman("inspect", name))[0]


@dataclass(frozen=True, slots=True)
class Container:
    """A running daemon, and where it is heard."""

    engine: Engine
    name: str
    port: int

    @property
    def pid(self) -> int:
        return int(self.engine.inspect(self.name)["State"]["Pid"])

    def ask(self, path: str, body: bytes | None = None) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 30
        while self.ask("/healthz") != 200:
            assert time.monotonic() < deadline, self.engine.podman("logs", self.name)
            time.sleep(0.1)

    def command(self, *arguments: str) -> str:
        return self.engine.podman("exec", self.name, "scrobbler", *arguments)

    def stop(self) -> tuple[float, int]:
        """Send SIGTERM; return how long it took, and the exit code."""
        began = time.monotonic()
        self.engine.podman("stop", "--time", "20", self.name)
        return time.monotonic() - began, int(self.engine.inspect(self.name)["State"]["ExitCode"])


def _run(*command: str, timeout_s: float = 300, check: bool = True) -> str:
    done = subprocess.run(
        command,
        env=os.environ | {"PATH": PATH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _make_base(engine: Engine) -> None:
    """Make the base image, with this machine's certificates and pip's index, as a network behind a proxy needs."""
    tree = engine.folder / "base"
    _run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(tree), timeout_s=900)
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    shutil.copyfile(certificates, tree / certificates.relative_to("/"))
    index = _run("python3", "-m", "pip", "config", "get", "global.index-url", check=False).strip()
    lines = ["[global]", f"cert = {certificates}", *([f"index-url = {index}"] if index else []), ""]
    (tree / "etc/pip.conf").write_text("\n".join(lines), encoding="utf-8")
    archive = engine.folder / "base.tar"
    _run("tar", "--directory", str(tree), "--create", "--file", str(archive), ".")
    engine.podman("import", str(archive), BASE)
    shutil.rmtree(tree)
    archive.unlink()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Build the image; leave no container and no file behind."""
    folder = Path(tempfile.mkdtemp(prefix="scrobblerd-", dir="/var/tmp"))
    engine = Engine(folder)
    try:
        _make_base(engine)
        engine.build()
        yield engine
    finally:
        engine.podman("rm", "--all", "--force", check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def container(engine: Engine, port: int, tmp_path: Path) -> Iterator[Container]:
    """Run the daemon on a new volume, with its configuration mounted."""
    yield from _running(engine, port, tmp_path, "scrobbler-test")


def _running(engine: Engine, port: int, folder: Path, name: str) -> Iterator[Container]:
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for path in (folder, config, config / "config.yaml"):
        path.chmod(0o755)
    arguments = (
        *("run", "--detach", "--network=host", *LIMITS, "--name", name, "--env", f"SCROBBLER_LISTEN=127.0.0.1:{port}"),
        *("--volume", f"{config}:/etc/scrobbler:ro", "--volume", "state:/var/lib/scrobbler", IMAGE),
    )
    engine.podman(*arguments)
    container = Container(engine, name, port)
    try:
        container.wait_ready()
        yield container
    finally:
        engine.podman("rm", "--force", name, check=False)


def _state(engine: Engine) -> Path:
    return Path(json.loads(engine.podman("volume", "inspect", "state"))[0]["Mountpoint"])


def test_the_image_says_how_it_is_run(engine: Engine) -> None:
    """The image runs `scrobbler run` as a user without rights, keeps state on one volume, and brings its health check."""
    config = engine.inspect(IMAGE)["Config"]
    assert config["User"] == "scrobbler"
    assert config["Entrypoint"] == ["scrobbler"]
    assert config["Cmd"] == ["run"]
    assert list(config["Volumes"]) == ["/var/lib/scrobbler"]
    assert "SCROBBLER_LISTEN=0.0.0.0:7465" in config["Env"]
    assert engine.inspect(IMAGE)["Healthcheck"]["Test"][0] == "CMD"


def test_the_image_carries_no_tools_to_build_with(engine: Engine) -> None:
    """Neither pip nor a compiler is in the image: they would only be there to be misused."""
    listed = engine.podman(
        *("run", "--rm", "--network=host", *LIMITS, "--entrypoint", "/bin/ls", IMAGE),
        *("/opt/scrobbler/bin", "/usr/bin"),
    ).split()
    assert "scrobbler" in listed
    assert {name for name in listed if name.startswith(("pip", "gcc", "cc"))} == set()


def test_a_household_lives_in_the_container(engine: Engine, container: Container, port: int, tmp_path: Path) -> None:
    """Healthy, without rights, hooks answered, state on the volume, gone within 5 s of SIGTERM; the next one knows the play."""
    status = Path(f"/proc/{container.pid}/status").read_text(encoding="utf-8")
    assert f"Uid:\t{DAEMON_UID}\t{DAEMON_UID}\t{DAEMON_UID}\t{DAEMON_UID}\n" in status
    engine.podman("healthcheck", "run", container.name)
    assert container.ask("/hooks/scripts/wrong-secret-altogether", json.dumps(PLAY).encode()) == 401
    assert container.ask(f"/hooks/scripts/{SECRET}", json.dumps(PLAY).encode()) == 204

    took_s, exit_code = container.stop()
    assert took_s < 5
    assert exit_code == 0
    state = _state(engine)
    assert {path.stat().st_uid for path in state.rglob("*")} == {DAEMON_UID}
    assert state.stat().st_mode & 0o077 == 0
    engine.podman("rm", container.name)

    for again in _running(engine, port, tmp_path, "scrobbler-again"):
        assert "Sintel" in again.command("history", "--json")
