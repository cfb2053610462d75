"""Our own events, posted as JSON: scripts, and daemons that relay their players (contract.md 1.5)."""

from scrobbler_plugins.events.plugin import Plugin

__all__ = ["Plugin"]
