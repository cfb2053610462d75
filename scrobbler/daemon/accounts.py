"""All configured accounts: their sign-in, their sender, and how they stand."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from shlex import quote as shell_quote

import structlog

from scrobbler.clock import Clock
from scrobbler.daemon import account_binding
from scrobbler.daemon.privacy import Privacy
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.plays.state import State
from scrobbler.sender.backoff import Backoff
from scrobbler.sender.sender import Sender
from scrobbler.simkl.client import Simkl
from scrobbler.simkl.signin import OtherAccount, Prompt, SignIn
from scrobbler.status.ports import AccountState, SignInOffer
from scrobbler.store.database import Database, StorageError

log = structlog.get_logger("accounts")


class Accounts:
    """The accounts of the house, by name."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        client_id: str,
        simkl: Simkl,
        signin: SignIn,
        state: Callable[[], State],
        database: Database,
        clock: Clock,
        random: Random,
        privacy: Privacy,
    ) -> None:
        self._client_id = client_id
        self._simkl = simkl
        self._database = database
        self._signin = signin
        self._privacy = privacy
        self._offers: dict[str, Prompt] = {}
        self._signing_in: set[str] = set()
        self._refused: dict[str, str] = {}
        self._clock = clock
        self.line = Backoff()
        self.senders = {
            name: Sender(name, state=state, database=database, simkl=simkl, clock=clock, random=random, line=self.line)
            for name in names
        }

    def serve(self, supervisor: Supervisor) -> None:
        """Start the senders, and the sign-in of who is not linked."""
        for name, sender in self.senders.items():
            supervisor.serve(f"sender {name}", sender.run)
        self.check_links(supervisor)

    async def settle_owners(self) -> None:
        """Find out for whom the plays of each account are; to be called before anything is delivered, and after links change."""
        grants = self._simkl.grants
        grants.reload_if_changed()
        with suppress(StorageError):
            known, now = await self._database.read(
                lambda connection: (
                    account_binding.read(connection),
                    account_binding.settled(connection, list(self.senders), grants.get),
                )
            )
            grants.belongs(known)
            if now != known:
                await self._database.write(lambda connection: account_binding.write(connection, now))
                grants.belongs(now)

    def check_links(self, supervisor: Supervisor) -> None:
        """Begin to sign in who is not linked, and wake the sender of who is again."""
        self._simkl.grants.reload_if_changed()
        for name, sender in self.senders.items():
            linked = self._simkl.grants.linked(name, self._client_id)
            if not linked and name not in self._signing_in:
                self._signing_in.add(name)
                supervisor.serve(f"sign-in {name}", lambda name=name: self._sign_in(name))  # type: ignore[misc]
            elif linked:
                self._refused.pop(name, None)
                if not sender.status.linked:
                    sender.hurry()

    async def _sign_in(self, name: str) -> None:
        why = self._simkl.grants.why_not(name, self._client_id)
        log.warning("account is not linked", account=name, reason=why)
        await self.settle_owners()
        try:
            result = await self._signin.until_linked(name, self._offer, lambda trouble: self._trouble(name, trouble))
        finally:
            self._offers.pop(name, None)
        # Only now: after a failure the supervisor begins this very sign-in again, and two would give two codes.
        self._signing_in.discard(name)
        if isinstance(result, OtherAccount):
            log.warning(
                "linked with another account, refused", account=name, before=result.old_name, now=result.new_name
            )
            self._refused[name] = (
                f"somebody signed in as {result.new_name}, but its plays were watched as {result.old_name}: sign in as "
                f"{result.old_name}, or let {result.new_name} have them with `scrobbler auth {shell_quote(name)} --replace`"
            )
            return
        self._refused.pop(name, None)
        await self.settle_owners()
        log.info("linked", account=name, linked_as=result.name)
        self.senders[name].hurry()

    def _offer(self, prompt: Prompt) -> None:
        self._offers[prompt.account] = prompt
        log.info("link this account", account=prompt.account, open=prompt.link_complete, code=prompt.code)
        if sys.stdout.isatty():
            from scrobbler.simkl.qr import qr_text  # a QR code is needed once in years

            print(qr_text(prompt.link_complete), flush=True)  # noqa: T201

    def _trouble(self, name: str, trouble: str) -> None:
        log.warning("sign-in waits", account=name, reason=trouble)

    def wake(self, names: Sequence[str]) -> None:
        """Tell senders that something changed for their account."""
        for name in names:
            sender = self.senders.get(name)
            if sender is not None:
                sender.wake()

    def states(self) -> Sequence[AccountState]:
        """Say how every account stands."""
        return [self._state(name) for name in self.senders]

    def _state(self, name: str) -> AccountState:
        grants = self._simkl.grants
        token = grants.get(name)
        linked = grants.linked(name, self._client_id)
        standing = self.senders[name].status
        allowance = self._simkl.allowance(name)
        offer = self._offers.get(name)
        if offer is not None and offer.expires_utc_ms <= self._clock.now().utc_ms:
            offer = None  # The next code comes after a pause.
        halted = self.line.halt_reason if self.line.halt_mono_ms > self._clock.now().mono_ms else ""
        return AccountState(
            name=name,
            linked=linked,
            linked_as="" if token is None else token.name,
            sign_in=None
            if offer is None
            else SignInOffer(link=offer.link_complete, code=offer.code, until_utc_ms=offer.expires_utc_ms),
            parked="" if linked else self._refused.get(name) or grants.why_not(name, self._client_id),
            waits_for=halted or (standing.waits_for if linked else ""),
            waits_until_utc_ms=standing.until_utc_ms,
            paused_until_utc_ms=self._privacy.until(name),
            allowance_left=allowance.remaining,
            allowance_limit=allowance.limit,
        )
