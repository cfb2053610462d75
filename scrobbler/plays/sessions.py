"""Sessions: what one player does with one item, step by step (rules.md rules 2, 4, 7, 10, 11).

Every action takes the context, the session as it is, and what was heard; the table in `table.py` says which one applies.
"""

from msgspec.structs import replace

from scrobbler.plays import lifecycle, marking, timeouts
from scrobbler.plays.apply_event import at, begin, end, event_utc_ms, listen, move, past_utc_ms, play_out
from scrobbler.plays.judge import SIMKL_PERCENT, percent
from scrobbler.plays.model import Ending, Heard, Mode, Session
from scrobbler.plays.queries import all_watched, length_of
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.verdict import UNSEEN, settle

AGAIN_MS = 10 * 60_000
"""So long after its end, the same item on the same player with an unknown or near-end position is an echo (rule 11)."""

CLEARED_MS = 2 * 60_000
"""So long after a play that the server counted, its position 0 is a cleared resume point (players.md 1.6.2)."""

LATE_VERDICT_MS = 2 * 60_000
"""So long after a stop, the server's verdict about that play may still arrive (players.md 1.5)."""

SWAPPED_MS = 2_000
"""Events that a server sends at the same time may arrive in the wrong order within this time (players.md 1.5)."""


def go_on(context: StepContext, session: Session, heard: Heard) -> None:
    """It plays: begins to again, or still does."""
    event = heard.event
    if not event.observed and session.mode != "playing":
        return
    if session.mode == "paused" and event.kind == "progress" and _overtaken(context, session, heard):
        return
    stored_offset = session.verdict_utc_ms is not None and event.kind == "play" and not session.ticking
    if stored_offset:
        # After the verdict a server's `play` carries a cleared resume point, not a position (players.md 1.5, 1.6.2).
        heard = replace(heard, event=replace(event, position_ms=None))
    before = session.mode
    session = listen(context, session, heard)
    if session.mode == "over":
        return
    if before != "playing":
        session = context.put(replace(session, mode="playing", edge_mono_ms=context.now.mono_ms))
        context.note(session.id, "resumed", f"{event.kind} heard{at(session)}")
    lifecycle.follow(context, session)


