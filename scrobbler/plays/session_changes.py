"""How changes of sessions are written: what happened, with its line for the journal. All of it only returns values."""

from typing import Literal

from msgspec.structs import replace

from scrobbler.plays import timeouts
from scrobbler.plays.model import Counted, Effect, Ending, Heard, Note, Resolve, Session, SessionChange
from scrobbler.plays.positions import names_its_item
from scrobbler.plays.queries import at, event_utc_ms
from scrobbler.plays.step_context import StepContext

ENDING_WORDS: dict[Ending, str] = {
    "stop": "stopped",
    "end": "played to its end",
    "gone": "contact with the player was lost",
    "replaced": "another item took its place",
    "silence": "nothing was heard any more",
    "ignored": "not a play of ours",
}


def over(context: StepContext, session: Session, ending: Ending) -> SessionChange:
    """A session is over; its plays close, unless another player of theirs goes on."""
    phase = replace(session.phase, mode="over", ending=ending, over_mono_ms=context.now.mono_ms)
    over = replace(session, phase=phase)
    return SessionChange(
        session=over, happened="over", effects=(note(over, "over", f"{ENDING_WORDS[ending]}{at(over)}"),)
    )


def let_go(context: StepContext, session: Session, reason: str) -> SessionChange:
    """Let go of a session that turned out to be no play of ours; nothing of it reaches Simkl."""
    if not session.open:
        return SessionChange(session=session, happened="let go", reason=reason)
    return replace(over(context, session, "ignored"), happened="let go", reason=reason)


def replaced(context: StepContext, session: Session) -> SessionChange:
    """Another item plays on the same player now (rule 7)."""
    unbroken = not session.contact.ticking or timeouts.in_step(session, context.now.mono_ms)
    played_on = session.phase.mode in ("playing", "quiet") and unbroken
    return over(context, replace(session, phase=replace(session.phase, played_on=played_on)), "replaced")


def counted(context: StepContext, session: Session, heard: Heard) -> Session:
    """The server said just now that it counts the play."""
    said = event_utc_ms(context, heard)
    return replace(session, counted=Counted(utc_ms=said, mono_ms=context.now.mono_ms))


def fall_quiet(session: Session, why: str) -> list[SessionChange]:
    """Nothing is heard: show it as paused."""
    quiet = replace(session, phase=replace(session.phase, mode="quiet"))
    moved = SessionChange(session=quiet, happened="moved", effects=(note(session, "quiet", why),))
    return [moved, changed(quiet, "quiet")]


def fall_silent(context: StepContext, session: Session) -> list[SessionChange]:
    """Nothing is heard any more: judge it at its last observed position."""
    return [over(context, session, "silence")]


def changed(session: Session, happened: Literal["moved", "told", "quiet"]) -> SessionChange:
    """Say what happened to a session, without a line for the journal."""
    return SessionChange(session=session, happened=happened)


def moved(before: Session, heard: Heard, session: Session, step: str = "", text: str = "") -> SessionChange:
    """Tell that a session has moved, with a line for the journal; who learns what its item is wants to know the work."""
    notes = (note(session, step, text),) if step else ()
    return SessionChange(session=session, happened="moved", effects=(*asks(before, heard), *notes))


def asks(session: Session, heard: Heard) -> tuple[Effect, ...]:
    """Ask for the work, where a session learns what its item is."""
    return (Resolve(session=session.id),) if names_its_item(session, heard) else ()


def noted(session: Session, step: str, text: str) -> SessionChange:
    """Write a line about a session that stays as it is."""
    return SessionChange(session=session, happened="told", effects=(note(session, step, text),))


def note(session: Session, step: str, text: str) -> Note:
    """Write a line about a session."""
    return Note(about=session.id, step=step, text=text)


def playing(context: StepContext, session: Session) -> Session:
    """It plays from now on."""
    return replace(session, phase=replace(session.phase, mode="playing", edge_mono_ms=context.now.mono_ms))


def short_words(session: Session) -> str:
    """Say why a clip is no play."""
    return f"shorter than {session.identity.shorter_than_ms // 1000} s"
