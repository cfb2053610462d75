"""Viewings: one account and one work, whatever number of players report it (design.md rules 4, 8, 10, 11, 13)."""

from msgspec.structs import replace

from scrobbler.plays.coverage import NOTHING, Coverage, union, unseen_share
from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import (
    SIMKL_PERCENT,
    UNSEEN_LIMIT,
    Evidence,
    judge,
    locate,
    part_span,
    part_work,
    parts_of,
    percent,
    threshold_of,
)
from scrobbler.plays.model import Fact, Identified, Prior, Session, Viewing

CLOSING_MS = 5_000
"""How long a viewing waits for a second player to confirm that it is over."""

FRESH_MS = 2 * 60_000
"""A position that is so much older than the server's verdict no longer says where the play is."""

LATE_JOIN_MS = 10 * 60_000
"""So long after its end, another source's report of the same play is still the same play."""

RECALL_MS = 2 * 3_600_000
"""A play that a source remembers is one we recorded when both ended within this time, or the work's length."""


def open_viewings(draft: Draft, session: Session) -> None:
    """Begin one viewing for every account in front of the player."""
    for watcher in session.watchers:
        viewing = Viewing(
            id=draft.new_viewing_id(),
            account=watcher.account,
            threshold=watcher,
            sessions=(session.id,),
            voice=session.id,
            item=session.item,
            opened_utc_ms=session.opened_utc_ms,
        )
        draft.put_viewing(viewing)
        draft.note(viewing.id, "opened", f"{watcher.account} on {session.device or session.source}")


def length_of(viewing: Viewing, session: Session) -> int | None:
    """Give the item's length in ms: the file's own where a player measured it, else the catalogue's round figure."""
    if session.duration_ms and not session.nominal:
        return session.duration_ms
    return viewing.runtime_ms or session.duration_ms


def where(viewing: Viewing, session: Session) -> tuple[int, float | None]:
    """Say which part plays in this session, and at how many percent."""
    return locate(session.position_ms, length_of(viewing, session), parts_of(viewing.work))


def identify(draft: Draft, session: Session, answer: Identified) -> None:
    """Take over what a session plays: join another viewing of the same work, or go on as one's own."""
    draft.put(replace(session, work_id=answer.work_id))
    reasons = "; ".join(answer.reasons)
    for viewing in draft.viewings_of(session):
        if viewing.work_id is not None:
            continue
        prior = next((one for one in answer.priors if one.account == viewing.account), Prior(account=viewing.account))
        known = replace(
            viewing,
            work=answer.work,
            work_id=answer.work_id,
            runtime_ms=answer.runtime_ms or viewing.runtime_ms,
            prior_seen=prior.seen,
            outcome=None,
            outcome_reason="",
        )
        draft.note(viewing.id, "identified", reasons or "by what the source said")
        host = _host(draft, known, session)
        if host is not None:
            _merge(draft, known, host)
        elif _recorded_already(known, session, prior):
            draft.put_viewing(replace(known, merged_into=prior.watched_play or None, outcome="already watched"))
            draft.note(viewing.id, "already", f"recorded as {prior.watched_play or 'an earlier play'}")
        else:
            part, _ = where(known, session)
            draft.put_viewing(replace(known, part=part))
            if not viewing.open:
                settle(draft, draft.viewings[viewing.id])


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
        and session.id not in other.sessions
    ]
    for other in rivals:
        if other.open and not _same_player(draft, other, session):
            return other
    for other in rivals:
        if other.closed_mono_ms is None or _same_player(draft, other, session):
            continue
        overlapped = session.opened_mono_ms <= other.closed_mono_ms
        late = draft.now.mono_ms - other.closed_mono_ms <= LATE_JOIN_MS
        progress = where(viewing, session)[1]
        near_end = progress is None or progress >= threshold_of(viewing.threshold, viewing.work)
        if overlapped or (late and near_end):
            return other
    return None


def _same_player(draft: Draft, other: Viewing, session: Session) -> bool:
    """Tell whether a viewing ran on the very player of this session: two plays there are two plays."""
    players = [draft.sessions[one] for one in other.sessions if one in draft.sessions]
    return any((one.source, one.player) == (session.source, session.player) for one in players)


