"""What to tell Simkl next: every rule as a row of a table."""

from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import Episode, Show
from scrobbler.clock import Now
from scrobbler.courier.plan import (
    BATCH,
    THRIFT,
    Close,
    DeletePosition,
    Desk,
    Step,
    Tell,
    Wait,
    WriteHistory,
    plan,
)
from scrobbler.plays.model import Banner, Fact
from scrobbler.store.ledger import Row, Shown
from tests.kit.virtual import EPISODE, FILM, LENGTH_MS, MINUTE, OTHER

NOW = Now(utc_ms=1_790_000_000_000, mono_ms=50_000_000)
NOTHING = Banner(account="alice")
NO_SHOW = Shown(account="alice")
OLD = NOW.utc_ms - 10 * MINUTE - 1


def banner(mode: Any, progress: float | None = 20.0, **more: Any) -> Banner:
    """Want the film to show."""
    values: dict[str, Any] = {"work_id": 1, "work": FILM, "viewing": "p1", "runtime_ms": LENGTH_MS, **more}
    fresh = {"position_utc_ms": NOW.utc_ms, "settle_mono_ms": NOW.mono_ms - 1}
    return Banner(account="alice", mode=mode, progress=progress, **{**fresh, **values})


def shown(mode: Any, progress: float = 10.0, **more: Any) -> Shown:
    """Let Simkl show the film."""
    values: dict[str, Any] = {"work_id": 1, "work": FILM, "viewing": "p1", "runtime_ms": LENGTH_MS, **more}
    return Shown(account="alice", mode=mode, progress=progress, **{"at_utc_ms": NOW.utc_ms, **values})


def fact(kind: Any, progress: float, **more: Any) -> Fact:
    """Judge the film."""
    values: dict[str, Any] = {"viewing": "p1", "part": 0, "work_id": 1, "work": FILM, "at_utc_ms": NOW.utc_ms, **more}
    return Fact(account="alice", kind=kind, progress=progress, runtime_ms=LENGTH_MS, **values)


def row(what: Fact, number: int = 1, **more: Any) -> Row:
    """Owe it since a while."""
    values: dict[str, Any] = {"stage": "tell", "live": True, "tries": 0, "owed_utc_ms": NOW.utc_ms - 5_000, **more}
    return Row(id=number, fact=what, **values)


def ask(*rows: Row, wants: Banner = NOTHING, shows: Shown = NO_SHOW, now: Now = NOW, **more: Any) -> Step:
    """Plan the next step."""
    return plan(Desk(rows=rows, banner=wants, shown=shows, **more), now)


def short(step: Step) -> tuple[Any, ...]:
    """Say what a step is in few words."""
    match step:
        case Tell():
            return (step.action, step.work, step.progress)
        case WriteHistory():
            return ("history", [one.id for one in step.rows], step.rewatch)
        case DeletePosition():
            return ("delete", step.row.playback_id)
        case Close():
            return ("close", step.outcome)
        case Wait():
            return ("wait", step.until_mono_ms)


ON_OTHER: dict[str, Any] = {"work_id": 2, "work": OTHER, "viewing": "p2"}

