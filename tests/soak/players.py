"""What the players say of a play: the requests that Plex, Jellyfin and a relay of our own events send, with their meaning."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from tests.kit.servers import jellyfin_event, plex_event
from tests.soak.reel import Moment, Reel, What
from tests.soak.titles import Watchable

Meaning: TypeAlias = Literal["play", "tick", "pause", "jump", "verdict", "stop", "end"]
Source: TypeAlias = Literal["plex", "jelly", "relay"]


@dataclass(frozen=True)
class Beat:
    """One thing a player said: `position_ms` None where it told none, `observed` False where the server counted it."""

    number: int
    at_ms: int
    meaning: Meaning
    position_ms: int | None
    observed: bool = True


@dataclass
class Play:
    """One play on one player, for every account in front of it. `group`: plays of one number are one and the same."""

    source: Source
    player: str
    user: str
    accounts: tuple[str, ...]
    title: Watchable
    beats: list[Beat] = field(default_factory=list)
    group: int = 0
    over_ms: int = 0

    @property
    def began_ms(self) -> int:
        """When it began, in ms since 1970."""
        return self.beats[0].at_ms


@dataclass(frozen=True)
class Delivery:
    """One request. `beat` is the number that the house notes as heard; several requests may carry one beat."""

    at_ms: int
    beat: int
    source: Source
    content_type: str
    body: bytes
    edge: bool


class Mouth:
    """Turns plays into requests, numbering the beats."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._beats = 0

    def tell(self, play: Play, reel: Reel) -> None:
        """Say everything of a play as its source does."""
        play.over_ms = reel.moments[-1].at_ms
        for moment in reel.moments:
            for meaning in _TELLS[play.source].get(moment.what, ()):
                self.say(play, moment.at_ms, meaning, _position(play.source, meaning, moment, reel.length_ms))

    def say(
        self,
        play: Play,
        at_ms: int,
        meaning: Meaning,
        position_ms: int | None,
        *,
        observed: bool = True,
        silent_s: float = 0.0,
    ) -> Beat:
        """Say one thing. `silent_s`: how long the client itself has said nothing (Jellyfin)."""
        self._beats += 1
        beat = Beat(self._beats, at_ms, meaning, position_ms, observed)
        play.beats.append(beat)
        content_type, body = _compose(play, beat, silent_s)
        self.deliveries.append(Delivery(at_ms, beat.number, play.source, content_type, body, meaning != "tick"))
        return beat

    def trailer(self, at_ms: int, user: str) -> None:
        """Let Plex tell of a trailer, which is no play of ours."""
        clip = {
            "type": "clip",
            "title": "Trailer",
            "ratingKey": "91",
            "subtype": "trailer",
            "extraType": 1,
            "duration": 90_000,
        }
        for name, later_ms in (("media.play", 0), ("media.stop", 60_000)):
            content_type, body = plex_event(name, clip, account={"id": 7, "title": user}, Player=_PLAYER["tv"])
            self.deliveries.append(Delivery(at_ms + later_ms, 0, "plex", content_type, body, edge=True))


_PLAYER: dict[str, dict[str, Any]] = {
    "tv": {"title": "Living Room", "uuid": "player-tv"},
    "tablet": {"title": "Tablet", "uuid": "player-tablet"},
}
_PLEX_USERS = {"Alice": 1, "Bob": 2, "Parents": 3}


_TELLS: dict[Source, dict[What, tuple[Meaning, ...]]] = {
    "plex": {
        "begin": ("play",),
        "ninety": ("verdict",),
        "pause": ("pause",),
        "resume": ("play",),
        "jump": ("pause", "play"),
        "stop": ("stop",),
        "finish": ("stop",),
    },
    "jelly": {
        "begin": ("play",),
        "tick": ("tick",),
        "pause": ("pause",),
        "resume": ("tick",),
        "jump": ("tick",),
        "stop": ("stop",),
        "finish": ("stop",),
    },
    "relay": {
        "begin": ("play",),
        "tick": ("tick",),
        "pause": ("pause",),
        "resume": ("play",),
        "jump": ("jump",),
        "stop": ("stop",),
        "finish": ("end",),
    },
}
"""What each source tells of a moment; of what is missing it tells nothing."""


def _position(source: Source, meaning: Meaning, moment: Moment, length_ms: int) -> int | None:
    """Say which position a source tells. From Plex's verdict on, the server has cleared the stored one."""
    cleared = source == "plex" and meaning == "stop" and moment.position_ms >= length_ms * 0.9
    return None if cleared or meaning in ("verdict", "end") else moment.position_ms


