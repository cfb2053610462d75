"""One soak: a household, its weather, its deaths, and the reckoning at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from tests.soak.driver import World
from tests.soak.household import ACCOUNTS, DAY_MS, HOUR_MS, Household, Month
from tests.soak.points import EVERY_POINT
from tests.soak.reckoning import Outcome, Reckoning
from tests.soak.setting import memory_folder

Happening: TypeAlias = tuple[int, int, str, Any]
"""When (ms since 1970), a number that keeps the order, what, and with what."""

DRAIN_DAYS = 4


@dataclass(frozen=True)
class Plan:
    """How a soak is run. `kills`: how many at random; `labelled`: the points at which it dies as well."""

    seed: int
    days: int
    kills: int
    labelled: Sequence[str] = EVERY_POINT
    tick_s: int = 20
    faults: bool = True


async def soak(plan: Plan, keep: Path | None = None) -> Outcome:
    """Run one soak and reckon up. What went wrong can be looked into in the folder `keep`."""
    month = Household(plan.seed, tick_s=plan.tick_s).live(plan.days)
    with memory_folder() as folder:
        async with World(Path(folder), month.begin_ms, Random(plan.seed + 1)) as world:
            run = _Run(plan, month, world)
            await run.through()
            outcome = Reckoning(month, world, plan.labelled).reckon()
            if keep is not None and outcome.deviations:
                world.keep(keep / f"seed-{plan.seed}")
            return outcome


class _Run:
    def __init__(self, plan: Plan, month: Month, world: World) -> None:
        self._plan = plan
        self._month = month
        self._world = world
        self._random = Random(plan.seed + 2)
        self._waiting = list(plan.labelled)
        self._random.shuffle(self._waiting)
        self._kills_due = 0
        self._armed = ""
        self._restart_ms: int | None = None
        self._order = 0

    async def through(self) -> None:
        """Live through the month, and give everything time to be delivered."""
        world, month = self._world, self._month
        await world.start()
        happenings = merge(
            ((one.at_ms, 0, "deliver", one) for one in month.deliveries),
            sorted(self._kills(), key=lambda one: one[:2]),
            sorted(self._weather(), key=lambda one: one[:2]),
            key=lambda one: one[0],
        )
        for at_ms, _, what, values in happenings:
            await self._go_to(at_ms)
            await self._do(what, values)
        world.clear_faults()
        world.sandbox.switches.lock = "wait"
        await world.arm("nothing", 1)
        await self._go_to(month.end_ms + HOUR_MS)
        if not world.alive:
            await world.start()
        await self._go_to(month.end_ms + DRAIN_DAYS * DAY_MS)

    async def _go_to(self, at_ms: int) -> None:
        """Go to a time; who has died is started again on the way."""
        world = self._world
        while True:
            self._mind_the_dead()
            await world.go_to(at_ms if self._restart_ms is None else min(at_ms, self._restart_ms))
            self._note_deaths()
            if self._restart_ms is not None and world.clock.utc_ms >= self._restart_ms:
                self._restart_ms = None
                await self._rise()
            elif world.clock.utc_ms >= at_ms:
                self._mind_the_dead()
                return

    def _mind_the_dead(self) -> None:
        if self._world.alive or self._restart_ms is not None:
            return
        later_s = self._random.choice([0] * 12 + [2, 20, 300, 3600])
        self._restart_ms = self._world.clock.utc_ms + 600 + later_s * 1000

    async def _rise(self) -> None:
        first = next((one for one in self._waiting if one.startswith("birth:")), "")
        if first:
            self._waiting.remove(first)
        await self._world.start(arm=first, reboot=self._random.random() < 0.15)

    async def _arm_next(self) -> None:
        """Arm the next of the labelled points; one that is not reached in a while gives way to another and waits again."""
        waiting = [one for one in self._waiting if not one.startswith(("birth:", "end:"))]
        if not waiting:
            return
        self._armed = waiting[0]
        self._waiting.remove(self._armed)
        self._waiting.append(self._armed)
        await self._world.arm(self._armed, self._random.choice([1, 1, 2, 3]))

    async def _do(self, what: str, values: Any) -> None:
        world = self._world
        match what:
            case "deliver":
                if world.alive and not world.striking and self._kills_due > world.figures.killed_at["anywhere"]:
                    world.kill(self._random.random() * 0.006)
                await world.deliver(values)
            case "kill":
                self._kills_due += 1
            case "stop":
                ends = [one for one in self._waiting if one.startswith("end:")]
                if ends and world.alive:
                    await world.arm(ends[0], 1)
                await world.stop()
            case "arm":
                self._note_deaths()
                if world.alive:
                    await self._arm_next()
            case _:
                self._change_weather(what, values)
        self._note_deaths()

    def _change_weather(self, what: str, values: Any) -> None:
        world = self._world
        match what:
            case "expire":
                world.expire_tokens()
            case "fault":
                world.fault(**values)
            case "clear":
                world.clear_faults()
            case "switch":
                setattr(world.sandbox.switches, *values)
            case "quota":
                user = world.sandbox.state.people.user(values)
                world.sandbox.gate.limits.set_remaining(user, 2)

    def _note_deaths(self) -> None:
        for label in self._world.figures.killed_at:
            if label in self._waiting:
                self._waiting.remove(label)

    def _busy_moment(self) -> int:
        """Choose a time when something goes on; towards the end there is room for what did not come to pass."""
        most = len(self._month.deliveries) * 9 // 10
        one = self._month.deliveries[self._random.randrange(most)]
        return one.at_ms + self._random.choice([0, 1, 5, 1_000, 1_100, 2_000, self._random.randrange(30_000)])

    def _kills(self) -> list[Happening]:
        found: list[Happening] = [(self._busy_moment(), 1, "kill", None) for _ in range(self._plan.kills)]
        found += [(self._busy_moment(), 2, "stop", None) for _ in range(max(4, self._plan.kills // 10))]
        if self._waiting:
            found += [(self._busy_moment(), 3, "arm", None) for _ in range(len(self._waiting) * 4)]
        return found

    def _weather(self) -> list[Happening]:
        if not self._plan.faults:
            return []
        found: list[Happening] = []
        for _ in range(self._plan.days * 6):
            found += self._storm(self._busy_moment())
        for day in range(self._plan.days):
            at_ms = self._month.begin_ms + day * DAY_MS
            found.append((at_ms, 4, "switch", ("lock", self._random.choice(["wait", "spacing"]))))
            found.append((at_ms, 4, "switch", ("conflict_on_pause", self._random.random() < 0.5)))
            found.append((at_ms, 4, "switch", ("auto_finish", self._random.choice(["extrapolated", "sent"]))))
            found.append((self._busy_moment(), 4, "expire", None))
            if day % 3 == 1:
                found.append((at_ms + 19 * HOUR_MS, 4, "quota", self._random.choice(ACCOUNTS)))
        return found

    def _storm(self, at_ms: int) -> list[Happening]:
        chance = self._random
        kind = chance.choice(
            ["status", "status", "drop_before", "drop_after", "drop_after", "slow", "unauthorized", "html"]
        )
        values: dict[str, Any] = {"kind": kind, "count": chance.randint(1, 3)}
        match kind:
            case "status" if chance.random() < 0.2:
                values["count"] = None
                return [(at_ms, 4, "fault", values), (at_ms + chance.randrange(60, 2 * 3600) * 1000, 4, "clear", None)]
            case "status":
                values["retry_after"] = chance.choice([None, 5, 60])
            case "slow":
                values |= {"seconds": chance.choice([3.0, 15.0, 25.0]), "path": "/scrobble"}
            case "unauthorized":
                values["count"] = 1
            case _:
                pass
        return [(at_ms, 4, "fault", values)]
