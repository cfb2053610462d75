"""One log at work: its tail, its reader, its open plays, and what of these is remembered."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Context, PlayerEvent
from scrobbler_plugins.logfile.book import Book
from scrobbler_plugins.logfile.family import Family
from scrobbler_plugins.logfile.parse import LineFormat, Said
from scrobbler_plugins.logfile.position import Position
from scrobbler_plugins.logfile.tail import Batch, Tail

OLD_MS = 5 * 60_000
"""A line of a file that has just appeared is history when it is so old."""

OLDEST_MS = 14 * 86_400_000
"""What happened longer ago is let be."""

SAVE_MS = 10_000
"""So often the position is written down while lines say nothing; after one that is told it is at once."""


class UnreadableLogError(Exception):
    """The log cannot be read now. The text says why."""


class Kept(Struct, frozen=True, kw_only=True):
    """What is remembered of one log."""

    position: Position
    format: str
    book: str


def digest(text: str) -> str:
    """Make a short name out of a long one."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


async def open_log(family: Family, context: Context, reader: LineFormat, *, since: str | None, starting: bool) -> "Log":
    """Take up a log where it was left; one that is seen for the first time at its end. Raises OSError.

    `since` is when the pattern that names it was first followed (ms since 1970 as text): a log that has appeared since then
    is read from its beginning.
    """
    kept = _kept(await context.memory.get(f"log:{digest(family.key)}"))
    if kept is not None:
        log = Log(family, context, reader, Tail(family, kept.position))
        reader.load(kept.format)
        log.book.load(kept.book)
        log.catching_up = starting
        log.fresh = not kept.position.inode
        return log
    if since is not None or not starting:
        # Under our eyes it is new, whatever the clock of the machine that wrote it says.
        began_ms = int(since) if since is not None and starting else 0
        tail = Tail(family, Position(changed_ns=began_ms * 1_000_000))
        log = Log(family, context, reader, tail)
        log.catching_up = starting
        log.fresh = True
        if not starting:
            tail.at_once()
        return log
    log = Log(family, context, reader, Tail(family))
    await asyncio.to_thread(log.tail.begin_at_end)
    log.fresh = log.tail.position is not None and not log.tail.position.inode
    log.tail.at_once()
    assert log.tail.position is not None
    await log.save(log.tail.position)
    return log


def _kept(text: str | None) -> Kept | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Kept)
    except (msgspec.MsgspecError, UnicodeError):
        return None


async def _nowhere(_event: PlayerEvent) -> None:
    return None


class Log:
    """One followed log. `fresh`: its file was not there when we began, so its first lines may be older than we think."""

    def __init__(self, family: Family, context: Context, reader: LineFormat, tail: Tail) -> None:
        self.name = family.template
        self.tail = tail
        self.book = Book()
        self.label = ""
        self.catching_up = False
        self.fresh = False
        self.emit: Callable[[PlayerEvent], Awaitable[None]] = _nowhere
        self._key = f"log:{digest(family.key)}"
        self._context = context
        self._reader = reader
        self._trouble = ""
        self._saved_ms = 0
        self._saved: Position | None = None

    async def read_on(self) -> bool:
        """Read and tell all that is new; returns whether anything was. Raises UnreadableLogError."""
        any_lines = False
        while True:
            try:
                batch = await asyncio.to_thread(self.tail.read, self._context.clock.now().mono_ms)
            except OSError as error:
                raise UnreadableLogError(error.strerror or str(error)) from error
            if not batch.lines:
                break
            any_lines = True
            await self._take(batch)
        now_ms = self._context.clock.now().utc_ms
        told = False
        self.fresh = self.fresh and not any_lines
        if self.catching_up and not self.tail.leaving:
            self.catching_up = False
            told = await self._tell(self.book.caught_up(now_ms))
        for said in self._reader.idle(now_ms):
            told = await self._tell(self.book.news(said, now_ms)) or told
        position = self.tail.position
        if position is not None and (told or self._due(position)):
            await self.save(position)
        return any_lines

    async def save(self, position: Position) -> None:
        """Write down how far the log was read, and what its lines have left open."""
        kept = Kept(position=position, format=self._reader.dump(), book=self.book.dump())
        await self._context.memory.put(self._key, msgspec.json.encode(kept).decode())
        self._saved, self._saved_ms = position, self._context.clock.now().mono_ms

    def _due(self, position: Position) -> bool:
        moved = self._saved is None or (position.inode, position.offset) != (self._saved.inode, self._saved.offset)
        return moved and self._context.clock.now().mono_ms - self._saved_ms >= SAVE_MS

    async def _take(self, batch: Batch) -> None:
        for text, position in batch.lines:
            now_ms = self._context.clock.now().utc_ms
            written_ms = min(batch.changed_ms, now_ms) if batch.late else now_ms
            seen = not (batch.late or self.fresh)
            said = self._reader.feed(text, written_ms, seen_ms=now_ms if seen else None)
            if self._reader.trouble not in ("", self._trouble):
                self._trouble = self._reader.trouble
                self._context.log.warning("lines are passed over", log=self.name, why=self._trouble)
            told = False
            for one in said:
                told = await self._tell(self._events(one, now_ms, written_ms, late=batch.late)) or told
            if told or self._due(position):
                # Only now: what was told is stored, and is not told again.
                await self.save(position)

    def _events(self, said: Said, now_ms: int, written_ms: int, *, late: bool) -> Iterable[PlayerEvent]:
        said_ms = written_ms if said.at_ms is None else said.at_ms
        if late or (self.fresh and now_ms - said_ms > OLD_MS):
            return self.book.past(said, written_ms) if now_ms - said_ms <= OLDEST_MS else ()
        return self.book.news(said, now_ms)

    async def _tell(self, events: Iterable[PlayerEvent]) -> bool:
        told = False
        for event in events:
            player = f"{event.player} in {self.label}" if self.label else event.player
            await self.emit(replace(event, player=player))
            told = True
        return told
