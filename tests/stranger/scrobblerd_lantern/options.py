"""What can be configured for a Lantern."""

from typing import Annotated

from msgspec import Meta

from scrobbler.api import HookOptions


class Options(HookOptions, kw_only=True, omit_defaults=True):
    """A Lantern that posts to us."""

    room: Annotated[str, Meta(description="The room that this Lantern stands in; what others show is passed over.")]
