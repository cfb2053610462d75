"""From a webhook of Plex to events: pure, without I/O (players.md 1.1 to 1.7)."""

from hashlib import blake2s
from typing import NamedTuple

from scrobbler.api import HookRequest, Kind, PlayerEvent, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.plex.items import library_of, read_item, skip_of

_KINDS: dict[str, Kind] = {
    "media.play": "play",
    "media.resume": "play",
    "media.pause": "pause",
    "media.stop": "stop",
    "media.scrobble": "watched",
}
_TYPES = frozenset(
    {
        "",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/json",
        "text/plain",
    }
)


class Parsed(NamedTuple):
    """The events of one request, and what was odd about it."""

    events: list[PlayerEvent]
    notes: tuple[str, ...] = ()


def parse(request: HookRequest) -> Parsed:
    """Read one webhook. Raises UnreadableError and UnsupportedTypeError.

    Events that are no plays (`library.new`, `media.rate`, …) and `playback.started`, which repeats `media.play` for
    shared users, give no events (players.md 1.4).
    """
    payload = _payload(request)
    name = payload.text("event")
    if not name:
        raise UnreadableError("the payload has no `event`: this is not a webhook of Plex")
    kind = _KINDS.get(name)
    if kind is None:
        return Parsed([])
    meta = payload.node("Metadata")
    key = meta.text("ratingKey") or meta.text("key") or meta.text("guid")
    if not key:
        raise UnreadableError(f"`{name}` without an item: `Metadata` has no `ratingKey`, `key` or `guid`")
    account = payload.node("Account")
    player = payload.node("Player")
    reading = read_item(meta)
    duration_ms = meta.positive("duration")
    event = PlayerEvent(
        kind=kind,
        player=f"{player.text('uuid') or player.text('title') or 'player'}:{_account_key(account)}",
        item_key=f"{payload.node('Server').text('uuid')}/{key}",
        item=reading.item,
        user=_user(account),
        position_ms=_position(meta, name),
        duration_ms=duration_ms,
        nominal=duration_ms is not None,
        library=library_of(meta),
        device=player.text("title") or None,
        skip=skip_of(meta),
    )
    return Parsed([event], reading.notes)


def _payload(request: HookRequest) -> Fields:
    if request.content_type not in _TYPES:
        raise UnsupportedTypeError(f"`{request.content_type}` is not what Plex sends: a form with the field `payload`")
    body = request.body.removeprefix(b"\xef\xbb\xbf").strip()
    # JSON is often sent under the form's content type, as `curl -d` does it.
    if request.form and not body.startswith(b"{"):
        if "payload" not in request.form:
            raise UnreadableError("the form has no field `payload`")
        return Fields.read(request.form["payload"])
    return Fields.read(body)


def _account_key(account: Fields) -> str:
    """Return what tells accounts apart on one player. A title may be an e-mail address, which must reach no log."""
    title = account.text("title").casefold().encode()
    return account.text("id") or blake2s(title, digest_size=4).hexdigest()


def _user(account: Fields) -> User | None:
    identity, title = account.text("id"), account.text("title")
    return User(id=identity, name=title) if identity or title else None


def _position(meta: Fields, name: str) -> int | None:
    """Return the position in ms.

    `viewOffset` is missing when it is 0, and when the server has just cleared it: at the beginning of a play that is 0,
    at every other event it is unknown (players.md 1.6 items 1 and 3).
    """
    offset = meta.positive("viewOffset")
    return 0 if offset is None and name == "media.play" else offset
