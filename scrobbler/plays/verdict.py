"""Settling: what a play amounts to becomes a fact of the outbox, once (rules.md rules 4, 11, 13)."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.plays.coverage import add
from scrobbler.plays.judge import (
    SIMKL_PERCENT,
    Evidence,
    Verdict,
    judge,
    locate,
    part_span,
    part_work,
    parts_of,
    percent,
    threshold_of,
)
from scrobbler.plays.model import Fact, Play, Session
from scrobbler.plays.queries import coverage_of, length_of, talking, where
from scrobbler.plays.step_context import StepContext

FRESH_MS = 2 * 60_000
"""A position that is so much older than the server's verdict no longer says where the play is."""

WHOLE_MS = 5 * 60_000
"""What ran to its end without ever telling its length counts as whole when so much of it was played."""

COUNTED_REST = 10
"""A server counts a play when one part in so many is left, unless it was set otherwise (players.md 1.5)."""

UNSEEN = "a stop of something that was not seen playing"
"""Why nothing comes of a stop that told no position of a play that nobody saw."""


class _End(Struct, frozen=True, kw_only=True):
    """Where a play ended: its position and the length it is measured by, in ms."""

    position_ms: int | None
    length_ms: int | None


def settle(context: StepContext, play: Play) -> None:
    """Judge a closed play of a known work. A watch stands; what was left may still become a watch (rule 11)."""
    session = context.sessions.get(play.primary)
    if session is None or play.work is None:
        return
    end = _end_of(context, play, session)
    part, progress = locate(end.position_ms, end.length_ms, parts_of(play.work))
    for earlier in range(part):
        _judge_passed(context, play, earlier, end)
    said = any(one.verdict_utc_ms is not None for one in talking(context, play))
    verdict = _judge(context, play, part, progress, end)
    if said:
        for other in range(parts_of(play.work)):
            if other != part:
                _enqueue(context, play, other, "watched", 100.0, verdict.reason)
    if verdict.kind != "unknown":
        _enqueue(context, play, part, verdict.kind, verdict.progress, verdict.reason)
    elif all(one.offset_ms is None and one.opened_mono_ms == one.over_mono_ms for one in talking(context, play)):
        context.put_play(replace(play, outcome="ignored", outcome_reason=UNSEEN))
        context.note(play.id, "judged", UNSEEN)
    else:
        context.put_play(replace(play, outcome="needs review", outcome_reason=verdict.reason))
        context.note(play.id, "judged", verdict.reason)


def complete_parts(context: StepContext, play: Play, session: Session) -> None:
    """Complete the parts of a file with several episodes once the next one has played (rule 13)."""
    part, _ = where(play, session)
    end = _End(position_ms=session.position_ms, length_ms=length_of(play, session))
    for earlier in range(part):
        _, border = _span(play, earlier, end)
        played_on = session.position_ms is not None and any(
            first < session.position_ms and last > border for first, last in coverage_of(context, play)
        )
        if played_on:
            _judge_passed(context, play, earlier, end)
    if part != play.part:
        context.put_play(replace(context.plays[play.id], part=part))


def _end_of(context: StepContext, play: Play, session: Session) -> _End:
    length = length_of(play, session)
    if session.ending == "end":
        length = length or _played_length(session)
        return _End(position_ms=length or session.position_ms, length_ms=length)
    return _End(position_ms=None if _stale(context, play, session, length) else session.position_ms, length_ms=length)


def _stale(context: StepContext, play: Play, session: Session, length_ms: int | None) -> bool:
    """Tell whether the last position is older than a server's verdict and says nothing of where it ended.

    It is far older, or it lies below what Simkl counts: the server, which knew more, said "watched" after it.
    """
    said = [one.verdict_mono_ms for one in talking(context, play) if one.verdict_utc_ms is not None]
    if not said:
        return False
    below = (percent(session.position_ms, length_ms) or 0.0) < SIMKL_PERCENT
    return max(said) - session.position_mono_ms > (0 if below else FRESH_MS)


def _played_length(session: Session) -> int | None:
    """Estimate the length of what ran to its end without telling it; None when too little of it was seen to say."""
    if session.position_ms is None:
        return None
    reached_ms = session.position_ms + max(0, session.over_mono_ms - session.position_mono_ms)
    return reached_ms if reached_ms >= max(WHOLE_MS, session.shorter_than_ms) else None


def _span(play: Play, part: int, end: _End) -> tuple[int, int]:
    return part_span(part, parts_of(play.work), end.length_ms) if end.length_ms else (0, 0)


