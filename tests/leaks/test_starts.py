"""The application can be started and ended any number of times in one process and leaves nothing behind."""

import asyncio
import gc
import os
import threading
from pathlib import Path

import pytest
from msgspec import Struct

from tests.faults.house import House, open_house

pytestmark = pytest.mark.anyio

STARTS = 50


class Held(Struct, frozen=True):
    """What a process holds: its open files by what they are, its threads and tasks by name."""

    files: tuple[str, ...]
    threads: tuple[str, ...]
    tasks: tuple[str, ...]


def _held() -> Held:
    gc.collect()
    files = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)  # noqa: PTH115 (the text, not a path)
        except OSError:
            continue
        files.append(target.partition(":")[0])
    tasks = [task.get_name() for task in asyncio.all_tasks() if not task.get_name().startswith("Task-")]
    anonymous = [task for task in asyncio.all_tasks() if task.get_name().startswith("Task-")]
    return Held(
        tuple(sorted(files)),
        tuple(sorted(one.name for one in threading.enumerate())),
        (*sorted(tasks), f"and {len(anonymous)} more"),
    )


async def _evening(house: House) -> None:
    """Start the daemon, let it store, deliver and answer, and end it."""
    await house.start()
    await house.say("play", 0)
    await house.passes(5)
    assert await house.health() == 200
    await house.end()
    await house.passes(2)


async def test_fifty_starts_leave_nothing_behind(tmp_path: Path) -> None:
    """After fifty starts and ends, each with a play and its calls: files, threads and tasks as after the second."""
    async with open_house(tmp_path, started=False) as house:
        for _ in range(2):
            await _evening(house)
        before = _held()
        for _ in range(STARTS - 2):
            await _evening(house)
        assert _held() == before
        assert not [name for name in before.threads if name.startswith("store-")]
