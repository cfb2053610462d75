"""The page of the source keeps up with the code."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import yaml

from scrobbler.api import User
from scrobbler_plugins.logfile.formats import FORMATS, format_of
from scrobbler_plugins.logfile.options import FormatName, Options
from scrobbler_plugins.logfile.parse import Settings
from scrobbler_plugins.logfile.patterns import GROUPS, MEANINGS

PAGE = (Path(__file__).parents[3] / "docs" / "players" / "logfile.md").read_text()


def examples() -> list[Options]:
    blocks = re.findall(r" *```yaml\n(.*?)\n *```", PAGE, re.DOTALL)
    found = []
    for block in blocks:
        (source,) = yaml.safe_load(block)["sources"].values()
        found.append(msgspec.convert(source, Options))
    return found


def test_the_examples_are_valid() -> None:
    """Both examples make options, and the pattern reads the line that it is made for."""
    first, second = examples()
    assert first.format == "plex"
    line = '2026-03-04 20:12:01 Opened "/media/a.mkv" 12:25/1500'
    settings = Settings(patterns=(str(second.pattern),), words=dict(second.words or {}))
    (said,) = format_of("own")(settings).feed(line, 0)
    assert (said.kind, said.item_key, said.position_ms) == ("play", "/media/a.mkv", 745_000)


def test_the_pattern_for_universal_media_server() -> None:
    """It reads the lines as they are written (players.md 8.2)."""
    others = PAGE.partition("* **Others**")[2].partition("## ")[0]
    found = re.search(r"pattern: '(.+)'\n +words: (\{.+\})", others)
    assert found is not None
    reader = format_of("own")(Settings(patterns=(found[1],), words=yaml.safe_load(found[2])))
    lines = (
        "INFO  2026-03-04 20:12:01.264 [StartPlaying Event] Started playing Example - S01E02.mkv (FFmpeg) on your Living Room TV",
        "INFO  2026-03-04 20:34:10.507 [StopPlaying Event] Stopped playing Example - S01E02.mkv on Living Room TV",
    )
    said = [one for line in lines for one in reader.feed(line, 0)]
    assert [one.kind for one in said] == ["play", "stop"]
    assert {(one.item_key, one.user) for one in said} == {("Example - S01E02.mkv", User(name="Living Room TV"))}


def test_every_option_format_group_and_word_is_on_the_page() -> None:
    """Nothing that can be configured is left out."""
    names = [field.name for field in msgspec.structs.fields(Options) if field.name not in ("type", "enabled")]
    wanted = [*names, *get_args(FormatName), *GROUPS, *MEANINGS]
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []
    assert set(get_args(FormatName)) == set(FORMATS) - {"own"}


def test_the_access_log_line_is_read() -> None:
    """A line as the page's log format writes it has its range and its time read."""
    line = (
        '192.0.2.10 - alice [04/Mar/2026:20:40:00 +0100] "GET /a.mkv HTTP/1.1" 206 1000000000 "-" "VLC/3.0" '
        '"bytes 0-999999999/1000000000" rt=2300.123'
    )
    reader = format_of("access")(Settings())
    reader.feed(line, 0)
    assert [said.item_key for said in reader.idle(2_000_000_000_000)] == ["/a.mkv"]
