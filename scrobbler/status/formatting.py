"""Times and lengths as people read them, for the page and the terminal."""

from datetime import UTC, datetime

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

FOREVER_MS = 253_370_764_800_000
"""A pause "until resumed" lasts until the year 9999."""


def moment(utc_ms: int, now_utc_ms: int) -> str:
    """Write a moment in the local time zone, as short as it stays clear: `20:15`, `Mon 20:15`, `2026-03-04 20:15`."""
    then = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone()
    now = datetime.fromtimestamp(now_utc_ms / 1000, UTC).astimezone()
    if then.date() == now.date():
        return f"{then:%H:%M}"
    if abs((then.date() - now.date()).days) < 6:
        return f"{then:%a %H:%M}"
    return f"{then:%Y-%m-%d %H:%M}"


def span(milliseconds: int) -> str:
    """Write a length of time in its largest units: `45 s`, `12 min`, `3 h 20 min`, `2 days`."""
    if milliseconds < MINUTE_MS:
        return f"{max(0, milliseconds) // 1000} s"
    if milliseconds < HOUR_MS:
        return f"{milliseconds // MINUTE_MS} min"
    if milliseconds < DAY_MS:
        hours, minutes = divmod(milliseconds // MINUTE_MS, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = milliseconds // DAY_MS
    return f"{days} day{'s' if days > 1 else ''}"


def clock(milliseconds: int) -> str:
    """Write a position as players do: `7:05`, `1:02:03`."""
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def until(utc_ms: int, now_utc_ms: int) -> str:
    """Write until when a pause lasts."""
    return "until you resume" if utc_ms >= FOREVER_MS else f"until {moment(utc_ms, now_utc_ms)}"
