"""The state machine of plays: `(state, input, now) -> (state, effects)`, pure.

No input or output, no clock, no logging, no configuration. A replay of the same inputs at the same times gives the same
effects.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays import apply_event, lifecycle, marking, merging, now_playing, sessions, timeouts
from scrobbler.plays.model import (
    ContactLost,
    Deadline,
    Effect,
    Heard,
    Hide,
    Identified,
    Ignore,
    Input,
    Play,
    Session,
    State,
    Unidentified,
)
from scrobbler.plays.step_context import DAY_MS, StepContext
from scrobbler.plays.table import REPLACES, TABLE, Action, Situation

_ON_SESSION: dict[Action, Callable[[StepContext, Session, Heard], None]] = {
    "go on": sessions.go_on,
    "hold": sessions.hold,
    "jump": sessions.jump,
    "finish": sessions.finish,
    "verdict": sessions.verdict,
    "lose": sessions.lose,
    "reattach": sessions.reattach,
    "late stop": sessions.late_stop,
    "late verdict": sessions.late_verdict,
    "again": sessions.again,
    "nothing": sessions.swallow,
}


def step(state: State, given: Input, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Answer one input. What is overdue at `now` happens first, so that a late wake-up changes nothing of the order."""
    context = StepContext(state, now)
    _run_deadlines(context)
    settle_ms = now_playing.SETTLE_MS
    match given:
        case Heard():
            _hear(context, given)
        case Identified(session=name) if name in context.sessions:
            merging.identify(context, context.sessions[name], given)
        case Unidentified(session=name, reason=reason) if name in context.sessions:
            _give_up(context, context.sessions[name], reason)
        case Ignore(session=name, reason=reason) if name in context.sessions:
            apply_event.ignore(context, context.sessions[name], reason)
        case Hide(account=account):
            _hide(context, account)
        case ContactLost(settle_ms=settle_ms):
            _lose_sight(context)
        case Deadline() | Identified() | Unidentified() | Ignore():
            pass
    _run_deadlines(context)
    now_playing.refresh(context, settle_ms=settle_ms)
    return context.result(), tuple(context.effects)


def next_deadline(state: State) -> int | None:
    """Say when something happens by the mere passing of time, on the monotonic clock in ms."""
    return min(_dues(state.sessions.values(), state.plays.values()), default=None)


def _dues(sessions: Iterable[Session], plays: Iterable[Play]) -> Iterator[int]:
    for session in sessions:
        dues = (timeouts.quiet_due(session), timeouts.close_due(session))
        yield from (due for due in dues if due is not None)
        if not session.open:
            yield session.over_mono_ms + DAY_MS
    for play in plays:
        if play.closing_mono_ms is not None:
            yield play.closing_mono_ms
        if play.closed_mono_ms is not None:
            yield play.closed_mono_ms + DAY_MS


def _run_deadlines(context: StepContext) -> None:
    """Do what is due, and say until when nothing else is."""
    if context.calm_until_mono_ms is not None:
        context.calm_until_mono_ms = _earliest(context, context.calm_until_mono_ms)
        if context.now.mono_ms < context.calm_until_mono_ms:
            return
    for name in list(context.sessions):
        session = context.sessions[name]
        quiet = timeouts.quiet_due(session)
        if quiet is not None and quiet <= context.now.mono_ms:
            timeouts.fall_quiet(context, session, "nothing was heard of the player")
        session = context.sessions[name]
        close = timeouts.close_due(session)
        if close is not None and close <= context.now.mono_ms:
            timeouts.fall_silent(context, session)
    for play in list(context.plays.values()):
        if play.closing_mono_ms is not None and play.closing_mono_ms <= context.now.mono_ms:
            lifecycle.closing_due(context, context.plays[play.id])
    context.forget_old()
    context.changed_sessions.update(context.sessions)
    context.changed_plays.update(context.plays)
    context.calm_until_mono_ms = _earliest(context, context.now.mono_ms + DAY_MS)


