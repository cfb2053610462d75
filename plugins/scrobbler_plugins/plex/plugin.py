"""The Plex source: webhooks in, or the server's sessions, and look-ups at the server."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, Facts, HookRequest, PlayerEvent, Traits
from scrobbler.api.servers.plugin import ServerPlugin, is_mapped
from scrobbler_plugins.plex import checks
from scrobbler_plugins.plex.lookup import Server
from scrobbler_plugins.plex.options import PlexOptions
from scrobbler_plugins.plex.parse import parse


class Plugin(ServerPlugin):
    """One Plex Media Server.

    Its hooks tell state changes alone. The server itself drops a dead client after about three minutes and often
    says nothing; 15 minutes of slack after the remaining runtime leave room for what a nominal length lacks
    (players.md 1.5). Its sessions tick every 10 s, which the daemon knows by their behaviour.
    """

    Options = PlexOptions
    traits = Traits(ticks=False, knows_users=True, quiet_s=900, close_s=6 * 3600, richness=70)

    def __init__(self, options: PlexOptions, context: Context) -> None:
        super().__init__(options, context)
        given = options.url is not UNSET and options.token is not UNSET
        self._server = Server(str(options.url), str(options.token), context) if given else None

    @property
    def asks(self) -> bool:
        """Whether there is a server that may be asked."""
        return self._server is not None

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one webhook; see parse.py."""
        parsed = parse(request)
        for note in parsed.notes:
            self.context.log.debug("plex.odd_ids", note=note)
        return parsed.events

    async def run(self) -> None:
        """Listen to the server's sessions; see listener.py."""
        if self._server is not None:
            from scrobbler_plugins.plex.listener import Listener  # only who listens needs it

            await Listener(self._server, self.context).run()

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the server for the ids of the series, the exact length and the file's path. May raise HttpError."""
        return await self._server.lookup(event) if self._server else None

    async def history(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what the server's history noted after `since`. May raise HttpError."""
        if self._server is None:
            return ()
        return await self._server.missed(since, lambda user: is_mapped(self.options, user.id, user.name))

    async def check(self) -> Sequence[CheckResult]:
        """Try the server, the token and what Plex's own settings say."""
        return await checks.check(self.options, self._server, self.context.source, listens=self.listens())
