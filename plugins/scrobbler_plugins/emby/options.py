"""The options of an Emby source."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from scrobbler.api import HookOptions, Secret


class EmbyOptions(HookOptions, kw_only=True, omit_defaults=True):
    """An Emby server that posts its webhooks to us, or whose sessions we listen to."""

    url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s/@]+(/\S*)?$")] | UnsetType,
        Meta(
            description="The server's own address, such as `http://emby:8096`. With `api_key` it lets the source ask "
            "for the ids of series, libraries, the plays it missed, and what plays."
        ),
    ] = UNSET
    api_key: Annotated[
        Secret | UnsetType,
        Meta(
            description="An API key of the server (Settings → API Keys). Goes to the server in `url` alone, as a header."
        ),
    ] = UNSET
    sessions: Annotated[
        bool | UnsetType,
        Meta(
            description="Whether to listen to the server's list of sessions, which needs no Premiere. Left out: yes, when "
            "`url` and `api_key` are given and `secret` is not."
        ),
    ] = UNSET
