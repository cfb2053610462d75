"""The times that logs write: local, without zone, sometimes without date (players.md 8.3)."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}

STEP_BACK_MS = 5 * 60_000
"""So far a log's clock may be set back, or its lines be out of order; a greater step is another clock or zone, and holds."""

AHEAD_MS = 60_000
"""So far a line may lie in the future before its clock is taken for another day's or zone's."""


def zone_of(name: str) -> tzinfo | None:
    """Return the zone; None stands for this machine's own."""
    return ZoneInfo(name) if name else None


class Times:
    """Turns what lines write into milliseconds since 1970, in the order of the lines.

    `last_ms` is the time of the line before: what would go back behind it is put right, since the order in the file beats
    the clock. An hour that happens twice is read as the one that fits the order.
    """

    def __init__(self, zone: tzinfo | None, last_ms: int = 0) -> None:
        self._zone = zone
        self.last_ms = last_ms

    def local(self, moment: datetime) -> int:
        """Read a time without a zone."""
        first = _to_ms(moment.replace(fold=0), self._zone)
        if first < self.last_ms:
            second = _to_ms(moment.replace(fold=1), self._zone)
            first = second if second >= self.last_ms else first
        return self.known(first)

    def known(self, utc_ms: int) -> int:
        """Take a time whose zone is known."""
        if self.last_ms - STEP_BACK_MS <= utc_ms < self.last_ms:
            return self.last_ms
        self.last_ms = utc_ms
        return utc_ms

    def of_day(self, clock: time, reference_ms: int) -> int:
        """Read a time of day: of the last day on which it was not later than `reference_ms`."""
        reference = datetime.fromtimestamp(reference_ms / 1000, UTC).astimezone(self._zone).replace(tzinfo=None)
        moment = datetime.combine(reference.date(), clock)
        if moment - reference > timedelta(milliseconds=AHEAD_MS):
            moment -= timedelta(days=1)
        return self.local(moment)


def _to_ms(moment: datetime, zone: tzinfo | None) -> int:
    aware = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    return int(aware.timestamp() * 1000)


def make(
    year: str, month: str | int, day: str, hour: str, minute: str, second: str, fraction: str = ""
) -> datetime | None:
    """Put a date together from what a line holds; None where there is no such date."""
    try:
        return datetime(  # noqa: DTZ001 (a local time of a log)
            int(year), int(month), int(day), int(hour), int(minute), int(second), int((fraction + "000000")[:6])
        )
    except ValueError:
        return None


def parse_zone(text: str) -> timedelta | None:
    """Read `+01:00`, `+0100` or `Z`."""
    if text in ("Z", "z"):
        return timedelta(0)
    digits = text[1:].replace(":", "")
    if len(digits) != 4 or not digits.isdecimal() or text[0] not in "+-":
        return None
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return offset if text[0] == "+" else -offset
