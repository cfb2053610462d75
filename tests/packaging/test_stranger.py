"""Plugins of other packages: built, installed beside our wheel, found, and kept from doing harm (docs/plugins.md)."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.packaging.conftest import ROOT, Dist

pytestmark = pytest.mark.real

STRANGER = ROOT / "tests" / "stranger"
BASE = """
from typing import ClassVar
from scrobbler.api import CheckResult, ListenerPlugin, SourceOptions, Traits

class Plugin(ListenerPlugin):
    Options: ClassVar[type[SourceOptions]] = SourceOptions
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=50)
"""
BROKEN = {
    "absent": "import a_package_that_is_not_there",
    "quitter": "import sys; sys.exit('not today')",
    "shapeless": "class Plugin: pass",
    "untold": "from scrobbler.api import ListenerPlugin\nclass Plugin(ListenerPlugin): pass",
    "picky": BASE + "    def __init__(self, options, context):\n        raise ValueError('never content')\n",
    "lame": BASE + "    @classmethod\n    def obstacle(cls):\n        return 'its drum is missing'\n",
    "sick": BASE + "    @classmethod\n    def obstacle(cls):\n        raise RuntimeError('fever')\n",
    "falling": BASE + "    async def run(self):\n        raise RuntimeError('down the stairs')\n"
    "    async def check(self):\n        raise RuntimeError('still down')\n",
    "plex": BASE,  # ours as well
    "torch": BASE,
}
"""What strangers offer, by the name of the plugin; each comes in a distribution `stranger-NAME`."""

STATES = {
    "lamp": ("enabled", ""),
    "off": ("disabled", "enabled: false"),
    "absent": ("import failed", "No module named 'a_package_that_is_not_there'"),
    "quitter": ("import failed", "SystemExit: not today"),
    "shapeless": ("import failed", "neither a HookPlugin nor a ListenerPlugin"),
    "untold": ("import failed", "has no `traits`"),
    "plex": ("import failed", "claimed by scrobblerd and stranger-plex"),
    "torch": ("import failed", "claimed by stranger-torch and torch-of-another"),
    "picky": ("bad options", "ValueError: never content"),
    "lame": ("self-check failed", "its drum is missing"),
    "sick": ("self-check failed", "RuntimeError: fever"),
    "falling": ("failing", "RuntimeError: down the stairs"),
}
"""Every state in which a source can be, with what is said of it."""


class Place:
    """An environment of its own, into which wheels are installed; what they depend on is borrowed from this one."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.bin = folder / "bin"
        self.site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        (self.site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, wheel: Path) -> None:
        """Install a wheel, without asking any index."""
        options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--no-compile")
        command = [self.bin / "python", "-m", "pip", "install", "--ignore-installed", *options, wheel]
        subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=120)

    def offer(self, distribution: str, name: str, code: str) -> None:
        """Lay a distribution of one module there, as if it had been installed."""
        module = distribution.replace("-", "_")
        (self.site / f"{module}.py").write_text(code)
        info = self.site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[scrobbler.plugins]\n{name} = {module}:Plugin\n")


