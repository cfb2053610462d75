"""Identification: a session's viewings learn their work, and two reports of one play become one (design.md part 2)."""

from msgspec.structs import replace

from scrobbler.plays.draft import DAY_MS, Draft
from scrobbler.plays.following import latest_word
from scrobbler.plays.judge import threshold_of
from scrobbler.plays.model import Identified, Prior, Session, Viewing
from scrobbler.plays.settling import UNSEEN, complete_parts, settle
from scrobbler.plays.viewings import all_watched, richest, talking, where

LATE_JOIN_MS = 10 * 60_000
"""So long after its end, another source's report of the same play is still the same play."""

RECALL_MS = 2 * 3_600_000
"""A play that a source remembers is one we recorded when both ended within this time, or the work's length."""

CLOCKS_MS = 60_000
"""So far the clocks of two machines may differ."""


def identify(draft: Draft, session: Session, answer: Identified) -> None:
    """Take over what a session plays: join another viewing of the same work, or go on as one's own."""
    session = replace(session, work_id=session.work_id or answer.work_id)
    if not session.duration_ms and answer.runtime_ms:
        session = replace(session, duration_ms=answer.runtime_ms, nominal=True)
    session = draft.put(session)
    for viewing in draft.viewings_of(session):
        if viewing.work_id is None and (viewing.outcome != "ignored" or viewing.outcome_reason == UNSEEN):
            _learn(draft, viewing, session, answer)


def _learn(draft: Draft, viewing: Viewing, session: Session, answer: Identified) -> None:
    prior = next((one for one in answer.priors if one.account == viewing.account), Prior(account=viewing.account))
    known = replace(
        viewing,
        work=answer.work,
        work_id=answer.work_id,
        runtime_ms=answer.runtime_ms or viewing.runtime_ms,
        prior_seen=prior.seen and not _just_watched(session, prior),
        outcome=None,
        outcome_reason="",
    )
    draft.note(viewing.id, "identified", "; ".join(answer.reasons) or "by what the source said")
    host = _host(draft, known, session)
    if host is not None:
        _merge(draft, known, host, session)
    elif _recorded_already(known, session, prior):
        draft.put_viewing(replace(known, merged_into=prior.watched_play or None, outcome="already watched"))
        draft.note(viewing.id, "already", f"recorded as {prior.watched_play or 'an earlier play'}")
    else:
        draft.put_viewing(known)
        if viewing.open:
            complete_parts(draft, known, session)
        else:
            settle(draft, known)


def _just_watched(session: Session, prior: Prior) -> bool:
    """Tell whether the earlier part belongs to a watch of the same day: to open the end once more is not another one."""
    return prior.watched_utc_ms is not None and session.opened_utc_ms - prior.watched_utc_ms < DAY_MS


def _recorded_already(viewing: Viewing, session: Session, prior: Prior) -> bool:
    """Tell whether a play that a source remembers was recorded when it happened (catching up)."""
    if viewing.open or session.past_utc_ms is None or prior.watched_utc_ms is None:
        return False
    apart = abs(prior.watched_utc_ms - session.past_utc_ms)
    return apart <= max(RECALL_MS, viewing.runtime_ms or 0)


def _host(draft: Draft, viewing: Viewing, session: Session) -> Viewing | None:
    """Find the viewing of the same account and work that this one is another report of."""
    rivals = [
        other
        for other in draft.viewings.values()
        if other.id != viewing.id
        and other.account == viewing.account
        and other.work_id == viewing.work_id
        and other.merged_into is None
        and other.outcome in (None, "needs review")
        and session.id not in other.sessions
    ]
    if session.past_utc_ms is not None:
        at_utc_ms = session.past_utc_ms
        remembered = [other for other in rivals if _remembered_by(draft, other, viewing, session)]
        return min(remembered, key=lambda other: _apart_ms(draft, other, at_utc_ms), default=None)
    here = (session.source, session.player)
    rivals = [other for other in rivals if here not in {(one.source, one.player) for one in talking(draft, other)}]
    for other in rivals:
        if other.open:
            return other
    return next((other for other in rivals if _ended_as(draft, other, viewing, session)), None)


