"""A source's memory lies in the store, apart from that of others, and waits for a store that cannot be used now."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from scrobbler.api.testkit import FakeClock, settle
from scrobbler.http import HttpClient
from scrobbler.plays.model import Heard
from scrobbler.sources.source import STORAGE_RETRY_S, Ports, SourceMemory
from scrobbler.store import play_state
from scrobbler.store.database import Database, StorageError

pytestmark = pytest.mark.anyio


def ports(
    clock: FakeClock, recall: Callable[[str], Awaitable[str | None]], remember: Callable[[str, str], Awaitable[None]]
) -> Ports:
    async def hear(_heard: Heard) -> None:
        raise AssertionError("nothing is heard here")

    def http() -> HttpClient:
        raise AssertionError("nobody asks here")

    return Ports(
        clock=clock, random=Random(0), http=http, hear=hear, hidden=frozenset, recall=recall, remember=remember
    )


async def test_kept_in_the_store(tmp_path: Path) -> None:
    """What is put is there after the file was opened again; two sources do not see each other's."""
    for run in range(2):
        database = Database(tmp_path / "x.db")
        await database.open()

        async def recall(key: str, database: Database = database) -> str | None:
            return await database.read(partial(play_state.get_meta, key=key))

        async def remember(key: str, value: str, database: Database = database) -> None:
            await database.write(partial(play_state.set_meta, key=key, value=value))

        memory = SourceMemory("one", ports(FakeClock(), recall, remember))
        other = SourceMemory("two", ports(FakeClock(), recall, remember))
        assert await memory.get("place") == (None if run == 0 else "here")
        assert await other.get("place") is None
        await memory.put("place", "there")
        await memory.put("place", "here")
        await database.close()


async def test_waits_for_the_store() -> None:
    """While the disk is full nothing is forgotten and nothing fails: it is tried again."""
    clock, texts, full = FakeClock(), dict[str, str](), [True]

    async def recall(key: str) -> str | None:
        if full[0]:
            raise StorageError("the disk is full")
        return texts.get(key)

    async def remember(key: str, value: str) -> None:
        if full[0]:
            raise StorageError("the disk is full")
        texts[key] = value

    memory = SourceMemory("one", ports(clock, recall, remember))
    putting = asyncio.create_task(memory.put("place", "here"))
    await settle()
    assert not putting.done()
    full[0] = False
    await clock.advance(STORAGE_RETRY_S)
    await putting
    assert texts == {"plugin:one:place": "here"}
    full[0] = True
    getting = asyncio.create_task(memory.get("place"))
    await settle()
    assert not getting.done()
    full[0] = False
    await clock.advance(STORAGE_RETRY_S)
    assert await getting == "here"
