"""From a notification of Tautulli to events: pure, without I/O (players.md 1.9)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from scrobbler.api import HookRequest, Kind, PlayerEvent, UnreadableError, UnsupportedTypeError, User
from scrobbler_plugins.tautulli.fields import Fields
from scrobbler_plugins.tautulli.items import read_item, skip_of

VERSION = 1
"""The version of the template that this code reads; the template carries it under `scrobblerd_template`."""

_KINDS: dict[str, Kind] = {
    "play": "play",
    "resume": "play",
    "pause": "pause",
    "stop": "stop",
    "watched": "watched",
}
_TYPES = frozenset(
    {"", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
)
_TEMPLATE = "paste docs/players/tautulli-template.json into JSON Data of each trigger"


class Parsed(NamedTuple):
    """The events of one notification, and the path of the file that it named."""

    events: list[PlayerEvent]
    path: str = ""


def parse(request: HookRequest) -> Parsed:
    """Read one notification. Raises UnreadableError and UnsupportedTypeError.

    Triggers that are no plays (buffer, intro, credits, created, …) give no events.
    """
    fields = Fields(_values(request))
    _check_version(fields.text("scrobblerd_template"))
    kind = _KINDS.get(fields.text("action").lower())
    if kind is None:
        return Parsed([])
    key = fields.text("rating_key") or fields.text("guid")
    if not key:
        raise UnreadableError(f"the notification names no item (`rating_key` is empty): {_TEMPLATE}")
    user = _user(fields)
    device = fields.text("machine_id") or fields.text("player") or "player"
    duration_ms = fields.whole("duration_ms") or None
    event = PlayerEvent(
        kind=kind,
        player=f"{device}:{(user.id or user.name).casefold() if user else ''}",
        item_key=f"{fields.text('server_machine_id')}/{key}",
        item=read_item(fields),
        user=user,
        position_ms=_position(fields),
        duration_ms=duration_ms,
        # Plex's own figure for the item, which is often its agent's round one.
        nominal=duration_ms is not None,
        at=_moment(fields),
        library=fields.text("library_name") or fields.text("section_id") or None,
        device=fields.text("player") or None,
        skip=skip_of(fields),
    )
    return Parsed([event], fields.text("file"))


def _values(request: HookRequest) -> Mapping[str, Any]:
    if request.content_type not in _TYPES and not request.content_type.endswith("+json"):
        raise UnsupportedTypeError(f"`{request.content_type}` is not what the template sends: leave Content-Type alone")
    body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
    # JSON is often sent under the form's content type, as `curl -d` does it.
    if request.form and not body.startswith(b"{"):
        return request.form
    try:
        values = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UnreadableError(f"the content is not JSON ({error}): {_TEMPLATE}") from None
    if not isinstance(values, dict):
        raise UnreadableError(f"the content is not a JSON object: {_TEMPLATE}")
    return values


def _check_version(text: str) -> None:
    if not text:
        raise UnreadableError(f"the content is not our template (`scrobblerd_template` is missing): {_TEMPLATE}")
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise UnreadableError(f"`scrobblerd_template` is {text[:20]!r} and not a number: {_TEMPLATE}")
    if int(text) < VERSION:
        raise UnreadableError(f"the template is version {text}, this daemon reads version {VERSION}: {_TEMPLATE} again")
    if int(text) > VERSION:
        raise UnreadableError(
            f"the template is version {text}, newer than this daemon, which reads version {VERSION}: update the daemon, "
            "or paste the template that came with it"
        )


def _user(fields: Fields) -> User | None:
    identity, name = fields.text("user_id"), fields.text("username") or fields.text("user")
    return User(id=identity, name=name) if identity or name else None


def _position(fields: Fields) -> int | None:
    """Return the position in ms. Zero is a position at the beginning of a play alone, later it is unknown."""
    position_ms = fields.whole("view_offset")
    return position_ms if position_ms or fields.text("action").lower() == "play" else None


def _moment(fields: Fields) -> datetime | None:
    seconds = fields.whole("unixtime")
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < 2**33 else None
