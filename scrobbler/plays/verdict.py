"""The third stage of a step: what a play amounts to becomes a fact of the outbox, once (rules.md rules 4, 11, 13)."""

from collections.abc import Iterable
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
from scrobbler.plays.model import Fact, Judged, Note, Play, Session, Task
from scrobbler.plays.queries import UNSEEN, coverage_of, length_of, where
from scrobbler.plays.step_context import StepContext

FRESH_MS = 2 * 60_000
"""A position that is so much older than the server's verdict no longer says where the play is."""

WHOLE_MS = 5 * 60_000
"""What ran to its end without ever telling its length counts as whole when so much of it was played."""

COUNTED_REST = 10
"""A server counts a play when one part in so many is left, unless it was set otherwise (players.md 1.5)."""


class _End(Struct, frozen=True, kw_only=True):
    """Where a play ended: its position and the length it is measured by, in ms."""

    position_ms: int | None
    length_ms: int | None


def judge_all(context: StepContext, tasks: Iterable[Task]) -> list[Judged]:
    """Judge the plays that are due, each by itself."""
    return [_judged(context, task) for task in tasks]


def _judged(context: StepContext, task: Task) -> Judged:
    play = context.play(task.play)
    session = context.primary(play) if task.passed_by is None else context.session(task.passed_by)
    if session is None or play.work is None:
        return Judged(play=play)
    return _settle(context, play, session) if task.passed_by is None else _complete_parts(context, play, session)


def _settle(context: StepContext, play: Play, session: Session) -> Judged:
    """Judge a closed play of a known work. A watch stands; what was left may still become a watch (rule 11)."""
    end = _end_of(context, play, session)
    part, progress = locate(end.position_ms, end.length_ms, parts_of(play.work))
    judged = Judged(play=play)
    for earlier in range(part):
        judged = _judge_passed(context, judged, earlier, end)
    sessions = context.talking(play)
    verdict = _judge(context, play, part, progress, end)
    if any(one.counted is not None for one in sessions):
        for other in range(parts_of(play.work)):
            if other != part:
                judged = _enqueue(context, judged, other, "watched", 100.0, verdict.reason)
    if verdict.kind != "unknown":
        return _enqueue(context, judged, part, verdict.kind, verdict.progress, verdict.reason)
    if all(_seen_stopping_alone(one) for one in sessions):
        return _undecided(judged, "ignored", UNSEEN)
    return _undecided(judged, "needs review", verdict.reason)


def _seen_stopping_alone(session: Session) -> bool:
    """Tell whether the first word about a session was that it is over, without a position."""
    return session.position.offset_ms is None and session.identity.opened_mono_ms == session.phase.over_mono_ms


def _undecided(judged: Judged, outcome: str, reason: str) -> Judged:
    play = replace(judged.play, outcome=outcome, outcome_reason=reason)
    return Judged(play=play, effects=(*judged.effects, Note(about=play.id, step="judged", text=reason)))


def _complete_parts(context: StepContext, play: Play, session: Session) -> Judged:
    """Complete the parts of a file with several episodes once the next one has played (rule 13)."""
    part, _ = where(play, session)
    position_ms = session.position.ms
    end = _End(position_ms=position_ms, length_ms=length_of(play, session))
    judged = Judged(play=play)
    for earlier in range(part):
        _, border = _span(play, earlier, end)
        played_on = position_ms is not None and any(
            first < position_ms and last > border for first, last in coverage_of(context, play)
        )
        if played_on:
            judged = _judge_passed(context, judged, earlier, end)
    return judged if part == play.part else replace(judged, play=replace(judged.play, part=part))


def _end_of(context: StepContext, play: Play, session: Session) -> _End:
    length = length_of(play, session)
    if session.phase.ending == "end":
        length = length or _played_length(session)
        return _End(position_ms=length or session.position.ms, length_ms=length)
    return _End(position_ms=None if _stale(context, play, session, length) else session.position.ms, length_ms=length)


def _stale(context: StepContext, play: Play, session: Session, length_ms: int | None) -> bool:
    """Tell whether the last position is older than a server's verdict and says nothing of where it ended.

    It is far older, or it lies below what Simkl counts: the server, which knew more, said "watched" after it.
    """
    said = [one.counted.mono_ms for one in context.talking(play) if one.counted is not None]
    if not said:
        return False
    below = (percent(session.position.ms, length_ms) or 0.0) < SIMKL_PERCENT
    return max(said) - session.position.mono_ms > (0 if below else FRESH_MS)


