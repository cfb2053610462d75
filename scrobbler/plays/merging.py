"""Identification: a session's plays learn their work, and two reports of one play become one."""

from msgspec.structs import replace

from scrobbler.plays.judge import threshold_of
from scrobbler.plays.lifecycle import latest_word
from scrobbler.plays.model import Identified, Play, Prior, Session
from scrobbler.plays.queries import all_watched, richest, talking, where
from scrobbler.plays.step_context import DAY_MS, StepContext
from scrobbler.plays.verdict import UNSEEN, complete_parts, settle

LATE_JOIN_MS = 10 * 60_000
"""So long after its end, another source's report of the same play is still the same play."""

RECALL_MS = 2 * 3_600_000
"""A play that a source remembers is one we recorded when both ended within this time, or the work's length."""

CLOCKS_MS = 60_000
"""So far the clocks of two machines may differ."""


def identify(context: StepContext, session: Session, answer: Identified) -> None:
    """Take over what a session plays: join another play of the same work, or go on as one's own."""
    session = replace(session, work_id=session.work_id or answer.work_id)
    if not session.duration_ms and answer.runtime_ms:
        session = replace(session, duration_ms=answer.runtime_ms, nominal=True)
    session = context.put(session)
    for play in context.plays_of(session):
        if play.work_id is None and (play.outcome != "ignored" or play.outcome_reason == UNSEEN):
            _learn(context, play, session, answer)


def _learn(context: StepContext, play: Play, session: Session, answer: Identified) -> None:
    prior = next((one for one in answer.priors if one.account == play.account), Prior(account=play.account))
    known = replace(
        play,
        work=answer.work,
        work_id=answer.work_id,
        runtime_ms=answer.runtime_ms or play.runtime_ms,
        prior_seen=prior.seen and not _just_watched(session, prior),
        outcome=None,
        outcome_reason="",
    )
    context.note(play.id, "identified", "; ".join(answer.reasons) or "by what the source said")
    host = _host(context, known, session)
    if host is not None:
        _merge(context, known, host, session)
    elif _recorded_already(known, session, prior):
        context.put_play(replace(known, merged_into=prior.watched_play or None, outcome="already watched"))
        context.note(play.id, "already", f"recorded as {prior.watched_play or 'an earlier play'}")
    else:
        context.put_play(known)
        if play.open:
            complete_parts(context, known, session)
        else:
            settle(context, known)


def _just_watched(session: Session, prior: Prior) -> bool:
    """Tell whether the earlier part belongs to a watch of the same day: to open the end once more is not another one."""
    return prior.watched_utc_ms is not None and session.opened_utc_ms - prior.watched_utc_ms < DAY_MS


def _recorded_already(play: Play, session: Session, prior: Prior) -> bool:
    """Tell whether a play that a source remembers was recorded when it happened (catching up)."""
    if play.open or session.past_utc_ms is None or prior.watched_utc_ms is None:
        return False
    apart = abs(prior.watched_utc_ms - session.past_utc_ms)
    return apart <= max(RECALL_MS, play.runtime_ms or 0)


def _host(context: StepContext, play: Play, session: Session) -> Play | None:
    """Find the play of the same account and work that this one is another report of."""
    rivals = [
        other
        for other in context.plays.values()
        if other.id != play.id
        and other.account == play.account
        and other.work_id == play.work_id
        and other.merged_into is None
        and other.outcome in (None, "needs review")
        and session.id not in other.sessions
    ]
    if session.past_utc_ms is not None:
        at_utc_ms = session.past_utc_ms
        remembered = [other for other in rivals if _remembered_by(context, other, play, session)]
        return min(remembered, key=lambda other: _apart_ms(context, other, at_utc_ms), default=None)
    here = (session.source, session.player)
    rivals = [other for other in rivals if here not in {(one.source, one.player) for one in talking(context, other)}]
    for other in rivals:
        if other.open:
            return other
    return next((other for other in rivals if _ended_as(context, other, play, session)), None)


def _ended_as(context: StepContext, other: Play, play: Play, session: Session) -> bool:
    """Tell whether a closed play is the play that this session reports: both at once, or only its end told late."""
    if other.closed_mono_ms is None or _past_of(context, other) is not None:
        return False
    if session.opened_mono_ms <= other.closed_mono_ms:
        return True
    if context.now.mono_ms - other.closed_mono_ms > LATE_JOIN_MS or not other.watched_parts:
        return False
    progress = where(play, session)[1]
    return not play.open if progress is None else progress >= threshold_of(play.policy, play.work)


def _remembered_by(context: StepContext, other: Play, play: Play, session: Session) -> bool:
    """Tell whether a play is the play that a source remembers, or that somebody marked by hand, by the time of day."""
    assert session.past_utc_ms is not None
    span_ms = max(RECALL_MS, play.runtime_ms or 0)
    past = _past_of(context, other)
    if past is not None:
        return abs(past - session.past_utc_ms) <= span_ms
    if session.origin == "marked" and not other.open and not all_watched(other):
        return False
    last = context.now.utc_ms if other.closed_utc_ms is None else other.closed_utc_ms + span_ms
    return other.opened_utc_ms - CLOCKS_MS <= session.past_utc_ms <= last


def _apart_ms(context: StepContext, play: Play, at_utc_ms: int) -> int:
    """Say how far a moment lies outside of a play."""
    past = _past_of(context, play)
    if past is not None:
        return abs(past - at_utc_ms)
    closed_utc_ms = context.now.utc_ms if play.closed_utc_ms is None else play.closed_utc_ms
    return max(0, play.opened_utc_ms - at_utc_ms, at_utc_ms - closed_utc_ms)


def _past_of(context: StepContext, play: Play) -> int | None:
    """Say when a play happened that was only told about afterwards; None for one that was followed."""
    primary = context.sessions.get(play.primary)
    return None if primary is None else primary.past_utc_ms


def _merge(context: StepContext, guest: Play, host: Play, session: Session) -> None:
    """Make two reports of one play one play; the guest stays visible as merged."""
    moved = tuple(one for one in guest.sessions if one not in host.sessions)
    joined = replace(host, sessions=host.sessions + moved, runtime_ms=host.runtime_ms or guest.runtime_ms)
    context.put_play(joined)
    context.put_play(
        replace(
            guest,
            sessions=(),
            merged_into=host.id,
            closed_utc_ms=guest.closed_utc_ms or context.now.utc_ms,
            closed_mono_ms=guest.closed_mono_ms or context.now.mono_ms,
            closing_mono_ms=None,
            outcome="merged",
            outcome_reason=f"the same play as {host.id}",
        )
    )
    context.note(guest.id, "merged", f"into {host.id}: the same account and work at the same time")
    context.note(host.id, "joined", f"{guest.id} reports the same play")
    if joined.open:
        context.put_play(replace(joined, primary=richest(context, joined)))
    elif all_watched(joined):
        return
    elif guest.open and session.open:
        # The host was closed too early: the play goes on at the guest's player.
        going_on = replace(joined, primary=session.id, closed_utc_ms=None, closed_mono_ms=None)
        context.put_play(replace(going_on, outcome=None, outcome_reason=""))
    else:
        joined = replace(joined, primary=latest_word(context, joined), outcome=None, outcome_reason="")
        settle(context, context.put_play(joined))
