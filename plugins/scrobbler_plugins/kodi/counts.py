"""Which plays Kodi has counted: to find those of the time when nobody listened (players.md 4.2, `playcount`).

Kodi notes how often an item was watched, and when it was played last; that is any play, also of a minute. So only a count
that has grown is a watch, and the counts of before are kept.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from scrobbler.api import Context, PlayerEvent
from scrobbler_plugins.kodi.connection import FailedError, Kodi
from scrobbler_plugins.kodi.fields import nodes, text, whole
from scrobbler_plugins.kodi.library import EPISODE, MOVIE, Library
from scrobbler_plugins.kodi.tracker import PLAYER

LATEST = 200
"""So many films and so many episodes are looked at when contact is made again: what was played last."""
PAGE = 2000
PAGES = 25
HONEST_SPEED = 4
"""Who has watched something was busy with it for at least this part of its length (rules.md rule 4)."""

_KEY = "playcounts"
_KINDS = {
    "movie": ("VideoLibrary.GetMovies", "movies", MOVIE),
    "episode": ("VideoLibrary.GetEpisodes", "episodes", EPISODE),
}
_WATCHED = {"field": "playcount", "operator": "greaterthan", "value": "0"}
_LABELS = ("System.Date(yyyy-mm-dd)", "System.Time(hh:mm:ss xx)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d)\s*([AaPp])?")
_QUARTER_S = 900


class Grown(NamedTuple):
    """An item that was counted since it was looked at last. `at` is when it was played last."""

    kind: str
    row: Mapping[str, Any]
    at: datetime


class Counts:
    """The play counts of one Kodi, as they were known last."""

    def __init__(self, context: Context) -> None:
        self._memory = context.memory
        self._clock = context.clock
        self._turn = asyncio.Lock()

    async def begin(self, kodi: Kodi) -> None:
        """Read all counts, if they were never read. Raises GoneError.

        A library that cannot be asked now is left for the next contact: counts that are not known would all seem to grow.
        """
        async with self._turn:
            if await self._known() is None:
                with suppress(FailedError):
                    await self._keep({key: its for kind in _KINDS async for key, its in _all(kodi, kind)})

    async def missed(self, kodi: Kodi, library: Library, since: datetime) -> list[PlayerEvent]:
        """Return what was counted and played after `since`, and remember the counts of now. Raises GoneError."""
        async with self._turn:
            known = await self._known()
            if known is None:
                return []
            fresh, grown = dict(known), []
            ahead = await _ahead(kodi, self._clock.now().utc)
            for kind, (method, name, wanted) in _KINDS.items():
                try:
                    rows = await _rows(kodi, method, name, [*wanted, "playcount", "lastplayed"], latest=LATEST)
                except FailedError:
                    continue
                for row in rows:
                    key, its = f"{kind[0]}{whole(row, f'{kind}id')}", whole(row, "playcount") or 0
                    at = _moment(text(row, "lastplayed"), ahead)
                    if its > known.get(key, 0) and at is not None and at > since:
                        grown.append(Grown(kind, row, at))
                    fresh[key] = its
            events = await events_of(kodi, library, sorted(grown, key=lambda one: one.at))
            if fresh != known:
                await self._keep(fresh)
            return events

    async def noticed(self, kind: str, number: int, count: int) -> None:
        """Remember a count that Kodi has just told: that play was seen, or was a mark by hand."""
        async with self._turn:
            known = await self._known()
            if known is not None and known.get(f"{kind[0]}{number}") != count:
                await self._keep({**known, f"{kind[0]}{number}": count})

    async def _known(self) -> dict[str, int] | None:
        kept = await self._memory.get(_KEY)
        try:
            return None if kept is None else msgspec.json.decode(kept, type=dict[str, int])
        except msgspec.MsgspecError:
            return None

    async def _keep(self, counts: Mapping[str, int]) -> None:
        await self._memory.put(_KEY, msgspec.json.encode(counts).decode())


async def events_of(kodi: Kodi, library: Library, grown: Sequence[Grown]) -> list[PlayerEvent]:
    """Make events of what has grown: plays, or marks by hand where nobody can have watched them one after the other.

    Several episodes of one file are one play. Raises GoneError.
    """
    events: list[PlayerEvent] = []
    seen: set[str] = set()
    before: datetime | None = None
    for one in grown:
        try:
            named = await library.of_row(kodi, one.kind, one.row)
        except FailedError:
            continue
        if named is None or named.media.key in seen:
            continue
        seen.add(named.media.key)
        length_ms = named.media.duration_ms
        needed = timedelta(milliseconds=(length_ms or 0) // (2 * HONEST_SPEED))
        by_hand = before is not None and one.at - before < needed
        before = one.at
        events.append(
            PlayerEvent(
                kind="marked" if by_hand else "watched",
                player=PLAYER,
                item_key=named.media.key,
                item=named.media.item,
                duration_ms=length_ms,
                nominal=length_ms is not None,
                at=one.at,
            )
        )
    return events


async def _all(kodi: Kodi, kind: str) -> AsyncIterator[tuple[str, int]]:
    method, name, _ = _KINDS[kind]
    for page in range(PAGES):
        rows = await _rows(kodi, method, name, ["playcount"], start=page * PAGE)
        for row in rows:
            yield f"{kind[0]}{whole(row, f'{kind}id')}", whole(row, "playcount") or 0
        if len(rows) < PAGE:
            return


async def _rows(
    kodi: Kodi, method: str, name: str, properties: Sequence[str], *, latest: int | None = None, start: int = 0
) -> list[Any]:
    """Ask for watched items: the latest ones, or a page of all. Raises FailedError and GoneError."""
    wanted: dict[str, Any] = {"properties": properties, "filter": _WATCHED}
    wanted["limits"] = {"start": start, "end": start + (PAGE if latest is None else latest)}
    if latest is not None:
        wanted["sort"] = {"method": "lastplayed", "order": "descending"}
    return list(nodes(await kodi.ask(method, wanted), name))


async def _ahead(kodi: Kodi, now: datetime) -> timedelta | None:
    """Return how far Kodi's clock is ahead of UTC: it notes local time, and its zone need not be ours."""
    try:
        labels = await kodi.ask("XBMC.GetInfoLabels", {"labels": _LABELS})
    except FailedError:
        return None
    return zone_of(text(labels, _LABELS[0]), text(labels, _LABELS[1]), now)


def zone_of(day: str, time: str, now: datetime) -> timedelta | None:
    """Read how far a clock that shows this is ahead of UTC, in whole quarters of an hour; None where it cannot be read."""
    found = _CLOCK.match(time)
    try:
        midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    except ValueError:
        return None
    if found is None:
        return None
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4] in "pP" else 0)
    shown = midnight + timedelta(hours=hour, minutes=int(found[2]), seconds=int(found[3]))
    return timedelta(seconds=round((shown - now).total_seconds() / _QUARTER_S) * _QUARTER_S)


def _moment(lastplayed: str, ahead: timedelta | None) -> datetime | None:
    try:
        local = datetime.fromisoformat(lastplayed)
    except ValueError:
        return None
    return local.astimezone(UTC) if ahead is None else local.replace(tzinfo=UTC) - ahead
