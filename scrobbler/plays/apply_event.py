"""The first stage of a step: what one player does with one item (rules.md rules 2, 4, 7, 11, 14).

Every action of the table of sessions is a function, here or in `begin_session.py`. It gets the word as it was understood and
returns the session as it is then, and what its plays have to follow. Nothing is kept here, and no play is looked at but to
read.
"""

from collections.abc import Callable

from msgspec.structs import replace

from scrobbler.plays import begin_session, session_changes
from scrobbler.plays.classify import Word
from scrobbler.plays.model import (
    Heard,
    Mode,
    Note,
    Session,
    SessionChange,
)
from scrobbler.plays.positions import listen, move, play_out, shorter_than
from scrobbler.plays.queries import at, event_utc_ms, past_utc_ms
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import SessionAction


def hear(context: StepContext, word: Word) -> list[SessionChange]:
    """Carry out what the table says: first what is over by this word (rule 7), then the session that it is about."""
    changes = [session_changes.replaced(context, other) for other in word.replaced]
    if word.session is None or word.action in WITHOUT_SESSION:
        action = WITHOUT_SESSION.get(word.action)
        return changes if action is None else changes + action(context, word.heard)
    return changes + ON_SESSION[word.action](context, word.session, word.heard)


# A play begins.


def _begin_and_finish(context: StepContext, heard: Heard) -> list[SessionChange]:
    """A stop is heard of something that we did not see begin: its position may be saved, it is hardly a watch."""
    changes = begin_session.begin(context, heard)
    session = changes[-1].session
    return changes + (_finish(context, session, heard) if session.open else [])


# It goes on.


