"""The Emby source: webhooks in, or the server's sessions, and look-ups at the server where it may."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, Facts, HookPlugin, HookRequest, ListenerPlugin, PlayerEvent, Traits
from scrobbler_plugins.emby import checks
from scrobbler_plugins.emby.lookup import Server
from scrobbler_plugins.emby.options import EmbyOptions
from scrobbler_plugins.emby.parse import Told, parse
from scrobbler_plugins.emby.sessions import Reading

_LONGEST_CATCH_UP = timedelta(days=14)
_REMEMBERED = 256


class Plugin(HookPlugin, ListenerPlugin):
    """One Emby server.

    Its hooks tell state changes alone; 15 minutes of slack after the remaining runtime leave room for a pause that was
    not told (players.md 3.4). Its sessions tick, which the daemon knows by their behaviour.
    """

    Options = EmbyOptions
    traits = Traits(ticks=False, knows_users=True, quiet_s=900, close_s=6 * 3600, richness=70)

    def __init__(self, options: EmbyOptions, context: Context) -> None:
        super().__init__(options, context)
        given = options.url is not UNSET and options.api_key is not UNSET
        self._server = Server(options, context) if given else None
        self._told: dict[str, Told] = {}

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one webhook; see parse.py. Remembers what it said of the latest items for `lookup`."""
        parsed = parse(request)
        for event in parsed.events:
            self._remember(event.item_key, parsed.told)
        return parsed.events

    def listens(self) -> bool:
        """Tell whether to listen to sessions: where `sessions` says so, else where no hook is set up but a server is."""
        wanted = self.options.secret is UNSET if self.options.sessions is UNSET else self.options.sessions
        return self._server is not None and bool(wanted)

    async def run(self) -> None:
        """Listen to the server's sessions; see listener.py."""
        if self._server is not None:
            from scrobbler_plugins.emby.listener import Listener  # noqa: PLC0415 (only who listens needs it)

            await Listener(self._server, self.context, self._heard).run()

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the server for the ids of the series and the library. May raise HttpError.

        Without a server the file's path is known all the same: the webhook told it.
        """
        told = self._told.get(event.item_key, Told())
        if self._server is not None:
            return await self._server.lookup(event, told)
        return Facts(path=told.path) if told.path and event.skip is None else None

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what the mapped users finished after `since`, at most 14 days back. May raise HttpError."""
        if self._server is None:
            return ()
        oldest = self.context.clock.now().utc - _LONGEST_CATCH_UP
        return await self._server.missed(max(since.astimezone(UTC), oldest))

    async def check(self) -> Sequence[CheckResult]:
        """Try the server, the key and the names under `users`."""
        return await checks.check(self.options, self._server, self.context.source, listens=self.listens())

    def _heard(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            self._remember(reading.item_key, reading.told)

    def _remember(self, item_key: str, told: Told) -> None:
        self._told.pop(item_key, None)
        self._told[item_key] = told
        if len(self._told) > _REMEMBERED:
            self._told.pop(next(iter(self._told)))
