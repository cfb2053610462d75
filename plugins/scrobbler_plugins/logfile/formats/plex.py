"""Plex Media Server's own log (players.md 8.2). Lines of one request are joined by its id, on old servers by the thread."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl

from msgspec import Struct, field

from scrobbler.api import File, Item, Kind, User
from scrobbler_plugins.logfile.media import clean
from scrobbler_plugins.logfile.parse import LineFormat, Said, keep, whole_ms
from scrobbler_plugins.logfile.times import MONTHS, make

WAIT_MS = 2_000
"""So long the lines of one request may take; then it is read as far as they have come."""

LATELY_MS = 2 * 60_000
"""A player that was heard so lately plays what the server counts, or has just stopped it: clients report every 10 s or so."""

# The level word is translated, so it is whatever stands there.
_LINE = re.compile(
    r"(?P<month>[A-Za-z]{3})[a-z]* +(?P<day>\d{1,2}), (?P<year>\d{4}) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))?"
    r" \[(?P<thread>[^\]]{1,40})\] \S{1,20} - (?P<text>.*)"
)
_WORTH = re.compile(r"Request: \[|Client \[|User is |Device is |got played |- +\* |\] +\* ")
_JOINED = re.compile(r"\[Req#(?P<id>[0-9a-f]+)[^\]]*\] (?P<text>.*)", re.IGNORECASE)
_REQUEST = re.compile(
    r"Request: \[(?P<address>[^\] ]*)[^\]]*\] (?:GET|POST|PUT) (?P<path>/:/(?:timeline|progress|scrobble|unscrobble))"
    r"(?P<rest>[? ].*|$)"
)
_ID = re.compile(r" #(?P<id>[0-9a-f]+)(?: |$)", re.IGNORECASE)
_SIGNED = re.compile(r"Token \((?P<user>[^()]*)\)")
_HEADER = re.compile(r" / (?P<name>X-Plex-[A-Za-z-]+) => (?P<value>.*?)(?= / [A-Z][A-Za-z-]+ => |$)")
_CLIENT = re.compile(
    r"Client \[(?P<client>[^\]]*)\] reporting timeline state (?P<state>\w+), progress of (?P<at>-?\d+)/(?P<length>-?\d+)\s?ms"
    r"(?P<rest>.*)"
)
_KEY = re.compile(r"\bratingKey=(?P<key>[^ ,&]+)")
_USER = re.compile(r"(?:\[Now\] )?User is (?P<name>.+) \(ID: (?P<id>\d+)\)$")
_DEVICE = re.compile(r"(?:\[Now\] )?Device is (?P<name>.+?)\.?$")
_PLAYED = re.compile(
    r"Play progress on (?P<key>\d+) '(?P<title>.*)' - got played (?P<at>\d+) ms by account (?P<account>\d+)!?$"
)
_WATCHED = re.compile(r"Library item (?P<key>\d+) '(?P<title>.*)' got played by account (?P<account>\d+)!?$")
_PARAMETER = re.compile(r" ?\* (?P<name>[\w-]+) => (?P<value>.*)$")
_KINDS: dict[str, Kind] = {"playing": "progress", "paused": "pause", "stopped": "stop"}


class Request(Struct, kw_only=True, omit_defaults=True):
    """What the lines of one request have said so far."""

    began_ms: int
    path: str = ""
    address: str = ""
    state: str = ""
    key: str = ""
    client: str = ""
    device: str = ""
    user_id: str = ""
    user_name: str = ""
    position_ms: int | None = None
    duration_ms: int | None = None
    told: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing more can come that matters."""
        return bool(self.state and self.key and self.client and self.user_id)


class Playing(Struct, omit_defaults=True):
    """What a player does, and when it said so."""

    key: str
    kind: Kind
    at_ms: int = 0


class State(Struct, kw_only=True, omit_defaults=True):
    """What is remembered from line to line: requests by id or thread, players, users by id, titles by key."""

    requests: dict[str, Request] = field(default_factory=dict)
    players: dict[str, Playing] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


class _Line(NamedTuple):
    at_ms: int
    place: str
    text: str


