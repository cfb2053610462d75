"""A house on virtual time: the real store on a real file, the real engine and senders, and a Simkl made of paper."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from scrobbler.api import Episode, Ids, Kind, Movie, PlayerEvent, Show, Work, describe
from scrobbler.api.testkit import FakeClock
from scrobbler.engine.engine import Answer, Engine
from scrobbler.identify.aliases import aliases, contradicts
from scrobbler.plays.model import AccountPolicy, Effect, Heard, Resolve, SourceTraits
from scrobbler.plays.state import Change
from scrobbler.sender.backoff import Backoff
from scrobbler.sender.sender import Sender
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.errors import NoMatch, Rejected, SimklError
from scrobbler.simkl.payloads import Watch
from scrobbler.simkl.replies import HistoryReply, ScrobbleReply
from scrobbler.store.database import FILE_NAME, Database
from scrobbler.store.titles import Names

MINUTE = 60_000
LENGTH_MS = 100 * MINUTE
FILM = Movie(title="Sintel", year=2010, ids=Ids(imdb="tt1727587"))
OTHER = Movie(title="Big Buck Bunny", year=2008, ids=Ids(imdb="tt1254207"))
EPISODE = Episode(show=Show(title="Firefly", ids=Ids(tvdb="78874")), season=1, number=2)
TICKS = SourceTraits(ticks=True, quiet_ms=2 * MINUTE, close_ms=30 * MINUTE, richness=60)
EDGES = SourceTraits(ticks=False, quiet_ms=15 * MINUTE, close_ms=360 * MINUTE, richness=70)
UNKNOWN = Allowance(limit=None, remaining=None, resets_utc_ms=0)


class _Inline(ThreadPoolExecutor):
    """Runs everything at once, in the caller's thread: on virtual time nothing may happen behind the loop's back."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed on as an executor does
            future.set_exception(error)
        return future


async def open_inline(path: Path) -> Database:
    """Open the real store, without threads."""
    database = Database(path)
    database._writer, database._reader = _Inline(1), _Inline(1)
    await database.open()
    return database


class VirtualClock(FakeClock):
    """A FakeClock that lets long chains of tasks finish before time goes on."""

    async def advance(self, seconds: float) -> None:
        """Move both clocks, waking each sleeper at its own moment."""
        goal = self._mono_ms + round(seconds * 1000)
        await run_down()
        while due := [entry for entry in self._sleepers if entry[0] <= goal and not entry[1].done()]:
            moment, sleeper = min(due, key=lambda entry: entry[0])
            self.tick(max(0, moment - self._mono_ms) / 1000)
            sleeper.set_result(None)
            await run_down()
        self.tick((goal - self._mono_ms) / 1000)

    def reboot(self, away_s: float) -> None:
        """Let the machine be off for so long, and its monotonic clock begin anew."""
        self._utc_ms += round(away_s * 1000)
        self._mono_ms = 5_000