def _overtaken(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether a report of a position was overtaken by the pause that came after it."""
    position = heard.event.position_ms
    behind = position is not None and session.position_ms is not None and position <= session.position_ms
    return behind and context.now.mono_ms - session.mode_mono_ms <= SWAPPED_MS


def hold(context: StepContext, session: Session, heard: Heard) -> None:
    """It is paused."""
    before = session.mode
    if not heard.event.observed and before != "playing":
        return
    session = listen(context, session, heard)
    if session.mode == "over":
        return
    if before != "paused":
        session = context.put(replace(session, mode="paused"))
        context.note(session.id, "paused", f"pause heard{at(session)}")
    lifecycle.follow(context, session)


def jump(context: StepContext, session: Session, heard: Heard) -> None:
    """The position jumped: what lies between was not seen."""
    before = session.mode
    if not heard.event.observed:
        return
    session = listen(context, session, heard, jumped=True)
    if session.mode == "over":
        return
    if before == "quiet":
        session = context.put(replace(session, mode="playing", edge_mono_ms=context.now.mono_ms))
    context.note(session.id, "seek", f"jumped{at(session)}")
    lifecycle.follow(context, session)


def finish(context: StepContext, session: Session, heard: Heard) -> None:
    """The player says that it is over."""
    event = heard.event
    if event.observed and _ghost(context, session, heard):
        # A server that lost its player adds the time since to the position it reports (players.md 2.4).
        heard = replace(heard, event=replace(event, position_ms=None))
    session = listen(context, session, heard)
    if session.mode == "over":
        return
    ending: Ending = play_out(context, session, heard) if event.kind == "end" else "stop"
    end(context, context.sessions[session.id], ending)


def _ghost(context: StepContext, session: Session, heard: Heard) -> bool:
    position = heard.event.position_ms
    if not session.traits.ticks or heard.event.kind != "stop" or position is None or session.position_ms is None:
        return False
    # While we were away ourselves, its silence says nothing.
    since_mono_ms = max(session.heard_mono_ms, session.blind_mono_ms or session.heard_mono_ms)
    silent_ms = context.now.mono_ms - since_mono_ms
    return session.mode != "paused" and silent_ms > session.traits.quiet_ms and position > session.position_ms


def lose(context: StepContext, session: Session, heard: Heard) -> None:
    """Contact with the player is lost: the last observed position stands."""
    session = listen(context, session, heard)
    if session.mode != "over":
        end(context, session, "gone")


def replaced(context: StepContext, session: Session) -> None:
    """Another item plays on the same player now (rule 7)."""
    unbroken = not session.ticking or timeouts.in_step(session, context.now.mono_ms)
    played_on = session.mode in ("playing", "quiet") and unbroken
    end(context, context.put(replace(session, played_on=played_on)), "replaced")


def verdict(context: StepContext, session: Session, heard: Heard) -> None:
    """The server counts the play in progress as watched; it settles when the play ends (contract.md 1.6)."""
    session = listen(context, session, heard)
    if session.mode == "over":
        return
    if session.verdict_utc_ms is None:
        session = _count(context, session, heard)
        context.note(session.id, "verdict", "the server counts it as watched")


def _count(context: StepContext, session: Session, heard: Heard) -> Session:
    said = event_utc_ms(context, heard)
    return context.put(replace(session, verdict_utc_ms=said, verdict_mono_ms=context.now.mono_ms))


def late_verdict(context: StepContext, session: Session, heard: Heard) -> None:
    """The server's verdict arrives after the stop it belongs before; much later, it is about a play that we missed."""
    if session.verdict_utc_ms is not None or session.ending == "ignored":
        return
    if context.now.mono_ms - session.over_mono_ms > LATE_VERDICT_MS:
        if not _watched(context, session):
            recall(context, heard)
        return
    session = _count(context, session, heard)
    context.note(session.id, "verdict", "the server counts it as watched, said after the stop")
    _judge_again(context, session)


def late_stop(context: StepContext, session: Session, heard: Heard) -> None:
    """A stop arrives for an item that was closed without one: its position may still make it a watch (rule 11)."""
    event = heard.event
    limit = LATE_VERDICT_MS if session.ending == "replaced" and session.ticking else session.traits.close_ms
    if context.now.mono_ms - session.over_mono_ms > limit or session.ending == "ignored":
        return
    if _ghost(context, session, heard):
        return
    # A log that is read after we were away tells of a stop with the time at which it happened.
    session = replace(move(context, session, heard), heard_utc_ms=_ended_utc_ms(context, session, heard))
    session = context.put(replace(session, past_utc_ms=past_utc_ms(context, heard)))
    ending: Ending = play_out(context, session, heard) if event.kind == "end" else "stop"
    session = context.put(replace(context.sessions[session.id], ending=ending))
    context.note(session.id, "late stop", f"heard after it was closed{at(session)}")
    _judge_again(context, session)


def _ended_utc_ms(context: StepContext, session: Session, heard: Heard) -> int:
    """Say when a play ended whose stop comes late: when it was said, or when the next item took its place before."""
    said = event_utc_ms(context, heard)
    if session.ending != "replaced":
        return said
    return min(said, context.now.utc_ms - (context.now.mono_ms - session.over_mono_ms))


def overtaken_by_next(context: StepContext, session: Session, heard: Heard) -> None:
    """A word about an item arrives after the next one has begun: its position counts, the next item plays on (rule 7)."""
    session = context.put(move(context, session, heard))
    context.note(session.id, "late word", f"{heard.event.kind} heard after the next item{at(session)}")
    _judge_again(context, session)


def _judge_again(context: StepContext, session: Session) -> None:
    for play in context.plays_of(session):
        open_question = play.outcome in (None, "needs review") or play.outcome_reason == UNSEEN
        if not play.open and play.work is not None and open_question:
            latest = context.put_play(replace(play, primary=session.id, outcome=None, outcome_reason=""))
            settle(context, latest)


def _watched(context: StepContext, session: Session) -> bool:
    """Tell whether all that a session is part of is owed as watched."""
    plays = context.plays_of(session)
    return bool(plays) and all(all_watched(play) for play in plays)


def reattach(context: StepContext, session: Session, heard: Heard) -> None:
    """A player that had fallen silent is heard again with the same item: the play goes on."""
    event = heard.event
    if not event.observed:
        return
    if session.ending == "ignored":
        _reconsider(context, session, heard)
        return
    if _watched(context, session):
        again(context, session, heard)
        return
    mode: Mode = "paused" if event.kind == "pause" else "playing"
    session = context.put(replace(session, mode=mode, ending=None, edge_mono_ms=context.now.mono_ms))
    for play in context.plays_of(session):
        if not all_watched(play) and play.outcome in (None, "needs review"):
            context.put_play(
                replace(
                    play, closed_utc_ms=None, closed_mono_ms=None, primary=session.id, outcome=None, outcome_reason=""
                )
            )
    context.note(session.id, "reattached", "the player is heard again")
    if event.kind == "seek":
        # Nobody knows what it did while it was silent before it jumped.
        session = replace(session, position_mono_ms=context.now.mono_ms, said_utc_ms=None)
    session = listen(context, session, heard, jumped=event.kind == "seek")
    if session.open:
        lifecycle.follow(context, session)


def _reconsider(context: StepContext, session: Session, heard: Heard) -> None:
    """What was no play of ours stays none, unless its length was wrong, or it begins anew when the filters may have changed."""
    length_ms = heard.event.duration_ms
    was_short = bool(session.duration_ms and session.duration_ms < session.shorter_than_ms)
    long_enough = length_ms is not None and length_ms >= heard.shorter_than_ms
    later = context.now.mono_ms - session.over_mono_ms > AGAIN_MS
    if not heard.ignored and ((was_short and long_enough) or (heard.event.kind == "play" and later and not was_short)):
        begin(context, heard, "paused" if heard.event.kind == "pause" else "playing")


def again(context: StepContext, session: Session, heard: Heard) -> None:
    """The item that just ended is reported again: an echo, or a new play from a real low position (rule 11)."""
    if not heard.event.observed:
        return
    if echoes(context, session, heard):
        if heard.event.kind == "play":
            context.note(session.id, "echo", f"{heard.event.kind} after the end changes nothing")
    else:
        begin(context, heard, "paused" if heard.event.kind == "pause" else "playing")


def echoes(context: StepContext, session: Session, heard: Heard) -> bool:
    """Tell whether a word about an item that is over is an echo of it, and no new play."""
    event = heard.event
    over_ms = context.now.mono_ms - session.over_mono_ms
    cleared = session.verdict_utc_ms is not None and not session.ticking and over_ms <= CLEARED_MS
    position_ms = None if cleared and event.position_ms == 0 else event.position_ms
    lengths = [length_of(play, session) for play in context.plays_of(session)]
    length_ms = next((one for one in lengths if one), session.duration_ms)
    progress = percent(position_ms, event.duration_ms or length_ms)
    reached = percent(session.position_ms, length_ms) or 0.0
    counted = session.verdict_utc_ms is not None or _watched(context, session)
    done = session.ending == "end" or counted or reached >= SIMKL_PERCENT
    low = progress is not None and progress < SIMKL_PERCENT
    # A player that rests on the last picture says "pause" as long as it is open; one that was lost is heard again there.
    resting = event.kind == "pause" or session.ending not in ("stop", "end")
    return done and not low and (over_ms <= AGAIN_MS or resting)


def swallow(context: StepContext, session: Session, heard: Heard) -> None:
    """A repeat of what is settled."""
    del context, session, heard


def recall(context: StepContext, heard: Heard) -> None:
    """The server says "watched" about something that we did not see begin."""
    session = begin(context, heard, held=marking.flood(context, heard))
    if not session.open:
        return
    session = _count(context, session, heard)
    if session.past_utc_ms is not None:
        end(context, context.put(replace(session, origin="recalled")), "stop")
        return
    beside = [one for one in context.sessions.values() if _beside(one, session)]
    if any(context.now.mono_ms - one.edge_mono_ms <= LATE_VERDICT_MS for one in beside):
        # Another item has just begun on that player: the verdict came late, and its play is over.
        end(context, session, "replaced")
        return
    for other in beside:
        # It plays long since, or did: the beginning of what is counted now was not heard.
        replaced(context, other)


def _beside(other: Session, session: Session) -> bool:
    return other.open and other.id != session.id and (other.source, other.player) == (session.source, session.player)


def begin_and_finish(context: StepContext, heard: Heard) -> None:
    """A stop is heard of something that we did not see begin: its position may be saved, it is hardly a watch."""
    session = begin(context, heard)
    if session.open:
        finish(context, session, heard)
