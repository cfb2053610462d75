"""Asks the server that writes a log what its lines leave out: series, numbers, ids (players.md 1.8, 2.6, 8.2)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from scrobbler.api import CheckResult, Context, Episode, Facts, PlayerEvent, Show, Skip, User
from scrobbler.api.connection import in_words
from scrobbler.api.servers.client import Answer, Remembered, SeriesMemory, ServerClient
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.mediabrowser import items as media
from scrobbler.api.servers.mediabrowser.fields import MediaFields, is_id
from scrobbler.api.servers.mediabrowser.server import lines_of, users_of
from scrobbler.api.servers.plex import items as plex
from scrobbler_plugins.logfile.book import LONGEST_MS
from scrobbler_plugins.logfile.options import Options

_LATEST = 30

KNOWN_MS = 6 * 3_600_000
"""How long an item that is named for certain is remembered: its match may be corrected at the server."""
NAMED_MS = 60_000
"""How long an item is remembered of which the log has a title alone: the next of this title may be another one."""
AWAY_MS = 30_000
"""How long a server that did not answer is not asked for what lines leave out: each of them would wait for it."""


class Found(NamedTuple):
    """What a server says about an item: the facts, who played it if that is certain, and why it is no play of ours.

    `began` is when its latest play did.
    """

    facts: Facts | None
    user: User | None = None
    skip: Skip | None = None
    began: datetime | None = None


class _Kept(NamedTuple):
    found: Found
    until_ms: int


class Server(ServerClient):
    """A server that answers."""

    def __init__(self, url: str, headers: Mapping[str, str], context: Context) -> None:
        super().__init__(url, headers, "token", context)
        self._series = SeriesMemory(context, self._ask_series)
        self._known: Remembered[_Kept] = Remembered()
        self._away_until_ms = 0

    async def complete(self, event: PlayerEvent) -> PlayerEvent:
        """Fill in what the server knows; an event that it cannot be asked about stays as it is."""
        return _filled(event, await self._found(event))

    async def with_beginning(self, stop: PlayerEvent) -> list[PlayerEvent]:
        """Fill in a stop whose beginning no line has told, and put that before it where the server knows it.

        Where it began is not known then, but for how long it can have played.
        """
        found = await self._found(stop)
        full, began = _filled(stop, found), None if found is None else found.began
        ended = stop.at or self._context.clock.now().utc
        if began is None or not timedelta(0) < ended - began < timedelta(milliseconds=LONGEST_MS):
            return [full]
        return [replace(full, kind="play", position_ms=None, at=began), full]

    async def _found(self, event: PlayerEvent) -> Found | None:
        found = self._remembered(event)
        if found is None and self._context.clock.now().mono_ms >= self._away_until_ms:
            try:
                found = await self._ask(event)
            except Exception as error:  # noqa: BLE001 (whatever fails here, the play is not lost: it is asked again later)
                self._context.log.debug("the log's server cannot be asked", why=in_words(error))
                self._away_until_ms = self._context.clock.now().mono_ms + AWAY_MS
        if found is None and self._context.clock.now().mono_ms < self._away_until_ms:
            # What it said when the play began is better than nothing: its end may be written while the server goes down.
            kept = self._known.get(_name(event))
            found = None if kept is None else kept.found
        return found

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Complete an event for the resolver. May raise HttpError."""
        found = self._remembered(event) or await self._ask(event)
        return None if found is None else found.facts

    def _remembered(self, event: PlayerEvent) -> Found | None:
        """Return what was found for such an event of late."""
        kept = self._known.get(_name(event)) if self.life_ms(event) else None
        return kept.found if kept is not None and kept.until_ms > self._context.clock.now().mono_ms else None

    async def _ask(self, event: PlayerEvent) -> Found | None:
        found, life_ms = await self.find(event), self.life_ms(event)
        if found is not None and life_ms:
            self._known.put(_name(event), _Kept(found, self._context.clock.now().mono_ms + life_ms))
        return found

    def life_ms(self, event: PlayerEvent) -> int:
        """Return for how long the answer about an event holds; 0: for this event alone."""
        del event
        return KNOWN_MS

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask for the item of an event. None: not known, ask again. May raise HttpError."""
        raise NotImplementedError

    async def check(self) -> CheckResult:
        """Try address and token."""
        try:
            answer = await self.probe()
        except Exception as error:  # noqa: BLE001 (the client's own errors are not part of the plugin API)
            return CheckResult(good=False, what=f"{self.url}: {in_words(error)}", advice="check `url`")
        if answer.content is None:
            what = f"{self.url}: refuses the token (HTTP {answer.status})"
            return CheckResult(good=False, what=what, advice="check `token`")
        return CheckResult(good=True, what=f"{self.url}: answers")

    async def probe(self) -> Answer:
        """Ask for something that only who has the token is told. May raise HttpError."""
        raise NotImplementedError

    async def _ask_series(self, series_id: str, user_id: str) -> Show | None:
        raise NotImplementedError


class Plex(Server):
    """A Plex Media Server: the log names rating keys."""

    def __init__(self, url: str, token: str, context: Context) -> None:
        super().__init__(url, {"X-Plex-Token": token}, context)

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask by the rating key."""
        meta = await self._metadata(event.item_key)
        if meta is None:
            return None
        if skip := plex.skip_of(meta):
            return Found(None, skip=skip)
        item = plex.read_item(meta).item
        show = await self._series.find(meta.text("grandparentRatingKey"))
        if isinstance(item, Episode) and show is not None:
            item = plex.with_show(item, show)
        facts = Facts(
            item=item,
            duration_ms=plex.exact_length(meta) or meta.positive("duration"),
            path=plex.file_of(meta),
            library=plex.library_of(meta),
        )
        return Found(facts)

    async def probe(self) -> Answer:
        """Ask for the libraries."""
        return await self.get("/library/sections")

    async def _metadata(self, key: str) -> Fields | None:
        if not plex.is_key(key):
            return None
        answer = await self.get(f"/library/metadata/{key}", {"includeGuids": "1"})
        return plex.first_item(Fields(answer.content).node("MediaContainer"))

    async def _ask_series(self, series_id: str, user_id: str) -> Show | None:
        del user_id
        meta = await self._metadata(series_id)
        return None if meta is None else plex.read_show(meta)


