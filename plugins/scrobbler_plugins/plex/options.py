"""The options of a Plex source."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from scrobbler.api import HookOptions, Secret


class PlexOptions(HookOptions, kw_only=True, omit_defaults=True):
    """A Plex Media Server that posts its webhooks to us, or whose sessions we listen to."""

    url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s/@]+(/\S*)?$")] | UnsetType,
        Meta(
            description="The server's own address, such as `http://plex:32400`. With `token` it lets the source ask "
            "for the ids of series, exact lengths, file paths and the plays it missed, and what plays."
        ),
    ] = UNSET
    token: Annotated[
        Secret | UnsetType,
        Meta(
            description="A token of the server's owner (X-Plex-Token). Goes to the server in `url` alone, as a header."
        ),
    ] = UNSET
    sessions: Annotated[
        bool | UnsetType,
        Meta(
            description="Whether to listen to the server's sessions, which needs no Plex Pass. Left out: yes, when `url` and "
            "`token` are given and `secret` is not."
        ),
    ] = UNSET
