"""From a request of Jellyfin's webhook plugin to events: pure, without I/O (players.md 2.1 to 2.5).

Since some versions the one-second timer's positions come without their mark (`IsAutomated`): what can be told from one
request alone is told here, by the age of the last check-in; the wall clock between requests is the state machine's.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from scrobbler.api import HookRequest, Kind, PlayerEvent, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.servers.mediabrowser.items import skip_of_class
from scrobbler.api.servers.mediabrowser.sessions import Told, player_of, told_of
from scrobbler_plugins.jellyfin.fields import HookFields
from scrobbler_plugins.jellyfin.items import read_item

_TYPES = frozenset(
    {
        "",
        "text/plain",
        "application/json",
        "text/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }
)

# A client checks in every 10 s or so, the timer counts on from its last word. A younger check-in makes even a position of
# the timer right to within these seconds.
_PROGRESS_CHECK_IN_S = 5.0
# The server stops sessions by itself when their last check-in is five minutes old; that stop carries the timer's position.
_STOP_CHECK_IN_S = 240.0

_LONE_BACKSLASH = re.compile(rb'\\(["\\/bfnrtu])|\\')


class Parsed(NamedTuple):
    """The events of one request, and what else it told of their item."""

    events: list[PlayerEvent]
    told: Told = Told()


def parse(request: HookRequest) -> Parsed:
    """Read one request. Raises UnreadableError and UnsupportedTypeError.

    Other notifications, and the plugin's test message (a notification without an item), give no events.
    """
    fields = _fields(request)
    name = fields.text("NotificationType").lower()
    kind = _kind(name, fields)
    item_id = fields.identity("ItemId")
    if not name and fields.has("Event"):
        raise UnreadableError(
            "there is no `NotificationType`: this is another plugin than Webhook of Jellyfin's catalog"
        )
    if kind is None:
        return Parsed([])
    if not item_id:
        if fields.has("Name") or fields.has("UserId"):
            raise UnreadableError("the notification has no `ItemId`: tick Send All Properties, or use our template")
        return Parsed([])
    user = _user(fields)
    event = PlayerEvent(
        kind=kind,
        # A mark was made on no player.
        player=player_of(HookFields({"DeviceId": "by-hand"}) if kind == "marked" else fields, user),
        item_key=item_id,
        item=read_item(fields),
        user=user,
        position_ms=_position(fields, kind),
        observed=_observed(fields, kind),
        duration_ms=fields.ticks_ms("RunTimeTicks") or fields.clock_ms("RunTime"),
        at=fields.moment("UtcTimestamp"),
        device=fields.name("DeviceName") or None,
        skip=skip_of_class(fields.text("ItemType")),
    )
    return Parsed([event], told_of(fields, user))


def _fields(request: HookRequest) -> HookFields:
    if request.content_type not in _TYPES and not request.content_type.endswith("+json"):
        raise UnsupportedTypeError(f"`{request.content_type}` is not what the webhook plugin sends: JSON, or a form")
    body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
    form = HookFields(request.form)
    # JSON is often sent under the form's content type, as `curl -d` does it.
    if request.form and (form.has("NotificationType") or not body.startswith(b"{")):
        return form
    values = _json(body)
    if not isinstance(values, Mapping):
        raise UnreadableError("the content is not a JSON object: tick Send All Properties, or use our template")
    return HookFields(values)


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        first = error
    # The plugin writes `\"` for a quote, and a template with double braces makes `\&quot;` of it, which no JSON reader takes.
    repaired = _LONE_BACKSLASH.sub(lambda found: found.group() if found.group(1) else rb"\\", body)
    try:
        return msgspec.json.decode(repaired)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise UnreadableError(
            f"the content is not JSON ({first}): tick Send All Properties, or use our template, which quotes every value"
        ) from None


def _kind(name: str, fields: HookFields) -> Kind | None:
    match name:
        case "playbackstart":
            return "play"
        case "playbackprogress":
            return "pause" if fields.flag("IsPaused") else "progress"
        case "playbackstop":
            return "stop"
        case "userdatasaved":
            # Every check-in saves user data; only this reason is somebody's own click (players.md 2.4).
            by_hand = fields.text("SaveReason").lower() == "toggleplayed" and fields.flag("Played")
            return "marked" if by_hand else None
    return None


def _user(fields: HookFields) -> User | None:
    identity, name = fields.identity("UserId"), fields.text("NotificationUsername")
    return User(id=identity, name=name) if identity or name else None


def _position(fields: HookFields, kind: Kind) -> int | None:
    """Return the position in ms.

    Zero is also what the plugin writes when the client told none: at the beginning of a play it is a position, later it
    is unknown. A stop with a flag `PlayedToCompletion` and no position stays unknown: the server sets the flag then too.
    """
    if kind == "marked":
        return None
    position = fields.ticks_ms("PlaybackPositionTicks") or fields.clock_ms("PlaybackPosition")
    if position is None and kind == "play" and (fields.has("PlaybackPositionTicks") or fields.has("PlaybackPosition")):
        return 0
    return position


def _observed(fields: HookFields, kind: Kind) -> bool:
    """Tell whether the player reported this position, or the server counted it (players.md 2.4)."""
    if fields.flag("IsAutomated"):
        return False
    now, check_in = fields.moment("UtcTimestamp"), fields.moment("LastPlaybackCheckIn")
    if kind not in ("progress", "stop") or now is None or check_in is None:
        return True
    limit_s = _STOP_CHECK_IN_S if kind == "stop" else _PROGRESS_CHECK_IN_S
    return (now - check_in).total_seconds() < limit_s
