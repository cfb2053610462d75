"""The options of a Tautulli source."""

from scrobbler.api import HookOptions


class TautulliOptions(HookOptions, kw_only=True, omit_defaults=True):
    """A Tautulli whose webhook agent posts to us."""
