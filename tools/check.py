"""Everything that has to be green. Called by the Makefile, in the environment that it made.

usage: python tools/check.py check      the checks alone: ruff, mypy, import-linter, deptry
       python tools/check.py test       the checks, then the tests on this checkout and on the built wheel
       python tools/check.py test-all   the heavy suites

Each step says what it does and how long it took; a check that fails shows what it said, and the others go on. Exits 1 when
something failed, and in CI (CI=true) also when a suite could not run.
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

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff check", ("ruff", "check", "--quiet", ".")),
    ("ruff format", ("ruff", "format", "--check", "--quiet", ".")),
    ("mypy", ("mypy", "--no-error-summary")),
    ("import-linter", ("lint-imports",)),
    ("deptry", ("deptry", ".")),
)
PYTEST_LIMIT_S = 2400
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
    select = ["-m", "heavy" if target == "test-all" else "not heavy"]
    for suite in chosen:
        obstacle = suite.obstacle()
        if obstacle:
            report.left_out.append(f"{suite.name}: {obstacle}")
            select += [f"--deselect={test}" for test in suite.tests]

    with tempfile.TemporaryDirectory(prefix="scrobblerd-") as temporary:
        work = Path(temporary)
        if target == "test-all":
            if any(suite.obstacle() is None for suite in chosen):
                _pytest(report, "heavy suites", sys.executable, ROOT, ["tests/heavy", *select], {})
            return
        dist = work / "dist"
        with report.step("wheel and sdist"):
            _quiet(sys.executable, "tools/dist.py", dist)
        environment = {"SCROBBLER_DIST": str(dist)}
        _pytest(report, "tests on this checkout", sys.executable, ROOT, select, environment)
        python = work / "venv" / "bin" / "python"
        tree = work / "tree"
        with report.step("the wheel in an environment of its own"):
            _install_wheel(dist, work / "venv")
            shutil.copytree(ROOT, tree, ignore=_not_in_the_copy)
            _quiet(
                python, "-P", "-c", f"import scrobbler; assert scrobbler.__file__.startswith({str(work)!r})", cwd=tree
            )
        if python.exists():
            select += [f"--deselect={test}" for suite in chosen if not suite.wheel for test in suite.tests]
            _pytest(report, "tests on the built wheel", python, tree, select, environment)


def _install_wheel(dist: Path, venv: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    _quiet(sys.executable, "-m", "venv", venv)
    pip = (venv / "bin" / "pip", "--quiet", "--disable-pip-version-check", "install")
    _quiet(*pip, "--require-hashes", "-r", "requirements.lock", "-r", "requirements-test.lock")
    _quiet(*pip, "--no-deps", "--no-index", wheel)


def _not_in_the_copy(folder: str, names: list[str]) -> set[str]:
    top = Path(folder) == ROOT
    return {name for name in names if name == "__pycache__" or (top and any(fnmatch(name, out) for out in LEFT_OUT))}


def _pytest(
    report: Report, title: str, python: str | Path, tree: Path, arguments: list[str], more: dict[str, str]
) -> None:
    """Run pytest in `tree`, its output as it comes; the import path is that of `python` alone."""
    print(f"{title}:", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
    command = [str(python), "-P", "-m", "pytest", "--durations=5", "--durations-min=5", *arguments]
    try:
        subprocess.run(command, cwd=tree, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=PYTEST_LIMIT_S)
    except subprocess.CalledProcessError:
        report.failed.append(title)
    except subprocess.TimeoutExpired:
        report.failed.append(f"{title}: ended after {PYTEST_LIMIT_S // 60} minutes")


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
