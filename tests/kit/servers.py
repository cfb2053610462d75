"""Plex and Jellyfin as the daemon meets them: their webhooks in the order of real evenings.

Titles and ids are invented. A `Step` is one POST: `(after_s, label, content_type, body)`; post the steps of an evening in
their order. The order is the promise (players.md 1.5, 2.4), `after_s` is when it would happen.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, Self

from tests.kit.media_servers import (
    JELLYFIN_KEY,
    JELLYFIN_SERIES,
    JELLYFIN_USER,
    PLEX_SERVER,
    PLEX_TOKEN,
    FakeJellyfin,
    FakePlex,
    Json,
    changed,
)

__all__ = [
    "EVENING",
    "JELLYFIN_EPISODE",
    "JELLYFIN_FILM",
    "JELLYFIN_KEY",
    "JELLYFIN_SERIES",
    "JELLYFIN_USER",
    "PLEX_SERVER",
    "PLEX_TOKEN",
    "FakeJellyfin",
    "FakePlex",
    "JellyfinEvening",
    "Json",
    "PlexEvening",
    "Step",
    "jellyfin_episode",
    "jellyfin_event",
    "jellyfin_movie",
    "jellyfin_payload",
    "plex_episode",
    "plex_event",
    "plex_movie",
    "plex_payload",
]


JELLYFIN_FILM = "bbbb0000bbbb0000bbbb0000bbbb0100"
JELLYFIN_EPISODE = "bbbb0000bbbb0000bbbb0000bbbb0002"
EVENING = datetime(2026, 3, 4, 19, 0, tzinfo=UTC)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 8 + bytes.fromhex("ffd9")
_BOUNDARY = "----------------------------0123456789abcdef"
_TICKS = 10_000


class Step(NamedTuple):
    """One request of an evening."""

    after_s: float
    label: str
    content_type: str
    body: bytes


def plex_movie(**changes: Any) -> Json:
    """Return the metadata of a film; a change to None leaves the field out."""
    film = {
        **_plex_section("movie", "Movies", 1),
        "ratingKey": "4001",
        "key": "/library/metadata/4001",
        "guid": "plex://movie/5d0000000000000000000009",
        "type": "movie",
        "title": "The Example",
        "year": 2014,
        "originallyAvailableAt": "2014-05-01",
        "duration": 6_000_000,
        "Guid": [{"id": "imdb://tt0000009"}, {"id": "tmdb://9100009"}],
    }
    return changed(film, changes)


def plex_episode(number: int = 2, **changes: Any) -> Json:
    """Return the metadata of an episode; a change to None leaves the field out."""
    episode = {
        **_plex_section("show", "TV", 2),
        "ratingKey": f"50{10 + number}",
        "key": f"/library/metadata/50{10 + number}",
        "grandparentRatingKey": "5000",
        "guid": f"plex://episode/5d000000000000000000000{number}",
        "grandparentGuid": "plex://show/5d0000000000000000000000",
        "type": "episode",
        "title": f"Part {number}",
        "grandparentTitle": "Example Show",
        "parentIndex": 1,
        "index": number,
        "year": 2021,
        "originallyAvailableAt": f"2021-04-{9 + number:02}",
        "duration": 1_500_000,
        "Guid": [
            {"id": f"imdb://tt000000{number}"},
            {"id": f"tmdb://910000{number}"},
            {"id": f"tvdb://920000{number}"},
        ],
    }
    return changed(episode, changes)


def plex_payload(event: str, metadata: Json | None = None, *, account: Json | None = None, **changes: Any) -> Json:
    """Return what a webhook of Plex holds in its field `payload`."""
    payload = {
        "event": event,
        "user": True,
        "owner": True,
        "Account": account or {"id": 1, "title": "alice"},
        "Server": {"title": "attic", "uuid": PLEX_SERVER},
        "Player": {"local": True, "publicAddress": "203.0.113.9", "title": "Living Room", "uuid": "abc123-player"},
        "Metadata": metadata,
    }
    return changed(payload, changes)


def plex_event(
    event: str,
    metadata: Json | None = None,
    *,
    account: Json | None = None,
    payload_as: Literal["field", "typed field", "file"] = "typed field",
    line_end: bytes = b"\r\n",
    **changes: Any,
) -> tuple[str, bytes]:
    """Compose one request of Plex: `(content_type, body)`, multipart, with a picture where Plex sends one (players.md 1.1)."""
    payload = json.dumps(plex_payload(event, metadata or plex_movie(), account=account, **changes)).encode()
    name = b'form-data; name="payload"' + (b'; filename="payload.json"' if payload_as == "file" else b"")
    kind = b"" if payload_as == "field" else b"application/json"
    parts = [_part(name, kind, payload, line_end)]
    if event in ("media.play", "media.rate", "playback.started") or event.startswith("library."):
        parts.append(_part(b'form-data; name="thumb"; filename="thumb.jpg"', b"image/jpeg", JPEG, line_end))
    body = b"".join(parts) + b"--" + _BOUNDARY.encode() + b"--" + line_end
    return f"multipart/form-data; boundary={_BOUNDARY}", body


class PlexEvening:
    """Somebody's evening at Plex; each call adds what the server would post, `steps` is all of it."""

    def __init__(self, *, account: Json | None = None, line_end: bytes = b"\r\n", **player: Any) -> None:
        self.steps: list[Step] = []
        self.at_s = 0.0
        self._account = account
        self._line_end = line_end
        self._changes: Json = {"Player": {"title": "Living Room", "uuid": "abc123-player", **player}} if player else {}

    def event(self, name: str, metadata: Json, offset_ms: int = 0) -> Self:
        """Add one event; Plex leaves an offset of 0 out."""
        shown = {**metadata, **({"viewOffset": offset_ms} if offset_ms else {})}
        sent = plex_event(name, shown, account=self._account, line_end=self._line_end, **self._changes)
        self.steps.append(Step(self.at_s, f"{name} {metadata['title']} {offset_ms}", *sent))
        return self

    def wait(self, seconds: float) -> Self:
        """Let time pass."""
        self.at_s += seconds
        return self

    def watched_through(self, item: Json, end: Literal["stop", "swapped", "no stop"] = "stop") -> Self:
        """Watch an item from 0 to the end; the verdict at 90 % and the stop carry no offset (players.md 1.6 item 1)."""
        length_s = item["duration"] / 1000
        self.event("media.play", item).wait(length_s * 0.9)
        if end == "swapped":
            return self.wait(length_s * 0.1).event("media.stop", item).wait(0.5).event("media.scrobble", item)
        self.event("media.scrobble", item).wait(length_s * 0.1)
        return self.event("media.stop", item) if end == "stop" else self

    def watched_with_pause(self, item: Json, at_ms: int, pause_s: float = 300) -> Self:
        """Watch an item with one pause, after which the client goes on in the same session."""
        self.event("media.play", item).wait(at_ms / 1000).event("media.pause", item, at_ms).wait(pause_s)
        self.event("media.resume", item, at_ms).wait((item["duration"] - at_ms) / 1000)
        return self.event("media.scrobble", item).event("media.stop", item)

    def stopped_at(self, item: Json, at_ms: int, from_ms: int = 0) -> Self:
        """Begin at the stored resume point and stop early; a continuation is a new `media.play`, not a resume."""
        self.event("media.play", item, from_ms).wait((at_ms - from_ms) / 1000)
        return self.event("media.stop", item, at_ms)

    def autoplay(self, items: list[Json], stops: Literal["sent", "left out"] = "sent") -> Self:
        """Watch items one after the other; some clients send no stop in between."""
        for place, item in enumerate(items):
            last = place == len(items) - 1
            self.watched_through(item, "stop" if last or stops == "sent" else "no stop").wait(5)
        return self

    def credits_skipped(self, item: Json) -> Self:
        """Watch an item; skipping the credits raises one more `media.play` after the verdict (players.md 1.5)."""
        self.event("media.play", item).wait(item["duration"] / 1000 * 0.9).event("media.scrobble", item)
        return self.wait(1).event("media.play", item).wait(5).event("media.stop", item)

    def trailers_then(self, item: Json) -> Self:
        """Watch a pre-roll and a trailer, then the item."""
        preroll = plex_movie(
            type="clip",
            title="Feature Presentation",
            ratingKey="90",
            guid="analyzed.prerolls://ab",
            librarySectionID=-2,
        )
        trailer = plex_movie(type="clip", title="Trailer", ratingKey="91", subtype="trailer", extraType=1, Guid=None)
        for clip in (preroll, trailer):
            self.event("media.play", clip).wait(60).event("media.scrobble", clip).event("media.stop", clip)
        return self.watched_through(item)