class MediaBrowser(Server):
    """An Emby or Jellyfin server: the log names titles alone, so what its users played last is looked through."""

    def __init__(self, url: str, token: str, context: Context) -> None:
        # Jellyfin's form, which is the only one from 12.0 on, and Emby's: a log does not say which server answers.
        headers = {"Authorization": f'MediaBrowser Token="{token}"', "X-Emby-Token": token}
        super().__init__(url, headers, context)

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask who has last played something of this name."""
        users = [user for user in users_of(await self.probe()) if is_id(user.id)]
        if event.user is not None:
            wanted = event.user.name.casefold()
            users = [user for user in users if user.name.casefold() == wanted]
        played = [(user, entry) for user in users for entry in await self._latest(user.id) if _same(entry, event)]
        if not played:
            return None
        user, line = max(played, key=lambda one: _fitness(one[1], event))
        item = media.read_item(line)
        series_id = line.identity("SeriesId")
        show = await self._series.find(series_id, user.id) if is_id(series_id) else None
        if isinstance(item, Episode) and show is not None:
            item = media.with_show(item, show)
        facts = Facts(item=item, duration_ms=line.ticks_ms("RunTimeTicks") or None, path=line.text("Path") or None)
        return Found(facts, user=user, began=line.node("UserData").moment("LastPlayedDate"))

    def life_ms(self, event: PlayerEvent) -> int:
        """Return for how long an answer holds: what has a title alone may be another item the next time."""
        if isinstance(event.item, Episode):
            return KNOWN_MS
        return NAMED_MS if event.at is None or _is_news(event.at, self._context.clock.now().utc) else 0

    async def probe(self) -> Answer:
        """Ask for the users: Emby of today has them elsewhere."""
        answer = await self.get("/Users")
        return await self.get("/Users/Query") if answer.status in (400, 404, 405) else answer

    async def _latest(self, user_id: str) -> list[MediaFields]:
        params = {
            "SortBy": "DatePlayed",
            "SortOrder": "Descending",
            "Recursive": "true",
            "IncludeItemTypes": "Movie,Episode",
            "EnableUserData": "true",
            "Fields": "ProviderIds,Path",
            "Limit": str(_LATEST),
        }
        answer = await self.get(f"/Users/{user_id}/Items", params)
        if answer.content is None:  # the address of servers that have dropped the other
            answer = await self.get("/Items", {**params, "UserId": user_id})
        return lines_of(answer)

    async def _ask_series(self, series_id: str, user_id: str) -> Show | None:
        answer = await self.get(f"/Users/{user_id}/Items/{series_id}")
        if answer.content is None:
            answer = await self.get(f"/Items/{series_id}", {"UserId": user_id})
        found = MediaFields(answer.content)
        return media.read_series(found) if found.has("Name") else None


def server_of(options: Options, context: Context) -> Server:
    """Return the server that `url` names."""
    kind = Plex if options.format == "plex" else MediaBrowser
    return kind(str(options.url), str(options.token), context)


def _filled(event: PlayerEvent, found: Found | None) -> PlayerEvent:
    if found is None:
        return event
    facts = found.facts
    return replace(
        event,
        item=(facts.item if facts and facts.item else None) or event.item,
        duration_ms=(facts.duration_ms if facts else None) or event.duration_ms,
        library=(facts.library if facts else None) or event.library,
        user=event.user or found.user,
        skip=event.skip or found.skip,
    )


def _name(event: PlayerEvent) -> str:
    user = event.user.name or event.user.id if event.user else ""
    return f"{user}|{event.item_key}"


def _is_news(at: datetime, now: datetime) -> bool:
    return now - at < timedelta(milliseconds=NAMED_MS)


def _fitness(item: MediaFields, event: PlayerEvent) -> tuple[bool, float]:
    """Rank who played what of one name: of what was missed, the last that had begun by then; else the last of all."""
    began = item.node("UserData").moment("LastPlayedDate")
    if began is None:
        return False, 0.0
    return event.at is None or began <= event.at + timedelta(milliseconds=NAMED_MS), began.timestamp()


def _same(item: MediaFields, event: PlayerEvent) -> bool:
    """Tell whether an item is the one of the log: by its name, or by series and numbers where the log has them."""
    known = event.item
    if isinstance(known, Episode):
        return (
            item.text("SeriesName").casefold() == known.show.title.casefold()
            and item.count("IndexNumber") == known.number
            and (known.season is None or item.count("ParentIndexNumber") == known.season)
        )
    return item.text("Name") == event.item_key
