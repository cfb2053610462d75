"""The Kodi source: JSON-RPC where `url` says so, and the hook of the add-on (players.md 4)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET

from scrobbler.api import CheckResult, Context, Facts, HookPlugin, HookRequest, ListenerPlugin, PlayerEvent, Traits
from scrobbler_plugins.kodi.options import KodiOptions
from scrobbler_plugins.kodi.parse import parse

if TYPE_CHECKING:
    from scrobbler_plugins.kodi.counts import Counts
    from scrobbler_plugins.kodi.library import Library

_LONGEST_CATCH_UP = timedelta(days=14)


class Plugin(HookPlugin, ListenerPlugin):
    """One Kodi.

    Over JSON-RPC it ticks, and so does the add-on unless its interval is switched off: the daemon knows both by their
    behaviour. Without, only the length says when silence means something.
    """

    Options = KodiOptions
    traits = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=6 * 3600, richness=65)

    def __init__(self, options: KodiOptions, context: Context) -> None:
        super().__init__(options, context)
        self._asked: tuple[Library, Counts] | None = None

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request of the add-on; see parse.py."""
        return parse(request)

    def listens(self) -> bool:
        """Tell whether there is a Kodi to listen to."""
        return self.options.url is not UNSET

    async def run(self) -> None:
        """Listen to Kodi; see listener.py."""
        from scrobbler_plugins.kodi.connection import Address  # only who listens needs it
        from scrobbler_plugins.kodi.listener import Listener

        library, counts = self._known()
        address, profile = Address.of(str(self.options.url)), self._profile
        listener = Listener(address, library, counts, self.context, profile=profile, marks=self.options.marks)
        await listener.run()

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Add path, and what the library knows beyond the event, to an item of the library."""
        if not self.listens() or event.skip is not None:
            return None
        from scrobbler.api.connection import GoneError
        from scrobbler_plugins.kodi.connection import Address, FailedError, connected

        library, _ = self._known()
        facts = library.facts(event.item_key)
        if facts is None:
            try:
                async with connected(Address.of(str(self.options.url))) as kodi:
                    await library.find(kodi, event.item_key)
            except (FailedError, GoneError) as error:
                self.context.log.debug("Kodi was asked in vain", why=str(error))
            facts = library.facts(event.item_key)
        return facts

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what Kodi has counted as played since it was heard last, at most 14 days back.

        Each profile may have a library of its own, with numbers and counts of its own: only ours is asked.
        """
        if not self.listens():
            return ()
        from scrobbler_plugins.kodi.connection import Address, connected

        library, counts = self._known()
        oldest = max(since.astimezone(UTC), self.context.clock.now().utc - _LONGEST_CATCH_UP)
        async with connected(Address.of(str(self.options.url))) as kodi:
            return await counts.missed(kodi, library, oldest) if await kodi.uses(self._profile) else ()

    async def check(self) -> Sequence[CheckResult]:
        """Try what this source needs; see checks.py."""
        from scrobbler_plugins.kodi.checks import check  # only `doctor` needs it

        return await check(self.options, self.context.source)

    @property
    def _profile(self) -> str:
        return "" if self.options.profile is UNSET else str(self.options.profile)

    def _known(self) -> "tuple[Library, Counts]":
        if self._asked is None:
            from scrobbler_plugins.kodi.counts import Counts
            from scrobbler_plugins.kodi.library import Library

            self._asked = (Library(self.context), Counts(self.context))
        return self._asked
