"""What is asked of a Jellyfin server, and how its answers are read (players.md 2.5, 2.6)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from scrobbler.api import Context, Episode, Facts, Movie, PlayerEvent, Show, User
from scrobbler_plugins.jellyfin.fields import Fields, is_id
from scrobbler_plugins.jellyfin.items import fuller, read_series, read_server_item, with_show
from scrobbler_plugins.jellyfin.options import JellyfinOptions

_TIMEOUT_S = 10.0
_SERIES_KEPT = 256
_SERIES_LIFE_MS = 6 * 3600 * 1000
_PAGE = 200
_PAGES = 10


class Answer(NamedTuple):
    """A reply of the server: its HTTP status, and its content where that was JSON."""

    status: int
    content: Any

    @property
    def fields(self) -> Fields:
        """The content as one object."""
        return Fields(self.content)


class Snapshot(NamedTuple):
    """The server's list of sessions as it was sent, and the server's own time."""

    status: int
    body: bytes
    at: datetime | None


class _Kept(NamedTuple):
    show: Show
    until_ms: int


class Server:
    """A Jellyfin server. The key goes into a header, in the one form that servers from 12.0 on take by default."""

    def __init__(self, options: JellyfinOptions, context: Context) -> None:
        self.url = str(options.url).rstrip("/")
        self.headers = {"Authorization": f'MediaBrowser Token="{options.api_key}"'}
        self._options = options
        self._context = context
        self._series: dict[str, _Kept] = {}
        self._refused = False

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Ask for one document. Raises HttpError when the server cannot be reached or fails; says a refusal once."""
        response = await self._ask(path, params)
        return Answer(response.status_code, _content(response.content) if response.status_code == 200 else None)

    async def sessions(self) -> Snapshot:
        """Ask for the sessions that were active of late. Raises HttpError."""
        response = await self._ask("/Sessions", {"activeWithinSeconds": "960"})
        body = response.content if response.status_code == 200 else b"[]"
        return Snapshot(response.status_code, body, _moment(response.headers.get("date", "")))

    async def _ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        response = await self._context.http().get(
            f"{self.url}{path}",
            params=dict(params or {}),
            headers={"Accept": "application/json", **self.headers},
            timeout=_TIMEOUT_S,
        )
        refused = response.status_code in (401, 403)
        if refused and not self._refused:
            self._context.log.warning("jellyfin.key_refused", status=response.status_code, advice="check `api_key`")
        self._refused = refused
        if response.status_code >= 500:
            response.raise_for_status()
        return response

    async def lookup(self, event: PlayerEvent, series_id: str) -> Facts | None:
        """Complete an event by what the server knows of its item and of its series.

        `series_id` may be "" (after a restart nobody remembers it): then the item itself tells it.
        """
        if event.skip is not None or not is_id(event.item_key):
            return None
        user_id = event.user.id if event.user and is_id(event.user.id) else ""
        found = await self.item(event.item_key, user_id, "Path,ProviderIds")
        known = event.item if isinstance(event.item, Movie | Episode) else None
        item = read_server_item(found) if found else None
        if known is not None:
            item = known if item is None else fuller(known, item)
        if isinstance(item, Episode):
            item = await self._with_series(item, (found.identity("SeriesId") if found else "") or series_id, user_id)
        if item is None:
            return None
        return Facts(
            item=item,
            duration_ms=found.ticks_ms("RunTimeTicks") if found else None,
            path=(found.text("Path") or None) if found else None,
            library=await self._library(event.item_key, user_id),
        )

    async def item(self, item_id: str, user_id: str, fields: str) -> Fields | None:
        """Fetch one item; None when the server does not know it or does not let us.

        Servers before 10.9 have items only under a user.
        """
        params = {"fields": fields} | ({"userId": user_id} if user_id else {})
        answer = await self.get(f"/Items/{item_id}", params)
        if answer.status in (400, 404, 405) and user_id:
            answer = await self.get(f"/Users/{user_id}/Items/{item_id}", {"fields": fields})
        return answer.fields if answer.status == 200 else None

    async def users(self) -> dict[str, str]:
        """Return the names of the server's users by their ids; empty when we may not know."""
        answer = await self.get("/Users")
        entries = answer.content if isinstance(answer.content, list) else []
        return {Fields(entry).identity("Id"): Fields(entry).text("Name") for entry in entries}

    async def missed(self, since: datetime) -> list[PlayerEvent]:
        """Return what the mapped users have finished after `since`, oldest first."""
        events: list[PlayerEvent] = []
        for user_id, name in (await self.users()).items():
            if is_id(user_id) and is_mapped(self._options, user_id, name):
                events += await self._missed_of(User(id=user_id, name=name), since)
        return sorted(events, key=lambda event: (event.at is None, event.at))

    async def _missed_of(self, user: User, since: datetime) -> list[PlayerEvent]:
        events = []
        for page in range(_PAGES):
            answer = await self.get("/Items", _played(user.id, page * _PAGE))
            lines = list(answer.fields.nodes("Items"))
            for line in lines:
                event = read_played(line, user, self._context.clock.now().utc)
                if event is None or event.at is None or event.at < since:
                    continue
                if isinstance(event.item, Episode):
                    item = await self._with_series(event.item, line.identity("SeriesId"), user.id)
                    event = msgspec.structs.replace(event, item=item)
                library = await self._library(event.item_key, user.id)
                events.append(msgspec.structs.replace(event, library=library))
            last = lines[-1].node("UserData").moment("LastPlayedDate") if lines else None
            # Lines come by the beginning of the play, newest first; nothing that began a day earlier ended after `since`.
            if len(lines) != _PAGE or last is None or last < since - timedelta(days=1):
                break
        return events

    async def _with_series(self, episode: Episode, series_id: str, user_id: str) -> Episode:
        if not is_id(series_id):
            return episode
        now_ms = self._context.clock.now().mono_ms
        kept = self._series.get(series_id)
        if kept is None or kept.until_ms <= now_ms:
            found = await self.item(series_id, user_id, "ProviderIds")
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
        if not (wanted.include or wanted.exclude) or not user_id:
            return None
        answer = await self.get(f"/Items/{item_id}/Ancestors", {"userId": user_id})
        entries = [Fields(entry) for entry in answer.content] if isinstance(answer.content, list) else []
        for entry in entries:
            if entry.text("Type").lower() in ("collectionfolder", "userview"):
                return entry.text("Name") or entry.identity("Id") or None
        return None