BANNERS: dict[str, tuple[Banner, Shown, tuple[Any, ...]]] = {
    "rule 1: what shows already is not told again, whatever its position": (
        banner("playing", 55.0), shown("playing", 3.0), ("wait", None)),
    "a play begins": (banner("playing", 20.0), NO_SHOW, ("start", FILM, 20.0)),
    "a play begins at zero": (banner("playing", 0.0), NO_SHOW, ("start", FILM, 0.0)),
    "a pause": (banner("paused", 33.0), shown("playing"), ("pause", FILM, 33.0)),
    "a resume": (banner("playing", 33.0), shown("paused", 33.0), ("start", FILM, 33.0)),
    "it is paused already": (banner("paused", 33.0), shown("paused", 33.0), ("wait", None)),
    "nothing was and nothing is": (NOTHING, NO_SHOW, ("wait", None)),
    "paused, and nothing plays any more: the position stays": (NOTHING, shown("paused"), ("wait", None)),
    "rule 2: an unknown position starts nothing": (banner("playing", None), NO_SHOW, ("wait", None)),
    "rule 5: no start past 80 %": (banner("playing", 80.0), NO_SHOW, ("wait", None)),
    "rule 5: a start just below": (banner("playing", 79.99), NO_SHOW, ("start", FILM, 79.99)),
    "rule 5: a resume past 80 % starts nothing": (banner("playing", 85.0), shown("paused", 85.0), ("wait", None)),
    "rule 5: what shows stays when it passes 80 %": (banner("playing", 85.0), shown("playing"), ("wait", None)),
    "rule 5: past 80 % the other title's start does not dangle": (
        banner("playing", 85.0), shown("playing", **ON_OTHER), ("pause", OTHER, 10.0)),
    "rule 9: a start that nothing stands behind becomes a pause": (NOTHING, shown("playing"), ("pause", FILM, 10.0)),
    "rule 9: one whose fate is unknown too": (NOTHING, shown("playing", sure=False), ("pause", FILM, 10.0)),
    "rule 9: a pause whose fate is unknown is said again": (
        banner("paused", 30.0), shown("playing", sure=False), ("pause", FILM, 30.0)),
    "a start whose fate is unknown is said again": (
        banner("playing", 30.0), shown("playing", sure=False), ("start", FILM, 30.0)),
    "rule 8: unless Simkl's clock has passed 80 % meanwhile": (
        banner("playing", 30.0),
        shown("playing", sure=False, at_utc_ms=NOW.utc_ms - 80 * MINUTE),
        ("pause", FILM, 10.0)),
    "another title is paused: the one that shows does not dangle": (
        banner("paused", 30.0), shown("playing", **ON_OTHER), ("pause", OTHER, 10.0)),
    "the next title starts over one that is not far": (
        banner("playing", 0.0), shown("playing", **ON_OTHER), ("start", FILM, 0.0)),
    "rule 8: one that Simkl would count is paused before": (
        banner("playing", 0.0),
        shown("playing", 10.0, at_utc_ms=NOW.utc_ms - 64 * MINUTE, **ON_OTHER),
        ("pause", OTHER, 10.0)),
    "rule 8: a minute earlier it would not count": (
        banner("playing", 0.0),
        shown("playing", 10.0, at_utc_ms=NOW.utc_ms - 62 * MINUTE, **ON_OTHER),
        ("start", FILM, 0.0)),
    "rule 8: without a known runtime the shortest counts": (
        banner("playing", 0.0),
        shown("playing", 0.0, runtime_ms=None, at_utc_ms=NOW.utc_ms - 20 * MINUTE, work_id=3, work=EPISODE),
        ("pause", EPISODE, 0.0)),
    "paused before Simkl heard of it: the position is worth saving": (
        banner("paused", 40.0), NO_SHOW, ("pause", FILM, 40.0)),
    "hardly begun and paused: nothing to save": (banner("paused", 0.9), NO_SHOW, ("wait", None)),
    "rule 2: paused at an unknown position": (banner("paused", None), NO_SHOW, ("wait", None)),
    "rule 12: paused long ago": (
        banner("paused", 40.0, position_utc_ms=OLD), NO_SHOW, ("wait", None)),
    "refused titles are not tried again": (banner("playing", 5.0), Shown(account="alice", refused=1), ("wait", None)),
    "nor paused": (banner("paused", 50.0), Shown(account="alice", refused=1), ("wait", None)),
    "but other titles are": (banner("playing", 5.0), Shown(account="alice", refused=2), ("start", FILM, 5.0)),
    "what was recorded meanwhile ends in a stop that changes nothing": (
        NOTHING, shown("playing", settled=True), ("stop", FILM, 100.0)),
    "rule 6: a pause within the settle time may be a flap": (
        banner("paused", 30.0, settle_mono_ms=NOW.mono_ms + 400), shown("playing"), ("wait", NOW.mono_ms + 400)),
    "rule 6: so may a resume": (
        banner("playing", 30.0, settle_mono_ms=NOW.mono_ms + 400), shown("paused"), ("wait", NOW.mono_ms + 400)),
    "rule 6: a flap that is over sends nothing": (
        banner("playing", 30.0, settle_mono_ms=NOW.mono_ms + 400), shown("playing"), ("wait", None)),
    "rule 6 waits for nothing where a fate is unknown": (
        banner("paused", 30.0, settle_mono_ms=NOW.mono_ms + 400), shown("playing", sure=False), ("pause", FILM, 30.0)),
}  # fmt: skip


