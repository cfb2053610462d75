"""Players before the servers that tell their sessions: what somebody sees there is what the server's list says."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zlib import crc32

from tests.kit.emby import emby_episode, emby_movie
from tests.kit.servers import plex_episode, plex_movie
from tests.kit.session_servers import (
    LiveEmby,
    LiveJellyfin,
    LivePlex,
    jellyfin_playing_episode,
    jellyfin_playing_film,
    jellyfin_session,
    plex_notice,
    plex_session,
)

Json = dict[str, Any]
LENGTH_MS = 8_000
"""How long films and episodes are here: at four times the speed, which is honest watching, two seconds."""
TICKS = LENGTH_MS * 10_000
_SPEED = 3.6


class Screen(Protocol):
    """One client of a server, and who sits before it."""

    user: str

    def film(self) -> Json:
        """Return a film of the server."""

    def episode(self, number: int) -> Json:
        """Return an episode of the server."""

    def show(self, item: Json, position_ms: int, *, paused: bool = False, **changes: Any) -> None:
        """Let the client say what it shows, and where in it it is."""

    def off(self) -> None:
        """Stop, as a client does that says so."""

    def vanish(self) -> None:
        """Be gone from the list, without a word of the client."""


def watch_to(screen: Screen, item: Json, position_ms: int, since: float, from_ms: int = 0) -> float:
    """Play on to a position, as fast as honest watching goes, and say so; return when that was."""
    time.sleep(max(0.0, since + (position_ms - from_ms) / 1000 / _SPEED - time.monotonic()))
    screen.show(item, position_ms)
    return time.monotonic()


def identity(user: str) -> str:
    """Return the id that a server of the MediaBrowser family gives a user."""
    return f"{crc32(user.encode()):032x}"


class MediaScreen:
    """A client of Jellyfin or Emby. Its server's clock is the real one.

    `polled` is a server whose websocket does not open: nobody can be told, the list is what it is.
    """

    def __init__(self, server: LiveJellyfin | LiveEmby, user: str, others: Mapping[str, str] | None = None) -> None:
        self.server = server
        self.user = user
        self._others = [{"UserId": key, "UserName": name} for name, key in (others or {}).items()]

    def film(self) -> Json:
        """Return a film of the server."""
        if isinstance(self.server, LiveEmby):
            return emby_movie(RunTimeTicks=TICKS)
        return jellyfin_playing_film(RunTimeTicks=TICKS)

    def episode(self, number: int) -> Json:
        """Return an episode of the server."""
        if isinstance(self.server, LiveEmby):
            return emby_episode(number, RunTimeTicks=TICKS)
        return jellyfin_playing_episode(number, RunTimeTicks=TICKS)

    def session(
        self, item: Json | None, position_ms: int = 0, *, paused: bool = False, silent_s: float = 0, **changes: Any
    ) -> Json:
        """Compose the client's entry in the list; it spoke last so many seconds ago."""
        own: Json = {"UserId": identity(self.user), "UserName": self.user, "DeviceId": f"tv-{self.user}"}
        if isinstance(self.server, LiveEmby):
            own["LastPlaybackCheckIn"] = None
        said_at = datetime.now(UTC) - timedelta(seconds=silent_s)
        given = {**own, "AdditionalUsers": self._others, **changes}
        return jellyfin_session(item, position_ms=position_ms, said_at=said_at, paused=paused, **given)

    def show(self, item: Json, position_ms: int, *, paused: bool = False, **changes: Any) -> None:
        """Let the client say what it shows, and where in it it is."""
        self._tell(self.session(item, position_ms, paused=paused, **changes))

    def counts(self, item: Json, position_ms: int, *, silent_s: float) -> None:
        """Let the server count on without a word of the client."""
        self._tell(self.session(item, position_ms, silent_s=silent_s))

    def off(self) -> None:
        """Stop, as a client does that says so: its session goes on, idle."""
        self._tell(self.session(None))

    def vanish(self) -> None:
        """Be gone from the list."""
        self._tell(None)

    def _tell(self, session: Json | None) -> None:
        others = [one for one in self.server.sessions if one["DeviceId"] != f"tv-{self.user}"]
        self.server.now = datetime.now(UTC)
        self.server.show(*others, *([session] if session else ()))


class PlexScreen:
    """A client of Plex: the list has who plays what, and the websocket says what happens."""

    _sessions = 100

    def __init__(self, server: LivePlex, user: str) -> None:
        self.server = server
        self.user = user
        self._client = f"tv-{user}"
        self._session = ""
        self._item: Json = {}
        self._position_ms = 0

    def film(self) -> Json:
        """Return a film of the server."""
        return plex_movie(duration=LENGTH_MS)

    def episode(self, number: int) -> Json:
        """Return an episode of the server."""
        return plex_episode(number, duration=LENGTH_MS)

    def line(self, item: Json, *, state: str = "playing", **changes: Any) -> Json:
        """Compose the client's line in the list."""
        return plex_session(
            item,
            key=self._session,
            state=state,
            offset_ms=self._position_ms,
            **{
                "User": {"id": str(crc32(self.user.encode())), "title": self.user},
                "Player": {"machineIdentifier": self._client, "title": "Living Room", "state": state},
                **changes,
            },
        )

    def notify(self, state: str, position_ms: int | None, **changes: Any) -> None:
        """Say something about the client's session."""
        key = self._item["ratingKey"]
        given = {"clientIdentifier": self._client, **changes}
        self.server.notify(plex_notice(state, key, position_ms, key=self._session, **given))

    def begin(self, item: Json) -> None:
        """Begin a session of its own, of which nobody has been told yet."""
        PlexScreen._sessions += 1
        self._session = str(PlexScreen._sessions)
        self._item = item

    def show(self, item: Json, position_ms: int, *, paused: bool = False, **changes: Any) -> None:
        """Let the client say what it shows, and where in it it is."""
        if not self._session or item["ratingKey"] != self._item.get("ratingKey"):
            self.begin(item)
        self._position_ms = position_ms
        state = "paused" if paused else "playing"
        self.list(self.line(item, state=state, **changes))
        self.notify(state, position_ms)

    def off(self) -> None:
        """Stop, as a client does that says so; the session is gone from the list by then."""
        self.list()
        self.notify("stopped", self._position_ms)
        self._session = ""

    def vanish(self) -> None:
        """Be gone from the list."""
        self.list()
        self._session = ""

    def list(self, *lines: Json) -> None:
        """Have these lines of the client in the list, beside those of others."""
        others = [one for one in self.server.sessions if one["Player"]["machineIdentifier"] != self._client]
        self.server.sessions = [*others, *lines]
