"""Kodi's log (players.md 8.2): which file was opened, and how it was left. It has no positions."""

import re
from collections.abc import Iterator

from msgspec import Struct

from scrobbler.api import Kind
from scrobbler_plugins.logfile.media import media_of
from scrobbler_plugins.logfile.parse import LineFormat, Said
from scrobbler_plugins.logfile.times import make

# The level's word and its brackets changed over the versions; before 17 the date stood in the file's first line alone.
_LINE = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) )?(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))? +T:\S+ +"
    r"(?P<text>.*)"
)
_OPEN = re.compile(
    r"(?:^|: |> )(?P<player>C?(?:DVD|Video)Player|PAPlayer)(?:: ?|::)OpenFile(?:: ?|\()(?P<path>[^\r\n]+?)\)?$"
)
_END = re.compile(r"(?:DVD|Video)Player: eof, waiting for queues to empty")
_CLOSE = re.compile(r"C?(?:DVD|Video)Player::CloseFile\(\)")
_EXIT = re.compile(r"(?:application stopped|Exiting the application|Starting Kodi \()")


class State(Struct, kw_only=True, omit_defaults=True):
    """What is open, and whether it is audio's player that has it."""

    path: str = ""


class KodiFormat(LineFormat):
    """Reads `kodi.log`.

    A natural end writes `eof` and no close, a stop writes `CloseFile` (often twice) and no `eof`, another file writes the
    next `OpenFile` alone.
    """

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        match = _LINE.match(line.rstrip())
        if match is None:
            return []
        text = match["text"]
        if opened := _OPEN.search(text):
            at_ms = self._when(match, now_ms)
            said = list(self._over("stop", at_ms))
            self.state.path = opened["path"].strip()
            return said + list(self._says("play", at_ms))
        for pattern, kind in _ENDINGS:
            if pattern.search(text):
                return list(self._over(kind, self._when(match, now_ms)))
        return []

    def _over(self, kind: Kind, at_ms: int) -> Iterator[Said]:
        if self.state.path:
            yield from self._says(kind, at_ms)
            self.state.path = ""

    def _says(self, kind: Kind, at_ms: int) -> Iterator[Said]:
        media = media_of(self.state.path)
        yield Said(kind=kind, player="kodi", item_key=media.key or "?", item=media.item, at_ms=at_ms, skip=media.skip)

    def _when(self, match: re.Match[str], now_ms: int) -> int:
        year, month, day = match["year"], match["month"], match["day"]
        if year is None:
            moment = make("2000", "1", "1", match["h"], match["m"], match["s"], match["f"] or "")
            return self.times.known(now_ms) if moment is None else self.times.of_day(moment.time(), now_ms)
        moment = make(year, month, day, match["h"], match["m"], match["s"], match["f"] or "")
        return self.times.known(now_ms) if moment is None else self.times.local(moment)


_ENDINGS: tuple[tuple[re.Pattern[str], Kind], ...] = ((_END, "end"), (_CLOSE, "stop"), (_EXIT, "stop"))
