"""What to tell Simkl next for one account: pure, from the outbox, what plays now and what Simkl shows (rules 1 to 12).

Facts that are due come before what plays now, completions before the rest. Then Simkl is made equal to what plays now.
"""

from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Episode, Work
from scrobbler.clock import Now
from scrobbler.plays.judge import SIMKL_PERCENT
from scrobbler.plays.model import Fact, NowPlaying
from scrobbler.plays.now_playing import SETTLE_MS
from scrobbler.store.outbox import Entry, RemoteState

LIVE_MS = 30_000
"""A completion that is older becomes history with its true time (contract.md 1.6).

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


class ScrobbleCall(Struct, frozen=True, kw_only=True):
    """Send a scrobble call. `entry` is the fact it settles, if any; `remote` is what Simkl shows once it has succeeded."""

    action: Literal["start", "pause", "stop"]
    work: Work
    progress: float
    remote: RemoteState
    entry: Entry | None = None
    rewatch: bool = False
    why: str = ""


class WriteHistory(Struct, frozen=True, kw_only=True):
    """Send watches with their true times, oldest first."""

    entries: tuple[Entry, ...]
    rewatch: bool = False


class DeletePosition(Struct, frozen=True, kw_only=True):
    """Delete the saved position that a watch below 80 % left behind (rule 3)."""

    entry: Entry


class Close(Struct, frozen=True, kw_only=True):
    """Settle a entry without a call."""

    entry: Entry
    outcome: str


class Wait(Struct, frozen=True, kw_only=True):
    """Nothing to do before `until_mono_ms`; None: until something changes."""

    until_mono_ms: int | None = None


Step: TypeAlias = ScrobbleCall | WriteHistory | DeletePosition | Close | Wait


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that the next step depends on.

    `latest` is the last observed progress of what Simkl shows, in percent, where it still plays somewhere, and
    `latest_previous` that of what may be previous it. `thrifty`: the
    day's allowance is nearly used up, so it is kept for completions. `leaving`: the daemon ends, so nothing waits to see
    whether it is a flap. `batch`: how many watches one history write may carry.
    """

    entries: tuple[Entry, ...]
    now_playing: NowPlaying
    remote: RemoteState
    latest: float | None = None
    latest_previous: float | None = None
    thrifty: bool = False
    leaving: bool = False
    batch: int = BATCH


def plan(snapshot: Snapshot, now: Now) -> Step:
    """Decide what comes next."""
    watched = [entry for entry in snapshot.entries if entry.fact.kind == "watched"]
    for entry in watched:
        if entry.stage == "delete":
            return DeletePosition(entry=entry)
        live = entry.live and now.utc_ms - entry.fact.at_utc_ms <= LIVE_MS
        if entry.stage == "tell" and (live or _left_unknown(snapshot, entry, now)):
            return _still_previous(snapshot, _complete(snapshot, entry, now))
    if watched:
        return _history(watched, snapshot.batch)
    for entry in snapshot.entries:
        answer = _leave(snapshot, entry, now)
        if answer is not None:
            return _still_previous(snapshot, answer)
    if snapshot.remote.previous is not None:
        return _end_previous(snapshot, snapshot.remote.previous)
    return _now_playing(snapshot, now)


def _left_unknown(snapshot: Snapshot, entry: Entry, now: Now) -> bool:
    """Tell whether a stop below 80 % may have left a saved position whose id nobody knows.

    Said again it saves the same position and names it, so that it can be deleted; later than ten minutes it might be a newer
    one, of somebody who watches on elsewhere (rules 3, 12).
    """
    fact, now_playing = entry.fact, snapshot.now_playing
    plays_again = now_playing.mode != "nothing" and (now_playing.work_id, now_playing.part) == (fact.work_id, fact.part)
    fresh = now.utc_ms - fact.at_utc_ms <= STALE_MS
    return entry.tries > 0 and fact.progress < SIMKL_PERCENT and fresh and not plays_again


def _still_previous(snapshot: Snapshot, step: Step) -> Step:
    """Keep in mind what may show instead of an unconfirmed start: it is still to be ended, unless this call ends it."""
    previous = snapshot.remote.previous
    if previous is None or not isinstance(step, ScrobbleCall):
        return step
    ended = step.entry is not None and shows(previous, step.entry.fact)
    return replace(step, remote=replace(step.remote, previous=None if ended else previous))


def _complete(snapshot: Snapshot, entry: Entry, now: Now) -> ScrobbleCall:
    fact = entry.fact
    return ScrobbleCall(
        action="stop",
        work=fact.work,
        progress=fact.progress,
        entry=entry,
        # Of an attempt whose fate is unknown, a rewatch could be counted twice (rule 15).
        rewatch=fact.rewatch and entry.tries == 0,
        remote=_after_stop(snapshot.remote, fact, now),
        why="watched",
    )


