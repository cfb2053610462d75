"""One sender per account: settles the outbox, and makes Simkl show what plays now."""

import asyncio
from collections.abc import Callable
from random import Random

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.clock import Clock, Now, wait_for_either
from scrobbler.plays.model import NowPlaying
from scrobbler.plays.queries import where
from scrobbler.plays.state import State
from scrobbler.sender.backoff import Backoff, retry_after_s
from scrobbler.sender.delivery import Delivery, SimklPort
from scrobbler.sender.plan import Close, Snapshot, Wait, plan
from scrobbler.simkl.errors import HaltAll, NotLinked, RetryLater
from scrobbler.store import outbox
from scrobbler.store.database import Connection, Database, StorageError

log = structlog.get_logger("sender")

RESERVE_SHARE = 0.1
"""This share of the day's allowance is kept for completions (rule 16)."""

STORAGE_RETRY_S = 5.0


class DeliveryStatus(Struct, frozen=True, kw_only=True):
    """How an account's deliveries stand. `waits_for` is empty while nothing holds them up."""

    waits_for: str = ""
    until_utc_ms: int | None = None
    linked: bool = True
    delivered_utc_ms: int | None = None
    failures: int = 0


class Sender:
    """Delivers for one account, one request at a time."""

    def __init__(
        self,
        account: str,
        *,
        state: Callable[[], State],
        database: Database,
        simkl: SimklPort,
        clock: Clock,
        random: Random,
        line: Backoff,
    ) -> None:
        self.account = account
        self.status = DeliveryStatus()
        self._state = state
        self._database = database
        self._simkl = simkl
        self._clock = clock
        self._random = random
        self._line = line
        self._stir = asyncio.Event()
        self._hold_mono_ms = 0
        self._hold_firm = False
        self._leaving = False
        self._delivery = Delivery(account, database=database, simkl=simkl, clock=clock)
        line.join(self._try_again)

    def wake(self) -> None:
        """Something changed for this account."""
        self._stir.set()

    def hurry(self) -> None:
        """Tell that the account was linked, or that somebody asks for a delivery now."""
        if not self.status.linked:
            self.status = replace(self.status, waits_for="", linked=True)
        self._try_again()

    def _try_again(self) -> None:
        """Simkl answers again: no need to wait any longer, unless Simkl itself said how long."""
        if not self._hold_firm:
            self._hold_mono_ms = 0
        self._stir.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._stir.clear()
            until = await self.deliver_once()
            if until is None:
                await self._stir.wait()
                continue
            rest_s = (until - self._clock.now().mono_ms) / 1000
            if rest_s > 0:
                await wait_for_either(self._clock, self._stir, rest_s)

    async def flush(self) -> int | None:
        """Deliver what can be delivered now. Returns when there is more to do, as `deliver_once` does."""
        while True:
            until = await self.deliver_once()
            if until is None or until > self._clock.now().mono_ms:
                return until

    async def leave(self) -> None:
        """The daemon ends: deliver what can be delivered now, and wait for no flap to be over (rule 9)."""
        self._leaving = True
        await self.flush()

    async def deliver_once(self) -> int | None:
        """Take the next step. Returns when to come back, on the monotonic clock in ms; None: when something changes."""
        if not self.status.linked:
            return None
        now = self._clock.now()
        held = self._held_until()
        if held > now.mono_ms:
            return held
        try:
            return await self._next_step(now)
        except StorageError as error:
            log.warning("storage", account=self.account, error=str(error))
            return now.mono_ms + int(STORAGE_RETRY_S * 1000)

    def _held_until(self) -> int:
        return max(self._line.halt_mono_ms, self._hold_mono_ms)

    async def _next_step(self, now: Now) -> int | None:
        match plan(await self._snapshot(), now):
            case Wait(until_mono_ms=until):
                self._free()
                return until
            case Close() as step:
                await self._delivery.close(step)
                return now.mono_ms
        try:
            async with self._simkl.turn(self.account):
                # The turn may have been a wait: decide by what is true now.
                return await self._use_turn()
        except NotLinked as error:
            self._not_linked(error)
            return None
        except (RetryLater, HaltAll) as error:
            return self._hold(error)

    async def _use_turn(self) -> int | None:
        now = self._clock.now()
        if self._held_until() > now.mono_ms:
            return self._held_until()
        snapshot = await self._snapshot()
        step = plan(snapshot, now)
        if isinstance(step, Wait):
            return step.until_mono_ms
        if isinstance(step, Close):
            await self._delivery.close(step)
        elif await self._delivery.carry_out(step, snapshot.remote):
            self._success()
        return now.mono_ms

    async def _snapshot(self) -> Snapshot:
        state = self._state()
        now_playing = state.now_playing.get(self.account, NowPlaying(account=self.account))

        def read(connection: Connection) -> tuple[list[outbox.Entry], outbox.RemoteState]:
            return outbox.due(connection, self.account), outbox.get_remote_state(connection, self.account)

        entries, remote = await self._database.read(read)
        allowance = self._simkl.allowance(self.account)
        thrifty = (
            allowance.remaining is not None
            and allowance.limit is not None
            and allowance.remaining <= allowance.limit * RESERVE_SHARE
        )
        return Snapshot(
            entries=tuple(entries),
            now_playing=now_playing,
            remote=remote,
            latest=_latest(state, remote),
            latest_previous=None if remote.previous is None else _latest(state, remote.previous),
            thrifty=thrifty,
            leaving=self._leaving,
            batch=self._delivery.batch,
        )

    def _free(self) -> None:
        if self.status.waits_for:
            self.status = replace(self.status, waits_for="", until_utc_ms=None)

    def _success(self) -> None:
        was_down = self.status.failures > 0
        self._hold_mono_ms, self._hold_firm = 0, False
        self.status = DeliveryStatus(delivered_utc_ms=self._clock.now().utc_ms)
        if was_down:
            log.info("delivering again", account=self.account)
            self._line.works()

    def _not_linked(self, error: NotLinked) -> None:
        if self.status.linked:
            log.info("not linked", account=self.account, reason=error.reason)
        self.status = replace(self.status, waits_for=f"not linked: {error.reason}", until_utc_ms=None, linked=False)

    def _hold(self, error: RetryLater | HaltAll) -> int:
        now = self._clock.now()
        failures = self.status.failures + 1
        after_s = error.after_s
        firm = after_s is not None
        if after_s is None:
            after_s = retry_after_s(failures, self._random)
        until = now.mono_ms + int(after_s * 1000)
        if isinstance(error, HaltAll):
            self._line.halt(until, error.reason)
        else:
            self._hold_mono_ms, self._hold_firm = until, firm
        if failures == 1:
            log.warning("delivery waits", account=self.account, reason=error.reason, seconds=round(after_s))
        self.status = replace(
            self.status, waits_for=error.reason, until_utc_ms=now.utc_ms + int(after_s * 1000), failures=failures
        )
        return until


def _latest(state: State, remote: outbox.RemoteState) -> float | None:
    """Find the last observed progress of what Simkl shows: in the play that was told, or in one that went on with it."""
    same = state.plays_of_work(remote.account, remote.work_id)
    primaries = [(state.sessions[one.primary], one) for one in same if one.primary in state.sessions]
    if remote.work_id is None or not primaries:
        return None
    session, play = max(primaries, key=lambda pair: pair[0].contact.heard_mono_ms)
    part, progress = where(play, session)
    return progress if part == remote.part else None
