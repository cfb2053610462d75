"""What to tell Simkl next: every rule as a entry of a table."""

from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import Episode, Show
from scrobbler.clock import Now
from scrobbler.plays.model import Fact, NowPlaying
from scrobbler.sender.plan import (
    BATCH,
    THRIFT,
    Close,
    DeletePosition,
    ScrobbleCall,
    Snapshot,
    Step,
    Wait,
    WriteHistory,
    plan,
)
from scrobbler.store.outbox import Entry, RemoteState
from tests.kit.virtual import EPISODE, FILM, LENGTH_MS, MINUTE, OTHER

NOW = Now(utc_ms=1_790_000_000_000, mono_ms=50_000_000)
NOTHING = NowPlaying(account="alice")
NO_SHOW = RemoteState(account="alice")
OLD = NOW.utc_ms - 10 * MINUTE - 1


def now_playing(mode: Any, progress: float | None = 20.0, **more: Any) -> NowPlaying:
    """Want the film to show."""
    values: dict[str, Any] = {"work_id": 1, "work": FILM, "play": "p1", "runtime_ms": LENGTH_MS, **more}
    fresh = {"position_utc_ms": NOW.utc_ms, "settle_mono_ms": NOW.mono_ms - 1}
    return NowPlaying(account="alice", mode=mode, progress=progress, **{**fresh, **values})


def remote(mode: Any, progress: float = 10.0, **more: Any) -> RemoteState:
    """Let Simkl show the film."""
    values: dict[str, Any] = {"work_id": 1, "work": FILM, "play": "p1", "runtime_ms": LENGTH_MS, **more}
    return RemoteState(account="alice", mode=mode, progress=progress, **{"at_utc_ms": NOW.utc_ms, **values})


def fact(kind: Any, progress: float, **more: Any) -> Fact:
    """Judge the film."""
    values: dict[str, Any] = {"play": "p1", "part": 0, "work_id": 1, "work": FILM, "at_utc_ms": NOW.utc_ms, **more}
    return Fact(account="alice", kind=kind, progress=progress, runtime_ms=LENGTH_MS, **values)


def entry(what: Fact, number: int = 1, **more: Any) -> Entry:
    """Owe it since a while."""
    values: dict[str, Any] = {"stage": "tell", "live": True, "tries": 0, "enqueued_utc_ms": NOW.utc_ms - 5_000, **more}
    return Entry(id=number, fact=what, **values)


def ask(
    *entries: Entry, wants: NowPlaying = NOTHING, shows: RemoteState = NO_SHOW, now: Now = NOW, **more: Any
) -> Step:
    """Plan the next step."""
    return plan(Snapshot(entries=entries, now_playing=wants, remote=shows, **more), now)


def short(step: Step) -> tuple[Any, ...]:
    """Say what a step is in few words."""
    match step:
        case ScrobbleCall():
            return (step.action, step.work, step.progress)
        case WriteHistory():
            return ("history", [one.id for one in step.entries], step.rewatch)
        case DeletePosition():
            return ("delete", step.entry.playback_id)
        case Close():
            return ("close", step.outcome)
        case Wait():
            return ("wait", step.until_mono_ms)


ON_OTHER: dict[str, Any] = {"work_id": 2, "work": OTHER, "play": "p2"}

