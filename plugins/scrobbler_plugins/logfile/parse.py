"""What a line of a log says, before it is known whether it is news or history; and what reads lines."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from scrobbler.api import Item, Kind, Skip, User
from scrobbler_plugins.logfile.patterns import Meaning, Search, search
from scrobbler_plugins.logfile.times import Times

KEPT = 200
"""So many players, requests or titles are remembered by one log at most."""

LONGEST = 16_384
"""Longer lines tell of no play: a verbose request of Plex has four thousand characters."""

MAX_MS = 10_000_000_000
"""Longer positions and lengths are no milliseconds of a film (about 115 days)."""


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a log says. `at_ms` is the line's own time in ms since 1970; None where the format has none."""

    kind: Kind
    player: str
    item_key: str
    item: Item | None = None
    user: User | None = None
    position_ms: int | None = None
    duration_ms: int | None = None
    at_ms: int | None = None
    device: str = ""
    skip: Skip | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """What the options say to a format."""

    zone: tzinfo | None = None
    patterns: tuple[str, ...] = ()
    words: dict[str, Meaning] = {}
    silence_ms: int = 600_000
    search: Search = search


class LineFormat(ABC):
    """Reads the lines of one log in order. All that it remembers lies in `state`, so that a restart can go on with it.

    `trouble` says for people what lines it cannot read and why; empty while there are none.
    """

    Notes: ClassVar[type[Struct]]

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state: Any = self.Notes()
        self.times = Times(settings.zone)
        self.seen_ms: int | None = None
        self.trouble = ""

    def feed(self, line: str, now_ms: int, *, seen_ms: int | None = None) -> Sequence[Said]:
        """Read one line, without its newline. Never raises.

        `now_ms` is the latest time at which it can have been written; `seen_ms` is when it was, None where nobody looked on.
        """
        if len(line) > LONGEST:
            return ()
        self.seen_ms = seen_ms
        return self.read(line.encode("utf-8", "replace").decode("utf-8"), now_ms)

    @abstractmethod
    def read(self, line: str, now_ms: int) -> Sequence[Said]:
        """Read one line of whole characters."""

    def idle(self, now_ms: int) -> Sequence[Said]:
        """Say what follows from time alone, once all lines are read."""
        del now_ms
        return ()

    def dump(self) -> str:
        """Write down what is remembered."""
        return msgspec.json.encode([self.times.last_ms, self.state]).decode()

    def load(self, text: str) -> None:
        """Take up what was written down; what another version wrote is forgotten."""
        try:
            last_ms, raw = msgspec.json.decode(text, type=tuple[int, msgspec.Raw])
            self.state = msgspec.json.decode(raw, type=self.Notes)
        except (msgspec.MsgspecError, UnicodeError):
            return
        self.times.last_ms = last_ms


def keep(table: dict[str, Any], key: str, value: Any) -> None:
    """Put something into a table that never grows beyond `KEPT`."""
    table.pop(key, None)
    table[key] = value
    while len(table) > KEPT:
        del table[next(iter(table))]


def whole_ms(text: str | None) -> int | None:
    """Read milliseconds; None for what cannot be one."""
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 12:
        return None
    value = int(text)
    return value if value <= MAX_MS else None
