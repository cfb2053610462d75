"""One courier per account: settles what the ledger owes, and keeps Simkl's banner true (design.md part 2)."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Work, describe
from scrobbler.clock import Clock, Now, iso, wait_for_either
from scrobbler.courier.line import Line, retry_after_s
from scrobbler.courier.plan import Close, DeletePosition, Desk, Step, Tell, Wait, WriteHistory, plan
from scrobbler.identify.aliases import aliases
from scrobbler.plays.model import Banner, Note, State
from scrobbler.plays.viewings import where
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.errors import HaltAll, NoMatch, NotLinked, Rejected, RetryLater, SimklError
from scrobbler.simkl.payloads import Watch
from scrobbler.simkl.replies import HistoryReply, ScrobbleReply
from scrobbler.store import ledger, plays, works
from scrobbler.store.database import Connection, Database, StorageError

log = structlog.get_logger("courier")

RESERVE_SHARE = 0.1
"""This share of the day's allowance is kept for completions (rule 16)."""

STORAGE_RETRY_S = 5.0


class SimklPort(Protocol):
    """The part of the Simkl client that a courier uses."""

    def turn(self, account: str) -> AbstractAsyncContextManager[Any]: ...
    async def scrobble(
        self, account: str, action: Any, work: Work, progress: float, *, rewatch: bool = False
    ) -> ScrobbleReply: ...
    async def history(self, account: str, watches: Sequence[Watch], *, rewatch: bool = False) -> HistoryReply: ...
    async def delete_playback(self, account: str, playback_id: int) -> None: ...
    def allowance(self, account: str) -> Allowance: ...


class Standing(Struct, frozen=True, kw_only=True):
    """How an account's deliveries stand. `waits_for` is empty while nothing holds them up."""

    waits_for: str = ""
    until_utc_ms: int | None = None
    linked: bool = True
    delivered_utc_ms: int | None = None
    failures: int = 0


