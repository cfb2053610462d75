"""Helpers of the Jellyfin tests."""

import html
import re
from pathlib import Path
from typing import Any

from scrobbler.api import Context, HookRequest, PlayerEvent
from scrobbler.api.testkit import Recorder, hook_request
from scrobbler_plugins.jellyfin import Plugin
from scrobbler_plugins.jellyfin.options import JellyfinOptions
from scrobbler_plugins.jellyfin.parse import parse
from tests.kit.servers import jellyfin_event, jellyfin_payload

TEMPLATE = Path(__file__).parents[3] / "docs" / "players" / "jellyfin-template.hbs"


def request_of(content_type: str, body: bytes) -> HookRequest:
    """Wrap a request as the daemon does."""
    return hook_request(body=body, content_type=content_type.partition(";")[0])


def events_of(kind: str, item: dict[str, Any] | None = None, **changes: Any) -> list[PlayerEvent]:
    """Parse one notification, composed as the plugin composes it."""
    return parse(request_of(*jellyfin_event(kind, item, **changes))).events


def one(kind: str, item: dict[str, Any] | None = None, **changes: Any) -> PlayerEvent:
    """Parse one notification that gives one event."""
    (found,) = events_of(kind, item, **changes)
    return found


def rendered(kind: str, item: dict[str, Any] | None = None, *, template: str = "", **changes: Any) -> str:
    r"""Fill a template as the plugin does: .NET's strings, ids with dashes, `\"` for quotes, HTML in double braces."""
    values = jellyfin_payload(kind, item, **changes)

    def shown(found: re.Match[str]) -> str:
        value = values.get(found[2])
        text = "" if value is None else str(value)
        if re.fullmatch(r"[0-9a-f]{32}", text):
            text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        if found[2] in ("Name", "SeriesName", "DeviceName"):
            text = text.replace('"', '\\"')
        return text if found[1] == "{{{" else html.escape(text).replace("&#x27;", "&#39;")

    return re.sub(r"(\{\{\{?)(\w+)\}\}\}?", shown, template or TEMPLATE.read_text())


def plugin(context: Context | None = None, **options: Any) -> Plugin:
    """Make a plugin with options."""
    return Plugin(JellyfinOptions(type="jellyfin", **options), context or Recorder().context)
