"""From a posted body to events: one JSON object, an array of them, or one object a line (the replay format)."""

import math
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from scrobbler.api import HookRequest, Kind, PlayerEvent, Skip, UnreadableError, UnsupportedTypeError

TYPES = frozenset(
    {
        "",
        "application/json",
        "text/json",
        "text/plain",
        "application/jsonl",
        "application/x-jsonlines",
        "application/x-ndjson",
        "application/ndjson",
    }
)

MAX_MS = 10_000_000_000
"""The longest position or length, about 115 days: what is longer is not in milliseconds."""
MAX_SPEED = 100.0

_MAX_NUMBER = 2**53
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ALLOWED = {
    "kind": "allowed are " + ", ".join(get_args(Kind)),
    "skip": "allowed are " + ", ".join(get_args(Skip)),
    "item.type": "allowed are movie, episode, file",
    "at": "wanted is a time with its zone, such as 2026-01-15T20:00:00Z",
}
_WHERE = re.compile(r" - at `\$\.?([^`]*)`$")


def read(request: HookRequest) -> list[PlayerEvent]:
    """Read every event of a request, in order.

    Raises UnsupportedTypeError, and UnreadableError that names the event, the field and what is allowed: then none counts.
    """
    # `curl -d` says "form" unless told otherwise; the body shows what it is.
    if request.content_type not in TYPES and request.body.lstrip()[:1] not in (b"{", b"["):
        raise UnsupportedTypeError(
            f"the content type {request.content_type} is not read here: send application/json or text/plain"
        )
    return [_event(raw, label) for raw, label in _split(request.body.removeprefix(b"\xef\xbb\xbf").strip())]


def _split(body: bytes) -> Iterator[tuple[Any, str]]:
    """Yield each event, still as plain JSON values, and how to name it in an error."""
    if not body:
        raise UnreadableError("the body is empty: wanted is an event as a JSON object, an array of them, or one a line")
    try:
        whole = msgspec.json.decode(body)
    except _NO_JSON as error:
        lines = [(number, line) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
        if len(lines) < 2:
            raise UnreadableError(f"the body is not JSON: {error}") from error
        for number, line in lines:
            try:
                yield msgspec.json.decode(line), f"line {number}: "
            except _NO_JSON as wrong:
                raise UnreadableError(f"line {number} is not JSON: {wrong}") from wrong
        return
    if isinstance(whole, list):
        for number, raw in enumerate(whole, 1):
            yield raw, f"event {number}: "
    else:
        yield whole, ""


def _event(raw: Any, label: str) -> PlayerEvent:
    if not isinstance(raw, dict):
        raise UnreadableError(f"{label}an event is a JSON object, not {_name(raw)}")
    _check_numbers(raw, label, "")
    try:
        event = msgspec.convert(raw, PlayerEvent)
    except msgspec.ValidationError as error:
        raise UnreadableError(label + _explain(str(error))) from error
    for field, good, wanted in (
        ("player", bool(event.player.strip()), "must not be empty"),
        ("item_key", bool(event.item_key.strip()), "must not be empty"),
        ("position_ms", event.position_ms is None or 0 <= event.position_ms <= MAX_MS, f"must be from 0 to {MAX_MS}"),
        ("duration_ms", event.duration_ms is None or 0 < event.duration_ms <= MAX_MS, f"must be from 1 to {MAX_MS}"),
        ("speed", 0 < event.speed <= MAX_SPEED, f"must be above 0 and at most {MAX_SPEED:g}"),
        ("at", event.at is None or event.at.tzinfo is not None, _ALLOWED["at"]),
        ("user", event.user is None or bool(event.user.id or event.user.name), "must have an id or a name"),
    ):
        if not good:
            raise UnreadableError(f"{label}`{field}`: {wanted}")
    return event


def _check_numbers(value: Any, label: str, where: str) -> None:
    """Refuse numbers that no title, season or time has, and that no database column holds."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_numbers(inner, label, f"{where}.{name}" if where else str(name))
    elif isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= _MAX_NUMBER):
        raise UnreadableError(f"{label}`{where}`: the number is too large")


def _explain(message: str) -> str:
    """Say in our words what msgspec found: the field, what is wrong, what is allowed."""
    match = _WHERE.search(message)
    path = match.group(1) if match else ""
    problem = message[: match.start()] if match else message
    allowed = _ALLOWED.get(path, "")
    if "unknown field" in problem and not path:
        allowed = "allowed are " + ", ".join(PlayerEvent.__struct_fields__)
    where = f"`{path}`: " if path else ""
    return where + problem[0].lower() + problem[1:] + (f"; {allowed}" if allowed else "")


def _name(value: Any) -> str:
    names = {str: "a text", int: "a number", float: "a number", bool: "true or false", list: "an array"}
    return names.get(type(value), "null")
