"""Breaks off what takes too long: a few `.*` in a row may need minutes for one long line, and everything would wait."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from scrobbler_plugins.logfile.patterns import QUICK_LINE, TooSlowError

PATIENCE_S = 0.25
"""Seconds of processor time after which a pattern is too slow for a line."""


def search(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Hold a line against a pattern. Raises TooSlowError."""
    if len(line) <= QUICK_LINE:
        return pattern.search(line)
    with _patience():
        return pattern.search(line)


@contextmanager
def _patience() -> Iterator[None]:
    """Break off what takes too long. Only a signal reaches into a search, and only where signals arrive."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _break_off)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _break_off(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError
