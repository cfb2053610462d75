"""docs/plugins.md keeps up with what it tells strangers."""

import re
from pathlib import Path
from typing import get_args

import msgspec

from scrobbler.api import Kind, Traits, testkit
from scrobbler.config.loader import load_text
from scrobbler.sources.registry import kinds
from scrobbler.sources.source import RESTART_S, SourceState

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_kinds_traits_and_states_are_all_there() -> None:
    """Every kind of event, every trait and every state of a source is explained."""
    wanted = [*get_args(Kind), *(field.name for field in msgspec.structs.fields(Traits)), *get_args(SourceState)]
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []


def test_the_test_kit_is_as_described() -> None:
    """What the page names of the test kit exists, and all of the test kit that is public to plugins is named."""
    section = PAGE.partition("## The test kit")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)", section, re.MULTILINE)
    assert named == ["hook_request", "check_events", "Recorder", "running", "FakeClock"]
    assert [name for name in named if not hasattr(testkit, name)] == []


def test_the_pauses_are_the_true_ones() -> None:
    """The page tells after how many seconds a failing listener is started again."""
    first, second, third, rest = (f"{seconds:g}" for seconds in RESTART_S)
    assert f"after {first}, {second}, {third} and then every {rest} seconds" in PAGE


def test_the_example_is_configured_as_it_is_read() -> None:
    """The configuration of the example names a type that is not ours, and nothing that every source has is wrong in it."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    text = "simkl: {client_id: abc}\naccounts: {alice: {}}\n" + block.replace("type: lantern", "type: events")
    text = text.replace("    room: hall\n", "")
    env = {"LANTERN_SECRET": "s" * 20}
    assert list(load_text(text, file_name="page", env=env, source_models=kinds()).config.sources) == ["lamp"]
