"""The drill: one evening for each labelled point, at which the daemon dies there, and the reckoning at the end."""

from pathlib import Path
from random import Random
from typing import Literal

from tests.soak.driver import World
from tests.soak.household import DAY_MS, FIRST_MS, HOUR_MS, LOFT, SOFA, TV, Month, Seat
from tests.soak.players import Delivery, Mouth, Play
from tests.soak.points import EVERY_POINT
from tests.soak.reckoning import Outcome, Reckoning
from tests.soak.reel import Reel
from tests.soak.setting import memory_folder
from tests.soak.titles import Shelf, Watchable

SEATS: dict[str, Seat] = {"plex": TV["both"], "jelly": SOFA["both"], "relay": LOFT}
TICK_MS = {"plex": 60_000, "jelly": 60_000, "relay": 5 * 60_000}
AWAY_S: dict[str, float] = {"at once": 0.6, "an hour": 3600.0}

Away = Literal["at once", "an hour"]
Then = Literal["goes on", "vanishes"]
"""What the player does once the daemon is dead: it goes on, or it is dead as well, and nobody hears of it again."""

BEFORE_AN_END = tuple(one for one in EVERY_POINT if not one.startswith(("stop:", "history:")))
"""The points that a play passes before it ends."""

PAUSED_S = 300
"""So long after its return the daemon has told that what nobody hears of is paused."""


class Drill:
    """Kills the daemon at every point, each on an evening of its own with a film that is paused, and one that is left."""

    def __init__(
        self, source: Literal["plex", "jelly", "relay"], away: Away, then: Then = "goes on", seed: int = 1
    ) -> None:
        self.labels = EVERY_POINT if then == "goes on" else BEFORE_AN_END
        self._then = then
        self._dangling: list[str] = []
        self._seat = SEATS[source]
        self._away_ms = int(AWAY_S[away] * 1000)
        self._seed = seed
        self._shelf = Shelf(Random(seed))
        self._dead = 0
        self._back_ms = 0
        self._mouth = Mouth()
        self._plays: list[Play] = []
        self._evenings = [self._evening(day, label) for day, label in enumerate(self.labels)]

    def _evening(self, day: int, label: str) -> tuple[str, list[Delivery]]:
        first = len(self._mouth.deliveries)
        film, other = self._shelf.film(), self._shelf.film()
        reel = self._reel(film, FIRST_MS + day * DAY_MS + 20 * HOUR_MS)
        if self._then == "vanishes":
            reel.begin().play(int(film.length_ms * 0.3)).pause(300).play(int(film.length_ms * 0.5)).end("vanish")
            self._tell(film, reel)
            return label, self._mouth.deliveries[first:]
        reel.begin().play(int(film.length_ms * 0.4)).pause(300).play(film.length_ms).end("finish")
        self._tell(film, reel)
        left = self._reel(other, reel.at_ms + 30_000).begin().play(int(other.length_ms * 0.3)).end("stop")
        self._tell(other, left)
        return label, self._mouth.deliveries[first:]

    def _reel(self, title: Watchable, at_ms: int) -> Reel:
        return Reel(at_ms, title.length_ms, TICK_MS[self._seat.source])

    def _tell(self, title: Watchable, reel: Reel) -> None:
        play = Play(self._seat.source, self._seat.player, self._seat.user, self._seat.accounts, title)
        self._plays.append(play)
        self._mouth.tell(play, reel)

    async def run(self) -> Outcome:
        """Drill every point and reckon up."""
        end_ms = FIRST_MS + len(self.labels) * DAY_MS
        month = Month(self._plays, self._mouth.deliveries, FIRST_MS, end_ms)
        with memory_folder() as folder:
            async with World(Path(folder), FIRST_MS, Random(self._seed)) as world:
                await world.start()
                for label, deliveries in self._evenings:
                    await self._pass_evening(world, label, deliveries)
                await world.go_to(end_ms + 2 * DAY_MS)
                outcome = Reckoning(month, world, self.labels).reckon()
        outcome.deviations += self._dangling
        return outcome

    async def _pass_evening(self, world: World, label: str, deliveries: list[Delivery]) -> None:
        deaths = len(world.killed)
        await self._prepare(world, label, deliveries[0].at_ms - 60_000)
        for place, delivery in enumerate(deliveries):
            await self._go_to(world, delivery.at_ms)
            if self._vanished(world, deaths):
                break
            if place == 2:
                await self._strike(world, label)
            await world.deliver(delivery)
            if self._vanished(world, deaths):
                break
        if self._vanished(world, deaths):
            await self._go_to(world, world.clock.utc_ms + self._away_ms + PAUSED_S * 1000)
            shown = [world.sandbox.view(account).banner for account in self._seat.accounts]
            self._dangling += [
                f"{label}: left showing: {now_playing}" for now_playing in shown if now_playing is not None
            ]
        await self._go_to(world, deliveries[-1].at_ms + 3 * HOUR_MS)
        world.clear_faults()
        await self._go_to(world, deliveries[-1].at_ms + 4 * HOUR_MS)
        if world.alive and len(world.killed) == deaths:
            await world.arm("nothing", 1)

    def _vanished(self, world: World, deaths: int) -> bool:
        return self._then == "vanishes" and len(world.killed) != deaths

    async def _prepare(self, world: World, label: str, at_ms: int) -> None:
        await self._go_to(world, at_ms)
        if label.startswith("history"):
            # Too late for a live call: the stop that completes is refused until a minute has passed.
            world.fault(kind="status", path="/scrobble/stop", count=7 * len(self._seat.accounts))
        if label.startswith("renewal"):
            world.expire_tokens()
        if not label.startswith(("birth", "end")):
            await world.arm(label, 1)

    async def _strike(self, world: World, label: str) -> None:
        if label.startswith("end"):
            await world.arm(label, 1)
            await world.stop()
        elif label.startswith("birth"):
            await world.stop()
            await world.start(arm=label)

    async def _go_to(self, world: World, at_ms: int) -> None:
        """Go to a time. Who has died comes back when it was away long enough; what players say meanwhile is lost."""
        while world.clock.utc_ms < at_ms or (not world.alive and self._back_ms <= world.clock.utc_ms):
            if world.alive:
                await world.go_to(at_ms)
                continue
            if self._dead != len(world.killed):
                self._dead = len(world.killed)
                self._back_ms = world.clock.utc_ms + self._away_ms
            await world.go_to(min(at_ms, self._back_ms))
            if world.clock.utc_ms >= self._back_ms:
                await world.start()
