"""What is asked of an Emby server, and how its answers are read (players.md 3.4)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from scrobbler.api import Context, Episode, Facts, Movie, PlayerEvent, Show, User
from scrobbler_plugins.emby.fields import Fields, is_id
from scrobbler_plugins.emby.items import fuller, read_item, read_series, with_show
from scrobbler_plugins.emby.options import EmbyOptions
from scrobbler_plugins.emby.parse import Told

_TIMEOUT_S = 10.0
_SERIES_KEPT = 256
_SERIES_LIFE_MS = 6 * 3600 * 1000
_PAGE = 200
_PAGES = 10


class Answer(NamedTuple):
    """A reply of the server: its HTTP status, its text where that was 200, and the server's own time."""

    status: int
    body: bytes
    at: datetime | None

    @property
    def content(self) -> Any:
        """The content, None where it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    @property
    def lines(self) -> list[Fields]:
        """The items of a list, whether it stands alone or under `Items`."""
        content = self.content
        return list(Fields({"Items": content} if isinstance(content, list) else content).nodes("Items"))


class _Kept(NamedTuple):
    show: Show
    until_ms: int


class Server:
    """An Emby server. The key goes into a header, never into an address."""

    def __init__(self, options: EmbyOptions, context: Context) -> None:
        url = str(options.url).rstrip("/")
        self.base = url if url.lower().endswith("/emby") else f"{url}/emby"
        self.key = str(options.api_key)
        self.headers = {"X-Emby-Token": self.key}
        self._options = options
        self._context = context
        self._series: dict[str, _Kept] = {}
        self._refused = False

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Ask for one document. Raises HttpError when the server cannot be reached or fails; says a refusal once."""
        response = await self._context.http().get(
            f"{self.base}{path}",
            params=dict(params or {}),
            headers={"Accept": "application/json", **self.headers},
            timeout=_TIMEOUT_S,
        )
        refused = response.status_code in (401, 403)
        if refused and not self._refused:
            self._context.log.warning("emby.key_refused", status=response.status_code, advice="check `api_key`")
        self._refused = refused
        if response.status_code >= 500:
            response.raise_for_status()
        body = response.content if response.status_code == 200 else b""
        return Answer(response.status_code, body, _moment(response.headers.get("date", "")))

    async def lookup(self, event: PlayerEvent, told: Told) -> Facts | None:
        """Complete an event by what the server knows of its item and of its series.

        `told` is what the event's own request said (after a restart nobody remembers it): then the item itself tells it.
        """
        if event.skip is not None or not is_id(event.item_key):
            return None
        user_id = event.user.id if event.user and is_id(event.user.id) else ""
        found = await self.item(event.item_key, "Path,ProviderIds")
        known = event.item if isinstance(event.item, Movie | Episode) else None
        item = read_item(found) if found else None
        if known is not None:
            item = known if item is None else fuller(known, item)
        if isinstance(item, Episode):
            item = await self._with_series(item, (found.text("SeriesId") if found else "") or told.series_id)
        if item is None:
            return None
        return Facts(
            item=item,
            duration_ms=(found.ticks_ms("RunTimeTicks") or None) if found else None,
            path=((found.text("Path") if found else "") or told.path) or None,
            library=await self._library(event.item_key, user_id),
        )

    async def item(self, item_id: str, fields: str) -> Fields | None:
        """Fetch one item; None when the server does not know it or does not let us."""
        answer = await self.get("/Items", {"Ids": item_id, "Fields": fields})
        return next((line for line in answer.lines if line.text("Id") == item_id), None)

    async def users(self) -> list[User]:
        """Return the server's users; none when we may not know."""
        answer = await self.get("/Users/Query")
        if answer.status in (400, 404, 405):
            answer = await self.get("/Users")
        return [User(id=line.text("Id"), name=line.text("Name")) for line in answer.lines if line.text("Id")]

    async def missed(self, since: datetime) -> list[PlayerEvent]:
        """Return what the mapped users have finished after `since`, oldest first."""
        events: list[PlayerEvent] = []
        for user in await self.users():
            if is_id(user.id) and is_mapped(self._options, user):
                events += await self._missed_of(user, since)
        return sorted(events, key=lambda event: (event.at is None, event.at))

    async def _missed_of(self, user: User, since: datetime) -> list[PlayerEvent]:
        events = []
        for page in range(_PAGES):
            answer = await self.get(f"/Users/{user.id}/Items", _played(page * _PAGE))
            lines = answer.lines
            for line in lines:
                event = read_played(line, user, self._context.clock.now().utc)
                if event is None or event.at is None or event.at < since:
                    continue
                if isinstance(event.item, Episode):
                    event = replace(event, item=await self._with_series(event.item, line.text("SeriesId")))
                events.append(replace(event, library=await self._library(event.item_key, user.id)))
            last = lines[-1].node("UserData").moment("LastPlayedDate") if lines else None
            # Lines come by the beginning of the play, newest first; nothing that began a day earlier ended after `since`.
            if len(lines) != _PAGE or last is None or last < since - timedelta(days=1):
                break
        return events

    async def _with_series(self, episode: Episode, series_id: str) -> Episode:
        if not is_id(series_id):
            return episode
        now_ms = self._context.clock.now().mono_ms
        kept = self._series.get(series_id)
        if kept is None or kept.until_ms <= now_ms:
            found = await self.item(series_id, "ProviderIds")
            if found is None:
                return episode
            kept = _Kept(read_series(found), now_ms + _SERIES_LIFE_MS)
            self._series.pop(series_id, None)
            while len(self._series) >= _SERIES_KEPT:
                self._series.pop(next(iter(self._series)))
            self._series[series_id] = kept
        return with_show(episode, kept.show)

    async def _library(self, item_id: str, user_id: str) -> str | None:
        """Name the library of an item: no event tells it, so it is asked only where `libraries` needs it."""
        wanted = self._options.libraries
        if not (wanted.include or wanted.exclude):
            return None
        answer = await self.get(f"/Items/{item_id}/Ancestors", {"UserId": user_id} if user_id else {})
        for line in answer.lines:
            if line.text("Type").lower() in ("collectionfolder", "userview"):
                return line.text("Name") or line.text("Id") or None
        return None


def is_mapped(options: EmbyOptions, user: User) -> bool:
    """Tell whether `users:` gives this user an account: by id, by name, or by `*`."""
    if options.users is UNSET or not isinstance(options.users, dict):
        return False
    mapped = {key.strip().casefold(): accounts for key, accounts in options.users.items()}
    bare = {key.replace("-", ""): accounts for key, accounts in mapped.items()}
    if (identity := user.id.casefold().replace("-", "")) in bare:
        return bool(bare[identity])
    return bool(mapped.get(user.name.casefold(), mapped.get("*")))


def read_played(line: Fields, user: User, now: datetime) -> PlayerEvent | None:
    """Read one played item of a user. The server notes when a play began; it ended at the earliest a runtime later."""
    item, began = read_item(line), line.node("UserData").moment("LastPlayedDate")
    item_id = line.text("Id")
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


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