NOW_PLAYING: dict[str, tuple[NowPlaying, RemoteState, tuple[Any, ...]]] = {
    "rule 1: what shows already is not told again, whatever its position": (
        now_playing("playing", 55.0), remote("playing", 3.0), ("wait", None)),
    "a play begins": (now_playing("playing", 20.0), NO_SHOW, ("start", FILM, 20.0)),
    "a play begins at zero": (now_playing("playing", 0.0), NO_SHOW, ("start", FILM, 0.0)),
    "a pause": (now_playing("paused", 33.0), remote("playing"), ("pause", FILM, 33.0)),
    "a resume": (now_playing("playing", 33.0), remote("paused", 33.0), ("start", FILM, 33.0)),
    "it is paused already": (now_playing("paused", 33.0), remote("paused", 33.0), ("wait", None)),
    "nothing was and nothing is": (NOTHING, NO_SHOW, ("wait", None)),
    "paused, and nothing plays any more: the position stays": (NOTHING, remote("paused"), ("wait", None)),
    "rule 2: an unknown position starts nothing": (now_playing("playing", None), NO_SHOW, ("wait", None)),
    "rule 5: no start past 80 %": (now_playing("playing", 80.0), NO_SHOW, ("wait", None)),
    "rule 5: a start just below": (now_playing("playing", 79.99), NO_SHOW, ("start", FILM, 79.99)),
    "rule 5: a resume past 80 % starts nothing": (now_playing("playing", 85.0), remote("paused", 85.0), ("wait", None)),
    "rule 5: what shows stays when it passes 80 %": (now_playing("playing", 85.0), remote("playing"), ("wait", None)),
    "rule 5: past 80 % the other title's start does not dangle": (
        now_playing("playing", 85.0), remote("playing", **ON_OTHER), ("pause", OTHER, 10.0)),
    "rule 9: a start that nothing stands behind becomes a pause": (NOTHING, remote("playing"), ("pause", FILM, 10.0)),
    "rule 9: one whose fate is unknown too": (NOTHING, remote("playing", confirmed=False), ("pause", FILM, 10.0)),
    "rule 9: a pause whose fate is unknown is said again": (
        now_playing("paused", 30.0), remote("playing", confirmed=False), ("pause", FILM, 30.0)),
    "a start whose fate is unknown is said again": (
        now_playing("playing", 30.0), remote("playing", confirmed=False), ("start", FILM, 30.0)),
    "rule 8: unless Simkl's clock has passed 80 % meanwhile": (
        now_playing("playing", 30.0),
        remote("playing", confirmed=False, at_utc_ms=NOW.utc_ms - 80 * MINUTE),
        ("pause", FILM, 10.0)),
    "another title is paused: the one that shows does not dangle": (
        now_playing("paused", 30.0), remote("playing", **ON_OTHER), ("pause", OTHER, 10.0)),
    "the next title starts over one that is not far": (
        now_playing("playing", 0.0), remote("playing", **ON_OTHER), ("start", FILM, 0.0)),
    "rule 8: one that Simkl would count is paused before": (
        now_playing("playing", 0.0),
        remote("playing", 10.0, at_utc_ms=NOW.utc_ms - 64 * MINUTE, **ON_OTHER),
        ("pause", OTHER, 10.0)),
    "rule 8: a minute earlier it would not count": (
        now_playing("playing", 0.0),
        remote("playing", 10.0, at_utc_ms=NOW.utc_ms - 62 * MINUTE, **ON_OTHER),
        ("start", FILM, 0.0)),
    "rule 8: without a known runtime the shortest counts": (
        now_playing("playing", 0.0),
        remote("playing", 0.0, runtime_ms=None, at_utc_ms=NOW.utc_ms - 20 * MINUTE, work_id=3, work=EPISODE),
        ("pause", EPISODE, 0.0)),
    "paused before Simkl heard of it: the position is worth saving": (
        now_playing("paused", 40.0), NO_SHOW, ("pause", FILM, 40.0)),
    "hardly begun and paused: nothing to save": (now_playing("paused", 0.9), NO_SHOW, ("wait", None)),
    "rule 2: paused at an unknown position": (now_playing("paused", None), NO_SHOW, ("wait", None)),
    "rule 12: paused long ago": (
        now_playing("paused", 40.0, position_utc_ms=OLD), NO_SHOW, ("wait", None)),
    "refused titles are not tried again": (now_playing("playing", 5.0), RemoteState(account="alice", refused=1), ("wait", None)),
    "nor paused": (now_playing("paused", 50.0), RemoteState(account="alice", refused=1), ("wait", None)),
    "but other titles are": (now_playing("playing", 5.0), RemoteState(account="alice", refused=2), ("start", FILM, 5.0)),
    "what was recorded meanwhile ends in a stop that changes nothing": (
        NOTHING, remote("playing", settled=True), ("stop", FILM, 100.0)),
    "rule 6: a pause within the settle time may be a flap": (
        now_playing("paused", 30.0, settle_mono_ms=NOW.mono_ms + 400), remote("playing"), ("wait", NOW.mono_ms + 400)),
    "rule 6: so may a resume": (
        now_playing("playing", 30.0, settle_mono_ms=NOW.mono_ms + 400), remote("paused"), ("wait", NOW.mono_ms + 400)),
    "rule 6: a flap that is over sends nothing": (
        now_playing("playing", 30.0, settle_mono_ms=NOW.mono_ms + 400), remote("playing"), ("wait", None)),
    "rule 6 waits for nothing where a fate is unknown": (
        now_playing("paused", 30.0, settle_mono_ms=NOW.mono_ms + 400), remote("playing", confirmed=False), ("pause", FILM, 30.0)),
}  # fmt: skip


