"""Log files of players and servers, the built-in formats and the user's own (players.md 8)."""

from scrobbler_plugins.logfile.plugin import Plugin

__all__ = ["Plugin"]
