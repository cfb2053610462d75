"""Which suites can run here: reads suites.toml, installs what is missing where it may, and names the rest."""

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

SUITES = Path(__file__).with_name("suites.toml")


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests that drive programs from outside."""

    name: str
    target: str
    tests: tuple[str, ...]
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    wheel: bool = False
    root: bool = False
    mounts: bool = False

    def obstacle(self) -> str | None:
        """Say why these tests cannot run here, or None."""
        missing = [program for program in self.programs if shutil.which(program, path=_path()) is None]
        if missing:
            return f"{' and '.join(missing)} not installed (apt-get install {' '.join(self.packages)})"
        if self.root and os.geteuid() != 0:
            return "needs root"
        if self.mounts and not _may_mount():
            return "may mount no file systems"
        return None


def _may_mount() -> bool:
    """Try it where nobody else sees it: in a container root may often not."""
    words = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(words, capture_output=True, check=False, env={"PATH": _path()})
    return done.returncode == 0 and Path("/dev/loop-control").exists()


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def read(target: str) -> list[Suite]:
    """Read the suites of one make target."""
    entries = tomllib.loads(SUITES.read_text(encoding="utf-8"))["suite"]
    suites = [
        Suite(
            name=entry["name"],
            target=entry["target"],
            tests=tuple(entry["tests"]),
            programs=tuple(entry["programs"]),
            packages=tuple(entry["packages"]),
            wheel=entry.get("wheel", False),
            root=entry.get("root", False),
            mounts=entry.get("mounts", False),
        )
        for entry in entries
    ]
    return [suite for suite in suites if suite.target == target]


def install(suites: list[Suite], log: Path) -> list[str]:
    """Install the packages of the suites that lack a program; return their names, empty when nothing was done.

    Without root and without a sudo that asks nothing, nothing is installed. What apt-get says goes to `log`; its failure
    shows in the suites that still cannot run.
    """
    packages = sorted({package for suite in suites if suite.obstacle() for package in suite.packages})
    sudo = _sudo()
    if not packages or sudo is None or shutil.which("apt-get") is None:
        return []
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=120"]
    with log.open("wb") as said:
        for command in (["update"], ["install", "--no-install-recommends", *packages]):
            subprocess.run([*apt, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False)
    return packages


def _sudo() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    may = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return ["sudo", "-n"] if may.returncode == 0 else None