def _merge(draft: Draft, guest: Viewing, host: Viewing) -> None:
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
            outcome="merged",
            outcome_reason=f"the same play as {host.id}",
        )
    )
    draft.note(guest.id, "merged", f"into {host.id}: the same account and work at the same time")
    draft.note(host.id, "joined", f"{guest.id} reports the same play")
    if joined.open:
        draft.put_viewing(replace(joined, voice=_richest(draft, joined)))


def _richest(draft: Draft, viewing: Viewing) -> str:
    """Choose the session that speaks: the richest that still has something to say, the earliest among equals."""
    talking = [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]
    ranked = sorted(
        (one for one in talking if one.mode in ("playing", "paused")),
        key=lambda one: (-one.nature.richness, one.opened_mono_ms, one.id),
    )
    return ranked[0].id if ranked else viewing.voice


def follow(draft: Draft, session: Session) -> None:
    """Let the viewings of a session that was just heard know its new position."""
    for viewing in draft.viewings_of(session):
        if not viewing.open:
            continue
        voice = viewing.voice if viewing.closing_mono_ms is not None else _richest(draft, viewing)
        if voice != viewing.voice:
            draft.put_viewing(replace(viewing, voice=voice))
        if voice == session.id and viewing.work is not None:
            _cross_parts(draft, draft.viewings[viewing.id], session)


def _cross_parts(draft: Draft, viewing: Viewing, session: Session) -> None:
    """Complete the parts of a file with several episodes that lie behind the position (rule 13)."""
    part, _ = where(viewing, session)
    while part > viewing.part:
        viewing = _complete_part(draft, viewing, session)
    if part < viewing.part:
        draft.put_viewing(replace(viewing, part=part))


def _complete_part(draft: Draft, viewing: Viewing, session: Session) -> Viewing:
    length = length_of(viewing, session)
    assert length is not None
    start, end = part_span(viewing.part, parts_of(viewing.work), length)
    done = viewing.part
    if done not in viewing.done_parts:
        missing = unseen_share(coverage_of(draft, viewing), start, end)
        if missing <= UNSEEN_LIMIT:
            _owe(draft, viewing, done, "watched", 100.0, "the next episode of the file began")
        else:
            draft.note(viewing.id, "part skipped", f"{missing:.0%} of part {done + 1} was not played")
        viewing = draft.viewings[viewing.id]
        viewing = replace(viewing, done_parts=(*viewing.done_parts, done))
    return draft.put_viewing(replace(viewing, part=done + 1))


def coverage_of(draft: Draft, viewing: Viewing) -> Coverage:
    """Put together what all players of a viewing showed."""
    seen = NOTHING
    for one in viewing.sessions:
        if one in draft.sessions:
            seen = union(seen, draft.sessions[one].seen)
    return seen


def session_over(draft: Draft, session: Session) -> None:
    """Close the viewings of a session that ended, or let another player of theirs take over."""
    for viewing in draft.viewings_of(session):
        if not viewing.open:
            continue
        others = [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]
        if not any(one.open for one in others):
            close(draft, viewing)
        elif viewing.voice != session.id:
            continue
        elif session.ending in ("stop", "end"):
            draft.put_viewing(replace(viewing, closing_mono_ms=draft.now.mono_ms + CLOSING_MS))
        else:
            draft.put_viewing(replace(viewing, voice=_richest(draft, viewing)))


def closing_due(draft: Draft, viewing: Viewing) -> None:
    """Decide for a viewing whose speaking player stopped while another did not, whether it goes on there."""
    assert viewing.closing_mono_ms is not None
    stopped_at = viewing.closing_mono_ms - CLOSING_MS
    others = [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]
    alive = [one for one in others if one.mode == "playing" and one.heard_mono_ms > stopped_at]
    if alive:
        draft.note(viewing.id, "taken over", f"goes on at {alive[0].source}")
        going_on = replace(viewing, closing_mono_ms=None)
        draft.put_viewing(replace(going_on, voice=_richest(draft, going_on)))
        return
    for other in others:
        if other.open:
            draft.put(replace(other, mode="over", ending="replaced"))
    close(draft, viewing)


def close(draft: Draft, viewing: Viewing) -> None:
    """End a viewing. What it amounts to is said at once when its work is known, else when it becomes known."""
    voice = draft.sessions.get(viewing.voice)
    closed = replace(viewing, closing_mono_ms=None, closed_utc_ms=draft.now.utc_ms, closed_mono_ms=draft.now.mono_ms)
    draft.put_viewing(closed)
    if viewing.outcome is not None:
        return
    if voice is not None and voice.ending == "ignored":
        return
    if viewing.work is not None:
        settle(draft, closed)