class PlexFormat(LineFormat):
    """Reads `Plex Media Server.log`."""

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        del now_ms
        read = self._line(line)
        if read is None:
            return []
        said = list(self._old(read.at_ms, read.place))
        said += self._text(read)
        return said

    def idle(self, now_ms: int) -> list[Said]:
        """Tell requests whose other lines do not come."""
        return list(self._old(max(now_ms, self.times.last_ms + WAIT_MS + 1), ""))

    def _line(self, line: str) -> _Line | None:
        match = _LINE.match(line) if _WORTH.search(line) else None
        month = MONTHS.get(match["month"].lower()) if match else None
        if match is None or month is None:
            return None
        moment = make(match["year"], month, match["day"], match["h"], match["m"], match["s"], match["f"] or "")
        if moment is None:
            return None
        text, place = match["text"], f"thread {match['thread']}"
        joined = _JOINED.match(text)
        if joined:
            place, text = joined["id"].lower(), joined["text"]
        return _Line(self.times.local(moment), place, text)

    def _text(self, line: _Line) -> Iterator[Said]:
        text = line.text
        if match := _REQUEST.match(text):
            yield from self._request(line, match)
        elif match := _CLIENT.search(text):
            request = self._at(line)
            request.client, request.state = clean(match["client"]), match["state"].lower()
            request.position_ms, request.duration_ms = whole_ms(match["at"]), _length(match["length"])
            if key := _KEY.search(match["rest"]):
                request.key = key["key"]
            yield from self._whole(line)
        elif (match := _USER.match(text)) and line.place in self.state.requests:
            request = self._at(line)
            request.user_id, request.user_name = match["id"], clean(match["name"])
            keep(self.state.users, request.user_id, request.user_name)
            yield from self._whole(line)
        elif (match := _DEVICE.match(text)) and line.place in self.state.requests:
            self._at(line).device = clean(match["name"])
        elif match := _PLAYED.search(text):
            keep(self.state.titles, match["key"], clean(match["title"]))
            if played := self.state.requests.get(line.place):
                played.user_id = played.user_id or match["account"]
                played.key = played.key or match["key"]
                yield from self._tell(played, line.at_ms)
        elif match := _WATCHED.search(text):
            yield from self._watched(line, match)
        elif (match := _PARAMETER.match(text)) and line.place in self.state.requests:
            self._parameters(self._at(line), {match["name"]: match["value"]})

    def _request(self, line: _Line, match: re.Match[str]) -> Iterator[Said]:
        rest = match["rest"]
        query, _, tail = rest.lstrip("?").partition(" ") if rest.startswith("?") else ("", "", rest)
        named = _ID.search(f" {tail.partition(' / ')[0]}")
        place = named["id"].lower() if named else line.place
        if before := self.state.requests.get(place):
            yield from self._tell(before, line.at_ms)
        request = Request(began_ms=line.at_ms, path=match["path"], address=match["address"].rpartition(":")[0])
        self._parameters(request, dict(parse_qsl(query)))
        self._parameters(request, {one["name"]: one["value"].strip() for one in _HEADER.finditer(tail)})
        if signed := _SIGNED.search(tail.partition(" / ")[0]):
            request.user_name = clean(signed["user"])
        keep(self.state.requests, place, request)

    def _parameters(self, request: Request, values: dict[str, str]) -> None:
        """Take what a request says; its token is not looked at."""
        request.state = values.get("state", request.state).lower()
        request.key = values.get("ratingKey", request.key)
        request.position_ms = whole_ms(values.get("time")) if "time" in values else request.position_ms
        request.duration_ms = _length(values["duration"]) if "duration" in values else request.duration_ms
        request.client = clean(values.get("X-Plex-Client-Identifier", request.client))
        request.device = clean(values.get("X-Plex-Device-Name", request.device))

    def _at(self, line: _Line) -> Request:
        request = self.state.requests.get(line.place)
        if request is None:
            request = Request(began_ms=line.at_ms)
            keep(self.state.requests, line.place, request)
        return request

    def _whole(self, line: _Line) -> Iterator[Said]:
        request = self._at(line)
        if request.whole:
            yield from self._tell(request, line.at_ms)

    def _old(self, at_ms: int, but: str) -> Iterator[Said]:
        """Tell what has waited long enough, and forget it."""
        for place, request in list(self.state.requests.items()):
            if place != but and at_ms - request.began_ms > WAIT_MS:
                del self.state.requests[place]
                yield from self._tell(request, request.began_ms)

    def _tell(self, request: Request, at_ms: int) -> Iterator[Said]:
        kind = _KINDS.get(request.state)
        if request.told or kind is None or not request.key:
            return
        request.told = True
        player = request.client or request.address or "plex"
        before = self.state.players.get(player)
        going_on = before is not None and before.key == request.key and before.kind in ("play", "progress")
        if kind == "progress" and not going_on:
            kind = "play"
        keep(self.state.players, player, Playing(request.key, kind, at_ms))
        key = clean(request.key)
        live = not key.isdecimal()
        yield Said(
            kind=kind,
            player=player,
            item_key="live" if live else key,
            item=self._item(key),
            user=self._user(request.user_id, request.user_name),
            position_ms=request.position_ms,
            duration_ms=request.duration_ms,
            at_ms=at_ms,
            device=request.device,
            skip="live_tv" if live else None,
        )

    def _watched(self, line: _Line, match: re.Match[str]) -> Iterator[Said]:
        """The server counts an item as watched, by a play or because somebody said so by hand."""
        key = match["key"]
        keep(self.state.titles, key, clean(match["title"]))
        request = self.state.requests.get(line.place)
        if request is not None:
            request.user_id = request.user_id or match["account"]
            yield from self._tell(request, line.at_ms)
        client = request.client if request is not None and request.key == key else ""
        lately = line.at_ms - LATELY_MS
        heard = (name for name, one in self.state.players.items() if one.key == key and one.at_ms >= lately)
        player = client or next(heard, "")
        by_hand = not player
        yield Said(
            kind="marked" if by_hand else "watched",
            player=player or f"account {match['account']}",
            item_key=key,
            item=self._item(key),
            user=self._user(match["account"], ""),
            at_ms=line.at_ms,
        )

    def _user(self, user_id: str, name: str) -> User | None:
        name = name or self.state.users.get(user_id, "")
        return User(id=user_id, name=name) if user_id or name else None

    def _item(self, key: str) -> Item | None:
        """The log knows the title of the film or of the episode alone."""
        title = self.state.titles.get(key, "")
        return File(path=title, title=title) if title else None


def _length(text: str) -> int | None:
    return whole_ms(text) or None
