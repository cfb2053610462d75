"""Sessions: what one player does with one item, step by step (design.md rules 2, 4, 7, 10, 11).

Every action takes the draft, the session as it is, and what was heard; the table in `table.py` says which one applies.
"""

from msgspec.structs import replace

from scrobbler.plays import viewings
from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import SIMKL_PERCENT, percent
from scrobbler.plays.listening import at, begin, end, event_utc_ms, listen, move, play_out
from scrobbler.plays.model import Ending, Heard, Mode, Session

AGAIN_MS = 10 * 60_000
"""So long after its end, the same item on the same player with an unknown or near-end position is an echo (rule 11)."""

LATE_VERDICT_MS = 2 * 60_000
"""So long after a stop, the server's verdict about that play may still arrive (players.md 1.5)."""


def go_on(draft: Draft, session: Session, heard: Heard) -> None:
    """It plays: begins to again, or still does."""
    event = heard.event
    if not event.observed and session.mode != "playing":
        return
    stored_offset = session.verdict_utc_ms is not None and event.kind == "play" and not session.ticking
    if stored_offset:
        # After the verdict a server's `play` carries a cleared resume point, not a position (players.md 1.5, 1.6.2).
        heard = replace(heard, event=replace(event, position_ms=None))
    before = session.mode
    session = listen(draft, session, heard)
    if session.mode == "over":
        return
    if before != "playing" and event.observed:
        session = draft.put(replace(session, mode="playing", edge_mono_ms=draft.now.mono_ms))
        draft.note(session.id, "resumed", f"{event.kind} heard{at(session)}")
    viewings.follow(draft, session)


def hold(draft: Draft, session: Session, heard: Heard) -> None:
    """It is paused."""
    before = session.mode
    session = listen(draft, session, heard)
    if session.mode == "over":
        return
    if before != "paused":
        session = draft.put(replace(session, mode="paused"))
        draft.note(session.id, "paused", f"pause heard{at(session)}")
    viewings.follow(draft, session)


def jump(draft: Draft, session: Session, heard: Heard) -> None:
    """The position jumped: what lies between was not seen."""
    before = session.mode
    session = listen(draft, session, heard, jumped=True)
    if session.mode == "over":
        return
    if before == "quiet":
        session = draft.put(replace(session, mode="playing", edge_mono_ms=draft.now.mono_ms))
    draft.note(session.id, "seek", f"jumped{at(session)}")
    viewings.follow(draft, session)


def finish(draft: Draft, session: Session, heard: Heard) -> None:
    """The player says that it is over."""
    event = heard.event
    if event.observed and _ghost(draft, session, heard):
        # A server that lost its player adds the time since to the position it reports (players.md 2.4).
        heard = replace(heard, event=replace(event, position_ms=None))
    session = listen(draft, session, heard)
    if session.mode == "over":
        return
    ending: Ending = play_out(draft, session) if event.kind == "end" else "stop"
    end(draft, draft.sessions[session.id], ending)


def _ghost(draft: Draft, session: Session, heard: Heard) -> bool:
    position = heard.event.position_ms
    if not session.nature.ticks or heard.event.kind != "stop" or position is None or session.position_ms is None:
        return False
    silent_ms = draft.now.mono_ms - session.heard_mono_ms
    return session.mode != "paused" and silent_ms > session.nature.quiet_ms and position > session.position_ms


def lose(draft: Draft, session: Session, heard: Heard) -> None:
    """Contact with the player is lost: the last observed position stands."""
    session = listen(draft, session, heard)
    if session.mode != "over":
        end(draft, session, "gone")


def replaced(draft: Draft, session: Session) -> None:
    """Another item plays on the same player now (rule 7)."""
    end(draft, session, "replaced")


def verdict(draft: Draft, session: Session, heard: Heard) -> None:
    """The server counts the play in progress as watched; it settles when the play ends (design.md 1.6)."""
    session = listen(draft, session, heard)
    if session.mode == "over":
        return
    if session.verdict_utc_ms is None:
        session = draft.put(
            replace(session, verdict_utc_ms=event_utc_ms(draft, heard), verdict_mono_ms=draft.now.mono_ms)
        )
        draft.note(session.id, "verdict", "the server counts it as watched")
    if session.mode == "quiet":
        end(draft, session, "silence")


def late_verdict(draft: Draft, session: Session, heard: Heard) -> None:
    """The server's verdict arrives after the stop it belongs before: it still counts, for a short while."""
    if draft.now.mono_ms - session.over_mono_ms > LATE_VERDICT_MS or session.verdict_utc_ms is not None:
        return
    session = draft.put(replace(session, verdict_utc_ms=event_utc_ms(draft, heard), verdict_mono_ms=draft.now.mono_ms))
    draft.note(session.id, "verdict", "the server counts it as watched, said after the stop")
    _judge_again(draft, session)