def _played_length(session: Session) -> int | None:
    """Estimate the length of what ran to its end without telling it; None when too little of it was seen to say."""
    if session.position.ms is None:
        return None
    reached_ms = session.position.ms + max(0, session.phase.over_mono_ms - session.position.mono_ms)
    return reached_ms if reached_ms >= max(WHOLE_MS, session.identity.shorter_than_ms) else None


def _span(play: Play, part: int, end: _End) -> tuple[int, int]:
    return part_span(part, parts_of(play.work), end.length_ms) if end.length_ms else (0, 0)


def _judge(context: StepContext, play: Play, part: int, progress: float | None, end: _End) -> Verdict:
    start, stop = _span(play, part, end)
    sessions = context.talking(play)
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
            server_verdict=any(one.counted is not None for one in sessions),
            prior_seen=play.prior_seen,
            threshold=threshold,
        )
    )


def _played_unseen(session: Session, end: _End) -> bool:
    """Tell whether a session told its natural end and no position at all."""
    return session.position.offset_ms is None and session.phase.ending == "end" and end.length_ms is not None


def _offset_of(session: Session, end: _End) -> int | None:
    """Say where a session began: of one that told its end alone, as far before it as it was open."""
    if _played_unseen(session, end) and end.length_ms:
        return max(0, end.length_ms - (session.phase.over_mono_ms - session.identity.opened_mono_ms))
    return session.position.offset_ms


def _judge_passed(context: StepContext, judged: Judged, part: int, end: _End) -> Judged:
    """Judge a part that lies behind the position: it was left at its end, or skipped, or never begun here."""
    play = judged.play
    _, border = _span(play, part, end)
    known = [one.position.offset_ms for one in context.talking(play)]
    offsets = [one for one in known if one is not None]
    if part in play.watched_parts or (offsets and min(offsets) >= border):
        return judged
    verdict = _judge(context, play, part, 100.0, replace(end, position_ms=border))
    if verdict.kind == "watched":
        return _enqueue(context, judged, part, "watched", 100.0, "the file went on past it")
    if play.part > part and play.open:
        return judged
    note = Note(about=play.id, step="part skipped", text=f"part {part + 1}: {verdict.reason}")
    return replace(judged, effects=(*judged.effects, note))


def _enqueue(
    context: StepContext, judged: Judged, part: int, kind: Literal["watched", "left"], progress: float, reason: str
) -> Judged:
    """Put a terminal fact into the outbox, once; to repeat what was said changes nothing."""
    play = judged.play
    assert play.work is not None
    assert play.work_id is not None
    if part in play.watched_parts or (kind == "left" and play.left_at == (part, progress)):
        return judged
    primary = context.primary(play)
    past = None if primary is None else primary.identity.past_utc_ms
    length = None if primary is None else length_of(play, primary)
    heard = max((one.contact.heard_utc_ms for one in context.talking(play)), default=context.now.utc_ms)
    fact = Fact(
        play=play.id,
        part=part,
        account=play.account,
        work_id=play.work_id,
        work=part_work(play.work, part),
        kind=kind,
        progress=progress,
        at_utc_ms=past or max(heard, _overtaken_utc_ms(context, primary, length)),
        runtime_ms=length,
        rewatch=play.policy.rewatch,
        live=past is None,
        reason=reason,
    )
    note = Note(about=play.id, step="judged", text=f"{kind}: {reason}")
    if kind == "watched":
        play = replace(play, watched_parts=(*play.watched_parts, part))
    else:
        play = replace(play, left_at=(part, progress))
    return Judged(play=play, effects=(*judged.effects, fact, note))


def _overtaken_utc_ms(context: StepContext, primary: Session | None, length_ms: int | None) -> int:
    """Say when a play ended that the next item replaced without a stop: then, but no later than its length allows."""
    if primary is None or primary.phase.ending != "replaced" or not primary.phase.played_on or not length_ms:
        return 0
    over_utc_ms = context.now.utc_ms - (context.now.mono_ms - primary.phase.over_mono_ms)
    if primary.position.ms is not None:
        since_mono_ms, remaining_ms = primary.position.mono_ms, max(0, length_ms - primary.position.ms)
    elif primary.counted is not None:
        since_mono_ms, remaining_ms = primary.counted.mono_ms, length_ms // COUNTED_REST
    else:
        return 0
    return over_utc_ms - max(0, primary.phase.over_mono_ms - since_mono_ms - remaining_ms)
