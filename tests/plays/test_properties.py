"""The machine against a small model of people watching: whatever is lost, doubled, swapped or late, its promises hold.

The model knows the truth (who played what, how far, by the wall clock) and nothing of the machine's inside. The short
profile runs the same examples each time; `SCROBBLER_PROPERTIES=long` looks for new ones, `SCROBBLER_EXAMPLES` many.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scrobbler.api import Episode, Item, Kind, Movie, PlayerEvent
from scrobbler.clock import Now
from scrobbler.plays.machine import step
from scrobbler.plays.model import (
    AccountPolicy,
    ContactLost,
    Deadline,
    Fact,
    Heard,
    Hide,
    Identified,
    Input,
    NowPlaying,
    Play,
    Prior,
    Resolve,
    SourceTraits,
)
from scrobbler.plays.state import Contents, State, next_deadline, rebase
from tests.plays.kit import EDGES, FILM, MINUTE, OTHER_FILM, RICH_TICKS, START_UTC_MS, TICKS, episode

TICK_MS = 40_000
DAY_MS = 86_400_000
ITEMS: tuple[Movie | Episode, ...] = (FILM, OTHER_FILM, episode(5), episode(1, 2))
LENGTHS = {repr(item): minutes * MINUTE for item, minutes in zip(ITEMS, (30, 20, 10, 24), strict=True)}
ALICE, BOB = AccountPolicy(account="alice"), AccountPolicy(account="bob", movie_percent=90, episode_percent=70)
LIMITS = {("alice", Movie): 80, ("alice", Episode): 80, ("bob", Movie): 90, ("bob", Episode): 70}


@dataclass(frozen=True)
class Ear:
    """One source that reports a player."""

    source: str
    traits: SourceTraits


@dataclass
class Playback:
    """What a player really does with one item, from its start to its end."""

    item: Movie | Episode
    position_ms: int
    playing: bool = True
    honest: bool = True
    """Begun at the beginning, never skipped, and every word of it was heard."""
    private: set[str] = field(default_factory=set)
    reached_utc_ms: int | None = None
    """When it came to its end, since when it stands there."""


@dataclass(frozen=True)
class Word:
    """What one source said of a player, and when: a copy may come later."""

    player: "Player"
    ear: Ear
    event: PlayerEvent
    said_utc_ms: int


@dataclass
class Player:
    """One screen, the people before it, and the sources that report it."""

    name: str
    ears: tuple[Ear, ...]
    accounts: tuple[AccountPolicy, ...]
    now: Playback | None = None

    @property
    def ticks(self) -> bool:
        return self.ears[0].traits.ticks


def parts_of(item: Item) -> int:
    """Count the episodes in a file, by the model's own reckoning."""
    return item.last_number - (item.number or 0) + 1 if isinstance(item, Episode) and item.last_number else 1