def _earliest(context: StepContext, bound_mono_ms: int) -> int:
    """Say when something may be due, where what was not changed since is due at `bound_mono_ms` at the earliest."""
    sessions = [context.sessions[one] for one in context.changed_sessions if one in context.sessions]
    plays = [context.plays[one] for one in context.changed_plays if one in context.plays]
    context.changed_sessions.clear()
    context.changed_plays.clear()
    return min((bound_mono_ms, *_dues(sessions, plays)))


def _lose_sight(context: StepContext) -> None:
    for session in list(context.sessions.values()):
        if session.open or session.over_mono_ms == context.now.mono_ms:
            session = context.put(replace(session, blind_mono_ms=context.now.mono_ms))  # noqa: PLW2901
        if session.mode == "playing":
            timeouts.fall_quiet(context, session, "the daemon lost sight of the player")
    for play in list(context.plays.values()):
        # No second player can confirm its end any more.
        if play.closing_mono_ms is not None:
            lifecycle.closing_due(context, play)


def _hide(context: StepContext, account: str) -> None:
    for play in list(context.plays.values()):
        if play.account == account and play.open:
            hidden = replace(play, outcome="ignored", outcome_reason="private mode")
            context.note(play.id, "ignored", "private mode")
            lifecycle.close(context, hidden)


def _give_up(context: StepContext, session: Session, reason: str) -> None:
    for play in context.plays_of(session):
        if play.work is None and play.outcome is None:
            context.put_play(replace(play, outcome="needs review", outcome_reason=reason))
            context.note(play.id, "not identified", reason)


def _hear(context: StepContext, heard: Heard) -> None:
    heard = apply_event.sane(heard)
    here = [
        one
        for one in context.sessions.values()
        if one.source == heard.source and one.player == heard.event.player and one.origin == "heard"
    ]
    same = [one for one in here if one.item_key == heard.event.item_key]
    session = max(same, key=lambda one: (one.open, one.opened_mono_ms, one.heard_mono_ms), default=None)
    action = TABLE[heard.event.kind][_situation(session)]
    if heard.event.kind == "watched" and apply_event.past_utc_ms(context, heard) is not None:
        action = "recall"
    if session is not None and _swapped(context, session, here, heard):
        sessions.overtaken_by_next(context, session, heard)
        return
    if heard.event.kind in REPLACES and heard.event.observed and not _only_echoes(context, session, heard):
        for other in here:
            if other.open and other.item_key != heard.event.item_key:
                sessions.replaced(context, other)
    if session is not None and session.open and heard.ignored:
        apply_event.ignore(context, session, heard.ignored)
    elif session is None or action in ("mark", "recall"):
        _without_session(context, action, session, heard)
    else:
        _ON_SESSION[action](context, session, heard)


def _swapped(context: StepContext, session: Session, here: list[Session], heard: Heard) -> bool:
    """Tell whether the next item overtook this word about an item that it has just replaced (players.md 1.5)."""
    return (
        heard.event.kind in ("progress", "pause", "seek")
        and session.ending == "replaced"
        and context.now.mono_ms - session.over_mono_ms <= sessions.SWAPPED_MS
        and any(other.open for other in here)
    )


def _only_echoes(context: StepContext, session: Session | None, heard: Heard) -> bool:
    """Tell whether a word about an item that is over says nothing of what plays now."""
    return session is not None and _situation(session) == "finished" and sessions.echoes(context, session, heard)


def _without_session(context: StepContext, action: Action, known: Session | None, heard: Heard) -> None:
    match action:
        case "begin" | "begin paused" if heard.event.observed:
            apply_event.begin(context, heard, "paused" if action == "begin paused" else "playing")
        case "begin and finish" if heard.event.observed:
            sessions.begin_and_finish(context, heard)
        case "recall":
            sessions.recall(context, heard)
        case "mark":
            marking.mark(context, known, heard)
        case _:
            pass


def _situation(session: Session | None) -> Situation:
    if session is None:
        return "unknown"
    match session.mode:
        case "over":
            return "lost" if session.ending in ("gone", "silence", "replaced", "ignored") else "finished"
        case mode:
            return mode
