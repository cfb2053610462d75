"""Follows one player: takes in what it signals, looks at it when that is due, and hands the events on."""

import asyncio
from contextlib import suppress

from scrobbler.api import Context, PlayerEvent
from scrobbler.api.connection import GoneError
from scrobbler_plugins.mpris.bus import Bus, Signal
from scrobbler_plugins.mpris.messages import WATCHED, said_of
from scrobbler_plugins.mpris.parse import Player

_OVERTAKEN = 3
"""So many looks in a row may be overtaken by signals; the next counts all the same."""


class Follower:
    """One player on the bus, for as long as it is there."""

    def __init__(self, bus: Bus, owner: str, player: Player, context: Context) -> None:
        self._bus = bus
        self._owner = owner
        self._player = player
        self._context = context
        self._events: list[PlayerEvent] = []
        self._wake = asyncio.Event()
        self._heard = 0
        self._left = False

    def signal(self, signal: Signal) -> None:
        """Take in a signal of this player, in the moment in which it arrives."""
        now_ms = self._now_ms()
        match signal.member, signal.body:
            case "PropertiesChanged", [str(), dict() as changed, list() as dropped]:
                if not WATCHED.isdisjoint(changed):
                    self._events += self._player.heard(said_of(changed), now_ms)
                if not WATCHED.isdisjoint(dropped):
                    self._player.look(now_ms)
            case "Seeked", _:
                self._player.seeked(now_ms)
            case _:
                return
        self._heard += 1
        self._wake.set()

    def leave(self) -> None:
        """Take in that it is no longer to be followed: it has left the bus."""
        self._left = True
        self._wake.set()

    async def run(self) -> None:
        """Follow until it leaves. Cancelled, it tells nothing: the player plays on."""
        with suppress(GoneError):  # the bus: whoever holds it says so
            await self._bus.listen_to(self._owner)
            while not self._left:
                self._wake.clear()
                await self._tell()
                if self._due_s() == 0:
                    await self._look()
                    await self._tell()
                await self._wait()
        self._events += self._player.gone(self._now_ms())
        await self._tell()
        with suppress(GoneError):
            await self._bus.leave(self._owner)

    async def _look(self) -> None:
        """Ask for everything. An answer that a signal has overtaken is old, and so is asked for again."""
        for overtaken in range(_OVERTAKEN + 1):
            heard = self._heard
            properties = await self._bus.properties(self._owner)
            if self._left:
                return
            if heard == self._heard or overtaken == _OVERTAKEN or properties is None:
                break
        now_ms = self._now_ms()
        self._events += (
            self._player.unseen(now_ms) if properties is None else self._player.seen(said_of(properties), now_ms)
        )

    async def _wait(self) -> None:
        """Wait for a signal, or for the next look."""
        if self._left or self._wake.is_set():
            return
        try:
            async with asyncio.timeout(self._due_s()):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _tell(self) -> None:
        events, self._events = self._events, []
        for event in events:
            await self._context.emit(event)

    def _due_s(self) -> float | None:
        due_ms = self._player.due_ms
        return None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms
