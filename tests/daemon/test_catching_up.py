"""Sources that remember plays are asked for the time when they were not heard, and for no other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from scrobbler.api import Context, HookPlugin, Movie, PlayerEvent, SourceOptions, Traits
from scrobbler.api.testkit import START
from scrobbler.daemon import source_set
from scrobbler.daemon.catching_up import EVERY_S, CatchingUp
from scrobbler.daemon.source_set import SourceSet
from scrobbler.http import ConnectError
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy, Heard
from scrobbler.sources.registry import Found
from scrobbler.sources.source import Ports
from scrobbler.store.database import FILE_NAME, Database
from tests.kit.virtual import VirtualClock, open_inline, run_down

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0


class Server(HookPlugin):
    """A source that remembers; `down` makes it refuse, `hangs` never answer, `babbles` answer what nobody understands."""

    Options = SourceOptions
    traits = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=3600, richness=50)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self.asked: list[datetime] = []
        self.down = self.hangs = self.babbles = False
        self.watched: list[datetime] = []

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        self.asked.append(since)
        if self.hangs:
            await asyncio.Event().wait()
        if self.down:
            raise ConnectError("refused")
        if self.babbles:
            raise ValueError("not what was asked for")
        film = Movie(title="Sintel")
        return [PlayerEvent(kind="watched", player="tv", item_key="1", item=film, at=at) for at in self.watched]


class Forgetful(HookPlugin):
    """A source that remembers nothing."""

    Options = SourceOptions
    traits = Server.traits


class House:
    """Two servers and a forgetful source, and a CatchingUp that `look`s when the clock is moved."""

    def __init__(self, folder: Path, database: Database, *, days: float = 14) -> None:
        self.clock = VirtualClock()
        self.database = database
        self.days = days
        self.heard: list[Heard] = []
        self.errands: list[asyncio.Task[None]] = []
        ports = Ports(
            clock=self.clock,
            random=Random(1),
            http=cast("Any", None),
            hear=self._hear,
            hidden=frozenset,
            recall=cast("Any", None),
            remember=cast("Any", None),
            contact=self._contact,
        )
        self.sources = SourceSet(folder, ports)
        rules = Rules(accounts={"alice": AccountPolicy(account="alice")})
        for name, kind in (("attic", "server"), ("cellar", "server"), ("desk", "forgetful")):
            self.sources.add(name, SourceOptions(type=kind, account="alice"), rules)
        limit_ms = lambda: int(self.days * DAY_S * 1000)  # noqa: E731
        self.catching_up = CatchingUp(self.sources, database, self.clock, limit_ms=limit_ms)

    def server(self, name: str = "attic") -> Server:
        source = self.sources.get(name)
        assert source is not None
        assert isinstance(source.plugin, Server)
        return source.plugin

    async def later(self, seconds: float = EVERY_S) -> None:
        """Let time pass in which nothing is looked at, then look."""
        await self.clock.advance(seconds)
        await self.catching_up.look()
        await run_down()

    async def lose(self, name: str = "attic") -> None:
        self.server(name).context.reachable(False, "gone")

    async def meet(self, name: str = "attic") -> None:
        self.server(name).context.reachable(True)
        await run_down()

    async def _hear(self, heard: Heard) -> None:
        self.heard.append(heard)

    def _contact(self, source: str, up: bool) -> None:  # noqa: FBT001 - the port's own shape
        if up:
            self.errands.append(asyncio.ensure_future(self.catching_up.ask(source)))
        else:
            self.catching_up.lost(source)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose sources were first met a moment ago."""
    plugins = {
        name: Found(name=name, distributions=("ours",), finding="usable", plugin=plugin)
        for name, plugin in (("server", Server), ("forgetful", Forgetful))
    }
    monkeypatch.setattr(source_set, "installed", lambda: plugins)
    monkeypatch.setattr(source_set, "hook_secrets", lambda *_: ("secret",))
    monkeypatch.setattr(source_set, "HookOptions", SourceOptions)
    database = await open_inline(tmp_path / FILE_NAME)
    made = House(tmp_path, database)
    await made.catching_up.begin()
    yield made
    await asyncio.gather(*made.errands)
    await database.close()


