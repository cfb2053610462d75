"""One call to Simkl with a living token: paced, renewed on the way, and remembered for what it says about the next."""

import math
import random as random_module
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import structlog
from msgspec.structs import replace

from scrobbler.clock import Clock
from scrobbler.http import HttpClient
from scrobbler.simkl import oauth
from scrobbler.simkl.allowance import Allowance, Allowances, next_midnight_ms
from scrobbler.simkl.errors import HaltAll, NotLinked, RetryLater, SimklError
from scrobbler.simkl.rate_limit import Lane, Pace
from scrobbler.simkl.refusals import Waits, verdict
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Token, TokenFileError
from scrobbler.simkl.wire import Method, Reply, Wire

# Passes whether the lock lasts as long as a write or 20 s after it (rules.md rule 16, simkl-api.md 4.4).
LOCK_MS = 20_500
# The lock is held by somebody else's write, of which we do not know when it was.
FOREIGN_LOCK_S = 5.0
SPREAD_S = 300.0
# The length of Simkl's block is unknown, and calling meanwhile extends it (simkl-api.md 8.1).
HALT_FIRST_S = 60.0
HALT_LONGEST_S = 1800.0
RENEW_AGAIN_MS = 600_000
# A link that could be renewed and is refused all the same, so often in a row, is of no use.
REFUSED_TIMES = 3

log = structlog.get_logger()


class Calls:
    """Makes calls for the accounts of one client_id, and turns refusals into errors."""

    def __init__(
        self,
        *,
        client_id: str,
        api_url: str,
        http: Callable[[], HttpClient],
        clock: Clock,
        grants: Grants,
        random: random_module.Random,
    ) -> None:
        self.client_id = client_id
        self.grants = grants
        self._wire = Wire(client_id=client_id, api_url=api_url, http=http, clock=clock)
        self._clock = clock
        self._random = random
        self._pace = Pace(clock)
        self._allowances = Allowances()
        self._accepted_mono_ms: dict[str, int] = {}
        self._renew_after_mono_ms: dict[str, int] = {}
        self._refused_renewed: dict[str, int] = {}
        self._halts = 0
        self._halted_until_mono_ms = 0
        self._halt: HaltAll | None = None
        self._ever_accepted = False

    def allowance(self, account: str) -> Allowance:
        """Tell what Simkl last said about the day's calls of this account."""
        return self._allowances.of(self._pool(account), self._clock.now().utc_ms)

    def lane(self, account: str) -> Lane:
        """Return the lane that the account's calls take."""
        return self._pace.lane(self._pool(account))

    async def call(
        self, account: str, method: Method, path: str, *, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Reply:
        """Make one call with a living token: renewed when due, and once more when Simkl says 401."""
        if self.grants.reload_if_changed():
            log.info("token file changed")
        lane = self.lane(account)
        async with lane.hold():
            token = await self._token(account, lane)
            reply = await self._once(account, lane, token, method, path, json=json, params=params)
            if reply.status != 401:
                return reply
            token = await self._after_401(account, lane, token, reply)
            reply = await self._once(account, lane, token, method, path, json=json, params=params)
            if reply.status == 401:
                await self._refused_again(account, token, reply)
            return reply

    async def _once(
        self,
        account: str,
        lane: Lane,
        token: Token,
        method: Method,
        path: str,
        *,
        json: Any,
        params: Mapping[str, str] | None,
    ) -> Reply:
        self._check_halt()
        try:
            if method == "GET":
                reply = await self._wire.send(method, path, token=token.access, params=params, json=json)
            else:
                async with lane.write():
                    self._check_halt()
                    reply = await self._wire.send(method, path, token=token.access, params=params, json=json)
        except RetryLater as error:
            if error.maybe_done and method != "GET":
                self.note_accepted(account)
            raise
        self._note_reply(account, reply, counts=method != "GET")
        if reply.ok:
            self._refused_renewed.pop(account, None)
        if reply.status == 403 and reply.error == "insufficient_scope":
            await self._park(account, token, "the link may only read")
        if reply.ok and not reply.readable:
            if method != "GET":
                self.note_accepted(account)
            raise unreadable(reply)
        return reply

    async def _token(self, account: str, lane: Lane) -> Token:
        token = self.grants.usable(account, self.client_id)
        now = self._clock.now()
        due = token.refresh_utc_ms and now.utc_ms >= token.refresh_utc_ms
        if not due or now.mono_ms < self._renew_after_mono_ms.get(account, -1):
            return token
        try:
            return await self._renew(account, lane, token)
        except RetryLater as error:
            log.info("link not renewed yet", account=account, why=error.reason)
            self._renew_after_mono_ms[account] = now.mono_ms + RENEW_AGAIN_MS
            # If it was carried out after all, the old token is dead and its 401 renews once more.
            return token

    async def _after_401(self, account: str, lane: Lane, token: Token, reply: Reply) -> Token:
        if reply.error == "user_token_required":
            raise NotLinked(
                "Simkl got no token: something on the way to it removes the Authorization header",
                status=401,
                code=reply.error,
            )
        self.grants.reload_if_changed()
        current = self.grants.usable(account, self.client_id)
        if current.access != token.access:
            return current
        if token.generation == "V2" and token.refresh:
            return await self._renew(account, lane, token)
        await self._park(account, token, "the link was withdrawn at Simkl")
        raise NotLinked(self.grants.why_not(account, self.client_id), status=401, code=reply.error)

    async def _refused_again(self, account: str, token: Token, reply: Reply) -> None:
        """Take it for Simkl's trouble at first: what could be renewed was not withdrawn. Raises RetryLater, until it lasts."""
        times = self._refused_renewed[account] = self._refused_renewed.get(account, 0) + 1
        reason = f"Simkl refused the renewed link too ({reply.error or 401})"
        if times < REFUSED_TIMES:
            raise RetryLater(reason, after_s=None, cause="server", status=401, code=reply.error)
        await self._park(account, token, reason)

    async def _renew(self, account: str, lane: Lane, token: Token) -> Token:
        async def trade(current: Token) -> Token:
            async with lane.write():
                self._check_halt()
                answer = await oauth.refresh(self._wire, current.refresh)
            if isinstance(answer, oauth.Refused):
                raise self._refused_renewal(account, answer.reply)
            return renewed(current, answer, self._clock.now().utc_ms)

        try:
            fresh = await self.grants.renew(account, token, trade)
        except RetryLater as error:
            # Whatever waits behind this was not sent.
            error.maybe_done = False
            raise
        except NotLinked as error:
            await self._park(account, token, error.reason)
            raise
        except TokenFileError as error:
            raise NotLinked(str(error)) from error
        log.info("link renewed", account=account)
        return fresh

    def _refused_renewal(self, account: str, reply: Reply) -> SimklError:
        if reply.error == "invalid_grant":
            reason = "the link was withdrawn at Simkl, or not used for half a year"
            return NotLinked(reason, status=reply.status, code=reply.error)
        if reply.error in {"invalid_client", "unauthorized_client"}:
            return NotLinked("Simkl does not accept this client_id for it", status=reply.status, code=reply.error)
        self._note_reply(account, reply, counts=False)
        refusal = self.refusal(account, reply)
        if isinstance(refusal, HaltAll | RetryLater):
            return refusal
        return RetryLater(refusal.reason, after_s=None, cause="server", status=reply.status, code=reply.error)

    async def _park(self, account: str, token: Token, reason: str) -> None:
        log.info("account must be linked again", account=account, why=reason)
        try:
            await self.grants.park(account, token.access, reason)
        except TokenFileError as error:
            log.warning("token file not written", why=str(error))

    def _note_reply(self, account: str, reply: Reply, *, counts: bool) -> None:
        now = self._clock.now()
        self._allowances.note(self._pool(account), reply, now.utc_ms)
        if reply.status == 412:
            self._halts += 1
            pause_s = min(HALT_FIRST_S * 2 ** (self._halts - 1), HALT_LONGEST_S)
            self._halted_until_mono_ms = now.mono_ms + math.ceil(pause_s * 1000)
            return
        if reply.status < 500 and reply.readable:
            self._halts = 0
            self._halt = None
        if reply.ok and reply.readable:
            self._ever_accepted = True
        if counts and reply.status >= 500:
            self.note_accepted(account)

    def note_accepted(self, account: str) -> None:
        """Remember the end of a write that took the account's lock, or may have."""
        self._accepted_mono_ms[account] = self._clock.now().mono_ms

    def _check_halt(self) -> None:
        """Keep calls back while Simkl blocks us. Raises HaltAll for the rest of the time."""
        rest_ms = self._halted_until_mono_ms - self._clock.now().mono_ms
        if self._halt is not None and rest_ms > 0:
            raise HaltAll(self._halt.reason, after_s=rest_ms / 1000, cause=self._halt.cause, code=self._halt.code)

    def refusal(self, account: str, reply: Reply) -> SimklError:
        now = self._clock.now()
        accepted = self._accepted_mono_ms.get(account)
        busy_ms = 0 if accepted is None else accepted + LOCK_MS - now.mono_ms
        error = verdict(
            reply,
            Waits(
                busy_s=busy_ms / 1000 if busy_ms > 0 else FOREIGN_LOCK_S,
                midnight_s=(next_midnight_ms(now.utc_ms) - now.utc_ms) / 1000,
                spread_s=self._random.uniform(1.0, SPREAD_S),
                halt_s=max(self._halted_until_mono_ms - now.mono_ms, 0) / 1000,
                halt_cause="block" if self._ever_accepted else "client_id",
                utc_ms=now.utc_ms,
            ),
        )
        if isinstance(error, HaltAll):
            self._halt = error
        return error

    def _pool(self, account: str) -> Hashable:
        """Who shares pace and quota: the account in AUTH V2, all accounts of the client_id in AUTH V1."""
        token = self.grants.get(account)
        return ("client", self.client_id) if token is not None and token.generation == "V1" else ("account", account)


def renewed(old: Token, minted: oauth.Minted, utc_ms: int) -> Token:
    """Put new tokens in the place of the old ones. The refresh token usually stays the same (simkl-api.md 2.3)."""
    expires, refresh_at = lifetime(minted, utc_ms)
    return replace(
        old,
        access=minted.access,
        refresh=minted.refresh or old.refresh,
        scope=minted.scope or old.scope,
        expires_utc_ms=expires,
        refresh_utc_ms=refresh_at,
        parked="",
    )


def lifetime(minted: oauth.Minted, utc_ms: int) -> tuple[int, int]:
    """Return when a token expires and when to renew it, in ms UTC: a day before, or at half of a short life."""
    if not minted.expires_s:
        return 0, 0
    renew_after_s = max(minted.expires_s - 86400, minted.expires_s / 2)
    return utc_ms + int(minted.expires_s * 1000), utc_ms + int(renew_after_s * 1000)


def unreadable(reply: Reply) -> RetryLater:
    """Name a success whose answer says nothing: it may have been carried out."""
    reason = f"Simkl's answer could not be read (HTTP {reply.status})"
    return RetryLater(reason, after_s=None, cause="server", maybe_done=True, status=reply.status)
