"""MPC-BE's list of recent files, `history.mpc_lst`: MPC writes no log of plays, this is what exists (players.md 8.1).

The list is written anew each time, the last file first. It has no times and no lengths.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from scrobbler.api import Kind
from scrobbler_plugins.logfile.media import media_of
from scrobbler_plugins.logfile.parse import LineFormat, Said

_SECTION = re.compile(r"\[(?P<number>\d{1,5})\]$")
_VALUE = re.compile(r"(?P<name>Path|Title|Position)=(?P<value>.*)$")
_CLOCK = re.compile(r"(?P<h>\d{1,3}):(?P<m>\d\d):(?P<s>\d\d)")


class Entry(Struct, omit_defaults=True):
    """One file of the list; `position` as it is written."""

    path: str = ""
    title: str = ""
    position: str = ""


class State(Struct, kw_only=True, omit_defaults=True):
    """The section that is read now, the first entry as far as it is read, and as it was when it was last complete."""

    section: int = 0
    entry: Entry | None = None
    last: Entry | None = None


class MpcFormat(LineFormat):
    """Reads the list's first entry each time it is written.

    A file that comes to the top begins; when its position is written, or when it loses it, it is over. MPC forgets the
    position of what ran to its end.
    """

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        del now_ms
        text, state = line.strip(), self.state
        if text.startswith(";"):
            said = list(self._complete())
            state.section = 0
            return said
        if section := _SECTION.match(text):
            said = list(self._complete())
            state.section = int(section["number"])
            state.entry = Entry() if state.section == 1 else None
            return said
        value = _VALUE.match(text)
        if value and state.entry is not None and state.section == 1:
            setattr(state.entry, value["name"].lower(), value["value"])
        return []

    def idle(self, now_ms: int) -> list[Said]:
        """The list is written: its last lines are there."""
        del now_ms
        return list(self._complete())

    def _complete(self) -> Iterator[Said]:
        entry, last = self.state.entry, self.state.last
        self.state.entry = None
        if entry is None or not entry.path:
            return
        self.state.last = entry
        if last is None or last.path != entry.path:
            if not entry.position:
                yield _said("play", entry)
        elif last.position != entry.position:
            yield _said("stop" if entry.position else "end", entry)


def _said(kind: Kind, entry: Entry) -> Said:
    media = media_of(entry.path, entry.title)
    clock = _CLOCK.match(entry.position)
    position_ms = (int(clock["h"]) * 3600 + int(clock["m"]) * 60 + int(clock["s"])) * 1000 if clock else None
    return Said(
        kind=kind, player="mpc", item_key=media.key or "?", item=media.item, position_ms=position_ms, skip=media.skip
    )