def _stale(session: Session, length_ms: int | None) -> bool:
    """Tell whether the last position is older than the server's verdict and says nothing of where it ended.

    It is far older, or it lies below what Simkl counts: the server, which knew more, said "watched" after it.
    """
    if session.verdict_utc_ms is None or session.position_mono_ms >= session.verdict_mono_ms:
        return False
    below = (percent(session.position_ms, length_ms) or 0.0) < SIMKL_PERCENT
    return below or session.verdict_mono_ms - session.position_mono_ms > FRESH_MS


def settle(draft: Draft, viewing: Viewing) -> None:
    """Judge a closed viewing of a known work. A watch stands; what was left may still become a watch (rule 11)."""
    session = draft.sessions.get(viewing.voice)
    if session is None or viewing.work is None:
        return
    parts = parts_of(viewing.work)
    length = length_of(viewing, session)
    if session.ending == "end" and length is not None:
        position: int | None = length
    elif _stale(session, length):
        position = None
    else:
        position = session.position_ms
    part, progress = locate(position, length, parts)
    talking = [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]
    offsets = [one.offset_ms for one in talking if one.offset_ms is not None]
    said = next((one.verdict_utc_ms for one in talking if one.verdict_utc_ms is not None), None)
    start, end = part_span(part, parts, length) if length else (0, 0)
    verdict = judge(
        Evidence(
            progress=progress,
            start_ms=start,
            position_ms=position,
            length_ms=(end - start) or None,
            offset_ms=min(offsets) if offsets else None,
            seen=coverage_of(draft, viewing),
            ended=session.ending == "end",
            server_verdict=said is not None,
            prior_seen=viewing.prior_seen,
            threshold=threshold_of(viewing.threshold, viewing.work),
        )
    )
    if said is not None:
        for earlier in range(parts):
            if earlier != part:
                _owe(draft, viewing, earlier, "watched", 100.0, verdict.reason)
    if verdict.kind == "unknown":
        draft.put_viewing(replace(viewing, outcome="needs review", outcome_reason=verdict.reason))
        draft.note(viewing.id, "judged", verdict.reason)
        return
    _owe(draft, viewing, part, verdict.kind, verdict.progress, verdict.reason)


def _owe(draft: Draft, viewing: Viewing, part: int, kind: str, progress: float, reason: str) -> None:
    """Put a terminal fact into the ledger, once."""
    assert viewing.work is not None
    assert viewing.work_id is not None
    if part in draft.viewings[viewing.id].watched_parts:
        return
    watched = kind == "watched"
    talking = [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]
    past = next((one.past_utc_ms for one in talking if one.past_utc_ms is not None), None)
    heard = max((one.heard_utc_ms for one in talking), default=draft.now.utc_ms)
    voice = draft.sessions.get(viewing.voice)
    length = None if voice is None else length_of(viewing, voice)
    draft.emit(
        Fact(
            viewing=viewing.id,
            part=part,
            account=viewing.account,
            work_id=viewing.work_id,
            work=part_work(viewing.work, part),
            kind="watched" if watched else "left",
            progress=progress,
            at_utc_ms=past or max(heard, _overtaken_utc_ms(draft, voice, length)),
            runtime_ms=length,
            rewatch=viewing.threshold.rewatch,
            live=past is None,
            reason=reason,
        )
    )
    draft.note(viewing.id, "judged", f"{kind}: {reason}")
    if watched:
        latest = draft.viewings[viewing.id]
        draft.put_viewing(replace(latest, watched_parts=(*latest.watched_parts, part)))


def _overtaken_utc_ms(draft: Draft, voice: Session | None, length_ms: int | None) -> int:
    """Say when a play ended that the next item replaced without a stop: now, but no later than its length allows."""
    if voice is None or voice.ending != "replaced" or voice.ticking or not length_ms:
        return 0
    remaining_ms = max(0, length_ms - (voice.position_ms or 0))
    silent_ms = draft.now.mono_ms - voice.position_mono_ms
    return draft.now.utc_ms - max(0, silent_ms - remaining_ms)
