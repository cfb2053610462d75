"""Percentages, parts and verdicts (rules.md rules 3, 4, 5, 13)."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Episode, Movie, Work
from scrobbler.plays.coverage import Coverage, unseen_share
from scrobbler.plays.model import AccountPolicy

SIMKL_PERCENT = 80.0
"""Where Simkl itself counts a stop as a watch (simkl-api.md 4.2)."""

UNSEEN_LIMIT = 0.4
"""A watch is denied when more than this share of the way was demonstrably not played."""


def percent(position_ms: int | None, runtime_ms: int | None) -> float | None:
    """Say how far a position is, 0 to 100 with two decimals; None when it can't be known. Zero needs no length."""
    if position_ms is None:
        return None
    if position_ms <= 0:
        return 0.0
    if not runtime_ms or runtime_ms <= 0:
        return None
    return round(min(100.0, position_ms * 100 / runtime_ms), 2)


def parts_of(work: Work | None) -> int:
    """Count the episodes in the file."""
    if isinstance(work, Episode) and work.number is not None and work.last_number is not None:
        return max(1, work.last_number - work.number + 1)
    return 1


def part_work(work: Work, part: int) -> Work:
    """Name the episode that is part `part` (from 0) of a file with several."""
    if parts_of(work) == 1 or isinstance(work, Movie):
        return work
    assert work.number is not None
    # Ids and title of such a file are those of its first episode (players.md 9.2).
    plain = replace(work, number=work.number + part, last_number=None)
    return plain if part == 0 else replace(plain, ids=type(work.ids)(), title="")


def part_span(part: int, parts: int, runtime_ms: int) -> tuple[int, int]:
    """Give the stretch of the file, in ms, that is part `part` of `parts` of equal length."""
    return runtime_ms * part // parts, runtime_ms * (part + 1) // parts


def locate(position_ms: int | None, runtime_ms: int | None, parts: int) -> tuple[int, float | None]:
    """Say in which part a position lies, and at how many percent of that part."""
    if parts == 1 or position_ms is None or not runtime_ms:
        return 0, percent(position_ms, runtime_ms)
    part = min(parts - 1, max(0, position_ms) * parts // runtime_ms)
    start, end = part_span(part, parts, runtime_ms)
    return part, percent(position_ms - start, end - start)


def threshold_of(policy: AccountPolicy, work: Work | None) -> float:
    """Give the percentage from which this account counts this kind of work as watched."""
    return policy.episode_percent if isinstance(work, Episode) else policy.movie_percent


class Evidence(Struct, frozen=True, kw_only=True):
    """What a judgement of one part rests on. Spans and positions are ms within the file; `progress` is of the part."""

    progress: float | None
    start_ms: int
    position_ms: int | None
    length_ms: int | None
    offset_ms: int | None
    seen: Coverage
    server_verdict: bool
    prior_seen: bool
    threshold: float


class Verdict(Struct, frozen=True, kw_only=True):
    """How a part ended, in words for `why`. `unknown`: it can't be said."""

    kind: Literal["watched", "left", "unknown"]
    progress: float
    reason: str


def judge(evidence: Evidence) -> Verdict:
    """Decide whether a part that is over was watched (rule 4)."""
    e = evidence
    progress = e.progress
    if e.server_verdict:
        return Verdict(kind="watched", progress=100.0 if progress is None else progress, reason="the server says so")
    if progress is None:
        return Verdict(kind="unknown", progress=0.0, reason="its position or its length never became known")
    if progress < e.threshold:
        return Verdict(kind="left", progress=progress, reason=f"left at {progress:g} %, below {e.threshold:g} %")
    began = percent(None if e.offset_ms is None else e.offset_ms - e.start_ms, e.length_ms)
    if began is not None and began >= e.threshold and not e.prior_seen and e.offset_ms is not None:
        if unseen_share(e.seen, e.start_ms, e.offset_ms) > UNSEEN_LIMIT:
            words = f"it began at {began:g} %, past {e.threshold:g} %, and no earlier part was seen here"
            return Verdict(kind="left", progress=progress, reason=words)
    elif e.position_ms is not None:
        missing = unseen_share(e.seen, e.start_ms, e.position_ms)
        if missing > UNSEEN_LIMIT:
            words = f"{missing:.0%} of the way there was skipped, so this is no watch"
            return Verdict(kind="left", progress=progress, reason=words)
    return Verdict(kind="watched", progress=progress, reason=f"reached {progress:g} %, at least {e.threshold:g} %")
