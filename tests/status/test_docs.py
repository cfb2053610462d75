"""The documentation names what there is."""

import re
from pathlib import Path

import msgspec
import pytest

from scrobbler.cli import COMMANDS
from scrobbler.status.page import StatusPages
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.status.report import NowPlaying, StatusReport
from scrobbler.store.reading import Delivery, Owed
from tests.status.world import World, WorldHouse, full_house

DOCS = Path(__file__).parents[2] / "docs"


def test_every_command_is_documented():
    """docs/commands.md has a place for each command that the help lists."""
    text = (DOCS / "commands.md").read_text("utf-8")
    missing = [name for name in COMMANDS if f"`scrobbler {name}" not in text and f"`{name} " not in text]
    assert not missing


def test_every_field_of_the_report_is_documented():
    """docs/http.md names each field of `/api/status`."""
    text = (DOCS / "http.md").read_text("utf-8")
    for model in (StatusReport, AccountState, SourceHealth, NowPlaying, Delivery, Owed):
        for field in msgspec.structs.fields(model):
            assert f"`{field.name}`" in text, f"{model.__name__}.{field.name}"


@pytest.mark.anyio
async def test_every_metric_is_documented(world: World):
    """docs/http.md lists exactly the metrics that there are, with their labels."""
    await full_house(world)
    metrics = await StatusPages(WorldHouse(world)).metrics()
    there = set(re.findall(r"# TYPE (\S+)", metrics))
    text = (DOCS / "http.md").read_text("utf-8")
    assert set(re.findall(r"`(scrobbler_\w+)", text)) == there
