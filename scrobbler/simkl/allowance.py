"""How many calls Simkl still allows today, as its reply headers say (simkl-api.md 8.1)."""

from collections.abc import Hashable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from scrobbler.simkl.wire import Reply


class Allowance(Struct, frozen=True, kw_only=True):
    """The day's calls of one account, which its other apps share.

    `limit` and `remaining` are None as long as Simkl has not told (at the first call of a token, and always in AUTH V1).
    `resets_utc_ms` is the next midnight in New York.
    """

    limit: int | None
    remaining: int | None
    resets_utc_ms: int


def next_midnight_ms(utc_ms: int) -> int:
    """Return when the allowance begins anew: the next midnight in New York, in ms UTC."""
    zone = ZoneInfo("America/New_York")
    today = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone).date()
    return int(datetime.combine(today + timedelta(days=1), time(), zone).timestamp() * 1000)


class Allowances:
    """Remembers the last word of Simkl for each pool: an account (AUTH V2) or the client_id (AUTH V1)."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Allowance] = {}

    def note(self, pool: Hashable, reply: Reply, utc_ms: int) -> None:
        """Read the headers of a reply; a refusal for the day means that nothing remains."""
        limit = _number(reply.headers.get("x-ratelimit-limit"))
        remaining = _number(reply.headers.get("x-ratelimit-remaining"))
        if reply.status == 429 and reply.error in {"user_limit_exceeded", "app_limit_exceeded"}:
            remaining = 0
        if limit is None and remaining is None:
            return
        if limit is None:
            limit = self.of(pool, utc_ms).limit
        self._known[pool] = Allowance(limit=limit, remaining=remaining, resets_utc_ms=next_midnight_ms(utc_ms))

    def of(self, pool: Hashable, utc_ms: int) -> Allowance:
        """Return what is known now. After midnight only the limit is."""
        known = self._known.get(pool)
        midnight = next_midnight_ms(utc_ms)
        if known is None:
            return Allowance(limit=None, remaining=None, resets_utc_ms=midnight)
        if known.resets_utc_ms != midnight:
            return Allowance(limit=known.limit, remaining=None, resets_utc_ms=midnight)
        return known


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None