def late_stop(draft: Draft, session: Session, heard: Heard) -> None:
    """A stop arrives for an item that was closed without one: its position may still make it a watch (rule 11)."""
    event = heard.event
    limit = LATE_VERDICT_MS if session.ending == "replaced" else session.nature.close_ms
    if draft.now.mono_ms - session.over_mono_ms > limit or session.ending == "ignored":
        return
    if _ghost(draft, session, heard):
        return
    if event.position_ms is not None and event.observed:
        session = move(draft, session, event.position_ms, event.kind, jumped=False)
    draft.put(session)
    ending: Ending = play_out(draft, session) if event.kind == "end" else "stop"
    session = draft.put(replace(draft.sessions[session.id], ending=ending))
    draft.note(session.id, "late stop", f"heard after it was closed{at(session)}")
    _judge_again(draft, draft.sessions[session.id])


def _judge_again(draft: Draft, session: Session) -> None:
    for viewing in draft.viewings_of(session):
        if not viewing.open and viewing.work is not None and viewing.outcome in (None, "needs review"):
            draft.put_viewing(replace(viewing, outcome=None, outcome_reason=""))
            viewings.settle(draft, draft.viewings[viewing.id])


def reattach(draft: Draft, session: Session, heard: Heard) -> None:
    """A player that had fallen silent is heard again with the same item: the play goes on."""
    if session.ending == "ignored" or not heard.event.observed:
        return
    if all(viewing.watched_parts for viewing in draft.viewings_of(session)):
        again(draft, session, heard)
        return
    mode: Mode = "paused" if heard.event.kind == "pause" else "playing"
    session = replace(session, mode=mode, ending=None, edge_mono_ms=draft.now.mono_ms)
    draft.put(session)
    for viewing in draft.viewings_of(session):
        if not viewing.watched_parts and viewing.outcome in (None, "needs review"):
            draft.put_viewing(
                replace(
                    viewing, closed_utc_ms=None, closed_mono_ms=None, voice=session.id, outcome=None, outcome_reason=""
                )
            )
    draft.note(session.id, "reattached", "the player is heard again")
    session = listen(draft, session, heard)
    if session.open:
        viewings.follow(draft, session)


def again(draft: Draft, session: Session, heard: Heard) -> None:
    """The item that just ended is reported again: an echo, or a new play from a real low position (rule 11)."""
    if not heard.event.observed:
        return
    recent = draft.now.mono_ms - session.over_mono_ms <= AGAIN_MS
    progress = percent(heard.event.position_ms, heard.event.duration_ms or session.duration_ms)
    reached = percent(session.position_ms, session.duration_ms)
    was_done = session.ending == "end" or session.verdict_utc_ms is not None or (reached or 0.0) >= SIMKL_PERCENT
    low = progress is not None and progress < SIMKL_PERCENT
    if session.ending == "ignored" and recent:
        return
    if recent and was_done and not low:
        draft.note(session.id, "echo", f"{heard.event.kind} after the end changes nothing")
        return
    begin(draft, heard, "paused" if heard.event.kind == "pause" else "playing")


def swallow(draft: Draft, session: Session, heard: Heard) -> None:
    """A repeat of what is settled."""
    del draft, session, heard


def mark(draft: Draft, heard: Heard) -> None:
    """Somebody marked the item by hand: a completion without a viewing in progress (rule 15)."""
    session = begin(draft, replace(heard, event=replace(heard.event, position_ms=None)))
    if session.open:
        said = event_utc_ms(draft, heard)
        session = draft.put(
            replace(
                session, verdict_utc_ms=said, verdict_mono_ms=draft.now.mono_ms, past_utc_ms=session.past_utc_ms or said
            )
        )
        end(draft, session, "stop")


def recall(draft: Draft, heard: Heard) -> None:
    """The server says "watched" about something that we did not see begin."""
    session = begin(draft, heard)
    if not session.open:
        return
    session = draft.put(replace(session, verdict_utc_ms=event_utc_ms(draft, heard), verdict_mono_ms=draft.now.mono_ms))
    if session.past_utc_ms is not None:
        end(draft, session, "stop")


def begin_and_finish(draft: Draft, heard: Heard) -> None:
    """A stop is heard of something that we did not see begin: its position may be saved, it is hardly a watch."""
    session = begin(draft, heard)
    if session.open:
        finish(draft, session, heard)
