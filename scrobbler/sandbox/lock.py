"""The write lock per user, in both readings of the documents (simkl-api.md 4.4, 12.14)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

from scrobbler.sandbox.clock import SandboxClock
from scrobbler.sandbox.reply import RefusedError, Reply, refuse
from scrobbler.sandbox.switches import Switches

LockKind: TypeAlias = Literal["scrobble", "sync"]
LIMIT_S = 20.0


class WriteLock:
    """One write at a time per user; a second one waits 20 s at most."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._landed_ms: dict[str, int] = {}

    @asynccontextmanager
    async def held(self, user: str, kind: LockKind, switches: Switches) -> AsyncIterator[None]:
        """Hold the user's lock. Raises RefusedError (400) when the wait, or the spacing, does not allow the write."""
        if switches.lock == "spacing" and kind == "scrobble":
            passed = self._clock.now_ms() - self._landed_ms.get(user, -1_000_000)
            if 0 <= passed < LIMIT_S * 1000:
                raise _too_soon(kind)
        lock = self._locks.setdefault(user, asyncio.Lock())
        if not await self._acquire(lock):
            raise _too_soon(kind)
        try:
            yield
            if kind == "scrobble":
                self._landed_ms[user] = self._clock.now_ms()
        finally:
            lock.release()

    async def _acquire(self, lock: asyncio.Lock) -> bool:
        mine = asyncio.ensure_future(lock.acquire())
        limit = asyncio.ensure_future(self._clock.sleep(LIMIT_S))
        try:
            await asyncio.wait((mine, limit), return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        if mine.done():
            return True
        mine.cancel()
        return False


def _too_soon(kind: LockKind) -> RefusedError:
    if kind == "scrobble":
        return refuse(400, "RATE_LIMIT", "Another write of this user is in progress.")
    body = {"error": "rate_limit", "error_description": "Another write of this user is in progress."}
    return RefusedError(Reply(status=400, body=body))
