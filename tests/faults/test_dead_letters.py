"""What Simkl will not take is kept, shown, and sent again when somebody asks (issue 3, point 9)."""

from pathlib import Path

import pytest

from scrobbler.api import Ids, Movie
from scrobbler.daemon import commands
from scrobbler.sandbox.orders import AddTitle
from scrobbler.store.reading import undecided
from tests.faults.house import open_house

pytestmark = pytest.mark.anyio

UNKNOWN = Movie(title="Nobody Knows It", year=2020, ids=Ids(imdb="tt8999999"))


async def test_unknown_today_known_tomorrow(tmp_path: Path) -> None:
    """A title that Simkl does not know goes to review; when Simkl has it, `retry` records it with its true time."""
    async with open_house(tmp_path) as house:
        await house.watch(UNKNOWN)
        ended = house.clock.now().utc
        await house.passes(120)
        status = await house.status()
        assert status.undecided == 1
        (play,) = await house.daemon.database.read(undecided)
        assert (play.kind, play.title) == ("review", "Nobody Knows It (2020)")
        assert house.simkl().history == []
        told = len(house.told())
        await house.passes(3600)
        assert len(house.told()) == told, "nobody asks Simkl the same again and again"
        house.sandbox.add_title(
            AddTitle(kind="movie", title=UNKNOWN.title, year=2020, ids={"imdb": "tt8999999"}, runtime=10)
        )
        retry = commands.handlers(house.daemon)["retry"]
        assert await retry({"play": play.id}) == 1
        await house.settled()
        (watch,) = house.simkl().history
        assert watch.watched_at == f"{ended:%Y-%m-%dT%H:%M:%SZ}"
        assert (await house.status()).undecided == 0
        assert await retry({}) == 0


async def test_a_refusal_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    """One dead letter, and everything after it is delivered."""
    async with open_house(tmp_path) as house:
        await house.watch(UNKNOWN)
        await house.passes(60)
        await house.watch()
        await house.settled()
        assert [watch.title for watch in house.simkl().history] == ["The Example"]
        assert (await house.status()).undecided == 1


async def test_dead_letters_survive_a_restart(tmp_path: Path) -> None:
    """They are rows of the store like all others."""
    async with open_house(tmp_path) as house:
        await house.watch(UNKNOWN)
        await house.passes(60)
        await house.end()
        await house.start()
        assert (await house.status()).undecided == 1
