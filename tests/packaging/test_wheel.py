"""The wheel and the sdist hold what they should, and nothing else."""

from email import message_from_string
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import Requirement

import scrobbler
from tests.packaging.conftest import Dist

SOURCES = ("scrobbler/", "plugins/scrobbler_plugins/")
KINDS = {".py", ".typed", ".html", ".css", ".js", ".svg", ".hbs", ".json", ".lua", ".sql"}


def _program(files: set[str]) -> set[str]:
    """Take the program's files out of the sdist's list, under the names they have in a wheel."""
    return {
        name.removeprefix("plugins/") for name in files if name.startswith(SOURCES) and PurePosixPath(name).suffix != ""
    }


def test_the_wheel_holds_both_packages_and_nothing_else(dist: Dist) -> None:
    """Every file of `scrobbler` and `scrobbler_plugins` is in the wheel; beside its metadata there is nothing more."""
    files = {name for name in dist.wheel_files() if ".dist-info/" not in name}
    assert files == _program(dist.sdist_files())
    assert {name.split("/")[0] for name in files} == {"scrobbler", "scrobbler_plugins"}


def test_the_wheel_holds_no_stray_files(dist: Dist) -> None:
    """No caches, tests, swap files or recordings get into the wheel: each file is of a kind that the program uses."""
    strange = {
        name for name in dist.wheel_files() if ".dist-info/" not in name and PurePosixPath(name).suffix not in KINDS
    }
    assert strange == set()
    assert not [name for name in dist.wheel_files() if name.startswith("tests/") or "__pycache__" in name]


def test_the_wheel_says_that_it_is_typed_and_brings_its_pages(dist: Dist) -> None:
    """`py.typed` and the templates of the status page are in the wheel."""
    files = dist.wheel_files()
    assert "scrobbler/py.typed" in files
    assert any(name.startswith("scrobbler/status/") and name.endswith(".html") for name in files)


def test_the_wheel_has_the_command_and_the_plugins(dist: Dist, pyproject: dict[str, Any]) -> None:
    """The command `scrobbler` and every player plugin are entry points of the wheel."""
    lines = dist.wheel_text("entry_points.txt").splitlines()
    assert "scrobbler = scrobbler.cli:main" in lines
    for name, target in pyproject["project"]["entry-points"]["scrobbler.plugins"].items():
        assert f"{name} = {target}" in lines
        assert f"{target.partition(':')[0].replace('.', '/')}/__init__.py" in dist.wheel_files()


def test_the_metadata_says_what_pyproject_says(dist: Dist, pyproject: dict[str, Any]) -> None:
    """Name, version, licence, Python and dependencies in the wheel are those of the project."""
    project = pyproject["project"]
    metadata = message_from_string(dist.wheel_text("METADATA"))
    assert metadata["Name"] == "scrobblerd"
    assert metadata["Version"] == scrobbler.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == project["requires-python"]
    asked = {Requirement(line) for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert asked == {Requirement(line) for line in project["dependencies"]}
    assert "MIT License" in dist.wheel_text("licenses/LICENSE")
    assert str(metadata.get_payload()).lstrip().startswith("# scrobblerd")


def test_the_sdist_makes_the_same_wheel(dist: Dist) -> None:
    """Whoever builds from the sdist gets the same wheel, byte by byte."""
    assert dist.wheel_of_the_sdist.name == dist.wheel.name
    assert dist.wheel_of_the_sdist.read_bytes() == dist.wheel.read_bytes()


def test_the_sdist_can_be_tested(dist: Dist) -> None:
    """The sdist brings what a packager needs: tests, docs, units, example configuration and licence."""
    files = dist.sdist_files()
    for name in (
        "tests/conftest.py",
        "tests/packaging/test_wheel.py",
        "docs/service.md",
        "systemd/scrobbler.service",
        "systemd/user/scrobbler.service",
        "config.example.yaml",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "Makefile",
        "tools/dist.py",
        "requirements.lock",
    ):
        assert name in files
