"""The Emby source: webhooks in, or the server's sessions, and look-ups at the server where it may."""

from collections.abc import Sequence

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, HookRequest, PlayerEvent, Traits
from scrobbler.api.servers.mediabrowser.plugin import MediaPlugin
from scrobbler_plugins.emby import checks
from scrobbler_plugins.emby.lookup import Server
from scrobbler_plugins.emby.options import EmbyOptions
from scrobbler_plugins.emby.parse import parse


class Plugin(MediaPlugin):
    """One Emby server.

    Its hooks tell state changes alone; 15 minutes of slack after the remaining runtime leave room for a pause that was
    not told (players.md 3.4). Its sessions tick, which the daemon knows by their behaviour.
    """

    Options = EmbyOptions
    traits = Traits(ticks=False, knows_users=True, quiet_s=900, close_s=6 * 3600, richness=70)

    def __init__(self, options: EmbyOptions, context: Context) -> None:
        given = options.url is not UNSET and options.api_key is not UNSET
        super().__init__(options, context, Server(options, context) if given else None)

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one webhook; see parse.py. Remembers what it said of the latest items for `lookup`."""
        parsed = parse(request)
        for event in parsed.events:
            self.remember(event.item_key, parsed.told)
        return parsed.events

    async def check(self) -> Sequence[CheckResult]:
        """Try the server, the key and the names under `users`."""
        return await checks.check(self.options, self.server, self.context.source, listens=self.listens())
