"""The labelled points at which the soak kills the daemon: the way store → send → reply → settle, step by step."""

import os
import signal
from collections import Counter

ACTIONS = ("start", "pause", "stop", "history")

ON_THE_WAY_IN = (
    "hook: before anything is stored",
    "hook: inside the transaction",
    "hook: committed, memory still old",
    "hook: committed, senders told",
    "hook: committed, not answered",
    "hook: answered",
    "resolver: answer known, not stored",
    "resolver: answer stored",
)
_PER_ACTION = (
    "before the attempt is written down",
    "inside the attempt's transaction",
    "attempt committed, nothing sent",
    "request about to leave",
    "reply here, nothing done with it",
    "before it is settled",
    "inside the settling transaction",
    "settled",
)
ON_THE_WAY_OUT = tuple(f"{action}: {where}" for action in ACTIONS for where in _PER_ACTION)
AT_SIMKL = tuple(
    f"{action}: {where}"
    for action in ACTIONS
    for where in ("arrived at Simkl, not done", "done at Simkl, not answered")
)
AROUND = (
    "birth: database open, state not loaded",
    "birth: state loaded",
    "end: before everything is paused",
    "end: paused here, Simkl not told",
    "renewal: request about to leave",
    "renewal: reply here, not stored",
    "renewal: stored",
)

EVERY_POINT = ON_THE_WAY_IN + ON_THE_WAY_OUT + AT_SIMKL + AROUND


class Points:
    """Counts how often each point is passed, and dies at the one that is armed."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self._armed = ""
        self._left = 0

    def arm(self, label: str, nth: int) -> None:
        """Die when this point is passed for the `nth` time from now on. An empty label disarms."""
        self._armed, self._left = label, nth

    def hit(self, label: str) -> None:
        """Pass a point."""
        self.passed[label] += 1
        if label == self._armed:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
