"""What the senders of all accounts share: the wait that everybody keeps, and the news that Simkl is back."""

from collections.abc import Callable, Sequence
from random import Random

SCHEDULE_S: Sequence[float] = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0, 300.0)
"""Waits after the first, second, … failure in a entry; the last one repeats (contract.md 1.6)."""

JITTER = 0.1


def retry_after_s(failures: int, random: Random) -> float:
    """Give the wait before the next try, with a little jitter that never makes it longer than the schedule says."""
    return SCHEDULE_S[min(failures, len(SCHEDULE_S)) - 1] * (1 - JITTER * random.random())


class Backoff:
    """The line to Simkl. A block by Simkl halts everybody; the first success wakes everybody who waits."""

    def __init__(self) -> None:
        self.halt_mono_ms = 0
        self.halt_reason = ""
        self._waiting: list[Callable[[], None]] = []

    def join(self, wake: Callable[[], None]) -> None:
        """Register a sender's wake-up for good news."""
        self._waiting.append(wake)

    def halt(self, until_mono_ms: int, reason: str) -> None:
        """Stop all traffic until then."""
        self.halt_mono_ms = max(self.halt_mono_ms, until_mono_ms)
        self.halt_reason = reason

    def works(self) -> None:
        """Tell everybody that a request has succeeded. A halt stands: the request may have left before it began."""
        for wake in self._waiting:
            wake()
