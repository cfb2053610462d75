"""Signing in: a code for the user, patient asking, and a token that is checked before it is kept (simkl-api.md 2)."""

import asyncio
import random as random_module
from collections.abc import Callable
from typing import Literal, TypeAlias

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.clock import Clock
from scrobbler.http import HttpClient
from scrobbler.simkl import oauth, replies
from scrobbler.simkl.calls import lifetime
from scrobbler.simkl.errors import HaltAll, RetryLater
from scrobbler.simkl.refusals import HALT_TEXT
from scrobbler.simkl.replies import AccountInfo
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Generation, Token
from scrobbler.simkl.wire import Reply, Wire

SETTINGS_PAGE = "simkl.com/settings/developer"
APPS_PAGE = "https://simkl.com/settings/connected-apps/"
SLOWER_S = 5.0
BLOCKED_S = 60.0
# After a code that nobody used, an unattended daemon waits longer and longer before it shows the next.
CODE_PAUSES_S = (60.0, 300.0, 900.0, 1800.0, 3600.0)
TROUBLE_PAUSES_S = (10.0, 30.0, 60.0, 300.0)
REFUSED_PAUSES_S = (300.0, 1800.0, 3600.0)
SETTINGS_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)

log = structlog.get_logger()


class SimklApp(Struct, frozen=True, kw_only=True):
    """The app at Simkl, as configured under `simkl:`."""

    client_id: str
    api_url: str = "https://api.simkl.com"
    auth: Literal["auto", "device", "pin"] = "auto"


class Prompt(Struct, frozen=True, kw_only=True):
    """What the user must see: type `code` at `link`, or open `link_complete`, before it expires. Nothing in it is secret."""

    account: str
    code: str
    link: str
    link_complete: str
    expires_utc_ms: int


class Linked(Struct, frozen=True, kw_only=True):
    """The account is linked, and the token is kept."""

    account: str
    name: str
    account_id: int
    generation: Generation


class OtherAccount(Struct, frozen=True, kw_only=True):
    """The user allowed it with another account at Simkl than before. Nothing is kept until somebody confirms it.

    Give it to `SignIn.accept` or to `SignIn.refuse`.
    """

    account: str
    old_name: str
    new_name: str
    token: Token


class Expired(Struct, frozen=True, kw_only=True):
    """Nobody used the code in time (Simkl does not tell a No from no answer)."""

    account: str


LinkResult: TypeAlias = Linked | OtherAccount | Expired
Say: TypeAlias = Callable[[Prompt], None]


class SignInError(Exception):
    """The sign-in cannot succeed as things are. The text is one sentence that says what to change."""


