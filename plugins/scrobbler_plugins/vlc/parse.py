"""From one look at VLC after another to events: pure, one Player per VLC (players.md 6.1)."""

from typing import NamedTuple

from scrobbler.api import Kind, PlayerEvent
from scrobbler_plugins.vlc.media import Media
from scrobbler_plugins.vlc.messages import Status, Streams

TICK_MS = 5_000
"""While it plays, a position is told this often."""
BEAT_MS = 600_000
"""A paused VLC that is still there says so this often, so that it is not taken for gone."""
GRAIN_MS = 1_000
"""VLC's times are whole seconds."""
SLACK_MS = 1_000
"""So much more than time allows may be the wobble of its clock."""
FOLLOWED_MS = 10_000
"""What happened between two looks is known only if they are no farther apart."""
JOINED_MS = 3_000
"""An item that is first seen so far in has been playing; one that is seen earlier may still jump to where it was left."""
LOOKS = 3
"""So many looks may go by until length and streams of an opening item are known."""

PLAYING_S = 1.0
OPENING_S = 0.3
RESTING_S = 2.0


class Look(NamedTuple):
    """One answer of VLC; when the question went out and when the answer was there, monotonic."""

    status: Status
    asked_ms: int
    now_ms: int


class Seen(NamedTuple):
    """What an open play was at the last look."""

    position_ms: int | None
    paused: bool
    rate: float
    asked_ms: int