def percents(item: Item, position_ms: int) -> set[float]:
    """Say what a reported position may be called, in percent of the part that it lies in."""
    length, parts = LENGTHS[repr(item)], parts_of(item)
    share = length / parts
    part = min(parts - 1, int(position_ms // share))
    return {round(min(100.0, (position_ms - part * share) * 100 / share), 2)}


def covered(spans: list[tuple[int, int]], start: float, end: float) -> float:
    """Say which share of a stretch the spans cover."""
    reached, total = start, 0.0
    for first, last in sorted(spans):
        low, high = max(first, reached), min(last, end)
        if high > low:
            total += high - low
            reached = high
    return total / (end - start) if end > start else 1.0


class Evenings(RuleBasedStateMachine):
    """Players, people, and a machine that hears of them."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.utc_ms, self.mono_ms = START_UTC_MS, 5_000_000
        tv = (Ear("mpv", TICKS), Ear("server", RICH_TICKS))
        self.players = {
            "tv": Player("tv", tv, (ALICE,)),
            "den": Player("den", (Ear("plex", EDGES),), (ALICE, BOB)),
            "bed": Player("bed", (Ear("relay", TICKS),), (BOB,)),
        }
        self.pending: list[str] = []
        self.delayed: list[Word] = []
        self.last: Word | None = None
        self.facts: list[Fact] = []
        self.plays: dict[str, Play] = {}
        self.now_playing: dict[str, NowPlaying] = {}
        # The truth, by account and item: what was played, how often it was begun, and what a server said of it.
        self.seen: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.begun: dict[tuple[str, str], int] = {}
        self.verdicts: set[tuple[str, str]] = set()
        self.told: dict[str, set[float]] = {repr(item): {0.0, 100.0} for item in ITEMS}
        self.eager = True

    # How the model speaks to the machine.

    def give(self, given: Input) -> None:
        """Take one step, and hold it against what holds for every step."""
        now = Now(self.utc_ms, self.mono_ms)
        before = self.state
        change, effects = step(before, given, now)
        assert (change, effects) == step(State(before.contents()), given, now), (
            "the same input has the same answer, whatever its indices have been through"
        )
        self.state.apply(change)
        due = next_deadline(self.state)
        assert due is None or due > self.mono_ms, "what was due has been done"
        self.plays.update({name: one for name, one in change.plays.items() if one is not None})
        for effect in effects:
            if isinstance(effect, Resolve):
                self.pending.append(effect.session)
            elif isinstance(effect, Fact):
                self._judge(effect)
        self._look_at_now_playing()
        if self.eager:
            self.identify_all()

    def identify_all(self) -> None:
        while self.pending:
            self.identify_one(0)

    def identify_one(self, index: int) -> None:
        name = self.pending.pop(index % len(self.pending))
        session = self.state.sessions.get(name)
        if session is not None and session.identity.item is not None:
            keys = [repr(item) for item in ITEMS]
            assert isinstance(session.identity.item, Movie | Episode)
            work_id = keys.index(session.identity.item_key) + 1
            # The store knows when each account watched it last.
            watched = [one for one in self.facts if (one.kind, one.work_id) == ("watched", work_id)]
            priors = [
                Prior(account=one.account, watched_utc_ms=one.at_utc_ms, watched_play=one.play)
                for one in sorted(watched, key=lambda one: -one.at_utc_ms)
            ]
            self.give(Identified(session=name, work_id=work_id, work=session.identity.item, priors=tuple(priors)))

    def hear(self, player: Player, ear: Ear, event: PlayerEvent) -> None:
        self.give(Heard(source=ear.source, traits=ear.traits, accounts=player.accounts, event=event))

    def say(self, player: Player, kind: Kind, position_ms: int | None, **more: Any) -> None:
        """Let every source of a player report what happened."""
        assert player.now is not None
        item = player.now.item
        for ear in player.ears:
            values: dict[str, Any] = {"duration_ms": LENGTHS[repr(item)], **more}
            event = PlayerEvent(
                kind=kind, player=player.name, item_key=repr(item), item=item, position_ms=position_ms, **values
            )
            if position_ms is not None and event.observed:
                self.told[repr(item)] |= percents(item, position_ms)
            self.last = Word(player, ear, event, self.utc_ms)
            self.hear(player, ear, event)

    # Time, and what plays while it passes.

    def pass_time(self, ms: int, *, ticking: bool = True, awake: bool = True) -> None:
        end = self.mono_ms + ms
        while self.mono_ms < end:
            stride = min(TICK_MS if ticking else DAY_MS, end - self.mono_ms)
            self._advance(stride, awake=awake)
            if ticking:
                for player in self.players.values():
                    if player.now is not None and player.now.playing and player.ticks:
                        self.say(player, "progress", player.now.position_ms)

    def _advance(self, ms: int, *, awake: bool) -> None:
        goal = self.mono_ms + ms
        while awake and (due := next_deadline(self.state)) is not None and due <= goal:
            self._move(due)
            self.give(Deadline())
        self._move(goal)
        for player in self.players.values():
            playback = player.now
            if playback is not None and playback.playing:
                length = LENGTHS[repr(playback.item)]
                reached = min(length, playback.position_ms + ms)
                self._saw(player, playback.item, playback.position_ms, reached)
                playback.position_ms = reached
                playback.playing = reached < length
                if reached == length and playback.reached_utc_ms is None:
                    playback.reached_utc_ms = self.utc_ms

    def _move(self, mono_ms: int) -> None:
        self.utc_ms += mono_ms - self.mono_ms
        self.mono_ms = mono_ms

    def _saw(self, player: Player, item: Item, start: int, end: int) -> None:
        for policy in player.accounts:
            self.seen.setdefault((policy.account, repr(item)), []).append((start, end))

    # What people do.

    @initialize(eager=st.booleans())
    def set_out(self, eager: bool) -> None:  # noqa: FBT001
        """Names are known at once, or late."""
        self.eager = eager

    @rule(
        name=st.sampled_from(["tv", "den", "bed"]), item=st.sampled_from(ITEMS), at=st.sampled_from([0, 0, 0, 40, 92])
    )
    def begin(self, name: str, item: Movie | Episode, at: int) -> None:
        """Start an item, from the beginning or a stored position; what played there before gets no stop."""
        player = self.players[name]
        offset = LENGTHS[repr(item)] * at // 100
        player.now = Playback(item, offset, honest=at == 0)
        for policy in player.accounts:
            key = (policy.account, repr(item))
            self.begun[key] = self.begun.get(key, 0) + 1
            # Beginning past the threshold is no sign of an earlier part, unless one was seen (contract.md 1.6).
            if self.begun[key] > 1 or at < LIMITS[policy.account, type(item)]:
                self.seen.setdefault(key, []).append((0, offset))
        self.say(player, "play", offset)

    @rule(minutes=st.integers(1, 14))
    def watch(self, minutes: int) -> None:
        """Everybody watches on."""
        self.pass_time(minutes * MINUTE)

    @rule(name=st.sampled_from(["tv", "den", "bed"]))
    def watch_to_the_end(self, name: str) -> None:
        """Somebody watches to the end of the file."""
        player = self.players[name]
        if player.now is None:
            return
        if not player.now.playing:
            player.now.playing = True
            self.say(player, "play", player.now.position_ms)
        self.pass_time(LENGTHS[repr(player.now.item)] - player.now.position_ms)
        self.stop(name, "end")

    @rule(name=st.sampled_from(["tv", "den", "bed"]))
    def pause_or_resume(self, name: str) -> None:
        """The space bar."""
        player = self.players[name]
        if player.now is not None:
            player.now.playing = not player.now.playing
            self.say(player, "play" if player.now.playing else "pause", player.now.position_ms)

    @rule(name=st.sampled_from(["tv", "bed"]), at=st.integers(0, 98))
    def seek(self, name: str, at: int) -> None:
        """A jump, reported as one; players with edges alone do not report any, and are left out."""
        player = self.players[name]
        if player.now is not None:
            if player.now.reached_utc_ms is not None:
                # It had stood at its end, and may have been taken for over: this begins it anew.
                for policy in player.accounts:
                    self.begun[policy.account, repr(player.now.item)] += 1
            player.now.position_ms = LENGTHS[repr(player.now.item)] * at // 100
            player.now.honest = False
            self.say(player, "seek", player.now.position_ms)

    @rule(name=st.sampled_from(["tv", "den", "bed"]), kind=st.sampled_from(["stop", "stop", "end", "gone"]))
    def stop(self, name: str, kind: Kind) -> None:
        """Playback ends; an honest one that reached the threshold must have become a watch."""
        player = self.players[name]
        playback = player.now
        if playback is None:
            return
        length = LENGTHS[repr(playback.item)]
        if kind == "end" and playback.position_ms < length:
            kind = "stop"
        ended_utc_ms = self.utc_ms
        self.say(player, kind, None if kind in ("end", "gone") else playback.position_ms)
        player.now = None
        if kind != "gone":
            self._must_be_watched(player, playback, ended_utc_ms)

    def _must_be_watched(self, player: Player, playback: Playback, ended_utc_ms: int) -> None:
        """An honest playback that ended past the threshold is a watch of that minute, for everybody in front of it."""
        if not playback.honest:
            return
        self.identify_all()
        self._advance(10_000, awake=True)
        number = ITEMS.index(playback.item) + 1
        # Of a file with several episodes, the one that it ended in.
        length = LENGTHS[repr(playback.item)] // parts_of(playback.item)
        part = min(parts_of(playback.item) - 1, playback.position_ms // length)
        for policy in player.accounts:
            key = (policy.account, repr(playback.item))
            done = (playback.position_ms - part * length) * 100 >= LIMITS[policy.account, type(playback.item)] * length
            if not done or self.begun[key] > 1 or policy.account in playback.private:
                continue
            found = [one for one in self.facts if one.kind == "watched" and one.account == policy.account]
            found = [one for one in found if (one.work_id, one.part) == (number, part)]
            assert found, f"{policy.account} watched {playback.item}"
            # Of what stood at its end for a while, that end is as good a time as its stop.
            stood_ms = 0 if playback.reached_utc_ms is None else ended_utc_ms - playback.reached_utc_ms
            if key not in self.verdicts and stood_ms <= 0:
                off_ms = abs(max(one.at_utc_ms for one in found) - ended_utc_ms)
                assert off_ms <= MINUTE, f"{policy.account} watched {playback.item}, {off_ms / 1000:g} s away"

    @rule(name=st.sampled_from(["tv", "den", "bed"]), item=st.sampled_from(ITEMS), later_ms=st.integers(0, 1_500))
    def overtake(self, name: str, item: Movie | Episode, later_ms: int) -> None:
        """The next item begins, and its beginning arrives before the stop of the one that it replaces."""
        player = self.players[name]
        old = player.now
        if old is None or old.item == item:
            return
        ended_utc_ms, played_on = self.utc_ms, old.playing
        self.begin(name, item, 0)
        new, player.now = player.now, None
        self._advance(later_ms, awake=True)
        player.now = old
        old.playing = False
        self.say(player, "stop", old.position_ms)
        player.now = new
        if new is not None:
            new.position_ms += later_ms
            self._saw(player, item, 0, later_ms)
        if played_on:
            self._must_be_watched(player, old, ended_utc_ms)

    @rule(name=st.sampled_from(["tv", "den", "bed"]), kind=st.sampled_from(["play", "pause", "stop"]))
    def a_word_is_lost(self, name: str, kind: Kind) -> None:
        """What the player does reaches nobody: a resume, a pause, or a stop."""
        player = self.players[name]
        if player.now is not None:
            player.now.honest = False
            player.now.playing = kind == "play"
            if kind == "stop":
                player.now = None

    @rule(name=st.sampled_from(["tv", "den", "bed"]))
    def vanish(self, name: str) -> None:
        """A player is switched off without a word."""
        self.players[name].now = None

    @rule()
    def count(self) -> None:
        """The server counts what plays in the den, once it really is near its end."""
        player = self.players["den"]
        if player.now is not None and player.now.position_ms * 10 >= LENGTHS[repr(player.now.item)] * 9:
            self.verdicts |= {(policy.account, repr(player.now.item)) for policy in player.accounts}
            self.say(player, "watched", None)

    @rule(
        name=st.sampled_from(["tv", "den", "bed"]),
        item=st.sampled_from(ITEMS),
        off_s=st.integers(-60, 60),
        later=st.integers(0, 40),
    )
    def is_remembered(self, name: str, item: Movie | Episode, off_s: int, later: int) -> None:
        """Somebody watches an item from its beginning to its end, and a server that is asked tells of it by its own clock."""
        self.begin(name, item, 0)
        self.pass_time(LENGTHS[repr(item)])
        at = datetime.fromtimestamp(self.utc_ms / 1000 + off_s, UTC)
        self.stop(name, "end")
        self.pass_time(later * MINUTE)
        event = PlayerEvent(kind="watched", player="history", item_key=repr(item), item=item, at=at)
        accounts = self.players[name].accounts
        self.give(Heard(source="plex", traits=EDGES, accounts=accounts, event=event, telling="remembered"))

    @rule(account=st.sampled_from(["alice", "bob"]))
    def hide(self, account: str) -> None:
        """Private mode, for what plays now."""
        for player in self.players.values():
            if player.now is not None:
                player.now.private.add(account)
        self.give(Hide(account=account))

    # What goes wrong.

    @rule(minutes=st.integers(1, 30))
    def deafness(self, minutes: int) -> None:
        """For a while no word arrives."""
        self._be_deaf()
        self.pass_time(minutes * MINUTE, ticking=False)

    @rule(hours=st.integers(1, 30))
    def suspend(self, hours: int) -> None:
        """Our machine sleeps; the players' own machines have stopped as well."""
        self._be_deaf()
        for player in self.players.values():
            player.now = None
        self.pass_time(hours * 60 * MINUTE, ticking=False, awake=False)

    def _be_deaf(self) -> None:
        for player in self.players.values():
            if player.now is not None:
                player.now.honest = False

    @rule(shift=st.sampled_from([0, 0, -4_000_000]))
    def restart(self, shift: int) -> None:
        """The daemon ends and starts again, perhaps after a reboot."""
        self.give(ContactLost())
        assert all(now_playing.mode != "playing" for now_playing in self.state.now_playing.values())
        self.state = State(
            rebase(msgspec.json.decode(msgspec.json.encode(self.state.contents()), type=Contents), shift)
        )
        self.mono_ms += shift
        self.now_playing = dict(self.state.now_playing)
        self.give(ContactLost(settle_ms=3_000))

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """The last word arrives once more."""
        assert self.last is not None
        self._hear_again(self.last)

    @precondition(lambda self: self.last is not None)
    @rule()
    def hold_back(self) -> None:
        """A copy of the last word is on a slow way."""
        assert self.last is not None
        if not self.last.player.ticks:
            self.delayed.append(self.last)

    @precondition(lambda self: self.delayed)
    @rule()
    def arrive(self) -> None:
        """What was on a slow way arrives, in the wrong order."""
        word = self.delayed.pop()
        if word.player.now is not None:
            word.player.now.honest = False
            if repr(word.player.now.item) == word.event.item_key:
                # Of what is begun anew meanwhile, nobody can tell it from a true word.
                self.verdicts |= {(policy.account, word.event.item_key) for policy in word.player.accounts}
        self._hear_again(word)

    def _hear_again(self, word: Word) -> None:
        """A copy of a beginning may be taken for one: nobody can tell it from a film that is begun anew."""
        # After a day everything is forgotten, and a copy that comes still later is news.
        if self.utc_ms - word.said_utc_ms >= DAY_MS - MINUTE:
            return
        if word.event.kind == "play":
            for policy in word.player.accounts:
                self.begun[policy.account, word.event.item_key] += 1
        self.hear(word.player, word.ear, word.event)

    @rule(name=st.sampled_from(["tv", "bed"]), ahead=st.integers(0, 20))
    def extrapolate(self, name: str, ahead: int) -> None:
        """A server counts on by itself: that changes nothing at all."""
        player = self.players[name]
        if player.now is not None:
            # What is due by the mere passing of time happens at the next word, whatever it says.
            self.give(Deadline())
            before = self._without_parts(self.state)
            self.say(player, "progress", player.now.position_ms + ahead * MINUTE, observed=False)
            assert self._without_parts(self.state) == before

    @staticmethod
    def _without_parts(state: State) -> Contents:
        """Leave out which part a play has come to: of one that has just been joined, any word brings it up to date."""
        plays = {name: msgspec.structs.replace(one, part=0) for name, one in state.plays.items()}
        return msgspec.structs.replace(state.contents(), plays=plays)

    @precondition(lambda self: self.pending)
    @rule(index=st.integers(0, 5))
    def identify(self, index: int) -> None:
        """A name arrives, in whatever order."""
        self.identify_one(index)

    # What must hold.

    def _judge(self, fact: Fact) -> None:
        item = ITEMS[fact.work_id - 1]
        key = (fact.account, repr(item))
        assert fact.progress in self.told[repr(item)], f"{fact.progress} was never reported"
        assert fact.at_utc_ms <= self.utc_ms, "nothing is over before it is"
        if fact.kind == "watched":
            rivals = [one for one in self.facts if one.kind == "watched" and one.account == fact.account]
            rivals = [one for one in rivals if (one.work_id, one.part) == (fact.work_id, fact.part)]
            assert all(one.play != fact.play for one in rivals), "a play is watched once"
            assert len(rivals) < self.begun[key], "nobody began it so often"
            if key not in self.verdicts:
                share = LENGTHS[repr(item)] / parts_of(item)
                start = share * fact.part
                really = covered(self.seen.get(key, []), start, start + share * fact.progress / 100)
                assert really >= 0.55, f"{fact.account} saw {really:.0%} of {item}, {fact.reason}"
                # What a server remembers counts wherever the play has gone since.
                assert fact.progress >= LIMITS[fact.account, type(item)] or fact.reason == "the server says so"
        self.facts.append(fact)

    def _look_at_now_playing(self) -> None:
        for account, now_playing in self.state.now_playing.items():
            before = self.now_playing.get(account, NowPlaying(account=account))
            says, said = (now_playing.mode, now_playing.play, now_playing.part), (before.mode, before.play, before.part)
            assert (now_playing.revision != before.revision) == (says != said), "a revision is a change"
            if now_playing.mode != "nothing":
                assert now_playing.play is not None
                play = self.state.plays[now_playing.play]
                assert play.open
                assert play.account == account
                assert now_playing.progress is not None
                assert now_playing.progress in self.told[repr(ITEMS[(now_playing.work_id or 0) - 1])]
        self.now_playing = dict(self.state.now_playing)

    @invariant()
    def one_session_per_player(self) -> None:
        """A player plays one thing."""
        opened = [(one.identity.source, one.identity.player) for one in self.state.sessions.values() if one.open]
        assert len(opened) == len(set(opened))

    @invariant()
    def survives_the_store(self) -> None:
        """What is written down is what is read."""
        contents = self.state.contents()
        assert msgspec.json.decode(msgspec.json.encode(contents), type=Contents) == contents

    def teardown(self) -> None:
        """In the end all has an outcome, and is forgotten."""
        self.identify_all()
        for player in self.players.values():
            player.now = None
        self.eager = True
        goal = self.mono_ms + 4 * DAY_MS
        while (due := next_deadline(self.state)) is not None and due <= goal:
            self._move(due)
            self.give(Deadline())
        assert self.state.sessions == {}
        assert self.state.plays == {}
        assert all(now_playing.mode == "nothing" for now_playing in self.state.now_playing.values())
        owed = {fact.play for fact in self.facts}
        for play in self.plays.values():
            named = play.work is not None
            assert not named or play.outcome is not None or play.id in owed, f"{play.id} has no outcome"


_LONG = os.environ.get("SCROBBLER_PROPERTIES") == "long"

TestEvenings = Evenings.TestCase
TestEvenings.__doc__ = "Whatever happens in an evening, the promises of the state machine hold."
TestEvenings.settings = settings(
    max_examples=int(os.environ.get("SCROBBLER_EXAMPLES", "2000")) if _LONG else 400,
    stateful_step_count=60 if _LONG else 40,
    deadline=None,
    derandomize=not _LONG,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
