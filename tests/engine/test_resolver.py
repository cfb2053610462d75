"""Who is asked what plays, and what happens while nobody answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from scrobbler.api import Facts, Item, PlayerEvent
from scrobbler.engine.resolver import ASK_AGAIN_S, PATIENCE_MS, RETRY_S, Resolver, UnansweredError
from scrobbler.plays.model import Effect, Resolve
from scrobbler.plays.state import DAY_MS, Change
from scrobbler.store.explain import why
from tests.kit.virtual import MINUTE, House, run_down
from tests.leaks.crowd import NoGuesses

pytestmark = pytest.mark.anyio

FILM_SAID = "Sintel (2010)"
KIDS = "library Kids is not among those that count here"


class OneSource:
    """A source whose server may be away; it says in which library things are."""

    def __init__(self) -> None:
        self.away = True
        self.library = "Films"
        self.asked = 0

    async def lookup(self, source: str, event: PlayerEvent) -> Facts | None:
        """Say the library, or that nobody answers."""
        del source, event
        self.asked += 1
        if self.away:
            raise UnansweredError("the server does not answer in time")
        return Facts(library=self.library)

    def why_not(self, source: str, item: Item | None, *, path: str | None, library: str | None) -> str:
        """Keep one library out."""
        del source, item, path
        return KIDS if library == "Kids" else ""


class Den:
    """A house in which the source is asked what plays, and its server is away at first."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.source = OneSource()
        self.pursuits: list[asyncio.Task[None]] = []
        house.answer = False
        house.engine.listener = self._listen
        self._resolver = Resolver(house.engine, self.source, NoGuesses(), house.clock)

    async def hear(self, kind: str, at_percent: float, undecided: str = "") -> None:
        """Let the player say something, of which the source's filter lacks `undecided`."""
        heard = self.house.heard(kind, at_percent)  # type: ignore[arg-type]
        await self.house.engine.hear(replace(heard, undecided=undecided))
        await run_down()

    def _listen(self, effects: Sequence[Effect], change: Change) -> None:
        self.house._on_change(effects, change)
        for effect in effects:
            if isinstance(effect, Resolve):
                self.pursuits.append(asyncio.ensure_future(self._resolver.pursue(effect.session)))


@pytest.fixture
async def den(tmp_path: Path) -> AsyncIterator[Den]:
    """A running house with one account and one source."""
    house = await House(tmp_path).open()
    house.serve()
    den = Den(house)
    yield den
    for pursuit in den.pursuits:
        pursuit.cancel()
        with suppress(asyncio.CancelledError):
            await pursuit
    await house.crash()


async def test_a_server_that_is_away_costs_no_play(den: Den) -> None:
    """Where no filter needs the server, a play is told by what its event said."""
    await den.hear("play", 0)
    await den.house.clock.advance(3)
    assert den.house.simkl.told == [("start", FILM_SAID, 0)]
    assert den.source.asked == 1


@pytest.mark.parametrize("library", ["Films", "Kids"])
async def test_a_filter_that_cannot_be_judged_keeps_a_play_here(den: Den, library: str) -> None:
    """Nothing of a play reaches Simkl before its server has said that the filter lets it in."""
    den.source.library = library
    await den.hear("play", 0, "library")
    await den.house.clock.advance(RETRY_S + 5)
    assert den.house.simkl.calls == []
    (play,) = den.house.engine.state.plays
    story = await den.house.database.read(lambda connection: why(connection, play))
    assert "its library is not known, and its source did not answer: the server does not answer in time" in str(story)
    den.source.away = False
    await den.house.clock.advance(ASK_AGAIN_S)
    assert den.house.simkl.told == ([("start", FILM_SAID, 0)] if library == "Films" else [])
    assert den.house.engine.state.plays[play].outcome_reason == ("" if library == "Films" else KIDS)


async def test_what_an_event_says_later_decides_as_well(den: Den) -> None:
    """A later event of the play that names the library ends the waiting."""
    await den.hear("play", 0, "library")
    await den.hear("progress", 1)
    await den.house.clock.advance(RETRY_S + 5)
    assert den.house.simkl.told == [("start", FILM_SAID, 1)]


@pytest.mark.parametrize("away", [True, False])
async def test_a_watch_waits_for_its_server(den: Den, monkeypatch: pytest.MonkeyPatch, *, away: bool) -> None:
    """A film that ended while its server was away is recorded when the server is back, and otherwise left to people."""
    assert PATIENCE_MS < DAY_MS
    monkeypatch.setattr("scrobbler.engine.resolver.PATIENCE_MS", 30 * MINUTE)
    await den.hear("play", 60, "library")
    for percent in range(61, 95):
        await den.house.clock.advance(60)
        await den.hear("progress", percent, "library")
    await den.hear("stop", 95, "library")
    await den.house.clock.advance(1800 - 2 * ASK_AGAIN_S)
    (play,) = den.house.engine.state.plays.values()
    assert play.outcome is None
    den.source.away = away
    await den.house.clock.advance(4 * ASK_AGAIN_S)
    (play,) = den.house.engine.state.plays.values()
    if away:
        assert den.house.simkl.calls == []
        assert play.outcome == "needs review"
        assert "its library is not known" in play.outcome_reason
    else:
        assert await den.house.outcomes() == [("Sintel (2010)", "settled", "watched")]
