"""The Tautulli source: notifications of its webhook agent in."""

from collections.abc import Sequence

from scrobbler.api import CheckResult, Context, Facts, HookPlugin, HookRequest, PlayerEvent, Traits
from scrobbler.api.servers.client import Remembered
from scrobbler_plugins.tautulli import checks
from scrobbler_plugins.tautulli.options import TautulliOptions
from scrobbler_plugins.tautulli.parse import parse


class Plugin(HookPlugin):
    """One Tautulli.

    It tells state changes alone. A session of which it hears nothing for five minutes gets a late `stop` with its old
    position (players.md 1.9), so its silence is bounded anyway.
    """

    Options = TautulliOptions
    traits = Traits(ticks=False, knows_users=True, quiet_s=900, close_s=6 * 3600, richness=65)

    def __init__(self, options: TautulliOptions, context: Context) -> None:
        super().__init__(options, context)
        self._paths: Remembered[str] = Remembered()

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one notification; see parse.py. Remembers the files of the latest items for `lookup`."""
        parsed = parse(request)
        for event in parsed.events if parsed.path else ():
            self._paths.put(event.item_key, parsed.path)
        return parsed.events

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Tell the file's path, which the notification named; nobody is asked."""
        path = self._paths.get(event.item_key)
        return Facts(path=path) if path and event.skip is None else None

    async def check(self) -> Sequence[CheckResult]:
        """Say what must be set up in Tautulli; nothing can ask it whether it is."""
        return checks.check(self.context.source)
