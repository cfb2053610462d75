"""What a refusal means: the table of simkl-api.md 4.7 and 8.2, as one pure function."""

from msgspec import Struct

from scrobbler.simkl.errors import HaltAll, HaltCause, NoMatch, NotLinked, Rejected, RetryLater, SimklError
from scrobbler.simkl.wire import Reply

# Faster than one write a second is refused (simkl-api.md 8.1).
RATE_PAUSE_S = 1.1
HALT_TEXT: dict[HaltCause, str] = {
    "client_id": "Simkl does not accept the client_id: compare it with the one at simkl.com/settings/developer "
    "(Simkl answers the same while it blocks an app for too many calls)",
    "block": "Simkl blocks this client_id for a while because of too many calls, or has suspended it "
    "(see simkl.com/settings/developer)",
}


class Waits(Struct, frozen=True, kw_only=True):
    """How long each kind of refusal means waiting now, in seconds.

    `busy_s`: until the account's write lock is surely free. `midnight_s`: until the day's allowance begins anew. `spread_s`:
    added to the latter, so that not every daemon of the world calls at midnight sharp. `halt_s` and `halt_cause`: the same for
    a 412. `utc_ms` is now.
    """

    busy_s: float
    midnight_s: float
    spread_s: float
    halt_s: float
    halt_cause: HaltCause
    utc_ms: int


def verdict(reply: Reply, waits: Waits) -> SimklError:
    """Turn a reply that is no success into the error that says what happens next.

    401 counts as final here: whoever can refresh the token has done so before asking.
    """
    status, code = reply.status, reply.error
    said = f"{status} {code}".strip()
    if status == 412:
        return HaltAll(
            HALT_TEXT[waits.halt_cause], after_s=waits.halt_s, cause=waits.halt_cause, status=status, code=code
        )
    if status == 429:
        return _too_many(reply, waits)
    if status >= 500 or status == 408:
        after = reply.retry_after_s(waits.utc_ms)
        reason = f"Simkl has trouble of its own ({said})"
        return RetryLater(reason, after_s=after, cause="server", maybe_done=True, status=status, code=code)
    if status == 401:
        return NotLinked(f"Simkl no longer accepts the link ({said})", status=status, code=code)
    if status in {413, 414, 431}:
        return Rejected(f"the request is too large for Simkl ({said})", status=status, code=code)
    if not 400 <= status < 500 or not isinstance(reply.data, dict):
        # Not Simkl's own words: a portal, a proxy, a challenge page, or an answer that was cut off.
        reason = f"the answer did not come from Simkl or was cut off (HTTP {status})"
        return RetryLater(reason, after_s=None, cause="server", maybe_done=True, status=status, code=code)
    if status == 400 and code == "rate_limit":
        reason = "Simkl is still busy with an earlier write of this account"
        return RetryLater(reason, after_s=waits.busy_s, cause="busy", status=status, code=code)
    if status == 403 and code == "insufficient_scope":
        return NotLinked("the link may only read: link the account again", status=status, code=code)
    if status == 404 and code == "id_err":
        return NoMatch("Simkl does not know this title or episode", status=status, code=code)
    return Rejected(f"Simkl refused it ({said})", status=status, code=code)


def _too_many(reply: Reply, waits: Waits) -> RetryLater:
    status, code = reply.status, reply.error
    after = reply.retry_after_s(waits.utc_ms)
    if code in {"user_limit_exceeded", "app_limit_exceeded"}:
        whose = "this account's" if code.startswith("user") else "this app's"
        reason = f"{whose} allowance of calls to Simkl is used up for today"
        wait = (waits.midnight_s if after is None else max(after, 1.0)) + waits.spread_s
        return RetryLater(reason, after_s=wait, cause="quota", status=status, code=code)
    # `Retry-After` beside `rate_limit` is to be ignored (simkl-api.md 8.1); beside anything unknown it is all we have.
    wait = RATE_PAUSE_S if code == "rate_limit" or after is None else max(after, RATE_PAUSE_S)
    return RetryLater("too many calls to Simkl in one second", after_s=wait, cause="rate", status=status, code=code)