@pytest.mark.parametrize(("wants", "shows", "expected"), NOW_PLAYING.values(), ids=NOW_PLAYING.keys())
def test_now_playing(wants: NowPlaying, shows: RemoteState, expected: tuple[Any, ...]) -> None:
    """With nothing owed, Simkl is made equal to what plays now, as the table says."""
    assert short(ask(wants=wants, shows=shows)) == expected


LEFT = entry(fact("left", 30.0))
LEAVING: dict[str, tuple[Entry, NowPlaying, RemoteState, tuple[Any, ...]]] = {
    "left while it shows": (LEFT, NOTHING, remote("playing"), ("stop", FILM, 30.0)),
    "left without a start": (LEFT, NOTHING, NO_SHOW, ("stop", FILM, 30.0)),
    "left where it was paused": (LEFT, NOTHING, remote("paused", 30.2), ("close", "saved at 30 %")),
    "left elsewhere than it was paused": (LEFT, NOTHING, remote("paused", 29.0), ("stop", FILM, 30.0)),
    "left where a pause may have got lost": (LEFT, NOTHING, remote("paused", 30.0, confirmed=False), ("stop", FILM, 30.0)),
    "left, then the same work goes on": (
        LEFT, now_playing("playing", 31.0, play="p2"), remote("playing"), ("close", "continued in p2")),
    "left, then heard again": (LEFT, now_playing("playing", 31.0), remote("playing"), ("close", "continued in p1")),
    "left, and paused on another player": (
        LEFT, now_playing("paused", 31.0, play="p2"), remote("playing"), ("close", "continued in p2")),
    "rule 7: left, then another title plays": (
        LEFT, now_playing("playing", 0.0, **ON_OTHER), remote("playing"), ("stop", FILM, 30.0)),
    "rule 3: left past 80 %": (entry(fact("left", 86.0)), NOTHING, remote("playing"), ("pause", FILM, 86.0)),
    "rule 3: left at 80 %": (entry(fact("left", 80.0)), NOTHING, remote("playing"), ("pause", FILM, 80.0)),
    "rule 12: too old": (entry(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, NO_SHOW, ("close", "too old")),
    "rule 12: just young enough": (
        entry(fact("left", 30.0, at_utc_ms=OLD + 1)), NOTHING, NO_SHOW, ("stop", FILM, 30.0)),
    "rule 9 before rule 12: old, but its start dangles": (
        entry(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, remote("playing"), ("stop", FILM, 30.0)),
    "rule 9 before rule 12: old, and nobody knows whether its pause arrived": (
        entry(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, remote("paused", 20.0, confirmed=False), ("stop", FILM, 30.0)),
    "begun at least": (entry(fact("left", 1.0)), NOTHING, NO_SHOW, ("stop", FILM, 1.0)),
    "hardly begun": (entry(fact("left", 0.9)), NOTHING, NO_SHOW, ("close", "not saved: hardly begun")),
    "hardly begun, but told": (entry(fact("left", 0.9)), NOTHING, remote("playing"), ("stop", FILM, 0.9)),
    "refused": (
        LEFT, NOTHING, RemoteState(account="alice", refused=1), ("close", "not saved: Simkl does not know this title")),
    "rule 6: the player may only take a breath": (
        entry(fact("left", 30.0), enqueued_utc_ms=NOW.utc_ms - 300), NOTHING, remote("playing"), ("wait", NOW.mono_ms + 700)),
    "rule 6: the wall clock was set back": (
        entry(fact("left", 30.0), enqueued_utc_ms=NOW.utc_ms + 3_600_000), NOTHING, remote("playing"), ("stop", FILM, 30.0)),
    "rule 7: no breath where the next title plays": (
        entry(fact("left", 30.0), enqueued_utc_ms=NOW.utc_ms), now_playing("playing", 0.0, **ON_OTHER), remote("playing"),
        ("stop", FILM, 30.0)),
    "another episode of the same file goes on": (
        LEFT, now_playing("playing", 3.0, part=1), remote("playing"), ("stop", FILM, 30.0)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "wants", "shows", "expected"), LEAVING.values(), ids=LEAVING.keys())
def test_left(owed: Entry, wants: NowPlaying, shows: RemoteState, expected: tuple[Any, ...]) -> None:
    """A play that was left is saved, closed without a call, or waits, as the table says."""
    assert short(ask(owed, wants=wants, shows=shows)) == expected


WATCHED = fact("watched", 95.0)
WATCHES: dict[str, tuple[Entry, tuple[Any, ...]]] = {
    "told at once": (entry(WATCHED), ("stop", FILM, 95.0)),
    "half a minute late": (entry(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 30_000)), ("stop", FILM, 95.0)),
    "rule 12: later than that": (entry(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 30_001)), ("history", [1], False)),
    "rule 12: after a restart": (entry(WATCHED, live=False), ("history", [1], False)),
    "rule 3: below 80 first a stop": (entry(fact("watched", 70.0)), ("stop", FILM, 70.0)),
    "rule 3: then history": (entry(fact("watched", 70.0), stage="history", playback_id=7), ("history", [1], False)),
    "rule 3: then the saved position goes": (
        entry(fact("watched", 70.0), stage="delete", playback_id=7), ("delete", 7)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "expected"), WATCHES.values(), ids=WATCHES.keys())
def test_watched(owed: Entry, expected: tuple[Any, ...]) -> None:
    """A watch goes its way, as the table says."""
    assert short(ask(owed, shows=remote("playing"))) == expected


LOST = {"at_utc_ms": NOW.utc_ms - 5 * MINUTE}
LOST_STOPS: dict[str, tuple[Entry, NowPlaying, tuple[Any, ...]]] = {
    "rule 3: its position may be saved, and is asked for": (
        entry(fact("watched", 70.0, **LOST), tries=1), NOTHING, ("stop", FILM, 70.0)),
    "no stop was ever made": (entry(fact("watched", 70.0, **LOST)), NOTHING, ("history", [1], False)),
    "past Simkl's 80 % it saves none": (
        entry(fact("watched", 85.0, **LOST), tries=1), NOTHING, ("history", [1], False)),
    "rule 12: too old by now": (
        entry(fact("watched", 70.0, at_utc_ms=OLD), tries=1), NOTHING, ("history", [1], False)),
    "rule 12: it plays again": (
        entry(fact("watched", 70.0, **LOST), tries=1), now_playing("playing", 75.0, play="p2"), ("history", [1], False)),
    "another title plays": (
        entry(fact("watched", 70.0, **LOST), tries=1), now_playing("playing", **ON_OTHER), ("stop", FILM, 70.0)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "wants", "expected"), LOST_STOPS.values(), ids=LOST_STOPS.keys())
def test_a_stop_below_eighty_whose_fate_is_unknown(owed: Entry, wants: NowPlaying, expected: tuple[Any, ...]) -> None:
    """It is said again only where it may have left a position that nothing newer has replaced."""
    assert short(ask(owed, wants=wants)) == expected


@pytest.mark.parametrize(
    ("asks", "tries", "live", "flag"),
    [
        (True, 0, True, True),
        (True, 1, True, False),
        (False, 0, True, False),
        (True, 0, False, True),
        (True, 2, False, False),
    ],
)
def test_rewatch(asks: bool, tries: int, live: bool, flag: bool) -> None:  # noqa: FBT001 - columns of the table
    """Rule 15: a rewatch is asked for by the account's wish, and never on an attempt whose fate is unknown."""
    step = ask(entry(fact("watched", 95.0, rewatch=asks), tries=tries, live=live))
    assert isinstance(step, ScrobbleCall | WriteHistory)
    assert step.rewatch is flag


def test_a_history_write_carries_one_kind() -> None:
    """Rule 15: rewatches and plain watches do not share a request."""
    entries = [
        entry(fact("watched", 95.0, rewatch=one), index, live=False) for index, one in enumerate((True, False, True))
    ]
    assert short(ask(*entries)) == ("history", [0, 2], True)


@pytest.mark.parametrize(("batch", "expected"), [(BATCH, 50), (25, 25), (1, 1)])
def test_batches(batch: int, expected: int) -> None:
    """Rule 12: late watches go in the order of watching, at most fifty at a time, fewer after a refusal."""
    entries = [entry(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 100 * MINUTE + n), n, live=False) for n in range(60)]
    assert short(ask(*entries, batch=batch)) == ("history", list(range(expected)), False)


