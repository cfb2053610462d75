"""What is installed works: the command, the plugins, the public names."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import scrobbler
import scrobbler_plugins
from scrobbler.api import HookPlugin, ListenerPlugin
from scrobbler.cli import COMMANDS

PLUGINS = sorted(entry_points(group="scrobbler.plugins"), key=lambda entry: entry.name)
COMMAND = Path(sys.executable).with_name("scrobbler")


def _modules() -> list[str]:
    packages = ((scrobbler.__path__, "scrobbler."), (scrobbler_plugins.__path__, "scrobbler_plugins."))
    return [module.name for path, prefix in packages for module in pkgutil.walk_packages(path, prefix)]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30)


def test_the_command_tells_the_version_of_the_package() -> None:
    """`scrobbler --version` prints the version that pip knows."""
    done = _run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == f"scrobblerd {version('scrobblerd')}"


def test_the_help_names_every_command() -> None:
    """`scrobbler --help` lists all commands and ends well."""
    done = _run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """`scrobbler COMMAND --help` ends well and prints how the command is called."""
    done = _run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: scrobbler {name}")


def test_the_plugins_of_this_package_are_found() -> None:
    """The players that ship with the daemon are found like a stranger's, by their entry points."""
    ours = {entry.name for entry in PLUGINS if entry.dist is not None and entry.dist.name == "scrobblerd"}
    assert {"events", "jellyfin", "mpv", "plex"} <= ours


@pytest.mark.parametrize("name", [entry.name for entry in PLUGINS])
def test_every_plugin_loads(name: str) -> None:
    """Each entry point gives a plugin."""
    (entry,) = (entry for entry in PLUGINS if entry.name == name)
    loaded = entry.load()
    assert isinstance(loaded, type)
    assert issubclass(loaded, HookPlugin | ListenerPlugin)


@pytest.mark.parametrize("name", _modules())
def test_every_module_imports_and_keeps_its_word(name: str) -> None:
    """Each module can be imported, and has every name that its `__all__` promises."""
    module = import_module(name)
    promised = getattr(module, "__all__", ())
    assert [one for one in promised if not hasattr(module, one)] == []


def test_a_plugin_that_nobody_uses_is_not_loaded(tmp_path: Path) -> None:
    """To read a configuration loads the plugins that it names, and no other: memory is a feature."""
    file = tmp_path / "config.yaml"
    file.write_text(
        "simkl: {client_id: abc}\naccounts: {alice: {}}\nsources: {desk: {type: mpv, account: alice, sockets: ['/run/*']}}\n"
    )
    file.chmod(0o600)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from scrobbler.config.loader import load_file\n"
        "from scrobbler.sources.registry import kinds\n"
        "loaded = load_file(Path(sys.argv[1]), {}, kinds())\n"
        "assert list(loaded.config.sources) == ['desk']\n"
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('scrobbler_plugins.')}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file], capture_output=True, text=True, check=False, timeout=30, cwd=tmp_path
    )
    assert (done.stdout.split(), done.stderr) == (["mpv"], "")