def _ended_as(draft: Draft, other: Viewing, viewing: Viewing, session: Session) -> bool:
    """Tell whether a closed viewing is the play that this session reports: both at once, or only its end told late."""
    if other.closed_mono_ms is None or _past_of(draft, other) is not None:
        return False
    if session.opened_mono_ms <= other.closed_mono_ms:
        return True
    if draft.now.mono_ms - other.closed_mono_ms > LATE_JOIN_MS or not other.watched_parts:
        return False
    progress = where(viewing, session)[1]
    return not viewing.open if progress is None else progress >= threshold_of(viewing.threshold, viewing.work)


def _remembered_by(draft: Draft, other: Viewing, viewing: Viewing, session: Session) -> bool:
    """Tell whether a viewing is the play that a source remembers, or that somebody marked by hand, by the time of day."""
    assert session.past_utc_ms is not None
    span_ms = max(RECALL_MS, viewing.runtime_ms or 0)
    past = _past_of(draft, other)
    if past is not None:
        return abs(past - session.past_utc_ms) <= span_ms
    if session.origin == "marked" and not other.open and not all_watched(other):
        return False
    last = draft.now.utc_ms if other.closed_utc_ms is None else other.closed_utc_ms + span_ms
    return other.opened_utc_ms - CLOCKS_MS <= session.past_utc_ms <= last


def _apart_ms(draft: Draft, viewing: Viewing, at_utc_ms: int) -> int:
    """Say how far a moment lies outside of a viewing."""
    past = _past_of(draft, viewing)
    if past is not None:
        return abs(past - at_utc_ms)
    closed_utc_ms = draft.now.utc_ms if viewing.closed_utc_ms is None else viewing.closed_utc_ms
    return max(0, viewing.opened_utc_ms - at_utc_ms, at_utc_ms - closed_utc_ms)


def _past_of(draft: Draft, viewing: Viewing) -> int | None:
    """Say when a viewing happened that was only told about afterwards; None for one that was followed."""
    voice = draft.sessions.get(viewing.voice)
    return None if voice is None else voice.past_utc_ms


def _merge(draft: Draft, guest: Viewing, host: Viewing, session: Session) -> None:
    """Make two reports of one play one viewing; the guest stays visible as merged."""
    moved = tuple(one for one in guest.sessions if one not in host.sessions)
    joined = replace(host, sessions=host.sessions + moved, runtime_ms=host.runtime_ms or guest.runtime_ms)
    draft.put_viewing(joined)
    draft.put_viewing(
        replace(
            guest,
            sessions=(),
            merged_into=host.id,
            closed_utc_ms=guest.closed_utc_ms or draft.now.utc_ms,
            closed_mono_ms=guest.closed_mono_ms or draft.now.mono_ms,
            closing_mono_ms=None,
            outcome="merged",
            outcome_reason=f"the same play as {host.id}",
        )
    )
    draft.note(guest.id, "merged", f"into {host.id}: the same account and work at the same time")
    draft.note(host.id, "joined", f"{guest.id} reports the same play")
    if joined.open:
        draft.put_viewing(replace(joined, voice=richest(draft, joined)))
    elif all_watched(joined):
        return
    elif guest.open and session.open:
        # The host was closed too early: the play goes on at the guest's player.
        going_on = replace(joined, voice=session.id, closed_utc_ms=None, closed_mono_ms=None)
        draft.put_viewing(replace(going_on, outcome=None, outcome_reason=""))
    else:
        joined = replace(joined, voice=latest_word(draft, joined), outcome=None, outcome_reason="")
        settle(draft, draft.put_viewing(joined))
