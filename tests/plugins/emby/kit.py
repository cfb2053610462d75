"""Helpers of the Emby tests."""

from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

from scrobbler.api import Context, HookRequest, PlayerEvent
from scrobbler.api.testkit import Recorder
from scrobbler_plugins.emby import Plugin
from scrobbler_plugins.emby.options import EmbyOptions
from scrobbler_plugins.emby.parse import parse
from tests.kit.emby import emby_event


def request_of(content_type: str, body: bytes) -> HookRequest:
    """Read a request as the daemon does: the fields of a form into `form`."""
    kind = content_type.partition(";")[0]
    if kind == "multipart/form-data":
        message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        (part,) = [part for part in message.walk() if part.get_param("name", header="content-disposition") == "data"]
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return HookRequest(content_type=kind, form={"data": content.decode()})
    form = dict(parse_qsl(body.decode())) if kind == "application/x-www-form-urlencoded" else {}
    return HookRequest(content_type=kind, body=body, form=form)


def events_of(event: str, item: dict[str, Any] | None = None, **changes: Any) -> list[PlayerEvent]:
    """Parse one webhook, composed as Emby composes it."""
    return parse(request_of(*emby_event(event, item, **changes))).events


def one(event: str, item: dict[str, Any] | None = None, **changes: Any) -> PlayerEvent:
    """Parse one webhook that gives one event."""
    (found,) = events_of(event, item, **changes)
    return found


def plugin(context: Context | None = None, **options: Any) -> Plugin:
    """Make a plugin with options."""
    return Plugin(EmbyOptions(type="emby", **options), context or Recorder().context)
