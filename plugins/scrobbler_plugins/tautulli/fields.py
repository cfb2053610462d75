"""Reading what Tautulli's template prints: every value a string, an absent one empty (players.md 1.9)."""

import re
from collections.abc import Mapping
from typing import Any

_BIGGEST = 2**53
_UNFILLED = re.compile(r"\{\w+\}|None")


class Fields:
    """The values of one notification. A parameter that Tautulli did not fill reads as missing."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, key: str) -> str:
        """Return a text; "" when there is none."""
        value = self._values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        bare = value.strip() if isinstance(value, str) else ""
        return "" if _UNFILLED.fullmatch(bare) else bare

    def whole(self, key: str) -> int | None:
        """Return a whole number of zero or more."""
        text = self.text(key).removesuffix(".0")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
        return number if number is not None and number < _BIGGEST else None

    def flag(self, key: str) -> bool:
        """Tell whether a switch is on: "1"."""
        return self.text(key).lower() in ("1", "true")