@pytest.mark.parametrize(("wants", "shows", "expected"), BANNERS.values(), ids=BANNERS.keys())
def test_banner(wants: Banner, shows: Shown, expected: tuple[Any, ...]) -> None:
    """With nothing owed, Simkl is made equal to the banner, as the table says."""
    assert short(ask(wants=wants, shows=shows)) == expected


LEFT = row(fact("left", 30.0))
LEAVING: dict[str, tuple[Row, Banner, Shown, tuple[Any, ...]]] = {
    "left while it shows": (LEFT, NOTHING, shown("playing"), ("stop", FILM, 30.0)),
    "left without a start": (LEFT, NOTHING, NO_SHOW, ("stop", FILM, 30.0)),
    "left where it was paused": (LEFT, NOTHING, shown("paused", 30.2), ("close", "saved at 30 %")),
    "left elsewhere than it was paused": (LEFT, NOTHING, shown("paused", 29.0), ("stop", FILM, 30.0)),
    "left where a pause may have got lost": (LEFT, NOTHING, shown("paused", 30.0, sure=False), ("stop", FILM, 30.0)),
    "left, then the same work goes on": (
        LEFT, banner("playing", 31.0, viewing="p2"), shown("playing"), ("close", "continued in p2")),
    "left, then heard again": (LEFT, banner("playing", 31.0), shown("playing"), ("close", "continued in p1")),
    "left, and paused on another player": (
        LEFT, banner("paused", 31.0, viewing="p2"), shown("playing"), ("close", "continued in p2")),
    "rule 7: left, then another title plays": (
        LEFT, banner("playing", 0.0, **ON_OTHER), shown("playing"), ("stop", FILM, 30.0)),
    "rule 3: left past 80 %": (row(fact("left", 86.0)), NOTHING, shown("playing"), ("pause", FILM, 86.0)),
    "rule 3: left at 80 %": (row(fact("left", 80.0)), NOTHING, shown("playing"), ("pause", FILM, 80.0)),
    "rule 12: too old": (row(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, NO_SHOW, ("close", "too old")),
    "rule 12: just young enough": (
        row(fact("left", 30.0, at_utc_ms=OLD + 1)), NOTHING, NO_SHOW, ("stop", FILM, 30.0)),
    "rule 9 before rule 12: old, but its start dangles": (
        row(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, shown("playing"), ("stop", FILM, 30.0)),
    "rule 9 before rule 12: old, and nobody knows whether its pause arrived": (
        row(fact("left", 30.0, at_utc_ms=OLD)), NOTHING, shown("paused", 20.0, sure=False), ("stop", FILM, 30.0)),
    "begun at least": (row(fact("left", 1.0)), NOTHING, NO_SHOW, ("stop", FILM, 1.0)),
    "hardly begun": (row(fact("left", 0.9)), NOTHING, NO_SHOW, ("close", "not saved: hardly begun")),
    "hardly begun, but told": (row(fact("left", 0.9)), NOTHING, shown("playing"), ("stop", FILM, 0.9)),
    "refused": (
        LEFT, NOTHING, Shown(account="alice", refused=1), ("close", "not saved: Simkl does not know this title")),
    "rule 6: the player may only take a breath": (
        row(fact("left", 30.0), owed_utc_ms=NOW.utc_ms - 300), NOTHING, shown("playing"), ("wait", NOW.mono_ms + 700)),
    "rule 6: the wall clock was set back": (
        row(fact("left", 30.0), owed_utc_ms=NOW.utc_ms + 3_600_000), NOTHING, shown("playing"), ("stop", FILM, 30.0)),
    "rule 7: no breath where the next title plays": (
        row(fact("left", 30.0), owed_utc_ms=NOW.utc_ms), banner("playing", 0.0, **ON_OTHER), shown("playing"),
        ("stop", FILM, 30.0)),
    "another episode of the same file goes on": (
        LEFT, banner("playing", 3.0, part=1), shown("playing"), ("stop", FILM, 30.0)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "wants", "shows", "expected"), LEAVING.values(), ids=LEAVING.keys())
def test_left(owed: Row, wants: Banner, shows: Shown, expected: tuple[Any, ...]) -> None:
    """A play that was left is saved, closed without a call, or waits, as the table says."""
    assert short(ask(owed, wants=wants, shows=shows)) == expected


WATCHED = fact("watched", 95.0)
WATCHES: dict[str, tuple[Row, tuple[Any, ...]]] = {
    "told at once": (row(WATCHED), ("stop", FILM, 95.0)),
    "half a minute late": (row(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 30_000)), ("stop", FILM, 95.0)),
    "rule 12: later than that": (row(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 30_001)), ("history", [1], False)),
    "rule 12: after a restart": (row(WATCHED, live=False), ("history", [1], False)),
    "rule 3: below 80 first a stop": (row(fact("watched", 70.0)), ("stop", FILM, 70.0)),
    "rule 3: then history": (row(fact("watched", 70.0), stage="history", playback_id=7), ("history", [1], False)),
    "rule 3: then the saved position goes": (
        row(fact("watched", 70.0), stage="delete", playback_id=7), ("delete", 7)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "expected"), WATCHES.values(), ids=WATCHES.keys())
