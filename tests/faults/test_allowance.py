"""The day's allowance: completions have a reserve, starts and pauses give way first, and work goes on at Simkl's midnight."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scrobbler.api import Ids, Movie
from scrobbler.daemon import reloading
from scrobbler.engine import engine
from scrobbler.sandbox.limits import seconds_to_midnight
from scrobbler.sandbox.orders import AddTitle
from scrobbler.simkl.allowance import next_midnight_ms
from tests.faults.house import FILM, MINUTE_S, House, open_house

NOON = datetime(2026, 1, 16, 17, 0, tzinfo=UTC)
SECOND = Movie(title="The Other Example", year=2015, ids=Ids(imdb="tt9000007"))


def _add(house: House) -> None:
    order = AddTitle(kind="movie", title=SECOND.title, year=2015, ids={"imdb": "tt9000007"}, runtime=10)
    house.sandbox.add_title(order)


@pytest.mark.anyio
async def test_the_last_tenth_is_for_completions(tmp_path: Path) -> None:
    """With fifty calls left nothing shows as started or paused, and no position is saved; a watch is recorded at once."""
    async with open_house(tmp_path, utc=NOON) as house:
        _add(house)
        await house.watch()
        house.spend_allowance(51)
        await house.watch()  # its start tells that fifty are left
        await house.passes(60)
        before = len(house.told())
        await house.say("play", 0, film=SECOND)
        await house.passes(3 * MINUTE_S)
        await house.say("pause", 3 * MINUTE_S, film=SECOND)
        await house.passes(MINUTE_S)
        await house.say("play", 3 * MINUTE_S, film=SECOND)
        await house.passes(7 * MINUTE_S)
        await house.say("stop", 10 * MINUTE_S, film=SECOND)
        await house.passes(5)
        assert house.told()[before:] == ["stop 201"]
        await house.say("play", 0, film=SECOND)
        await house.passes(3 * MINUTE_S)
        await house.say("stop", 3 * MINUTE_S, film=SECOND)
        await house.passes(MINUTE_S)
        assert house.told()[before:] == ["stop 201"]
        assert [watch.title for watch in house.simkl().history] == [FILM.title, SECOND.title]


@pytest.mark.anyio
async def test_a_start_that_shows_is_still_ended(tmp_path: Path) -> None:
    """Thrift leaves nothing dangling: what Simkl shows as playing is paused also when little is left."""
    async with open_house(tmp_path) as house:
        house.spend_allowance(52)
        await house.say("play", 0)
        await house.passes(MINUTE_S)
        house.spend_allowance(20)
        await house.passes(3 * MINUTE_S)
        await house.say("pause", 4 * MINUTE_S)
        await house.passes(5)
        assert house.told() == ["start 201", "pause 201"]
        assert house.simkl().banner is None


@pytest.mark.anyio
async def test_what_is_left_is_shown(tmp_path: Path) -> None:
    """The status shows what Simkl's headers say, also what other apps of the account have used."""
    async with open_house(tmp_path) as house:
        await house.watch()
        house.spend_allowance(123)
        await house.watch()
        await house.passes(5)
        (account,) = (await house.status()).accounts
        assert (account.allowance_left, account.allowance_limit) == (house.simkl().remaining, 500)


DAYS = {
    "an ordinary day": (datetime(2026, 1, 16, 4, 40, tzinfo=UTC), datetime(2026, 1, 16, 5, tzinfo=UTC)),
    "the day of 23 hours": (datetime(2026, 3, 8, 5, 10, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
    "the day of 25 hours": (datetime(2026, 11, 1, 4, 10, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
}


@pytest.mark.parametrize("day", DAYS)
def test_midnight_is_new_yorks(day: str) -> None:
    """The next midnight is that of New York, whatever its clocks do that day, as the sandbox counts it by itself too."""
    now, midnight = DAYS[day]
    now_ms, midnight_ms = round(now.timestamp() * 1000), round(midnight.timestamp() * 1000)
    assert next_midnight_ms(now_ms) == midnight_ms
    assert now_ms + seconds_to_midnight(now_ms) * 1000 == midnight_ms
    assert next_midnight_ms(midnight_ms - 1) == midnight_ms
    assert next_midnight_ms(midnight_ms) > midnight_ms


@pytest.mark.anyio
@pytest.mark.parametrize("day", DAYS)
async def test_work_goes_on_at_midnight(day: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked while the allowance is used up; within five minutes of midnight the watch is written, with its time."""
    monkeypatch.setattr(engine, "_SLICE_S", 600.0)
    monkeypatch.setattr(reloading, "LOOK_S", 600.0)
    now, midnight = DAYS[day]
    async with open_house(tmp_path, utc=now) as house:
        house.spend_allowance()
        await house.watch()
        ended = house.clock.now().utc
        assert house.told() == ["start 429"]
        (account,) = (await house.status()).accounts
        assert "used up for today" in account.waits_for
        assert account.allowance_left in (0, None)
        await house.passes((midnight - ended).total_seconds() - 1)
        assert house.told() == ["start 429"]
        await house.passes(320)
        assert house.told() == ["start 429", "history 201"]
        (watch,) = house.simkl().history
        assert watch.watched_at == f"{ended:%Y-%m-%dT%H:%M:%SZ}"
