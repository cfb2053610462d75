"""From mpv's messages to events: pure, one Player per connection (players.md 5.3)."""

import math
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple

from scrobbler.api import Kind, PlayerEvent
from scrobbler_plugins.mpv.media import Media, identify
from scrobbler_plugins.mpv.messages import PROBED, Message, answered, observe, probe

TICK_MS = 5_000
"""While it plays, a position is told this often."""
SEEK_REST_MS = 1_000
"""A row of seeks (a key held down) is told once in this time."""
NO_SEEK_MS = 500
"""A shorter move is a step by frames, or mpv reopening a track."""
START_MS = 1_000
LOOP_MS = 2_000
"""A leap to the first second from so close to the end, as time passes in front of mpv, is a loop: mpv says no end there."""
BEAT_S = 600.0
"""A paused mpv that is still there says so this often, so that it is not taken for gone."""


class Phase(Enum):
    """Where a file is in its life."""

    WAITING = auto()  # no file, or it has not begun to play
    OPEN = auto()  # told as a play, not yet as over
    ENDED = auto()  # at its end and still open: `keep-open`
    SKIPPED = auto()  # not a play of ours


class Step(NamedTuple):
    """What one message leads to: events, in order, and what is to be written to mpv."""

    events: list[PlayerEvent]
    write: bytes = b""


_NOTHING = Step([])


