"""Tautulli: its webhook agent, with the template that this project ships."""

from scrobbler_plugins.tautulli.plugin import Plugin

__all__ = ["Plugin"]
