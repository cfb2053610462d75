"""What can be configured for VLC."""

from typing import Annotated

from msgspec import Meta

from scrobbler.api import Secret, SourceOptions

DEFAULT_URL = "http://127.0.0.1:8080"


class Options(SourceOptions, kw_only=True, omit_defaults=True):
    """Options of a VLC source."""

    url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s/@]+(/\S*)?$")],
        Meta(
            description="Where VLC's web interface listens: its host and its `http-port`. Each VLC has one of its own."
        ),
    ] = DEFAULT_URL
    password: Annotated[
        Secret,
        Meta(description="VLC's `http-password`. VLC lets nobody in without one. Goes to the VLC in `url` alone."),
    ]
