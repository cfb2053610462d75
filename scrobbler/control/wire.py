"""The lines on the control socket: one request, then replies, each one JSON object on a line of its own."""

from typing import Any

import msgspec
from msgspec import Struct

SOCKET_NAME = "control.sock"
LINE_LIMIT = 16 * 1024 * 1024


class Request(Struct, frozen=True):
    """What the command line asks for."""

    command: str
    args: dict[str, Any] = {}


class Reply(Struct, frozen=True, omit_defaults=True):
    """`item` lines come first where a command streams; the last line is `done` with its value, or `error`."""

    item: Any = None
    done: bool = False
    value: Any = None
    error: str = ""


_REQUEST = msgspec.json.Decoder(Request)
_REPLY = msgspec.json.Decoder(Reply)


def read_request(line: bytes) -> Request:
    """Read a request. Raises msgspec.MsgspecError."""
    return _REQUEST.decode(line)


def read_reply(line: bytes) -> Reply:
    """Read a reply. Raises msgspec.MsgspecError."""
    return _REPLY.decode(line)


def write_line(message: Request | Reply) -> bytes:
    """Write a message as one line."""
    return msgspec.json.encode(message) + b"\n"
