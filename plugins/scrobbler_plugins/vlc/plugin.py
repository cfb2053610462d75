"""The VLC source: looks at one VLC every second while it plays."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from scrobbler.api import CheckResult, Context, ListenerPlugin, PlayerEvent, SourceOptions, Traits
from scrobbler.api.connection import LAST_RETRY_S, GoneError, keep_connected
from scrobbler_plugins.vlc.checks import examine
from scrobbler_plugins.vlc.client import NOT_VLC, Client, DeniedError, OffError, SilentError
from scrobbler_plugins.vlc.media import Media, identify
from scrobbler_plugins.vlc.messages import Status, find_uri, read_status
from scrobbler_plugins.vlc.options import Options
from scrobbler_plugins.vlc.parse import Look, Player

LOCAL_RETRY_S = 2.0
"""A VLC on this machine that is off is tried this often: no packet leaves, the kernel says no in some 20 microseconds."""
DENIED_S = 60.0
"""A VLC that lets us not in, or what else has its port, is asked again so much later: somebody has to change something."""
SILENT_S = 15.0
"""A VLC that gives no answer so long has gone; it may be busy opening a file from a slow disk."""
AGAIN_S = 1.0


class Plugin(ListenerPlugin):
    """Watches the VLC at `url`."""

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=50)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._client = Client(options.url, options.password)
        self._player = Player(self._client.player)

    async def run(self) -> None:
        """Watch until cancelled. Cancelled, it tells nothing: VLC plays on."""
        last_s = LOCAL_RETRY_S if self._client.local else LAST_RETRY_S
        await keep_connected(self.context, self._visit, last_retry_s=last_s)

    async def check(self) -> Sequence[CheckResult]:
        """Ask for the status once, and say what to change where if that fails."""
        return await examine(self._client, self.options.url)

    async def _visit(self, up: Callable[[], None]) -> None:
        try:
            look = await self._look()
        except DeniedError as error:
            self.context.reachable(False, str(error))
            await self.context.clock.sleep(DENIED_S)
            raise
        up()
        self.context.log.debug("VLC answers", version=look.status.version)
        try:
            while True:
                await self._take(look)
                await self.context.clock.sleep(self._player.wait_s)
                look = await self._look_again()
        except GoneError:
            await self._emit(self._player.lost(self._now_ms()))
            raise

    async def _look(self) -> Look:
        asked_ms = self._now_ms()
        body = await self._client.status()
        try:
            status = read_status(body)
        except ValueError as error:
            self.context.log.debug("VLC's answer cannot be read", why=str(error))
            # A page about an error of its own comes now and then, between two items.
            kind = SilentError if b"<html" in body[:2000].lower() and b"videolan" in body.lower() else DeniedError
            raise kind(NOT_VLC) from None
        return Look(status, asked_ms, self._now_ms())

    async def _look_again(self) -> Look:
        """Look until there is an answer. Raises GoneError when VLC is off, or has been silent for too long."""
        since_ms = self._now_ms()
        while True:
            try:
                return await self._look()
            except OffError:
                raise
            except GoneError as error:
                if self._now_ms() - since_ms >= SILENT_S * 1000:
                    raise
                self.context.log.debug("no answer of VLC", why=str(error))
            await self.context.clock.sleep(AGAIN_S)

    async def _take(self, look: Look) -> None:
        media = await self._identify(look.status) if self._player.is_new(look.status) else None
        await self._emit(self._player.look(look, media))

    async def _identify(self, status: Status) -> Media | None:
        """Ask for the address of what plays; None if VLC does not say it this time."""
        try:
            uri = find_uri(await self._client.playlist(), status.item)
        except (GoneError, ValueError) as error:
            self.context.log.debug("no playlist of VLC", why=str(error))
            return None
        return identify(uri, status.title, status.name, status.streams)

    async def _emit(self, events: Iterable[PlayerEvent]) -> None:
        for event in events:
            await self.context.emit(event)

    def _now_ms(self) -> int:
        return self.context.clock.now().mono_ms
