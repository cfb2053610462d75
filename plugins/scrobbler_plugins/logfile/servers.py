"""Asks the server that writes a log what its lines leave out: series, numbers, ids (players.md 1.8, 2.6, 8.2)."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from scrobbler.api import CheckResult, Context, Episode, Facts, Ids, Movie, PlayerEvent, Show, Skip, User
from scrobbler_plugins.logfile.options import Options
from scrobbler_plugins.logfile.parse import KEPT

TIMEOUT_S = 5.0
_LATEST = 30
_PLEX_SKIPS: dict[str, Skip] = {"track": "music", "album": "music", "photo": "photo", "clip": "extra"}
_SCHEMES = {
    "imdb": "imdb",
    "tmdb": "tmdb",
    "themoviedb": "tmdb",
    "tvdb": "tvdb",
    "thetvdb": "tvdb",
    "anidb": "anidb",
    "anilist": "anilist",
    "myanimelist": "mal",
    "mal": "mal",
    "kitsu": "kitsu",
}


class Found(NamedTuple):
    """What a server says about an item: the facts, who played it if that is certain, and why it is no play of ours."""

    facts: Facts | None
    user: User | None = None
    skip: Skip | None = None


class Server:
    """A server that answers. The token goes into a header, never into an address."""

    def __init__(self, url: str, token: str, context: Context) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._context = context
        self._known: dict[str, Found] = {}

    async def complete(self, event: PlayerEvent) -> PlayerEvent:
        """Fill in what the server knows; an event that it cannot be asked about stays as it is."""
        name = self._name(event)
        found = self._known.get(name)
        if found is None:
            try:
                found = await self.find(event)
            except Exception as error:  # noqa: BLE001 (whatever fails here, the play is not lost: it is asked again later)
                self._context.log.debug("the log's server does not answer", why=type(error).__name__)
                return event
            if found is None:
                return event
            self._known[name] = found
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        facts = found.facts
        return replace(
            event,
            item=(facts.item if facts and facts.item else None) or event.item,
            duration_ms=(facts.duration_ms if facts else None) or event.duration_ms,
            library=(facts.library if facts else None) or event.library,
            user=event.user or found.user,
            skip=event.skip or found.skip,
        )

    async def lookup(self, event: PlayerEvent) -> Facts | None:
        """Complete an event for the resolver. May raise HttpError."""
        found = self._known.get(self._name(event)) or await self.find(event)
        return None if found is None else found.facts

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask for the item of an event. None: not known, ask again. May raise HttpError."""
        raise NotImplementedError

    async def check(self) -> CheckResult:
        """Try address and token."""
        path = self.probe
        try:
            answer = await self.get(path)
        except Exception as error:  # noqa: BLE001
            return CheckResult(
                good=False, what=f"{self._url}: cannot be reached ({type(error).__name__})", advice="check `url`"
            )
        if answer is None:
            return CheckResult(good=False, what=f"{self._url}: refuses the token", advice="check `token`")
        return CheckResult(good=True, what=f"{self._url}: answers")

    probe = "/"

    def headers(self) -> Mapping[str, str]:
        """Return what proves who we are."""
        return {}

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Ask for a document; None where the server refuses or does not know it. Raises HttpError."""
        response = await self._context.http().get(
            f"{self._url}{path}",
            params=dict(params or {}),
            headers={"Accept": "application/json", **self.headers()},
            timeout=TIMEOUT_S,
        )
        if response.status_code >= 500:
            response.raise_for_status()
        if response.status_code != 200:
            return None
        try:
            return msgspec.json.decode(response.content)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    def _name(self, event: PlayerEvent) -> str:
        user = event.user.name or event.user.id if event.user else ""
        return f"{user}|{event.item_key}"


class Plex(Server):
    """A Plex Media Server: the log names rating keys."""

    probe = "/library/sections"

    def headers(self) -> Mapping[str, str]:
        """Return what proves who we are."""
        return {"X-Plex-Token": self._token}

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask by the rating key."""
        if not (event.item_key.isascii() and event.item_key.isdecimal()):
            return None
        meta = await self._metadata(event.item_key)
        if meta is None:
            return None
        kind = text(meta, "type")
        if kind not in ("movie", "episode"):
            return Found(None, skip=_PLEX_SKIPS.get(kind, "unknown_type"))
        item: Movie | Episode
        if kind == "movie":
            item = Movie(title=text(meta, "title"), year=whole(meta, "year"), ids=_guids(meta))
        else:
            item = Episode(
                show=await self._show(meta),
                season=whole(meta, "parentIndex"),
                number=whole(meta, "index"),
                title=text(meta, "title"),
                ids=_guids(meta),
                aired=text(meta, "originallyAvailableAt") or None,
            )
        paths = [text(part, "file") for media in nodes(meta, "Media") for part in nodes(media, "Part")]
        return Found(
            Facts(
                item=item,
                duration_ms=whole(meta, "duration") or None,
                path=next(filter(None, paths), None),
                library=text(meta, "librarySectionTitle") or None,
            )
        )

    async def _metadata(self, key: str) -> Any:
        answer = await self.get(f"/library/metadata/{key}", {"includeGuids": "1"})
        container = answer.get("MediaContainer") if isinstance(answer, dict) else None
        return next(nodes(container, "Metadata"), None)

    async def _show(self, meta: Any) -> Show:
        show = Show(title=text(meta, "grandparentTitle"))
        key = text(meta, "grandparentRatingKey")
        found = await self._metadata(key) if key.isascii() and key.isdecimal() else None
        return show if found is None else replace(show, year=whole(found, "year"), ids=_guids(found))


