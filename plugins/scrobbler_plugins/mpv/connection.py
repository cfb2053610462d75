"""One connection to one mpv."""

import asyncio
from collections.abc import Iterable

from scrobbler.api import Context, PlayerEvent
from scrobbler_plugins.mpv.messages import Lines, decode
from scrobbler_plugins.mpv.parse import Player, Step
from scrobbler_plugins.mpv.transport import Channel


class Connection:
    """Reads one mpv until it goes, and hands its events on.

    `heard` says whether it ever spoke as mpv does, `knocks` which signs have come from other connections to the same mpv.
    What mpv says most, a position of which nothing follows, is dealt with where it is read, without waking the task.
    """

    def __init__(self, channel: Channel, player: Player, context: Context) -> None:
        self._channel = channel
        self._player = player
        self._context = context
        self._lines = Lines()
        self._steps: list[Step] = []
        self._wake = asyncio.Event()
        self._wait_s: float | None = None
        self._ended = False
        self._failure: Exception | None = None
        self.heard = False
        self.knocks: set[str] = set()

    async def run(self) -> None:
        """Watch until mpv hangs up. What that means for its play is for the caller to find out."""
        try:
            await self._channel.write(self._player.greet())
            while not self._ended:
                for step in await self._next():
                    if step.write:
                        await self._channel.write(step.write)
                    await self.emit(step.events)
        finally:
            self._channel.close()

    async def emit(self, events: Iterable[PlayerEvent]) -> None:
        """Hand events on, in order."""
        for event in events:
            await self._context.emit(event)

    async def _next(self) -> list[Step]:
        """Wait until there is something to do. Nothing is read while that is done: mpv keeps it for us."""
        self._wake.clear()
        self._wait_s = self._player.wait_s
        self._channel.listen(self._take)
        try:
            async with asyncio.timeout(self._wait_s):
                await self._wake.wait()
        except TimeoutError:
            if not self._steps:
                return [Step(self._player.beat(self._now_ms()))]
        finally:
            self._channel.rest()
        if self._failure is not None:
            raise self._failure
        steps, self._steps = self._steps, []
        return steps

    def _take(self, data: bytes) -> None:
        try:
            self._read(data)
        except Exception as error:  # noqa: BLE001 (raised again in the task; the loop would only log it)
            self._failure = error
        if self._steps or self._ended or self._failure or self._player.wait_s != self._wait_s:
            self._wake.set()

    def _read(self, data: bytes) -> None:
        self._ended = not data
        now_ms = self._now_ms()
        for line in self._lines.cut(data):
            message = decode(line)
            if message is None:
                continue
            self.heard = self.heard or bool(message.event or message.error)
            if sign := message.knock:
                self.knocks.add(sign)
            step = self._player.feed(message, now_ms)
            if step.events or step.write:
                self._steps.append(step)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms
