"""One request to Simkl and what it settles: written down before, and its answer after (architecture.md, attempts)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from scrobbler.api import Work, describe
from scrobbler.clock import Clock, Now, iso
from scrobbler.identify.aliases import aliases
from scrobbler.plays.judge import parts_of
from scrobbler.plays.model import Fact, Note
from scrobbler.sender.plan import BATCH, Close, DeletePosition, ScrobbleCall, WriteHistory, doubtful_start, shows
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.errors import NoMatch, Rejected, SimklError
from scrobbler.simkl.payloads import Watch
from scrobbler.simkl.replies import HistoryReply, ScrobbleReply
from scrobbler.store import outbox, play_state, titles
from scrobbler.store.database import Connection, Database

log = structlog.get_logger("sender")


class SimklPort(Protocol):
    """The part of the Simkl client that a sender uses."""

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

    async def carry_out(self, step: ScrobbleCall | WriteHistory | DeletePosition, before: outbox.RemoteState) -> bool:
        """Send a request. `before` is what Simkl showed until now. Tells whether Simkl took it."""
        match step:
            case ScrobbleCall():
                return await self._tell(step, before)
            case WriteHistory():
                return await self._write_history(step)
            case DeletePosition():
                return await self._delete(step)

    async def close(self, step: Close) -> None:
        """Settle a entry without a request."""
        now = self._clock.now()
        entry = step.entry

        def settle(connection: Connection) -> None:
            if outbox.unchanged(connection, entry):
                outbox.settle(connection, entry.id, "settled", step.outcome, now.utc_ms)

        await self._write(now, settle, [Note(about=entry.fact.play, step="settled", text=step.outcome)])

    async def _tell(self, step: ScrobbleCall, before: outbox.RemoteState) -> bool:
        entries = [] if step.entry is None else [step.entry.id]
        about = (step.remote.play or before.play or "") if step.entry is None else step.entry.fact.play
        text = f"{step.action} {describe(step.work)} at {step.progress:g} %"
        # Until the answer is known, the worse is taken for true: that a start has arrived, and that a pause or stop has not.
        doubtful = replace(before, confirmed=False)
        if step.action == "start":
            doubtful = doubtful_start(step.remote, before, self._clock.now())
        attempt = await self._begin(step.action, about, entries, doubtful)
        try:
            reply = await self._simkl.scrobble(
                self.account, step.action, step.work, step.progress, rewatch=step.rewatch
            )
        except (NoMatch, Rejected) as error:
            await self._refused(step, attempt, error, before)
            return False
        except SimklError as error:
            await self._failed(attempt, error, entries, before)
            raise
        await self._told(step, attempt, reply, about, text)
        return True

    async def _told(self, step: ScrobbleCall, attempt: int, reply: ScrobbleReply, about: str, text: str) -> None:
        now = self._clock.now()
        answer = "already recorded" if reply.already else reply.action
        notes = [Note(about=about, step="sent", text=f"{text} ({step.why}); Simkl answered {answer}")]
        if reply.doubt:
            notes.append(Note(about=about, step="doubt", text=reply.doubt))
        if reply.rewatch_status:
            notes.append(Note(about=about, step="rewatch", text=f"Simkl says {reply.rewatch_status}"))
        entry = step.entry
        remote = _known(step.remote, step.remote.work_id if entry is None else entry.fact.work_id)

        def settle(connection: Connection) -> None:
            outbox.end_attempt(connection, attempt, answer, now.utc_ms)
            outbox.set_remote_state(connection, remote)
            if reply.matched is not None and not reply.doubt:
                _learn(connection, step, reply.matched)
            if entry is None or not outbox.unchanged(connection, entry):
                return
            if entry.fact.kind == "left":
                outbox.settle(connection, entry.id, "settled", f"saved at {entry.fact.progress:g} %", now.utc_ms)
            elif reply.already or reply.action == "scrobble":
                outcome = "already watched" if reply.already and entry.tries == 0 else "watched"
                outbox.settle(connection, entry.id, "settled", outcome, now.utc_ms)
            else:
                outbox.advance(connection, entry.id, "history", reply.playback_id or None)

        await self._write(now, settle, notes)

    async def _refused(self, step: ScrobbleCall, attempt: int, error: SimklError, before: outbox.RemoteState) -> None:
        now = self._clock.now()
        entry = step.entry
        about = (step.remote.play or before.play or "") if entry is None else entry.fact.play
        refused = step.work if entry is None else entry.fact.work

        def settle(connection: Connection) -> None:
            outbox.end_attempt(connection, attempt, f"refused: {error.reason}", now.utc_ms)
            if entry is None:
                # A refused pause or stop ends what it was about; a refused start never began.
                remote = before if step.action == "start" else _refused_end(step.remote, before)
                outbox.set_remote_state(connection, replace(remote, refused=step.remote.work_id))
                return
            outbox.set_remote_state(connection, before)
            if not outbox.unchanged(connection, entry):
                return
            if entry.fact.kind == "left":
                outbox.settle(connection, entry.id, "settled", f"not saved: {error.reason}", now.utc_ms)
            else:
                state: outbox.EntryState = "review" if isinstance(error, NoMatch) else "refused"
                outbox.settle(connection, entry.id, state, error.reason, now.utc_ms)

        note = Note(about=about, step="refused", text=f"{step.action} {describe(refused)}: {error.reason}")
        await self._write(now, settle, [note])
        log.warning("refused", account=self.account, action=step.action, title=describe(refused), reason=error.reason)

    async def _failed(
        self, attempt: int, error: SimklError, entries: list[int], before: outbox.RemoteState | None = None
    ) -> None:
        """Write down a request that failed; one that surely did not arrive leaves everything as it was `before`."""
        now = self._clock.now()
        maybe = error.maybe_done

        def settle(connection: Connection) -> None:
            fate = "unknown" if maybe else "failed"
            outbox.end_attempt(connection, attempt, f"{fate}: {error.reason}", now.utc_ms)
            if not maybe:
                outbox.never_sent(connection, entries)
                if before is not None:
                    outbox.set_remote_state(connection, before)

        await self._write(now, settle, [])

    async def _write_history(self, step: WriteHistory) -> bool:
        entries = step.entries
        numbers = [entry.id for entry in entries]
        attempt = await self._begin("history", entries[0].fact.play, numbers)
        watches = [Watch(work=entry.fact.work, at_utc_ms=entry.fact.at_utc_ms) for entry in entries]
        try:
            reply = await self._simkl.history(self.account, watches, rewatch=step.rewatch)
        except (NoMatch, Rejected) as error:
            if len(entries) > 1:
                # One bad watch must not take the others with it: half as many at a time, until it stands alone.
                self.batch = len(entries) // 2
                await self._failed(attempt, error, numbers)
            else:
                await self._written(entries, attempt, frozenset((0,)), error.reason)
            return False
        except SimklError as error:
            await self._failed(attempt, error, numbers)
            raise
        self.batch = min(BATCH, self.batch * 2)
        await self._written(entries, attempt, reply.not_found, "Simkl does not know this title")
        return True

    async def _written(
        self, entries: Sequence[outbox.Entry], attempt: int, missing: frozenset[int], reason: str
    ) -> None:
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            outbox.end_attempt(
                connection, attempt, f"{len(entries) - len(missing)} of {len(entries)} taken", now.utc_ms
            )
            remote = outbox.get_remote_state(connection, self.account)
            for index, entry in enumerate(entries):
                if not outbox.unchanged(connection, entry):
                    continue
                if index in missing:
                    outbox.settle(connection, entry.id, "review", reason, now.utc_ms)
                elif entry.playback_id is not None:
                    outbox.advance(connection, entry.id, "delete", entry.playback_id)
                else:
                    outbox.settle(connection, entry.id, "settled", "watched", now.utc_ms)
                if index not in missing:
                    remote = _known(_recorded(remote, entry.fact), entry.fact.work_id)
            outbox.set_remote_state(connection, remote)

        notes = [
            Note(
                about=entry.fact.play,
                step="refused" if index in missing else "sent",
                text=reason
                if index in missing
                else f"history {describe(entry.fact.work)} at {iso(entry.fact.at_utc_ms)}",
            )
            for index, entry in enumerate(entries)
        ]
        await self._write(now, settle, notes)

    async def _delete(self, step: DeletePosition) -> bool:
        entry = step.entry
        attempt = await self._begin("delete position", entry.fact.play, [])
        assert entry.playback_id is not None
        try:
            await self._simkl.delete_playback(self.account, entry.playback_id)
            result = "deleted"
        except (NoMatch, Rejected) as error:
            result = f"refused: {error.reason}"
        except SimklError as error:
            await self._failed(attempt, error, [])
            raise
        now = self._clock.now()

        def settle(connection: Connection) -> None:
            outbox.end_attempt(connection, attempt, result, now.utc_ms)
            if outbox.unchanged(connection, entry):
                outbox.settle(connection, entry.id, "settled", "watched", now.utc_ms)
            remote = outbox.get_remote_state(connection, self.account)
            if remote.mode == "paused" and shows(remote, entry.fact):
                outbox.set_remote_state(connection, outbox.RemoteState(account=self.account, previous=remote.previous))

        text = f"the saved position that the stop had left: {result}"
        await self._write(now, settle, [Note(about=entry.fact.play, step="sent", text=text)])
        return True

    async def _begin(
        self, action: str, about: str, entries: list[int], doubtful: outbox.RemoteState | None = None
    ) -> int:
        now = self._clock.now()

        def begin(connection: Connection) -> int:
            if doubtful is not None:
                outbox.set_remote_state(connection, doubtful)
            return outbox.begin_attempt(connection, self.account, action, about, entries, now.utc_ms)

        return await self._database.write(begin)

    async def _write(self, now: Now, work: Callable[[Connection], None], notes: list[Note]) -> None:
        def both(connection: Connection) -> None:
            work(connection)
            play_state.write_notes(connection, notes, now.utc_ms)

        await self._database.write(both)


def _refused_end(after: outbox.RemoteState, before: outbox.RemoteState) -> outbox.RemoteState:
    """Say what shows when Simkl does not know what was to be ended: not that."""
    if before.previous is not None and after.previous is None:
        return replace(before, previous=None)
    return outbox.RemoteState(account=before.account, previous=before.previous)


def _recorded(remote: outbox.RemoteState, fact: Fact) -> outbox.RemoteState:
    """Note with what shows as playing that its watch has been recorded meanwhile."""
    if remote.previous is not None and shows(remote.previous, fact):
        return replace(remote, previous=replace(remote.previous, settled=True))
    return replace(remote, settled=True) if remote.mode == "playing" and shows(remote, fact) else remote


def _known(remote: outbox.RemoteState, work_id: int | None) -> outbox.RemoteState:
    """Forget that a work was refused, now that Simkl has taken it."""
    return replace(remote, refused=None) if remote.refused == work_id else remote


def _learn(connection: Connection, step: ScrobbleCall, matched: Work) -> None:
    """Let the names by which Simkl knows a work lead to it; those of one episode are not those of a file with several."""
    number = step.remote.work_id
    if number is not None and parts_of(titles.get_work(connection, number)) == 1:
        titles.learn_aliases(connection, number, [(one.scheme, one.value) for one in aliases(matched) if not one.weak])
