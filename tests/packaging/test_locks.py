"""The lock files: complete, with hashes, and without a word about where packages come from."""

import re
from importlib.metadata import requires
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.conftest import ROOT

LOCKS = (
    "requirements.lock",
    "requirements-mpris.lock",
    "requirements-build.lock",
    "requirements-test.lock",
    "requirements-check.lock",
)
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


def _lines(lock: str) -> list[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [re.sub(r"\s+", " ", line).strip() for line in text.replace("\\\n", " ").splitlines()]


def _pins(lock: str) -> dict[str, Version]:
    found = {}
    for line in _lines(lock):
        pin = PIN.fullmatch(line)
        assert pin is not None, f"{lock}: {line[:80]}"
        found[pin["name"]] = Version(pin["version"])
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_with_hashes(lock: str) -> None:
    """A lock holds pins with their hashes, in alphabetical order: no options, no addresses, no remarks."""
    names = list(_pins(lock))
    assert names == sorted(names)
    assert names
    assert not re.search(r"://|index|find-links|#|/", (ROOT / lock).read_text(encoding="utf-8"))


def test_locks_agree() -> None:
    """A package that is in several locks is there with one version, so that they can be installed together."""
    versions: dict[str, set[Version]] = {}
    for lock in LOCKS:
        for name, version in _pins(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("lock", "group"),
    [("requirements-build.lock", "build"), ("requirements-test.lock", "test"), ("requirements-check.lock", "check")],
)
def test_the_tools_are_locked(lock: str, group: str, pyproject: dict[str, Any]) -> None:
    """Each tool of a dependency group is locked, in a version that pyproject.toml allows."""
    _assert_satisfied([Requirement(line) for line in pyproject["dependency-groups"][group]], _pins(lock))


def test_the_build_backend_is_locked(pyproject: dict[str, Any]) -> None:
    """What builds the package is locked too: nothing unpinned takes part."""
    _assert_satisfied(
        [Requirement(line) for line in pyproject["build-system"]["requires"]], _pins("requirements-build.lock")
    )


def test_all_that_the_daemon_needs_is_locked(pyproject: dict[str, Any]) -> None:
    """Every dependency, of dependencies too, is in requirements.lock in a version that the one who asks for it allows."""
    pins = _pins("requirements.lock")
    wanted = [Requirement(line) for line in pyproject["project"]["dependencies"]]
    seen: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        _assert_satisfied([requirement], pins)
        name = canonicalize_name(requirement.name)
        if name in seen:
            continue
        seen.add(name)
        extras = requirement.extras or {""}
        needs = [Requirement(line) for line in requires(name) or []]
        wanted += [
            need
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    assert len(seen) > 10


@pytest.mark.parametrize("extra", ["mpris"])
def test_an_extra_has_a_lock_of_its_own(extra: str, pyproject: dict[str, Any]) -> None:
    """What an extra adds is in its own lock, which needs nothing that is in neither; the group that it is made of agrees."""
    assert set(pyproject["project"]["optional-dependencies"]) == {"mpris"}
    lines = pyproject["project"]["optional-dependencies"][extra]
    assert lines == pyproject["dependency-groups"][extra]
    pins = _pins(f"requirements-{extra}.lock")
    _assert_satisfied([Requirement(line) for line in lines], pins)
    needs = [Requirement(line) for name in pins for line in requires(name) or []]
    _assert_satisfied([need for need in needs if need.marker is None], pins | _pins("requirements.lock"))
    assert not pins.keys() & _pins("requirements.lock").keys()


def test_the_lock_brings_nothing_for_show() -> None:
    """The running daemon does without rich, which structlog and httpx would load when it is there."""
    assert "rich" not in _pins("requirements.lock")


def _assert_satisfied(requirements: list[Requirement], pins: dict[str, Version]) -> None:
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name} is not locked"
        assert requirement.specifier.contains(pins[name], prereleases=True), f"{requirement}, locked: {pins[name]}"
