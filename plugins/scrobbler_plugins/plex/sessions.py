"""From Plex's notifications and its list of sessions to events: pure, without I/O (players.md 1.8)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from scrobbler.api import Episode, Kind, Movie, PlayerEvent, Skip, User
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.plex.items import exact_length, library_of, read_item, skip_of

State: TypeAlias = Literal["playing", "paused", "buffering", "stopped"]

_STATES: dict[str, State] = {
    "playing": "playing",
    "paused": "paused",
    "buffering": "buffering",
    "stopped": "stopped",
    "error": "stopped",
}
_MISSES = 3


class Notice(NamedTuple):
    """One word of the websocket about one session. It names no user, and in live TV another item than the list."""

    session: str
    rating_key: str
    client: str
    state: State
    position_ms: int | None


class Line(Struct, frozen=True, kw_only=True):
    """One session of the list: who plays what where. `session` is its number, used again after a restart of the server."""

    session: str
    rating_key: str
    player: str
    client: str
    user: User
    item_key: str
    item: Movie | Episode | None
    skip: Skip | None
    library: str | None
    device: str | None
    duration_ms: int | None
    nominal: bool
    position_ms: int | None
    state: State
    viewed_at: int


class Bound(Struct, frozen=True, kw_only=True):
    """A session whose user and item are known, under the names that notifications use; `state` is what was told of it."""

    line: Line
    rating_key: str
    client: str
    state: State
    position_ms: int | None


def read_notices(text: str | bytes) -> list[Notice]:
    """Read a message of the websocket; what is about something else, or cannot be read, gives none."""
    try:
        container = Fields(msgspec.json.decode(text)).node("NotificationContainer")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    if container.text("type") != "playing":
        return []
    notices = []
    for entry in (*container.nodes("PlaySessionStateNotification"), *container.nodes("_children")):
        session, state = entry.text("sessionKey"), _STATES.get(entry.text("state").lower())
        if session.isdecimal() and state is not None:  # other keys are no sessions
            notices.append(
                Notice(
                    session=session,
                    rating_key=entry.text("ratingKey"),
                    client=entry.text("clientIdentifier"),
                    state=state,
                    position_ms=entry.count("viewOffset"),
                )
            )
    return notices


def read_lines(content: Fields, machine: str) -> list[Line]:
    """Read the list of sessions; `machine` is the server's own id, by which webhooks name its items."""
    return [
        line for meta in content.node("MediaContainer").nodes("Metadata") if (line := _line(meta, machine)) is not None
    ]


def _line(meta: Fields, machine: str) -> Line | None:
    player, account = meta.node("Player"), meta.node("User")
    session, key = meta.text("sessionKey"), meta.text("ratingKey") or meta.text("key")
    user = User(id=account.text("id"), name=account.text("title"))
    if not session or not key or not (user.id or user.name):
        return None
    client = player.text("machineIdentifier")
    length_ms = exact_length(meta)
    return Line(
        session=session,
        rating_key=meta.text("ratingKey"),
        player=f"{client or player.text('title') or 'player'}:{user.id or user.name.casefold()}",
        client=client,
        user=user,
        item_key=f"{machine}/{key}",
        item=read_item(meta).item,
        skip=skip_of(meta),
        library=library_of(meta),
        device=player.text("title") or None,
        duration_ms=length_ms or meta.positive("duration"),
        nominal=length_ms is None and meta.positive("duration") is not None,
        position_ms=meta.count("viewOffset"),
        state=_STATES.get(player.text("state").lower(), "buffering"),
        viewed_at=meta.positive("lastViewedAt") or 0,
    )


def living(lines: Iterable[Line]) -> dict[str, Line]:
    """Return one line for each player: the one that plays, else the one viewed last.

    Plex Web leaves the previous episode in the list as paused, often first.
    """
    found: dict[str, Line] = {}
    for line in lines:
        known = found.get(line.player)
        if known is None or _rank(line) > _rank(known):
            found[line.player] = line
    return found


def _rank(line: Line) -> tuple[bool, int, int]:
    return line.state == "playing", line.viewed_at, int(line.session) if line.session.isdecimal() else 0