def _after_stop(remote: RemoteState, fact: Fact, now: Now) -> RemoteState:
    """A stop below 80 % is kept by Simkl as a paused position; one from 80 % on ends the session of its title."""
    if _elsewhere(remote, fact):
        return remote
    if fact.progress >= SIMKL_PERCENT:
        return RemoteState(account=remote.account, refused=remote.refused)
    return _position(remote, fact, now)


def shows(remote: RemoteState, what: Fact | NowPlaying) -> bool:
    """Tell whether Simkl shows this very work; the episodes of one file are works of their own."""
    return remote.mode != "nothing" and remote.work_id == what.work_id and remote.part == what.part


def _elsewhere(remote: RemoteState, fact: Fact) -> bool:
    """Tell whether Simkl shows another title of the account as playing, which this fact must not touch."""
    return remote.mode == "playing" and not shows(remote, fact)


def _position(remote: RemoteState, fact: Fact, now: Now) -> RemoteState:
    if _elsewhere(remote, fact):
        return remote
    return RemoteState(
        account=remote.account,
        mode="paused",
        play=fact.play,
        part=fact.part,
        work_id=fact.work_id,
        work=fact.work,
        progress=fact.progress,
        at_utc_ms=now.utc_ms,
        runtime_ms=fact.runtime_ms,
        refused=remote.refused,
    )


def _history(entries: list[Entry], batch: int) -> WriteHistory:
    first = entries[0].fact.rewatch and entries[0].tries == 0
    alike = [entry for entry in entries if (entry.fact.rewatch and entry.tries == 0) == first]
    return WriteHistory(entries=tuple(alike[:batch]), rewatch=first)


def _leave(snapshot: Snapshot, entry: Entry, now: Now) -> Step | None:
    fact, remote, now_playing = entry.fact, snapshot.remote, snapshot.now_playing
    outcome = f"saved at {fact.progress:g} %"
    here = shows(remote, fact)
    if here and remote.mode == "paused" and remote.confirmed and abs(remote.progress - fact.progress) < SAME_PERCENT:
        return Close(entry=entry, outcome=outcome)
    if now_playing.mode != "nothing" and (now_playing.work_id, now_playing.part) == (fact.work_id, fact.part):
        return Close(entry=entry, outcome=f"continued in {now_playing.play}")
    if remote.refused == fact.work_id:
        return Close(entry=entry, outcome="not saved: Simkl does not know this title")
    if not here and fact.progress < BARELY_PERCENT:
        return Close(entry=entry, outcome="not saved: hardly begun")
    dangling = here and (remote.mode == "playing" or not remote.confirmed)
    if not dangling and now.utc_ms - fact.at_utc_ms > STALE_MS:
        return Close(entry=entry, outcome="too old")
    if snapshot.thrifty and not dangling:
        return Close(entry=entry, outcome=f"not saved: {THRIFT}")
    rest_ms = entry.enqueued_utc_ms + SETTLE_MS - now.utc_ms
    if now_playing.mode == "nothing" and 0 < rest_ms <= SETTLE_MS and not snapshot.leaving:
        # The player may only have taken a breath (rule 6); where something else plays already, it has not.
        return Wait(until_mono_ms=now.mono_ms + rest_ms)
    return ScrobbleCall(
        action="stop" if fact.progress < SIMKL_PERCENT else "pause",
        work=fact.work,
        progress=fact.progress,
        entry=entry,
        remote=_position(remote, fact, now),
        why=outcome,
    )


def _now_playing(snapshot: Snapshot, now: Now) -> Step:
    now_playing, remote = snapshot.now_playing, snapshot.remote
    same = shows(remote, now_playing)
    if now_playing.mode == "playing" and not _startable(now_playing, remote):
        if remote.mode == "playing" and not same:
            return _end_dangling(snapshot, now, "another title plays")
        return Wait()
    match now_playing.mode, remote.mode:
        case "nothing", "playing":
            return _end_dangling(snapshot, now, "nothing plays any more")
        case "playing", "playing" if same and remote.confirmed:
            return Wait()
        case "playing", "playing" if _would_count(remote, now):
            return _end_dangling(snapshot, now, "a title starts")
        case "playing", _:
            return _when_settled(snapshot, now, _start(snapshot, now))
        case "paused", "playing" if same:
            return _when_settled(snapshot, now, _pause(snapshot, now))
        case "paused", "playing":
            return _end_dangling(snapshot, now, "another title is paused")
        case "paused", "nothing" if _worth_saving(snapshot, now):
            return _when_settled(snapshot, now, _pause(snapshot, now))
        case _:
            return Wait()


def _startable(now_playing: NowPlaying, remote: RemoteState) -> bool:
    """Rule 5, and no second try of what Simkl does not know."""
    return (
        now_playing.progress is not None
        and now_playing.progress < SIMKL_PERCENT
        and remote.refused != now_playing.work_id
    )


