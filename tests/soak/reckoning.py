"""The reckoning: what Simkl and the daemon's own outbox hold, against what must be."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from scrobbler.api import Episode
from scrobbler.plays.model import Fact
from scrobbler.sandbox.clock import parse
from tests.soak import truth
from tests.soak.driver import Figures, World
from tests.soak.household import ACCOUNTS, Month
from tests.soak.players import Play


@dataclass
class Outcome:
    """What came of it. `deviations` is empty when all is well."""

    figures: Figures
    simkl: truth.Comparison
    outbox: truth.Comparison
    plays: int
    deliveries: int
    deviations: list[str] = field(default_factory=list)
    calls: int = 0
    faults_met: Counter[str] = field(default_factory=Counter)
    never_reached: list[str] = field(default_factory=list)


class Reckoning:
    """Compares at the end."""

    def __init__(self, month: Month, world: World, labelled: Sequence[str]) -> None:
        self._month = month
        self._world = world
        self._labelled = labelled

    def reckon(self) -> Outcome:
        """Compare what is recorded, there and here, with what must be."""
        world = self._world
        store = world.folder / "state" / "scrobbler.db"
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            heard = frozenset(int(one) for (one,) in connection.execute("SELECT delivery FROM soak_heard"))
            outbox = _outbox(connection, self._month.plays)
            owed = connection.execute(
                "SELECT account, play, kind, state, outcome FROM outbox WHERE state <> 'settled'"
            ).fetchall()
            shown = connection.execute("SELECT account, body FROM remote_state").fetchall()
        plays = self._month.plays
        simkl = truth.compare(truth.expectations(plays, heard), self._history(), once=True)
        own = truth.compare(truth.expectations(plays, heard), outbox, once=False)
        outcome = Outcome(world.figures, simkl, own, len(plays), len(self._month.deliveries))
        deviations = outcome.deviations
        deviations += [f"at Simkl: {one}" for one in simkl.deviations]
        deviations += [f"in the outbox: {one}" for one in own.deviations]
        deviations += [f"not settled: {one}" for one in owed]
        deviations += [f"Simkl still shows {one}" for one in self._now_playing()]
        deviations += [f"shown as playing: {one}" for one in shown if msgspec.json.decode(one[1])["mode"] == "playing"]
        broken = world.figures.edges_promised - heard
        deviations += [f"answered with 204 and not stored: beat {one}" for one in sorted(broken)]
        deviations += self._manners()
        outcome.calls = len(world.sandbox.calls())
        outcome.faults_met = Counter(one.fault for one in world.sandbox.calls() if one.fault)
        outcome.never_reached = sorted(set(self._labelled) - set(world.figures.killed_at))
        return outcome

    def _history(self) -> list[truth.Row]:
        return [
            truth.Row(name, (row.title, row.season, row.number), parse(row.watched_at) or 0, row.source)
            for name in ACCOUNTS
            for row in self._world.sandbox.view(name).history
        ]

    def _now_playing(self) -> list[str]:
        views = [self._world.sandbox.view(name) for name in ACCOUNTS]
        return [f"{view.name}: {view.banner}" for view in views if view.banner is not None]

    def _manners(self) -> list[str]:
        """Say what was bad behaviour towards Simkl."""
        counters = self._world.sandbox.gate.recorder.counters()
        long = ["progress with more than two decimals"] if counters.long_progress else []
        return self._heartbeats() + self._crowding() + long

    def _heartbeats(self) -> list[str]:
        """List the starts and pauses that repeat what was said. A repeat is none where the first was cut off by a death."""
        found: list[str] = []
        cut_off = {(user, number) for _, calls in self._world.killed for user, number in calls.items()}
        last: dict[str, tuple[str, Any, int]] = {}
        for call in self._world.sandbox.calls():
            if call.user is None:
                continue
            # Whatever else was told of a play makes the next start a new one; what may be lost is to be said again.
            doubtful = call.status is None or call.status >= 500 or call.fault in ("drop_after", "truncated")
            if doubtful or not call.path.endswith(("/start", "/pause")):
                last.pop(call.user, None)
                continue
            if call.status != 201:
                continue
            # A pause at another position is news: the play went on where nobody heard it.
            moved = call.path.endswith("/pause")
            body = {key: value for key, value in call.body.items() if moved or key != "progress"}
            before = last.get(call.user)
            if before is not None and before[:2] == (call.path, body) and (call.user, before[2]) not in cut_off:
                found.append(
                    f"heartbeat: {call.at} {call.user} {call.path} {call.body}, call {call.number} after {before[2]}"
                )
            last[call.user] = (call.path, body, call.number)
        return found

    def _crowding(self) -> list[str]:
        found: list[str] = []
        arrivals: dict[str, int] = {}
        for call in self._world.sandbox.calls():
            if call.user is not None and call.method == "POST":
                if call.at_ms - arrivals.get(call.user, 0) < 1000:
                    found.append(f"two writes of {call.user} within a second, the second {call.at} {call.path}")
                arrivals[call.user] = call.at_ms
        return found


_FACT = msgspec.json.Decoder(Fact)


def _outbox(connection: sqlite3.Connection, plays: Sequence[Play]) -> list[truth.Row]:
    """Read what the daemon itself counts as watched. Cours of an anime are seasons of one show in its words."""
    keys = {
        (one.title.show or one.title.title, one.title.said_season, one.title.said_number): one.title.key
        for one in plays
    }
    rows: list[truth.Row] = []
    for (body,) in connection.execute("SELECT body FROM outbox WHERE kind = 'watched'"):
        fact = _FACT.decode(body)
        said = _said(fact)
        rows.append(truth.Row(fact.account, keys.get(said, said), fact.at_utc_ms, f"{fact.play}: {fact.reason}"))
    return rows


def _said(fact: Fact) -> truth.Key:
    work = fact.work
    if isinstance(work, Episode):
        return (work.show.title, work.season, work.number)
    return (work.title, None, None)
