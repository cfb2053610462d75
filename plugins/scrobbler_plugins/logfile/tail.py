"""Follows one log through its lives: each line once, in order, whatever happens to the file (players.md 8.3)."""

import itertools
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from scrobbler_plugins.logfile.family import BROKEN, Family, Member, open_member
from scrobbler_plugins.logfile.position import (
    ANCHOR,
    HEAD,
    Position,
    can_be_read,
    digest,
    fits,
    is_at,
    last_line_end,
    read_at,
    was_left,
)
from scrobbler_plugins.logfile.text import LONGEST, Line, cut, encoding_of, finish

CHUNK = 256 * 1024
GRACE_MS = 2_000
"""So long a file that was renamed may still be written to: its program keeps it open until it is told."""


class Batch(NamedTuple):
    """Lines that were read, each with the position behind it. `late`: they were there before we looked."""

    lines: list[tuple[str, Position]]
    late: bool
    changed_ms: int


class _Opened:
    """The file that is being read."""

    def __init__(self, member: Member, file: IO[bytes], offset: int, late_until: int) -> None:
        self.member = member
        self.file = file
        self.offset = offset
        self.late_until = late_until
        self.head = read_at(file, 0, HEAD)
        self.leaving_ms: int | None = None
        self.size_seen = -1
        self.recent = b""  # the bytes before `offset`

    @property
    def encoding(self) -> str:
        return encoding_of(self.head)