def test_watched(owed: Row, expected: tuple[Any, ...]) -> None:
    """A watch goes its way, as the table says."""
    assert short(ask(owed, shows=shown("playing"))) == expected


LOST = {"at_utc_ms": NOW.utc_ms - 5 * MINUTE}
LOST_STOPS: dict[str, tuple[Row, Banner, tuple[Any, ...]]] = {
    "rule 3: its position may be saved, and is asked for": (
        row(fact("watched", 70.0, **LOST), tries=1), NOTHING, ("stop", FILM, 70.0)),
    "no stop was ever made": (row(fact("watched", 70.0, **LOST)), NOTHING, ("history", [1], False)),
    "past Simkl's 80 % it saves none": (
        row(fact("watched", 85.0, **LOST), tries=1), NOTHING, ("history", [1], False)),
    "rule 12: too old by now": (
        row(fact("watched", 70.0, at_utc_ms=OLD), tries=1), NOTHING, ("history", [1], False)),
    "rule 12: it plays again": (
        row(fact("watched", 70.0, **LOST), tries=1), banner("playing", 75.0, viewing="p2"), ("history", [1], False)),
    "another title plays": (
        row(fact("watched", 70.0, **LOST), tries=1), banner("playing", **ON_OTHER), ("stop", FILM, 70.0)),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "wants", "expected"), LOST_STOPS.values(), ids=LOST_STOPS.keys())
def test_a_stop_below_eighty_whose_fate_is_unknown(owed: Row, wants: Banner, expected: tuple[Any, ...]) -> None:
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
    step = ask(row(fact("watched", 95.0, rewatch=asks), tries=tries, live=live))
    assert isinstance(step, Tell | WriteHistory)
    assert step.rewatch is flag


def test_a_history_write_carries_one_kind() -> None:
    """Rule 15: rewatches and plain watches do not share a request."""
    rows = [row(fact("watched", 95.0, rewatch=one), index, live=False) for index, one in enumerate((True, False, True))]
    assert short(ask(*rows)) == ("history", [0, 2], True)


@pytest.mark.parametrize(("batch", "expected"), [(BATCH, 50), (25, 25), (1, 1)])
def test_batches(batch: int, expected: int) -> None:
    """Rule 12: late watches go in the order of watching, at most fifty at a time, fewer after a refusal."""
    rows = [row(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 100 * MINUTE + n), n, live=False) for n in range(60)]
    assert short(ask(*rows, batch=batch)) == ("history", list(range(expected)), False)


def test_completions_come_first() -> None:
    """Rule 16: a watch is told before a position, a live one before a late one, and the banner comes last."""
    late = row(fact("watched", 95.0, at_utc_ms=NOW.utc_ms - 5 * MINUTE), 2)
    assert short(ask(late, row(WATCHED, 3), LEFT)) == ("stop", FILM, 95.0)
    assert short(ask(late, LEFT)) == ("history", [2], False)
    assert short(ask(LEFT, wants=banner("playing", 0.0, **ON_OTHER), shows=shown("playing")))[0] == "stop"


def test_thrifty_sheds_the_banner_alone() -> None:
    """Rule 16: with the allowance nearly gone nothing starts, but watches are told and no start dangles."""
    assert short(ask(wants=banner("playing"), thrifty=True)) == ("wait", None)
    assert short(ask(wants=banner("paused", 40.0), thrifty=True)) == ("wait", None)
    assert short(ask(wants=banner("paused", 40.0), shows=shown("playing"), thrifty=True))[0] == "pause"
    assert short(ask(shows=shown("playing"), thrifty=True))[0] == "pause"
    assert short(ask(row(WATCHED), thrifty=True))[0] == "stop"


