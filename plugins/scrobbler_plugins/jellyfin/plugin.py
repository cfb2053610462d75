"""The Jellyfin source: the webhook plugin's requests in, or the server's sessions, and look-ups at the server."""

from collections.abc import Sequence

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, HookRequest, PlayerEvent, Traits
from scrobbler.api.servers.mediabrowser.plugin import MediaPlugin
from scrobbler_plugins.jellyfin import checks
from scrobbler_plugins.jellyfin.lookup import Server
from scrobbler_plugins.jellyfin.options import JellyfinOptions
from scrobbler_plugins.jellyfin.parse import parse


class Plugin(MediaPlugin):
    """One Jellyfin server.

    A client checks in every 10 s or so; the server's own stop for a dead one comes 5 to 10 minutes late (players.md 2.4).
    """

    Options = JellyfinOptions
    traits = Traits(ticks=True, knows_users=True, quiet_s=90, close_s=1800, richness=80)

    def __init__(self, options: JellyfinOptions, context: Context) -> None:
        given = options.url is not UNSET and options.api_key is not UNSET
        super().__init__(options, context, Server(options, context) if given else None)

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request; see parse.py. Remembers the series of the latest episodes for `lookup`."""
        parsed = parse(request)
        for event in parsed.events:
            self.remember(event.item_key, parsed.told)
        return parsed.events

    async def check(self) -> Sequence[CheckResult]:
        """Try the server, the key, the webhook plugin and the names under `users`."""
        return await checks.check(self.options, self.server, self.context.source, listens=self.listens())