def _compose(play: Play, beat: Beat, silent_s: float) -> tuple[str, bytes]:
    match play.source:
        case "plex":
            return _plex(play, beat)
        case "jelly":
            return _jelly(play, beat, silent_s)
        case "relay":
            return _relay(play, beat)


def _plex(play: Play, beat: Beat) -> tuple[str, bytes]:
    title = play.title
    begun = any(one.meaning == "play" for one in play.beats[:-1])
    paused = any(one.meaning == "pause" for one in play.beats[:-1])
    name = {
        "play": "media.resume" if begun and paused else "media.play",
        "pause": "media.pause",
        "verdict": "media.scrobble",
        "stop": "media.stop",
    }[beat.meaning]
    meta: dict[str, Any] = {
        "ratingKey": title.code,
        "key": f"/library/metadata/{title.code}",
        "duration": title.length_ms,
        "librarySectionType": "movie" if title.kind == "movie" else "show",
        "librarySectionTitle": "Movies" if title.kind == "movie" else "TV",
        "librarySectionID": 1 if title.kind == "movie" else 2,
    }
    if title.kind == "movie":
        meta |= {"type": "movie", "title": title.title, "year": title.year}
        meta["Guid"] = [
            {"id": f"{scheme}://{value}"} for scheme, value in title.ids.items() if scheme in ("imdb", "tmdb")
        ]
    else:
        meta |= {
            "type": "episode",
            "title": f"Part {title.said_number}",
            "grandparentTitle": title.show,
            "parentIndex": title.said_season,
            "index": title.said_number,
            "Guid": [{"id": f"tvdb://{title.episode_tvdb}"}],
        }
    if beat.position_ms:
        meta["viewOffset"] = beat.position_ms
    account = {"id": _PLEX_USERS[play.user], "title": play.user}
    return plex_event(name, meta, account=account, Player=_PLAYER[play.player])


def _jelly(play: Play, beat: Beat, silent_s: float) -> tuple[str, bytes]:
    title = play.title
    item: dict[str, Any] = {"ItemId": f"{int(title.code):032x}", "RunTimeTicks": title.length_ms * 10_000}
    if title.kind == "movie":
        item |= {"ItemType": "Movie", "Name": title.title, "Year": title.year, "Provider_imdb": title.ids["imdb"]}
    else:
        item |= {
            "ItemType": "Episode",
            "Name": f"Part {title.said_number}",
            "SeriesName": title.show,
            "SeasonNumber": title.said_season,
            "EpisodeNumber": title.said_number,
            "Provider_tvdb": title.episode_tvdb,
        }
    kind = {"play": "PlaybackStart", "stop": "PlaybackStop", "end": "PlaybackStop"}.get(
        beat.meaning, "PlaybackProgress"
    )
    at = _moment(beat.at_ms)
    changes: dict[str, Any] = {
        "position_ms": beat.position_ms or 0,
        "at": at,
        "LastPlaybackCheckIn": _moment(beat.at_ms - int(silent_s * 1000)).strftime("%Y-%m-%dT%H:%M:%S.%f1Z"),
        "DeviceId": f"device-{play.player}",
        "DeviceName": play.player,
        "NotificationUsername": play.user,
        "UserId": f"{sum(map(ord, play.user)):032x}",
    }
    if beat.meaning == "pause":
        changes["IsPaused"] = True
    if beat.meaning == "tick" and not beat.observed:
        changes["IsAutomated"] = True
    return jellyfin_event(kind, item, **changes)


def _relay(play: Play, beat: Beat) -> tuple[str, bytes]:
    title = play.title
    kind = {"tick": "progress", "jump": "seek", "verdict": "watched"}.get(beat.meaning, beat.meaning)
    event: dict[str, Any] = {"kind": kind, "player": play.player, "item_key": title.code, "user": {"name": play.user}}
    event["item"] = _item(title)
    event["duration_ms"] = title.length_ms
    event["at"] = _moment(beat.at_ms).isoformat()
    if beat.position_ms is not None:
        event["position_ms"] = beat.position_ms
    return "application/json", json.dumps(event).encode()


def _item(title: Watchable) -> dict[str, Any]:
    if title.kind == "movie":
        return {"type": "movie", "title": title.title, "year": title.year, "ids": {"imdb": title.ids["imdb"]}}
    return {
        "type": "episode",
        "show": {"title": title.show, "ids": {"tvdb": title.ids["tvdb"]}},
        "season": title.said_season,
        "number": title.said_number,
    }


def _moment(utc_ms: int) -> datetime:
    return datetime.fromtimestamp(utc_ms / 1000, UTC)