class Player:
    """One mpv as its messages show it. `name` is the player's name in events; times come in as `now_ms`, monotonic.

    `folder` takes the working directory as mpv tells it, and returns the one that relative paths belong to.
    """

    def __init__(self, name: str, folder: Callable[[str], str] = str) -> None:
        self._name = name
        self._folder = folder
        self._phase = Phase.WAITING
        self._media: Media | None = None
        self._position: int | None = None
        self._duration: int | None = None
        self._speed = 1.0
        self._paused = self._told_paused = False
        self._told_ms = 0  # when an event was last emitted
        self._sought_ms = -SEEK_REST_MS  # when a seek was last emitted
        self._seeking = False  # between `seek` and `playback-restart`
        self._origin: int | None = None  # where the seek began
        self._landing: int | None = None  # where a seek ended that is not told yet
        self._closing = False
        self._probe = 0
        self._answers: dict[str, Any] = {}
        self._without_position = False
        self._returning = False  # connected anew, and not yet known whether the same file plays on

    @property
    def playing(self) -> bool:
        """Whether a play is open: told, and not told as over."""
        return self._phase is Phase.OPEN

    def greet(self) -> bytes:
        """Return what to write to mpv when a connection opens; a later one goes on with the play of the one before."""
        self._returning = self._phase is Phase.OPEN
        self._seeking, self._origin, self._landing = False, None, None
        return observe() + self._ask()

    @property
    def wait_s(self) -> float | None:
        """How long mpv may stay silent before `beat` is called; None: as long as it likes."""
        if self._phase is not Phase.OPEN or not self._paused:
            return None
        return BEAT_S if self._landing is None else SEEK_REST_MS / 1000

    def beat(self, now_ms: int) -> list[PlayerEvent]:
        """Return what is to be told after a silence."""
        if self._phase is not Phase.OPEN or not self._paused:
            return []
        if self._landing is not None:
            return self._land(now_ms)
        return [self._event("pause", now_ms)]

    def lost(self, now_ms: int) -> list[PlayerEvent]:
        """Return what is to be told when the connection has ended: after an orderly end of the file, nothing."""
        if self._phase is not Phase.OPEN:
            return []
        return self._close("stop" if self._closing else "gone", now_ms)

    def feed(self, message: Message, now_ms: int) -> Step:
        """Take in one message."""
        match message.event:
            case "property-change":
                return self._changed(message.name, message.data, now_ms)
            case "":
                return self._answered(message, now_ms)
            case "start-file":
                step = Step(self._close("stop", now_ms) if self._phase is Phase.OPEN else [])
                self._forget()
                return step
            case "end-file":
                return self._end_file(message.reason, now_ms)
            case "seek":
                return self._seek(now_ms)
            case "playback-restart":
                return Step([], self._ask()) if self._awaits_restart else _NOTHING
            case "shutdown":
                self._closing = True
        return _NOTHING

    @property
    def _awaits_restart(self) -> bool:
        return self._phase in (Phase.WAITING, Phase.ENDED) or self._seeking or self._returning

    def _changed(self, name: str, data: Any, now_ms: int) -> Step:
        match name:
            case "time-pos":
                return self._moved(_milliseconds(data), now_ms)
            case "eof-reached" if data is True and self._phase is Phase.OPEN:
                events = self._close("end", now_ms)
                self._phase = Phase.ENDED
                return Step(events)
            case "pause" if isinstance(data, bool):
                return self._pause(now_ms, paused=data)
            case "speed":
                self._speed = _speed(data)
            case "duration":
                self._duration = _length(data) or self._duration
        return _NOTHING

    def _moved(self, position: int | None, now_ms: int) -> Step:
        if position is None:
            return _NOTHING
        if self._without_position:
            return Step([], self._ask())
        if self._returning:  # of which file is not known yet
            return _NOTHING
        self._position = position
        if self._phase is not Phase.OPEN or self._paused or self._seeking:
            return _NOTHING
        if self._landing is not None:
            return Step(self._land(now_ms)) if now_ms - self._sought_ms >= SEEK_REST_MS else _NOTHING
        if now_ms - self._told_ms < TICK_MS:
            return _NOTHING
        return Step([self._event("progress", now_ms)])

    def _pause(self, now_ms: int, *, paused: bool) -> Step:
        changed, self._paused = paused != self._paused, paused
        if changed and self._phase is Phase.ENDED and not paused:
            return Step([], self._ask())
        if self._phase is not Phase.OPEN or self._seeking:  # in a seek: told when it has landed
            return _NOTHING
        return Step(self._tell_pause(now_ms))

    def _tell_pause(self, now_ms: int) -> list[PlayerEvent]:
        if self._paused == self._told_paused:
            return []
        self._told_paused = self._paused
        return [*self._land(now_ms), self._event("pause" if self._paused else "play", now_ms)]

    def _seek(self, now_ms: int) -> Step:
        if self._phase is not Phase.OPEN:
            return _NOTHING
        self._probe += 1  # answers under way are about the place that is being left
        if self._seeking:
            return _NOTHING
        self._seeking = True
        if self._landing is not None:
            return _NOTHING  # one row of seeks, with one beginning
        self._origin = self._position
        if self._paused or self._position is None:
            return _NOTHING
        return Step([self._event("progress", now_ms)])

    def _land(self, now_ms: int) -> list[PlayerEvent]:
        """Tell the seek that has landed and is not told yet."""
        if self._landing is None:
            return []
        self._sought_ms = now_ms
        event = self._event("seek", now_ms, self._landing)
        self._landing = self._origin = None
        return [event]

    def _break_off(self) -> None:
        """Let a seek that is under way count with its target."""
        target = self._position
        if not self._seeking or target is None:
            return
        if self._duration is not None:
            target = min(target, self._duration)  # mpv names the wish until it has landed
        if target != self._origin:
            self._position = self._landing = target
        self._seeking = False

    def _end_file(self, reason: str, now_ms: int) -> Step:
        events: list[PlayerEvent] = []
        if self._phase is Phase.OPEN:
            if reason == "eof" and self._seeking and self._position == self._origin:
                self._position = self._duration or self._position  # sought past the end
            events = self._close("end" if reason == "eof" else "stop", now_ms)
        self._forget()
        return Step(events)

    def _close(self, kind: Kind, now_ms: int) -> list[PlayerEvent]:
        self._break_off()
        events = [*self._land(now_ms), self._event(kind, now_ms)]
        self._phase, self._returning = Phase.WAITING, False
        return events

    def _forget(self) -> None:
        """Leave the file behind: no value of it may be taken for one of the next (players.md 5.3)."""
        self._phase = Phase.WAITING
        self._media = self._position = self._origin = self._landing = None
        self._seeking = self._without_position = self._returning = False
        self._probe += 1

    def _ask(self) -> bytes:
        self._probe += 1
        self._answers = {}
        self._without_position = False
        return probe(self._probe)

    def _answered(self, message: Message, now_ms: int) -> Step:
        number, name = answered(message.request_id)
        if number != self._probe or not name:
            return _NOTHING
        if message.error == "success":
            self._answers[name] = message.data
        return Step(self._seen(self._answers, now_ms)) if name == PROBED[-1] else _NOTHING

    def _seen(self, seen: dict[str, Any], now_ms: int) -> list[PlayerEvent]:
        path, position = seen.get("path"), _milliseconds(seen.get("time-pos"))
        if not isinstance(path, str) or not path:
            return self._close("gone", now_ms) if self._returning else []
        if seen.get("seeking") is True:
            return []
        if position is None:
            self._without_position = self._phase is Phase.WAITING or self._returning
            return []
        if self._returning:
            return self._returned(path, position, seen, now_ms)
        self._duration = _length(seen.get("duration"))
        if self._phase is Phase.OPEN:
            return self._landed(position, now_ms)
        return self._opened(path, position, seen, now_ms)

    def _returned(self, path: str, position: int, seen: dict[str, Any], now_ms: int) -> list[PlayerEvent]:
        """Go on with the play of the connection before, if mpv still plays the same file."""
        self._returning = False
        media = self._identify(path, seen)
        if self._media is None or media.key != self._media.key:
            return [*self._close("gone", now_ms), *self._seen(seen, now_ms)]
        self._position, self._paused = position, seen.get("pause") is True
        return self._tell_pause(now_ms) or ([] if self._paused else [self._event("progress", now_ms)])

    def _opened(self, path: str, position: int, seen: dict[str, Any], now_ms: int) -> list[PlayerEvent]:
        """Tell that a file plays."""
        self._paused = seen.get("pause") is True
        if self._phase is Phase.SKIPPED or (
            self._phase is Phase.ENDED and (self._paused or seen.get("eof-reached") is True)
        ):
            return []
        self._position, self._speed = position, _speed(seen.get("speed"))
        self._media = self._identify(path, seen)
        self._seeking, self._origin, self._landing = False, None, None
        self._phase = Phase.SKIPPED if self._media.skip else Phase.OPEN
        self._told_paused = self._paused
        return [self._event("pause" if self._paused else "play", now_ms)]

    def _identify(self, path: str, seen: dict[str, Any]) -> Media:
        folder = self._folder(_text(seen, "working-directory"))
        return identify(path, folder, _text(seen, "media-title"), seen.get("track-list"))

    def _landed(self, position: int, now_ms: int) -> list[PlayerEvent]:
        if not self._seeking:
            self._position = position
            return []
        self._seeking = False
        if self._has_looped(position):
            return self._once_more(position, now_ms)
        self._position = position
        if self._landing is not None or self._origin is None or abs(position - self._origin) >= NO_SEEK_MS:
            self._landing = position
        events = self._land(now_ms) if now_ms - self._sought_ms >= SEEK_REST_MS else []
        return events + self._tell_pause(now_ms)

    def _has_looped(self, position: int) -> bool:
        if self._landing is not None or self._origin is None or self._duration is None:
            return False
        return position < START_MS and self._origin >= self._duration - LOOP_MS * max(1.0, self._speed)

    def _once_more(self, position: int, now_ms: int) -> list[PlayerEvent]:
        """Tell that the file has ended, and plays again."""
        self._position = self._origin
        events = self._close("end", now_ms)
        self._phase, self._position, self._origin = Phase.OPEN, position, None
        self._told_paused = self._paused
        return [*events, self._event("pause" if self._paused else "play", now_ms)]

    def _event(self, kind: Kind, now_ms: int, position: int | None = None) -> PlayerEvent:
        assert self._media is not None
        self._told_ms = now_ms
        return PlayerEvent(
            kind=kind,
            player=self._name,
            item_key=self._media.key,
            item=None if kind == "progress" else self._media.item,
            position_ms=self._position if position is None else position,
            duration_ms=self._duration,
            speed=self._speed,
            skip=self._media.skip,
        )


def _text(seen: dict[str, Any], name: str) -> str:
    value = seen.get(name)
    return value if isinstance(value, str) else ""


def _milliseconds(value: Any) -> int | None:
    """Read mpv's seconds; slightly negative ones at the start of a file are its beginning."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(0, round(value * 1000))


def _length(value: Any) -> int | None:
    return _milliseconds(value) or None


def _speed(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 1.0
    return float(value) if value > 0 else 1.0
