"""What docs/players/mpv.md tells people to write works with the real mpv."""

import os
import re
from pathlib import Path

import pytest
import yaml

from scrobbler.api.testkit import Recorder, running
from scrobbler_plugins.mpv.options import DEFAULT_SOCKETS, Options
from tests.kit.mpv import MpvProcess
from tests.plugins.mpv.conftest import make_plugin

pytestmark = [pytest.mark.anyio, pytest.mark.real]

PAGE = (Path(__file__).parents[3] / "docs" / "players" / "mpv.md").read_text()
CONFIGURED = ("mpv", "--no-terminal", "--vo=null", "--ao=null")


def block(language: str) -> str:
    """Return the first example in a language."""
    match = re.search(rf"( *)```{language}\n(.*?)\n *```", PAGE, re.DOTALL)
    assert match is not None
    return "\n".join(line.removeprefix(match.group(1)) for line in match.group(2).splitlines()) + "\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, with the folder of the page."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".local/state/mpv").mkdir(parents=True)
    (tmp_path / ".config/mpv/scripts").mkdir(parents=True)
    return tmp_path.resolve()


def configure(home: Path, name: str, text: str) -> None:
    """Write a file into mpv's configuration."""
    (home / ".config/mpv" / name).write_text(text)


async def test_the_line_for_mpv_conf(recorder: Recorder, home: Path, clips: Path) -> None:
    """The line for mpv.conf makes a socket that the default pattern finds."""
    configure(home, "mpv.conf", block("ini"))
    async with running(make_plugin(recorder, *DEFAULT_SOCKETS)):
        with MpvProcess(clips / "clip.mkv", ipc=None, headless=CONFIGURED):
            play = await recorder.until("play")
    assert play.player.startswith(f"{home}/.local/state/mpv/mpv.sock#")


async def test_the_script_for_several_windows(recorder: Recorder, home: Path, clips: Path) -> None:
    """The script gives each mpv its own socket, and takes it away when mpv is closed."""
    folder = home / ".local/state/mpv"
    configure(home, "scripts/own-socket.lua", block("lua"))
    async with running(make_plugin(recorder, *DEFAULT_SOCKETS)):
        with (
            MpvProcess(clips / "short.mkv", ipc=None, headless=CONFIGURED, arguments=["--start=2"]) as short,
            MpvProcess(clips / "film.mkv", ipc=None, headless=CONFIGURED) as film,
        ):
            await recorder.until("play", 2)
            await recorder.until("end")
            short.wait()
            assert sorted(os.listdir(folder)) == [f"{film.pid}.sock"]  # noqa: PTH208 (ruff takes Path for blocking)


def test_the_example_of_the_configuration() -> None:
    """The example source is valid, and its pattern is the default."""
    (source,) = yaml.safe_load(block("yaml"))["sources"].values()
    assert source.pop("type") == "mpv"
    assert tuple(Options(type="mpv", **source).sockets) == DEFAULT_SOCKETS == tuple(Options(type="mpv").sockets)


def test_every_option_is_on_the_page() -> None:
    """The table of options has the plugin's own."""
    assert "| `sockets` |" in PAGE
