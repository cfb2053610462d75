"""One request to Simkl and what it settles: written down before, and its answer after (design.md part 2, attempts)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from scrobbler.api import Work, describe
from scrobbler.clock import Clock, Now, iso
from scrobbler.courier.plan import BATCH, Close, DeletePosition, Tell, WriteHistory, doubtful_start, shows
from scrobbler.identify.aliases import aliases
from scrobbler.plays.judge import parts_of
from scrobbler.plays.model import Fact, Note
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.errors import NoMatch, Rejected, SimklError
from scrobbler.simkl.payloads import Watch
from scrobbler.simkl.replies import HistoryReply, ScrobbleReply
from scrobbler.store import ledger, plays, works
from scrobbler.store.database import Connection, Database

log = structlog.get_logger("courier")


class SimklPort(Protocol):
    """The part of the Simkl client that a courier uses."""

    def turn(self, account: str) -> AbstractAsyncContextManager[Any]: ...
    async def scrobble(
        self, account: str, action: Any, work: Work, progress: float, *, rewatch: bool = False
    ) -> ScrobbleReply: ...
    async def history(self, account: str, watches: Sequence[Watch], *, rewatch: bool = False) -> HistoryReply: ...
    async def delete_playback(self, account: str, playback_id: int) -> None: ...
    def allowance(self, account: str) -> Allowance: ...


class Delivery:
    """Carries steps out for one account. Its methods raise NotLinked, RetryLater, HaltAll and StorageError.

    `batch` is how many watches one history write may carry now.
    """

    def __init__(self, account: str, *, database: Database, simkl: SimklPort, clock: Clock) -> None:
        self.account = account
        self.batch = BATCH
        self._database = database
        self._simkl = simkl
        self._clock = clock

    async def carry_out(self, step: Tell | WriteHistory | DeletePosition, before: ledger.Shown) -> bool:
        """Send a request. `before` is what Simkl showed until now. Tells whether Simkl took it."""
        match step:
            case Tell():
                return await self._tell(step, before)
            case WriteHistory():
                return await self._write_history(step)
            case DeletePosition():
                return await self._delete(step)

    async def close(self, step: Close) -> None:
        """Settle a row without a request."""
        now = self._clock.now()
        row = step.row

        def settle(connection: Connection) -> None:
            if ledger.unchanged(connection, row):
                ledger.settle(connection, row.id, "settled", step.outcome, now.utc_ms)

        await self._write(now, settle, [Note(about=row.fact.viewing, step="settled", text=step.outcome)])

    async def _tell(self, step: Tell, before: ledger.Shown) -> bool:
        rows = [] if step.row is None else [step.row.id]
        about = (step.shown.viewing or before.viewing or "") if step.row is None else step.row.fact.viewing
        text = f"{step.action} {describe(step.work)} at {step.progress:g} %"
        # Until the answer is known, the worse is taken for true: that a start has arrived, and that a pause or stop has not.
        doubtful = replace(before, sure=False)
        if step.action == "start":
            doubtful = doubtful_start(step.shown, before, self._clock.now())
        attempt = await self._begin(step.action, about, rows, doubtful)
        try:
            reply = await self._simkl.scrobble(
                self.account, step.action, step.work, step.progress, rewatch=step.rewatch
            )
        except (NoMatch, Rejected) as error:
            await self._refused(step, attempt, error, before)
            return False
        except SimklError as error:
            await self._failed(attempt, error, rows, before)
            raise
        await self._told(step, attempt, reply, about, text)
        return True

    async def _told(self, step: Tell, attempt: int, reply: ScrobbleReply, about: str, text: str) -> None:
        now = self._clock.now()
        answer = "already recorded" if reply.already else reply.action
        notes = [Note(about=about, step="sent", text=f"{text} ({step.why}); Simkl answered {answer}")]
        if reply.doubt:
            notes.append(Note(about=about, step="doubt", text=reply.doubt))
        if reply.rewatch_status:
            notes.append(Note(about=about, step="rewatch", text=f"Simkl says {reply.rewatch_status}"))
        row = step.row
        shown = _known(step.shown, step.shown.work_id if row is None else row.fact.work_id)

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, answer, now.utc_ms)
            ledger.set_shown(connection, shown)
            if reply.matched is not None and not reply.doubt:
                _learn(connection, step, reply.matched)
            if row is None or not ledger.unchanged(connection, row):
                return
            if row.fact.kind == "left":
                ledger.settle(connection, row.id, "settled", f"saved at {row.fact.progress:g} %", now.utc_ms)
            elif reply.already or reply.action == "scrobble":
                outcome = "already watched" if reply.already and row.tries == 0 else "watched"
                ledger.settle(connection, row.id, "settled", outcome, now.utc_ms)
            else:
                ledger.advance(connection, row.id, "history", reply.playback_id or None)

        await self._write(now, settle, notes)

    async def _refused(self, step: Tell, attempt: int, error: SimklError, before: ledger.Shown) -> None:
        now = self._clock.now()
        row = step.row
        about = (step.shown.viewing or before.viewing or "") if row is None else row.fact.viewing
        refused = step.work if row is None else row.fact.work

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, f"refused: {error.reason}", now.utc_ms)
            if row is None:
                # A refused pause or stop ends what it was about; a refused start never began.
                shown = before if step.action == "start" else _refused_end(step.shown, before)
                ledger.set_shown(connection, replace(shown, refused=step.shown.work_id))
                return
            ledger.set_shown(connection, before)
            if not ledger.unchanged(connection, row):
                return
            if row.fact.kind == "left":
                ledger.settle(connection, row.id, "settled", f"not saved: {error.reason}", now.utc_ms)
            else:
                state: ledger.RowState = "review" if isinstance(error, NoMatch) else "refused"
                ledger.settle(connection, row.id, state, error.reason, now.utc_ms)

        note = Note(about=about, step="refused", text=f"{step.action} {describe(refused)}: {error.reason}")
        await self._write(now, settle, [note])
        log.warning("refused", account=self.account, action=step.action, title=describe(refused), reason=error.reason)

    async def _failed(
        self, attempt: int, error: SimklError, rows: list[int], before: ledger.Shown | None = None
    ) -> None:
        """Write down a request that failed; one that surely did not arrive leaves everything as it was `before`."""
        now = self._clock.now()
        maybe = error.maybe_done

        def settle(connection: Connection) -> None:
            fate = "unknown" if maybe else "failed"
            ledger.end_attempt(connection, attempt, f"{fate}: {error.reason}", now.utc_ms)
            if not maybe:
                ledger.never_sent(connection, rows)
                if before is not None:
                    ledger.set_shown(connection, before)

        await self._write(now, settle, [])

    async def _write_history(self, step: WriteHistory) -> bool:
        rows = step.rows
        numbers = [row.id for row in rows]
        attempt = await self._begin("history", rows[0].fact.viewing, numbers)
        watches = [Watch(work=row.fact.work, at_utc_ms=row.fact.at_utc_ms) for row in rows]
        try:
            reply = await self._simkl.history(self.account, watches, rewatch=step.rewatch)
        except (NoMatch, Rejected) as error:
            if len(rows) > 1:
                # One bad watch must not take the others with it: half as many at a time, until it stands alone.
                self.batch = len(rows) // 2
                await self._failed(attempt, error, numbers)
            else:
                await self._written(rows, attempt, frozenset((0,)), error.reason)
            return False
        except SimklError as error:
            await self._failed(attempt, error, numbers)
            raise
        self.batch = min(BATCH, self.batch * 2)
        await self._written(rows, attempt, reply.not_found, "Simkl does not know this title")
        return True

    async def _written(self, rows: Sequence[ledger.Row], attempt: int, missing: frozenset[int], reason: str) -> None:
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, f"{len(rows) - len(missing)} of {len(rows)} taken", now.utc_ms)
            shown = ledger.get_shown(connection, self.account)
            for index, row in enumerate(rows):
                if not ledger.unchanged(connection, row):
                    continue
                if index in missing:
                    ledger.settle(connection, row.id, "review", reason, now.utc_ms)
                elif row.playback_id is not None:
                    ledger.advance(connection, row.id, "delete", row.playback_id)
                else:
                    ledger.settle(connection, row.id, "settled", "watched", now.utc_ms)
                if index not in missing:
                    shown = _known(_recorded(shown, row.fact), row.fact.work_id)
            ledger.set_shown(connection, shown)

        notes = [
            Note(
                about=row.fact.viewing,
                step="refused" if index in missing else "sent",
                text=reason if index in missing else f"history {describe(row.fact.work)} at {iso(row.fact.at_utc_ms)}",
            )
            for index, row in enumerate(rows)
        ]
        await self._write(now, settle, notes)

    async def _delete(self, step: DeletePosition) -> bool:
        row = step.row
        attempt = await self._begin("delete position", row.fact.viewing, [])
        assert row.playback_id is not None
        try:
            await self._simkl.delete_playback(self.account, row.playback_id)
            result = "deleted"
        except (NoMatch, Rejected) as error:
            result = f"refused: {error.reason}"
        except SimklError as error:
            await self._failed(attempt, error, [])
            raise
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            ledger.end_attempt(connection, attempt, result, now.utc_ms)
            if ledger.unchanged(connection, row):
                ledger.settle(connection, row.id, "settled", "watched", now.utc_ms)
            shown = ledger.get_shown(connection, self.account)
            if shown.mode == "paused" and shows(shown, row.fact):
                ledger.set_shown(connection, ledger.Shown(account=self.account, beneath=shown.beneath))

        text = f"the saved position that the stop had left: {result}"
        await self._write(now, settle, [Note(about=row.fact.viewing, step="sent", text=text)])
        return True

    async def _begin(self, action: str, about: str, rows: list[int], doubtful: ledger.Shown | None = None) -> int:
        now = self._clock.now()

        def begin(connection: Connection) -> int:
            if doubtful is not None:
                ledger.set_shown(connection, doubtful)
            return ledger.begin_attempt(connection, self.account, action, about, rows, now.utc_ms)

        return await self._database.write(begin)

    async def _write(self, now: Now, work: Callable[[Connection], None], notes: list[Note]) -> None:
        def both(connection: Connection) -> None:
            work(connection)
            plays.write_notes(connection, notes, now.utc_ms)

        await self._database.write(both)


def _refused_end(after: ledger.Shown, before: ledger.Shown) -> ledger.Shown:
    """Say what shows when Simkl does not know what was to be ended: not that."""
    if before.beneath is not None and after.beneath is None:
        return replace(before, beneath=None)
    return ledger.Shown(account=before.account, beneath=before.beneath)


def _recorded(shown: ledger.Shown, fact: Fact) -> ledger.Shown:
    """Note with what shows as playing that its watch has been recorded meanwhile."""
    if shown.beneath is not None and shows(shown.beneath, fact):
        return replace(shown, beneath=replace(shown.beneath, settled=True))
    return replace(shown, settled=True) if shown.mode == "playing" and shows(shown, fact) else shown


def _known(shown: ledger.Shown, work_id: int | None) -> ledger.Shown:
    """Forget that a work was refused, now that Simkl has taken it."""
    return replace(shown, refused=None) if shown.refused == work_id else shown


def _learn(connection: Connection, step: Tell, matched: Work) -> None:
    """Let the names by which Simkl knows a work lead to it; those of one episode are not those of a file with several."""
    number = step.shown.work_id
    if number is not None and parts_of(works.get_work(connection, number)) == 1:
        works.learn_aliases(connection, number, [(one.scheme, one.value) for one in aliases(matched) if not one.weak])