def jellyfin_movie(**changes: Any) -> Json:
    """Return a film's part of a notification; a change to None leaves the key out."""
    film = {
        "Name": "The Example",
        "ItemId": JELLYFIN_FILM,
        "ItemType": "Movie",
        "RunTimeTicks": 6_000_000 * _TICKS,
        "Year": 2014,
        "PremiereDate": "2014-05-01",
        "Provider_imdb": "tt0000009",
        "Provider_tmdb": "9100009",
    }
    return changed(film, changes)


def jellyfin_episode(number: int = 2, **changes: Any) -> Json:
    """Return an episode's part of a notification; a change to None leaves the key out."""
    episode = {
        "Name": f"Part {number}",
        "ItemId": f"bbbb0000bbbb0000bbbb0000bbbb{number:04}",
        "ItemType": "Episode",
        "RunTimeTicks": 1_500_000 * _TICKS,
        "Year": 2019,
        "PremiereDate": f"2021-04-{9 + number:02}",
        "SeriesName": "Example Show",
        "SeriesId": JELLYFIN_SERIES,
        "SeriesPremiereDate": "2019-01-05",
        "SeasonNumber": 1,
        "EpisodeNumber": number,
        "Provider_imdb": f"tt000000{number}",
        "Provider_tmdb": f"910000{number}",
        "Provider_tvdb": f"920000{number}",
    }
    return changed(episode, changes)


