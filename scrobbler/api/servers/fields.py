"""Reading a JSON object of a stranger leniently: one value is a number here and a string there."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Self

import msgspec

from scrobbler.api.plugin import UnreadableError

_BIGGEST = 2**53


class Fields:
    """One JSON object. A value that is missing or of an impossible type reads as "not there", never as an error."""

    def __init__(self, values: object) -> None:
        self._values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """Read the text of a hook's payload. Raises UnreadableError where it is no JSON object."""
        try:
            values = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise UnreadableError(f"the payload is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise UnreadableError("the payload is not a JSON object")
        return cls(values)

    def __contains__(self, key: str) -> bool:
        return self._value(key) is not None

    def _value(self, key: str) -> Any:
        return self._values.get(key)

    def text(self, key: str) -> str:
        """Return a string, or a number written as one; "" when there is none."""
        value = self._value(key)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return ""

    def whole(self, key: str) -> int | None:
        """Return a whole number, also from a float or a string of digits."""
        value = self._value(key)
        if isinstance(value, str):
            bare = value.strip()
            digits = bare.removeprefix("-")
            value = int(bare) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return int(value) if abs(value) < _BIGGEST else None

    def count(self, key: str) -> int | None:
        """Return a whole number of zero or more."""
        number = self.whole(key)
        return number if number is not None and number >= 0 else None

    def positive(self, key: str) -> int | None:
        """Return a whole number above zero."""
        return self.count(key) or None

    def flag(self, key: str) -> bool:
        """Tell whether a switch is on: true, 1, "1", or the `True` of .NET."""
        value = self._value(key)
        return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("1", "true"))

    def has(self, key: str) -> bool:
        """Tell whether there is a value that is not empty."""
        return self._value(key) not in (None, "", [], {})

    def node(self, key: str) -> Self:
        """Return the object under a key; empty when there is none."""
        return type(self)(self._value(key))

    def nodes(self, key: str) -> Iterator[Self]:
        """Yield the objects of a list; one object alone counts as a list of one."""
        value = self._value(key)
        if isinstance(value, Mapping):
            yield type(self)(value)
        elif isinstance(value, list):
            yield from (type(self)(entry) for entry in value if isinstance(entry, Mapping))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each key with its text."""
        for key in self._values:
            yield key, self.text(key)

    def filled(self, other: "Fields", keys: tuple[str, ...]) -> Self:
        """Return this object with the gaps at these keys filled from another."""
        gaps = {key: other.text(key) for key in keys if key not in self and key in other}
        return type(self)({**self._values, **gaps})


class AnyCase(Fields):
    """One JSON object whose keys compare case-insensitively: their spelling varies with versions and templates."""

    def __init__(self, values: object) -> None:
        known = values if isinstance(values, Mapping) else {}
        super().__init__({str(key).lower(): value for key, value in known.items()})

    def _value(self, key: str) -> Any:
        return self._values.get(key.lower())
