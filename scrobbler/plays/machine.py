"""The state machine of plays: `(state, input, now) -> (change, effects)`, pure.

No input or output, no clock, no logging, no configuration. A replay of the same inputs at the same times gives the same
effects. A step is a row of stages, each of which reads and returns a value that is taken over before the next begins:

    input ─▶ session changes ─▶ play changes ─▶ judgements ─▶ now playing
             apply_event        lifecycle       verdict       now_playing
"""

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays import apply_event, classify, lifecycle, merging, now_playing, session_changes, timeouts, verdict
from scrobbler.plays.model import (
    ContactLost,
    Deadline,
    Effect,
    Heard,
    Hide,
    Identified,
    Ignore,
    Input,
    PlayChange,
    SessionChange,
    Unidentified,
)
from scrobbler.plays.state import Change, State
from scrobbler.plays.step_context import StepContext


def step(state: State, given: Input, now: Now) -> tuple[Change, tuple[Effect, ...]]:
    """Answer one input. What is overdue at `now` happens first, so that a late wake-up changes nothing of the order.

    The state is read and not changed: whoever owns it applies the change once it is stored.
    """
    context = StepContext(state, now)
    _run_deadlines(context)
    _take_in(context, given)
    _run_deadlines(context)
    settle_ms = given.settle_ms if isinstance(given, ContactLost) else now_playing.SETTLE_MS
    for shown in now_playing.refresh(context, settle_ms=settle_ms):
        context.take_now_playing(shown)
    return context.change(), tuple(context.effects)


def _take_in(context: StepContext, given: Input) -> None:
    match given:
        case Heard():
            _carry_out(context, apply_event.hear(context, classify.understand(context, given)))
        case Hide(account=account):
            _take_plays(context, lifecycle.hide(context, account))
        case ContactLost():
            _lose_sight(context)
        case Deadline():
            pass
        case Identified() | Unidentified() | Ignore():
            _take_answer(context, given)


def _take_answer(context: StepContext, given: Identified | Unidentified | Ignore) -> None:
    """Take in what the resolver found out about a session that is still remembered."""
    session = context.session(given.session)
    if session is None:
        return
    match given:
        case Identified():
            session = merging.named(session, given)
            context.take_session(session)
            _take_plays(context, merging.learn(context, session, given))
        case Unidentified(reason=reason):
            _take_plays(context, lifecycle.nameless(context, session, reason))
        case Ignore(reason=reason):
            _carry_out(context, [session_changes.let_go(context, session, reason)])


def _carry_out(context: StepContext, changes: list[SessionChange]) -> None:
    """Let plays follow the changes of sessions, one after the other."""
    for change in changes:
        context.take_session(change.session)
        followed = lifecycle.follow(context, change)
        context.take_effects(change.effects)
        _take_plays(context, followed)


def _take_plays(context: StepContext, change: PlayChange) -> None:
    """Take over what plays have come to, and judge what is to be judged."""
    for session in change.sessions:
        context.take_session(session)
    for play in change.plays:
        context.take_play(play)
    context.take_effects(change.effects)
    for judged in verdict.judge_all(context, change.tasks):
        context.take_play(judged.play)
        context.take_effects(judged.effects)


def _run_deadlines(context: StepContext) -> None:
    """Do what is due by the mere passing of time."""
    for name in context.silent_sessions():
        _fall_silent(context, name)
    for name in context.closing_plays():
        _take_plays(context, lifecycle.closing_due(context, context.play(name)))
    context.forget_old()


def _fall_silent(context: StepContext, name: str) -> None:
    session = context.session(name)
    if session is None:
        return
    quiet = timeouts.quiet_due(session)
    if quiet is not None and quiet <= context.now.mono_ms:
        _carry_out(context, session_changes.fall_quiet(session, "nothing was heard of the player"))
    session = context.session(name)
    close = None if session is None else timeouts.close_due(session)
    if session is not None and close is not None and close <= context.now.mono_ms:
        _carry_out(context, session_changes.fall_silent(context, session))


def _lose_sight(context: StepContext) -> None:
    """Nobody knows what the players do from now on (rule 9)."""
    for name in [one.id for one in (*context.open_sessions(), *context.just_over())]:
        session = context.session(name)
        assert session is not None
        blind = replace(session, contact=replace(session.contact, blind_mono_ms=context.now.mono_ms))
        context.take_session(blind)
        if blind.phase.mode == "playing":
            _carry_out(context, session_changes.fall_quiet(blind, "the daemon lost sight of the player"))
    for name in context.all_closing_plays():
        # No second player can confirm its end any more.
        _take_plays(context, lifecycle.closing_due(context, context.play(name)))
