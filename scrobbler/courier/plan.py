"""What to tell Simkl next for one account: pure, from the ledger, the banner, and what Simkl shows (design.md rules 1 to 12).

Facts that are due come before the banner, completions before the rest. Then Simkl is made equal to the banner.
"""

from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Episode, Work
from scrobbler.clock import Now
from scrobbler.plays.banners import SETTLE_MS
from scrobbler.plays.judge import SIMKL_PERCENT
from scrobbler.plays.model import Banner, Fact
from scrobbler.store.ledger import Row, Shown

LIVE_MS = 30_000
"""A completion that is older becomes history with its true time (design.md 1.6).

Half of the minute that Simkl's own time may be off: the call may take the other half, most of it in Simkl's lock.
"""

STALE_MS = 10 * 60_000
"""A position that is older is not sent: it could overwrite a newer one from elsewhere (rule 12)."""

SAME_PERCENT = 0.5
"""Positions so close together are the same saved position."""

BARELY_PERCENT = 1.0
"""A play that Simkl never heard of and that was left before this leaves nothing worth saving."""

BATCH = 50

THRIFT = "the day's calls are kept for what was watched"
"""Why a position is not saved when the allowance is nearly gone (rule 16)."""

_FALLBACK_MS = {"movie": 90 * 60_000, "episode": 25 * 60_000}
"""Simkl's runtimes where it knows none, the shortest of each kind (simkl-api.md 0)."""


class Tell(Struct, frozen=True, kw_only=True):
    """Send a scrobble call. `row` is the fact it settles, if any; `shown` is what Simkl shows once it has succeeded."""

    action: Literal["start", "pause", "stop"]
    work: Work
    progress: float
    shown: Shown
    row: Row | None = None
    rewatch: bool = False
    why: str = ""


class WriteHistory(Struct, frozen=True, kw_only=True):
    """Send watches with their true times, oldest first."""

    rows: tuple[Row, ...]
    rewatch: bool = False


class DeletePosition(Struct, frozen=True, kw_only=True):
    """Delete the saved position that a watch below 80 % left behind (rule 3)."""

    row: Row


class Close(Struct, frozen=True, kw_only=True):
    """Settle a row without a call."""

    row: Row
    outcome: str


class Wait(Struct, frozen=True, kw_only=True):
    """Nothing to do before `until_mono_ms`; None: until something changes."""

    until_mono_ms: int | None = None


Step: TypeAlias = Tell | WriteHistory | DeletePosition | Close | Wait


class Desk(Struct, frozen=True, kw_only=True):
    """All that the next step depends on.

    `latest` is the last observed progress of what Simkl shows, in percent, where it still plays somewhere, and
    `latest_beneath` that of what may be beneath it. `thrifty`: the
    day's allowance is nearly used up, so it is kept for completions. `leaving`: the daemon ends, so nothing waits to see
    whether it is a flap. `batch`: how many watches one history write may carry.
    """

    rows: tuple[Row, ...]
    banner: Banner
    shown: Shown
    latest: float | None = None
    latest_beneath: float | None = None
    thrifty: bool = False
    leaving: bool = False
    batch: int = BATCH


def plan(desk: Desk, now: Now) -> Step:
    """Decide what comes next."""
    watched = [row for row in desk.rows if row.fact.kind == "watched"]
    for row in watched:
        if row.stage == "delete":
            return DeletePosition(row=row)
        live = row.live and now.utc_ms - row.fact.at_utc_ms <= LIVE_MS
        if row.stage == "tell" and (live or _left_unknown(desk, row, now)):
            return _still_beneath(desk, _complete(desk, row, now))
    if watched:
        return _history(watched, desk.batch)
    for row in desk.rows:
        answer = _leave(desk, row, now)
        if answer is not None:
            return _still_beneath(desk, answer)
    if desk.shown.beneath is not None:
        return _end_beneath(desk, desk.shown.beneath)
    return _banner(desk, now)


def _left_unknown(desk: Desk, row: Row, now: Now) -> bool:
    """Tell whether a stop below 80 % may have left a saved position whose id nobody knows.

    Said again it saves the same position and names it, so that it can be deleted; later than ten minutes it might be a newer
    one, of somebody who watches on elsewhere (rules 3, 12).
    """
    fact, banner = row.fact, desk.banner
    plays_again = banner.mode != "nothing" and (banner.work_id, banner.part) == (fact.work_id, fact.part)
    fresh = now.utc_ms - fact.at_utc_ms <= STALE_MS
    return row.tries > 0 and fact.progress < SIMKL_PERCENT and fresh and not plays_again


