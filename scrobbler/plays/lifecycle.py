"""Plays follow their sessions: to a new position, to another player, to their end (rules.md rules 4, 10, 13)."""

from msgspec.structs import replace

from scrobbler.plays.judge import threshold_of
from scrobbler.plays.model import Play, Session
from scrobbler.plays.queries import richest, talking, where
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.verdict import complete_parts, settle

CLOSING_MS = 5_000
"""How long a play waits for a second player to confirm that it is over."""


def follow(context: StepContext, session: Session) -> None:
    """Let the plays of a session that was just heard know its new position."""
    for play in context.plays_of(session):
        if not play.open:
            continue
        primary = play.primary if play.closing_mono_ms is not None else richest(context, play)
        if primary != play.primary:
            context.put_play(replace(play, primary=primary))
        if primary == session.id and play.work is not None:
            complete_parts(context, context.plays[play.id], session)


def session_over(context: StepContext, session: Session) -> None:
    """Close the plays of a session that ended, or let another player of theirs take over."""
    for play in context.plays_of(session):
        if not play.open:
            continue
        stopped = session.ending in ("stop", "end")
        if not any(one.open for one in talking(context, play)):
            close(context, play)
        elif play.primary == session.id and not stopped:
            context.put_play(replace(play, primary=richest(context, play)))
        elif play.closing_mono_ms is None and stopped and _has_last_word(context, play, session):
            context.put_play(replace(play, primary=session.id, closing_mono_ms=context.now.mono_ms + CLOSING_MS))


def _has_last_word(context: StepContext, play: Play, session: Session) -> bool:
    """Tell whether a stop here may end the play: its player speaks for it, or the one that does tells edges alone.

    Of such a one a stop past the threshold is enough, since it will not say anything itself for hours.
    """
    primary = context.sessions.get(play.primary)
    if primary is None or primary.id == session.id:
        return True
    progress = 100.0 if session.ending == "end" else where(play, session)[1]
    past = progress is not None and progress >= threshold_of(play.policy, play.work)
    return past and not primary.ticking


def nothing_left(context: StepContext, session: Session) -> None:
    """Close the plays that only wait for this session, which has fallen quiet, after another player of theirs has stopped."""
    for play in context.plays_of(session):
        sessions = talking(context, play)
        if not play.open or any(one.mode in ("playing", "paused") for one in sessions):
            continue
        stopped = [
            one for one in sessions if one.ending in ("stop", "end") and one.over_mono_ms > session.heard_mono_ms
        ]
        if stopped:
            _let_go(context, play)
            close(context, replace(play, primary=max(stopped, key=lambda one: one.over_mono_ms).id))


def closing_due(context: StepContext, play: Play) -> None:
    """Decide for a play whose speaking player stopped while another did not, whether it goes on there."""
    assert play.closing_mono_ms is not None
    stopped_at = play.closing_mono_ms - CLOSING_MS
    others = talking(context, play)
    alive = [one for one in others if one.mode == "playing" and one.heard_mono_ms > stopped_at]
    if alive:
        context.note(play.id, "taken over", f"goes on at {alive[0].source}")
        going_on = replace(play, closing_mono_ms=None)
        context.put_play(replace(going_on, primary=richest(context, going_on)))
        return
    _let_go(context, play)
    close(context, play)


def _let_go(context: StepContext, play: Play) -> None:
    """Close the sessions that no other play needs."""
    for session in talking(context, play):
        if session.open and len(context.plays_of(session)) == 1:
            context.put(replace(session, mode="over", ending="replaced", over_mono_ms=context.now.mono_ms))


def close(context: StepContext, play: Play) -> None:
    """End a play. What it amounts to is said at once when its work is known, else when it becomes known."""
    closed = replace(
        play,
        primary=last_word(context, play),
        closing_mono_ms=None,
        closed_utc_ms=context.now.utc_ms,
        closed_mono_ms=context.now.mono_ms,
    )
    context.put_play(closed)
    primary = context.sessions.get(closed.primary)
    if play.outcome is not None or (primary is not None and primary.ending == "ignored"):
        return
    if play.work is not None:
        settle(context, closed)


def last_word(context: StepContext, play: Play) -> str:
    """Choose the session that says where a play ended: the one that stopped, else the one whose position is the latest."""
    primary = context.sessions.get(play.primary)
    if primary is not None and primary.ending in ("stop", "end"):
        return primary.id
    return latest_word(context, play)


def latest_word(context: StepContext, play: Play) -> str:
    """Choose the session whose position is the latest; a natural end is one."""
    known = [one for one in talking(context, play) if one.position_ms is not None and one.ending != "ignored"]
    latest = max(
        known,
        key=lambda one: (one.over_mono_ms if one.ending == "end" else one.position_mono_ms, one.id == play.primary),
        default=None,
    )
    return play.primary if latest is None else latest.id
