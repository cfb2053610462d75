"""Calls per second and per day (simkl-api.md 8.1, 12.11 to 12.13)."""

import math
from collections import deque
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from scrobbler.sandbox.clock import SandboxClock
from scrobbler.sandbox.people import App, Link, User
from scrobbler.sandbox.reply import RefusedError, refuse
from scrobbler.sandbox.switches import Switches

NEW_YORK = ZoneInfo("America/New_York")
DAILY = {"free": 500, "pro": 1000, "vip": 10_000}
GETS_PER_SECOND = 10
SECOND_MS = 1000


class Bucket(Struct):
    """The recent calls of one user (AUTH V2) or one application (AUTH V1), as ms since 1970."""

    gets: deque[int] = field(default_factory=lambda: deque(maxlen=GETS_PER_SECOND))
    last_post_ms: int = -SECOND_MS
    blocked_until_ms: int = 0


class Pool(Struct):
    """What was used of a daily allowance, and on which day of New York."""

    day: str = ""
    used: int = 0


def seconds_to_midnight(now_ms: int) -> int:
    """Return the seconds until the next 00:00 in New York, rounded up; days there have 23 to 25 hours."""
    local = datetime.fromtimestamp(now_ms / 1000, NEW_YORK)
    tomorrow = local.date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=NEW_YORK)
    return math.ceil(midnight.astimezone(UTC).timestamp() - now_ms / 1000)


class Limits:
    """Counts calls and refuses those beyond a limit."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._pools: dict[str, Pool] = {}

    def check_second(self, app: App, link: Link | None, *, method: str, switches: Switches) -> None:
        """Count a call against its second. Raises RefusedError: 429 beyond the limit, 412 while blocked."""
        if not switches.rate_limits:
            return
        name = _bucket_name(app, link)
        if name is None:
            return
        now = self._clock.now_ms()
        bucket = self._buckets.setdefault(name, Bucket())
        too_soon = method == "POST" and 0 <= now - bucket.last_post_ms < SECOND_MS
        blocked = now < bucket.blocked_until_ms
        if method == "POST":
            bucket.last_post_ms = now
        if too_soon:
            bucket.blocked_until_ms = now + round(switches.block_s * 1000)
        if blocked:
            raise refuse(412, "client_id_failed", "Too many requests; temporarily blocked.")
        if too_soon:
            raise refuse(429, "rate_limit", "One POST per second.")
        if method != "POST":
            full = len(bucket.gets) == GETS_PER_SECOND
            if full and 0 <= now - bucket.gets[0] < SECOND_MS:
                raise refuse(429, "rate_limit", "Ten GETs per second.")
            bucket.gets.append(now)

    def charge(self, app: App, link: Link | None, switches: Switches) -> dict[str, str]:
        """Count a call against its day; return the headers for the answer. Raises RefusedError (429) when none is left."""
        if app.generation == "v1":
            pool = self._pool(f"app {app.client_id}")
            if pool.used >= switches.v1_daily_limit:
                raise self.exceeded("app")
            pool.used += 1
            return {}
        if link is None:
            return {}
        pool = self._pool(f"user {link.user.name}")
        limit = DAILY[link.user.plan]
        if pool.used >= limit:
            raise self.exceeded("user")
        pool.used += 1
        if link.fresh:
            link.fresh = False
            return {}
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(limit - pool.used)}

    def exceeded(self, whose: str) -> RefusedError:
        """Make the 429 of a day that is used up."""
        wait = str(seconds_to_midnight(self._clock.now_ms()))
        return refuse(429, f"{whose}_limit_exceeded", "The daily limit is reached.", headers={"Retry-After": wait})

    def remaining(self, user: User) -> int:
        """Return what is left of a user's day."""
        return max(0, DAILY[user.plan] - self._pool(f"user {user.name}").used)

    def set_remaining(self, user: User, remaining: int) -> None:
        """Make so many calls be left today."""
        self._pool(f"user {user.name}").used = DAILY[user.plan] - remaining

    def _pool(self, name: str) -> Pool:
        pool = self._pools.setdefault(name, Pool())
        day = datetime.fromtimestamp(self._clock.now_ms() / 1000, NEW_YORK).date().isoformat()
        if pool.day != day:
            pool.day, pool.used = day, 0
        return pool


def _bucket_name(app: App, link: Link | None) -> str | None:
    if app.generation == "v1":
        return f"app {app.client_id}"
    return f"user {link.user.name}" if link is not None else None
