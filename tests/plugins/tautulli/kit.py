"""Helpers of the Tautulli tests."""

from typing import Any

from scrobbler.api import PlayerEvent
from scrobbler.api.testkit import hook_request
from scrobbler_plugins.tautulli.parse import parse
from tests.kit.tautulli import filled


def one(action: str, item: dict[str, str] | None = None, **changes: Any) -> PlayerEvent:
    """Parse one notification that gives one event."""
    (found,) = parse(hook_request(json=filled(action, item, **changes))).events
    return found