@pytest.fixture(scope="module")
def place(dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return an environment with our wheel, the stranger's wheel, and what is broken."""
    folder = tmp_path_factory.mktemp("stranger")
    source, made = folder / "source", folder / "made"
    shutil.copytree(STRANGER, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(made), str(source)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = made.glob("*.whl")
    place = Place(folder / "venv")
    place.install(dist.wheel)
    place.install(wheel)
    for name, code in BROKEN.items():
        place.offer(f"stranger-{name}", name, code)
    place.offer("torch-of-another", "torch", BASE)
    return place


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    """Run a sandbox for the tests here."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def daemon(place: Place, sandbox: SandboxClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """Run the installed daemon with a Lantern and all that is broken."""
    sources: dict[str, dict[str, object]] = {
        "lamp": {"type": "lantern", "account": "alice", "room": "hall", "secret": SECRET},
        "off": {"type": "lantern", "account": "alice", "room": "attic", "secret": SECRET, "enabled": False},
        **{name: {"type": name, "account": "alice", "something": "of its own"} for name in STATES if name in BROKEN},
    }
    for name in ("picky", "lame", "sick", "falling"):  # these can be read; the others' options nobody knows
        sources[name].pop("something")
    daemon = DaemonProcess(
        tmp_path_factory.mktemp("daemon"),
        {"accounts": {"alice": {}}, "sources": sources},
        sandbox,
        alarms=("service failed", "errand failed", "plugin failed"),
        program=place.bin / "scrobbler",
    )
    daemon.link("alice")
    with daemon:
        daemon.start()
        daemon.wait_log("source fails")
        yield daemon


def test_its_own_tests_pass_where_it_is_installed(place: Place, tmp_path: Path) -> None:
    """The stranger's tests need our test kit and nothing of this repository."""
    shutil.copytree(STRANGER / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    command = [str(place.bin / "python"), "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_commands_know_its_type(daemon: DaemonProcess) -> None:
    """`config` shows its options with secrets masked, `schema` describes them, `doctor` runs its check."""
    shown = daemon.run("config")
    assert shown.returncode == 0, shown.stderr
    assert "room: hall" in shown.stdout
    assert SECRET not in shown.stdout
    schema = json.loads(daemon.run("schema").stdout)
    assert "room" in schema["$defs"]["source-lantern"]["required"]
    assert "The room that this Lantern stands in" in json.dumps(schema)
    doctor = daemon.run("doctor").stdout
    assert "source lamp: the Lantern must post to us" in doctor
    assert "/hooks/lamp/<secret> into its lid" in doctor


def test_a_play_through_it_reaches_simkl(daemon: DaemonProcess, sandbox: SandboxClient) -> None:
    """A film that the Lantern shows is started and stopped at Simkl, while everything around it is broken."""

    def post(sign: str, at: float) -> None:
        said = {"room": "hall", "sign": sign, "film": "Sintel", "year": 2010, "at": at, "of": 888}
        assert daemon.hook("lamp", said) == 204

    def writes() -> list[str]:
        return [call.path for call in sandbox.calls("alice") if call.path.startswith("/scrobble")]

    post("lit", 0)
    daemon.wait_for(lambda: writes() == ["/scrobble/start"], "the start", 20)
    post("out", 300)
    daemon.wait_for(lambda: writes() == ["/scrobble/start", "/scrobble/stop"], "the stop", 20)
    assert [saved.title for saved in sandbox.playbacks("alice")] == ["Sintel"]
    assert daemon.hook("lamp", "a moth") == 422


def test_every_source_ends_in_a_visible_state(daemon: DaemonProcess) -> None:
    """Whatever is wrong with a plugin, `status` names its state and the reason, and the daemon is healthy."""
    seen = {one.name: (one.state, one.problem) for one in daemon.status().sources}
    assert {name: state for name, (state, _) in seen.items()} == {name: state for name, (state, _) in STATES.items()}
    for name, (_, words) in STATES.items():
        assert words in seen[name][1], name
    assert daemon.get("/healthz")[0] == 200
    text = daemon.run("status").stdout
    assert all(words in text for _, words in STATES.values())


def test_doctor_names_every_state(daemon: DaemonProcess) -> None:
    """`doctor` says the same, in its own words, and its exit code is that of a failure."""
    done = daemon.run("doctor")
    assert done.returncode == 1
    for name, (state, words) in STATES.items():
        if state not in ("enabled", "failing"):
            assert words in next(line for line in done.stdout.splitlines() if f"source {name}:" in line)
    assert "source picky: bad options" in done.stdout
    assert "source lame: self-check failed" in done.stdout
    assert "source falling: its check failed (RuntimeError: still down)" in done.stdout


def test_check_warns_and_lets_the_rest_be(daemon: DaemonProcess) -> None:
    """A plugin that cannot be used is a warning with its place: the configuration is good, and the rest runs."""
    done = daemon.run("check")
    assert done.returncode == 0, done.stderr
    for name in ("absent", "quitter", "shapeless", "untold", "plex", "torch"):
        assert f"sources.{name}.type: the plugin {name} cannot be used" in done.stderr
    assert "claimed by scrobblerd and stranger-plex" in done.stderr


def test_a_wrong_option_of_its_is_an_error_with_its_place(place: Place, tmp_path: Path) -> None:
    """What the stranger's options do not allow is reported as our own are."""
    config = {"accounts": {"alice": {}}, "sources": {"lamp": {"type": "lantern", "account": "alice", "rooom": "hall"}}}
    done = DaemonProcess(tmp_path, config, None, program=place.bin / "scrobbler").run("check")
    assert done.returncode == 2
    assert "sources.lamp.rooom: unknown key, did you mean" in done.stderr + done.stdout
