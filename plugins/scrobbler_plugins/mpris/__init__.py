"""Players of a desktop, by MPRIS on the session bus (players.md 7)."""

from scrobbler_plugins.mpris.plugin import Plugin

__all__ = ["Plugin"]
