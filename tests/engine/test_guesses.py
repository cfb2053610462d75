"""File names are read once each, and again where reading them failed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scrobbler.engine.guesses import RETRY_S, StoredGuesses
from scrobbler.identify import Guess, GuessError
from scrobbler.store.database import FILE_NAME, Database
from tests.kit.virtual import VirtualClock, open_inline, run_down

pytestmark = pytest.mark.anyio
PATH = "films/Sintel.mkv"


class Reader:
    """A GuessSource that fails a number of times first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[str] = []

    async def guess(self, path: str) -> Guess | None:
        self.asked.append(path)
        if len(self.asked) <= self.failures:
            raise GuessError("too busy")
        return Guess(title="Sintel")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await open_inline(tmp_path / FILE_NAME)
    yield made
    await made.close()


async def test_a_name_is_read_once(database: Database) -> None:
    """What a name was taken for is in the store: neither a second play nor a restart asks again."""
    first, second = Reader(), Reader()
    clock = VirtualClock()
    assert await StoredGuesses(database, clock, first).guess(PATH) == Guess(title="Sintel")
    assert await StoredGuesses(database, clock, second).guess(PATH) == Guess(title="Sintel")
    assert (first.asked, second.asked) == ([PATH], [])


async def test_a_name_that_could_not_be_read_is_read_again(database: Database) -> None:
    """A machine that is too busy for it costs nobody a decision: the name is read when there is time."""
    reader, clock = Reader(failures=len(RETRY_S)), VirtualClock()
    answer = asyncio.ensure_future(StoredGuesses(database, clock, reader).guess(PATH))
    await run_down()
    for pause_s in RETRY_S:
        asked = len(reader.asked)
        await clock.advance(pause_s - 1)
        assert (answer.done(), len(reader.asked)) == (False, asked)
        await clock.advance(1)
    assert await answer == Guess(title="Sintel")


async def test_a_name_that_can_never_be_read_goes_to_review(database: Database) -> None:
    """In the end the failure is told, and people decide."""
    reader, clock = Reader(failures=99), VirtualClock()
    answer = asyncio.ensure_future(StoredGuesses(database, clock, reader).guess(PATH))
    await run_down()
    await clock.advance(sum(RETRY_S))
    with pytest.raises(GuessError):
        await answer
    assert len(reader.asked) == len(RETRY_S) + 1
