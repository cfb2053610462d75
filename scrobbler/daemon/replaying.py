"""`scrobbler replay`: recorded events through a throw-away house, on their own time; says what Simkl would be told."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct

from scrobbler.api import PlayerEvent, SourceOptions, Traits, Work, describe
from scrobbler.clock import Now, iso, utc_ms
from scrobbler.engine.engine import Engine
from scrobbler.engine.resolver import Resolver
from scrobbler.identify.guess import ChildGuesser
from scrobbler.intake.intake import Refused, Rules, SourceIntake
from scrobbler.plays.model import Effect, Resolve
from scrobbler.plays.state import DAY_MS, Change, next_deadline
from scrobbler.sender.backoff import Backoff
from scrobbler.sender.sender import Sender
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.payloads import Watch
from scrobbler.simkl.replies import HistoryReply, ScrobbleReply
from scrobbler.store import reading
from scrobbler.store.database import FILE_NAME, Database

SOURCE = "replay"
STEP_MS = 1_000
"""Events that do not say when they happened follow each other so far apart."""

Say = Callable[[str], None]


class ReplayClock:
    """Stands still until it is moved."""

    def __init__(self, start_utc_ms: int) -> None:
        self.utc_ms = start_utc_ms
        self._mono_ms = 10 * DAY_MS

    def now(self) -> Now:
        """Read the clock."""
        return Now(self.utc_ms, self._mono_ms)

    def move_to(self, mono_ms: int) -> None:
        """Let time pass until then; it never runs backwards."""
        ahead = max(0, mono_ms - self._mono_ms)
        self.utc_ms += ahead
        self._mono_ms += ahead

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.move_to(self._mono_ms + int(seconds * 1000))


class PaperSimkl:
    """Takes every call and writes it down instead."""

    def __init__(self, clock: ReplayClock, say: Say) -> None:
        self._clock = clock
        self._say = say

    @contextlib.asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Give the turn at once."""
        del account
        yield

    async def scrobble(
        self, account: str, action: str, work: Work, progress: float, *, rewatch: bool = False
    ) -> ScrobbleReply:
        """Write a call down."""
        words = " as a rewatch if it is one" if rewatch else ""
        self._line(account, f"{action:<8} {describe(work)} at {progress:g} %{words}")
        counted = action == "stop" and progress >= 80
        answer = "scrobble" if counted else ("start" if action == "start" else "pause")
        return ScrobbleReply(
            action=answer,
            playback_id=0 if action == "start" else 1,
            progress=progress,
            already=False,
            watched_at=None,
            matched=None,
            doubt="",
            rewatch_status=None,
        )

    async def history(self, account: str, watches: Sequence[Watch], *, rewatch: bool = False) -> HistoryReply:
        """Write a call down."""
        del rewatch
        for watch in watches:
            self._line(account, f"history  {describe(watch.work)} watched {iso(watch.at_utc_ms)}")
        return HistoryReply(not_found=frozenset())

    async def delete_playback(self, account: str, playback_id: int) -> None:
        """Write a call down."""
        del playback_id
        self._line(account, "delete   the saved position that the stop left")

    def allowance(self, account: str) -> Allowance:
        """Say that nothing is known."""
        del account
        return Allowance(limit=None, remaining=None, resets_utc_ms=0)

    def _line(self, account: str, text: str) -> None:
        self._say(f"{iso(self._clock.utc_ms)}  {account}: {text}")


class NoSources:
    """Nobody can be asked during a replay."""

    async def lookup(self, source: str, event: PlayerEvent) -> None:
        """Know nothing."""
        del source, event

    def why_not(self, source: str, item: object, *, path: str | None, library: str | None) -> str:
        """Let everything in: the intake has judged already."""
        del source, item, path, library
        return ""


class Recording(Struct, frozen=True, kw_only=True):
    """What is replayed, and with which rules."""

    events: Sequence[PlayerEvent]
    options: SourceOptions
    traits: Traits
    rules: Rules


async def replay(recording: Recording, start_utc_ms: int, say: Say) -> Sequence[reading.PlaySummary]:
    """Feed the events at their own times; a day later everything is over. Returns the plays, newest first."""
    first = next((event.at for event in recording.events if event.at is not None), None)
    clock = ReplayClock(start_utc_ms if first is None else utc_ms(first))
    with tempfile.TemporaryDirectory(prefix="scrobbler-replay-") as folder:
        database = Database(Path(folder) / FILE_NAME)
        await database.open()
        guesser = ChildGuesser()
        try:
            house = _House(database, clock, guesser, recording, say)
            await house.run()
            return await database.read(lambda connection: list(reading.history(connection, 1000)))
        finally:
            await guesser.close()
            await database.close()


class _House:
    def __init__(
        self, database: Database, clock: ReplayClock, guesser: ChildGuesser, recording: Recording, say: Say
    ) -> None:
        self._clock = clock
        self._recording = recording
        self._say = say
        self._questions: list[str] = []
        self._again: list[int] = []
        self.engine = Engine(database, clock, "replay")
        self.engine.listener = self._on_change
        self.resolver = Resolver(self.engine, NoSources(), guesser, clock)
        self.intake = SourceIntake(SOURCE, recording.options, recording.traits, recording.rules)
        paper = PaperSimkl(clock, say)
        line = Backoff()
        self.senders = [
            Sender(
                name,
                state=lambda: self.engine.state,
                database=database,
                simkl=paper,
                clock=clock,
                random=Random(0),  # noqa: S311 - a replay is the same every time
                line=line,
            )
            for name in recording.rules.accounts
        ]

    def _on_change(self, effects: Sequence[Effect], change: Change) -> None:
        del change
        self._questions += [effect.session for effect in effects if isinstance(effect, Resolve)]

    async def run(self) -> None:
        await self.engine.open()
        for event in self._recording.events:
            ahead = STEP_MS if event.at is None else utc_ms(event.at) - self._clock.utc_ms
            await self._pass_time(self._clock.now().mono_ms + max(0, ahead))
            decision = self.intake.admit(event)
            if isinstance(decision, Refused):
                self._say(f"{iso(self._clock.utc_ms)}  {event.kind} of {event.item_key}: {decision.reason}")
                continue
            await self.engine.hear(decision)
            await self._settle()
        await self._pass_time(self._clock.now().mono_ms + DAY_MS - STEP_MS)

    async def _settle(self) -> None:
        while self._questions:
            await self.resolver.resolve(self._questions.pop(0))
        untils = [await sender.flush() for sender in self.senders]
        self._again = [until for until in untils if until is not None]

    async def _pass_time(self, until_mono_ms: int) -> None:
        """Move on, stopping wherever something happens by itself."""
        while True:
            now = self._clock.now().mono_ms
            dues = [due for due in (next_deadline(self.engine.state), *self._again) if due is not None]
            due = min((due for due in dues if due <= until_mono_ms), default=None)
            if due is None:
                self._clock.move_to(until_mono_ms)
                await self._settle()
                return
            self._clock.move_to(max(due, now))
            await self.engine.let_time_pass()
            await self._settle()
