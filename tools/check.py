"""Everything that has to be green. Called by the Makefile, in the environment that it made.

usage: python tools/check.py check      the checks alone: ruff, mypy, import-linter, deptry
       python tools/check.py test       the checks, then the tests on this checkout and on the built wheel
       python tools/check.py test-all   the heavy suites

Each step says what it does and how long it took; a check that fails shows what it said, and the others go on. Tests that
drive real players wait most of the time, since films play at the speed of the clock: they run beside the others, and what
they said is shown when they have ended. Exits 1 when something failed, and in CI (CI=true) also when a suite could not run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import suites
from pytests import Tests

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff check", ("ruff", "check", "--quiet", ".")),
    ("ruff format", ("ruff", "format", "--check", "--quiet", ".")),
    ("mypy", ("mypy", "--no-error-summary")),
    ("import-linter", ("lint-imports",)),
    ("deptry", ("deptry", ".")),
)
LEFT_OUT = ("scrobbler", "plugins", "build", "dist", "run", ".git", ".venv*", ".*_cache")
"""What the copy of the tree, in which the tests run against the wheel, lacks of its top level."""


class Report:
    """What failed, and which suites could not run."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.left_out: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Say what is being done and how long it took; a `CalledProcessError` inside becomes a failure."""
        began = time.monotonic()
        print(f"{title} …", end=" ", flush=True)
        try:
            yield
        except subprocess.CalledProcessError as error:
            self.failed.append(title)
            print(f"FAILED ({time.monotonic() - began:.0f} s)")
            print((error.stdout or b"").decode(errors="replace").rstrip(), flush=True)
        else:
            print(f"ok ({time.monotonic() - began:.0f} s)", flush=True)

    def ended(self, failure: str | None) -> None:
        """Note what failed, if anything did."""
        if failure is not None:
            self.failed.append(failure)

    def close(self) -> int:
        """Print the end of the report and return the exit code."""
        for reason in self.left_out:
            print(f"suite not run: {reason}")
        for title in self.failed:
            print(f"failed: {title}")
        if self.failed or (self.left_out and os.environ.get("CI") == "true"):
            return 1
        print("all good" if not self.left_out else "all good, as far as it ran")
        return 0


def main(target: str) -> int:
    """Run one target."""
    report = Report()
    os.chdir(ROOT)
    if target in ("check", "test"):
        _checks(report)
    if target in ("test", "test-all"):
        _tests(report, target)
    return report.close()


def _checks(report: Report) -> None:
    for title, (program, *arguments) in CHECKS:
        with report.step(title):
            _quiet(BIN / program, *arguments)


def _tests(report: Report, target: str) -> None:
    chosen = suites.read(target)
    log = ROOT / "build" / "apt.log"
    log.parent.mkdir(exist_ok=True)
    installed = suites.install(chosen, log)
    if installed:
        print(f"installed with apt-get: {' '.join(installed)}")
    left_out: list[str] = []
    for suite in chosen:
        obstacle = suite.obstacle()
        if obstacle:
            report.left_out.append(f"{suite.name}: {obstacle}")
            left_out += [f"--deselect={test}" for test in suite.tests]

    with tempfile.TemporaryDirectory(prefix="scrobblerd-") as temporary:
        work = Path(temporary)
        if target == "test-all":
            if any(suite.obstacle() is None for suite in chosen):
                heavy = Tests("heavy suites", sys.executable, ROOT, ("tests/heavy", "-m", "heavy", *left_out))
                with heavy.running() as run:
                    report.ended(run.wait())
            return
        dist = work / "dist"
        with report.step("wheel and sdist"):
            _quiet(sys.executable, "tools/dist.py", dist)
        python = work / "venv" / "bin" / "python"
        tree = work / "tree"
        with report.step("the wheel in an environment of its own"):
            _install_wheel(dist, work / "venv")
            shutil.copytree(ROOT, tree, ignore=_not_in_the_copy)
            _quiet(
                python, "-P", "-c", f"import scrobbler; assert scrobbler.__file__.startswith({str(work)!r})", cwd=tree
            )
        more = {"SCROBBLER_DIST": str(dist)}
        players = Tests(
            "tests with real players and daemons", sys.executable, ROOT, ("-m", "real and not heavy", *left_out), more
        )
        others = Tests(
            "the other tests on this checkout", sys.executable, ROOT, ("-m", "not real and not heavy", *left_out), more
        )
        without = [f"--deselect={test}" for suite in chosen if not suite.wheel for test in suite.tests]
        wheel = Tests("tests on the built wheel", python, tree, ("-m", "not heavy", *left_out, *without), more)
        with players.running(work / "players.log") as beside:
            for tests in (others, wheel) if python.exists() else (others,):
                with tests.running() as run:
                    report.ended(run.wait())
            report.ended(beside.wait())


def _install_wheel(dist: Path, venv: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    _quiet(sys.executable, "-m", "venv", venv)
    pip = (venv / "bin" / "pip", "--quiet", "--disable-pip-version-check", "install")
    _quiet(*pip, "--require-hashes", "-r", "requirements.lock", "-r", "requirements-test.lock")
    _quiet(*pip, "--no-deps", "--no-index", wheel)


def _not_in_the_copy(folder: str, names: list[str]) -> set[str]:
    top = Path(folder) == ROOT
    return {name for name in names if name == "__pycache__" or (top and any(fnmatch(name, out) for out in LEFT_OUT))}


def _quiet(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("check", "test", "test-all"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