def is_mapped(options: JellyfinOptions, user_id: str, name: str) -> bool:
    """Tell whether `users:` gives this user an account: by id, by name, or by `*`."""
    if options.users is UNSET or not isinstance(options.users, dict):
        return False
    mapped = {key.casefold(): accounts for key, accounts in options.users.items()}
    for key in (user_id, _dashed(user_id), name.casefold()):
        if key in mapped:
            return bool(mapped[key])
    return bool(mapped.get("*"))


def read_played(line: Fields, user: User, now: datetime) -> PlayerEvent | None:
    """Read one played item of a user. The server notes when a play began; it ended at the earliest a runtime later."""
    item, began = read_server_item(line), line.node("UserData").moment("LastPlayedDate")
    item_id = line.identity("Id")
    if item is None or began is None or not item_id:
        return None
    duration_ms = line.ticks_ms("RunTimeTicks")
    return PlayerEvent(
        kind="watched",
        player=f"history:{user.id}",
        item_key=item_id,
        item=item,
        user=user,
        duration_ms=duration_ms,
        at=min(began + timedelta(milliseconds=duration_ms or 0), max(now, began)),
    )


def _played(user_id: str, start: int) -> dict[str, str]:
    return {
        "userId": user_id,
        "isPlayed": "true",
        "sortBy": "DatePlayed",
        "sortOrder": "Descending",
        "recursive": "true",
        "includeItemTypes": "Movie,Episode",
        "enableUserData": "true",
        "fields": "ProviderIds",
        "startIndex": str(start),
        "limit": str(_PAGE),
    }


def _dashed(user_id: str) -> str:
    return "-".join((user_id[:8], user_id[8:12], user_id[12:16], user_id[16:20], user_id[20:]))


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _content(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
