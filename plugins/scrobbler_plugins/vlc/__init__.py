"""VLC, by its web interface (players.md 6.1)."""

from scrobbler_plugins.vlc.plugin import Plugin

__all__ = ["Plugin"]
