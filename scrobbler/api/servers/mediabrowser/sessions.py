"""From the list of sessions of Emby and Jellyfin to events: pure, without I/O (players.md 2.6, 3.4)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from scrobbler.api.events import Kind, PlayerEvent, Skip, User
from scrobbler.api.media import Episode, Movie
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.items import read_item, skip_of

STALE_S = 60.0
"""A client whose last word is older than this is taken for dead: clients check in every 10 s or so."""
_TIMER_S = 2.0
"""What the server's own count may be ahead of its clock."""

# The rest of a session can be megabytes (its queue, up to Jellyfin 10.11) and is not even decoded.
_WANTED = frozenset(
    {
        "id",
        "userid",
        "username",
        "deviceid",
        "devicename",
        "lastactivitydate",
        "lastplaybackcheckin",
        "additionalusers",
        "playstate",
        "nowplayingitem",
    }
)


class Told(NamedTuple):
    """What a request or a session says of an item beside the event, which has no room for it; and who played it."""

    series_id: str = ""
    path: str = ""
    user_id: str = ""


class Reading(Struct, frozen=True, kw_only=True):
    """What plays for one user on one player, as the list has it.

    `said_at` is when the client itself last spoke: its last check-in, or its last activity where a server tells no
    check-ins. Positions between its words are the server's own count.
    """

    player: str
    user: User
    item_key: str
    item: Movie | Episode | None
    told: Told
    skip: Skip | None
    device: str
    duration_ms: int | None
    position_ms: int | None
    paused: bool
    said_at: datetime | None


def told_of(item: MediaFields, user: User | None) -> Told:
    """Keep what an item says of its series and its file."""
    return Told(series_id=item.identity("SeriesId"), path=item.text("Path"), user_id=user.id if user else "")


def player_of(session: MediaFields, user: User | None) -> str:
    """Name the player of a session, which is one for each user in it; a webhook's is the same."""
    device = session.text("DeviceId") or session.text("Id") or session.text("DeviceName") or "device"
    return f"{device}:{(user.id or user.name).casefold() if user else ''}"


def read_list(body: bytes | str) -> dict[str, Reading]:
    """Read the list of sessions into what plays, by player; idle sessions are left out.

    Where two sessions are one player to us, the one that plays counts, else the one whose client spoke last. Raises
    ValueError for what is no such list.
    """
    found: dict[str, Reading] = {}
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
        sessions = [
            MediaFields({key: msgspec.json.decode(value) for key, value in row.items() if key.lower() in _WANTED})
            for row in rows
        ]
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"this is not a list of sessions: {error}") from None
    for session in sessions:
        for reading in _readings(session):
            known = found.get(reading.player)
            if known is None or _rank(reading) > _rank(known):
                found[reading.player] = reading
    return found


def _rank(reading: Reading) -> tuple[bool, float]:
    return not reading.paused, reading.said_at.timestamp() if reading.said_at else 0.0


def _readings(session: MediaFields) -> Iterator[Reading]:
    """Read one session, once for each user in it."""
    item, state = session.node("NowPlayingItem"), session.node("PlayState")
    item_key = item.identity("Id")
    if not item_key:
        return
    for user in _users(session):
        yield Reading(
            player=player_of(session, user),
            user=user,
            item_key=item_key,
            item=read_item(item),
            told=told_of(item, user),
            skip="live_tv" if state.has("LiveStreamId") else skip_of(item),
            device=session.text("DeviceName"),
            duration_ms=item.ticks_ms("RunTimeTicks") or None,
            position_ms=state.ticks_ms("PositionTicks"),
            paused=state.flag("IsPaused"),
            said_at=session.moment("LastPlaybackCheckIn") or session.moment("LastActivityDate"),
        )


def _users(session: MediaFields) -> Iterator[User]:
    for entry in (session, *session.nodes("AdditionalUsers")):
        identity, name = entry.identity("UserId"), entry.text("UserName")
        if identity.strip("0") or name:
            yield User(id=identity, name=name)


