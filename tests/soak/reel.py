"""One play as it happens in the room, before any player has said a word of it."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

What: TypeAlias = Literal["begin", "tick", "pause", "resume", "jump", "ninety", "stop", "finish", "vanish"]


@dataclass(frozen=True)
class Moment:
    """Something happens: at a time in ms since 1970, at a position in ms."""

    at_ms: int
    what: What
    position_ms: int


@dataclass
class Reel:
    """Plays, pauses and jumps; every moment of it is kept. Positions move as time does."""

    at_ms: int
    length_ms: int
    tick_ms: int
    position_ms: int = 0
    moments: list[Moment] = field(default_factory=list)

    def begin(self, position_ms: int = 0) -> "Reel":
        """Begin at a position."""
        self.position_ms = position_ms
        return self._add("begin")

    def play(self, until_ms: int) -> "Reel":
        """Play on to a position, with ticks on the way."""
        ninety = int(self.length_ms * 0.9)
        until_ms = min(until_ms, self.length_ms)
        while self.position_ms < until_ms:
            goal = min(until_ms, self.position_ms + self.tick_ms)
            if self.position_ms < ninety <= goal:
                self._run(ninety)
                self._add("ninety")
            self._run(goal)
            if self.position_ms < until_ms:
                self._add("tick")
        return self

    def pause(self, seconds: float) -> "Reel":
        """Pause for a while, then go on."""
        self._add("pause")
        self.at_ms += int(seconds * 1000)
        return self._add("resume")

    def jump(self, to_ms: int) -> "Reel":
        """Jump to a position."""
        self.at_ms += 2_000
        self.position_ms = to_ms
        return self._add("jump")

    def end(self, how: Literal["stop", "finish", "vanish"]) -> "Reel":
        """Stop, reach the end, or be gone without a word."""
        return self._add(how)

    def _run(self, to_ms: int) -> None:
        self.at_ms += to_ms - self.position_ms
        self.position_ms = to_ms

    def _add(self, what: What) -> "Reel":
        self.moments.append(Moment(self.at_ms, what, self.position_ms))
        return self
