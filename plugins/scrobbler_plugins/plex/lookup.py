"""What is asked of a Plex Media Server, and how its answers are read (players.md 1.6 item 4, 1.8)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from scrobbler.api import Context, Episode, Facts, Movie, PlayerEvent, Show, User
from scrobbler_plugins.plex.fields import Fields
from scrobbler_plugins.plex.items import exact_length, fuller, read_item, read_show, same_item, skip_of, with_show
from scrobbler_plugins.plex.parse import library_of

_TIMEOUT_S = 10.0
_SHOWS_KEPT = 256
_SHOW_LIFE_MS = 6 * 3600 * 1000
_PAGE = 200
_PAGES = 10


class Answer(NamedTuple):
    """A reply of the server: its HTTP status, and its content where that was JSON."""

    status: int
    content: Fields


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the server's history: who watched which item, and when it was noted."""

    meta: Fields
    account: str
    device: str
    at: datetime


class _Kept(NamedTuple):
    show: Show
    until_ms: int


class Server:
    """A Plex Media Server. The token goes into a header, never into an address."""

    def __init__(self, url: str, token: str, context: Context) -> None:
        self.url = url.rstrip("/")
        self.headers = {"X-Plex-Token": token}
        self._context = context
        self._machine = ""
        self._shows: dict[str, _Kept] = {}
        self._refused = False

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for one document. Raises HttpError when the server cannot be reached or fails; says a refusal once."""
        response = await self._context.http().get(
            f"{self.url}{path}",
            params=dict(params or {}),
            headers={"Accept": "application/json", **self.headers, **(headers or {})},
            timeout=_TIMEOUT_S,
        )
        refused = response.status_code in (401, 403)
        if refused and not self._refused:
            self._context.log.warning("plex.token_refused", status=response.status_code, advice="check `token`")
        self._refused = refused
        if response.status_code >= 500:
            response.raise_for_status()
        return Answer(response.status_code, _content(response.content) if response.status_code == 200 else Fields(None))

    async def machine(self) -> str:
        """Return the server's own id, "" when it does not say."""
        answer = await self.get("/identity")
        return answer.content.node("MediaContainer").text("machineIdentifier")

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Complete an event by what the server knows of its item.

        A hook also tells of plays on servers of others, where the same key means another item (players.md 1.2): so the
        answer counts only when the server is the event's own, or, where it does not say who it is, when the item is.
        """
        owner, _, key = event.item_key.rpartition("/")
        if not _is_key(key) or event.skip is not None:
            return None
        if owner != self._machine:
            self._machine = await self.machine()
        if self._machine and owner and owner != self._machine:
            return None
        meta = await self.metadata(key)
        if meta is None:
            return None
        found = read_item(meta).item
        known = event.item if isinstance(event.item, Movie | Episode) else None
        sure = bool(self._machine) and owner == self._machine
        if found is None or (not sure and (known is None or not same_item(known, found))):
            return None
        item = found if known is None else fuller(known, found)
        item = await self.with_series(item, meta)
        return Facts(item=item, duration_ms=exact_length(meta), path=file_of(meta), library=library_of(meta))

    async def metadata(self, key: str) -> Fields | None:
        """Fetch the metadata of one item; None when the server does not know it or does not let us."""
        answer = await self.get(f"/library/metadata/{key}", {"includeGuids": "1"})
        return first_item(answer.content)

    async def with_series(self, item: Movie | Episode, meta: Fields) -> Movie | Episode:
        """Complete an episode by the ids and the first year of its series, which only the series' own metadata has."""
        key = meta.text("grandparentRatingKey")
        if isinstance(item, Movie) or not _is_key(key):
            return item
        now_ms = self._context.clock.now().mono_ms
        kept = self._shows.get(key)
        if kept is None or kept.until_ms <= now_ms:
            series = await self.metadata(key)
            if series is None:
                return item
            kept = _Kept(read_show(series), now_ms + _SHOW_LIFE_MS)
            self._shows.pop(key, None)
            while len(self._shows) >= _SHOWS_KEPT:
                self._shows.pop(next(iter(self._shows)))
            self._shows[key] = kept
        return with_show(item, kept.show)

    async def accounts(self) -> dict[str, str]:
        """Return the names of the server's users by the id that its history uses; empty when we may not know."""
        answer = await self.get("/accounts")
        return {
            entry.text("id"): entry.text("name") for entry in answer.content.node("MediaContainer").nodes("Account")
        }

    async def missed(self, since: datetime) -> list[PlayerEvent]:
        """Return what the server's history noted after `since`, oldest first, each item looked up once."""
        entries = await self.history(since)
        if not entries:
            return []
        names = await self.accounts()
        self._machine = self._machine or await self.machine()
        looked_up: dict[str, Fields | None] = {}
        events = []
        for entry in entries:
            key = entry.meta.text("ratingKey")
            if key not in looked_up:
                looked_up[key] = await self.metadata(key) if _is_key(key) else None
            meta = looked_up[key] or entry.meta
            item = read_item(meta).item
            if item is None or skip_of(meta) is not None:
                continue
            events.append(
                PlayerEvent(
                    kind="watched",
                    player=f"history:{entry.device}:{entry.account}",
                    item_key=f"{self._machine}/{key or entry.meta.text('historyKey')}",
                    item=await self.with_series(item, meta),
                    user=User(id=entry.account, name=names.get(entry.account, "")),
                    duration_ms=exact_length(meta),
                    at=entry.at,
                    library=library_of(meta),
                )
            )
        return events

    async def history(self, since: datetime) -> list[Entry]:
        """Fetch the history after `since`, oldest first, page by page; at most 2,000 lines."""
        entries: list[Entry] = []
        start = int(since.timestamp())
        for page in range(_PAGES):
            answer = await self.get(
                "/status/sessions/history/all",
                {"sort": "viewedAt:desc", "viewedAt>": str(start)},
                {"X-Plex-Container-Start": str(page * _PAGE), "X-Plex-Container-Size": str(_PAGE)},
            )
            lines = list(answer.content.node("MediaContainer").nodes("Metadata"))
            entries += [entry for line in lines if (entry := read_entry(line)) and entry.at.timestamp() >= start]
            # A server that ignores the page size answers with everything, and with the same again on the next page.
            if len(lines) != _PAGE:
                break
        return sorted(entries, key=lambda entry: entry.at)


def first_item(content: Fields) -> Fields | None:
    """Return the one item of an answer, with the library's name, which may stand outside it."""
    container = content.node("MediaContainer")
    for meta in container.nodes("Metadata"):
        return meta.filled(container, ("librarySectionTitle", "librarySectionID"))
    return None


def read_entry(line: Fields) -> Entry | None:
    """Read one line of the history; None without a time or without a user."""
    viewed, account = line.positive("viewedAt"), line.text("accountID")
    if viewed is None or viewed >= 2**33 or not account:
        return None
    return Entry(meta=line, account=account, device=line.text("deviceID"), at=datetime.fromtimestamp(viewed, UTC))


def file_of(meta: Fields) -> str | None:
    """Return the path of the item's first file, as the server sees it."""
    for media in meta.nodes("Media"):
        for part in media.nodes("Part"):
            if path := part.text("file"):
                return path
    return None


def _is_key(key: str) -> bool:
    """Tell whether a rating key may go into an address: digits, nothing that leads elsewhere."""
    return key.isascii() and key.isdecimal()


def _content(body: bytes) -> Fields:
    try:
        values: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        values = None
    return Fields(values)
