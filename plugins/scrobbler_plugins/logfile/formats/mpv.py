"""mpv's `--log-file` (players.md 8.2, and observed with 0.35): times since its start, positions after each seek."""

import re
from collections.abc import Iterator

from msgspec import Struct

from scrobbler.api import Kind
from scrobbler_plugins.logfile.media import media_of
from scrobbler_plugins.logfile.parse import MAX_MS, LineFormat, Said

_LINE = re.compile(r"\[ *(?P<s>\d{1,9})\.(?P<f>\d{1,6})\]\[(?P<level>\w)\]\[(?P<who>[^\]]{1,40})\] ?(?P<text>.*)")
_PLAYING = re.compile(r"Playing: (?P<path>.+)$")
_OPENED = re.compile(r"Opening done: (?P<path>.+)$")
_LENGTH = re.compile(r"\| \+ duration: (?P<s>\d{1,7})\.(?P<f>\d{1,6})s$")
_SHOWN = re.compile(r"playback restart complete @ (?P<s>-?\d{1,7})\.(?P<f>\d{1,6})(?P<rest>.*)$")
_PAUSE = re.compile(r"Set property: pause(?:=(?P<value>\w+))? -> 1$")
_ENDED = re.compile(r"EOF code: (?P<code>\d+)")
_FINISHED = re.compile(r"finished playback, .*\(reason (?P<reason>\d+)\)")
_EXIT = re.compile(r"Exiting\.\.\. \(")

_NATURAL = "1"
"""The code of a file that ran to its end. The numbers are mpv's own business and may change."""


class State(Struct, kw_only=True, omit_defaults=True):
    """What plays: its path, its length in ms, whether it was seen to play and is paused, and how it ended."""

    path: str = ""
    duration_ms: int | None = None
    shown: bool = False
    paused: bool = False
    ended: bool = False


class MpvFormat(LineFormat):
    """Reads the log of one mpv after the other: the file begins anew with each."""

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        del now_ms
        match = _LINE.match(line.rstrip())
        if match is None:
            return []
        if match["who"] == "cplayer":
            return list(self._player(match["text"].rstrip()))
        if (length := _LENGTH.search(match["text"])) and not self.state.shown and self.state.duration_ms is None:
            self.state.duration_ms = _ms(length) or None
        return []

    def _player(self, text: str) -> Iterator[Said]:
        state = self.state
        if match := _PLAYING.match(text):
            yield from self._over("stop")
            self.state = State(path=match["path"], paused=state.paused)
        elif match := _OPENED.match(text):
            # `Playing:` is there only where a list plays; where it is, it has the name before any redirection.
            state.path = state.path or match["path"]
        elif not state.path:
            return
        elif match := _SHOWN.match(text):
            yield from self._shown(match)
        elif match := _PAUSE.match(text):
            value = match["value"]
            state.paused = not state.paused if value is None else value in ("true", "yes", "1")
            if state.shown:
                yield self._said("pause" if state.paused else "play")
        elif match := _ENDED.match(text):
            state.ended = match["code"] == _NATURAL
        elif match := _FINISHED.match(text):
            yield from self._over("end" if state.ended and match["reason"] == "0" else "stop")
        elif _EXIT.match(text):
            yield from self._over("stop")

    def _shown(self, match: re.Match[str]) -> Iterator[Said]:
        """The first picture after loading and after each jump: here, and only here, mpv tells where it is."""
        state = self.state
        kind: Kind = "seek" if state.shown else "play"
        state.shown = True
        yield self._said(kind, None if match["s"].startswith("-") else _ms(match))
        if match["rest"].rstrip().endswith("(paused)") and kind == "play":
            state.paused = True
        if state.paused:
            yield self._said("pause")

    def _over(self, kind: Kind) -> Iterator[Said]:
        if self.state.path and self.state.shown:
            yield self._said(kind)
        self.state = State(paused=self.state.paused)

    def _said(self, kind: Kind, position_ms: int | None = None) -> Said:
        media = media_of(self.state.path)
        return Said(
            kind=kind,
            player="mpv",
            item_key=media.key or "?",
            item=media.item,
            position_ms=position_ms,
            duration_ms=self.state.duration_ms,
            at_ms=None,
            skip=media.skip,
        )


def _ms(match: re.Match[str]) -> int:
    return min(MAX_MS, int(match["s"]) * 1000 + int((match["f"] + "000")[:3]))