def test_thrifty_saves_no_position() -> None:
    """Rule 16: with the allowance nearly gone a position costs no call, unless a start may dangle."""
    assert short(ask(LEFT, thrifty=True)) == ("close", f"not saved: {THRIFT}")
    assert short(ask(LEFT, shows=shown("paused", 20.0), thrifty=True)) == ("close", f"not saved: {THRIFT}")
    assert short(ask(LEFT, shows=shown("playing"), thrifty=True)) == ("stop", FILM, 30.0)
    assert short(ask(LEFT, shows=shown("paused", 20.0, sure=False), thrifty=True)) == ("stop", FILM, 30.0)


def test_what_may_show_beneath_is_ended() -> None:
    """Rule 9: where it was last seen, or by a stop that changes nothing when its watch is recorded; before the banner."""
    beneath = shown("playing", 40.0, **ON_OTHER)
    unsure = shown("playing", 5.0, sure=False, beneath=beneath)
    assert short(ask(wants=banner("playing", 6.0), shows=unsure)) == ("pause", OTHER, 40.0)
    assert short(ask(wants=banner("playing", 6.0), shows=unsure, latest_beneath=55.0)) == ("pause", OTHER, 55.0)
    settled = replace(unsure, beneath=replace(beneath, settled=True))
    step = ask(wants=banner("playing", 6.0), shows=settled)
    assert short(step) == ("stop", OTHER, 100.0)
    assert isinstance(step, Tell)
    assert step.shown == replace(settled, beneath=None)


def test_leaving_waits_for_no_flap() -> None:
    """Rule 9: when the daemon ends, pauses go out at once."""
    settling = banner("paused", 30.0, settle_mono_ms=NOW.mono_ms + 900)
    assert short(ask(wants=settling, shows=shown("playing"), leaving=True)) == ("pause", FILM, 30.0)
    fresh = row(fact("left", 30.0), owed_utc_ms=NOW.utc_ms)
    assert short(ask(fresh, shows=shown("playing"), leaving=True)) == ("stop", FILM, 30.0)


def test_dangling_start_stops_at_its_latest_position() -> None:
    """Rule 2: the last observed position is told, not that of the start."""
    assert short(ask(shows=shown("playing", 10.0), latest=44.0)) == ("pause", FILM, 44.0)


def test_episodes_of_one_file_are_told_apart() -> None:
    """Rule 13: when the second episode of a file begins, the first does not pass for it."""
    double = {"work_id": 9, "runtime_ms": LENGTH_MS}
    first = Episode(show=Show(title="Firefly"), season=1, number=1)
    second = replace(first, number=2)
    step = ask(
        wants=banner("playing", 1.0, part=1, work=second, **double),
        shows=shown("playing", 50.0, part=0, work=first, **double),
    )
    assert short(step) == ("start", second, 1.0)
    assert isinstance(step, Tell)
    assert (step.shown.part, step.shown.work) == (1, second)


SHOWS_AFTER: dict[str, tuple[Row, Shown, str, float]] = {
    "a completing stop ends the session": (row(WATCHED), shown("playing"), "nothing", 0.0),
    "a stop below 80 leaves a position": (row(fact("watched", 70.0)), shown("playing"), "paused", 70.0),
    "a completing stop elsewhere leaves the other title on": (
        row(fact("watched", 95.0, work_id=2, work=OTHER)), shown("playing"), "playing", 10.0),
    "leaving elsewhere too": (
        row(fact("left", 40.0, work_id=2, work=OTHER)), shown("playing"), "playing", 10.0),
}  # fmt: skip


@pytest.mark.parametrize(("owed", "shows", "mode", "progress"), SHOWS_AFTER.values(), ids=SHOWS_AFTER.keys())
def test_what_shows_afterwards(owed: Row, shows: Shown, mode: str, progress: float) -> None:
    """Rule 8: what Simkl shows after a stop is known, and the refusal is remembered through it."""
    step = ask(owed, shows=replace(shows, refused=77))
    assert isinstance(step, Tell)
    assert (step.shown.mode, step.shown.progress, step.shown.refused) == (mode, progress, 77)