class Tail:
    """One family of files. Blocks on the file system; call it outside the event loop."""

    def __init__(self, family: Family, position: Position | None = None) -> None:
        self.family = family
        self.position = position
        self._opened: _Opened | None = None
        self._truncated = False
        self._catching_up = position is not None

    @property
    def path(self) -> str:
        """The file that is being read; empty while there is none."""
        return self._opened.member.path if self._opened else ""

    @property
    def leaving(self) -> bool:
        """Whether the file was renamed and its program gets a moment to finish it: look again soon."""
        return self._opened is not None and self._opened.leaving_ms is not None

    def look_again(self) -> None:
        """We did not look for a while: what is there now was written unseen."""
        self._catching_up = True
        if self._opened is not None:
            with suppress(OSError):
                self._opened.late_until = os.fstat(self._opened.file.fileno()).st_size

    def at_once(self) -> None:
        """We look from the first moment on: nothing is there unseen."""
        self._catching_up = False

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.file.close()
            self._opened = None

    def begin_at_end(self) -> None:
        """Start with what is written from now on."""
        every = self.family.members()
        members = [one for one in every if one.live]
        if not members:
            self.position = Position(changed_ns=max((one.changed_ns for one in every), default=0))
            return
        member = members[-1]
        with open_member(member.path) as file:
            place = last_line_end(file, member.size)
            self.position = self._position(member, file, place)

    def read(self, now_ms: int) -> Batch:
        """Read what is new, at most a few thousand lines. Call again until nothing comes. Raises OSError."""
        for _ in range(20):
            if self._opened is None and not self._open():
                self._catching_up = False
                return _NOTHING
            batch = self._go_on(now_ms)
            if batch is not None:
                return batch
        return _NOTHING

    def _open(self) -> bool:
        """Find where to go on: in the same file, in its copy, or in the next one."""
        members = self.family.members()
        position = self.position or Position()
        place = self._locate(position, members)
        if place is not None:
            return self._enter(members[place], position.offset)
        fresh = [
            one
            for one in members
            if one.changed_ns > position.changed_ns or (self._truncated and is_at(one, position) and one.live)
        ]
        return self._enter_first(fresh, position)

    def _enter_first(self, members: list[Member], before: Position) -> bool:
        """Begin with the first of these files that can be read; `before` is where we were."""
        left = f"{min(HEAD, before.offset)}:{before.head}" if before.offset else before.left
        for member in members:
            if self._enter(member, 0):
                self._truncated = False
                self.position = Position(
                    device=member.device, inode=member.inode, changed_ns=before.changed_ns, left=left
                )
                return True
        return False

    def _enter(self, member: Member, offset: int) -> bool:
        try:
            file = open_member(member.path)
        except OSError:
            if member.live:
                raise
            return False
        try:
            if not member.compressed:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != (member.device, member.inode):
                    file.close()
                    return False
            late_until = (1 << 62) if member.compressed else (member.size if self._catching_up else 0)
            self._opened = _Opened(member, file, offset, late_until)
        except BROKEN:
            file.close()
            return False
        return True

    def _locate(self, position: Position, members: list[Member]) -> int | None:
        """Find the file that was being read: by its number, else by what is in it."""
        if not position.inode:
            return None
        by_number = [n for n, one in enumerate(members) if is_at(one, position) and not one.compressed]
        others = [n for n in range(len(members)) if n not in by_number]
        for n in by_number + (others if position.offset else []):
            with suppress(*BROKEN), open_member(members[n].path) as file:
                if fits(file, position):
                    return n
        if by_number:
            self._truncated = True
        return None

    def _go_on(self, now_ms: int) -> Batch | None:
        """Read on in the open file. None: it is done with, something else is to be opened."""
        opened = self._opened
        assert opened is not None
        position = self.position
        if not opened.member.compressed and position is not None and self._changed_below(opened):
            self._truncated = True
            self.close()
            return None
        if unread := self._emptied(opened):
            assert position is not None
            self.close()
            self._enter_first(unread, position)
            return None
        try:
            data = read_at(opened.file, opened.offset, CHUNK)
        except BROKEN:
            if not opened.member.compressed:
                raise
            return self._at_end(opened, b"", now_ms)  # an archive that breaks off has no more lines
        while len(data) >= CHUNK and not cut(data, 0, opened.encoding) and len(data) < LONGEST:
            data = read_at(opened.file, opened.offset, len(data) * 2)
        if opened.offset == 0 or len(opened.head) < HEAD:
            opened.head = read_at(opened.file, 0, HEAD)
        lines = cut(data, opened.offset, opened.encoding)
        if lines:
            if opened.offset < opened.late_until:
                lines = [line for line in lines if line.end <= opened.late_until] or lines[:1]
            return self._batch(opened, lines, data)
        if len(data) >= LONGEST:
            hole = len(data) - len(data.lstrip(b"\x00"))
            opened.offset += (hole or len(data)) // 2 * 2
            opened.recent = b""
            self.position = self._position(opened.member, opened.file, opened.offset)
            return None
        return self._at_end(opened, data, now_ms)

    def _at_end(self, opened: _Opened, rest: bytes, now_ms: int) -> Batch | None:
        """The file has no more lines now: stay with it, or leave it for the next."""
        self.position = self._position(opened.member, opened.file, opened.offset)
        following = self._following(opened)
        if not following:
            opened.leaving_ms = None
            if not opened.member.compressed:
                self._catching_up = False
                return _NOTHING
            self.close()
            return _NOTHING
        size = opened.offset + len(rest)
        if opened.leaving_ms is None or size != opened.size_seen:
            opened.leaving_ms, opened.size_seen = now_ms, size
        # What was rotated twice has no writer any more, nor has what is packed.
        left = opened.member.compressed or len(following) > 1
        if not (left or now_ms - opened.leaving_ms >= GRACE_MS):
            return _NOTHING
        batch = None
        if rest.strip(b"\x00\r\n "):
            line = Line(finish(rest, opened.encoding), size)
            batch = self._batch(opened, [line], rest)
        before = self.position
        self.close()
        self._enter_first(following, before)
        return batch

    def _emptied(self, opened: _Opened) -> list[Member]:
        """Return the copies of a file that was filled and emptied again before anything of it was read."""
        position = self.position
        if opened.offset or opened.member.compressed or position is None or not position.inode:
            return []
        if os.fstat(opened.file.fileno()).st_mtime_ns <= position.changed_ns:
            return []
        before = itertools.takewhile(lambda one: not is_at(one, position), self.family.members())
        newer = [one for one in before if one.size and one.changed_ns > position.changed_ns]
        return [one for one in newer if can_be_read(one) and not was_left(one, position)]

    def _following(self, opened: _Opened) -> list[Member]:
        """Return the files that come after the open one; none while it is the last."""
        if not self.family.dated and self._is_live(opened):
            return []
        members = self.family.members()
        for n, one in enumerate(members):
            if (one.device, one.inode) == (opened.member.device, opened.member.inode):
                opened.member = one if not opened.member.compressed else opened.member
                return members[n + 1 :]
        assert self.position is not None
        return [one for one in members if one.changed_ns > self.position.changed_ns]

    def _is_live(self, opened: _Opened) -> bool:
        try:
            status = Path(self.family.key).stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == (opened.member.device, opened.member.inode)

    def _batch(self, opened: _Opened, lines: list[Line], data: bytes) -> Batch:
        start = opened.offset
        before = opened.recent
        if len(before) < min(ANCHOR, start):
            before = read_at(opened.file, max(0, start - ANCHOR), min(ANCHOR, start))
        known = before + data
        shift = start - len(before)
        status_ns = self._changed_ns(opened)
        placed = []
        for line in lines:
            position = Position(
                device=opened.member.device,
                inode=opened.member.inode,
                offset=line.end,
                head=digest(opened.head[: min(HEAD, line.end)]),
                anchor=digest(known[max(0, line.end - shift - ANCHOR) : line.end - shift]),
                changed_ns=status_ns,
            )
            placed.append((line.text, position))
        opened.offset = lines[-1].end
        opened.recent = known[max(0, opened.offset - shift - ANCHOR) : opened.offset - shift]
        self.position = placed[-1][1]
        late = start < opened.late_until
        return Batch(placed, late, status_ns // 1_000_000)

    def _position(self, member: Member, file: IO[bytes], offset: int) -> Position:
        head = read_at(file, 0, min(HEAD, offset))
        anchor = read_at(file, max(0, offset - ANCHOR), min(ANCHOR, offset))
        changed_ns = member.changed_ns
        if not member.compressed:
            changed_ns = os.fstat(file.fileno()).st_mtime_ns
        return Position(
            device=member.device,
            inode=member.inode,
            offset=offset,
            head=digest(head),
            anchor=digest(anchor),
            changed_ns=changed_ns,
            left="" if offset or self.position is None else self.position.left,
        )

    def _changed_ns(self, opened: _Opened) -> int:
        if opened.member.compressed:
            return opened.member.changed_ns
        return os.fstat(opened.file.fileno()).st_mtime_ns

    def _changed_below(self, opened: _Opened) -> bool:
        """Tell whether what was read already is no longer what the file holds: it was cut off, or written anew."""
        position = self.position
        if position is None or (position.device, position.inode) != (opened.member.device, opened.member.inode):
            return False
        return not fits(opened.file, position)


_NOTHING = Batch([], late=False, changed_ms=0)
