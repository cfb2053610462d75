"""The Lantern source."""

from collections.abc import Sequence
from typing import Any, ClassVar

from scrobbler.api import CheckResult, Context, HookPlugin, HookRequest, PlayerEvent, SourceOptions, Traits
from scrobblerd_lantern.options import Options
from scrobblerd_lantern.parse import parse


class Plugin(HookPlugin):
    """One Lantern. It tells changes alone, and does not know who sits before it."""

    Options: ClassVar[type[SourceOptions]] = Options
    traits: ClassVar[Traits] = Traits(ticks=False, knows_users=False, quiet_s=900, close_s=21600, richness=40)

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        if not options.room.strip():
            raise ValueError("`room` must not be empty")

    def parse(self, request: HookRequest) -> Sequence[PlayerEvent]:
        """Read one request."""
        return parse(request, self.options.room)

    async def check(self) -> Sequence[CheckResult]:
        """Say what must be set up at the Lantern; nothing can ask it."""
        where = f"http://HOST:7465/hooks/{self.context.source}/<secret>"
        return [CheckResult(good=True, what="the Lantern must post to us", advice=f"engrave {where} into its lid")]
