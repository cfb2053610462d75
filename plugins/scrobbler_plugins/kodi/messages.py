"""Kodi's JSON-RPC as bytes and objects (players.md 4.1): pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

LONGEST = 32 * 1024 * 1024

_MARK = re.compile(rb'["{}\[\]]')
_REST_OF_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class TooLongError(Exception):
    """What comes in never ends."""


class Objects:
    """Cuts the objects out of a stream that has nothing between them and breaks anywhere, also inside a character."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._at = 0  # up to here it is understood
        self._begin = 0  # where the object that is open began
        self._depth = 0

    def cut(self, data: bytes) -> list[bytes]:
        """Take in bytes and return the objects that are complete with them. Raises TooLongError."""
        self._kept += data
        found: list[bytes] = []
        while (mark := _MARK.search(self._kept, self._at)) is not None:
            if mark.group() == b'"':
                # All that gives structure is ASCII, and no byte of a longer character is.
                rest = _REST_OF_STRING.match(self._kept, mark.end())
                if rest is None:
                    self._at = mark.start()
                    break
                self._at = rest.end()
                continue
            self._at = mark.end()
            if mark.group() in b"{[":
                if self._depth == 0:
                    self._begin = mark.start()
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if self._depth == 0:
                    found.append(bytes(self._kept[self._begin : self._at]))
        else:
            self._at = len(self._kept)
        self._drop(self._begin if self._depth else self._at)
        return found

    def _drop(self, count: int) -> None:
        del self._kept[:count]
        self._at -= count
        self._begin = 0
        if len(self._kept) > LONGEST:
            raise TooLongError


class Failure(NamedTuple):
    """Kodi's refusal of a request."""

    code: int
    message: str


class Notification(NamedTuple):
    """What Kodi says by itself: a method such as `Player.OnPlay`, and its data."""

    method: str
    data: Mapping[str, Any]


class Answer(NamedTuple):
    """What Kodi says to the request of this number."""

    number: int
    result: Any = None
    failure: Failure | None = None


class _Error(Struct):
    code: int = 0
    message: str = ""


class _Message(Struct):
    id: int | str | None = None
    method: str = ""
    params: dict[str, Any] = {}
    result: Any = None
    error: _Error | UnsetType = UNSET


def read(data: bytes | str) -> Notification | Answer | None:
    """Read one message; None for what is none of ours."""
    try:
        message = msgspec.json.decode(data, type=_Message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if message.method:
        said = message.params.get("data")
        return Notification(message.method, said if isinstance(said, dict) else {})
    if not isinstance(message.id, int):
        return None
    if isinstance(message.error, _Error):
        return Answer(message.id, failure=Failure(message.error.code, message.error.message))
    return Answer(message.id, message.result)


def request(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """Write one request."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