def test_completions_come_first() -> None:
    """Rule 16: a watch is told before a position, a live one before a late one, and what plays now comes last."""
    late = entry(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 5 * MINUTE), 2)
    assert short(ask(late, entry(WATCHED, 3), LEFT)) == ("stop", FILM, 95.0)
    assert short(ask(late, LEFT)) == ("history", [2], False)
    assert short(ask(LEFT, wants=now_playing("playing", 0.0, **ON_OTHER), shows=remote("playing")))[0] == "stop"


def test_thrifty_sheds_the_banner_alone() -> None:
    """Rule 16: with the allowance nearly gone nothing starts, but watches are told and no start dangles."""
    assert short(ask(wants=now_playing("playing"), thrifty=True)) == ("wait", None)
    assert short(ask(wants=now_playing("paused", 40.0), thrifty=True)) == ("wait", None)
    assert short(ask(wants=now_playing("paused", 40.0), shows=remote("playing"), thrifty=True))[0] == "pause"
    assert short(ask(shows=remote("playing"), thrifty=True))[0] == "pause"
    assert short(ask(entry(WATCHED), thrifty=True))[0] == "stop"


def test_thrifty_saves_no_position() -> None:
    """Rule 16: with the allowance nearly gone a position costs no call, unless a start may dangle."""
    assert short(ask(LEFT, thrifty=True)) == ("close", f"not saved: {THRIFT}")
    assert short(ask(LEFT, shows=remote("paused", 20.0), thrifty=True)) == ("close", f"not saved: {THRIFT}")
    assert short(ask(LEFT, shows=remote("playing"), thrifty=True)) == ("stop", FILM, 30.0)
    assert short(ask(LEFT, shows=remote("paused", 20.0, confirmed=False), thrifty=True)) == ("stop", FILM, 30.0)