class Player:
    """One VLC as its answers show it. `name` is the player's name in events.

    What is said of an item is said at the second look at it, so that VLC has had the time to go to where it was left.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._identity: tuple[int | None, str] | None = None
        self._numbers = False  # whether this VLC tells an item's place
        self._media: Media | None = None
        self._streams: Streams = ""  # what was known of it then
        self._looks = 0
        self._seen: Seen | None = None  # None: the item is not told as a play, or is none of ours
        self._duration: int | None = None
        self._opening = False
        self._told_ms = 0  # when an event was last emitted
        self._told_position: int | None = None

    def is_new(self, status: Status) -> bool:
        """Tell whether it plays something of which is not known yet what it is, or of which more is known before it is told."""
        if not self._plays(status):
            return False
        more = self._seen is None and self._looks > 0 and status.streams != self._streams
        return self._media is None or self._identity != _identity(status) or more

    @property
    def wait_s(self) -> float:
        """How long to wait until the next look."""
        if self._opening:
            return OPENING_S
        return PLAYING_S if self._seen is not None and not self._seen.paused else RESTING_S

    def look(self, look: Look, media: Media | None = None) -> list[PlayerEvent]:
        """Take in one look. `media` says what it plays, if that is new."""
        status = look.status
        self._opening = status.state == "opening"
        if status.state == "stopped":
            return self._leave(look)
        if not self._plays(status):
            return []
        self._numbers = self._numbers or status.item is not None
        events: list[PlayerEvent] = []
        if self._identity != _identity(status):
            events = self._leave(look)
            self._identity = _identity(status)
        if media is not None:
            self._media, self._streams = media, status.streams
        if self._media is None:
            return events
        if self._seen is not None:
            return events + self._went_on(self._seen, look)
        return events + self._first(look)

    def lost(self, now_ms: int) -> list[PlayerEvent]:
        """Return what is to be told when VLC has gone: it may have ended with its last item."""
        events = self._close("end" if self._ran_out(now_ms) else "gone", now_ms)
        self._forget()
        return events

    def _plays(self, status: Status) -> bool:
        """Tell whether it has an item; between two of them some looks find it playing nothing."""
        return status.state in ("playing", "paused") and (status.item is not None or not self._numbers)

    def _leave(self, look: Look) -> list[PlayerEvent]:
        events = self._close("end" if self._ran_out(look.now_ms) else "stop", look.now_ms)
        self._forget()
        return events

    def _forget(self) -> None:
        self._identity = self._media = None
        self._looks = 0

    def _first(self, look: Look) -> list[PlayerEvent]:
        """Say of an item that it plays, once enough is known of it."""
        status = look.status
        assert self._media is not None
        if self._looks < 0:  # said already, and no play of ours
            return []
        self._looks += 1
        begun = status.state == "paused" or (status.time_ms is not None and status.time_ms >= JOINED_MS)
        known = status.length_ms is not None and status.streams != ""
        patient = self._looks >= LOOKS and (status.length_ms is not None or bool(status.time_ms))
        if not (patient or (known and (begun or self._looks > 1))):
            self._opening = self._looks <= 2 * LOOKS
            return []
        self._duration = status.length_ms
        paused = status.state == "paused"
        event = self._event("pause" if paused else "play", look.now_ms, status.time_ms, status.rate)
        if self._media.skip is not None:
            self._looks = -1
        else:
            self._keep(look)
        return [event]

    def _went_on(self, seen: Seen, look: Look) -> list[PlayerEvent]:
        status, now_ms = look.status, look.now_ms
        if not status.time_ms and status.length_ms is None and self._duration is not None:
            return []  # zeros while it opens or closes are no position
        paused = status.state == "paused"
        if self._again(seen, look):
            events = self._close("end", now_ms)
            self._duration = status.length_ms
            self._keep(look)
            return [*events, self._event("pause" if paused else "play", now_ms, status.time_ms, status.rate)]
        self._duration = status.length_ms or self._duration
        events = self._jump(seen, look)
        self._keep(look)
        since_ms = now_ms - self._told_ms
        if paused is not seen.paused:
            events.append(self._event("pause" if paused else "play", now_ms, status.time_ms, status.rate))
        elif not events and since_ms >= (BEAT_MS if paused else TICK_MS):
            events.append(self._event("pause" if paused else "progress", now_ms, status.time_ms, status.rate))
        return events

    def _jump(self, seen: Seen, look: Look) -> list[PlayerEvent]:
        """Tell a position that time does not explain, after the last one before it."""
        position = look.status.time_ms
        if position is None or seen.position_ms is None:
            return []
        moved_ms = position - seen.position_ms
        if -GRAIN_MS - SLACK_MS < moved_ms <= _played_ms(seen, look) + GRAIN_MS + SLACK_MS:
            return []
        events = []
        if not seen.paused and seen.position_ms != self._told_position:
            events.append(self._event("progress", look.now_ms, seen.position_ms, seen.rate))
        return [*events, self._event("seek", look.now_ms, position, look.status.rate)]

    def _again(self, seen: Seen, look: Look) -> bool:
        """Tell whether it ran to its end and began once more (repeat): a leap from the end to the beginning."""
        position = look.status.time_ms
        if position is None or seen.position_ms is None or not self._ran_out(look.now_ms):
            return False
        return position < seen.position_ms and position <= _played_ms(seen, look) + GRAIN_MS

    def _ran_out(self, now_ms: int) -> bool:
        """Tell whether the end lay within reach of the last look: nothing else tells an end from a stop."""
        seen = self._seen
        if seen is None or seen.paused or seen.position_ms is None or self._duration is None:
            return False
        gap_ms = now_ms - seen.asked_ms
        return gap_ms <= FOLLOWED_MS and seen.position_ms + gap_ms * seen.rate + GRAIN_MS + SLACK_MS >= self._duration

    def _keep(self, look: Look) -> None:
        status, before = look.status, self._seen
        position = status.time_ms if status.time_ms is not None or before is None else before.position_ms
        self._seen = Seen(position, status.state == "paused", status.rate, look.asked_ms)

    def _close(self, kind: Kind, now_ms: int) -> list[PlayerEvent]:
        if self._seen is None:
            return []
        event = self._event(kind, now_ms, self._seen.position_ms, self._seen.rate)
        self._seen = self._told_position = None
        return [event]

    def _event(self, kind: Kind, now_ms: int, position_ms: int | None, rate: float) -> PlayerEvent:
        assert self._media is not None
        self._told_ms, self._told_position = now_ms, position_ms
        return PlayerEvent(
            kind=kind,
            player=self._name,
            item_key=self._media.key,
            item=None if kind == "progress" else self._media.item,
            position_ms=position_ms,
            duration_ms=self._duration,
            speed=rate,
            skip=self._media.skip,
        )


def _identity(status: Status) -> tuple[int | None, str]:
    """Name the item: by its place in the playlist, which a second run of the same file does not share, else by its file."""
    return (status.item, "") if status.item is not None else (None, status.name)


def _played_ms(seen: Seen, look: Look) -> float:
    """Say how far it can have played since the last look."""
    if seen.paused and look.status.state == "paused":
        return 0.0
    return (look.now_ms - seen.asked_ms) * max(seen.rate, look.status.rate)
