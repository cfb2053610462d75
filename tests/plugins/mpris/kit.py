"""A player on the bus as it would speak, without a bus: says things at chosen times, and is looked at when that is due."""

from typing import Any

from scrobbler.api import PlayerEvent
from scrobbler.api.testkit import check_events
from scrobbler_plugins.mpris.media import Rules
from scrobbler_plugins.mpris.messages import said_of
from scrobbler_plugins.mpris.parse import Player

FILM = "file:///media/Sintel%20(2010).mkv"
NEXT = "file:///media/Big%20Buck%20Bunny%20(2008).mkv"
LENGTH_S = 600.0


def metadata(url: str = FILM, *, length_s: float | None = LENGTH_S, **more: Any) -> dict[str, Any]:
    """Compose metadata; `more` are further keys, `_` for `:`."""
    told: dict[str, Any] = {"mpris:trackid": "/0", "xesam:url": url}
    if length_s is not None:
        told["mpris:length"] = round(length_s * 1_000_000)
    return told | {name.replace("_", ":", 1): value for name, value in more.items()}


class Scene:
    """One player, its clock, and the events so far. `shows` is what it answers to a look; positions are in seconds."""

    def __init__(self, rules: Rules | None = None, *, browser: bool = False) -> None:
        self.player = Player("vlc#7", rules or Rules(), browser=browser)
        self.now_ms = 1_000_000
        self.shows: dict[str, Any] | None = {"PlaybackStatus": "Stopped", "Metadata": {}, "Position": 0}
        self.events: list[PlayerEvent] = []
        self.looks = 0
        self._running = False

    def signal(self, **properties: Any) -> None:
        """Let it signal a change, and be looked at if that is due."""
        if self.shows is not None:
            self.shows |= properties
        self._take(self.player.heard(said_of(properties), self.now_ms))
        self.pass_s(0)

    def place(self, seconds: float) -> None:
        """Let its position be elsewhere, without a word."""
        assert self.shows is not None
        self.shows["Position"] = round(seconds * 1_000_000)

    def seeked(self, seconds: float) -> None:
        """Let it jump and say so."""
        self.place(seconds)
        self.player.seeked(self.now_ms)
        self.pass_s(0)

    def pass_s(self, seconds: float, *, moving: bool = True) -> None:
        """Let time pass; what plays moves on with it, unless it only stands still. Looks happen when they are due."""
        end_ms = self.now_ms + round(seconds * 1000)
        while self.player.due_ms is not None and self.player.due_ms <= end_ms:
            self._move(max(0, self.player.due_ms - self.now_ms), moving=moving)
            self._look()
        self._move(end_ms - self.now_ms, moving=moving)

    def begin(self, url: str = FILM, *, at_s: float = 0.0, length_s: float | None = LENGTH_S) -> None:
        """Let it open a file, and forget what was told of that."""
        self.place(at_s)
        self.signal(PlaybackStatus="Playing", Metadata=metadata(url, length_s=length_s))
        assert self.kinds[-1] == "play"
        self.forget()

    def gone(self) -> None:
        """Let it leave the bus."""
        self._take(self.player.gone(self.now_ms))

    def forget(self) -> None:
        """Forget the events so far."""
        self.events.clear()

    @property
    def kinds(self) -> list[str]:
        """The kinds of all events."""
        return [event.kind for event in self.events]

    @property
    def news(self) -> list[tuple[str, float | None]]:
        """The kinds and positions, in seconds, of all events but progress."""
        return [
            (event.kind, None if event.position_ms is None else event.position_ms / 1000)
            for event in self.events
            if event.kind != "progress"
        ]

    def _look(self) -> None:
        self.looks += 1
        assert self.looks < 10_000, "it is looked at without an end"
        if self.shows is None:
            self._take(self.player.unseen(self.now_ms))
        else:
            self._take(self.player.seen(said_of(self.shows), self.now_ms))

    def _move(self, ms: int, *, moving: bool) -> None:
        self.now_ms += ms
        if (
            self.shows is not None
            and moving
            and self.shows.get("PlaybackStatus") == "Playing"
            and "Position" in self.shows
        ):
            self.shows["Position"] += round(ms * 1000 * self.shows.get("Rate", 1.0))

    def _take(self, events: list[PlayerEvent]) -> None:
        check_events(event for event in events if event.item is not None)
        self.events += events
