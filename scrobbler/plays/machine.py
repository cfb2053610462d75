"""The state machine of plays: `(state, input, now) -> (state, effects)`, pure (design.md part 2).

No input or output, no clock, no logging, no configuration. A replay of the same inputs at the same times gives the same
effects.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays import banners, following, joining, listening, marking, sessions, silence
from scrobbler.plays.draft import DAY_MS, Draft
from scrobbler.plays.model import (
    ContactLost,
    Deadline,
    Effect,
    Heard,
    Hide,
    Identified,
    Ignore,
    Input,
    Session,
    State,
    Unidentified,
    Viewing,
)
from scrobbler.plays.table import REPLACES, TABLE, Action, Situation

_ON_SESSION: dict[Action, Callable[[Draft, Session, Heard], None]] = {
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
    draft = Draft(state, now)
    _run_deadlines(draft)
    settle_ms = banners.SETTLE_MS
    match given:
        case Heard():
            _hear(draft, given)
        case Identified(session=name) if name in draft.sessions:
            joining.identify(draft, draft.sessions[name], given)
        case Unidentified(session=name, reason=reason) if name in draft.sessions:
            _give_up(draft, draft.sessions[name], reason)
        case Ignore(session=name, reason=reason) if name in draft.sessions:
            listening.ignore(draft, draft.sessions[name], reason)
        case Hide(account=account):
            _hide(draft, account)
        case ContactLost(settle_ms=settle_ms):
            _lose_sight(draft)
        case Deadline() | Identified() | Unidentified() | Ignore():
            pass
    _run_deadlines(draft)
    banners.refresh(draft, settle_ms=settle_ms)
    return draft.result(), tuple(draft.effects)


def next_deadline(state: State) -> int | None:
    """Say when something happens by the mere passing of time, on the monotonic clock in ms."""
    return min(_dues(state.sessions.values(), state.viewings.values()), default=None)


def _dues(sessions: Iterable[Session], viewings: Iterable[Viewing]) -> Iterator[int]:
    for session in sessions:
        dues = (silence.quiet_due(session), silence.close_due(session))
        yield from (due for due in dues if due is not None)
        if not session.open:
            yield session.over_mono_ms + DAY_MS
    for viewing in viewings:
        if viewing.closing_mono_ms is not None:
            yield viewing.closing_mono_ms
        if viewing.closed_mono_ms is not None:
            yield viewing.closed_mono_ms + DAY_MS


def _run_deadlines(draft: Draft) -> None:
    """Do what is due, and say until when nothing else is."""
    if draft.calm_until_mono_ms is not None:
        draft.calm_until_mono_ms = _earliest(draft, draft.calm_until_mono_ms)
        if draft.now.mono_ms < draft.calm_until_mono_ms:
            return
    for name in list(draft.sessions):
        session = draft.sessions[name]
        quiet = silence.quiet_due(session)
        if quiet is not None and quiet <= draft.now.mono_ms:
            silence.fall_quiet(draft, session, "nothing was heard of the player")
        session = draft.sessions[name]
        close = silence.close_due(session)
        if close is not None and close <= draft.now.mono_ms:
            silence.fall_silent(draft, session)
    for viewing in list(draft.viewings.values()):
        if viewing.closing_mono_ms is not None and viewing.closing_mono_ms <= draft.now.mono_ms:
            following.closing_due(draft, draft.viewings[viewing.id])
    draft.forget_old()
    draft.changed_sessions.update(draft.sessions)
    draft.changed_viewings.update(draft.viewings)
    draft.calm_until_mono_ms = _earliest(draft, draft.now.mono_ms + DAY_MS)


def _earliest(draft: Draft, bound_mono_ms: int) -> int:
    """Say when something may be due, where what was not changed since is due at `bound_mono_ms` at the earliest."""
    sessions = [draft.sessions[one] for one in draft.changed_sessions if one in draft.sessions]
    viewings = [draft.viewings[one] for one in draft.changed_viewings if one in draft.viewings]
    draft.changed_sessions.clear()
    draft.changed_viewings.clear()
    return min((bound_mono_ms, *_dues(sessions, viewings)))


def _lose_sight(draft: Draft) -> None:
    for session in list(draft.sessions.values()):
        if session.open or session.over_mono_ms == draft.now.mono_ms:
            session = draft.put(replace(session, blind_mono_ms=draft.now.mono_ms))  # noqa: PLW2901
        if session.mode == "playing":
            silence.fall_quiet(draft, session, "the daemon lost sight of the player")
    for viewing in list(draft.viewings.values()):
        # No second player can confirm its end any more.
        if viewing.closing_mono_ms is not None:
            following.closing_due(draft, viewing)


def _hide(draft: Draft, account: str) -> None:
    for viewing in list(draft.viewings.values()):
        if viewing.account == account and viewing.open:
            hidden = replace(viewing, outcome="ignored", outcome_reason="private mode")
            draft.note(viewing.id, "ignored", "private mode")
            following.close(draft, hidden)


def _give_up(draft: Draft, session: Session, reason: str) -> None:
    for viewing in draft.viewings_of(session):
        if viewing.work is None and viewing.outcome is None:
            draft.put_viewing(replace(viewing, outcome="needs review", outcome_reason=reason))
            draft.note(viewing.id, "not identified", reason)


def _hear(draft: Draft, heard: Heard) -> None:
    heard = listening.sane(heard)
    here = [
        one
        for one in draft.sessions.values()
        if one.source == heard.source and one.player == heard.event.player and one.origin == "heard"
    ]
    same = [one for one in here if one.item_key == heard.event.item_key]
    session = max(same, key=lambda one: (one.open, one.opened_mono_ms, one.heard_mono_ms), default=None)
    action = TABLE[heard.event.kind][_situation(session)]
    if heard.event.kind == "watched" and listening.past_utc_ms(draft, heard) is not None:
        action = "recall"
    if session is not None and _swapped(draft, session, here, heard):
        sessions.overtaken_by_next(draft, session, heard)
        return
    if heard.event.kind in REPLACES and heard.event.observed and not _only_echoes(draft, session, heard):
        for other in here:
            if other.open and other.item_key != heard.event.item_key:
                sessions.replaced(draft, other)
    if session is not None and session.open and heard.ignored:
        listening.ignore(draft, session, heard.ignored)
    elif session is None or action in ("mark", "recall"):
        _without_session(draft, action, session, heard)
    else:
        _ON_SESSION[action](draft, session, heard)


def _swapped(draft: Draft, session: Session, here: list[Session], heard: Heard) -> bool:
    """Tell whether the next item overtook this word about an item that it has just replaced (players.md 1.5)."""
    return (
        heard.event.kind in ("progress", "pause", "seek")
        and session.ending == "replaced"
        and draft.now.mono_ms - session.over_mono_ms <= sessions.SWAPPED_MS
        and any(other.open for other in here)
    )


def _only_echoes(draft: Draft, session: Session | None, heard: Heard) -> bool:
    """Tell whether a word about an item that is over says nothing of what plays now."""
    return session is not None and _situation(session) == "finished" and sessions.echoes(draft, session, heard)


def _without_session(draft: Draft, action: Action, known: Session | None, heard: Heard) -> None:
    match action:
        case "begin" | "begin paused" if heard.event.observed:
            listening.begin(draft, heard, "paused" if action == "begin paused" else "playing")
        case "begin and finish" if heard.event.observed:
            sessions.begin_and_finish(draft, heard)
        case "recall":
            sessions.recall(draft, heard)
        case "mark":
            marking.mark(draft, known, heard)
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
