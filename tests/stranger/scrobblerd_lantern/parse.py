"""From what a Lantern posts to events: pure, without I/O."""

import msgspec
from msgspec import Struct

from scrobbler.api import HookRequest, Kind, Movie, PlayerEvent, UnreadableError

_KINDS: dict[str, Kind] = {"lit": "play", "dimmed": "pause", "turned": "seek", "out": "stop", "burnt down": "end"}


class Sign(Struct):
    """What a Lantern says. `at` and `of` are seconds; an `at` that is missing is not known."""

    room: str
    sign: str
    film: str
    year: int | None = None
    at: float | None = None
    of: float | None = None


def parse(request: HookRequest, room: str) -> list[PlayerEvent]:
    """Read one request. Raises UnreadableError."""
    try:
        said = msgspec.json.decode(request.body, type=Sign)
    except msgspec.MsgspecError as error:
        raise UnreadableError(f"this is not what a Lantern posts: {error}") from None
    kind = _KINDS.get(said.sign)
    if kind is None or said.room != room:
        return []
    return [
        PlayerEvent(
            kind=kind,
            player=said.room,
            item_key=said.film,
            item=Movie(title=said.film, year=said.year),
            position_ms=None if said.at is None else round(said.at * 1000),
            duration_ms=None if not said.of else round(said.of * 1000),
        )
    ]