def _when_settled(snapshot: Snapshot, now: Now, step: Step) -> Step:
    """Rule 6: what may be a flap waits, unless a request's fate is unknown."""
    if snapshot.thrifty and isinstance(step, ScrobbleCall) and step.action == "start":
        return Wait()
    if snapshot.now_playing.settle_mono_ms > now.mono_ms and snapshot.remote.confirmed and not snapshot.leaving:
        return Wait(until_mono_ms=snapshot.now_playing.settle_mono_ms)
    return step


def _wanted(snapshot: Snapshot, now: Now, mode: Literal["playing", "paused"]) -> RemoteState:
    now_playing = snapshot.now_playing
    return RemoteState(
        account=now_playing.account,
        mode=mode,
        play=now_playing.play,
        part=now_playing.part,
        work_id=now_playing.work_id,
        work=now_playing.work,
        progress=now_playing.progress or 0.0,
        at_utc_ms=now.utc_ms,
        runtime_ms=now_playing.runtime_ms,
        refused=snapshot.remote.refused,
    )


def _start(snapshot: Snapshot, now: Now) -> ScrobbleCall:
    wanted = _wanted(snapshot, now, "playing")
    assert wanted.work is not None
    return ScrobbleCall(action="start", work=wanted.work, progress=wanted.progress, remote=wanted, why="it plays")


def _pause(snapshot: Snapshot, now: Now) -> ScrobbleCall:
    wanted = _wanted(snapshot, now, "paused")
    assert wanted.work is not None
    return ScrobbleCall(action="pause", work=wanted.work, progress=wanted.progress, remote=wanted, why="it is paused")


def _worth_saving(snapshot: Snapshot, now: Now) -> bool:
    now_playing = snapshot.now_playing
    fresh = now.utc_ms - now_playing.position_utc_ms <= STALE_MS
    unknown = snapshot.remote.refused == now_playing.work_id or now_playing.progress is None
    return fresh and not unknown and not snapshot.thrifty and (now_playing.progress or 0.0) >= BARELY_PERCENT


def _end_dangling(snapshot: Snapshot, now: Now, why: str) -> ScrobbleCall:
    """Rule 9: no start stays behind. What was recorded as watched meanwhile ends in a stop, which changes nothing more."""
    remote = snapshot.remote
    assert remote.work is not None
    if remote.settled:
        nothing = RemoteState(account=remote.account, refused=remote.refused)
        return ScrobbleCall(action="stop", work=remote.work, progress=100.0, remote=nothing, why=why)
    progress = remote.progress if snapshot.latest is None else snapshot.latest
    paused = replace(remote, mode="paused", confirmed=True, progress=progress, at_utc_ms=now.utc_ms)
    return ScrobbleCall(action="pause", work=remote.work, progress=progress, remote=paused, why=why)


def _end_previous(snapshot: Snapshot, previous: RemoteState) -> ScrobbleCall:
    """Rule 9, where a start was to take the place of what played, and nobody knows whether it arrived."""
    assert previous.work is not None
    after = replace(snapshot.remote, previous=None)
    why = "nobody knows whether the next start took its place"
    if previous.settled:
        return ScrobbleCall(action="stop", work=previous.work, progress=100.0, remote=after, why=why)
    progress = previous.progress if snapshot.latest_previous is None else snapshot.latest_previous
    return ScrobbleCall(action="pause", work=previous.work, progress=progress, remote=after, why=why)


def _would_count(remote: RemoteState, now: Now) -> bool:
    """Tell whether Simkl, counting on since the last call, would take it for watched at the next start (rule 8)."""
    return _counted(remote, now) >= SIMKL_PERCENT


def _counted(remote: RemoteState, now: Now) -> float:
    """Say how far Simkl counts a play to be by now, in percent, at the most."""
    return remote.progress + max(0, now.utc_ms - remote.at_utc_ms) * 100 / _shortest_ms(remote)


def _shortest_ms(remote: RemoteState) -> int:
    kind = "episode" if isinstance(remote.work, Episode) else "movie"
    return min(remote.runtime_ms or _FALLBACK_MS[kind], _FALLBACK_MS[kind])


def doubtful_start(started: RemoteState, before: RemoteState, now: Now) -> RemoteState:
    """Say what Simkl shows while the fate of a start is unknown: it, or what played before, counted on from where that was."""
    same = (started.work_id, started.part) == (before.work_id, before.part)
    if before.mode != "playing":
        return replace(started, confirmed=False, previous=before.previous)
    if not same:
        return replace(started, confirmed=False, previous=replace(before, previous=None))
    ahead_ms = max(0.0, _counted(before, now) - started.progress) * _shortest_ms(started) / 100
    return replace(started, confirmed=False, previous=before.previous, at_utc_ms=now.utc_ms - int(ahead_ms))
