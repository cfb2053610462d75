"""The hook of Kodi's add-on "HTTP Scrobbler": one request, one event (players.md 4.5). Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from scrobbler.api import (
    Episode,
    HookRequest,
    Item,
    Kind,
    Movie,
    PlayerEvent,
    UnreadableError,
    UnsupportedTypeError,
)
from scrobbler_plugins.kodi.fields import moment, number, seconds_ms, text, whole
from scrobbler_plugins.kodi.items import episode, movie, read_ids, show
from scrobbler_plugins.kodi.media import skip_of

PLAYER = "add-on"

_KINDS: Mapping[str, Kind] = {
    "start": "play",
    "resume": "play",
    "pause": "pause",
    "seek": "seek",
    "interval": "progress",
    "stop": "stop",
    "end": "end",
}


def parse(request: HookRequest) -> list[PlayerEvent]:
    """Read one request of the add-on. Events that it may learn one day give none."""
    if request.form or not (request.content_type in ("", "text/plain") or "json" in request.content_type):
        raise UnsupportedTypeError("the add-on posts JSON")
    try:
        said = msgspec.json.decode(request.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UnreadableError("this is not JSON, as the add-on HTTP Scrobbler posts it") from error
    if not isinstance(said, dict) or not text(said, "event"):
        raise UnreadableError("there is no `event` in it, as the add-on HTTP Scrobbler posts it")
    kind = _KINDS.get(text(said, "event"))
    if kind is None:
        return []
    media_type = text(said, "mediaType")
    item = _item(said)
    if item is None and skip_of(media_type) is None:
        return []
    return [
        PlayerEvent(
            kind=kind,
            player=PLAYER,
            item_key=_key(said, media_type),
            item=item or Movie(title=text(said, "title")),
            position_ms=_position(said, kind),
            duration_ms=seconds_ms(said, "duration") or None,
            at=moment(said, "timestamp"),
            skip=skip_of(media_type),
        )
    ]


def _item(said: Any) -> Item | None:
    row = {**said, "uniqueid": said.get("uniqueIds"), "firstaired": said.get("firstAired"), "imdbnumber": ""}
    match text(said, "mediaType"):
        case "movie":
            return movie(row) if text(said, "title") else None
        case "episode":
            series = show({"title": said.get("tvShowTitle"), "uniqueid": said.get("tvShowUniqueIds")})
            found = episode(row, series)
            if found is not None and "tvShowUniqueIds" not in said:
                # Early versions wrote the ids of the series in the place of the episode's.
                return msgspec.structs.replace(found, ids=read_ids({}))
            return found
    return None


def _key(said: Any, media_type: str) -> str:
    """Name the item; the same as JSON-RPC does, where the library has it."""
    library_id = whole(said, "dbId")
    if library_id:
        return f"{media_type}/{library_id}"
    item = _item(said)
    if isinstance(item, Episode):
        return f"{media_type}/{item.show.title} {item.season}x{item.number}"
    return f"{media_type}/{text(said, 'title')} {text(said, 'year')}"


def _position(said: Any, kind: Kind) -> int | None:
    """Read where it is. At the end the add-on writes the whole length, which no player has told it: that is not a position."""
    if kind == "end":
        return None
    progress = said.get("progress")
    position = seconds_ms(progress, "time")
    percent, length = number(progress, "percent"), seconds_ms(said, "duration")
    if position is None and percent is not None and length:
        position = round(length * min(max(percent, 0.0), 100.0) / 100)
    return position
