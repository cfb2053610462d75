"""Reading what Kodi and its add-on say, leniently: a value of an impossible type reads as missing (players.md 4)."""

import re
from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import Any

_LONGEST_S = 10 * 86_400
_TIME_PARTS = (("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1))
_DATE = re.compile(r"(?:18|19|20|21)\d\d-\d\d-\d\d")
_NO_DATE = "1970-01-01"


def node(values: Any, key: str) -> dict[str, Any]:
    """Return the object under a key; empty where there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, dict) else {}


def nodes(values: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of the list under a key."""
    value = values.get(key) if isinstance(values, dict) else None
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))


def text(values: Any, key: str) -> str:
    """Return a string, or a number written as one; "" where there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(values: Any, key: str) -> int | None:
    """Return a whole number of zero or more; Kodi's -1 means that there is none."""
    found = text(values, key)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 16 else None


def number(values: Any, key: str) -> float | None:
    """Return a number, whatever its sign."""
    value = values.get(key) if isinstance(values, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def time_ms(values: Any, key: str) -> int | None:
    """Return a time that Kodi writes as hours, minutes, seconds and milliseconds."""
    parts = node(values, key)
    found = [(number(parts, name), weight) for name, weight in _TIME_PARTS]
    if all(amount is None for amount, _ in found):
        return None
    total = sum(round(amount * weight) for amount, weight in found if amount is not None)
    return total if 0 <= total <= _LONGEST_S * 1000 else None


def seconds_ms(values: Any, key: str) -> int | None:
    """Return a number of seconds in ms."""
    amount = number(values, key)
    return round(amount * 1000) if amount is not None and 0 <= amount <= _LONGEST_S else None


def date(values: Any, key: str) -> str | None:
    """Return a date; the first day of 1970 is Kodi's word for none."""
    found = _DATE.match(text(values, key))
    return found.group() if found and found.group() != _NO_DATE else None


def year(values: Any) -> int | None:
    """Return the year of a title. Kodi derives it from `premiered`, and so has 1970 where it knows no date."""
    found = whole(values, "year")
    if found is None or not 1870 <= found <= 2200 or text(values, "premiered") == _NO_DATE:
        return None
    return found


def moment(values: Any, key: str) -> datetime | None:
    """Return a time with a zone, as the add-on writes it."""
    try:
        found = datetime.fromisoformat(text(values, key))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
