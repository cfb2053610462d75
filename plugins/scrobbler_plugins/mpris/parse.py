"""From what a player says to events: pure, one Player per player on the bus (players.md 7).

Positions are never signalled. So each news is a reason to look, and while something plays it is looked at on a timer;
`due_ms` says when. What a signal says counts at once, without a look, where it ends something.
"""

import math

from scrobbler.api import Kind, PlayerEvent
from scrobbler_plugins.mpris.media import Media, Rules, identify
from scrobbler_plugins.mpris.messages import Said, Status, Told

LOOK_MS = 2_000
"""While something plays, its position is asked for this often. It is as far as a killed player can be off."""
BEAT_MS = 600_000
"""A paused player is looked at this often, so that it is not taken for gone."""
AGAIN_MS = 500
"""After so long a second look decides about what is hard to believe."""
SEEK_REST_MS = 300
"""In a row of jumps (a key held down) it is looked at this often."""
LAST_RETRY_MS = 30_000
"""A player that does not answer is asked less and less, and at least this often."""
JUMP_MS = 2_000
"""A smaller difference from the expected position is no jump: clocks differ, and VLC tells positions in steps."""
HONEST_SPEED = 4.0
"""As fast as watching goes (rules.md rule 4): who moves on so fast, and announces no jump, may play at that speed."""
START_MS = 1_000
"""A position before this one is one that players also name between two items, and after the last."""
END_MS = 1_000
"""Whoever is so close to the end when it stops has ended: players tell nothing between the last look and the end."""
FRESH_MS = 5 * LOOK_MS
"""A look that is longer ago says nothing about an end."""


