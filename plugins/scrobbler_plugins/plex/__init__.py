"""Plex: the webhooks of a Plex Media Server, with look-ups at the server where it may."""

from scrobbler_plugins.plex.plugin import Plugin

__all__ = ["Plugin"]
