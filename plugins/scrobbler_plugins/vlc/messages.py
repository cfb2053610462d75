"""What VLC's web interface answers: `status.json` and `playlist.json`, read leniently (players.md 6.1)."""

import json
import math
import re
from typing import Any, Literal, NamedTuple, TypeAlias

from scrobbler.api.escapes import unescaped

State: TypeAlias = Literal["playing", "paused", "stopped", "opening"]
Streams: TypeAlias = Literal["video", "audio", ""]

# VLC 4 has words of its own for what lies between.
_STATES: dict[str, State] = {
    "playing": "playing",
    "paused": "paused",
    "stopped": "stopped",
    "stopping": "stopped",
    "started": "opening",
    "opening": "opening",
    "buffering": "opening",
}
_MICROSECONDS = 1_000_000
_RESOLUTION = re.compile(r"\d{1,5}x\d{1,5}")
_SAMPLE_RATE = re.compile(r"\d+ Hz")


class Status(NamedTuple):
    """What VLC does now.

    `item` is its place in VLC's playlist, None where VLC does not say. `time_ms` and `length_ms` are None where VLC has
    no such thing; times are whole seconds. `name` is the file's name without its folder. `streams` says what the file
    holds, "" while that is not known.
    """

    state: State
    version: str = ""
    item: int | None = None
    time_ms: int | None = None
    length_ms: int | None = None
    rate: float = 1.0
    name: str = ""
    title: str = ""
    streams: Streams = ""


def read_status(body: bytes) -> Status:
    """Read `status.json`. Raises ValueError for what no VLC says."""
    said = _json(body)
    word = said.get("state")
    if not isinstance(word, str) or "version" not in said:
        raise ValueError("this is not the status of a VLC")
    state = _STATES.get(word, "opening")
    version = _text(said.get("version"))
    if state == "stopped":  # and all its numbers are zero, which is no position
        return Status(state, version)
    information = said.get("information")
    categories = information.get("category") if isinstance(information, dict) else None
    categories = categories if isinstance(categories, dict) else {}
    meta = categories.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    length = _number(said.get("length"))
    length_ms = round(length * 1000) if length is not None and length > 0 else None
    rate = _number(said.get("rate"))
    item = _number(said.get("currentplid"))
    return Status(
        state=state,
        version=version,
        item=None if item is None or item < 0 else int(item),
        time_ms=_time_ms(said, length_ms),
        length_ms=length_ms,
        rate=1.0 if rate is None or rate <= 0 else rate,
        name=_text(meta.get("filename")),
        title=_title(meta),
        streams=_streams(categories),
    )


def find_uri(body: bytes, item: int | None) -> str:
    """Find in `playlist.json` the address of an item; without its place, of what VLC marks as current. "" where none is.

    The mark alone is not enough: a file that is in the list twice has it twice.
    """
    marked = ""
    waiting: list[Any] = [_json(body)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        children = node.get("children")
        if isinstance(children, list):
            waiting += reversed(children)
        uri = node.get("uri")
        if not isinstance(uri, str) or not uri:
            continue
        if item is not None and str(node.get("id")) == str(item):
            return uri
        if node.get("current") == "current":
            marked = marked or uri
    return marked


def _json(body: bytes) -> dict[str, Any]:
    try:
        # Tags may hold control characters, and bytes that are not UTF-8.
        said = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise ValueError("this is not what a VLC says")  # noqa: TRY004 (the caller asks one question)
    return said


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _text(value: Any) -> str:
    """Take text as people can read it: some builds escape it for HTML, tags hold anything."""
    if not isinstance(value, str):
        return ""
    readable = unescaped(value).encode("utf-8", "replace").decode()
    return "".join(char for char in readable if char >= " " and char != "\x7f").strip()


def _title(meta: dict[str, Any]) -> str:
    """Return the title tag; not what VLC composes of the file's name, which knows no more than that name."""
    composed = any(meta.get(name) for name in ("showName", "seasonNumber", "episodeNumber"))
    return "" if composed else _text(meta.get("title"))


def _time_ms(said: dict[str, Any], length_ms: int | None) -> int | None:
    time, position = _number(said.get("time")), _number(said.get("position"))
    if time is None or time < 0:
        return None if position is None or length_ms is None or not 0 < position <= 1 else round(position * length_ms)
    if length_ms is not None and time * 1000 > 2 * length_ms and time > _MICROSECONDS / 10:
        time /= _MICROSECONDS  # early VLC 4
    return round(time * 1000)


def _streams(categories: dict[str, Any]) -> Streams:
    """Tell what streams there are, by the form of their values: VLC's own words come in its user's language."""
    streams = [stream for name, stream in categories.items() if name != "meta" and isinstance(stream, dict)]
    values = [{value for value in stream.values() if isinstance(value, str)} for stream in streams]
    if any("Video" in one or any(_RESOLUTION.fullmatch(value) for value in one) for one in values):
        return "video"
    audio = ["Audio" in one or any(_SAMPLE_RATE.fullmatch(value) for value in one) for one in values]
    return "audio" if audio and all(audio) else ""