def _go_on(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    return [session_changes.moved(session, heard, listen(context, session, heard))]


def _resume(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    playing = session_changes.playing(context, listen(context, session, heard))
    return [session_changes.moved(session, heard, playing, "resumed", f"{heard.event.kind} heard{at(playing)}")]


def _hold(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    listened = listen(context, session, heard)
    paused = replace(listened, phase=replace(listened.phase, mode="paused"))
    return [session_changes.moved(session, heard, paused, "paused", f"pause heard{at(paused)}")]


def _jump(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """The position jumped: what lies between was not seen."""
    jumped = listen(context, session, heard, jumped=True)
    return [session_changes.moved(session, heard, jumped, "seek", f"jumped{at(jumped)}")]


def _jump_on(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    jumped = session_changes.playing(context, listen(context, session, heard, jumped=True))
    return [session_changes.moved(session, heard, jumped, "seek", f"jumped{at(jumped)}")]


def _update(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    del context, heard
    return [session_changes.changed(session, "moved")]


def _listen(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    return [replace(session_changes.moved(session, heard, listen(context, session, heard)), happened="told")]


def _count(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """The server counts the play in progress as watched; it settles when the play ends (contract.md 1.6)."""
    counted = session_changes.counted(context, listen(context, session, heard), heard)
    told = session_changes.moved(session, heard, counted, "verdict", "the server counts it as watched")
    return [replace(told, happened="told")]


def _reattach(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """A player that had fallen silent is heard again with the same item: the play goes on."""
    event = heard.event
    mode: Mode = "paused" if event.kind == "pause" else "playing"
    phase = replace(session.phase, mode=mode, ending=None, edge_mono_ms=context.now.mono_ms)
    attached = replace(session, phase=phase)
    if event.kind == "seek":
        # Nobody knows what it did while it was silent before it jumped.
        position = replace(attached.position, mono_ms=context.now.mono_ms, said_utc_ms=None)
        attached = replace(attached, position=position)
    listened = listen(context, attached, heard, jumped=event.kind == "seek")
    again = SessionChange(
        session=listened,
        happened="heard again",
        effects=(session_changes.note(session, "reattached", "the player is heard again"),),
    )
    if shorter_than(session, heard):
        return [again, session_changes.let_go(context, listened, session_changes.short_words(listened))]
    return [again, session_changes.moved(session, heard, listened)]


# It is over.


def _finish(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """The player says that it is over."""
    listened, ending = play_out(context, listen(context, session, heard), heard)
    over = session_changes.over(context, listened, ending)
    return [replace(over, effects=(*session_changes.asks(session, heard), *over.effects))]


def _finish_where_it_was(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    return _finish(context, session, replace(heard, event=replace(heard.event, position_ms=None)))


def _lose(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """Contact with the player is lost: the last observed position stands."""
    over = session_changes.over(context, listen(context, session, heard), "gone")
    return [replace(over, effects=(*session_changes.asks(session, heard), *over.effects))]


def _ignore(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """A filter speaks against it, or it turned out to be a clip (rule 14)."""
    if heard.ignored:
        return [session_changes.let_go(context, session, heard.ignored)]
    listened = listen(context, session, heard, jumped=heard.event.kind == "seek")
    return [session_changes.let_go(context, listened, session_changes.short_words(listened))]


# Something comes late.


def _late_word(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """A word about an item arrives after the next one has begun: its position counts, the next item plays on (rule 7)."""
    moved = move(context, session, heard)
    note = session_changes.note(moved, "late word", f"{heard.event.kind} heard after the next item{at(moved)}")
    return [SessionChange(session=moved, happened="judged anew", effects=(note,))]


def _late_stop(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """A stop arrives for an item that was closed without one: its position may still make it a watch (rule 11)."""
    # A log that is read after we were away tells of a stop with the time at which it happened.
    moved = move(context, session, heard)
    moved = replace(
        moved,
        contact=replace(moved.contact, heard_utc_ms=_ended_utc_ms(context, moved, heard)),
        identity=replace(moved.identity, past_utc_ms=past_utc_ms(context, heard)),
    )
    moved, ending = play_out(context, moved, heard)
    moved = replace(moved, phase=replace(moved.phase, ending=ending))
    note = session_changes.note(moved, "late stop", f"heard after it was closed{at(moved)}")
    return [SessionChange(session=moved, happened="judged anew", effects=(note,))]


def _ended_utc_ms(context: StepContext, session: Session, heard: Heard) -> int:
    """Say when a play ended whose stop comes late: when it was said, or when the next item took its place before."""
    said = event_utc_ms(context, heard)
    if session.phase.ending != "replaced":
        return said
    return min(said, context.now.utc_ms - (context.now.mono_ms - session.phase.over_mono_ms))


def _late_verdict(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """The server's verdict arrives after the stop it belongs before."""
    note = session_changes.note(session, "verdict", "the server counts it as watched, said after the stop")
    return [
        SessionChange(session=session_changes.counted(context, session, heard), happened="judged anew", effects=(note,))
    ]


def _swallow(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    """An echo of what is over changes nothing (rule 11)."""
    del context
    if heard.event.kind != "play":
        return []
    return [session_changes.noted(session, "echo", f"{heard.event.kind} after the end changes nothing")]


def _note_mark(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    del heard
    play = context.plays_of(session)[0]
    note = Note(about=play.id, step="echo", text="marked by hand as well")
    return [SessionChange(session=session, happened="told", effects=(note,))]


def _nothing(context: StepContext, session: Session, heard: Heard) -> list[SessionChange]:
    del context, session, heard
    return []


WITHOUT_SESSION: dict[SessionAction, Callable[[StepContext, Heard], list[SessionChange]]] = {
    "begin": begin_session.begin,
    "begin paused": begin_session.begin_paused,
    "begin and finish": _begin_and_finish,
    "recall": begin_session.recall,
    "mark": begin_session.mark,
}

ON_SESSION: dict[SessionAction, Callable[[StepContext, Session, Heard], list[SessionChange]]] = {
    "go on": _go_on,
    "resume": _resume,
    "hold": _hold,
    "stay paused": _go_on,
    "jump": _jump,
    "jump on": _jump_on,
    "update": _update,
    "listen": _listen,
    "count": _count,
    "reattach": _reattach,
    "finish": _finish,
    "finish where it was": _finish_where_it_was,
    "lose": _lose,
    "ignore": _ignore,
    "late word": _late_word,
    "late stop": _late_stop,
    "late verdict": _late_verdict,
    "swallow": _swallow,
    "note mark": _note_mark,
    "nothing": _nothing,
}
