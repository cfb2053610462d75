"""Lets scrobblerd hear the Lantern."""

from scrobblerd_lantern.plugin import Plugin

__all__ = ["Plugin"]
