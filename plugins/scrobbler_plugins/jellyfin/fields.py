"""Reading what the webhook plugin and the server send, leniently (players.md 2.2, 2.3)."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from math import isfinite
from typing import Any

TICKS_PER_MS = 10_000
_BIGGEST = 2**53
_FIRST_YEAR = 2000
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_CLOCK = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")


class Fields:
    """One JSON object, or the fields of a form. Keys compare case-insensitively.

    A template prints every value as a string, a missing one as "", and may escape for HTML; all of that reads like the
    plain value. A value of an impossible type reads as missing, never as an error.
    """

    def __init__(self, values: object) -> None:
        known = values if isinstance(values, Mapping) else {}
        self._values: dict[str, Any] = {str(key).lower(): value for key, value in known.items()}

    def text(self, key: str) -> str:
        """Return a string, or a number written as one; "" when there is none."""
        value = self._values.get(key.lower())
        if isinstance(value, str):
            return _ENTITY.sub(lambda found: unescape(found.group()), value).strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return ""

    def name(self, key: str) -> str:
        r"""Return a name. The plugin itself writes `\"` for each quote, before JSON does it again (players.md 2.3)."""
        return self.text(key).replace('\\"', '"')

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
        """Return a number of ticks (100 ns) above zero in ms; zero is how the plugin writes "unknown"."""
        ticks = self.whole(key)
        return ticks // TICKS_PER_MS or None if ticks else None

    def clock_ms(self, key: str) -> int | None:
        """Return a time written as `00:12:25` in ms; zero as with ticks."""
        found = _CLOCK.fullmatch(self.text(key))
        if found is None:
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 or None

    def flag(self, key: str) -> bool:
        """Tell whether a switch is on: true, or the `True` of .NET."""
        value = self._values.get(key.lower())
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")

    def has(self, key: str) -> bool:
        """Tell whether there is a value that is not empty."""
        return self._values.get(key.lower()) not in (None, "")

    def identity(self, key: str) -> str:
        """Return an id as 32 hex digits in lower case, as JSON mode has it; templates print it with dashes."""
        return normal_id(self.text(key))

    def moment(self, key: str) -> datetime | None:
        """Return a time in UTC; None for the default date of .NET and for a date in the server's own culture."""
        try:
            moment = datetime.fromisoformat(self.text(key))
        except ValueError:
            return None
        if moment.year < _FIRST_YEAR:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def starting(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the rest of each key that begins so, and its text."""
        for key in self._values:
            if key.startswith(prefix.lower()):
                yield key[len(prefix) :], self.text(key)

    def node(self, key: str) -> "Fields":
        """Return the object under a key; empty when there is none."""
        return Fields(self._values.get(key.lower()))

    def nodes(self, key: str) -> Iterator["Fields"]:
        """Yield the objects of a list."""
        value = self._values.get(key.lower())
        if isinstance(value, list):
            yield from (Fields(entry) for entry in value if isinstance(entry, dict))


def normal_id(text: str) -> str:
    """Write an id of Jellyfin in its one form; what is none stays as it is."""
    bare = text.strip().strip("{}").replace("-", "").lower()
    return bare if is_id(bare) else text.strip()


def is_id(text: str) -> bool:
    """Tell whether a text is an id of Jellyfin in its one form, and so may go into an address."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None
