"""Helpers of the Plex tests."""

from email import message_from_bytes
from typing import Any

from scrobbler.api import Context, HookRequest, PlayerEvent
from scrobbler.api.testkit import Recorder
from scrobbler_plugins.plex import Plugin
from scrobbler_plugins.plex.options import PlexOptions
from scrobbler_plugins.plex.parse import parse
from tests.kit.servers import plex_event


def request_of(content_type: str, body: bytes) -> HookRequest:
    """Read a multipart request as the daemon does: the payload into `form`, whatever its part is; pictures dropped."""
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    form = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name == "payload" and isinstance(content, bytes):
            form["payload"] = content.decode()
    return HookRequest(content_type=content_type.partition(";")[0], form=form)


def events_of(event: str, metadata: dict[str, Any] | None = None, **changes: Any) -> list[PlayerEvent]:
    """Parse one webhook, composed as Plex composes it."""
    return parse(request_of(*plex_event(event, metadata, **changes))).events


def one(event: str, metadata: dict[str, Any] | None = None, **changes: Any) -> PlayerEvent:
    """Parse one webhook that gives one event."""
    (found,) = events_of(event, metadata, **changes)
    return found


def plugin(context: Context | None = None, **options: Any) -> Plugin:
    """Make a plugin with options."""
    return Plugin(PlexOptions(type="plex", **options), context or Recorder().context)
