"""Build what users get: the wheel, the sdist, and the wheel that the sdist makes.

usage: python tools/dist.py FOLDER

Writes FOLDER/*.tar.gz, FOLDER/*.whl and FOLDER/from-sdist/*.whl. Needs requirements-build.lock installed.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(folder: Path) -> None:
    """Build into `folder`, which is made; raises `CalledProcessError`, whose output says what was wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    _run(sys.executable, "-m", "hatchling", "build", "--directory", str(folder))
    (sdist,) = folder.glob("*.tar.gz")
    made = folder / "from-sdist"
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    _run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(made), str(sdist))


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]).resolve())