class SignIn:
    """Links accounts. One instance spaces the sign-ins of all accounts, so that they never call in the same second."""

    def __init__(
        self,
        app: SimklApp,
        *,
        http: Callable[[], HttpClient],
        clock: Clock,
        grants: Grants,
        random: random_module.Random | None = None,
    ) -> None:
        self.app = app
        self._wire = Wire(client_id=app.client_id, api_url=app.api_url, http=http, clock=clock)
        self._clock = clock
        self._grants = grants
        self._random = random or random_module.Random()  # noqa: S311  # jitter, no secret
        self._one_at_a_time = asyncio.Lock()

    async def link(self, account: str, say: Say) -> LinkResult:
        """Show one code through `say` and wait until it is used, or expires.

        Raises SignInError where something must be changed first, RetryLater or HaltAll if Simkl gives no code now,
        TokenFileError if the token cannot be kept.
        """
        return await self._link(account, say, lambda: False)

    async def _link(self, account: str, say: Say, given_up: Callable[[], bool]) -> LinkResult:
        code = await self._code()
        now = self._clock.now()
        deadline_mono_ms = now.mono_ms + int(code.expires_s * 1000)
        say(
            Prompt(
                account=account,
                code=code.user_code,
                link=code.link,
                link_complete=code.link_complete,
                expires_utc_ms=now.utc_ms + int(code.expires_s * 1000),
            )
        )
        minted = await self._wait_for(code, deadline_mono_ms, given_up)
        if minted is None:
            return Expired(account=account)
        return await self._keep(account, code.generation, minted)

    async def until_linked(self, account: str, say: Say, trouble: Callable[[str], None]) -> Linked | OtherAccount:
        """Go on showing codes until the account is linked, here or by `scrobbler auth` in another process.

        `trouble` hears each new reason why it does not go on. Pauses between codes grow to an hour. A link with another
        account at Simkl than before is refused and returned: nobody is here to confirm it.
        """
        expired = troubled = refused = 0
        told = ""
        while True:
            if (linked := self._linked_meanwhile(account)) is not None:
                return linked
            try:
                result = await self._link(account, say, lambda: self._linked_meanwhile(account) is not None)
            except (RetryLater, HaltAll) as error:
                reason = error.reason
                pause_s = error.after_s or _step(TROUBLE_PAUSES_S, troubled)
                troubled += 1
            except SignInError as error:
                reason = str(error)
                pause_s = _step(REFUSED_PAUSES_S, refused)
                refused += 1
            else:
                if isinstance(result, OtherAccount):
                    await self.refuse(result)
                if not isinstance(result, Expired):
                    return result
                reason, troubled = "", 0
                pause_s = _step(CODE_PAUSES_S, expired)
                expired += 1
            if reason and reason != told:
                trouble(reason)
            told = reason
            if (linked := await self._watch_file(account, pause_s)) is not None:
                return linked

    async def accept(self, other: OtherAccount) -> Linked:
        """Keep the link with another account at Simkl. Raises TokenFileError."""
        return await self._store(other.account, other.token)

    async def refuse(self, other: OtherAccount) -> None:
        """Withdraw the link that was not wanted."""
        await self._withdraw(other.token)

    async def unlink(self, account: str) -> bool:
        """Forget the account's token. True if Simkl was told too; else the user must remove the app at `APPS_PAGE`.

        Raises SignInError if it is not linked, TokenFileError if the file cannot be written.
        """
        token = self._grants.get(account)
        if token is None:
            raise SignInError(f"Account {account!r} is not linked.")
        told = await self._withdraw(token)
        await self._grants.forget(account)
        return told

    async def _code(self) -> oauth.Code:
        async with self._one_at_a_time:
            first, second = self._order()
            answer = await _request(self._wire, first)
            if isinstance(answer, oauth.Refused) and second is not None and _wrong_generation(answer.reply):
                await self._clock.sleep(1.1)
                answer = await _request(self._wire, second)
            # The next account's request must not fall into the same second.
            await self._clock.sleep(1.1)
        if isinstance(answer, oauth.Refused):
            raise self._refusal(answer.reply)
        return answer

    def _order(self) -> tuple[Generation, Generation | None]:
        """Which generation to try first, and which then: a client_id belongs to one for life (simkl-api.md 2.1)."""
        if self.app.auth == "device":
            return "V2", None
        if self.app.auth == "pin":
            return "V1", None
        known = [token for token in self._grants.accounts().values() if token.client_id == self.app.client_id]
        return ("V1", "V2") if known and known[0].generation == "V1" else ("V2", "V1")

    async def _wait_for(
        self, code: oauth.Code, deadline_mono_ms: int, given_up: Callable[[], bool]
    ) -> oauth.Minted | None:
        interval_s = code.interval_s
        while True:
            rest_s = (deadline_mono_ms - self._clock.now().mono_ms) / 1000
            if rest_s <= 0:
                return None
            await self._clock.sleep(min(interval_s, rest_s))
            if self._clock.now().mono_ms >= deadline_mono_ms or given_up():
                return None
            try:
                answer = await oauth.ask(self._wire, code)
            except RetryLater as error:
                log.debug("sign-in goes on", why=error.reason)
                continue
            match answer:
                case oauth.Minted():
                    return answer
                case "gone":
                    return None
                case "slow_down":
                    interval_s += SLOWER_S
                case oauth.Refused(reply=reply):
                    interval_s = self._after_refusal(reply, interval_s)
                case "pending":
                    pass

    def _after_refusal(self, reply: Reply, interval_s: float) -> float:
        """Return the interval to go on with. Raises SignInError where asking on is of no use."""
        if reply.error == "invalid_client":
            raise SignInError(
                "Simkl gave a code but refuses the token to this client_id: it is registered as a server app with a secret; "
                f"register one of the type 'TV, devices & command line' at {SETTINGS_PAGE}."
            )
        if reply.status == 412:
            return max(interval_s, BLOCKED_S)
        return interval_s + SLOWER_S if reply.status == 429 else interval_s

    async def _keep(self, account: str, generation: Generation, minted: oauth.Minted) -> LinkResult:
        now = self._clock.now()
        expires, renew_at = lifetime(minted, now.utc_ms)
        token = Token(
            generation=generation,
            client_id=self.app.client_id,
            access=minted.access,
            refresh=minted.refresh,
            expires_utc_ms=expires,
            refresh_utc_ms=renew_at if minted.refresh else 0,
            scope=minted.scope,
            linked_utc_ms=now.utc_ms,
        )
        if generation == "V2" and "media:write" not in minted.scope.split():
            await self._withdraw(token)
            raise SignInError("Simkl gave a link that may only read, and scrobbling must write: sign in once more.")
        info = await self._who(token)
        token = replace(token, account_id=info.account_id, name=info.name, plan=info.plan)
        self._grants.reload_if_changed()
        other = self._grants.same_simkl_account(account, info.account_id)
        if other is not None:
            await self._withdraw(token)
            raise SignInError(
                f"The Simkl account {info.name!r} is already linked as {other!r}, so it cannot be linked as {account!r} too: "
                f"sign in with another Simkl account, or give both users to {other!r} in the configuration."
            )
        former = self._grants.former(account)
        if former is not None and former.account_id != info.account_id:
            token = replace(token, replaces=former.account_id)
            return OtherAccount(account=account, old_name=former.name, new_name=info.name, token=token)
        return await self._store(account, token)

    async def _who(self, token: Token) -> AccountInfo:
        """Ask which account it is, patiently: the user has done their part."""
        why = ""
        for pause_s in (*SETTINGS_PAUSES_S, 0.0):
            try:
                reply = await self._wire.send("GET", "/users/settings", token=token.access)
            except RetryLater as error:
                why = error.reason
            else:
                info = replies.account(reply) if reply.ok else None
                if info is not None:
                    return info
                why = f"HTTP {reply.status} {reply.error}".strip()
                if 400 <= reply.status < 500 and reply.status not in {408, 412, 429}:
                    break
            await self._clock.sleep(pause_s)
        await self._withdraw(token)
        raise SignInError(f"Simkl gave a link but does not tell whose account it is ({why}): try again later.")

    async def _store(self, account: str, token: Token) -> Linked:
        old = self._grants.get(account)
        await self._grants.store(account, token)
        if old is not None and old.refresh != token.refresh:
            await self._withdraw(old)
        log.info("linked", account=account, name=token.name)
        return Linked(account=account, name=token.name, account_id=token.account_id, generation=token.generation)

    async def _withdraw(self, token: Token) -> bool:
        """Tell Simkl that a grant is not used any more; AUTH V1 has no such call, and its token is shared (2.1)."""
        if token.generation == "V1" or token.client_id != self.app.client_id:
            return False
        return await oauth.revoke(self._wire, token.refresh or token.access)

    def _linked_meanwhile(self, account: str) -> Linked | None:
        self._grants.reload_if_changed()
        token = self._grants.get(account)
        if token is None or not self._grants.linked(account, self.app.client_id):
            return None
        return Linked(account=account, name=token.name, account_id=token.account_id, generation=token.generation)

    async def _watch_file(self, account: str, seconds: float) -> Linked | None:
        """Wait, and notice when another process links the account."""
        until_mono_ms = self._clock.now().mono_ms + int(seconds * self._random.uniform(0.9, 1.1) * 1000)
        while (rest_ms := until_mono_ms - self._clock.now().mono_ms) > 0:
            await self._clock.sleep(min(rest_ms / 1000, 5.0))
            if (linked := self._linked_meanwhile(account)) is not None:
                return linked
        return None

    def _refusal(self, reply: Reply) -> Exception:
        if reply.status == 412:
            return SignInError(HALT_TEXT["client_id"] + ".")
        if reply.error == "invalid_client":
            return SignInError(
                f"This client_id belongs to Simkl's older sign-in (AUTH V1), or to none: set `simkl.auth: pin` or `auto`, and "
                f"compare the client_id with {SETTINGS_PAGE}."
            )
        if reply.error == "unauthorized_client":
            return SignInError(
                "This client_id belongs to Simkl's newer sign-in (AUTH V2): set `simkl.auth: device` or `auto`."
            )
        said = f"HTTP {reply.status} {reply.error}".strip()
        if reply.status == 429 or reply.status >= 500 or not isinstance(reply.data, dict):
            after = reply.retry_after_s(self._clock.now().utc_ms)
            return RetryLater(f"Simkl gives no code now ({said})", after_s=after, cause="server", status=reply.status)
        return SignInError(f"Simkl refuses the sign-in ({said}): compare the client_id with {SETTINGS_PAGE}.")


async def _request(wire: Wire, generation: Generation) -> oauth.Code | oauth.Refused:
    return await (oauth.device_code(wire) if generation == "V2" else oauth.pin_code(wire))


def _wrong_generation(reply: Reply) -> bool:
    return reply.error in {"invalid_client", "unauthorized_client"}


def _step(pauses: tuple[float, ...], count: int) -> float:
    return pauses[min(count, len(pauses) - 1)]
