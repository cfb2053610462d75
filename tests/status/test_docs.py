"""The documentation names what there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scrobbler.cli import COMMANDS
from scrobbler.status.page import StatusPages
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.status.report import NowPlaying, StatusReport
from scrobbler.store.reading import Delivery, Queued
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
    for model in (StatusReport, AccountState, SourceHealth, NowPlaying, Delivery, Queued):
        for field in msgspec.structs.fields(model):
            assert f"`{field.name}`" in text, f"{model.__name__}.{field.name}"


def _named_tests(text: str) -> Iterator[tuple[str, str]]:
    """List the tests that a page names: paths, and names that belong to the path before them in their paragraph or row."""
    for line in re.split(r"\n\n|\n(?=\|)", text):
        path = ""
        for named in re.findall(r"`(tests/[\w/.]+|test_\w+|Test\w+)`", line):
            if "/" in named:
                path = named
                yield path, ""
            else:
                yield path, named


@pytest.mark.parametrize("page", sorted([*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]), ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path):
    """Where a page says which test proves something, that test is there."""
    for path, name in _named_tests(page.read_text("utf-8")):
        place = DOCS.parent / path
        assert place.exists(), path
        assert not name or (
            place.is_file()
            and re.search(rf"^(async def|def|class) {name}\b|^{name} =", place.read_text("utf-8"), re.MULTILINE)
        ), name


def test_every_promise_names_its_tests():
    """docs/reliability.md has a row for each of the ten promises, and for each kind of proof."""
    rows = [line for line in (DOCS / "reliability.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    promises = [row for row in rows if "`tests/" in row.rpartition(" | ")[2]]
    numbers = [int(found[1]) for row in promises if (found := re.match(r"\| (\d+)\. ", row))]
    assert numbers == list(range(1, 11))
    assert len(promises) == len(numbers) + 6
    named = set(_named_tests("\n".join(promises)))
    assert len(named) > 60


@pytest.mark.anyio
async def test_every_metric_is_documented(world: World):
    """docs/http.md lists exactly the metrics that there are, with their labels."""
    await full_house(world)
    metrics = await StatusPages(WorldHouse(world)).metrics()
    there = set(re.findall(r"# TYPE (\S+)", metrics))
    text = (DOCS / "http.md").read_text("utf-8")
    assert set(re.findall(r"`(scrobbler_\w+)", text)) == there
