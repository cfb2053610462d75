"""The tokens of all accounts: who is linked, and who may renew (simkl-api.md 2.3)."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from shlex import quote as shell_quote
from typing import NamedTuple

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.clock import Clock
from scrobbler.simkl import tokens
from scrobbler.simkl.errors import NotLinked
from scrobbler.simkl.tokens import Token, TokenFileError

# Another process holds the lock for one small write, or for one renewal at Simkl.
LOCK_POLL_S = 0.05

log = structlog.get_logger()


class _Stamp(NamedTuple):
    inode: int
    mtime_ns: int
    size: int


class Owner(Struct, frozen=True):
    """The account at Simkl that plays were watched for, and its name there."""

    account_id: int
    name: str


class Grants:
    """What is in the token file, kept in memory, and written by one writer at a time, also across processes.

    Raises TokenFileError when it is made from a file that is damaged or newer.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = asyncio.Lock()
        self._complained: _Stamp | None = None
        self._stamp = _stamp(path)
        self._tokens = tokens.load(path)
        self._owners: dict[str, Owner] = {}

    def belongs(self, owners: Mapping[str, Owner]) -> None:
        """Take in for whom the plays of each account were watched: nobody else's link gets what waits of them."""
        self._owners = dict(owners)

    def former(self, account: str) -> Owner | None:
        """Say for whom the account's plays were watched until now; None if nobody knows."""
        owner, token = self._owners.get(account), self._tokens.get(account)
        if owner is None and token is not None and token.account_id:
            owner = Owner(account_id=token.account_id, name=token.name)
        return owner

    def reload_if_changed(self) -> bool:
        """Read the file again if another process has changed it; True if so.

        A file that cannot be read changes nothing: what is known stays, and it is said once.
        """
        stamp = _stamp(self.path)
        if stamp in (self._stamp, self._complained):
            return False
        try:
            self._tokens = tokens.load(self.path)
        except TokenFileError as error:
            self._complained = stamp
            log.warning("token file not read", why=str(error))
            return False
        self._stamp = stamp
        return True

    def get(self, account: str) -> Token | None:
        """Return the token of this account, usable or not."""
        return self._tokens.get(account)

    def accounts(self) -> dict[str, Token]:
        """Return all tokens, by account."""
        return dict(self._tokens)

    def linked(self, account: str, client_id: str) -> bool:
        """Say whether calls for this account can be made."""
        return not self.why_not(account, client_id)

    def why_not(self, account: str, client_id: str) -> str:
        """Say why no call can be made for this account; empty if it can."""
        token = self._tokens.get(account)
        if token is None:
            return f"account {account!r} is not linked to Simkl"
        if token.client_id != client_id:
            return f"account {account!r} was linked with another client_id than the configured one: link it again"
        if token.parked:
            return f"account {account!r} must be linked again: {token.parked}"
        owner = self._owners.get(account)
        if owner is not None and token.account_id and not token.may_have(owner.account_id):
            return (
                f"account {account!r} is linked as {token.name}, but what waits was watched as {owner.name}: sign in as "
                f"{owner.name} again, or let {token.name} have it with `scrobbler auth {shell_quote(account)} --replace`"
            )
        return ""

    def usable(self, account: str, client_id: str) -> Token:
        """Return a token that calls can be made with. Raises NotLinked, with the reason."""
        reason = self.why_not(account, client_id)
        if reason:
            raise NotLinked(reason)
        return self._tokens[account]

    def same_simkl_account(self, account: str, account_id: int) -> str | None:
        """Name the other account of ours that is linked to this account at Simkl."""
        for name, token in self._tokens.items():
            if name != account and token.account_id == account_id:
                return name
        return None

    async def store(self, account: str, token: Token) -> None:
        """Link the account. Raises TokenFileError."""
        async with self._exclusive():
            self._write({**self._tokens, account: token})

    async def forget(self, account: str) -> None:
        """Take the account's token out of the file. Raises TokenFileError."""
        async with self._exclusive():
            self._write({name: token for name, token in self._tokens.items() if name != account})

    async def park(self, account: str, access: str, reason: str) -> None:
        """Stop using the token that Simkl refused for good; nothing is deleted. A token newer than that one is left alone."""
        async with self._exclusive():
            token = self._tokens.get(account)
            if token is not None and token.access == access:
                self._keep(account, replace(token, parked=reason))

    async def describe(self, account: str, *, account_id: int, name: str, plan: tokens.Plan) -> None:
        """Keep what Simkl says about the account behind the token."""
        async with self._exclusive():
            token = self._tokens.get(account)
            if token is not None and (token.account_id, token.name, token.plan) != (account_id, name, plan):
                self._keep(account, replace(token, account_id=account_id, name=name, plan=plan))

    async def renew(self, account: str, old: Token, trade: Callable[[Token], Awaitable[Token]]) -> Token:
        """Return a token newer than `old`, by `trade` unless somebody else has renewed it meanwhile.

        The old access token dies in the trade, so one process does it at a time, and the result is on the disk before
        it is used. Raises whatever `trade` raises, and NotLinked, and TokenFileError for a file that is damaged.
        """
        async with self._exclusive():
            current = self._tokens.get(account)
            if current is None:
                raise NotLinked(f"account {account!r} is not linked to Simkl")
            if current.access != old.access:
                return current
            fresh = await trade(current)
            self._keep(account, fresh)
            return fresh

    def _keep(self, account: str, token: Token) -> None:
        """Write a change that must not be lost in memory when the disk is full: what was traded away cannot be had back."""
        changed = {**self._tokens, account: token}
        try:
            self._write(changed)
        except TokenFileError as error:
            self._tokens = changed
            log.warning("token file not written", why=str(error))

    def _write(self, changed: dict[str, Token]) -> None:
        tokens.save(self.path, changed)
        self._tokens = changed
        self._stamp = _stamp(self.path)

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """Keep every other writer out, and see what they wrote before."""
        async with self._lock:
            handle = self._open_lock()
            try:
                while not _locked(handle):
                    await self._clock.sleep(LOCK_POLL_S)
                if _stamp(self.path) != self._stamp:
                    # Raises on a damaged file: it is never written over.
                    self._tokens = tokens.load(self.path)
                    self._stamp = _stamp(self.path)
                yield
            finally:
                os.close(handle)

    def _open_lock(self) -> int:
        try:
            tokens.make_folder(self.path.parent)
            path = self.path.with_name(f".{self.path.name}.lock")
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            tokens.keep_owner(handle, self.path.parent)
        except OSError as error:
            raise TokenFileError(f"The folder {self.path.parent} cannot be written: {error.strerror}.") from error
        return handle


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_mtime_ns, found.st_size)
