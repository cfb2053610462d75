"""The events source: others speak our own language."""

from collections.abc import Sequence
from typing import ClassVar

from scrobbler.api import CheckResult, HookPlugin, HookRequest, PlayerEvent, SourceOptions, Traits
from scrobbler_plugins.events.checks import check
from scrobbler_plugins.events.options import Options
from scrobbler_plugins.events.parse import read


class Plugin(HookPlugin):
    """Reads posted `PlayerEvent` objects.

    An event may name its user: then the source takes `users:`; without, it takes `account:`.
    """

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=21600, richness=50)
    users_optional: ClassVar[bool] = True

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request; raises UnreadableError or UnsupportedTypeError."""
        return read(request)

    async def check(self) -> Sequence[CheckResult]:
        """Say how to post."""
        return check(self.options, self.context.source)