def jellyfin_payload(
    kind: str, item: Json | None = None, *, position_ms: int = 0, at: datetime = EVENING, **changes: Any
) -> Json:
    """Return one notification with Send All Properties, as the plugin writes it."""
    payload = {
        "ServerId": "aaaa0000aaaa0000aaaa0000aaaa0001",
        "ServerName": "attic",
        "ServerVersion": "10.11.8",
        "NotificationType": kind,
        "UtcTimestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%f1Z"),
        **(item or jellyfin_movie()),
        "PlaybackPositionTicks": position_ms * _TICKS,
        "IsPaused": False,
        "IsAutomated": False,
        "DeviceId": "dev-0001",
        "DeviceName": "Living Room",
        "ClientName": "Jellyfin Android TV",
        "NotificationUsername": "alice",
        "UserId": JELLYFIN_USER,
        "Audio_0_Language": None,
    }
    return changed(payload, changes)


def jellyfin_event(kind: str, item: Json | None = None, **changes: Any) -> tuple[str, bytes]:
    """Compose one request of the webhook plugin: `(content_type, body)`; JSON, sent as plain text (players.md 2.1)."""
    return "text/plain; charset=utf-8", json.dumps(jellyfin_payload(kind, item, **changes)).encode()


class JellyfinEvening:
    """Somebody's evening at Jellyfin; each call adds what the webhook plugin would post, `steps` is all of it.

    `marks_timer` False is a server that never says `IsAutomated` (players.md 2.4).
    """

    def __init__(self, *, marks_timer: bool = True, begins: datetime = EVENING, **changes: Any) -> None:
        self.steps: list[Step] = []
        self.at_s = 0.0
        self.position_ms = 0
        self._checked_in_s = 0.0
        self._marks_timer = marks_timer
        self._begins = begins
        self._changes = changes

    def event(self, kind: str, item: Json, **changes: Any) -> Self:
        """Add one notification at the present position."""
        now = self._begins + timedelta(seconds=self.at_s)
        check_in = self._begins + timedelta(seconds=self._checked_in_s)
        facts = {
            "position_ms": self.position_ms,
            "at": now,
            "LastPlaybackCheckIn": check_in.strftime("%Y-%m-%dT%H:%M:%S.%f1Z"),
        }
        sent = jellyfin_event(kind, item, **{**facts, **self._changes, **changes})
        self.steps.append(Step(self.at_s, f"{kind} {item['Name']} {self.position_ms}", *sent))
        return self

    def wait(self, seconds: float) -> Self:
        """Let time pass without a word."""
        self.at_s += seconds
        return self

    def start(self, item: Json, at_ms: int = 0) -> Self:
        """Begin an item at its resume point."""
        self.position_ms = at_ms
        return self._check_in().event("PlaybackStart", item)

    def plays(self, item: Json, seconds: int, *, tick_s: int = 1, check_in_s: int = 10, client: bool = True) -> Self:
        """Play on: the server's timer every `tick_s`, the client's own word every `check_in_s` (never, if it is dead)."""
        for second in range(tick_s, seconds + 1, tick_s):
            self.wait(tick_s)
            self.position_ms += tick_s * 1000
            if client and second % check_in_s == 0:
                self._check_in().event("PlaybackProgress", item)
            else:
                self.event("PlaybackProgress", item, IsAutomated=self._marks_timer)
        return self

    def pause(self, item: Json, seconds: float = 60) -> Self:
        """Pause: a check-in says so at once, the timer rests, another check-in says that it goes on."""
        self._check_in().event("PlaybackProgress", item, IsPaused=True)
        return self.wait(seconds)._check_in().event("PlaybackProgress", item)

    def seek(self, item: Json, to_ms: int) -> Self:
        """Jump; a check-in says so at once."""
        self.position_ms = to_ms
        return self._check_in().event("PlaybackProgress", item)

    def stop(self, item: Json, *, completed: bool = False) -> Self:
        """Stop where it is."""
        return self._check_in().event("PlaybackStop", item, PlayedToCompletion=completed)

    def watched_through(self, item: Json, *, tick_s: int = 1) -> Self:
        """Watch an item from 0 to the end."""
        seconds = item["RunTimeTicks"] // _TICKS // 1000
        check_in_s = max(10, tick_s * 10)
        return self.start(item).plays(item, seconds, tick_s=tick_s, check_in_s=check_in_s).stop(item, completed=True)

    def ghost_stop(self, item: Json, *, tick_s: int = 1) -> Self:
        """Let the client die: the timer counts on for ten minutes, then the server stops at the timer's position."""
        self.plays(item, 600, tick_s=tick_s, client=False)
        return self.event("PlaybackStop", item, PlayedToCompletion=True)

    def autoplay(self, items: list[Json], stops: Literal["sent", "left out"] = "sent", *, tick_s: int = 1) -> Self:
        """Watch items one after the other; some clients report no stop in between."""
        for place, item in enumerate(items):
            self.watched_through(item, tick_s=tick_s)
            if stops == "left out" and place < len(items) - 1:
                self.steps.pop()
        return self

    def _check_in(self) -> Self:
        self._checked_in_s = self.at_s
        return self


def _plex_section(kind: str, title: str, number: int) -> Json:
    return {"librarySectionType": kind, "librarySectionTitle": title, "librarySectionID": number}


def _part(disposition: bytes, kind: bytes, content: bytes, line_end: bytes) -> bytes:
    lines = [b"--" + _BOUNDARY.encode(), b"Content-Disposition: " + disposition]
    lines += [b"Content-Type: " + kind] if kind else []
    return line_end.join([*lines, b"", content, b""])
