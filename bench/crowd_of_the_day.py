"""What a day of a whole house costs a step: ten plays in memory, and 10,000 of 1,000 accounts.

The target is at most 1.2 times the cost with ten, for a step alone and for a hook's whole way (step, save and what plays
now), and at most 2 KiB of memory a play.
"""

import asyncio
import gc
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path

from bench.common import table
from scrobbler.clock import SystemClock
from scrobbler.engine.engine import Engine
from scrobbler.plays.machine import step
from scrobbler.plays.model import Heard
from scrobbler.plays.state import State
from scrobbler.store.database import FILE_NAME, Database
from tests.plays.day import Day

FEW, MANY = 10, 10_000
ACCOUNTS = 1_000
ROUNDS = 400
"""So many words are measured; each is a pause or a resume, so that every one of them is stored."""


def main() -> None:
    few, many = Day(FEW, accounts=FEW), Day(MANY, accounts=ACCOUNTS)
    step_few, step_many = _in_turn(_step_ms(few), _step_ms(many))
    hook_few, hook_many = asyncio.run(_hooks())
    table(
        f"A step with {MANY} plays of a day in memory, beside one with {FEW}",
        {
            "a step with ten, median": f"{step_few * 1000:.0f} µs",
            f"a step with {MANY}": f"{step_many * 1000:.0f} µs",
            "ratio of the step": f"{step_many / step_few:.2f}",
            "a hook with ten, median": f"{hook_few:.2f} ms",
            f"a hook with {MANY}": f"{hook_many:.2f} ms",
            "ratio of the hook": f"{hook_many / hook_few:.2f}",
            "memory of a play": f"{bytes_per_play():.0f} bytes",
        },
    )


def bytes_per_play() -> float:
    """Say how many bytes the state takes for each play of a day."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        day = Day(MANY, accounts=ACCOUNTS)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(day.state.plays) == MANY
    return (after - before) / MANY


class _step_ms:  # noqa: N801 - a measure, called like a function
    """Takes one step of a day and returns how long that took, in ms."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._count = 0

    def __call__(self) -> float:
        self._count += 1
        given, now = self._day.next_word()
        began = time.perf_counter()
        change, _ = step(self._day.state, given, now)
        self._day.state.apply(change)
        return (time.perf_counter() - began) * 1000


def _in_turn(*measures: _step_ms) -> list[float]:
    """Measure in turn, so that what else the machine does hits all alike; return the medians."""
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(ROUNDS * 5):
        for measure, times in zip(measures, found, strict=True):
            times.append(measure())
    return [statistics.median(times) for times in found]


async def _hooks() -> list[float]:
    """Let both days hear words through the engine, each in a store of its own; return the medians in ms."""
    with tempfile.TemporaryDirectory() as folder:
        houses = [
            await _house(Path(folder) / str(count), Day(count, accounts=min(count, ACCOUNTS))) for count in (FEW, MANY)
        ]
        found: list[list[float]] = [[] for _ in houses]
        for _ in range(ROUNDS):
            for (engine, day, _), times in zip(houses, found, strict=True):
                given, _now = day.next_word()
                assert isinstance(given, Heard)
                began = time.perf_counter()
                await engine.hear(given)
                times.append((time.perf_counter() - began) * 1000)
        for _, _, database in houses:
            await database.close()
    return [statistics.median(times) for times in found]


async def _house(folder: Path, day: Day) -> tuple[Engine, Day, Database]:
    database = Database(folder / FILE_NAME)
    await database.open()
    clock = SystemClock()
    engine = Engine(database, clock, "bench")
    await engine.open()
    engine.state = State(day.contents_at(clock.now()))
    return engine, day, database


if __name__ == "__main__":
    main()