class Courier:
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
        line: Line,
    ) -> None:
        self.account = account
        self.standing = Standing()
        self._state = state
        self._database = database
        self._simkl = simkl
        self._clock = clock
        self._random = random
        self._line = line
        self._stir = asyncio.Event()
        self._hold_mono_ms = 0
        self._hold_firm = False
        line.join(self.hurry)

    def wake(self) -> None:
        """Something changed for this account."""
        self._stir.set()

    def hurry(self) -> None:
        """Simkl answers again, or the account was linked: no need to wait any longer, unless Simkl itself said how long."""
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

    async def flush(self) -> None:
        """Deliver what can be delivered now; returns when nothing more can."""
        while True:
            until = await self.deliver_once()
            if until is None or until > self._clock.now().mono_ms:
                return

    async def deliver_once(self) -> int | None:
        """Take the next step. Returns when to come back, on the monotonic clock in ms; None: when something changes."""
        now = self._clock.now()
        held = max(self._line.halt_mono_ms, self._hold_mono_ms)
        if held > now.mono_ms:
            return held
        try:
            return await self._next_step(now)
        except StorageError as error:
            log.warning("storage", account=self.account, error=str(error))
            return now.mono_ms + int(STORAGE_RETRY_S * 1000)

    async def _next_step(self, now: Now) -> int | None:
        match plan(await self._desk(), now):
            case Wait(until_mono_ms=until):
                self._free()
                return until
            case Close(row=row, outcome=outcome):
                await self._write(
                    lambda connection: ledger.settle(connection, row.id, "settled", outcome, now.utc_ms),
                    [Note(about=row.fact.viewing, step="settled", text=outcome)],
                )
                return now.mono_ms
        try:
            async with self._simkl.turn(self.account):
                # The turn may have been a wait: decide by what is true now.
                step = plan(await self._desk(), self._clock.now())
                if isinstance(step, Wait | Close):
                    return now.mono_ms if isinstance(step, Close) else step.until_mono_ms
                await self._carry_out(step)
        except NotLinked as error:
            self._not_linked(error)
            return None
        except (RetryLater, HaltAll) as error:
            return self._hold(error)
        return now.mono_ms

    async def _carry_out(self, step: Step) -> None:
        match step:
            case Tell():
                await self._tell(step)
            case WriteHistory():
                await self._write_history(step)
            case DeletePosition():
                await self._delete(step)

    async def _desk(self) -> Desk:
        state = self._state()
        banner = state.banners.get(self.account, Banner(account=self.account))

        def read(connection: Connection) -> tuple[list[ledger.Row], ledger.Shown]:
            return ledger.due(connection, self.account), ledger.get_shown(connection, self.account)

        rows, shown = await self._database.read(read)
        allowance = self._simkl.allowance(self.account)
        thrifty = (
            allowance.remaining is not None
            and allowance.limit is not None
            and allowance.remaining <= allowance.limit * RESERVE_SHARE
        )
        latest = _latest(state, shown)
        return Desk(rows=tuple(rows), banner=banner, shown=shown, latest=latest, thrifty=thrifty)

    async def _tell(self, step: Tell) -> None:
        rows = [] if step.row is None else [step.row.id]
        about = step.shown.viewing if step.row is None else step.row.fact.viewing
        text = f"{step.action} {describe(step.work)} at {step.progress:g} %"
        attempt = await self._begin(step.action, about or "", rows)
        try:
            reply = await self._simkl.scrobble(
                self.account, step.action, step.work, step.progress, rewatch=step.rewatch
            )
        except (NoMatch, Rejected) as error:
            await self._refused(step, attempt, error)
            return
        except SimklError as error:
            await self._failed(attempt, error, step)
            raise
        await self._told(step, attempt, reply, about or "", text)

    async def _told(self, step: Tell, attempt: int, reply: ScrobbleReply, about: str, text: str) -> None:
        now = self._clock.now()
        answer = "already recorded" if reply.already else reply.action
        notes = [Note(about=about, step="sent", text=f"{text} ({step.why}); Simkl answered {answer}")]
        if reply.doubt:
            notes.append(Note(about=about, step="doubt", text=reply.doubt))
        if reply.rewatch_status:
            notes.append(Note(about=about, step="rewatch", text=f"Simkl says {reply.rewatch_status}"))
        row = step.row

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, answer, now.utc_ms)
            ledger.set_shown(connection, step.shown)
            if reply.matched is not None and step.shown.work_id is not None and not reply.doubt:
                strong = [(one.scheme, one.value) for one in aliases(reply.matched) if not one.weak]
                works.learn_aliases(connection, step.shown.work_id, strong)
            if row is None:
                return
            if row.fact.kind == "left":
                ledger.settle(connection, row.id, "settled", f"saved at {row.fact.progress:g} %", now.utc_ms)
            elif reply.already or reply.action == "scrobble":
                outcome = "already watched" if reply.already and row.tries == 0 else "watched"
                ledger.settle(connection, row.id, "settled", outcome, now.utc_ms)
            else:
                ledger.advance(connection, row.id, "history", reply.playback_id or None)

        await self._write(settle, notes)
        self._success(now)

    async def _refused(self, step: Tell, attempt: int, error: SimklError) -> None:
        now = self._clock.now()
        about = step.shown.viewing if step.row is None else step.row.fact.viewing
        row = step.row
        refused = step.work if row is None else row.fact.work

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, f"refused: {error.reason}", now.utc_ms)
            shown = ledger.get_shown(connection, self.account)
            if row is None:
                # A refused pause or stop ends what it was about; a refused start never began.
                shown = shown if step.action == "start" else ledger.Shown(account=self.account)
                ledger.set_shown(connection, replace(shown, refused=step.shown.work_id))
            elif row.fact.kind == "left":
                ledger.settle(connection, row.id, "settled", f"not saved: {error.reason}", now.utc_ms)
            else:
                state: ledger.RowState = "review" if isinstance(error, NoMatch) else "refused"
                ledger.settle(connection, row.id, state, error.reason, now.utc_ms)

        note = Note(about=about or "", step="refused", text=f"{step.action} {describe(refused)}: {error.reason}")
        await self._write(settle, [note])
        log.warning("refused", account=self.account, action=step.action, title=describe(refused), reason=error.reason)

    async def _failed(self, attempt: int, error: SimklError, step: Tell | None = None) -> None:
        now = self._clock.now()
        maybe = isinstance(error, RetryLater) and error.maybe_done

        def settle(connection: Connection) -> None:
            fate = "unknown" if maybe else "failed"
            ledger.end_attempt(connection, attempt, f"{fate}: {error.reason}", now.utc_ms)
            if maybe and step is not None:
                ledger.set_shown(connection, replace(step.shown, sure=False))

        await self._write(settle, [])

    async def _write_history(self, step: WriteHistory) -> None:
        rows = step.rows
        attempt = await self._begin("history", rows[0].fact.viewing, [row.id for row in rows])
        watches = [Watch(work=row.fact.work, at_utc_ms=row.fact.at_utc_ms) for row in rows]
        try:
            reply = await self._simkl.history(self.account, watches, rewatch=step.rewatch)
        except Rejected as error:
            missing, reason = frozenset(range(len(rows))), error.reason
        except SimklError as error:
            await self._failed(attempt, error)
            raise
        else:
            missing, reason = reply.not_found, "Simkl does not know this title"
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, f"{len(rows) - len(missing)} of {len(rows)} taken", now.utc_ms)
            shown = ledger.get_shown(connection, self.account)
            for index, row in enumerate(rows):
                if index in missing:
                    ledger.settle(connection, row.id, "review", reason, now.utc_ms)
                elif row.playback_id is not None:
                    ledger.advance(connection, row.id, "delete", row.playback_id)
                else:
                    ledger.settle(connection, row.id, "settled", "watched", now.utc_ms)
                if index not in missing and shown.work_id == row.fact.work_id and shown.mode == "playing":
                    ledger.set_shown(connection, replace(shown, settled=True))

        notes = [
            Note(
                about=row.fact.viewing,
                step="refused" if index in missing else "sent",
                text=reason if index in missing else f"history {describe(row.fact.work)} at {iso(row.fact.at_utc_ms)}",
            )
            for index, row in enumerate(rows)
        ]
        await self._write(settle, notes)
        self._success(now)

    async def _delete(self, step: DeletePosition) -> None:
        row = step.row
        attempt = await self._begin("delete position", row.fact.viewing, [])
        assert row.playback_id is not None
        try:
            await self._simkl.delete_playback(self.account, row.playback_id)
            result = "deleted"
        except Rejected as error:
            result = f"refused: {error.reason}"
        except SimklError as error:
            await self._failed(attempt, error)
            raise
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, result, now.utc_ms)
            ledger.settle(connection, row.id, "settled", "watched", now.utc_ms)
            shown = ledger.get_shown(connection, self.account)
            if shown.work_id == row.fact.work_id and shown.mode == "paused":
                ledger.set_shown(connection, ledger.Shown(account=self.account))

        text = f"the saved position that the stop had left: {result}"
        await self._write(settle, [Note(about=row.fact.viewing, step="sent", text=text)])
        self._success(now)

    async def _begin(self, action: str, about: str, rows: list[int]) -> int:
        now = self._clock.now()
        return await self._database.write(
            lambda connection: ledger.begin_attempt(connection, self.account, action, about, rows, now.utc_ms)
        )

    async def _write(self, work: Callable[[Connection], None], notes: list[Note]) -> None:
        now = self._clock.now()

        def both(connection: Connection) -> None:
            work(connection)
            plays.write_notes(connection, notes, now.utc_ms)

        await self._database.write(both)

    def _free(self) -> None:
        if self.standing.waits_for:
            self.standing = replace(self.standing, waits_for="", until_utc_ms=None, linked=True)

    def _success(self, now: Now) -> None:
        was_down = self.standing.failures > 0
        self._hold_mono_ms, self._hold_firm = 0, False
        self.standing = Standing(delivered_utc_ms=now.utc_ms)
        if was_down:
            log.info("delivering again", account=self.account)
            self._line.works()

    def _not_linked(self, error: NotLinked) -> None:
        if self.standing.linked:
            log.warning("not linked", account=self.account, reason=error.reason)
        self.standing = replace(self.standing, waits_for=f"not linked: {error.reason}", until_utc_ms=None, linked=False)

    def _hold(self, error: RetryLater | HaltAll) -> int:
        now = self._clock.now()
        failures = self.standing.failures + 1
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
        self.standing = replace(
            self.standing, waits_for=error.reason, until_utc_ms=now.utc_ms + int(after_s * 1000), failures=failures
        )
        return until


def _latest(state: State, shown: ledger.Shown) -> float | None:
    """Find the last observed progress of what Simkl shows."""
    viewing = state.viewings.get(shown.viewing or "")
    if viewing is None or viewing.voice not in state.sessions:
        return None
    return where(viewing, state.sessions[viewing.voice])[1]
