"""What is asked of an Emby or Jellyfin server, and how its answers are read (players.md 2.5, 2.6, 3.4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from msgspec.structs import replace

from scrobbler.api.events import PlayerEvent, User
from scrobbler.api.media import Episode, Movie, Show
from scrobbler.api.plugin import Context, Facts
from scrobbler.api.servers.client import Answer, SeriesMemory, ServerClient
from scrobbler.api.servers.mediabrowser.fields import MediaFields, is_id
from scrobbler.api.servers.mediabrowser.items import fuller, read_item, read_series, with_show
from scrobbler.api.servers.mediabrowser.sessions import Told
from scrobbler.api.servers.plugin import is_mapped

_PAGE = 200
_PAGES = 10


class MediaServer(ServerClient):
    """A server of the family. What differs from member to member is data here, and three routes.

    `active_s`: the list is asked for sessions that were active within so many seconds; None where it cannot be asked so.
    `counts_on`: the position in the list runs on by the server's own count. `first_word_s`: a websocket that has told no
    sessions for so long was not for us; None where silence is the rule until something happens.
    """

    active_s: ClassVar[int | None] = None
    counts_on: ClassVar[bool]
    first_word_s: ClassVar[float | None] = None

    def __init__(self, url: str, headers: Mapping[str, str], options: Any, context: Context) -> None:
        super().__init__(url, headers, "api_key", context)
        self._options = options
        self._series = SeriesMemory(context, self._ask_series)

    def sockets(self, device: str) -> Sequence[str]:
        """Return where the websocket may be, the likeliest first. A device tells us from all others who use the key."""
        raise NotImplementedError

    async def item(self, item_id: str, user_id: str, fields: str) -> MediaFields | None:
        """Fetch one item; None when the server does not know it or does not let us. May raise HttpError."""
        raise NotImplementedError

    async def users(self) -> list[User]:
        """Return the server's users; none when we may not know. May raise HttpError."""
        raise NotImplementedError

    async def items_of(self, user_id: str, wanted: Mapping[str, str]) -> Answer:
        """Ask for a list of items with the eyes of a user. May raise HttpError."""
        raise NotImplementedError

    async def sessions(self) -> Answer:
        """Ask for the list of sessions. May raise HttpError."""
        return await self.get("/Sessions", {} if self.active_s is None else {"ActiveWithinSeconds": str(self.active_s)})

    async def lookup(self, event: PlayerEvent, told: Told) -> Facts | None:
        """Complete an event by what the server knows of its item and of its series. May raise HttpError.

        `told` is what the event's own request said (after a restart nobody remembers it): then the item itself tells it.
        """
        if event.skip is not None or not is_id(event.item_key):
            return None
        user_id = next((one for one in (event.user.id if event.user else "", told.user_id) if is_id(one)), "")
        found = await self.item(event.item_key, user_id, "Path,ProviderIds")
        known = event.item if isinstance(event.item, Movie | Episode) else None
        item = read_item(found) if found else None
        if known is not None:
            item = known if item is None else fuller(known, item)
        if isinstance(item, Episode):
            item = await self._with_series(
                item, (found.identity("SeriesId") if found else "") or told.series_id, user_id
            )
        if item is None:
            return None
        return Facts(
            item=item,
            duration_ms=(found.ticks_ms("RunTimeTicks") or None) if found else None,
            path=((found.text("Path") if found else "") or told.path) or None,
            library=await self._library(event.item_key, user_id),
        )

    async def missed(self, since: datetime) -> list[PlayerEvent]:
        """Return what the mapped users have finished after `since`, oldest first. May raise HttpError."""
        events: list[PlayerEvent] = []
        for user in await self.users():
            if is_id(user.id) and is_mapped(self._options, user.id, user.name):
                events += await self._missed_of(user, since)
        return sorted(events, key=lambda event: (event.at is None, event.at))

    async def _missed_of(self, user: User, since: datetime) -> list[PlayerEvent]:
        events = []
        for page in range(_PAGES):
            answer = await self.items_of(user.id, _played(page * _PAGE))
            lines = list(MediaFields(answer.content).nodes("Items"))
            for line in lines:
                event = read_played(line, user, self._context.clock.now().utc)
                if event is None or event.at is None or event.at < since:
                    continue
                if isinstance(event.item, Episode):
                    series = await self._with_series(event.item, line.identity("SeriesId"), user.id)
                    event = replace(event, item=series)
                events.append(replace(event, library=await self._library(event.item_key, user.id)))
            last = lines[-1].node("UserData").moment("LastPlayedDate") if lines else None
            # Lines come by the beginning of the play, newest first; nothing that began a day earlier ended after `since`.
            if len(lines) != _PAGE or last is None or last < since - timedelta(days=1):
                break
        return events

    async def _with_series(self, episode: Episode, series_id: str, user_id: str) -> Episode:
        show = await self._series.find(series_id, user_id) if is_id(series_id) else None
        return episode if show is None else with_show(episode, show)

    async def _ask_series(self, series_id: str, user_id: str) -> Show | None:
        found = await self.item(series_id, user_id, "ProviderIds")
        return None if found is None else read_series(found)

    async def _library(self, item_id: str, user_id: str) -> str | None:
        """Name the library of an item: no event tells it, so it is asked only where `libraries` needs it."""
        wanted = self._options.libraries
        if not (wanted.include or wanted.exclude):
            return None
        answer = await self.get(f"/Items/{item_id}/Ancestors", {"UserId": user_id} if user_id else {})
        for line in lines_of(answer):
            if line.text("Type").lower() in ("collectionfolder", "userview"):
                return line.text("Name") or line.identity("Id") or None
        return None


def lines_of(answer: Answer) -> list[MediaFields]:
    """Return the entries of a list, whether it stands alone or under `Items`."""
    content = answer.content
    return list(MediaFields({"Items": content} if isinstance(content, list) else content).nodes("Items"))


def users_of(answer: Answer) -> list[User]:
    """Read a list of users."""
    return [User(id=key, name=line.text("Name")) for line in lines_of(answer) if (key := line.identity("Id"))]


def read_played(line: MediaFields, user: User, now: datetime) -> PlayerEvent | None:
    """Read one played item of a user. The server notes when a play began; it ended at the earliest a runtime later."""
    item, began = read_item(line), line.node("UserData").moment("LastPlayedDate")
    item_id = line.identity("Id")
    if item is None or began is None or not item_id:
        return None
    duration_ms = line.ticks_ms("RunTimeTicks") or None
    return PlayerEvent(
        kind="watched",
        player=f"history:{user.id}",
        item_key=item_id,
        item=item,
        user=user,
        duration_ms=duration_ms,
        at=min(began + timedelta(milliseconds=duration_ms or 0), max(now, began)),
    )


def _played(start: int) -> dict[str, str]:
    return {
        "IsPlayed": "true",
        "SortBy": "DatePlayed",
        "SortOrder": "Descending",
        "Recursive": "true",
        "IncludeItemTypes": "Movie,Episode",
        "EnableUserData": "true",
        "Fields": "ProviderIds",
        "StartIndex": str(start),
        "Limit": str(_PAGE),
    }
