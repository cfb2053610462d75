"""From a webhook of Emby to events: pure, without I/O (players.md 3.2 to 3.4)."""

from typing import Any, NamedTuple

import msgspec

from scrobbler.api import HookRequest, Kind, PlayerEvent, UnreadableError, UnsupportedTypeError, User
from scrobbler_plugins.emby.fields import Fields
from scrobbler_plugins.emby.items import read_item, skip_of

_KINDS: dict[str, Kind] = {
    "playback.start": "play",
    "playback.unpause": "play",
    "playback.pause": "pause",
    "playback.stop": "stop",
    "item.markplayed": "marked",
}
_TYPES = frozenset(
    {
        "",
        "application/json",
        "text/json",
        "text/plain",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    }
)


class Told(NamedTuple):
    """What a request or a session says of an item beside the event, which has no room for it."""

    series_id: str = ""
    path: str = ""


class Parsed(NamedTuple):
    """The events of one request, and what else it told of their item."""

    events: list[PlayerEvent]
    told: Told = Told()


def parse(request: HookRequest) -> Parsed:
    """Read one webhook. Raises UnreadableError and UnsupportedTypeError.

    Other events, among them the test, give none. A season or series marked as played gives none either: where the
    server also tells each of its episodes, these count (players.md 3.4 calls it unsure).
    """
    payload = _payload(request)
    name = payload.text("Event").lower()
    if not name:
        # The test of old versions is nearly empty (players.md 3.2).
        if payload.has("Item") or not (payload.has("Server") or payload.has("Title")):
            raise UnreadableError("the payload has no `Event`: this is not a webhook of Emby")
        return Parsed([])
    kind = _KINDS.get(name)
    if kind is None:
        return Parsed([])
    item = payload.node("Item")
    item_id = item.text("Id")
    if not item_id:
        raise UnreadableError(f"`{name}` without an item: `Item` has no `Id`")
    if kind == "marked" and item.text("Type").lower() in ("season", "series", "boxset"):
        return Parsed([])
    playback = payload.node("PlaybackInfo")
    position_ms = _position(playback, name)
    if kind == "stop" and position_ms is None and playback.flag("PlayedToCompletion"):
        # The flag proves nothing by itself; as a natural end it counts where time allows that the end was reached.
        kind = "end"
    session = payload.node("Session")
    user = user_of(payload.node("User"))
    event = PlayerEvent(
        kind=kind,
        player=f"{_device(session, kind)}:{player_name(user)}",
        item_key=item_id,
        item=read_item(item),
        user=user,
        position_ms=position_ms,
        duration_ms=item.ticks_ms("RunTimeTicks") or None,
        at=payload.moment("Date"),
        device=session.text("DeviceName") or None,
        skip=skip_of(item),
    )
    return Parsed([event], told_of(item))


def told_of(item: Fields) -> Told:
    """Keep what the item says of its series and its file."""
    return Told(series_id=item.text("SeriesId"), path=item.text("Path"))


def user_of(user: Fields) -> User | None:
    """Read a user; None where an event lacks one, as when the webhook is limited to no user."""
    identity, name = user.text("Id"), user.text("Name")
    return User(id=identity, name=name) if identity or name else None


def player_name(user: User | None) -> str:
    """Name the part of a player that tells its users apart."""
    return (user.id or user.name).casefold() if user else ""


def _payload(request: HookRequest) -> Fields:
    if request.content_type not in _TYPES and not request.content_type.endswith("+json"):
        raise UnsupportedTypeError(f"`{request.content_type}` is not what Emby sends: JSON, or a form with `data`")
    body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
    # JSON is often sent under the form's content type, as `curl -d` does it.
    if request.form and not body.startswith(b"{"):
        if "data" not in request.form:
            raise UnreadableError("the form has no field `data`")
        return Fields(_json(request.form["data"]))
    return Fields(_json(body))


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        values = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UnreadableError(f"the payload is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise UnreadableError("the payload is not a JSON object")
    return values


def _device(session: Fields, kind: Kind) -> str:
    if kind == "marked":
        return "by-hand"
    return session.text("DeviceId") or session.text("Id") or session.text("DeviceName") or "device"


def _position(playback: Fields, name: str) -> int | None:
    """Return the position in ms: on start the resume point. Zero is a position at the start alone, later it is unknown."""
    if name == "item.markplayed":
        return None
    position_ms = playback.ticks_ms("PositionTicks")
    return position_ms if position_ms or name == "playback.start" else None
