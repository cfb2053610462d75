"""Which row and which column of the tables apply: what a word of a player means, and what is known of its item.

All of it only reads. `table.py` says what follows.
"""

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.plays.judge import SIMKL_PERCENT, percent
from scrobbler.plays.model import Heard, Session
from scrobbler.plays.positions import shorter_than
from scrobbler.plays.queries import all_watched, length_of, past_utc_ms
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import CLOSES_OTHERS, SESSION_TABLE, EventClass, SessionAction, SessionState

AGAIN_MS = 10 * 60_000
"""So long after its end, the same item on the same player with an unknown or near-end position is an echo (rule 11)."""

CLEARED_MS = 2 * 60_000
"""So long after a play that the server counted, its position 0 is a cleared resume point (players.md 1.6.2)."""

LATE_VERDICT_MS = 2 * 60_000
"""So long after a stop, the server's verdict about that play may still arrive (players.md 1.5)."""

SWAPPED_MS = 2_000
"""Events that a server sends at the same time may arrive in the wrong order within this time (players.md 1.5)."""

_FOUR = ("play", "progress", "pause", "seek")


class Word(Struct, frozen=True, kw_only=True):
    """What a player said, understood: the cell of the table, the session it is about, and those that are over by it."""

    heard: Heard
    event: EventClass
    state: SessionState
    action: SessionAction
    session: Session | None
    replaced: tuple[Session, ...] = ()


def understand(context: StepContext, heard: Heard) -> Word:
    """Find the session that a word is about, and the cell of the table that answers it."""
    event = heard.event
    known = context.item_on(heard.source, event.player, event.item_key)
    here = context.playing_on(heard.source, event.player)
    session = max(
        known, key=lambda one: (one.open, one.identity.opened_mono_ms, one.contact.heard_mono_ms), default=None
    )
    heard = _sane(heard, session)
    state = session_state(context, session, heard)
    word = event_class(context, session, state, heard, others=len(here) > (session is not None and session.open))
    others = () if word not in CLOSES_OTHERS else tuple(one for one in here if one.identity.item_key != event.item_key)
    return Word(
        heard=heard, event=word, state=state, action=SESSION_TABLE[word][state], session=session, replaced=others
    )


def _sane(heard: Heard, session: Session | None) -> Heard:
    """Drop what cannot be: a negative position is unknown, so is a length of nothing, and so is a cleared resume point."""
    event = heard.event
    position_ms = event.position_ms if event.position_ms is None or event.position_ms >= 0 else None
    duration_ms = event.duration_ms if event.duration_ms and event.duration_ms > 0 else None
    if session is not None and session.open and session.counted is not None and event.kind == "play":
        # After the verdict a server's `play` carries a cleared resume point, not a position (players.md 1.5, 1.6.2).
        position_ms = position_ms if session.contact.ticking else None
    if (position_ms, duration_ms) == (event.position_ms, event.duration_ms):
        return heard
    return replace(heard, event=replace(event, position_ms=position_ms, duration_ms=duration_ms))


def session_state(context: StepContext, session: Session | None, heard: Heard) -> SessionState:
    """Say what is known of the item on that player. What a filter kept out may count by now: then nothing is known of it."""
    if session is None:
        return "unknown"
    if session.phase.mode != "over":
        return session.phase.mode
    match session.phase.ending:
        case "ignored":
            return "unknown" if _may_count_now(context, session, heard) else "ignored"
        case "gone" | "silence" | "replaced":
            return "recorded" if recorded(context, session) else "lost"
        case _:
            return "finished"


