"""mpv's lines, and ours to it (players.md 5.1): one JSON object a line, bytes of file names as they are on the disk."""

import json
from typing import Any

import msgspec
from msgspec import UNSET, Struct

MAX_LINE = 4 * 1024 * 1024
"""Longer lines are thrown away: a track list with thousands of chapters stays far below."""

OBSERVED = ("time-pos", "eof-reached", "pause", "speed", "duration")
"""Observed in this order: where several have changed, mpv tells them in the order of their observation, and the end of a
file has to be known before the pause that `keep-open` puts there (players.md 5.3)."""

PROBED = (
    "path",
    "working-directory",
    "media-title",
    "track-list",
    "duration",
    "speed",
    "pause",
    "eof-reached",
    "seeking",
    "time-pos",
)
"""Asked once when a file has begun to play and after each seek, in this order; the last answer completes the picture.

Observed values are not enough there: a value equal to the one of the file before is not told again."""

_STRIDE = 32  # request ids: number of the probe times this, plus the place in PROBED


_KNOCK = "scrobblerd"


class Message(Struct, frozen=True, gc=False):
    """One line from mpv. `data` is UNSET where mpv left it out: the property is not available now."""

    event: str = ""
    name: str = ""
    data: Any = UNSET
    request_id: int = 0
    error: str = ""
    reason: str = ""
    args: Any = ()

    @property
    def knock(self) -> str:
        """The sign that a client of ours sent to all clients of this mpv; empty for every other message."""
        args = self.args
        if self.event != "client-message" or not isinstance(args, list) or len(args) != 2 or args[0] != _KNOCK:
            return ""
        return str(args[1])


_decoder = msgspec.json.Decoder(Message)


def decode(line: bytes) -> Message | None:
    """Read one line; None for what is no message. Bytes that are not UTF-8 become lone surrogates, as Python names files."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeError):
        pass
    try:
        return msgspec.convert(json.loads(line.decode("utf-8", "surrogateescape")), Message)
    except (ValueError, RecursionError):
        return None


class Lines:
    """Cuts what a socket delivers into lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def cut(self, data: bytes) -> list[bytes]:
        """Take in what came, and return the lines that are now whole."""
        *lines, rest = (self._rest + data).split(b"\n")
        if lines and self._skipping:
            del lines[0]
            self._skipping = False
        if self._skipping or len(rest) > MAX_LINE:
            rest, self._skipping = b"", True
        self._rest = rest
        return lines


def observe() -> bytes:
    """Write the requests that subscribe to everything."""
    return b"".join(_request(["observe_property", number, name], 0) for number, name in enumerate(OBSERVED, 1))


def probe(number: int) -> bytes:
    """Write the requests of one probe."""
    return b"".join(_request(["get_property", name], number * _STRIDE + place) for place, name in enumerate(PROBED))


def knock(sign: str) -> bytes:
    """Write a message to all clients of the same mpv: scripts that do not know it pass over it."""
    return _request(["script-message", _KNOCK, sign], 0)


def answered(request_id: int) -> tuple[int, str]:
    """Tell of which probe and property an answer is; the name is empty for an answer to something else."""
    number, place = divmod(request_id, _STRIDE)
    return number, PROBED[place] if 0 <= place < len(PROBED) else ""


def _request(command: list[str | int], request_id: int) -> bytes:
    return msgspec.json.encode({"command": command, "request_id": request_id}) + b"\n"
