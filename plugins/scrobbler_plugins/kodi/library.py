"""What Kodi's library is asked about an item: its ids and those of its series, its file, its neighbours (players.md 4.3)."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from scrobbler.api import Context, Episode, Facts, File, Movie, Show
from scrobbler_plugins.kodi.connection import FailedError, Kodi
from scrobbler_plugins.kodi.fields import node, nodes, seconds_ms, text, whole
from scrobbler_plugins.kodi.items import episode, movie, show
from scrobbler_plugins.kodi.media import Media, loose, place, skip_of
from scrobbler_plugins.kodi.tracker import Named, Ref

T = TypeVar("T")

KEPT = 256
SERIES_LIFE_MS = 6 * 3600 * 1000
SEASON_LIFE_MS = 10 * 60 * 1000
MOVIE = ("title", "year", "premiered", "uniqueid", "imdbnumber", "file", "runtime")
EPISODE = ("title", "season", "episode", "firstaired", "showtitle", "tvshowid", "uniqueid", "file", "runtime")
SERIES = ("title", "year", "premiered", "uniqueid", "imdbnumber")
_PLAYING = (
    *("title", "showtitle", "season", "episode", "tvshowid", "uniqueid", "imdbnumber", "year", "premiered"),
    *("firstaired", "file", "mediapath"),
)


class Library:
    """The library of one Kodi, and what was learnt of it. It asks over whatever connection it is given."""

    def __init__(self, context: Context) -> None:
        self._series: _Kept[Show] = _Kept(context, SERIES_LIFE_MS)
        self._seasons: _Kept[list[Any]] = _Kept(context, SEASON_LIFE_MS)
        self._facts: _Kept[Facts] = _Kept(context, SERIES_LIFE_MS)

    def forget(self) -> None:
        """Forget all of it: the next library may give the same numbers to other items."""
        for kept in (self._series, self._seasons, self._facts):
            kept.clear()

    def facts(self, item_key: str) -> Facts | None:
        """Return what is known of an item without asking."""
        return self._facts.get(item_key)

    async def name(self, kodi: Kodi, ref: Ref, player_id: int) -> Named:
        """Find out what an item is. Raises GoneError."""
        skip = skip_of(ref.kind)
        if skip is not None:
            return Named(Media(f"{ref.kind}/{ref.number or ref.title}", File(path=ref.title), skip))
        try:
            named = await self._library(kodi, ref) if ref.library else None
            if named is None:
                answer = node(await kodi.ask("Player.GetItem", {"playerid": player_id, "properties": _PLAYING}), "item")
                found = Ref(text(answer, "type"), whole(answer, "id") or None, text(answer, "title"))
                named = await self._library(kodi, found) if found.library and not ref.library else None
                named = named or Named(loose(answer, ref.title))
        except FailedError:
            named = Named(Media(f"title:{ref.title}", File(path=ref.title)))
        return named

    async def find(self, kodi: Kodi, item_key: str) -> Media | None:
        """Find an item by the key that events carry. Raises GoneError and FailedError."""
        kind, _, number = item_key.partition("/")
        named = await self._library(kodi, Ref(kind, int(number), "")) if number.isdecimal() else None
        return None if named is None else named.media

    async def of_row(self, kodi: Kodi, kind: str, row: Mapping[str, Any]) -> Named | None:
        """Make an item of a row of the library. Raises GoneError and FailedError."""
        number = whole(row, f"{kind}id")
        if number is None:
            return None
        also: list[Ref] = []
        item: Movie | Episode
        if kind == "movie":
            item, key = movie(row), f"movie/{number}"
        else:
            others = await self._same_file(kodi, row)
            found = episode(row, await self._show(kodi, row), others)
            if found is None:
                return None
            numbers = [its for other in others if (its := whole(other, "episodeid")) is not None]
            also = [Ref("episode", its, "") for its in numbers]
            item, key = found, f"episode/{min([number, *numbers])}"
        path = place(text(row, "file"))
        facts = Facts(item=item, path=path or None)
        self._facts.put(key, facts)
        return Named(Media(key, item, None, path, seconds_ms(row, "runtime") or None), tuple(also))

    async def _library(self, kodi: Kodi, ref: Ref) -> Named | None:
        if not ref.library:
            return None
        method, wanted = ("GetMovieDetails", MOVIE) if ref.kind == "movie" else ("GetEpisodeDetails", EPISODE)
        answer = await kodi.ask(f"VideoLibrary.{method}", {f"{ref.kind}id": ref.number, "properties": wanted})
        return await self.of_row(kodi, ref.kind, node(answer, f"{ref.kind}details"))

    async def _show(self, kodi: Kodi, row: Any) -> Show | None:
        number = whole(row, "tvshowid")
        if not number:
            return None
        known = self._series.get(str(number))
        if known is None:
            try:
                answer = await kodi.ask("VideoLibrary.GetTVShowDetails", {"tvshowid": number, "properties": SERIES})
            except FailedError:
                return None
            known = self._series.put(str(number), show(node(answer, "tvshowdetails")))
        return known

    async def _same_file(self, kodi: Kodi, row: Any) -> list[Any]:
        """Return the episodes that lie in the same file as this one."""
        series, season, path = whole(row, "tvshowid"), whole(row, "season"), text(row, "file")
        if not series or season is None or not path:
            return []
        key = f"{series}/{season}"
        rows = self._seasons.get(key)
        if rows is None or not any(whole(one, "episodeid") == whole(row, "episodeid") for one in rows):
            wanted = {"tvshowid": series, "season": season, "properties": EPISODE}
            try:
                rows = list(nodes(await kodi.ask("VideoLibrary.GetEpisodes", wanted), "episodes"))
            except FailedError:
                return []
            self._seasons.put(key, rows)
        return [one for one in rows if text(one, "file") == path]


class _Kept(Generic[T]):
    """A few values that are good for a while."""

    def __init__(self, context: Context, life_ms: int) -> None:
        self._clock = context.clock
        self._life_ms = life_ms
        self._values: OrderedDict[str, tuple[int, T]] = OrderedDict()

    def get(self, key: str) -> T | None:
        until_ms, value = self._values.get(key, (0, None))
        return value if self._clock.now().mono_ms < until_ms else None

    def clear(self) -> None:
        self._values.clear()

    def put(self, key: str, value: T) -> T:
        self._values.pop(key, None)
        self._values[key] = (self._clock.now().mono_ms + self._life_ms, value)
        while len(self._values) > KEPT:
            self._values.popitem(last=False)
        return value
