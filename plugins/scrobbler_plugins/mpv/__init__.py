"""mpv, by its JSON IPC sockets (players.md 5)."""

from scrobbler_plugins.mpv.plugin import Plugin

__all__ = ["Plugin"]
