"""A sandbox and a daemon for each test, or for the many tests of one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.mpv import make_clip, make_film
from tests.kit.simkl_sandbox import sandbox

__all__ = ["sandbox"]


class Clips:
    """Black films, each made once and hard-linked under the names that tests want."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def named(self, folder: Path, name: str | bytes, seconds: int = 20) -> bytes:
        """Return the path of a clip of this name; 136 min long for 0 seconds."""
        import os

        original = self._folder / f"{seconds}.mkv"
        if not original.exists():
            make_clip(original, seconds) if seconds else make_film(original)
        folder.mkdir(parents=True, exist_ok=True)
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        if not os.path.exists(path):
            os.link(original, path)
        return path


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """The clips of the session."""
    return Clips(tmp_path_factory.mktemp("clips"))
