"""Clips, a place for sockets, and a plugin that watches it."""

from pathlib import Path

import pytest

from scrobbler.api.testkit import Recorder
from scrobbler.clock import SystemClock
from scrobbler_plugins.mpv.options import Options
from scrobbler_plugins.mpv.plugin import Plugin
from tests.kit.mpv import make_clip, make_film, make_image, make_music


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `film.mkv` (136 min), `short.mkv` (3 s), `clip.mkv` (20 s), `music.flac` and `photo.png`."""
    folder = tmp_path_factory.mktemp("clips")
    make_film(folder / "film.mkv")
    make_clip(folder / "short.mkv", 3)
    make_clip(folder / "clip.mkv", 20)
    make_clip(folder / "tagged.mkv", 20, title="The Third Man")
    make_music(folder / "music.flac", 20)
    make_image(folder / "photo.png")
    return folder


@pytest.fixture
def recorder() -> Recorder:
    """Record on the machine's clock: mpv has no other."""
    return Recorder("desk", clock=SystemClock())


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    """Return the folder in which the plugin looks for `*.sock`."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def plugin(recorder: Recorder, sockets: Path) -> Plugin:
    """Return the plugin that watches `sockets`."""
    return make_plugin(recorder, f"{sockets}/*.sock")


def make_plugin(recorder: Recorder, *patterns: str) -> Plugin:
    """Make a plugin that watches these patterns."""
    return Plugin(Options(type="mpv", account="alice", sockets=list(patterns)), recorder.context)
