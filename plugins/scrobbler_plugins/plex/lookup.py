"""What is asked of a Plex Media Server, and how its answers are read (players.md 1.6 item 4, 1.8)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from scrobbler.api import Context, Episode, Facts, Movie, PlayerEvent, Show, User
from scrobbler.api.servers.client import SeriesMemory, ServerClient
from scrobbler.api.servers.fields import Fields
from scrobbler.api.servers.plex.items import (
    exact_length,
    file_of,
    first_item,
    fuller,
    is_key,
    library_of,
    read_item,
    read_show,
    same_item,
    skip_of,
    with_show,
)

_PAGE = 200
_PAGES = 10


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the server's history: who watched which item, and when it was noted."""

    meta: Fields
    account: str
    device: str
    at: datetime


class Server(ServerClient):
    """A Plex Media Server. The token goes into a header, and into an address for a websocket alone that takes no header."""

    def __init__(self, url: str, token: str, context: Context) -> None:
        super().__init__(url, {"X-Plex-Token": token}, "token", context)
        self._machine = ""
        self._shows = SeriesMemory(context, self._ask_show)

    async def read(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Fields:
        """Ask for one document and open its container; empty when the server does not let us. Raises HttpError."""
        answer = await self.get(path, params, headers)
        return Fields(answer.content).node("MediaContainer")

    async def machine(self) -> str:
        """Return the server's own id, "" when it does not say."""
        return (await self.read("/identity")).text("machineIdentifier")

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Complete an event by what the server knows of its item.

        A hook also tells of plays on servers of others, where the same key means another item (players.md 1.2): so the
        answer counts only when the server is the event's own, or, where it does not say who it is, when the item is.
        """
        owner, _, key = event.item_key.rpartition("/")
        if not is_key(key) or event.skip is not None:
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
        return first_item(await self.read(f"/library/metadata/{key}", {"includeGuids": "1"}))

    async def with_series(self, item: Movie | Episode, meta: Fields) -> Movie | Episode:
        """Complete an episode by the ids and the first year of its series, which only the series' own metadata has."""
        key = meta.text("grandparentRatingKey")
        if isinstance(item, Movie) or not is_key(key):
            return item
        show = await self._shows.find(key)
        return item if show is None else with_show(item, show)

    async def _ask_show(self, key: str, user_id: str) -> Show | None:
        del user_id
        meta = await self.metadata(key)
        return None if meta is None else read_show(meta)

    async def accounts(self) -> dict[str, str]:
        """Return the names of the server's users by the id that its history uses; empty when we may not know."""
        container = await self.read("/accounts")
        return {entry.text("id"): entry.text("name") for entry in container.nodes("Account")}

    async def missed(self, since: datetime, ours: Callable[[User], bool]) -> list[PlayerEvent]:
        """Return what the server's history noted after `since`, oldest first, each item looked up once.

        It has the plays of everybody; nothing is asked about those of who is none of ours.
        """
        entries = await self.history(since)
        if not entries:
            return []
        names = await self.accounts()
        users = {entry.account: User(id=entry.account, name=names.get(entry.account, "")) for entry in entries}
        entries = [entry for entry in entries if ours(users[entry.account])]
        self._machine = self._machine or await self.machine()
        looked_up: dict[str, Fields | None] = {}
        events = []
        for entry in entries:
            key = entry.meta.text("ratingKey")
            if key not in looked_up:
                looked_up[key] = await self.metadata(key) if is_key(key) else None
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
                    user=users[entry.account],
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
            container = await self.read(
                "/status/sessions/history/all",
                {"sort": "viewedAt:desc", "viewedAt>": str(start)},
                {"X-Plex-Container-Start": str(page * _PAGE), "X-Plex-Container-Size": str(_PAGE)},
            )
            lines = list(container.nodes("Metadata"))
            entries += [entry for line in lines if (entry := read_entry(line)) and entry.at.timestamp() >= start]
            # A server that ignores the page size answers with everything, and with the same again on the next page.
            if len(lines) != _PAGE:
                break
        return sorted(entries, key=lambda entry: entry.at)


def read_entry(line: Fields) -> Entry | None:
    """Read one line of the history; None without a time or without a user."""
    viewed, account = line.positive("viewedAt"), line.text("accountID")
    if viewed is None or viewed >= 2**33 or not account:
        return None
    return Entry(meta=line, account=account, device=line.text("deviceID"), at=datetime.fromtimestamp(viewed, UTC))