class Tracker:
    """Compares each list with the one before it.

    `counts_on` is whether the position in the list is known to run on by the server's own count between a client's words.
    """

    def __init__(self, *, counts_on: bool) -> None:
        self._counts_on = counts_on
        self._open: dict[str, Reading] = {}
        self._waiting: dict[str, Reading] = {}

    @property
    def busy(self) -> bool:
        """Whether anything plays."""
        return bool(self._open or self._waiting)

    def follow(self, now: dict[str, Reading], server_now: datetime | None) -> Sequence[PlayerEvent]:
        """Return what happened since the last list. `server_now` is the server's clock, None where nobody knows it.

        What is no longer in the list has stopped, at the last position that its client reported.
        """
        return self._compare(now, server_now, "stop")

    def reconcile(self, now: dict[str, Reading], server_now: datetime | None) -> Sequence[PlayerEvent]:
        """Return what happened while there was no contact; what is no longer in the list was lost."""
        return self._compare(now, server_now, "gone")

    def _compare(self, now: dict[str, Reading], server_now: datetime | None, ending: Kind) -> list[PlayerEvent]:
        events = []
        for player, before in list(self._open.items()):
            after = now.get(player)
            if after is None or after.item_key != before.item_key:
                del self._open[player]
                if before.skip is None:
                    events.append(_ending(before, ending if after is None else "stop"))
        waiting, self._waiting = self._waiting, {}
        for player, after in now.items():
            known = self._open.get(player)
            if known is not None:
                events += self._went_on(known, after)
            elif _silent(after, waiting.get(player), server_now):
                self._waiting[player] = after
            else:
                self._open[player] = after
                events.append(_event("pause" if after.paused else "play", after, self._first_ms(after, server_now)))
        return events

    def _went_on(self, before: Reading, after: Reading) -> Iterable[PlayerEvent]:
        """Tell what an item does that was known to play: only a client's own word is one."""
        spoke = after.said_at is None or before.said_at is None or after.said_at > before.said_at
        turned = after.paused is not before.paused
        if not spoke and not turned:
            return ()
        self._open[after.player] = after
        moved = after.position_ms != before.position_ms
        if after.skip is not None or not (turned or moved):
            return ()
        kind: Kind = "pause" if after.paused else "play" if turned else "progress"
        return (_event(kind, after, after.position_ms or None),)

    def _first_ms(self, reading: Reading, server_now: datetime | None) -> int | None:
        """Return where the client itself said it was, at the first sight of it: without what the server has added since."""
        if reading.position_ms is None or reading.said_at is None or server_now is None:
            return reading.position_ms
        if reading.paused or not self._counts_on:
            return reading.position_ms
        since_s = (server_now - reading.said_at).total_seconds() - _TIMER_S
        return max(0, reading.position_ms - max(0, int(since_s * 1000)))


def _silent(after: Reading, waited: Reading | None, server_now: datetime | None) -> bool:
    """Tell a client that was found dead: it plays by the server's count, and has not said a word for long."""
    if after.paused or after.said_at is None or server_now is None:
        return False
    if waited is not None and waited.item_key == after.item_key:
        return after.said_at == waited.said_at
    return (server_now - after.said_at).total_seconds() > STALE_S


def _event(kind: Kind, reading: Reading, position_ms: int | None) -> PlayerEvent:
    return PlayerEvent(
        kind=kind,
        player=reading.player,
        item_key=reading.item_key,
        item=reading.item,
        user=reading.user,
        position_ms=position_ms,
        duration_ms=reading.duration_ms,
        device=reading.device or None,
        skip=reading.skip,
    )


def _ending(reading: Reading, kind: Kind) -> PlayerEvent:
    return PlayerEvent(kind=kind, player=reading.player, item_key=reading.item_key, user=reading.user)
