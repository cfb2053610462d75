"""Where we are in a log, and how its file is known again (players.md 8.3)."""

import hashlib
from contextlib import suppress
from typing import IO

from msgspec import Struct

from scrobbler_plugins.logfile.family import BROKEN, Member, open_member
from scrobbler_plugins.logfile.text import encoding_of, last_end

HEAD = 256
ANCHOR = 64


class Position(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a log was read: which file, and the place behind the last line that was dealt with.

    `head` and `anchor` are digests of the first bytes and of those before `offset`: the same number of a file may belong to
    another one tomorrow, and the same content lies in another file after a rotation. `changed_ns` is when the file had last
    been written to. `inode` 0: no file yet, and whatever was written after `changed_ns` is new. `left`, while `offset` is 0: how
    the file began that was read before, so that it is not read again under another name.
    """

    device: int = 0
    inode: int = 0
    offset: int = 0
    head: str = ""
    anchor: str = ""
    changed_ns: int = 0
    left: str = ""


def is_at(member: Member, position: Position) -> bool:
    """Tell whether a file is the one of the position, by its number."""
    return (member.device, member.inode) == (position.device, position.inode)


def fits(file: IO[bytes], position: Position) -> bool:
    """Tell whether a file holds, up to the position, what was read."""
    if not position.offset:
        return True
    head = read_at(file, 0, min(HEAD, position.offset))
    start = max(0, position.offset - ANCHOR)
    anchor = read_at(file, start, position.offset - start)
    whole = len(head) == min(HEAD, position.offset) and len(anchor) == position.offset - start
    return whole and digest(head) == position.head and digest(anchor) == position.anchor


def can_be_read(member: Member) -> bool:
    """Tell whether a file opens and unpacks."""
    with suppress(*BROKEN), open_member(member.path) as file:
        file.read(1)
        return True
    return False


def was_left(member: Member, position: Position) -> bool:
    """Tell whether a file is the one that was read before this one."""
    length, _, head = position.left.partition(":")
    if not head:
        return False
    with suppress(*BROKEN), open_member(member.path) as file:
        return digest(read_at(file, 0, int(length))) == head
    return False


def read_at(file: IO[bytes], offset: int, count: int) -> bytes:
    """Read bytes at a place, however many there are."""
    file.seek(offset)
    found = b""
    while len(found) < count:
        more = file.read(count - len(found))
        if not more:
            break
        found += more
    return found


def digest(data: bytes) -> str:
    """Make a short text out of bytes; empty for none."""
    return hashlib.sha256(data).hexdigest()[:24] if data else ""


def last_line_end(file: IO[bytes], size: int) -> int:
    """Return the place behind the last complete line."""
    encoding = encoding_of(read_at(file, 0, HEAD))
    back = 4096
    while True:
        start = max(0, size - back) // 2 * 2
        found = last_end(read_at(file, start, size - start), start, encoding)
        if found is not None or start == 0:
            return found or 0
        back *= 4
