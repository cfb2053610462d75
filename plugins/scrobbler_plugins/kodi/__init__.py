"""Kodi: JSON-RPC over WebSocket or TCP, and the hook of the add-on "HTTP Scrobbler" (players.md 4)."""

from scrobbler_plugins.kodi.plugin import Plugin

__all__ = ["Plugin"]
