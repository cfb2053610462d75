"""From a webhook of Emby to events: pure, without I/O (players.md 3.2 to 3.4)."""

from typing import NamedTuple

from scrobbler.api import HookRequest, Kind, PlayerEvent, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.items import read_item, skip_of
from scrobbler.api.servers.mediabrowser.sessions import Told, player_of, told_of

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
    item_id = item.identity("Id")
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
    user = _user(payload.node("User"))
    event = PlayerEvent(
        kind=kind,
        # A mark was made on no player.
        player=player_of(MediaFields({"DeviceId": "by-hand"}) if kind == "marked" else session, user),
        item_key=item_id,
        item=read_item(item),
        user=user,
        position_ms=position_ms,
        duration_ms=item.ticks_ms("RunTimeTicks") or None,
        at=payload.moment("Date"),
        device=session.text("DeviceName") or None,
        skip=skip_of(item),
    )
    return Parsed([event], told_of(item, user))


def _user(user: MediaFields) -> User | None:
    """Read a user; None where an event lacks one, as when the webhook is limited to no user."""
    identity, name = user.identity("Id"), user.text("Name")
    return User(id=identity, name=name) if identity or name else None


def _payload(request: HookRequest) -> MediaFields:
    if request.content_type not in _TYPES and not request.content_type.endswith("+json"):
        raise UnsupportedTypeError(f"`{request.content_type}` is not what Emby sends: JSON, or a form with `data`")
    body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
    # JSON is often sent under the form's content type, as `curl -d` does it.
    if request.form and not body.startswith(b"{"):
        if "data" not in request.form:
            raise UnreadableError("the form has no field `data`")
        return MediaFields.read(request.form["data"])
    return MediaFields.read(body)


def _position(playback: MediaFields, name: str) -> int | None:
    """Return the position in ms: on start the resume point. Zero is a position at the start alone, later it is unknown."""
    if name == "item.markplayed":
        return None
    position_ms = playback.ticks_ms("PositionTicks")
    return position_ms if position_ms or name == "playback.start" else None
