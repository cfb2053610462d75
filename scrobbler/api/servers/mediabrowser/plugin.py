"""What a source of Emby and one of Jellyfin have in common."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scrobbler.api.events import PlayerEvent
from scrobbler.api.plugin import CheckResult, Context, Facts
from scrobbler.api.servers.checks import Words, foreign, unknown_users
from scrobbler.api.servers.client import Remembered
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.server import MediaServer
from scrobbler.api.servers.mediabrowser.sessions import Told
from scrobbler.api.servers.plugin import ServerPlugin

if TYPE_CHECKING:
    from scrobbler.api.servers.mediabrowser.sessions import Reading


class MediaPlugin(ServerPlugin):
    """One server of the family; `server` is None where it may not be asked."""

    def __init__(self, options: Any, context: Context, server: MediaServer | None) -> None:
        super().__init__(options, context)
        self.server = server
        self._told: Remembered[Told] = Remembered()

    @property
    def asks(self) -> bool:
        """Whether there is a server that may be asked."""
        return self.server is not None

    async def run(self) -> None:
        """Listen to the server's sessions; see listener.py."""
        if self.server is not None:
            from scrobbler.api.servers.mediabrowser.listener import Listener  # only who listens needs it

            await Listener(self.server, self.context, self._heard).run()

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the server for the ids of the series, the library and the file. May raise HttpError.

        Without a server the file's path may be known all the same: Emby's webhook tells it.
        """
        told = self._told.get(event.item_key) or Told()
        if self.server is not None:
            return await self.server.lookup(event, told)
        return Facts(path=told.path) if told.path and event.skip is None else None

    async def history(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what the mapped users finished after `since`. May raise HttpError."""
        return () if self.server is None else await self.server.missed(since)

    def remember(self, item_key: str, told: Told) -> None:
        """Keep what was said of an item, for `lookup`."""
        if any(told):
            self._told.put(item_key, told)

    def _heard(self, readings: "Sequence[Reading]") -> None:
        for reading in readings:
            self.remember(reading.item_key, reading.told)


async def try_server(words: Words, options: Any, server: MediaServer) -> list[CheckResult]:
    """Try address, key and the names under `users`. The last line is bad where nothing more can be asked."""
    public = await server.get("/System/Info/Public")
    version = MediaFields(public.content).text("Version")
    if not version:
        return [foreign(words, options.url, public)]
    results = [CheckResult(good=True, what=f"server: {options.url} answers, version {version}")]
    sessions = await server.sessions()
    if sessions.status != 200:
        what = f"{words.key}: refused with HTTP {sessions.status}"
        return [*results, CheckResult(good=False, what=what, advice=f"make a key under {words.keys_at}")]
    results.append(CheckResult(good=True, what=f"{words.key}: accepted"))
    return results + unknown_users(options, await server.users())
