"""Emby: the webhooks of an Emby server, or its list of sessions where there is no Premiere, with look-ups where it may."""

from scrobbler_plugins.emby.plugin import Plugin

__all__ = ["Plugin"]
