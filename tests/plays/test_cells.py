"""Every cell of both tables is driven: what is said there is what happens."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import Kind
from scrobbler.plays import apply_event, lifecycle, merging
from scrobbler.plays.classify import Word
from scrobbler.plays.model import Identified, Play, PlayChange, Session, SessionChange
from scrobbler.plays.queries import UNSEEN, play_state
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import (
    PLAY_TABLE,
    SESSION_TABLE,
    EventClass,
    PlayAction,
    PlayEvent,
    PlayState,
    SessionAction,
    SessionState,
)
from tests.plays.kit import ALICE, FILM, MINUTE, OTHER_FILM, House

SESSION_CELLS = [(event, state) for event, row in SESSION_TABLE.items() for state in row if row[state] != "never"]
PLAY_CELLS = [(event, state) for event, row in PLAY_TABLE.items() for state in row]

HALF: frozenset[EventClass] = frozenset({"watched late", "marked"})
"""Words that are told apart by whether what is over counts as watched."""


SILENCE_MS: dict[EventClass, int] = {"watched late": 3 * MINUTE, "stale stop": 31 * MINUTE, "ghost stop": 2 * MINUTE}
"""How long nothing is heard before some words."""


def _come_to(house: House, event: EventClass, state: SessionState) -> None:
    """Bring the film on the tv into a state."""
    far = 95 if state in ("recorded", "finished") and event not in HALF else 10
    # What the server counts is watched once it is over, unless nobody knows what it is.
    house.auto_identify = (event, state) != ("watched again", "lost")
    if state != "unknown":
        house.hear("play", 0, ignored="a trailer" if state == "ignored" else "")
    if state not in ("unknown", "ignored"):
        house.watch(0, far)
        _end_in(house, event, state, far)
    if event in ("watched again", "marked again"):
        house.hear("watched")
    house.sleep_through(SILENCE_MS.get(event, 0))


def _end_in(house: House, event: EventClass, state: SessionState, far: int) -> None:
    match state:
        case "paused":
            house.hear("pause", far)
        case "quiet":
            house.wait(house.traits.quiet_ms)
        case "lost" | "recorded" if event == "overtaken":
            house.hear("play", 0, OTHER_FILM)
        case "lost" | "recorded":
            house.hear("gone")
        case "finished":
            house.hear("stop", far)


SAID: dict[EventClass, tuple[Kind, float | None, dict[str, Any]]] = {
    "repeat": ("play", 96, {}),
    "echo": ("play", 96, {}),
    "overtaken": ("progress", 9, {}),
    "guess": ("progress", 12, {"observed": False}),
    "guessed pause": ("pause", 12, {"observed": False}),
    "guessed seek": ("seek", 12, {"observed": False}),
    "stop": ("stop", 12, {}),
    "stale stop": ("stop", 12, {}),
    "guessed stop": ("stop", 12, {"observed": False}),
    "ghost stop": ("stop", 98, {}),
    "watched": ("watched", None, {}),
    "watched again": ("watched", None, {}),
    "watched late": ("watched", None, {}),
    "marked": ("marked", None, {}),
    "marked again": ("marked", None, {}),
    "gone": ("gone", None, {}),
    "unwanted": ("progress", 12, {"ignored": "a trailer"}),
}
"""What a player says, at how many percent, that is a word of this class."""


def _say(house: House, event: EventClass, state: SessionState) -> None:
    """Say the word that is of this class in this state."""
    if event == "watched before":
        house.hear("watched", at=house.ago(60 * MINUTE))
    elif event in SAID:
        kind, percent, more = SAID[event]
        house.hear(kind, percent, **more)
    else:
        assert event in ("play", "progress", "pause", "seek")
        house.hear(event, 5 if state in ("recorded", "finished") else 12)


Happened = list[str]

HAPPENS: dict[SessionAction, Happened] = {
    "begin": ["opened"],
    "begin paused": ["opened"],
    "begin and finish": ["opened", "over"],
    "recall": ["opened", "over"],
    "mark": ["opened", "over"],
    "note mark": ["told"],
    "go on": ["moved"],
    "resume": ["moved"],
    "hold": ["moved"],
    "stay paused": ["moved"],
    "jump": ["moved"],
    "jump on": ["moved"],
    "update": ["moved"],
    "listen": ["told"],
    "finish": ["over"],
    "finish where it was": ["over"],
    "count": ["told"],
    "lose": ["over"],
    "ignore": ["let go"],
    "reattach": ["heard again", "moved"],
    "late word": ["judged anew"],
    "late stop": ["judged anew"],
    "late verdict": ["judged anew"],
    "swallow": ["told"],
    "nothing": [],
}

MODES: dict[SessionAction, str] = {
    "begin": "playing",
    "begin paused": "paused",
    "resume": "playing",
    "hold": "paused",
    "stay paused": "paused",
    "jump on": "playing",
    "finish": "over",
    "lose": "over",
    "ignore": "over",
}


@pytest.mark.parametrize(("event", "state"), SESSION_CELLS)
def test_a_word_in_a_state_does_what_the_table_says(
    event: EventClass, state: SessionState, monkeypatch: pytest.MonkeyPatch
):
    """The word is understood as this class, in this state, and what the action names happens to the session."""
    really = apply_event.hear
    words: list[Word] = []
    changes: list[list[SessionChange]] = []

    def hear(context: StepContext, word: Word) -> list[SessionChange]:
        words.append(word)
        changes.append(really(context, word))
        return changes[-1]

    house = House()
    _come_to(house, event, state)
    with monkeypatch.context() as spying:
        spying.setattr(apply_event, "hear", hear)
        _say(house, event, state)
    word = words[-1]
    assert (word.event, word.state) == (event, state)
    assert word.action == SESSION_TABLE[event][state]
    happened = [one.happened for one in changes[-1]]
    if word.action == "recall" and state == "unknown" and event == "watched":
        assert happened == ["opened", "told"], "it goes on, until its stop is heard"
    elif word.action == "recall" and event == "watched late":
        assert happened == ["opened", "told"]
    else:
        assert happened == HAPPENS[word.action]
    if word.action in MODES:
        assert changes[-1][-1].session.phase.mode == MODES[word.action]


# Plays.


def _play_in(state: PlayState) -> Play:
    """Make the play of session s1 that is in a state."""
    plain = Play(id="p1", account="alice", policy=ALICE, sessions=("s1",), primary="s1", item=FILM, opened_utc_ms=1)
    named = replace(plain, work=FILM, work_id=1)
    over = {"closed_utc_ms": 2, "closed_mono_ms": 2}
    plays: dict[PlayState, Play] = {
        "new": plain,
        "held": replace(plain, outcome="needs review"),
        "open": named,
        "closing": replace(named, closing_mono_ms=lifecycle.CLOSING_MS + 1),
        "waiting": replace(plain, **over),
        "left": replace(named, left_at=(0, 40.0), **over),
        "watched": replace(named, watched_parts=(0,), **over),
        "review": replace(named, outcome="needs review", **over),
        "unseen": replace(named, outcome="ignored", outcome_reason=UNSEEN, **over),
        "ignored": replace(named, outcome="ignored", outcome_reason="a trailer", **over),
        "recorded": replace(named, outcome="already watched", **over),
        "merged": replace(named, outcome="merged", merged_into="p0", **over),
    }
    return plays[state]


FOLLOWS: dict[PlayAction, Callable[[PlayChange], bool]] = {
    "follow": lambda change: not change.effects,
    "stay": lambda change: not change.plays and [one.passed_by for one in change.tasks] == ["s1"],
    "hand over": lambda change: change.plays[-1].primary == "s1" and change.plays[-1].open,
    "wait for the other": lambda change: play_state(change.plays[-1]) == "closing",
    "close": lambda change: not change.plays[-1].open and not change.sessions,
    "close both": lambda change: not change.plays[-1].open and change.sessions[-1].phase.ending == "replaced",
    "take over": lambda change: play_state(change.plays[-1]) == "open",
    "reopen": lambda change: change.plays[-1].open and change.plays[-1].outcome is None,
    "judge again": lambda change: change.plays[-1].outcome is None and change.tasks[-1].passed_by is None,
    "ask people": lambda change: change.plays[-1].outcome == "needs review" and change.plays[-1].outcome_reason == "so",
    "let go": lambda change: change.plays[-1].outcome == "ignored" and change.plays[-1].outcome_reason == "so",
    "hide": lambda change: change.plays[-1].outcome == "ignored" and not change.plays[-1].open and not change.tasks,
    "learn": lambda change: change.plays[-1].work == FILM and change.tasks[-1].passed_by == "s1",
    "learn and judge": lambda change: change.plays[-1].work == FILM and change.tasks[-1].passed_by is None,
    "merge": lambda change: change.plays[-1].merged_into == "p9" and change.plays[0].sessions == ("s9", "s1"),
    "refer": lambda change: change.plays[-1].outcome == "already watched" and not change.tasks,
    "nothing": lambda change: change == PlayChange(),
}


def _context(play: Play) -> tuple[StepContext, Session]:
    """Lay a session that goes on, and the play, over an empty house."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0)
    session = house.state.sessions["s1"]
    context = StepContext(house.state, house.now)
    context.take_play(play)
    return context, session


@pytest.mark.parametrize(("event", "state"), PLAY_CELLS)
def test_what_happens_to_a_play_does_what_the_table_says(event: PlayEvent, state: PlayState):
    """The play is in this state, and the action of the cell is what becomes of it; what cannot be is refused."""
    play = _play_in(state)
    assert play_state(play) == state
    action = PLAY_TABLE[event][state]
    context, session = _context(play)
    if action == "never":
        with pytest.raises(KeyError, match="never"):
            lifecycle.answer(context, play, event, session)
    elif action in merging.ACTIONS:
        host = Play(id="p9", account="alice", policy=ALICE, sessions=("s9",), primary="s9", work=FILM, work_id=1)
        known = replace(play, work=FILM, work_id=1)
        answer = Identified(session="s1", work_id=1, work=FILM)
        learnt = merging.Learnt(known=known, session=session, prior=merging.prior_of(play, answer), host=host)
        assert FOLLOWS[action](merging.ACTIONS[action](context, learnt))
    else:
        assert FOLLOWS[action](lifecycle.answer(context, play, event, session, "so"))
