"""A step costs what it changes, however much the day has seen."""

import sys
from collections import Counter
from typing import Any

from scrobbler.plays.machine import step
from scrobbler.plays.state import State
from tests.plays.day import Day

FEW, MANY = 10, 4_000
WORDS = 20


def _operations(day: Day) -> int:
    """Count the calls that a pause, a resume and what the state makes of them take, C functions included."""
    counted: Counter[str] = Counter()

    def count(_frame: Any, event: str, _function: Any) -> None:
        counted[event] += 1

    for _ in range(WORDS):
        given, now = day.next_word()
        sys.setprofile(count)
        try:
            change, _ = step(day.state, given, now)
            day.state.apply(change)
        finally:
            sys.setprofile(None)
        assert change.sessions
    return counted["call"] + counted["c_call"]


def test_a_step_does_not_grow_with_the_day():
    """With thousands of plays of hundreds of accounts in memory a step does at most a fifth more than with ten."""
    few, many = Day(FEW, accounts=FEW), Day(MANY, accounts=400)
    assert _operations(many) <= 1.2 * _operations(few)


def test_a_change_names_only_what_changed():
    """What is stored and applied is what the word was about, not the day."""
    day = Day(200, accounts=20)
    given, now = day.next_word()
    change, _ = step(day.state, given, now)
    assert (len(change.sessions), len(change.plays), len(change.now_playing)) == (1, 0, 1)


def test_what_is_over_is_found_again():
    """Packed or not, indices or not: a state made of its contents is the same state."""
    day = Day(100, accounts=10)
    again = State(day.state.contents())
    assert again == day.state
    assert [one.id for one in again.open_plays()] == [one.id for one in day.state.open_plays()]
    assert len(again.open_plays()) == 10
    assert [one.id for one in again.plays_of_work("account0", 1)] == ["p1"]
    assert again.plays_of_work("account1", 1) == []
