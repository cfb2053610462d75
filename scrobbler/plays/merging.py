"""The second stage of a step, after identification: plays learn their work, and two reports of one play become one."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.plays.judge import threshold_of
from scrobbler.plays.lifecycle import NOTHING, together
from scrobbler.plays.model import Identified, Note, Play, PlayChange, Prior, Session, Task
from scrobbler.plays.queries import all_watched, latest_word, play_state, richest, where
from scrobbler.plays.state import DAY_MS
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import PLAY_TABLE, PlayAction, PlayEvent

LATE_JOIN_MS = 10 * 60_000
"""So long after its end, another source's report of the same play is still the same play."""

RECALL_MS = 2 * 3_600_000
"""A play that a source remembers is one we recorded when both ended within this time, or the work's length."""

CLOCKS_MS = 60_000
"""So far the clocks of two machines may differ."""


class Learnt(Struct, frozen=True, kw_only=True):
    """A play that knows its work now, the session that told, and what was found of it: before, and beside it."""

    known: Play
    session: Session
    prior: Prior
    host: Play | None


def named(session: Session, answer: Identified) -> Session:
    """Take over what a session plays, and the length where its player never told one."""
    identity = replace(session.identity, work_id=session.identity.work_id or answer.work_id)
    position = session.position
    if not position.duration_ms and answer.runtime_ms:
        position = replace(position, duration_ms=answer.runtime_ms, nominal=True)
    return replace(session, identity=identity, position=position)


def learn(context: StepContext, session: Session, answer: Identified) -> PlayChange:
    """Let the plays of a session learn their work: each joins another play of the same work, or goes on as its own."""
    known = context.plays_of(session)
    nameless = [play for play in known if play.work_id is None and play.outcome != "ignored"]
    return together(_learn(context, play, session, answer) for play in nameless)


def _learn(context: StepContext, play: Play, session: Session, answer: Identified) -> PlayChange:
    prior = prior_of(play, answer)
    known = replace(
        play,
        work=answer.work,
        work_id=answer.work_id,
        runtime_ms=answer.runtime_ms or play.runtime_ms,
        prior_seen=prior.seen and not _just_watched(session, prior),
        outcome=None,
        outcome_reason="",
    )
    learnt = Learnt(known=known, session=session, prior=prior, host=_host(context, known, session))
    event: PlayEvent = "named"
    if learnt.host is not None:
        event = "same as another"
    elif _recorded_already(known, session, prior):
        event = "recorded before"
    action = PLAY_TABLE[event][play_state(play)]
    if action == "nothing":
        return NOTHING
    identified = Note(about=play.id, step="identified", text="; ".join(answer.reasons) or "by what the source said")
    change = ACTIONS[action](context, learnt)
    return replace(change, effects=(identified, *change.effects))


def prior_of(play: Play, answer: Identified) -> Prior:
    """Say what the account of a play has done with its work before."""
    return next((one for one in answer.priors if one.account == play.account), Prior(account=play.account))


def _just_watched(session: Session, prior: Prior) -> bool:
    """Tell whether the earlier part belongs to a watch of the same day: to open the end once more is not another one."""
    return prior.watched_utc_ms is not None and session.identity.opened_utc_ms - prior.watched_utc_ms < DAY_MS


def _recorded_already(play: Play, session: Session, prior: Prior) -> bool:
    """Tell whether a play that a source remembers was recorded when it happened (catching up)."""
    if play.open or session.identity.past_utc_ms is None or prior.watched_utc_ms is None:
        return False
    apart = abs(prior.watched_utc_ms - session.identity.past_utc_ms)
    return apart <= max(RECALL_MS, play.runtime_ms or 0)


def _host(context: StepContext, play: Play, session: Session) -> Play | None:
    """Find the play of the same account and work that this one is another report of."""
    rivals = [
        other
        for other in context.plays_of_work(play.account, play.work_id)
        if other.id != play.id
        and other.merged_into is None
        and other.outcome in (None, "needs review")
        and session.id not in other.sessions
    ]
    if session.identity.past_utc_ms is not None:
        at_utc_ms = session.identity.past_utc_ms
        remembered = [other for other in rivals if _remembered_by(context, other, play, session)]
        return min(remembered, key=lambda other: _apart_ms(context, other, at_utc_ms), default=None)
    here = (session.identity.source, session.identity.player)
    rivals = [other for other in rivals if here not in _players_of(context, other)]
    for other in rivals:
        if other.open:
            return other
    return next((other for other in rivals if _ended_as(context, other, play, session)), None)


def _players_of(context: StepContext, play: Play) -> set[tuple[str, str]]:
    return {(one.identity.source, one.identity.player) for one in context.talking(play)}


