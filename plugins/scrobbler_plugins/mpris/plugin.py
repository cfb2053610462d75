"""The MPRIS source: keeps a connection to the session bus, and follows each player that counts."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, ClassVar

from scrobbler.api import CheckResult, Context, ListenerPlugin, SourceOptions, Traits
from scrobbler.api.connection import GoneError, keep_connected, retry_s
from scrobbler_plugins.mpris.bus import GONE, MISSING, Bus, Signal, address_of, open_bus
from scrobbler_plugins.mpris.checks import examine
from scrobbler_plugins.mpris.follow import Follower
from scrobbler_plugins.mpris.media import Rules
from scrobbler_plugins.mpris.options import Options
from scrobbler_plugins.mpris.parse import Player
from scrobbler_plugins.mpris.players import PREFIX, Presence, changes, choose


class Plugin(ListenerPlugin):
    """Hears the players of a desktop session."""

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=30)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._rules = Rules(titles=tuple(options.titles), paths=tuple(options.paths.include))

    @classmethod
    def obstacle(cls) -> str:
        """Say what to install where the extra is missing."""
        return "" if find_spec("dbus_fast") else MISSING

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_connected(self.context, self._visit)

    async def check(self) -> Sequence[CheckResult]:
        """Reach the bus, and name who is there and who is left out."""
        return await examine(self.options)

    async def _visit(self, up: Callable[[], None]) -> None:
        visit = _Visit(self.context, self.options.players, self._rules)
        async with open_bus(address_of(self.options.bus), visit.signal) as bus:
            await visit.run(bus, up)


class _Visit:
    """One connection to the bus, and the players that are followed by it."""

    def __init__(self, context: Context, wanted: Sequence[str], rules: Rules) -> None:
        self._context = context
        self._wanted = wanted
        self._rules = rules
        self._present: dict[str, Presence] = {}
        self._followed: dict[str, Presence] = {}
        self._followers: dict[str, Follower] = {}
        self._news: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def signal(self, signal: Signal) -> None:
        """Take in a signal in the moment in which it arrives."""
        follower = self._followers.get(signal.sender)
        if follower is not None:
            follower.signal(signal)
            return
        match signal.member, signal.body:
            case "NameOwnerChanged", [str() as name, str(), str() as owner] if name.startswith(PREFIX):
                self._news.put_nowait((name, owner))

    async def run(self, bus: Bus, up: Callable[[], None]) -> None:
        """Follow whoever comes, until the bus has gone. Raises GoneError."""
        await bus.listen_to_names(PREFIX)
        for name in await bus.names():
            if name.startswith(PREFIX):
                self._news.put_nowait((name, await bus.owner(name)))
        up()
        async with asyncio.TaskGroup() as tasks:
            meeting = tasks.create_task(self._meet(bus, tasks), name="mpris names")
            await bus.closed()
            meeting.cancel()
            for follower in self._followers.values():
                follower.leave()
        raise GoneError(GONE)

    async def _meet(self, bus: Bus, tasks: asyncio.TaskGroup) -> None:
        """Take in who comes and goes."""
        with suppress(GoneError):
            while True:
                await self._take_news(bus)
                chosen = choose(self._present.values(), self._wanted, self._followed)
                left, new = changes(self._followed, chosen.followed)
                for owner in left:
                    del self._followed[owner]
                    follower = self._followers.pop(owner, None)  # None: it has not begun
                    if follower is not None:
                        follower.leave()
                for one in new:
                    self._followed[one.owner] = one
                    tasks.create_task(self._follow(bus, one), name=f"mpris {one.label}")

    async def _take_news(self, bus: Bus) -> None:
        """Wait for names that come or go, and take all that are known by now: two names of one VLC come together."""
        news = [await self._news.get()]
        while not self._news.empty():
            news.append(self._news.get_nowait())
        for name, owner in news:
            self._present.pop(name, None)
            if owner:
                self._present[name] = Presence(name, owner, await bus.pid(owner))

    async def _follow(self, bus: Bus, one: Presence) -> None:
        """Follow one player until it leaves; from the beginning again when an event could not be stored."""
        failures = 0
        while self._followed.get(one.owner) == one:
            player = Player(one.label, self._rules, browser=one.browser)
            follower = self._followers[one.owner] = Follower(bus, one.owner, player, self._context)
            self._context.log.debug("following a player", player=one.label)
            try:
                await follower.run()
            except Exception as error:  # noqa: BLE001 (looking again tells it again)
                why = f"{type(error).__name__}: {error}"
                self._context.log.warning("following a player failed, trying again", player=one.label, why=why)
                await self._context.clock.sleep(retry_s(failures))
                failures += 1
            else:
                return
