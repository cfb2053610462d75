"""What users get, built once."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Dist:
    """The wheel, the sdist, and the wheel that the sdist makes."""

    folder: Path

    @property
    def wheel(self) -> Path:
        (found,) = self.folder.glob("*.whl")
        return found

    @property
    def sdist(self) -> Path:
        (found,) = self.folder.glob("*.tar.gz")
        return found

    @property
    def wheel_of_the_sdist(self) -> Path:
        (found,) = self.folder.glob("from-sdist/*.whl")
        return found

    def wheel_files(self) -> set[str]:
        """List what the wheel holds."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def wheel_text(self, name: str) -> str:
        """Read a file of the wheel; `name` is relative to its `.dist-info`."""
        with zipfile.ZipFile(self.wheel) as archive:
            (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
            return archive.read(path).decode()

    def sdist_files(self) -> set[str]:
        """List what the sdist holds, without the folder that is around all of it."""
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    """Take the artefacts that `make test` built, or build them."""
    built = os.environ.get("SCROBBLER_DIST")
    if built:
        return Dist(Path(built))
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "tools" / "dist.py"), str(folder)], check=True, capture_output=True)
    return Dist(folder)


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
