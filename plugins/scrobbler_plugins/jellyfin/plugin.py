"""The Jellyfin source: the webhook plugin's requests in, or the server's sessions, and look-ups at the server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, Facts, HookPlugin, HookRequest, ListenerPlugin, PlayerEvent, Traits
from scrobbler_plugins.jellyfin import checks
from scrobbler_plugins.jellyfin.lookup import Server
from scrobbler_plugins.jellyfin.options import JellyfinOptions
from scrobbler_plugins.jellyfin.parse import parse
from scrobbler_plugins.jellyfin.sessions import Reading

_LONGEST_CATCH_UP = timedelta(days=14)
_REMEMBERED = 256


class Plugin(HookPlugin, ListenerPlugin):
    """One Jellyfin server.

    A client checks in every 10 s or so; the server's own stop for a dead one comes 5 to 10 minutes late (players.md 2.4).
    """

    Options = JellyfinOptions
    traits = Traits(ticks=True, knows_users=True, quiet_s=90, close_s=1800, richness=80)

    def __init__(self, options: JellyfinOptions, context: Context) -> None:
        super().__init__(options, context)
        given = options.url is not UNSET and options.api_key is not UNSET
        self._server = Server(options, context) if given else None
        self._series: dict[str, str] = {}

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request; see parse.py. Remembers the series of the latest episodes for `lookup`."""
        parsed = parse(request)
        for event in parsed.events if parsed.series_id else ():
            self._remember(event.item_key, parsed.series_id)
        return parsed.events

    def listens(self) -> bool:
        """Tell whether to listen to sessions: where `sessions` says so, else where no hook is set up but a server is."""
        wanted = self.options.secret is UNSET if self.options.sessions is UNSET else self.options.sessions
        return self._server is not None and bool(wanted)

    async def run(self) -> None:
        """Listen to the server's sessions; see listener.py."""
        if self._server is not None:
            from scrobbler_plugins.jellyfin.listener import Listener  # noqa: PLC0415 (only who listens needs it)

            await Listener(self._server, self.context, self._heard).run()

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Ask the server for the ids of the series, the library and the file's path. May raise HttpError."""
        return await self._server.lookup(event, self._series.get(event.item_key, "")) if self._server else None

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what the mapped users finished after `since`, at most 14 days back. May raise HttpError."""
        if self._server is None:
            return ()
        oldest = self.context.clock.now().utc - _LONGEST_CATCH_UP
        return await self._server.missed(max(since.astimezone(UTC), oldest))

    async def check(self) -> Sequence[CheckResult]:
        """Try the server, the key, the webhook plugin and the names under `users`."""
        return await checks.check(self.options, self._server, self.context.source, listens=self.listens())

    def _heard(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if reading.series_id:
                self._remember(reading.item_key, reading.series_id)

    def _remember(self, item_key: str, series_id: str) -> None:
        self._series.pop(item_key, None)
        self._series[item_key] = series_id
        if len(self._series) > _REMEMBERED:
            self._series.pop(next(iter(self._series)))
