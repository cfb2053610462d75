"""What can be configured for posted events: what every hook has."""

from scrobbler.api import HookOptions


class Options(HookOptions, kw_only=True, omit_defaults=True):
    """Options of an events source."""
