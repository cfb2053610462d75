"""Reading what a server of the family sends (players.md 2.2, 2.6, 3.3)."""

import re
from datetime import UTC, datetime

from scrobbler.api.servers.fields import AnyCase

TICKS_PER_MS = 10_000
_FIRST_YEAR = 2000
_LAST_YEAR = 9999


class MediaFields(AnyCase):
    """One JSON object of a server."""

    def ticks_ms(self, key: str) -> int | None:
        """Return a number of ticks (100 ns) in ms."""
        ticks = self.count(key)
        return None if ticks is None else ticks // TICKS_PER_MS

    def identity(self, key: str) -> str:
        """Return an id in its one form: Jellyfin's come as 32 hex digits, in templates with dashes."""
        return normal_id(self.text(key))

    def moment(self, key: str) -> datetime | None:
        """Return a time in UTC; None for the first and the last date of .NET and for a date in the server's own culture."""
        try:
            moment = datetime.fromisoformat(self.text(key))
        except ValueError:
            return None
        if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def date(self, key: str) -> str | None:
        """Return the day of a time, as `2021-04-11`; None for the default date of .NET."""
        found = re.match(r"\d{4}-\d{2}-\d{2}", self.text(key))
        return found.group() if found and not found.group().startswith("0001") else None


def normal_id(text: str) -> str:
    """Write an id of 32 hex digits without dashes and in lower case; what is none stays as it is."""
    plain = text.strip().strip("{}").replace("-", "").lower()
    return plain if re.fullmatch(r"[0-9a-f]{32}", plain) else text.strip()


def is_id(text: str) -> bool:
    """Tell whether a text is an id of a server (a number, or hex digits), and so may go into an address."""
    return re.fullmatch(r"[0-9A-Fa-f-]{1,36}", text) is not None
