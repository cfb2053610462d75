"""What the tests of identification share: one guessit child for a whole module, and short ways to ask."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from scrobbler.api import File
from scrobbler.identify import ChildGuesser, Guess, Identification, identify
from scrobbler.identify.nfo import Sidecars


class NoGuesser:
    """A guesser that must not be asked."""

    async def guess(self, path: str) -> Guess | None:
        raise AssertionError(f"guessit was asked about {path}")


def no_sidecars(path: str) -> Sidecars:
    """Stand for a folder without NFO files."""
    return Sidecars()


Ask = Callable[..., Identification]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """Return one event loop for the module, so that one child serves all its questions."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def guesser(loop: asyncio.Runner) -> Iterator[ChildGuesser]:
    """Return the real guessit in its real child."""
    child = ChildGuesser(timeout_s=30)
    yield child
    loop.run(_awaited(child.close()))


@pytest.fixture(scope="module")
def ask(loop: asyncio.Runner, guesser: ChildGuesser) -> Ask:
    """Identify a path with the real guessit."""

    def asked(path: str, *, duration_ms: int | None = None, title: str = "") -> Identification:
        item = File(path=path, title=title)
        return loop.run(identify(item, duration_ms=duration_ms, guesses=guesser, read_sidecars=no_sidecars))

    return asked


@pytest.fixture(scope="module")
def read(loop: asyncio.Runner) -> Ask:
    """Identify a path without guessit: asking it fails the test."""

    def asked(path: str, *, duration_ms: int | None = None, title: str = "") -> Identification:
        item = File(path=path, title=title)
        return loop.run(identify(item, duration_ms=duration_ms, guesses=NoGuesser(), read_sidecars=no_sidecars))

    return asked


async def _awaited(thing: Awaitable[None]) -> None:
    await thing
