"""One step of the house as one transaction: step, write, and only then does the state in memory change."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.clock import Clock, Now, wait_for_either
from scrobbler.plays.machine import step
from scrobbler.plays.model import (
    ContactLost,
    Deadline,
    Effect,
    Heard,
    Hide,
    Identified,
    Ignore,
    Input,
    Note,
    Resolve,
    Session,
    Unidentified,
)
from scrobbler.plays.state import Change, State, next_deadline, rebase
from scrobbler.store import outbox, play_state, salvage, titles
from scrobbler.store.database import Connection, DamagedError, Database, StorageError

Result = TypeVar("Result")

log = structlog.get_logger("engine")

CHECKPOINT_MS = 10_000
"""Position ticks of open plays are held so long before they are written (contract.md 1.5)."""

JOIN_WINDOW_MS = 6 * 3_600_000
"""A title alone joins two reports only when they lie so close together."""

RESTART_SETTLE_MS = 3_000
"""After a start or a suspend, players that are still there get so long to say so before their play is shown as paused."""

SUSPENDED_MS = 30_000
"""A look at the clock that comes so much too late means that the machine was suspended."""

_SLICE_S = 5.0


class Answer(Struct, frozen=True, kw_only=True):
    """What the resolver found for a session."""

    session: str
    names: titles.Names
    runtime_ms: int | None
    confidence: float
    reasons: tuple[str, ...]


Listener = Callable[[Sequence[Effect], Change], None]


class Engine:
    """The one place where the state of plays changes. `listener` is told after each commit."""

    def __init__(self, database: Database, clock: Clock, boot_id: str) -> None:
        self._database = database
        self._clock = clock
        self._boot_id = boot_id
        self._lock = asyncio.Lock()
        self._stir = asyncio.Event()
        self._held = Change()
        self._dirty_mono_ms: int | None = None
        self._look_due_mono_ms: int | None = None
        self._loaded = False
        self.state = State()
        self.fault: str = ""
        self.listener: Listener = lambda _effects, _change: None

    async def open(self) -> None:
        """Take up what was going on when the daemon ended: nobody knows what plays now, and no start may dangle (rule 9)."""
        now = self._clock.now()

        def load(connection: Connection) -> State:
            contents = play_state.load_state(connection)
            outbox.only_history(connection)
            for account in outbox.forget_open_attempts(connection, now.utc_ms):
                remote = outbox.get_remote_state(connection, account)
                outbox.set_remote_state(connection, replace(remote, confirmed=False))
            shift_ms = self._clock_shift(connection, now)
            if shift_ms:
                contents = rebase(contents, shift_ms)
                # Together with the clock that they now belong to: the next start must not move these times again, nor miss to.
                play_state.save_all(connection, contents)
            return State(contents)

        self.state = await self._database.write(load)
        await self._take_now(ContactLost(settle_ms=RESTART_SETTLE_MS))
        self._loaded = True
        waiting = {one.primary for one in self.state.plays.values() if one.work is None and one.outcome is None}
        unknown = [one for one in self.state.sessions.values() if one.id in waiting and one.identity.work_id is None]
        shown = Change(now_playing=dict(self.state.now_playing), serial=self.state.serial)
        self.listener([Resolve(session=one.id) for one in unknown], shown)

    def _clock_shift(self, connection: Connection, now: Now) -> int:
        """Say by how much the monotonic clock of an earlier boot differs from this one's."""
        offset = now.utc_ms - now.mono_ms
        saved = play_state.get_meta(connection, "clock")
        play_state.set_meta(connection, "clock", f"{self._boot_id} {offset}")
        if saved is None:
            return 0
        boot_id, _, old_offset = saved.partition(" ")
        return 0 if boot_id == self._boot_id else int(old_offset) - offset

    async def hear(self, heard: Heard) -> None:
        """Take in one event. Returns when it is durably stored, or a tick that may be held."""
        await self._apply(heard)

    async def identified(self, answer: Answer) -> None:
        """Take in the resolver's answer: number the work, look up what came before, and step."""
        session = self.state.sessions.get(answer.session)
        if session is None:
            return
        accounts = [policy.account for policy in session.identity.accounts]

        def prepare(connection: Connection, now: Now) -> Input:
            number = titles.work_number(connection, answer.names, now.utc_ms, window_ms=JOIN_WINDOW_MS)
            return Identified(
                session=answer.session,
                work_id=number,
                work=answer.names.work,
                runtime_ms=answer.runtime_ms,
                confidence=answer.confidence,
                reasons=answer.reasons,
                priors=tuple(titles.prior(connection, one, number, session.identity.opened_utc_ms) for one in accounts),
            )

        await self._apply_prepared(prepare)

    async def unidentified(self, session: str, reason: str) -> None:
        """Take in that the resolver found nothing."""
        await self._apply(Unidentified(session=session, reason=reason))

    async def ignore(self, session: str, reason: str) -> None:
        """Take in that a filter speaks against a session."""
        await self._apply(Ignore(session=session, reason=reason))

    async def remark(self, session: str, step: str, text: str) -> None:
        """Write a line into the journal of a session."""
        now = self._clock.now()
        note = Note(about=session, step=step, text=text)
        await self._database.write(lambda connection: play_state.write_notes(connection, [note], now.utc_ms))

    async def hide(self, account: str) -> None:
        """Begin private mode for an account."""
        await self._apply(Hide(account=account))

    async def lose_contact(self) -> None:
        """The daemon is about to end: what plays is shown as paused at once."""
        await self._apply(ContactLost(settle_ms=0))

    async def let_time_pass(self) -> None:
        """Do what is due by the mere passing of time."""
        await self._apply(Deadline())

    async def run(self) -> None:
        """Let time pass: deadlines and checkpoints. Runs until cancelled.

        Waits in short slices, since an asyncio timer stands still while the machine is suspended and the clock does not.
        """
        try:
            while True:
                self._stir.clear()
                await self._look()
        finally:
            self._look_due_mono_ms = None

    async def _look(self) -> None:
        """Do what is due, or wait until something is."""
        if self._database.damaged and not await self._heal():
            await self._wait(_SLICE_S)
            return
        now = self._clock.now()
        due = [one for one in (next_deadline(self.state), self._checkpoint_due()) if one is not None]
        if self.fault or (due and min(due) <= now.mono_ms) or self._was_suspended(now):
            try:
                await self.let_time_pass()
            except StorageError as error:
                log.warning("storage", error=str(error))
                await self._wait(_SLICE_S)
            return
        await self._wait(min(_SLICE_S, (min(due) - now.mono_ms) / 1000) if due else _SLICE_S)

    async def _heal(self) -> bool:
        """Put what can be saved in the place of a damaged file. Tells whether that is done."""
        async with self._lock:
            try:
                await self._write_healed(lambda _connection: None)
            except StorageError as error:
                self.fault = str(error)
                log.warning("storage", error=str(error))
                return False
            self.fault = ""
        return True

    async def _write_healed(self, work: Callable[[Connection], Result]) -> Result:
        """Salvage the file, bring what is going on back into it, and only then write."""
        await salvage.heal(self._database, self._clock.now())

        def both(connection: Connection) -> Result:
            play_state.save_all(connection, self.state.contents())
            return work(connection)

        return await self._database.write(both)

    async def _wait(self, seconds: float) -> None:
        seconds = max(0.005, seconds)
        self._look_due_mono_ms = self._clock.now().mono_ms + int(seconds * 1000)
        await wait_for_either(self._clock, self._stir, seconds)

    def _was_suspended(self, now: Now) -> bool:
        return self._look_due_mono_ms is not None and now.mono_ms - self._look_due_mono_ms > SUSPENDED_MS

    def _checkpoint_due(self) -> int | None:
        return None if self._dirty_mono_ms is None else self._dirty_mono_ms + CHECKPOINT_MS

    async def _apply(self, given: Input) -> None:
        await _carry_through(self._take(given))

    async def _take(self, given: Input) -> None:
        self._check_loaded()
        await self._take_now(given)

    def _check_loaded(self) -> None:
        """Refuse what comes before the old state is there: stored as a beginning, it would overwrite that."""
        if not self._loaded:
            raise StorageError(self.fault or "the store is not open yet")

    async def _take_now(self, given: Input) -> None:
        async with self._lock:
            now = self._clock.now()
            await self._wake_up(now)
            change, effects = step(self.state, given, now)
            ticks = isinstance(given, Heard) and given.event.kind == "progress" and not effects
            if ticks and _only_ticks(self.state, change):
                self.state.apply(change)
                self._held = self._held.then(change)
                if self._dirty_mono_ms is None:
                    self._dirty_mono_ms = now.mono_ms
                    self._stir.set()
                return
            await self._write(self._saving(change, effects, now))
            self._commit(change, effects)

    async def _wake_up(self, now: Now) -> None:
        """After a suspend, before anything else: nobody knows what plays until it is heard again (rule 9)."""
        if not self._was_suspended(now):
            return
        change, effects = step(self.state, ContactLost(settle_ms=RESTART_SETTLE_MS), now)
        await self._write(self._saving(change, effects, now))
        self._look_due_mono_ms = now.mono_ms
        self._commit(change, effects)

    async def _apply_prepared(self, prepare: Callable[[Connection, Now], Input]) -> None:
        await _carry_through(self._take_prepared(prepare))

    async def _take_prepared(self, prepare: Callable[[Connection, Now], Input]) -> None:
        self._check_loaded()
        async with self._lock:
            now = self._clock.now()
            await self._wake_up(now)

            def work(connection: Connection) -> tuple[Change, tuple[Effect, ...]]:
                change, effects = step(self.state, prepare(connection, now), now)
                self._saving(change, effects, now)(connection)
                return change, effects

            change, effects = await self._write(work)
            self._commit(change, effects)

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        try:
            try:
                result = await self._database.write(work)
            except DamagedError:
                result = await self._write_healed(work)
        except StorageError as error:
            self.fault = str(error)
            raise
        self.fault = ""
        return result

    def _saving(self, change: Change, effects: Sequence[Effect], now: Now) -> Callable[[Connection], None]:
        """Give what writes a step, and the ticks that were held before it, as a part of a transaction."""
        return partial(
            play_state.save_step,
            change=self._held.then(change),
            effects=effects,
            sessions=self.state.sessions,
            utc_ms=now.utc_ms,
            # Only what really writes proves that the store takes something again.
            recovered=bool(self.fault),
        )

    def _commit(self, change: Change, effects: Sequence[Effect]) -> None:
        self.state.apply(change)
        self._held = Change()
        self._dirty_mono_ms = None
        self._stir.set()
        self.listener(effects, change)


async def _carry_through(work: Coroutine[Any, Any, None]) -> None:
    """Let a step come to its end although its caller is cancelled: what is in the file must be in memory as well."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at: nobody is left to hear of it
        raise cancelled
    task.result()


def _only_ticks(state: State, change: Change) -> bool:
    """Tell whether a step moved positions and nothing else, so that it may be held a few seconds."""
    if change.plays:
        return False
    for name, session in change.sessions.items():
        before = state.sessions.get(name)
        if before is None or session is None or _told_of(before) != _told_of(session):
            return False
    return all(
        (shown := state.now_playing.get(account)) is not None and shown.revision == now_playing.revision
        for account, now_playing in change.now_playing.items()
    )


def _told_of(session: Session) -> tuple[object, ...]:
    """Name what of a session must never be lost: all but where it is."""
    position = session.position
    return session.phase.mode, position.ms is None, position.duration_ms, session.counted, session.identity.work_id