class Tracker:
    """Follows sessions: by notifications while there is contact, by the whole list where there was none."""

    def __init__(self) -> None:
        self._bound: dict[str, Bound] = {}
        self._misses: dict[str, int] = {}

    @property
    def busy(self) -> bool:
        """Whether anything plays."""
        return bool(self._bound)

    def wants_list(self, notice: Notice) -> bool:
        """Tell whether a notification is about a session of which nobody knows yet who plays what."""
        if notice.state != "playing" or self._misses.get(notice.session, 0) >= _MISSES:
            return False
        return self._known(notice) is None

    def hear(self, notice: Notice, lines: Sequence[Line] = ()) -> list[PlayerEvent]:
        """Return what a notification tells. `lines` is the list of sessions, where it was asked for."""
        bound = self._known(notice)
        if bound is None:
            return self._bind(notice, lines) if notice.state == "playing" else self._unknown(notice)
        if notice.state == "buffering":  # no pause, and no news
            return []
        if notice.state == "stopped":
            del self._bound[notice.session]
            return _told(_event("stop", bound.line, notice.position_ms or None))
        bound = msgspec.structs.replace(bound, rating_key=notice.rating_key or bound.rating_key)
        return list(self._turn(notice.session, bound, notice.state, notice.position_ms))

    def follow(self, lines: Sequence[Line]) -> list[PlayerEvent]:
        """Return what the list tells, where it is asked for again and again; what is no longer in it has stopped."""
        return self._compare(lines, "stop")

    def reconcile(self, lines: Sequence[Line]) -> list[PlayerEvent]:
        """Return what the list tells after a time without contact; what is no longer in it was lost."""
        return self._compare(lines, "gone")

    def _known(self, notice: Notice) -> Bound | None:
        """Find a session; under a number that another item or player uses now there is none."""
        bound = self._bound.get(notice.session)
        if bound is None or (notice.rating_key and bound.rating_key and notice.rating_key != bound.rating_key):
            return None
        return None if notice.client and bound.client and notice.client != bound.client else bound

    def _unknown(self, notice: Notice) -> list[PlayerEvent]:
        """End what used the number of a session that is over before anybody could look at it."""
        if notice.state == "stopped":
            self._misses.pop(notice.session, None)
        return []

    def _bind(self, notice: Notice, lines: Sequence[Line]) -> list[PlayerEvent]:
        line = next((line for line in lines if line.session == notice.session and _fits(line, notice)), None)
        if line is None:
            self._misses[notice.session] = self._misses.get(notice.session, 0) + 1
            return []
        self._misses.pop(notice.session, None)
        events = []
        old = self._bound.pop(notice.session, None)
        others = [key for key, one in self._bound.items() if one.line.player == line.player]
        for before in (*([old] if old else ()), *(self._bound.pop(key) for key in others)):
            if before.line.item_key != line.item_key or before.line.player != line.player:
                events += _told(_event("stop", before.line, None))
        position_ms = line.position_ms if notice.position_ms is None else notice.position_ms
        self._bound[notice.session] = Bound(
            line=line,
            rating_key=notice.rating_key,
            client=notice.client,
            state="playing",
            position_ms=position_ms,
        )
        return [*events, _event("play", line, position_ms)]

    def _turn(self, session: str, bound: Bound, state: State, position_ms: int | None) -> Iterator[PlayerEvent]:
        """Take a state and a position of a known session."""
        turned, moved = state != bound.state, position_ms != bound.position_ms
        self._bound[session] = msgspec.structs.replace(bound, state=state, position_ms=position_ms)
        if bound.line.skip is not None or not (turned or moved):
            return
        kind: Kind = "pause" if state == "paused" else "play" if turned else "progress"
        yield _event(kind, bound.line, position_ms or None)

    def _compare(self, lines: Sequence[Line], ending: Kind) -> list[PlayerEvent]:
        """Take a whole list. Numbers of sessions may have begun anew, so players are compared."""
        before = {bound.line.player: bound for bound in self._bound.values()}
        now = living(lines)
        self._bound, self._misses = {}, {}
        events = []
        for player, bound in before.items():
            if player not in now or now[player].item_key != bound.line.item_key:
                events += _told(_event(ending, bound.line, None))
        for player, line in now.items():
            known = before.get(player)
            going_on = known is not None and known.line.item_key == line.item_key
            steady = line.state in ("playing", "paused")
            if not (steady or going_on):
                continue
            fresh = Bound(
                line=line,
                # In live TV notifications have another key, which the next one tells.
                rating_key="" if line.skip == "live_tv" else line.rating_key,
                client=line.client,
                state=line.state,
                position_ms=line.position_ms,
            )
            if known is not None and going_on:
                kept = msgspec.structs.replace(fresh, state=known.state, position_ms=known.position_ms)
                self._bound[line.session] = kept
                if steady:
                    events += self._turn(line.session, kept, line.state, line.position_ms)
            else:
                self._bound[line.session] = fresh
                events.append(_event("pause" if line.state == "paused" else "play", line, line.position_ms))
        return events


def _fits(line: Line, notice: Notice) -> bool:
    return not (line.client and notice.client) or line.client == notice.client


def _told(event: PlayerEvent) -> list[PlayerEvent]:
    """Leave out the end of what is no play: its beginning said why, and that is all there is to say."""
    return [event] if event.skip is None else []


def _event(kind: Kind, line: Line, position_ms: int | None) -> PlayerEvent:
    return PlayerEvent(
        kind=kind,
        player=line.player,
        item_key=line.item_key,
        item=line.item,
        user=line.user,
        position_ms=position_ms,
        duration_ms=line.duration_ms,
        nominal=line.nominal,
        library=line.library,
        device=line.device,
        skip=line.skip,
    )