class Jellyfin(Server):
    """A Jellyfin or Emby server: the log names titles alone, so what its users played last is looked through."""

    probe = "/Users"

    def headers(self) -> Mapping[str, str]:
        """Return what proves who we are: in the form of Jellyfin since 12.0, and in Emby's."""
        return {"Authorization": f'MediaBrowser Token="{self._token}"', "X-Emby-Token": self._token}

    async def find(self, event: PlayerEvent) -> Found | None:
        """Ask who has last played something of this name."""
        users = [one for one in items(await self.get("/Users")) if text(one, "Id")]
        if event.user is not None:
            wanted = event.user.name.casefold()
            users = [one for one in users if text(one, "Name").casefold() == wanted]
        best: tuple[str, Any, Any] | None = None
        for user in users:
            for item in await self._latest(text(user, "Id")):
                played = text(item.get("UserData"), "LastPlayedDate")
                if _same(item, event) and (best is None or played > best[0]):
                    best = (played, user, item)
        if best is None:
            return None
        _, user, item = best
        series = text(item, "SeriesId")
        show = await self.get(f"/Users/{text(user, 'Id')}/Items/{series}") if series.isalnum() else None
        named = User(id=text(user, "Id"), name=text(user, "Name"))
        ticks = whole(item, "RunTimeTicks")
        facts = Facts(
            item=_jellyfin_item(item, show),
            duration_ms=ticks // 10_000 if ticks else None,
            path=text(item, "Path") or None,
        )
        return Found(facts, user=named)

    async def _latest(self, user_id: str) -> list[Any]:
        params = {
            "sortBy": "DatePlayed",
            "sortOrder": "Descending",
            "recursive": "true",
            "includeItemTypes": "Movie,Episode",
            "enableUserData": "true",
            "fields": "ProviderIds,Path",
            "limit": str(_LATEST),
        }
        answer = await self.get(f"/Users/{user_id}/Items", params) if user_id.isalnum() else None
        if answer is None and user_id.isalnum():  # the address of servers that have dropped the other
            answer = await self.get("/Items", {**params, "userId": user_id})
        return list(nodes(answer, "Items"))


def server_of(options: Options, context: Context) -> Server | None:
    """Return the server that `url` names; None without one."""
    if options.url is UNSET or options.token is UNSET:
        return None
    kind = Plex if options.format == "plex" else Jellyfin
    return kind(str(options.url), str(options.token), context)


def text(values: Any, key: str) -> str:
    """Return a string, or a number written as one; "" where there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(values: Any, key: str) -> int | None:
    """Return a whole number that is not negative."""
    found = text(values, key)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 16 else None


def nodes(values: Any, key: str) -> Iterator[Any]:
    """Yield the objects of a list."""
    return (one for one in items(values.get(key) if isinstance(values, dict) else None) if isinstance(one, dict))


def items(value: Any) -> list[Any]:
    """Return a list; empty for anything else."""
    return value if isinstance(value, list) else []


def _guids(meta: Any) -> Ids:
    found: dict[str, str] = {}
    for entry in nodes(meta, "Guid"):
        scheme, _, value = text(entry, "id").partition("://")
        if scheme in ("imdb", "tmdb", "tvdb") and value:
            found.setdefault(scheme, value)
    return Ids(**found)  # type: ignore[arg-type]


def _provider_ids(item: Any) -> Ids:
    given = item.get("ProviderIds") if isinstance(item, dict) else None
    found: dict[str, str] = {}
    for name in given if isinstance(given, dict) else ():
        scheme = _SCHEMES.get(str(name).lower())
        if scheme and text(given, name):
            found[scheme] = text(given, name)
    return Ids(**found)  # type: ignore[arg-type]


def _jellyfin_item(item: Any, show: Any) -> Movie | Episode:
    if text(item, "Type") != "Episode":
        return Movie(title=text(item, "Name"), year=whole(item, "ProductionYear"), ids=_provider_ids(item))
    return Episode(
        show=Show(title=text(item, "SeriesName"), year=whole(show, "ProductionYear"), ids=_provider_ids(show)),
        season=whole(item, "ParentIndexNumber"),
        number=whole(item, "IndexNumber"),
        last_number=whole(item, "IndexNumberEnd"),
        title=text(item, "Name"),
        ids=_provider_ids(item),
        aired=text(item, "PremiereDate")[:10] or None,
    )


def _same(item: Any, event: PlayerEvent) -> bool:
    """Tell whether an item is the one of the log: by its name, or by series and numbers where the log has them."""
    known = event.item
    if isinstance(known, Episode):
        return (
            text(item, "SeriesName").casefold() == known.show.title.casefold()
            and whole(item, "IndexNumber") == known.number
            and (known.season is None or whole(item, "ParentIndexNumber") == known.season)
        )
    return text(item, "Name") == event.item_key