def _judge(context: StepContext, play: Play, part: int, progress: float | None, end: _End) -> Verdict:
    start, stop = _span(play, part, end)
    sessions = talking(context, play)
    offsets = [one for one in (_offset_of(one, end) for one in sessions) if one is not None]
    threshold = threshold_of(play.policy, play.work)
    seen = coverage_of(context, play)
    if any(_played_unseen(one, end) for one in sessions) and end.length_ms:
        seen = add(seen, min(offsets), end.length_ms)
    for offset in offsets:
        # What lies before the beginning was seen elsewhere, unless it began so late that it says nothing (rule 4).
        began = percent(offset - start, (stop - start) or None)
        if play.prior_seen or began is None or began < threshold:
            seen = add(seen, 0, offset)
    return judge(
        Evidence(
            progress=progress,
            start_ms=start,
            position_ms=end.position_ms if end.position_ms is None or not stop else min(end.position_ms, stop),
            length_ms=(stop - start) or None,
            offset_ms=min(offsets) if offsets else None,
            seen=seen,
            server_verdict=any(one.verdict_utc_ms is not None for one in sessions),
            prior_seen=play.prior_seen,
            threshold=threshold,
        )
    )


def _played_unseen(session: Session, end: _End) -> bool:
    """Tell whether a session told its natural end and no position at all."""
    return session.offset_ms is None and session.ending == "end" and end.length_ms is not None


def _offset_of(session: Session, end: _End) -> int | None:
    """Say where a session began: of one that told its end alone, as far before it as it was open."""
    if _played_unseen(session, end) and end.length_ms:
        return max(0, end.length_ms - (session.over_mono_ms - session.opened_mono_ms))
    return session.offset_ms


def _judge_passed(context: StepContext, play: Play, part: int, end: _End) -> None:
    """Judge a part that lies behind the position: it was left at its end, or skipped, or never begun here."""
    latest = context.plays[play.id]
    _, border = _span(latest, part, end)
    offsets = [one.offset_ms for one in talking(context, latest) if one.offset_ms is not None]
    if part in latest.watched_parts or (offsets and min(offsets) >= border):
        return
    verdict = _judge(context, latest, part, 100.0, replace(end, position_ms=border))
    if verdict.kind == "watched":
        _enqueue(context, latest, part, "watched", 100.0, "the file went on past it")
    elif latest.part <= part or not latest.open:
        context.note(latest.id, "part skipped", f"part {part + 1}: {verdict.reason}")


def _enqueue(
    context: StepContext, play: Play, part: int, kind: Literal["watched", "left"], progress: float, reason: str
) -> None:
    """Put a terminal fact into the outbox, once; to repeat what was said changes nothing."""
    latest = context.plays[play.id]
    assert latest.work is not None
    assert latest.work_id is not None
    if part in latest.watched_parts or (kind == "left" and latest.left_at == (part, progress)):
        return
    sessions = talking(context, latest)
    primary = context.sessions.get(latest.primary)
    past = None if primary is None else primary.past_utc_ms
    length = None if primary is None else length_of(latest, primary)
    heard = max((one.heard_utc_ms for one in sessions), default=context.now.utc_ms)
    context.emit(
        Fact(
            play=latest.id,
            part=part,
            account=latest.account,
            work_id=latest.work_id,
            work=part_work(latest.work, part),
            kind=kind,
            progress=progress,
            at_utc_ms=past or max(heard, _overtaken_utc_ms(context, primary, length)),
            runtime_ms=length,
            rewatch=latest.policy.rewatch,
            live=past is None,
            reason=reason,
        )
    )
    context.note(latest.id, "judged", f"{kind}: {reason}")
    if kind == "watched":
        context.put_play(replace(latest, watched_parts=(*latest.watched_parts, part)))
    else:
        context.put_play(replace(latest, left_at=(part, progress)))


def _overtaken_utc_ms(context: StepContext, primary: Session | None, length_ms: int | None) -> int:
    """Say when a play ended that the next item replaced without a stop: then, but no later than its length allows."""
    if primary is None or primary.ending != "replaced" or not primary.played_on or not length_ms:
        return 0
    over_utc_ms = context.now.utc_ms - (context.now.mono_ms - primary.over_mono_ms)
    if primary.position_ms is not None:
        since_mono_ms, remaining_ms = primary.position_mono_ms, max(0, length_ms - primary.position_ms)
    elif primary.verdict_utc_ms is not None:
        since_mono_ms, remaining_ms = primary.verdict_mono_ms, length_ms // COUNTED_REST
    else:
        return 0
    return over_utc_ms - max(0, primary.over_mono_ms - since_mono_ms - remaining_ms)