def test_what_may_show_beneath_is_ended() -> None:
    """Rule 9: where it was last seen, or by a stop that changes nothing when its watch is recorded; before what plays now."""
    previous = remote("playing", 40.0, **ON_OTHER)
    unsure = remote("playing", 5.0, confirmed=False, previous=previous)
    assert short(ask(wants=now_playing("playing", 6.0), shows=unsure)) == ("pause", OTHER, 40.0)
    assert short(ask(wants=now_playing("playing", 6.0), shows=unsure, latest_previous=55.0)) == ("pause", OTHER, 55.0)
    settled = replace(unsure, previous=replace(previous, settled=True))
    step = ask(wants=now_playing("playing", 6.0), shows=settled)
    assert short(step) == ("stop", OTHER, 100.0)
    assert isinstance(step, ScrobbleCall)
    assert step.remote == replace(settled, previous=None)


def test_leaving_waits_for_no_flap() -> None:
    """Rule 9: when the daemon ends, pauses go out at once."""
    settling = now_playing("paused", 30.0, settle_mono_ms=NOW.mono_ms + 900)
    assert short(ask(wants=settling, shows=remote("playing"), leaving=True)) == ("pause", FILM, 30.0)
    fresh = entry(fact("left", 30.0), enqueued_utc_ms=NOW.utc_ms)
    assert short(ask(fresh, shows=remote("playing"), leaving=True)) == ("stop", FILM, 30.0)


def test_dangling_start_stops_at_its_latest_position() -> None:
    """Rule 2: the last observed position is told, not that of the start."""
    assert short(ask(shows=remote("playing", 10.0), latest=44.0)) == ("pause", FILM, 44.0)


def test_episodes_of_one_file_are_told_apart() -> None:
    """Rule 13: when the second episode of a file begins, the first does not pass for it."""
    double = {"work_id": 9, "runtime_ms": LENGTH_MS}
    first = Episode(show=Show(title="Firefly"), season=1, number=1)
    second = replace(first, number=2)
    step = ask(
        wants=now_playing("playing", 1.0, part=1, work=second, **double),
        shows=remote("playing", 50.0, part=0, work=first, **double),
    )
    assert short(step) == ("start", second, 1.0)
    assert isinstance(step, ScrobbleCall)
    assert (step.remote.part, step.remote.work) == (1, second)


SHOWS_AFTER: dict[str, tuple[Entry, RemoteState, str, float]] = {
    "a completing stop ends the session": (entry(WATCHED), remote("playing"), "nothing", 0.0),
    "a stop below 80 leaves a position": (entry(fact("watched", 70.0)), remote("playing"), "paused", 70.0),
    "a completing stop elsewhere leaves the other title on": (
        entry(fact("watched", 95.0, work_id=2, work=OTHER)), remote("playing"), "playing", 10.0),
    "leaving elsewhere too": (
        entry(fact("left", 40.0, work_id=2, work=OTHER)), remote("playing"), "playing", 10.0),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "shows", "mode", "progress"), SHOWS_AFTER.values(), ids=SHOWS_AFTER.keys())
def test_what_shows_afterwards(owed: Entry, shows: RemoteState, mode: str, progress: float) -> None:
    """Rule 8: what Simkl shows after a stop is known, and the refusal is remembered through it."""
    step = ask(owed, shows=replace(shows, refused=77))
    assert isinstance(step, ScrobbleCall)
    assert (step.remote.mode, step.remote.progress, step.remote.refused) == (mode, progress, 77)
