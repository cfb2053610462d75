"""What the tests with a real mpv share: films to play, and waiting for a place in them."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.kit.mpv import MpvError, MpvProcess, make_clip, make_film

SINTEL = "Sintel (2010) {imdb-tt1727587}.mkv"
LONG_FILM = 0
"""The length, for `Clips.named`, that stands for a film of 136 minutes."""
FOUR_TIMES = "--speed=4"
"""As fast as honest watching goes (rules.md rule 4)."""


class Clips:
    """Black films, each made once and linked under the names that tests want."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = threading.Lock()

    def named(self, folder: Path, name: str = SINTEL, seconds: int = 20) -> Path:
        """Return the path of a clip of this name."""
        original = self._folder / f"{seconds}.mkv"
        with self._making:
            if not original.exists() and seconds == LONG_FILM:
                make_film(original)
            elif not original.exists():
                make_clip(original, seconds)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        if not path.exists():
            os.link(original, path)
        return path


def until(mpv: MpvProcess, seconds: float) -> None:
    """Wait until mpv is past a position, in seconds of the film; looks more often the nearer it comes."""
    deadline = time.monotonic() + 30
    while True:
        rest_s = seconds
        with suppress(MpvError):  # not before the file is open
            rest_s = (seconds - float(mpv.get("time-pos"))) / float(mpv.get("speed"))
            if rest_s <= 0:
                return
        assert time.monotonic() < deadline, f"mpv did not reach {seconds} s"
        time.sleep(min(0.2, max(0.02, rest_s / 2)))


def leave(mpv: MpvProcess) -> None:
    """Close mpv as a user does, and wait for its end as long as a busy machine needs."""
    with suppress(MpvError, OSError):  # it may be gone before it has answered
        mpv.command("quit")
    mpv.wait()
