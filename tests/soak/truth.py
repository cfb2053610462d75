"""What must be recorded: judged play by play from the script and from what the house durably heard of it.

This is a second opinion, written from the rules and not from the daemon's code. `must`: it was watched, and the house
heard enough to know. `never`: it was not, or the house cannot know, and then it must not claim it. `may`: what was heard
allows both.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.soak.household import THRESHOLDS
from tests.soak.players import Beat, Play

Judgement: TypeAlias = Literal["must", "never", "may"]
Key: TypeAlias = tuple[str, int | None, int | None]

NEAR_MS = 60_000
HONEST_SPEED = 4
LAG_MS = {"plex": 30_000, "jelly": 10_000, "relay": 30_000}
CLEARLY_SKIPPED = 0.5
CLEARLY_SEEN = 0.3
SAME_DAY_MS = 86_400_000


@dataclass
class Expected:
    """One account and one play (or several reports of one). The end lies in `from_ms` to `to_ms`."""

    account: str
    key: Key
    judgement: Judgement
    from_ms: int
    to_ms: int
    why: str
    found: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Opinion:
    judgement: Judgement
    from_ms: int
    to_ms: int
    end_heard: bool
    why: str


def expectations(plays: Sequence[Play], heard: frozenset[int]) -> list[Expected]:
    """Judge every play for everybody in front of it."""
    found: list[Expected] = []
    groups: dict[int, list[Play]] = {}
    for play in plays:
        if play.group:
            groups.setdefault(play.group, []).append(play)
    for play in plays:
        if play.group and groups[play.group][0] is not play:
            continue
        found.extend(_expected(account, groups.get(play.group, [play]), plays, heard) for account in play.accounts)
    return found


def _expected(account: str, members: Sequence[Play], plays: Sequence[Play], heard: frozenset[int]) -> Expected:
    opinions = [_judge(one, THRESHOLDS[account], plays, heard) for one in members]
    judgements = {one.judgement for one in opinions}
    told = [one for one in opinions if one.judgement != "never"] or opinions
    return Expected(
        account=account,
        key=members[0].title.key,
        judgement=opinions[0].judgement if len(judgements) == 1 else "may",
        from_ms=min(one.from_ms for one in told),
        to_ms=max(one.to_ms for one in told),
        why=" / ".join(one.why for one in opinions),
    )


def _judge(play: Play, threshold: float, plays: Sequence[Play], heard: frozenset[int]) -> _Opinion:
    known = [beat for beat in play.beats if beat.number in heard]
    told = [beat for beat in known if beat.observed]
    if not told:
        return _Opinion("never", 0, 0, end_heard=False, why="nothing was heard of it")
    last_ms = told[-1].at_ms
    end_heard = told[-1].meaning in ("stop", "end")
    judgement, why = _watched(play, threshold, known, told)
    if _run_together(play, plays, heard) and judgement != "never":
        judgement, why = "may", f"{why}; its end was not heard, and the same began again there"
    return _Opinion(judgement, last_ms, last_ms if end_heard else max(last_ms, play.over_ms), end_heard, why)


def _watched(play: Play, threshold: float, known: Sequence[Beat], told: Sequence[Beat]) -> tuple[Judgement, str]:
    if any(beat.meaning == "verdict" for beat in told):
        return "must", "the server said so"
    if told[-1].meaning == "end" and _end_is_honest(play, told):
        placed = [*told[:-1], Beat(0, told[-1].at_ms, "end", play.title.length_ms)]
    else:
        placed = list(told)
    at = [beat for beat in placed if beat.position_ms is not None]
    if not at:
        return "never", "no position was heard"
    last = at[-1].position_ms or 0
    if round(last * 100 / play.title.length_ms, 2) < threshold:
        return "never", f"left at {last * 100 / play.title.length_ms:.1f} %"
    first = at[0].position_ms or 0
    if first * 100 / play.title.length_ms >= threshold:
        return "may", "nothing was heard of it before the threshold"
    missing = 1 - _seen_ms(play, at) / last
    if missing > CLEARLY_SKIPPED:
        return "never", f"{missing:.0%} skipped"
    if missing > CLEARLY_SEEN:
        return "may", f"{missing:.0%} skipped"
    skipped = any(beat.meaning == "jump" for beat in play.beats) or _jumped(play)
    if skipped and len(known) < len(play.beats):
        return "may", "what was heard has gaps, and so has what was seen"
    return "must", f"reached {last * 100 / play.title.length_ms:.1f} %"


def _end_is_honest(play: Play, told: Sequence[Beat]) -> bool:
    before = [beat for beat in told[:-1] if beat.position_ms is not None]
    if not before:
        return True
    rest_ms = play.title.length_ms - (before[-1].position_ms or 0)
    return rest_ms <= (told[-1].at_ms - before[-1].at_ms) * HONEST_SPEED + LAG_MS[play.source]


def _seen_ms(play: Play, at: Sequence[Beat]) -> int:
    seen = at[0].position_ms or 0
    for before, after in itertools.pairwise(at):
        moved = (after.position_ms or 0) - (before.position_ms or 0)
        passed_ms = 0 if after.meaning == "jump" else (after.at_ms - before.at_ms) * HONEST_SPEED + LAG_MS[play.source]
        seen += max(0, min(moved, passed_ms))
    return seen


def _jumped(play: Play) -> bool:
    at = [beat for beat in play.beats if beat.position_ms is not None and beat.observed]
    return any(
        (after.position_ms or 0) - (before.position_ms or 0) > after.at_ms - before.at_ms + 1000
        for before, after in itertools.pairwise(at)
    )


def _run_together(play: Play, plays: Sequence[Play], heard: frozenset[int]) -> bool:
    """Tell whether this play and a later or earlier one of the same item on the same player cannot be told apart."""
    for other in plays:
        if other is play or (other.source, other.player, other.title.key) != (play.source, play.player, play.title.key):
            continue
        first, second = (play, other) if play.began_ms < other.began_ms else (other, play)
        if second.began_ms - first.over_ms > SAME_DAY_MS:
            continue
        told = [beat for beat in first.beats if beat.number in heard and beat.observed]
        if (not told or told[-1].meaning not in ("stop", "end")) or not _began_heard(second, heard):
            return True
    return False


def _began_heard(play: Play, heard: frozenset[int]) -> bool:
    return play.beats[0].number in heard


@dataclass(frozen=True)
class Row:
    """One watch that is recorded somewhere."""

    account: str
    key: Key
    at_ms: int
    what: str = ""


@dataclass
class Comparison:
    """How what is recorded compares with what must be."""

    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    must: int = 0
    may: int = 0
    never: int = 0
    recorded: int = 0
    worst_ms: int = 0

    @property
    def deviations(self) -> list[str]:
        """Everything that should not be."""
        named = {"lost": self.lost, "double": self.double, "invented": self.invented, "wrong time": self.late}
        return [f"{name}: {one}" for name, all_of_it in named.items() for one in all_of_it]


def compare(expected: Sequence[Expected], rows: Sequence[Row], *, once: bool) -> Comparison:
    """Compare. `once`: of one title only the first watch is kept, as Simkl does without rewatching."""
    result = Comparison(recorded=len(rows))
    for judgement in ("must", "may", "never"):
        setattr(result, judgement, sum(one.judgement == judgement for one in expected))
    by_name: dict[tuple[str, Key], list[Expected]] = {}
    for one in expected:
        by_name.setdefault((one.account, one.key), []).append(one)
    rows_by_name: dict[tuple[str, Key], list[Row]] = {}
    for row in sorted(rows, key=lambda each: each.at_ms):
        rows_by_name.setdefault((row.account, row.key), []).append(row)
    for name in by_name.keys() | rows_by_name.keys():
        _compare_one(result, by_name.get(name, []), rows_by_name.get(name, []), once=once)
    return result


def _compare_one(result: Comparison, expected: list[Expected], rows: list[Row], *, once: bool) -> None:
    possible = sorted((one for one in expected if one.judgement != "never"), key=lambda one: one.from_ms)
    for row in rows:
        near = min(possible, key=lambda one: (bool(one.found), _off(one, row)), default=None)
        exact = [one for one in possible if _off(one, row) <= NEAR_MS]
        near = next((one for one in exact if not one.found), exact[0] if exact else near)
        words = f"{row.account} {row.key} at {row.at_ms} {row.what}"
        if near is None:
            whys = "; ".join(one.why for one in expected) or "nobody played it"
            result.invented.append(f"{words} ({whys})")
            continue
        off = _off(near, row)
        result.worst_ms = max(result.worst_ms, off)
        if near.found:
            result.double.append(f"{words} ({near.why}, to {near.to_ms})")
        elif off > NEAR_MS:
            result.late.append(f"{words} is {off / 1000:.0f} s off {near.from_ms} to {near.to_ms} ({near.why})")
        near.found.append(row.at_ms)
    missing = [one for one in possible if one.judgement == "must" and not one.found]
    if once and rows:
        if len(rows) > 1:
            result.double.append(f"{rows[1].account} {rows[1].key} has {len(rows)} rows")
        missing = []
    result.lost.extend(f"{one.account} {one.key} from {one.from_ms} to {one.to_ms} ({one.why})" for one in missing)


def _off(one: Expected, row: Row) -> int:
    return max(one.from_ms - row.at_ms, row.at_ms - one.to_ms, 0)
