"""What can be configured for mpv."""

from typing import Annotated

from msgspec import Meta, field

from scrobbler.api import SourceOptions

DEFAULT_SOCKETS = ("~/.local/state/mpv/*.sock",)


class Options(SourceOptions, kw_only=True, omit_defaults=True):
    """Options of an mpv source."""

    sockets: Annotated[
        list[Annotated[str, Meta(min_length=1)]],
        Meta(
            description="Where mpv's sockets appear: paths or shell patterns, `~` is the home of the user who runs the daemon. "
            "The same as `input-ipc-server` in mpv.conf.",
            min_length=1,
        ),
    ] = field(default_factory=lambda: list(DEFAULT_SOCKETS))