class Player:
    """One player as it speaks. `label` is its name in events; times come in as `now_ms`, monotonic."""

    def __init__(self, label: str, rules: Rules, *, browser: bool = False) -> None:
        self._label = label
        self._rules = rules
        self._browser = browser
        self._status: Status | None = None
        self._told = Told()
        self._media: Media | None = None
        self._rate = 1.0
        self._length: int | None = None
        self._open = False  # told as a play, and not yet as over
        self._paused = False  # told as paused
        self._position: int | None = None  # the last one that was seen
        self._seen_ms = 0  # when that was
        self._ahead = 0.0  # how far it should have come since, until `_mark_ms`
        self._mark_ms = 0
        self._doubted = False  # the last look saw what is hard to believe
        self._announced = False  # a jump was announced since the last look
        self._empty = False  # nothing is named, although something was
        self._failures = 0
        self.due_ms: int | None = 0
        """When to look at the player; None: not before it speaks."""

    def heard(self, said: Said, now_ms: int) -> list[PlayerEvent]:
        """Take in a signal about properties."""
        before = (self._status, self._told, self._rate)
        events = self._take(said, now_ms)
        if (self._status, self._told, self._rate) != before:
            self.look(now_ms)
        return events

    def seeked(self, now_ms: int) -> None:
        """Take in that it says to have jumped: a reason to look, no more. VLC says so after each start and resume."""
        self._announced = True
        self.look(max(now_ms, self._seen_ms + SEEK_REST_MS))

    def seen(self, said: Said, now_ms: int) -> list[PlayerEvent]:
        """Take in all of its properties, as a look has found them."""
        self._failures = 0
        events = self._take(said, now_ms)
        if self._status not in ("Playing", "Paused") or self._media is None:
            self._rest(None)
            return events
        if self._empty:  # between two items; if it stays so, the item is over
            if self._doubted:
                self._doubted = False
                self._rest(None)
                return events + self._close("stop", now_ms)
            self._doubt(now_ms)
            return events
        if self._media.skip is not None:
            self._rest(None)
            return events + self._leave_out()
        return events + self._placed(said.position_ms, now_ms)

    def unseen(self, now_ms: int) -> list[PlayerEvent]:
        """Take in that a look brought no answer: what the signals said stands, without a position."""
        self._failures += 1
        wait_ms = min(LAST_RETRY_MS, LOOK_MS * 2 ** min(self._failures, 10))
        self._rest(now_ms + wait_ms)
        if self._open and self._status is not None and (self._status == "Paused") != self._paused:
            return [self._state()]
        return []

    def gone(self, now_ms: int) -> list[PlayerEvent]:
        """Take in that it has left the bus, or that the bus has gone: after an orderly stop, nothing."""
        self._advance(now_ms)
        events = self._close("gone", now_ms)
        self._status, self._media, self._told = None, None, Told()
        self._rest(None)
        return events

    def _take(self, said: Said, now_ms: int) -> list[PlayerEvent]:
        events: list[PlayerEvent] = []
        self._advance(now_ms)
        if said.told is not None:
            events += self._named(said.told, now_ms)
        if said.status == "Stopped":  # its position is none any more
            events += self._close("stop", now_ms)
            self._rest(None)
        self._status = said.status or self._status
        self._rate = said.rate or self._rate  # last: what has ended had the speed of before
        return events

    def _advance(self, now_ms: int) -> None:
        """Count on the position that is expected, before something changes how fast it moves."""
        if self._status == "Playing":
            self._ahead += (now_ms - self._mark_ms) * self._rate
        self._mark_ms = now_ms

    def _named(self, told: Told, now_ms: int) -> list[PlayerEvent]:
        self._told = told
        self._empty = told.vacant and self._media is not None
        if self._empty:
            return []
        media = identify(told, self._rules, browser=self._browser)
        if media is not None and self._media is not None and media.key == self._media.key:
            self._media = media
            self._length = told.length_ms or self._length
            return []
        events = self._close("stop", now_ms)
        self._media, self._length = media, told.length_ms
        self._position, self._announced = None, False
        return events

    def _placed(self, position: int | None, now_ms: int) -> list[PlayerEvent]:
        """Tell what a look at something that plays or is paused has found."""
        announced, self._announced = self._announced, False
        if not self._open:
            self._open = True
            self._observed(position, now_ms)
            return [self._state()]
        jumped = position is not None and self._jumped(position, now_ms, announced=announced)
        if position is not None and jumped and not self._doubted and (position < START_MS or not announced):
            self._doubt(now_ms)
            return []
        if position is not None and jumped and 0 <= self._beyond_end(now_ms) > position - START_MS:  # a loop
            events = self._close("end", now_ms)
            self._open = True
            self._observed(position, now_ms)
            return [*events, self._state()]
        self._observed(position, now_ms)
        events = [self._event("seek")] if jumped else []
        if (self._status == "Paused") != self._paused:
            return [*events, self._state()]
        if events:
            return events
        return [self._event("pause" if self._paused else "progress")]

    def _jumped(self, position: int, now_ms: int, *, announced: bool) -> bool:
        """Tell whether it is elsewhere than it can have come by playing; having stood still for a while is no jump."""
        if self._position is None:
            return False
        ahead_ms = self._ahead
        if ahead_ms and not announced:  # not every player tells its speed
            ahead_ms = max(ahead_ms, (now_ms - self._seen_ms) * HONEST_SPEED)
        slack_ms = JUMP_MS * max(1.0, self._rate)
        return not self._position - slack_ms <= position <= self._position + ahead_ms + slack_ms

    def _observed(self, position: int | None, now_ms: int) -> None:
        self._doubted = False
        if position is not None:
            self._position, self._seen_ms, self._ahead = position, now_ms, 0.0
        self._rest(now_ms + (LOOK_MS if self._status == "Playing" else BEAT_MS))

    def _leave_out(self) -> list[PlayerEvent]:
        """Say once that what plays is no play of ours."""
        if self._open:
            return []
        self._open = True
        return [self._event("play")]

    def _close(self, kind: Kind, now_ms: int) -> list[PlayerEvent]:
        if not self._open or self._media is None:
            return []
        self._open = self._doubted = False
        events = [] if self._media.skip else [self._event("end" if self._ended(now_ms) else kind)]
        self._paused, self._position = False, None
        return events

    def _ended(self, now_ms: int) -> bool:
        """Tell whether it has come to its end since the last look, which no player says."""
        return self._beyond_end(now_ms) >= 0

    def _beyond_end(self, now_ms: int) -> float:
        """Say how far it would be past its end by now, which begins a little before the last picture; negative: not yet there."""
        if self._position is None or self._length is None:
            return -math.inf
        ahead = self._ahead if now_ms - self._seen_ms <= FRESH_MS else 0
        return self._position + ahead - self._length + END_MS * max(1.0, self._rate)

    def _state(self) -> PlayerEvent:
        self._paused = self._status == "Paused"
        return self._event("pause" if self._paused else "play")

    def _event(self, kind: Kind) -> PlayerEvent:
        assert self._media is not None
        return PlayerEvent(
            kind=kind,
            player=self._label,
            item_key=self._media.key,
            item=None if kind == "progress" else self._media.item,
            position_ms=self._position,
            duration_ms=self._length,
            speed=self._rate,
            skip=self._media.skip,
        )

    def _doubt(self, now_ms: int) -> None:
        self._doubted = True
        self._rest(now_ms + AGAIN_MS)

    def look(self, at_ms: int) -> None:
        """Let it be looked at, unless nothing is there to be seen."""
        if self._status != "Stopped":
            self.due_ms = at_ms

    def _rest(self, until_ms: int | None) -> None:
        self.due_ms = until_ms