def _ended_as(context: StepContext, other: Play, play: Play, session: Session) -> bool:
    """Tell whether a closed play is the play that this session reports: both at once, or only its end told late."""
    if other.closed_mono_ms is None or _past_of(context, other) is not None:
        return False
    if session.identity.opened_mono_ms <= other.closed_mono_ms:
        return True
    if context.now.mono_ms - other.closed_mono_ms > LATE_JOIN_MS or not other.watched_parts:
        return False
    progress = where(play, session)[1]
    return not play.open if progress is None else progress >= threshold_of(play.policy, play.work)


def _remembered_by(context: StepContext, other: Play, play: Play, session: Session) -> bool:
    """Tell whether a play is the play that a source remembers, or that somebody marked by hand, by the time of day."""
    assert session.identity.past_utc_ms is not None
    span_ms = max(RECALL_MS, play.runtime_ms or 0)
    past = _past_of(context, other)
    if past is not None:
        return abs(past - session.identity.past_utc_ms) <= span_ms
    if session.identity.origin == "marked" and not other.open and not all_watched(other):
        return False
    last = context.now.utc_ms if other.closed_utc_ms is None else other.closed_utc_ms + span_ms
    return other.opened_utc_ms - CLOCKS_MS <= session.identity.past_utc_ms <= last


def _apart_ms(context: StepContext, play: Play, at_utc_ms: int) -> int:
    """Say how far a moment lies outside of a play."""
    past = _past_of(context, play)
    if past is not None:
        return abs(past - at_utc_ms)
    closed_utc_ms = context.now.utc_ms if play.closed_utc_ms is None else play.closed_utc_ms
    return max(0, play.opened_utc_ms - at_utc_ms, at_utc_ms - closed_utc_ms)


def _past_of(context: StepContext, play: Play) -> int | None:
    """Say when a play happened that was only told about afterwards; None for one that was followed."""
    primary = context.primary(play)
    return None if primary is None else primary.identity.past_utc_ms


def _take_work(context: StepContext, learnt: Learnt) -> PlayChange:
    del context
    passing = Task(play=learnt.known.id, passed_by=learnt.session.id)
    return PlayChange(plays=(learnt.known,), tasks=(passing,))


def _take_work_and_judge(context: StepContext, learnt: Learnt) -> PlayChange:
    del context
    return PlayChange(plays=(learnt.known,), tasks=(Task(play=learnt.known.id),))


def _refer(context: StepContext, learnt: Learnt) -> PlayChange:
    """Point to the play that was recorded when it happened."""
    del context
    earlier = learnt.prior.watched_play
    note = Note(about=learnt.known.id, step="already", text=f"recorded as {earlier or 'an earlier play'}")
    referred = replace(learnt.known, merged_into=earlier or None, outcome="already watched")
    return PlayChange(plays=(referred,), effects=(note,))


def _merge(context: StepContext, learnt: Learnt) -> PlayChange:
    """Make two reports of one play one play; the guest stays visible as merged."""
    guest, host, session = learnt.known, learnt.host, learnt.session
    assert host is not None
    moved = tuple(one for one in guest.sessions if one not in host.sessions)
    joined = replace(host, sessions=host.sessions + moved, runtime_ms=host.runtime_ms or guest.runtime_ms)
    merged = replace(
        guest,
        sessions=(),
        merged_into=host.id,
        closed_utc_ms=guest.closed_utc_ms or context.now.utc_ms,
        closed_mono_ms=guest.closed_mono_ms or context.now.mono_ms,
        closing_mono_ms=None,
        outcome="merged",
        outcome_reason=f"the same play as {host.id}",
    )
    tasks: tuple[Task, ...] = ()
    if joined.open:
        joined = replace(joined, primary=richest(context, joined))
    elif all_watched(joined):
        pass
    elif guest.open and session.open:
        # The host was closed too early: the play goes on at the guest's player.
        joined = replace(joined, primary=session.id, closed_utc_ms=None, closed_mono_ms=None)
        joined = replace(joined, outcome=None, outcome_reason="")
    else:
        joined = replace(joined, primary=latest_word(context, joined), outcome=None, outcome_reason="")
        tasks = (Task(play=joined.id),)
    notes = (
        Note(about=guest.id, step="merged", text=f"into {host.id}: the same account and work at the same time"),
        Note(about=host.id, step="joined", text=f"{guest.id} reports the same play"),
    )
    return PlayChange(plays=(joined, merged), effects=notes, tasks=tasks)


ACTIONS: dict[PlayAction, Callable[[StepContext, Learnt], PlayChange]] = {
    "learn": _take_work,
    "learn and judge": _take_work_and_judge,
    "merge": _merge,
    "refer": _refer,
}
