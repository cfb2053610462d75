"""What can be configured for MPRIS."""

from typing import Annotated

from msgspec import Meta, field

from scrobbler.api import SourceOptions

DEFAULT_PLAYERS = ("vlc", "mpv", "celluloid", "haruna", "totem", "smplayer", "dragonplayer", "clapper", "kodi")


class Options(SourceOptions, kw_only=True, omit_defaults=True):
    """Options of an MPRIS source."""

    players: Annotated[
        list[Annotated[str, Meta(min_length=1)]],
        Meta(
            description="Which players count: words of their names on the bus, as `scrobbler doctor` shows them, or shell "
            "patterns for the whole name. Browsers are not among them unless you add them, and then count by `titles` alone.",
            min_length=1,
        ),
    ] = field(default_factory=lambda: list(DEFAULT_PLAYERS))
    titles: Annotated[
        list[Annotated[str, Meta(min_length=1)]],
        Meta(
            description="What plays without a file, such as in a browser, counts if its title fits one of these shell patterns. "
            "In a pattern with a single `*`, such as `* - Netflix`, the part that the star stands for is the title."
        ),
    ] = field(default_factory=list)
    bus: Annotated[
        str,
        Meta(
            description="The address of the session bus, or the path of its socket. Left out: `$DBUS_SESSION_BUS_ADDRESS`, else "
            "`/run/user/<uid>/bus`."
        ),
    ] = ""
