"""A store with plays of every outcome, and a house around it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from scrobbler.api import Episode, File, Ids, Movie, PlayerEvent, Show, Work
from scrobbler.api.testkit import FakeClock
from scrobbler.clock import Clock, Now
from scrobbler.plays.machine import step
from scrobbler.plays.model import (
    AccountPolicy,
    Effect,
    Fact,
    Heard,
    Identified,
    Ignore,
    Input,
    Note,
    Resolve,
    SourceTraits,
    Unidentified,
)
from scrobbler.plays.state import State
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.store import outbox, play_state, reading
from scrobbler.store.database import Connection, Database

Result = TypeVar("Result")

MINUTE = 60_000
TRAITS = SourceTraits(ticks=True, quiet_ms=600 * MINUTE, close_ms=1200 * MINUTE, richness=50)


class World:
    """Feeds the real state machine and keeps all in a real store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.state = State()
        self.sessions: list[str] = []

    async def tell(self, given: Input) -> Sequence[Effect]:
        """Take one step, as the engine does."""
        now: Now = self.clock.now()
        change, effects = step(self.state, given, now)

        def work(connection: Connection) -> None:
            play_state.save_change(connection, change, self.state.sessions)
            play_state.write_notes(connection, [one for one in effects if isinstance(one, Note)], now.utc_ms)
            for effect in effects:
                if isinstance(effect, Fact):
                    outbox.enqueue(connection, effect, now.utc_ms)

        await self.database.write(work)
        self.state.apply(change)
        self.sessions += [one.session for one in effects if isinstance(one, Resolve)]
        return effects

    async def hear(
        self, kind: str, key: str, minutes: float | None = None, *, account: str = "alice", player: str = "tv"
    ) -> None:
        """Let a player say something about an item of 100 minutes."""
        event = PlayerEvent(
            kind=kind,  # type: ignore[arg-type]
            player=player,
            item_key=key,
            item=File(path=f"/media/{key}.mkv"),
            position_ms=None if minutes is None else int(minutes * MINUTE),
            duration_ms=100 * MINUTE,
            device="Living Room",
        )
        policy = AccountPolicy(account=account)
        await self.tell(Heard(source="mpv", traits=TRAITS, accounts=(policy,), event=event))

    async def identify(self, work: Work, number: int) -> None:
        """Let the resolver answer for the session that opened last."""
        answer = Identified(
            session=self.sessions[-1], work_id=number, work=work, runtime_ms=100 * MINUTE, reasons=("by its name",)
        )
        await self.tell(answer)

    async def play(self, key: str, work: Work | None, number: int, until: float, *, account: str = "alice") -> str:
        """Play an item from its beginning to so many minutes (of 100), then stop. Returns the play's id."""
        await self.hear("play", key, 0, account=account, player=account)
        name = f"p{max(int(one[1:]) for one in self.state.plays)}"
        if work is not None:
            await self.identify(work, number)
        self.clock.tick(until * 60)
        await self.hear("stop", key, until, account=account, player=account)
        self.clock.tick(60)
        return name

    async def settle(self, play: str, state: outbox.EntryState, outcome: str, *, action: str = "stop") -> None:
        """Let the sender be done with a play."""
        now = self.clock.now().utc_ms

        def work(connection: Connection) -> None:
            attempt = outbox.begin_attempt(connection, "alice", action, play, [], now)
            outbox.end_attempt(connection, attempt, "refused: no" if state == "refused" else "scrobble", now)
            (number,) = connection.execute("SELECT id FROM outbox WHERE play = ?", (play,)).fetchone()
            outbox.settle(connection, number, state, outcome, now)

        await self.database.write(work)

    async def history(self, limit: int = 50, before: str | None = None) -> list[reading.PlaySummary]:
        """Read the history."""
        return await self.database.read(lambda connection: reading.history(connection, limit, before))


MOVIE = Movie(title="Sintel", year=2010, ids=Ids(simkl=53992))
EPISODE = Episode(show=Show(title="Pioneer One", ids=Ids(tvdb="170551")), season=1, number=2)


async def full_house(world: World) -> dict[str, str]:
    """Make one play of each outcome; returns their ids by outcome."""
    made = {"watched": await world.play("a", MOVIE, 1, 95)}
    await world.settle(made["watched"], "settled", "watched")
    made["saved"] = await world.play("b", EPISODE, 2, 30)
    await world.settle(made["saved"], "settled", "saved at 30 %")
    made["refused"] = await world.play("c", Movie(title="Refused"), 3, 95)
    await world.settle(made["refused"], "refused", "Simkl says no")
    made["waiting"] = await world.play("d", Movie(title="Waiting", ids=Ids(simkl=77)), 4, 95, account="bob")
    made["too old"] = await world.play("e", Movie(title="Old"), 5, 30)
    await world.settle(made["too old"], "settled", "too old")
    await world.hear("play", "f", 0)
    made["review"] = f"p{max(int(one[1:]) for one in world.state.plays)}"
    await world.tell(Unidentified(session=world.sessions[-1], reason="nothing in its name tells what it is"))
    world.clock.tick(600)
    await world.hear("stop", "f", 10)
    await world.hear("play", "g", 0)
    made["ignored"] = f"p{max(int(one[1:]) for one in world.state.plays)}"
    await world.tell(Ignore(session=world.sessions[-1], reason="its path is excluded"))
    made["playing"] = await start(world, "h", Movie(title="<script>alert(1)</script> & co"), 6)
    return made


async def start(world: World, key: str, work: Work, number: int, player: str = "tv") -> str:
    """Begin to play something and leave it playing at 20 minutes."""
    await world.hear("play", key, 0, player=player)
    name = f"p{max(int(one[1:]) for one in world.state.plays)}"
    await world.identify(work, number)
    world.clock.tick(20 * 60)
    await world.hear("progress", key, 20, player=player)
    return name


class WorldHouse:
    """A running daemon's house around a world."""

    running = True

    def __init__(self, world: World) -> None:
        self._world = world
        self.trouble: list[str] = []
        self.refused_change = ""
        self.links = [
            AccountState(name="alice", linked=True, linked_as="Alice W", allowance_left=480, allowance_limit=500),
            AccountState(name="bob", linked=False, parked="account 'bob' is not linked to Simkl"),
        ]

    @property
    def clock(self) -> Clock:
        return self._world.clock

    @property
    def started_utc_ms(self) -> int | None:
        return FakeClock().now().utc_ms

    def state(self) -> State:
        return self._world.state

    def accounts(self) -> Sequence[AccountState]:
        return self.links

    def sources(self) -> Sequence[SourceHealth]:
        return [
            SourceHealth(name="living-room", type="mpv", state="enabled", up=True, since_utc_ms=1),
            SourceHealth(name="attic", type='pl"ex', state="import failed", problem="no module <b>"),
        ]

    def faults(self) -> Sequence[str]:
        return self.trouble

    def not_taken_over(self) -> str:
        return self.refused_change

    def hook_answers(self) -> Mapping[tuple[str, int], int]:
        return {("attic", 204): 3, ("attic", 401): 1}

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._world.database.read(work)


async def open_world(path: Path) -> World:
    """Make a new store."""
    database = Database(path)
    await database.open()
    return World(database)
