"""What can be configured for Kodi."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from scrobbler.api import HookOptions


class KodiOptions(HookOptions, kw_only=True, omit_defaults=True):
    """A Kodi that is asked by JSON-RPC, or whose add-on posts to us, or both."""

    url: Annotated[
        Annotated[str, Meta(pattern=r"^(kodi|ws|wss|tcp)://[^\s/@]+(/\S*)?$")] | UnsetType,
        Meta(
            description="Where Kodi listens: `kodi://HOST` (its WebSocket, port 9090), `ws://HOST:PORT`, or `tcp://HOST:PORT`. "
            "Not its web server: over `http://` Kodi tells nothing by itself."
        ),
    ] = UNSET
    profile: Annotated[
        Annotated[str, Meta(min_length=1)] | UnsetType,
        Meta(
            description="Only what is watched while this profile of Kodi is in use. Needs `url`; left out: every profile."
        ),
    ] = UNSET

    def __post_init__(self) -> None:
        """Refuse what would count for everybody."""
        if self.profile is not UNSET and self.url is UNSET:
            raise ValueError("`profile` needs `url`: the add-on does not tell which profile is in use")
