"""The one event type that every plugin produces and that `type: events` and `scrobbler replay` read."""

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.api.media import Item

Kind: TypeAlias = Literal[
    "play",  # playback begins or goes on
    "pause",
    "progress",  # it plays, at this position
    "seek",  # the position jumped; `position_ms` is where it is now
    "stop",  # playback is over, at `position_ms` if that is known
    "end",  # playback ran to the natural end
    "watched",  # the server's own verdict about the play in progress; with `at` in the past: a play we missed
    "marked",  # somebody marked the item as watched by hand
    "gone",  # contact with the player is lost; the last observed position stands
]

Skip: TypeAlias = Literal[
    "live_tv",
    "trailer",
    "extra",
    "preroll",
    "theme",
    "music",
    "photo",
    "home_video",
    "web_stream",
    "server_stream",
    "unknown_type",
]

SKIP_WORDS: dict[Skip, str] = {
    "live_tv": "live TV",
    "trailer": "a trailer",
    "extra": "an extra or a sample",
    "preroll": "a pre-roll",
    "theme": "theme music or a theme video",
    "music": "music",
    "photo": "a photo",
    "home_video": "a home video",
    "web_stream": "a web stream",
    "server_stream": "a stream of a media server, which reports it itself",
    "unknown_type": "neither a film nor an episode",
}


class User(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who watches, as the source names people: a stable id, a name, or both."""

    id: str = ""
    name: str = ""


class PlayerEvent(Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a player or server said.

    `player` names the physical player inside its source and stays the same from event to event; `item_key` is the
    source's own name of what plays there (a rating key, an item id, a path). `item` may be left out once an earlier event
    of the same play has carried it. Positions and lengths are milliseconds. A missing position is not zero.

    `observed` is False where the position was calculated by somebody instead of reported by the player. `nominal` marks a
    length that is a catalogue's round figure instead of the file's own. `at` is the event's own time; None means "as it
    arrives". `skip` says why this is not a play of ours; such an event is answered and forgotten.
    """

    kind: Kind
    player: str
    item_key: str
    item: Item | None = None
    user: User | None = None
    position_ms: int | None = None
    observed: bool = True
    duration_ms: int | None = None
    nominal: bool = False
    speed: float = 1.0
    at: datetime | None = None
    library: str | None = None
    device: str | None = None
    skip: Skip | None = None
