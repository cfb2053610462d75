"""Jellyfin: the webhook plugin of a Jellyfin server, with look-ups at the server where it may."""

from scrobbler_plugins.jellyfin.plugin import Plugin

__all__ = ["Plugin"]
