"""The page about the rules says what the program does."""

from pathlib import Path
from typing import get_args

from scrobbler.api import Kind
from scrobbler.plays.table import ACTIONS, SITUATIONS, TABLE, Action, Situation, markdown

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
BEGIN, END = "<!-- table: printed by scrobbler.plays.table -->\n", "\n<!-- end of table -->"


def test_the_page_prints_the_table_of_the_code():
    """docs/rules.md is not out of date; put what `markdown()` prints between its markers."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == markdown()


def test_the_table_answers_every_event_in_every_situation():
    """No event is forgotten, and each word of the table is explained."""
    assert set(TABLE) == set(get_args(Kind))
    assert set(SITUATIONS) == set(get_args(Situation))
    assert all(set(row) == set(SITUATIONS) for row in TABLE.values())
    used = {action for row in TABLE.values() for action in row.values()}
    assert used == set(ACTIONS) == set(get_args(Action))
