"""Which stretches of an item were seen: the evidence for and against a watch (rules.md rule 4)."""

from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Coverage: TypeAlias = tuple[Span, ...]

NOTHING: Coverage = ()

HONEST_SPEED = 4
"""Up to so many times the speed of the clock is honest watching."""

_JOIN_MS = 1500
"""Gaps shorter than this are the grain of the players' reports, not skips."""


def add(seen: Coverage, start_ms: int, end_ms: int) -> Coverage:
    """Return `seen` with one more stretch, in ms from the item's beginning."""
    if end_ms <= start_ms:
        return seen
    merged: list[Span] = []
    for span in sorted((*seen, (max(0, start_ms), end_ms))):
        if merged and span[0] - merged[-1][1] <= _JOIN_MS:
            merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
        else:
            merged.append(span)
    return tuple(merged)


def union(one: Coverage, other: Coverage) -> Coverage:
    """Return what either of two players showed."""
    for start, end in other:
        one = add(one, start, end)
    return one


def advance(
    seen: Coverage, start_ms: int, end_ms: int, *, elapsed_ms: int, ahead_ms: int, slack_ms: int
) -> tuple[Coverage, int]:
    """Account for a report at `end_ms` that follows one at `start_ms`. Returns what was seen, and how far it is ahead now.

    Time allows `elapsed_ms` at up to four times the speed. Reports lag, so together they may be `slack_ms` ahead of that, of
    which `ahead_ms` are used up. What goes beyond was demonstrably not played.
    """
    ahead_ms = max(0, ahead_ms + max(0, end_ms - start_ms) - elapsed_ms * HONEST_SPEED)
    return add(seen, start_ms, end_ms - max(0, ahead_ms - slack_ms)), min(ahead_ms, slack_ms)


def unseen_share(seen: Coverage, start_ms: int, end_ms: int) -> float:
    """Say how much of a stretch was not seen: 0.0 nothing missing, 1.0 nothing seen."""
    length = end_ms - start_ms
    if length <= 0:
        return 0.0
    covered = sum(max(0, min(end, end_ms) - max(start, start_ms)) for start, end in seen)
    return max(0.0, 1.0 - covered / length)
