"""Reading what an Emby server sends, leniently (players.md 3.3)."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

TICKS_PER_MS = 10_000
_BIGGEST = 2**63
_FIRST_YEAR = 2000


class Fields:
    """One JSON object. Keys compare case-insensitively: Emby's own spelling of provider keys varies.

    A value of an impossible type reads as missing, never as an error.
    """

    def __init__(self, values: object) -> None:
        known = values if isinstance(values, Mapping) else {}
        self._values: dict[str, Any] = {str(key).lower(): value for key, value in known.items()}

    def text(self, key: str) -> str:
        """Return a string, or a number written as one; "" when there is none."""
        value = self._values.get(key.lower())
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return ""

    def whole(self, key: str) -> int | None:
        """Return a whole number of zero or more, also from a string."""
        value = self._values.get(key.lower())
        if isinstance(value, str):
            bare = value.strip()
            value = int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 20 else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return int(value) if 0 <= value < _BIGGEST else None

    def ticks_ms(self, key: str) -> int | None:
        """Return a number of ticks (100 ns) in ms."""
        ticks = self.whole(key)
        return None if ticks is None else ticks // TICKS_PER_MS

    def flag(self, key: str) -> bool:
        """Tell whether a switch is on."""
        value = self._values.get(key.lower())
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")

    def has(self, key: str) -> bool:
        """Tell whether there is a value that is not empty."""
        return self._values.get(key.lower()) not in (None, "", [], {})

    def moment(self, key: str) -> datetime | None:
        """Return a time in UTC; None for the default date of .NET."""
        try:
            moment = datetime.fromisoformat(self.text(key))
        except ValueError:
            return None
        if moment.year < _FIRST_YEAR:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each key, in lower case, with its text."""
        for key in self._values:
            yield key, self.text(key)

    def node(self, key: str) -> "Fields":
        """Return the object under a key; empty when there is none, or an empty list in its place."""
        return Fields(self._values.get(key.lower()))

    def nodes(self, key: str) -> Iterator["Fields"]:
        """Yield the objects of a list."""
        value = self._values.get(key.lower())
        if isinstance(value, list):
            yield from (Fields(entry) for entry in value if isinstance(entry, dict))


def is_id(text: str) -> bool:
    """Tell whether a text is an id of Emby (a number, or hex digits), and so may go into an address."""
    return re.fullmatch(r"[0-9A-Fa-f-]{1,36}", text) is not None
