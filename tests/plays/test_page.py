"""The page about the rules says what the program does."""

from pathlib import Path
from typing import get_args

import pytest

from scrobbler.api import Kind
from scrobbler.plays import apply_event, lifecycle, merging, table

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
BEGIN, END = "<!-- table: printed by scrobbler.plays.table -->\n", "\n<!-- end of table -->"


def test_the_page_prints_the_tables_of_the_code():
    """docs/rules.md is not out of date; put what `markdown()` prints between its markers."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table.markdown()


def test_the_table_of_sessions_answers_every_word_in_every_state():
    """No word is forgotten, and each name in the table is explained."""
    assert set(table.SESSION_TABLE) == set(table.EVENT_CLASSES) == set(get_args(table.EventClass))
    assert set(table.SESSION_STATES) == set(get_args(table.SessionState))
    assert all(set(row) == set(table.SESSION_STATES) for row in table.SESSION_TABLE.values())
    used = {action for row in table.SESSION_TABLE.values() for action in row.values()}
    assert used == set(table.SESSION_ACTIONS) == set(get_args(table.SessionAction))
    assert set(get_args(Kind)) - {"end"} <= set(table.EVENT_CLASSES), "an `end` is a stop"


def test_the_table_of_plays_answers_everything_in_every_state():
    """No event is forgotten, and each name in the table is explained."""
    assert set(table.PLAY_TABLE) == set(table.PLAY_EVENTS) == set(get_args(table.PlayEvent))
    assert set(table.PLAY_STATES) == set(get_args(table.PlayState))
    assert all(set(row) == set(table.PLAY_STATES) for row in table.PLAY_TABLE.values())
    used = {action for row in table.PLAY_TABLE.values() for action in row.values()}
    assert used == set(table.PLAY_ACTIONS) == set(get_args(table.PlayAction))


def test_every_action_is_carried_out_somewhere():
    """What stands in a cell is what runs: each action has its function."""
    of_sessions = {*apply_event.WITHOUT_SESSION, *apply_event.ON_SESSION}
    assert of_sessions == set(table.SESSION_ACTIONS) - {"never"}
    of_plays = {*lifecycle.ACTIONS, *merging.ACTIONS}
    assert of_plays == set(table.PLAY_ACTIONS) - {"nothing", "never"}


def test_a_row_takes_no_state_that_does_not_exist():
    """A slip of the pen in a row is found when the program starts."""
    with pytest.raises(AssertionError):
        table._session_row("nothing", playin="go on")
    with pytest.raises(AssertionError):
        table._play_row("nothing", opened="close")