async def run_down(rounds: int = 150) -> None:
    """Let every task that can run go as far as it can."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class Call(NamedTuple):
    """One request that reached Simkl."""

    account: str
    action: str
    title: str
    progress: float
    utc_ms: int
    mono_ms: int
    rewatch: bool = False

    @property
    def short(self) -> tuple[str, str, float]:
        return (self.action, self.title, self.progress)


class Script(NamedTuple):
    """What is to happen to one request: `error` before or after it took effect; `hang` keeps the answer for ever."""

    error: SimklError | None = None
    takes_effect: bool = False
    hang: bool = False


class PaperSimkl:
    """A Simkl that keeps what it is told, counts twice nothing, and fails as the script says.

    `calls` are the requests that reached it; `tries` all that were made, with their time. `history` maps account and title
    to when it was watched; a second watch within the hour is answered as one already recorded, as in simkl-api.md 4.5.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.tries: list[Call] = []
        self.script: list[Script] = []
        self.down: SimklError | None = None
        self.unknown: set[str] = set()
        self.unwritable: set[str] = set()
        self.allowances: dict[str, Allowance] = {}
        self.playing: dict[str, str] = {}
        self.saved: dict[str, dict[str, float]] = {}
        self.history_rows: list[tuple[str, str, int]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.before: Callable[[Call], None] = lambda _call: None
        self.waiting: Callable[[], Awaitable[None]] | None = None
        self._lanes: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        async with self._lanes.setdefault(account, asyncio.Lock()):
            if self.waiting is not None:
                await self.waiting()
            yield

    async def scrobble(
        self, account: str, action: Any, work: Work, progress: float, *, rewatch: bool = False
    ) -> ScrobbleReply:
        title = describe(work)
        fate = await self._arrive(account, str(action), title, progress, rewatch=rewatch)
        already = False
        answer = str(action)
        if action == "start":
            self.playing[account] = title
            self.saved.get(account, {}).pop(title, None)
        elif action == "stop" and progress >= 80:
            answer = "scrobble"
            already = self._known(account, title)
            if not already:
                self.history_rows.append((account, title, self.clock.now().utc_ms))
            self._off(account, title)
        else:
            answer = "pause"
            self.saved.setdefault(account, {})[title] = progress
            self._off(account, title)
        await self._leave(fate)
        return ScrobbleReply(
            action=answer,
            playback_id=0 if action == "start" else 7,
            progress=progress,
            already=already,
            watched_at=None,
            matched=None,
            doubt="",
            rewatch_status=None,
        )

    async def history(self, account: str, watches: Sequence[Watch], *, rewatch: bool = False) -> HistoryReply:
        missing = set()
        titles = ", ".join(describe(one.work) for one in watches)
        fate = await self._arrive(account, "history", titles, len(watches), rewatch=rewatch)
        if any(describe(one.work) in self.unwritable for one in watches):
            self.in_flight -= 1
            raise Rejected("400 wrong_parameter", status=400, code="wrong_parameter")
        for index, watch in enumerate(watches):
            title = describe(watch.work)
            if title in self.unknown:
                missing.add(index)
            elif not self._known(account, title):
                self.history_rows.append((account, title, watch.at_utc_ms))
        await self._leave(fate)
        return HistoryReply(not_found=frozenset(missing))

    async def delete_playback(self, account: str, playback_id: int) -> None:
        fate = await self._arrive(account, "delete", "", playback_id, rewatch=False)
        self.saved.pop(account, None)
        await self._leave(fate)

    def allowance(self, account: str) -> Allowance:
        return self.allowances.get(account, UNKNOWN)

    @property
    def told(self) -> list[tuple[str, str, float]]:
        """The requests that reached Simkl, in short."""
        return [call.short for call in self.calls]

    def _known(self, account: str, title: str) -> bool:
        return any((one, name) == (account, title) for one, name, _ in self.history_rows)

    def _off(self, account: str, title: str) -> None:
        if self.playing.get(account) == title:
            del self.playing[account]

    async def _arrive(self, account: str, action: str, title: str, progress: float, *, rewatch: bool) -> Script:
        now = self.clock.now()
        call = Call(account, action, title, progress, now.utc_ms, now.mono_ms, rewatch)
        self.tries.append(call)
        self.before(call)
        fate = self.script.pop(0) if self.script else Script(self.down)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if not fate.takes_effect:
                await self._suffer(fate)
            if action != "history":
                self._look_up(title)
            self.calls.append(call)
        except BaseException:
            self.in_flight -= 1
            raise
        return fate

    def _look_up(self, title: str) -> None:
        if title in self.unknown:
            raise NoMatch(f"Simkl does not know {title}", status=404, code="id_err")

    async def _leave(self, fate: Script) -> None:
        try:
            if fate.takes_effect:
                await self._suffer(fate)
        finally:
            self.in_flight -= 1

    async def _suffer(self, script: Script) -> None:
        if script.hang:
            await asyncio.Event().wait()
        if script.error is not None:
            raise script.error


class House:
    """Store, engine and one sender per account. `crash` drops all of it at once; `open` takes it up again."""

    def __init__(self, folder: Path, *accounts: str, traits: SourceTraits = TICKS) -> None:
        self.path = folder / FILE_NAME
        self.clock = VirtualClock()
        self.simkl = PaperSimkl(self.clock)
        self.traits = traits
        self.accounts = [AccountPolicy(account=name) for name in accounts or ("alice",)]
        self.works: dict[str, Work] = {}
        self.boot_id = "boot-1"
        self.answer = True
        self.senders: dict[str, Sender] = {}
        self.effects: list[Effect] = []
        self.database: Database
        self.engine: Engine
        self._tasks: list[asyncio.Task[Any]] = []
        self._random = Random(1)

    async def open(self) -> "House":
        """Start as the daemon does."""
        self.database = await open_inline(self.path)
        self.engine = Engine(self.database, self.clock, self.boot_id)
        self.line = Backoff()
        self.senders = {
            one.account: Sender(
                one.account,
                state=lambda: self.engine.state,
                database=self.database,
                simkl=self.simkl,
                clock=self.clock,
                random=self._random,
                line=self.line,
            )
            for one in self.accounts
        }
        self.engine.listener = self._on_change
        await self.engine.open()
        return self

    def serve(self) -> None:
        """Run the engine's and the senders' services."""
        works = [self.engine.run, *(sender.run for sender in self.senders.values())]
        self._tasks += [asyncio.ensure_future(work()) for work in works]

    async def crash(self) -> None:
        """Lose everything that is not in the file."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self.simkl.in_flight = 0
        self.simkl._lanes.clear()
        await self.database.close()

    async def restart(self) -> None:
        """Crash, and start again."""
        await self.crash()
        await self.open()
        self.serve()

    def _on_change(self, effects: Sequence[Effect], _change: Change) -> None:
        self.effects.extend(effects)
        for sender in self.senders.values():
            sender.wake()
        for effect in effects:
            if isinstance(effect, Resolve) and self.answer:
                self._tasks.append(asyncio.ensure_future(self.identify(effect.session)))

    async def identify(self, session: str, work: Work | None = None) -> None:
        """Answer what a session plays: its own item, unless told otherwise."""
        item = work or self.engine.state.sessions[session].identity.item
        assert isinstance(item, Movie | Episode)
        await self.engine.identified(
            Answer(session=session, names=names_of(item), runtime_ms=None, confidence=1.0, reasons=("by its ids",))
        )

    async def hear(
        self,
        kind: Kind,
        at_percent: float | None = None,
        work: Work = FILM,
        *,
        source: str = "room",
        player: str = "tv",
        **more: Any,
    ) -> None:
        """Let a player say something, and let everybody answer it who can at once."""
        await self.engine.hear(self.heard(kind, at_percent, work, source=source, player=player, **more))
        await run_down()

    def heard(
        self,
        kind: Kind,
        at_percent: float | None = None,
        work: Work = FILM,
        *,
        source: str = "room",
        player: str = "tv",
        **more: Any,
    ) -> Heard:
        """Make an event of it, as the intake does."""
        position = None if at_percent is None else int(LENGTH_MS * at_percent / 100)
        event = PlayerEvent(
            kind=kind,
            player=player,
            item_key=describe(work),
            item=work,
            position_ms=position,
            duration_ms=LENGTH_MS,
            **more,
        )
        return Heard(source=source, traits=self.traits, accounts=tuple(self.accounts), event=event)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for everybody."""
        await self.clock.advance(seconds)

    async def watch(self, start: float, end: float, work: Work = FILM, *, every_s: float = 10, **more: Any) -> None:
        """Play honestly from one percentage to another, with a tick now and then."""
        at, step = start, every_s * 1000 * 100 / LENGTH_MS
        while at < end:
            await self.pass_time(every_s)
            at = min(end, at + step)
            await self.hear("progress", at, work, **more)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the store."""
        return await self.database.read(lambda connection: list(connection.execute(query, values)))

    async def outcomes(self) -> list[tuple[str, str, str]]:
        """List what the outbox says: title, state, outcome."""
        found = await self.rows("SELECT body, state, outcome FROM outbox ORDER BY id")
        return [
            (describe(msgspec.convert(msgspec.json.decode(body)["work"], Movie | Episode)), *rest)
            for body, *rest in found
        ]

    async def dump(self) -> dict[str, Any]:
        """Take the whole state as plain values, to compare."""
        value = msgspec.to_builtins(self.engine.state.contents())
        assert isinstance(value, dict)
        return value


def names_of(work: Work) -> Names:
    """Give a work its names, as the resolver does."""
    every = aliases(work)
    return Names(
        work=work,
        strong=tuple((one.scheme, one.value) for one in every if not one.weak),
        weak=tuple((f"weak:{one.scheme}", one.value) for one in every),
        differs=contradicts,
    )


def second_look(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the file through a connection of one's own: what it says is committed."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.execute(query))
