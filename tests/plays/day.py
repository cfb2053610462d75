"""A long day of a house with many people: most of what it holds is over, and one play in ten still goes on."""

import msgspec

from scrobbler.api import Ids, Kind, Movie, PlayerEvent
from scrobbler.clock import Now
from scrobbler.plays.machine import step
from scrobbler.plays.model import AccountPolicy, Heard, Identified, Input, Resolve, SourceTraits
from scrobbler.plays.state import Contents, State, rebase

START_UTC_MS = 1_790_000_000_000
LENGTH_MS = 6_000_000
TRAITS = SourceTraits(ticks=False, quiet_ms=900_000, close_ms=6 * 3_600_000, richness=70)
OPEN_SHARE = 10
"""One play in so many goes on."""


class Day:
    """A state with so many plays of so many accounts, each on a player of its own account and of a film of its own."""

    def __init__(self, plays: int, *, accounts: int) -> None:
        self.state = State()
        self._now = Now(START_UTC_MS, 1_000_000)
        self._policies = [AccountPolicy(account=f"account{number}") for number in range(accounts)]
        # The last of the day, so that no account has more going on than one.
        self._open = list(range(plays - plays // OPEN_SHARE, plays))
        self._paused = 0
        self._words = 0
        for number in range(plays):
            self._play(number, ends=number < self._open[0])

    def _play(self, number: int, *, ends: bool) -> None:
        # What goes on has a player of its own, so that no later film takes its place.
        self.give(self.heard("play", number, 0, ends=ends))
        if ends:
            self.give(self.heard("stop", number, int(LENGTH_MS * 0.9), ends=ends))

    def heard(self, kind: Kind, number: int, position_ms: int, *, ends: bool) -> Heard:
        """Let the player of a play say something."""
        policy = self._policies[number % len(self._policies)]
        name = f"player-{policy.account}" if ends else f"player-{number}-of-{policy.account}"
        item = Movie(title=f"The Film of Number {number}", year=2001, ids=Ids(imdb=f"tt{number:07}", tmdb=str(number)))
        event = PlayerEvent(
            kind=kind,
            player=name,
            item_key=f"/library/metadata/{number}",
            item=item,
            position_ms=position_ms,
            duration_ms=LENGTH_MS,
            device="Living Room",
        )
        return Heard(source="server", traits=TRAITS, accounts=(policy,), event=event)

    def give(self, given: Input) -> None:
        """Take one step, and answer what plays."""
        self._now = Now(self._now.utc_ms + 100, self._now.mono_ms + 100)
        change, effects = step(self.state, given, self._now)
        self.state.apply(change)
        for effect in effects:
            if isinstance(effect, Resolve):
                session = self.state.sessions[effect.session]
                item = session.identity.item
                assert isinstance(item, Movie)
                number = int(session.identity.item_key.rpartition("/")[2]) + 1
                self.give(Identified(session=session.id, work_id=number, work=item, runtime_ms=LENGTH_MS))

    def next_word(self) -> tuple[Input, Now]:
        """Let one of those whose play goes on pause it, or go on: the next word and its time."""
        self._words += 1
        kind: Kind = "pause" if self._words % 2 else "play"
        number = self._open[(self._words // 2) % len(self._open)] if kind == "pause" else self._paused
        self._paused = number
        self._now = Now(self._now.utc_ms + 2_000, self._now.mono_ms + 2_000)
        return self.heard(kind, number, 60_000, ends=False), self._now

    def contents_at(self, now: Now) -> Contents:
        """Give all of it as if it had happened until now."""
        contents = rebase(self.state.contents(), now.mono_ms - self._now.mono_ms)
        return msgspec.json.decode(msgspec.json.encode(contents), type=Contents)
