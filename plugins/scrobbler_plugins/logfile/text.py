"""From bytes to lines: encodings, broken bytes, line ends, and lines that are not finished yet (players.md 8.3)."""

from typing import NamedTuple

LONGEST = 1024 * 1024
"""A line that is longer is none; it is passed over."""

_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))


class Line(NamedTuple):
    """One line without its end, and the place in the file behind it."""

    text: str
    end: int


def encoding_of(head: bytes) -> str:
    """Tell the encoding by a file's first bytes: its mark, or the zeros that UTF-16 has in plain text."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if len(head) >= 4 and head[0] and head[2] and not head[1] and not head[3]:
        return "utf-16-le"
    if len(head) >= 4 and head[1] and head[3] and not head[0] and not head[2]:
        return "utf-16-be"
    return "utf-8"


def cut(data: bytes, start: int, encoding: str) -> list[Line]:
    """Cut complete lines out of bytes that begin at `start` in the file; what has no newline yet is left."""
    newline = {"utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}.get(encoding, b"\n")
    lines = []
    place = 0
    while (found := _find(data, newline, place)) >= 0:
        end = found + len(newline)
        lines.append(Line(_decode(data[place:found], encoding), start + end))
        place = end
    return lines


def last_end(data: bytes, start: int, encoding: str) -> int | None:
    """Return the place behind the last complete line; None where there is no newline in these bytes."""
    lines = cut(data, start, encoding)
    return lines[-1].end if lines else None


def finish(data: bytes, encoding: str) -> str:
    """Read what a file that will not grow any more ends with."""
    return _decode(data, encoding)


def _find(data: bytes, newline: bytes, place: int) -> int:
    width = len(newline)
    found = data.find(newline, place)
    while found >= 0 and (found - place) % width:
        found = data.find(newline, found + 1)
    return found


def _decode(raw: bytes, encoding: str) -> str:
    if encoding == "utf-8":
        # A writer that does not notice that its file was cut off leaves a hole of zeros.
        raw = raw.lstrip(b"\x00")
    return raw.decode(encoding, "replace").removeprefix("\ufeff").rstrip("\r")