async def test_the_first_meeting_asks_for_nothing(house: House) -> None:
    """What was watched before a source was ever set up is not taken over."""
    assert house.server().asked == []
    await house.later()
    assert house.server().asked == []


async def test_the_daemon_was_away(house: House) -> None:
    """At the start each source is asked from when it was last heard, and what it tells is taken in."""
    await house.later()
    await house.clock.advance(7200)
    house.server().watched = [START + timedelta(seconds=EVERY_S - 1), START + timedelta(hours=1)]
    again = CatchingUp(house.sources, house.database, house.clock, limit_ms=lambda: int(DAY_S * 1000))
    await again.begin()
    assert house.server().asked == [START + timedelta(seconds=EVERY_S)]
    assert house.server("cellar").asked == house.server().asked
    assert [(one.event.at, one.telling) for one in house.heard] == [(START + timedelta(hours=1), "remembered")]
    await again.begin()
    assert house.server().asked[1] == START + timedelta(seconds=EVERY_S + 7200)


async def test_a_server_was_away(house: House) -> None:
    """A source that is back is asked at once, from when it was last heard, and the others are not."""
    await house.later()
    await house.clock.advance(60)
    await house.lose()
    for _ in range(3):
        house.server().down = True
        await house.later()
    house.server().down = False
    await house.meet()
    last_heard = START + timedelta(seconds=EVERY_S)
    assert house.server().asked == [last_heard] * 4
    assert house.server("cellar").asked == []
    await house.later()
    assert len(house.server().asked) == 4


async def test_what_failed_is_asked_again(house: House) -> None:
    """A source that refuses when it is asked is asked again every few minutes, always from when it was last heard."""
    await house.later()
    house.server().down = True
    again = CatchingUp(house.sources, house.database, house.clock, limit_ms=lambda: int(DAY_S * 1000))
    house.catching_up = again
    await again.begin()
    await house.later()
    house.server().down = False
    await house.later()
    await house.later()
    assert house.server().asked == [START + timedelta(seconds=EVERY_S)] * 3
    source = house.sources.get("attic")
    assert source is not None
    assert source.health.reachable is True


async def test_an_answer_that_nobody_understands_is_none(house: House) -> None:
    """A server that is there and says nonsense has not been asked yet: it is asked again from when it was last heard."""
    await house.later()
    house.server().babbles = True
    await house.later(3600)
    await house.later()
    house.server().babbles = False
    await house.later()
    await house.later()
    assert house.server().asked == [START + timedelta(seconds=EVERY_S)] * 3


async def test_the_machine_slept(house: House) -> None:
    """After a suspend every source is asked for the time of it."""
    await house.later()
    await house.later(8 * 3600)
    assert house.server().asked == house.server("cellar").asked == [START + timedelta(seconds=EVERY_S)]


async def test_bounded_and_off(house: House) -> None:
    """No source is asked further back than `catch_up` says, and none at all where it is 0."""
    await house.later()
    house.days = 2
    await house.later(30 * DAY_S)
    assert house.server().asked == [house.clock.now().utc - timedelta(days=2)]
    house.days = 0
    await house.later(30 * DAY_S)
    await house.lose()
    await house.meet()
    assert len(house.server().asked) == 1


async def test_a_server_that_never_answers(house: House) -> None:
    """One source that hangs keeps no other from being asked."""
    await house.later()
    house.server().hangs = True
    looking = asyncio.ensure_future(house.later(3600))
    await house.clock.advance(3600)
    await run_down()
    assert len(house.server("cellar").asked) == 1
    assert not looking.done()
    looking.cancel()


async def test_a_listener_without_contact(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that listens is asked when it says that it is back, not every few minutes, and an answer until then is none."""
    await house.later()
    source = house.sources.get("attic")
    assert source is not None
    monkeypatch.setattr(type(source), "is_listener", True)
    await house.lose()
    await house.later()
    await house.later()
    assert house.server().asked == []
    await house.catching_up.ask("attic")  # answers, with nothing: its key is refused
    assert source.health.reachable is False
    await house.meet()
    assert house.server().asked == [START + timedelta(seconds=EVERY_S)] * 2
