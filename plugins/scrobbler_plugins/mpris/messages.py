"""What players say on the bus, with the types that they should have used. Pure (players.md 7)."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Status: TypeAlias = Literal["Playing", "Paused", "Stopped"]

WATCHED = frozenset({"PlaybackStatus", "Metadata", "Rate"})
"""The properties of which a change is news. Of volume and buttons it is not."""


class Told(NamedTuple):
    """The metadata of what plays. `length_ms` None: not known, or not yet."""

    url: str = ""
    title: str = ""
    music: bool = False
    length_ms: int | None = None

    @property
    def vacant(self) -> bool:
        """Whether it names nothing."""
        return not self.url and not self.title


class Said(NamedTuple):
    """What a player said: a part of its properties, or all of them. None: it did not speak of that."""

    status: Status | None = None
    told: Told | None = None
    rate: float | None = None
    position_ms: int | None = None


def said_of(properties: Mapping[str, Any]) -> Said:
    """Read properties of `org.mpris.MediaPlayer2.Player`, freed from their variants; any may be missing or odd."""
    status, metadata = properties.get("PlaybackStatus"), properties.get("Metadata")
    return Said(
        status=status if status in ("Playing", "Paused", "Stopped") else None,
        told=_told(metadata) if isinstance(metadata, dict) else None,
        rate=_rate(properties["Rate"]) if "Rate" in properties else None,
        position_ms=_milliseconds(properties.get("Position")),
    )


def _told(metadata: Mapping[str, Any]) -> Told:
    return Told(
        url=_text(metadata.get("xesam:url")),
        title=_text(metadata.get("xesam:title")),
        music=bool(metadata.get("xesam:album") or metadata.get("xesam:albumArtist")),
        length_ms=_milliseconds(metadata.get("mpris:length")) or None,
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _milliseconds(value: Any) -> int | None:
    """Read microseconds of whatever type of number. Negative ones are not known: VLC has -1 while it opens."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return round(value / 1000)


def _rate(value: Any) -> float:
    """Read the speed; 0, with which some pause, and anything odd is the usual one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return 1.0
    return float(value)