def _still_beneath(desk: Desk, step: Step) -> Step:
    """Whatever is told of a play: what may show beneath another is still to be ended, unless this ends it."""
    beneath = desk.shown.beneath
    if beneath is None or not isinstance(step, Tell):
        return step
    ended = step.row is not None and shows(beneath, step.row.fact)
    return replace(step, shown=replace(step.shown, beneath=None if ended else beneath))


def _complete(desk: Desk, row: Row, now: Now) -> Tell:
    fact = row.fact
    return Tell(
        action="stop",
        work=fact.work,
        progress=fact.progress,
        row=row,
        # Of an attempt whose fate is unknown, a rewatch could be counted twice (rule 15).
        rewatch=fact.rewatch and row.tries == 0,
        shown=_after_stop(desk.shown, fact, now),
        why="watched",
    )


def _after_stop(shown: Shown, fact: Fact, now: Now) -> Shown:
    """A stop below 80 % is kept by Simkl as a paused position; one from 80 % on ends the session of its title."""
    if _elsewhere(shown, fact):
        return shown
    if fact.progress >= SIMKL_PERCENT:
        return Shown(account=shown.account, refused=shown.refused)
    return _position(shown, fact, now)


def shows(shown: Shown, what: Fact | Banner) -> bool:
    """Tell whether Simkl shows this very work; the episodes of one file are works of their own."""
    return shown.mode != "nothing" and shown.work_id == what.work_id and shown.part == what.part


def _elsewhere(shown: Shown, fact: Fact) -> bool:
    """Tell whether another title of the account plays on: its banner is not this fact's."""
    return shown.mode == "playing" and not shows(shown, fact)


def _position(shown: Shown, fact: Fact, now: Now) -> Shown:
    if _elsewhere(shown, fact):
        return shown
    return Shown(
        account=shown.account,
        mode="paused",
        viewing=fact.viewing,
        part=fact.part,
        work_id=fact.work_id,
        work=fact.work,
        progress=fact.progress,
        at_utc_ms=now.utc_ms,
        runtime_ms=fact.runtime_ms,
        refused=shown.refused,
    )


def _history(rows: list[Row], batch: int) -> WriteHistory:
    first = rows[0].fact.rewatch and rows[0].tries == 0
    alike = [row for row in rows if (row.fact.rewatch and row.tries == 0) == first]
    return WriteHistory(rows=tuple(alike[:batch]), rewatch=first)


def _leave(desk: Desk, row: Row, now: Now) -> Step | None:
    fact, shown, banner = row.fact, desk.shown, desk.banner
    outcome = f"saved at {fact.progress:g} %"
    here = shows(shown, fact)
    if here and shown.mode == "paused" and shown.sure and abs(shown.progress - fact.progress) < SAME_PERCENT:
        return Close(row=row, outcome=outcome)
    if banner.mode != "nothing" and (banner.work_id, banner.part) == (fact.work_id, fact.part):
        return Close(row=row, outcome=f"continued in {banner.viewing}")
    if shown.refused == fact.work_id:
        return Close(row=row, outcome="not saved: Simkl does not know this title")
    if not here and fact.progress < BARELY_PERCENT:
        return Close(row=row, outcome="not saved: hardly begun")
    dangling = here and (shown.mode == "playing" or not shown.sure)
    if not dangling and now.utc_ms - fact.at_utc_ms > STALE_MS:
        return Close(row=row, outcome="too old")
    if desk.thrifty and not dangling:
        return Close(row=row, outcome=f"not saved: {THRIFT}")
    rest_ms = row.owed_utc_ms + SETTLE_MS - now.utc_ms
    if banner.mode == "nothing" and 0 < rest_ms <= SETTLE_MS and not desk.leaving:
        # The player may only have taken a breath (rule 6); where something else plays already, it has not.
        return Wait(until_mono_ms=now.mono_ms + rest_ms)
    return Tell(
        action="stop" if fact.progress < SIMKL_PERCENT else "pause",
        work=fact.work,
        progress=fact.progress,
        row=row,
        shown=_position(shown, fact, now),
        why=outcome,
    )


def _banner(desk: Desk, now: Now) -> Step:
    banner, shown = desk.banner, desk.shown
    same = shows(shown, banner)
    if banner.mode == "playing" and not _startable(banner, shown):
        if shown.mode == "playing" and not same:
            return _end_dangling(desk, now, "another title plays")
        return Wait()
    match banner.mode, shown.mode:
        case "nothing", "playing":
            return _end_dangling(desk, now, "nothing plays any more")
        case "playing", "playing" if same and shown.sure:
            return Wait()
        case "playing", "playing" if _would_count(shown, now):
            return _end_dangling(desk, now, "a title starts")
        case "playing", _:
            return _when_settled(desk, now, _start(desk, now))
        case "paused", "playing" if same:
            return _when_settled(desk, now, _pause(desk, now))
        case "paused", "playing":
            return _end_dangling(desk, now, "another title is paused")
        case "paused", "nothing" if _worth_saving(desk, now):
            return _when_settled(desk, now, _pause(desk, now))
        case _:
            return Wait()