def _may_count_now(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether what was no play of ours is one: its length was wrong, or it begins anew, when filters may have changed."""
    event = heard.event
    if event.kind not in _FOUR or not event.observed or heard.ignored:
        return False
    length_ms, limit_ms = session.position.duration_ms, session.identity.shorter_than_ms
    was_short = bool(length_ms and length_ms < limit_ms)
    long_enough = event.duration_ms is not None and event.duration_ms >= heard.shorter_than_ms
    later = context.now.mono_ms - session.phase.over_mono_ms > AGAIN_MS
    return (was_short and long_enough) or (event.kind == "play" and later and not was_short)


def recorded(context: StepContext, session: Session) -> bool:
    """Tell whether all that a session is part of is in the outbox as watched."""
    plays = context.plays_of(session)
    return bool(plays) and all(all_watched(play) for play in plays)


def event_class(
    context: StepContext, session: Session | None, state: SessionState, heard: Heard, *, others: bool
) -> EventClass:
    """Say what a word means, in the light of what is known. `others`: another item plays on that player."""
    kind = heard.event.kind
    if session is not None and others and _overtaken_by_next(context, session, heard):
        return "overtaken"
    if session is not None and session.open and heard.ignored:
        return "unwanted"
    if kind == "watched" and past_utc_ms(context, heard) is not None:
        return "watched before"
    if session is not None and state == "paused" and _overtaken_by_pause(context, session, heard):
        return "overtaken"
    if session is not None and session.open and shorter_than(session, heard):
        return "unwanted"
    return _plain_class(context, session, state, heard)


def _plain_class(context: StepContext, session: Session | None, state: SessionState, heard: Heard) -> EventClass:
    match heard.event.kind:
        case "stop" | "end":
            return _stop_class(context, session, state, heard)
        case "watched":
            return _verdict_class(context, session, state)
        case "marked":
            return _mark_class(context, session, state)
        case "gone":
            return "gone"
        case kind if not heard.event.observed:
            return _GUESSES[kind]
        case kind if session is not None and state in ("finished", "recorded") and _echoes(context, session, heard):
            return "echo" if state == "finished" else "repeat"
        case kind:
            return kind


_GUESSES: dict[str, EventClass] = {
    "play": "guess",
    "progress": "guess",
    "pause": "guessed pause",
    "seek": "guessed seek",
}


def _overtaken_by_next(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether the next item overtook this word about an item that it has just replaced (players.md 1.5)."""
    return (
        heard.event.kind in ("progress", "pause", "seek")
        and session.phase.ending == "replaced"
        and context.now.mono_ms - session.phase.over_mono_ms <= SWAPPED_MS
    )


def _overtaken_by_pause(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether a report of a position was overtaken by the pause that came after it."""
    position_ms, known_ms = heard.event.position_ms, session.position.ms
    behind = position_ms is not None and known_ms is not None and position_ms <= known_ms
    soon = context.now.mono_ms - session.phase.since_mono_ms <= SWAPPED_MS
    return heard.event.kind == "progress" and heard.event.observed and behind and soon


def _stop_class(context: StepContext, session: Session | None, state: SessionState, heard: Heard) -> EventClass:
    if session is not None and state in ("lost", "recorded"):
        replaced_at_work = session.phase.ending == "replaced" and session.contact.ticking
        limit_ms = LATE_VERDICT_MS if replaced_at_work else session.identity.traits.close_ms
        if context.now.mono_ms - session.phase.over_mono_ms > limit_ms:
            return "stale stop"
    may_be_ghost = heard.event.observed if session is not None and session.open else state in ("lost", "recorded")
    if session is not None and may_be_ghost and _ghost(context, session, heard):
        return "ghost stop"
    return "stop" if heard.event.observed else "guessed stop"


def _ghost(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether a server lost its player and adds the time since to the position that it reports (players.md 2.4)."""
    position_ms, contact, traits = heard.event.position_ms, session.contact, session.identity.traits
    if not traits.ticks or heard.event.kind != "stop" or position_ms is None or session.position.ms is None:
        return False
    # While we were away ourselves, its silence says nothing.
    silent_ms = context.now.mono_ms - max(contact.heard_mono_ms, contact.blind_mono_ms or contact.heard_mono_ms)
    return session.phase.mode != "paused" and silent_ms > traits.quiet_ms and position_ms > session.position.ms


def _verdict_class(context: StepContext, session: Session | None, state: SessionState) -> EventClass:
    if session is None or state == "ignored":
        return "watched"
    if session.counted is not None:
        return "watched again"
    if session.open or context.now.mono_ms - session.phase.over_mono_ms <= LATE_VERDICT_MS:
        return "watched"
    return "watched again" if recorded(context, session) else "watched late"


def _mark_class(context: StepContext, session: Session | None, state: SessionState) -> EventClass:
    if session is None or state == "ignored":
        return "marked"
    known = session.counted is not None if session.open else recorded(context, session)
    return "marked again" if known else "marked"


def _echoes(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether a word about an item that is over is an echo of it, and no new play (rule 11)."""
    event = heard.event
    over_ms = context.now.mono_ms - session.phase.over_mono_ms
    cleared = session.counted is not None and not session.contact.ticking and over_ms <= CLEARED_MS
    position_ms = None if cleared and event.position_ms == 0 else event.position_ms
    lengths = [length_of(play, session) for play in context.plays_of(session)]
    length_ms = next((one for one in lengths if one), session.position.duration_ms)
    progress = percent(position_ms, event.duration_ms or length_ms)
    reached = percent(session.position.ms, length_ms) or 0.0
    counted = session.counted is not None or recorded(context, session)
    done = session.phase.ending == "end" or counted or reached >= SIMKL_PERCENT
    low = progress is not None and progress < SIMKL_PERCENT
    # A player that rests on the last picture says "pause" as long as it is open; one that was lost is heard again there.
    resting = event.kind == "pause" or session.phase.ending not in ("stop", "end")
    return done and not low and (over_ms <= AGAIN_MS or resting)
