"""The second stage of a step: plays follow their sessions (rules.md rules 4, 10, 13).

What happened to a session becomes an event of each of its plays, the table of plays says what follows, and the functions here
return the plays' new values and what has to be judged now.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from scrobbler.plays.judge import threshold_of
from scrobbler.plays.model import Effect, Note, Play, PlayChange, Session, SessionChange, Task
from scrobbler.plays.queries import all_watched, latest_word, play_state, richest, where
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import PLAY_TABLE, PlayAction, PlayEvent

CLOSING_MS = 5_000
"""How long a play waits for a second player to confirm that it is over."""

NOTHING = PlayChange()


def follow(context: StepContext, change: SessionChange) -> PlayChange:
    """Let the plays of a session follow what happened to it."""
    session = change.session
    match change.happened:
        case "opened":
            return _open_plays(context, session, change.held)
        case "told":
            return NOTHING
        case "let go":
            return _let_go_of_all(context, session, change.reason)
        case "moved":
            return _each(context, session, lambda _: "moved")
        case "quiet":
            return _each(context, session, lambda play: _all_quiet(context, play, session))
        case "over":
            return _each(context, session, lambda play: _over(context, play, session))
        case "heard again":
            return _each(context, session, lambda play: None if all_watched(play) else "heard again")
        case "judged anew":
            return _each(context, session, lambda play: None if play.work is None else "judged anew")


def nameless(context: StepContext, session: Session, reason: str) -> PlayChange:
    """The resolver found nothing: people have to say what the plays of a session are."""
    return _each(context, session, lambda play: "nameless" if play.work is None else None, reason)


def hide(context: StepContext, account: str) -> PlayChange:
    """Private mode begins: what the account watches now is over, and nothing of it reaches Simkl."""
    return together(answer(context, play, "hidden", None, "private mode") for play in context.open_plays(account))


def closing_due(context: StepContext, play: Play) -> PlayChange:
    """Decide for a play whose speaking player stopped while another did not, whether it goes on there."""
    return answer(context, play, "stays over" if _alive(context, play) is None else "goes on elsewhere", None)


def answer(
    context: StepContext, play: Play, event: PlayEvent | None, session: Session | None, reason: str = ""
) -> PlayChange:
    """Do what the table says. `session` is the one that it happened to, `reason` what is told of it."""
    if event is None:
        return NOTHING
    action = PLAY_TABLE[event][play_state(play)]
    return NOTHING if action == "nothing" else ACTIONS[action](context, play, session, reason)


def together(changes: Iterable[PlayChange]) -> PlayChange:
    """Put the changes of several plays together."""
    every = list(changes)
    return PlayChange(
        plays=tuple(one for change in every for one in change.plays),
        sessions=tuple(one for change in every for one in change.sessions),
        effects=tuple(one for change in every for one in change.effects),
        tasks=tuple(one for change in every for one in change.tasks),
    )


def _each(
    context: StepContext, session: Session, event_of: Callable[[Play], PlayEvent | None], reason: str = ""
) -> PlayChange:
    return together(answer(context, play, event_of(play), session, reason) for play in context.plays_of(session))


# What happened, seen from a play.


def _over(context: StepContext, play: Play, session: Session) -> PlayEvent:
    stopped = session.phase.ending in ("stop", "end")
    if not any(one.open for one in context.talking(play)):
        return "all over"
    if play.primary == session.id and not stopped:
        return "spoke for"
    return "stopped" if stopped and _has_last_word(context, play, session) else "stopped aside"


def _has_last_word(context: StepContext, play: Play, session: Session) -> bool:
    """Tell whether a stop here may end the play: its player speaks for it, or the one that does tells edges alone.

    Of such a one a stop past the threshold is enough, since it will not say anything itself for hours.
    """
    primary = context.primary(play)
    if primary is None or primary.id == session.id:
        return True
    progress = 100.0 if session.phase.ending == "end" else where(play, session)[1]
    past = progress is not None and progress >= threshold_of(play.policy, play.work)
    return past and not primary.contact.ticking


def _all_quiet(context: StepContext, play: Play, session: Session) -> PlayEvent | None:
    """Tell whether a play only waited for this session, which has fallen quiet, after another player of its stopped."""
    if any(one.phase.mode in ("playing", "paused") for one in context.talking(play)):
        return None
    return "all quiet" if _stopped_since(context, play, session) else None


def _stopped_since(context: StepContext, play: Play, session: Session) -> list[Session]:
    heard_mono_ms = session.contact.heard_mono_ms
    return [
        one
        for one in context.talking(play)
        if one.phase.ending in ("stop", "end") and one.phase.over_mono_ms > heard_mono_ms
    ]


def _alive(context: StepContext, play: Play) -> Session | None:
    """Find a player that was heard playing after the stop that the play waits for."""
    assert play.closing_mono_ms is not None
    stopped_mono_ms = play.closing_mono_ms - CLOSING_MS
    playing = (one for one in context.talking(play) if one.phase.mode == "playing")
    return next((one for one in playing if one.contact.heard_mono_ms > stopped_mono_ms), None)


# What follows.


def _open_plays(context: StepContext, session: Session, held: str) -> PlayChange:
    """Begin one play for every account in front of the player. `held` says why people must look at it first."""
    plays: list[Play] = []
    effects: list[Effect] = []
    for place, policy in enumerate(session.identity.accounts):
        play = Play(
            id=f"p{context.serial + place}",
            account=policy.account,
            policy=policy,
            sessions=(session.id,),
            primary=session.id,
            item=session.identity.item,
            opened_utc_ms=session.identity.opened_utc_ms,
            outcome="needs review" if held else None,
            outcome_reason=held,
        )
        plays.append(play)
        where_from = session.identity.device or session.identity.source
        effects.append(Note(about=play.id, step="opened", text=f"{policy.account} on {where_from}"))
    if held:
        effects += [Note(about=play.id, step="held", text=held) for play in plays]
    return PlayChange(plays=tuple(plays), effects=tuple(effects))


def _let_go_of_all(context: StepContext, session: Session, reason: str) -> PlayChange:
    """Let go of the plays of what is no play of ours, and close those that no other player goes on with."""
    changes = []
    for play in context.plays_of(session):
        change = answer(context, play, None if play.outcome else "not ours", session, reason)
        ignored = change.plays[-1] if change.plays else play
        changes += [change, answer(context, ignored, _over(context, ignored, session), session)]
    return together(changes)


def _follow(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del reason
    followed = replace(play, primary=richest(context, play))
    return PlayChange(plays=() if followed == play else (followed,), tasks=_passing(followed, session))


def _stay(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del context, reason
    return PlayChange(tasks=_passing(play, session))


def _passing(play: Play, session: Session | None) -> tuple[Task, ...]:
    """Name the judgement that follows where the session that speaks has moved."""
    if session is None or play.primary != session.id or play.work is None:
        return ()
    return (Task(play=play.id, passed_by=session.id),)


def _hand_over(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del session, reason
    return PlayChange(plays=(replace(play, primary=richest(context, play)),))


def _wait_for_the_other(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del reason
    assert session is not None
    return PlayChange(plays=(replace(play, primary=session.id, closing_mono_ms=context.now.mono_ms + CLOSING_MS),))


def _take_over(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del session, reason
    alive = _alive(context, play)
    assert alive is not None
    note = Note(about=play.id, step="taken over", text=f"goes on at {alive.identity.source}")
    going_on = replace(play, closing_mono_ms=None)
    return PlayChange(plays=(replace(going_on, primary=richest(context, going_on)),), effects=(note,))


def _close(context: StepContext, play: Play, session: Session | None = None, reason: str = "") -> PlayChange:
    """End a play. What it amounts to is said at once when its work is known, else when it becomes known."""
    del session, reason
    closed = replace(
        play,
        primary=_last_word(context, play),
        closing_mono_ms=None,
        closed_utc_ms=context.now.utc_ms,
        closed_mono_ms=context.now.mono_ms,
    )
    primary = context.primary(closed)
    ignored = primary is not None and primary.phase.ending == "ignored"
    judged = play.work is not None and play.outcome is None and not ignored
    return PlayChange(plays=(closed,), tasks=(Task(play=play.id),) if judged else ())


def _last_word(context: StepContext, play: Play) -> str:
    """Choose the session that says where a play ended: the one that stopped, else the one whose position is the latest."""
    primary = context.primary(play)
    if primary is not None and primary.phase.ending in ("stop", "end"):
        return primary.id
    return latest_word(context, play)


def _close_both(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    """End a play after one of its players has stopped; close the sessions that no other play needs."""
    del reason
    stopped = [] if session is None else _stopped_since(context, play, session)
    if stopped:
        play = replace(play, primary=max(stopped, key=lambda one: one.phase.over_mono_ms).id)
    alone = [one for one in context.talking(play) if one.open and len(context.plays_of(one)) == 1]
    over = [
        replace(one, phase=replace(one.phase, mode="over", ending="replaced", over_mono_ms=context.now.mono_ms))
        for one in alone
    ]
    return replace(_close(context, play), sessions=tuple(over))


def _reopen(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del context, reason
    assert session is not None
    reopened = replace(
        play, closed_utc_ms=None, closed_mono_ms=None, primary=session.id, outcome=None, outcome_reason=""
    )
    return PlayChange(plays=(reopened,))


def _judge_again(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del context, reason
    assert session is not None
    again = replace(play, primary=session.id, outcome=None, outcome_reason="")
    return PlayChange(plays=(again,), tasks=(Task(play=play.id),))


def _ask_people(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del context, session
    held = replace(play, outcome="needs review", outcome_reason=reason)
    return PlayChange(plays=(held,), effects=(Note(about=play.id, step="not identified", text=reason),))


def _let_go(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    del context, session
    ignored = replace(play, outcome="ignored", outcome_reason=reason)
    return PlayChange(plays=(ignored,), effects=(Note(about=play.id, step="ignored", text=reason),))


def _hide(context: StepContext, play: Play, session: Session | None, reason: str) -> PlayChange:
    ignored = _let_go(context, play, session, reason)
    return together((ignored, _close(context, ignored.plays[-1])))


ACTIONS: dict[PlayAction, Callable[[StepContext, Play, Session | None, str], PlayChange]] = {
    "follow": _follow,
    "stay": _stay,
    "hand over": _hand_over,
    "wait for the other": _wait_for_the_other,
    "close": _close,
    "close both": _close_both,
    "take over": _take_over,
    "reopen": _reopen,
    "judge again": _judge_again,
    "ask people": _ask_people,
    "let go": _let_go,
    "hide": _hide,
}