def _startable(banner: Banner, shown: Shown) -> bool:
    """Rule 5, and no second try of what Simkl does not know."""
    return banner.progress is not None and banner.progress < SIMKL_PERCENT and shown.refused != banner.work_id


def _when_settled(desk: Desk, now: Now, step: Step) -> Step:
    """Rule 6: what may be a flap waits, unless a request's fate is unknown."""
    if desk.thrifty and isinstance(step, Tell) and step.action == "start":
        return Wait()
    if desk.banner.settle_mono_ms > now.mono_ms and desk.shown.sure and not desk.leaving:
        return Wait(until_mono_ms=desk.banner.settle_mono_ms)
    return step


def _wanted(desk: Desk, now: Now, mode: Literal["playing", "paused"]) -> Shown:
    banner = desk.banner
    return Shown(
        account=banner.account,
        mode=mode,
        viewing=banner.viewing,
        part=banner.part,
        work_id=banner.work_id,
        work=banner.work,
        progress=banner.progress or 0.0,
        at_utc_ms=now.utc_ms,
        runtime_ms=banner.runtime_ms,
        refused=desk.shown.refused,
    )


def _start(desk: Desk, now: Now) -> Tell:
    wanted = _wanted(desk, now, "playing")
    assert wanted.work is not None
    return Tell(action="start", work=wanted.work, progress=wanted.progress, shown=wanted, why="it plays")


def _pause(desk: Desk, now: Now) -> Tell:
    wanted = _wanted(desk, now, "paused")
    assert wanted.work is not None
    return Tell(action="pause", work=wanted.work, progress=wanted.progress, shown=wanted, why="it is paused")


def _worth_saving(desk: Desk, now: Now) -> bool:
    banner = desk.banner
    fresh = now.utc_ms - banner.position_utc_ms <= STALE_MS
    unknown = desk.shown.refused == banner.work_id or banner.progress is None
    return fresh and not unknown and not desk.thrifty and (banner.progress or 0.0) >= BARELY_PERCENT


def _end_dangling(desk: Desk, now: Now, why: str) -> Tell:
    """Rule 9: no start stays behind. What was recorded as watched meanwhile ends in a stop, which changes nothing more."""
    shown = desk.shown
    assert shown.work is not None
    if shown.settled:
        nothing = Shown(account=shown.account, refused=shown.refused)
        return Tell(action="stop", work=shown.work, progress=100.0, shown=nothing, why=why)
    progress = shown.progress if desk.latest is None else desk.latest
    paused = replace(shown, mode="paused", sure=True, progress=progress, at_utc_ms=now.utc_ms)
    return Tell(action="pause", work=shown.work, progress=progress, shown=paused, why=why)


def _end_beneath(desk: Desk, beneath: Shown) -> Tell:
    """Rule 9, where a start was to take the place of what played, and nobody knows whether it arrived."""
    assert beneath.work is not None
    after = replace(desk.shown, beneath=None)
    why = "nobody knows whether the next start took its place"
    if beneath.settled:
        return Tell(action="stop", work=beneath.work, progress=100.0, shown=after, why=why)
    progress = beneath.progress if desk.latest_beneath is None else desk.latest_beneath
    return Tell(action="pause", work=beneath.work, progress=progress, shown=after, why=why)


def _would_count(shown: Shown, now: Now) -> bool:
    """Tell whether Simkl, counting on since the last call, would take it for watched at the next start (rule 8)."""
    return _counted(shown, now) >= SIMKL_PERCENT


def _counted(shown: Shown, now: Now) -> float:
    """Say how far Simkl counts a play to be by now, in percent, at the most."""
    return shown.progress + max(0, now.utc_ms - shown.at_utc_ms) * 100 / _shortest_ms(shown)


def _shortest_ms(shown: Shown) -> int:
    kind = "episode" if isinstance(shown.work, Episode) else "movie"
    return min(shown.runtime_ms or _FALLBACK_MS[kind], _FALLBACK_MS[kind])


def doubtful_start(started: Shown, before: Shown, now: Now) -> Shown:
    """Say what Simkl shows while the fate of a start is unknown: it, or what played before, counted on from where that was."""
    same = (started.work_id, started.part) == (before.work_id, before.part)
    if before.mode != "playing":
        return replace(started, sure=False, beneath=before.beneath)
    if not same:
        return replace(started, sure=False, beneath=replace(before, beneath=None))
    ahead_ms = max(0.0, _counted(before, now) - started.progress) * _shortest_ms(started) / 100
    return replace(started, sure=False, beneath=before.beneath, at_utc_ms=now.utc_ms - int(ahead_ms))
