"""Turns what a log says into events: news as they are, history with its own time and never as a start.

A line that was written before the daemon looked tells of a play that we missed. Its start is kept back; only when the play
is over, or goes on before our eyes, are we told when it began, without a position, so that nothing starts at Simkl.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from scrobbler.api import PlayerEvent
from scrobbler_plugins.logfile.parse import Said, keep

LONGEST_MS = 12 * 3_600_000
"""What began longer ago without a word since is over, whatever the log says."""

WHOLE_MS = 5 * 60_000
"""What ran to its end without any position in the log counts when it was open for so long."""

AGREES_MS = 60_000
"""A line's own time is used where it agrees with ours to this extent; else it came when it came."""


class Open(Struct, kw_only=True, omit_defaults=True):
    """A play that the log has begun and not ended.

    `told`: the daemon knows of it. `measured`: a position and a length were in the log. `held`: what it did last, if that
    was not told.
    """

    key: str
    since_ms: int
    heard_ms: int
    told: bool = False
    measured: bool = False
    held: Said | None = None
    first: Said


class Pages(Struct, kw_only=True, omit_defaults=True):
    """What is open, by player."""

    open: dict[str, Open] = field(default_factory=dict)


class Book:
    """One log's plays. Feed it lines that are history by `past`, news by `news`; `caught_up` stands between the two."""

    def __init__(self) -> None:
        self.pages = Pages()

    def dump(self) -> str:
        """Write down what is open."""
        return msgspec.json.encode(self.pages).decode()

    def load(self, text: str) -> None:
        """Take up what was written down; what another version wrote is forgotten."""
        try:
            self.pages = msgspec.json.decode(text, type=Pages)
        except (msgspec.MsgspecError, UnicodeError):
            return

    def news(self, said: Said, now_ms: int) -> Iterator[PlayerEvent]:
        """Tell what happens now."""
        at_ms = now_ms if said.at_ms is None or abs(said.at_ms - now_ms) > AGREES_MS else said.at_ms
        before = self._of(said)
        if before is not None and not before.told and said.kind != "marked":
            yield from self._reveal(before, now_ms)
        agrees = said.at_ms is not None and at_ms == said.at_ms
        yield from self._ending(said, at_ms, at_ms if agrees else None)
        self._write(said, at_ms, told=True)

    def past(self, said: Said, now_ms: int) -> Iterator[PlayerEvent]:
        """Tell what happened before we looked, as far as it is over."""
        at_ms = now_ms if said.at_ms is None else min(said.at_ms, now_ms)
        before = self._of(said)
        other = self.pages.open.get(said.player)
        if other is not None and other.key != said.item_key and said.kind in ("play", "progress", "pause", "seek"):
            yield from self._replaced(other)
        if said.kind in ("play", "progress", "pause", "seek"):
            if before is not None and before.told:
                # It plays on from before we left: the daemon knows it, and learns where it is when it ends or goes on.
                before.held, before.heard_ms = said, at_ms
                before.measured = before.measured or _measures(said)
                return
            self._write(said, at_ms, told=False)
            return
        if before is not None and not before.told and said.kind in ("stop", "end", "watched"):
            yield _event(before.first, "play", before.since_ms, bare=True)
            before.told = True
        if said.kind == "stop" and said.position_ms is None and before is not None and before.held is not None:
            said = replace(said, position_ms=before.held.position_ms)
        yield from self._ending(said, at_ms, at_ms)
        self._write(said, at_ms, told=True)

    def caught_up(self, now_ms: int) -> Iterator[PlayerEvent]:
        """Tell of plays that go on: when they began, not where they are."""
        for player, one in list(self.pages.open.items()):
            if now_ms - one.heard_ms > LONGEST_MS:
                del self.pages.open[player]
            elif not one.told:
                yield from self._reveal(one, now_ms)
            elif one.held is not None and one.held.kind == "pause":
                yield _event(one.held, "pause", one.heard_ms)
                one.held = None

    def _of(self, said: Said) -> Open | None:
        one = self.pages.open.get(said.player)
        return one if one is not None and one.key == said.item_key else None

    def _reveal(self, one: Open, now_ms: int) -> Iterator[PlayerEvent]:
        one.told = True
        if now_ms - one.heard_ms > LONGEST_MS:
            return
        yield _event(one.first, "play", one.since_ms, bare=True)
        if one.held is not None and one.held.kind == "pause":
            yield _event(one.held, "pause", one.heard_ms)
        one.held = None

    def _replaced(self, one: Open) -> Iterator[PlayerEvent]:
        """Another item took its place while we were away: it ended where it was last heard, if that is known."""
        last = one.held or one.first
        if last.position_ms is None:
            return
        if not one.told:
            yield _event(one.first, "play", one.since_ms, bare=True)
        yield _event(last, "stop", one.heard_ms)

    def _ending(self, said: Said, now_ms: int, at_ms: int | None) -> Iterator[PlayerEvent]:
        """Tell one thing. A natural end without any position is told with the log's own verdict."""
        before = self._of(said)
        if said.kind == "watched" and before is None:
            # A verdict alone is a whole play: over, at its own time.
            at_ms = now_ms if said.at_ms is None else said.at_ms
            yield _event(said, "watched", at_ms)
            yield _event(said, "stop", at_ms)
            return
        if said.kind == "end" and before is not None:
            measured = before.measured or _measures(said)
            if not measured and now_ms - before.since_ms >= WHOLE_MS:
                yield _event(said, "watched", at_ms)
            elif not measured:
                yield _event(said, "stop", at_ms)
                return
        yield _event(said, said.kind, at_ms)

    def _write(self, said: Said, at_ms: int, *, told: bool) -> None:
        before = self._of(said)
        if said.kind in ("stop", "end", "gone"):
            if before is not None:
                del self.pages.open[said.player]
            return
        if said.kind in ("watched", "marked"):
            return
        if before is None:
            opened = Open(key=said.item_key, since_ms=at_ms, heard_ms=at_ms, told=told, first=said)
            opened.measured = _measures(said)
            opened.held = None if told else said
            keep(self.pages.open, said.player, opened)
            return
        before.heard_ms = at_ms
        before.told = before.told or told
        before.held = None if told else said
        before.measured = before.measured or _measures(said)


def _measures(said: Said) -> bool:
    return said.position_ms is not None and said.duration_ms is not None


def _event(said: Said, kind: str, at_ms: int | None, *, bare: bool = False) -> PlayerEvent:
    """Make the event. `bare`: without a position, which would begin it at Simkl."""
    return PlayerEvent(
        kind=kind,  # type: ignore[arg-type]
        player=said.player,
        item_key=said.item_key,
        item=said.item,
        user=said.user,
        position_ms=None if bare else said.position_ms,
        duration_ms=said.duration_ms,
        at=None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC),
        device=said.device or None,
        skip=said.skip,
    )
