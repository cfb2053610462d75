"""Reading a JSON object of Plex leniently: one value is a number here and a string there (players.md 1.6 item 14)."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

_BIGGEST = 2**53


class Fields:
    """One JSON object. A value that is missing or of an impossible type reads as "not there", never as an error."""

    def __init__(self, values: object) -> None:
        self._values: Mapping[str, Any] = values if isinstance(values, dict) else {}

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def text(self, key: str) -> str:
        """Return a string, or a number written as one; "" when there is none."""
        value = self._values.get(key)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return ""

    def whole(self, key: str) -> int | None:
        """Return a whole number, also from a float or a string of digits."""
        value = self._values.get(key)
        if isinstance(value, str):
            bare = value.strip()
            digits = bare.removeprefix("-")
            value = int(bare) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return int(value) if abs(value) < _BIGGEST else None

    def positive(self, key: str) -> int | None:
        """Return a whole number above zero."""
        number = self.whole(key)
        return number if number is not None and number > 0 else None

    def flag(self, key: str) -> bool:
        """Tell whether a switch is on: true, 1 or "1"."""
        value = self._values.get(key)
        return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("1", "true"))

    def node(self, key: str) -> "Fields":
        """Return the object under a key; empty when there is none."""
        return Fields(self._values.get(key))

    def nodes(self, key: str) -> Iterator["Fields"]:
        """Yield the objects of a list; one object alone counts as a list of one."""
        value = self._values.get(key)
        if isinstance(value, dict):
            yield Fields(value)
        elif isinstance(value, list):
            yield from (Fields(entry) for entry in value if isinstance(entry, dict))

    def filled(self, other: "Fields", keys: tuple[str, ...]) -> "Fields":
        """Return this object with the gaps at these keys filled from another."""
        gaps = {key: other.text(key) for key in keys if key not in self and key in other}
        return Fields({**self._values, **gaps})
