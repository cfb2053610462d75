"""The catalogue: titles, episodes, and how a client's words are resolved to one of them (simkl-api.md 3, 12.16, 12.17)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

Kind: TypeAlias = Literal["movie", "tv", "anime"]
Status: TypeAlias = Literal["released", "ended", "airing", "unreleased"]
Container: TypeAlias = Literal["movie", "show", "anime"]

SHARED_SCHEMES = ("imdb", "tmdb", "tvdb")
"""Ids that several cours of one anime have in common."""
NATIVE_SCHEMES = (
    "mal",
    "anidb",
    "anilist",
    "kitsu",
    "anisearch",
    "animeplanet",
    "livechart",
    "letterboxd",
    "traktslug",
)
EPISODE_SCHEMES = ("tvdb", "anidb")
FALLBACK_RUNTIME: dict[Kind, int] = {"movie": 90, "tv": 45, "anime": 25}
"""Minutes, where the catalogue has none (simkl-api.md 0)."""


class EpisodeInfo(Struct, frozen=True, kw_only=True):
    """One episode. `season` and `number` are Simkl's; the `tvdb_*` numbers are where TVDB has it (anime)."""

    season: int
    number: int
    title: str
    ids: dict[str, str]
    aired: bool = True
    tvdb_season: int | None = None
    tvdb_number: int | None = None


class Title(Struct, frozen=True, kw_only=True):
    """One entry of the catalogue. `runtime` is minutes, None where the catalogue does not know."""

    simkl: int
    kind: Kind
    title: str
    year: int | None = None
    ids: dict[str, str] = {}
    runtime: int | None = None
    status: Status = "released"
    anime_type: str | None = None
    episodes: dict[tuple[int, int], EpisodeInfo] = {}

    @property
    def is_film(self) -> bool:
        """Whether it is watched as a whole: a film, or an anime without numbered episodes."""
        return not self.episodes

    @property
    def slug(self) -> str:
        """The words of the title's address."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.casefold()).strip("-")

    @property
    def runtime_ms(self) -> int:
        """The runtime in ms, with Simkl's fallback."""
        return (self.runtime or FALLBACK_RUNTIME[self.kind]) * 60_000


class Item(Struct, frozen=True):
    """What was resolved: a film, or an episode of a title."""

    title: Title
    episode: EpisodeInfo | None = None

    @property
    def key(self) -> tuple[int, int, int]:
        """Name the item uniquely."""
        if self.episode is None:
            return (self.title.simkl, -1, -1)
        return (self.title.simkl, self.episode.season, self.episode.number)

    @property
    def label(self) -> str:
        """Name the item as people do."""
        year = f" ({self.title.year})" if self.title.year else ""
        if self.episode is None:
            return f"{self.title.title}{year}"
        return f"{self.title.title}{year} S{self.episode.season:02}E{self.episode.number:02}"


class Wanted(Struct, frozen=True, kw_only=True):
    """What a client named. `season` None with a `number`: a number without a season."""

    container: Container
    title: str = ""
    year: int | None = None
    ids: Mapping[str, Any] = field(default_factory=dict)
    season: int | None = None
    number: int | None = None
    episode_ids: Mapping[str, Any] = field(default_factory=dict)
    has_episode: bool = False


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", text.casefold())


def _index_scheme(scheme: str, kind: Kind, anime_type: str | None) -> str:
    if scheme != "tmdb":
        return scheme
    is_film = kind == "movie" or (kind == "anime" and anime_type == "movie")
    return "tmdb-movie" if is_film else "tmdb-tv"


class Catalogue:
    """All titles, with the indexes by id and by name."""

    def __init__(self, titles: Iterable[Title] = ()) -> None:
        self._titles: dict[int, Title] = {}
        self._by_simkl: dict[str, Title] = {}
        self._by_id: dict[tuple[str, str], list[Title]] = {}
        self._by_name: dict[str, list[Title]] = {}
        self._by_episode: dict[tuple[str, str], Item] = {}
        for title in titles:
            self.add(title)

    def __iter__(self) -> Iterator[Title]:
        return iter(self._titles.values())

    def __len__(self) -> int:
        return len(self._titles)

    def get(self, simkl: int) -> Title | None:
        """Return the title of that Simkl id."""
        return self._titles.get(simkl)

    def add(self, title: Title) -> None:
        """Take a title in. Raises ValueError if its Simkl id is taken."""
        if title.simkl in self._titles:
            raise ValueError(f"simkl id {title.simkl} is taken by {self._titles[title.simkl].title!r}")
        self._titles[title.simkl] = title
        self._by_simkl[str(title.simkl)] = title
        for scheme, value in title.ids.items():
            self._by_id.setdefault((_index_scheme(scheme, title.kind, title.anime_type), value), []).append(title)
        self._by_name.setdefault(_plain(title.title), []).append(title)
        for episode in title.episodes.values():
            for scheme, value in episode.ids.items():
                self._by_episode[scheme, value] = Item(title, episode)

    def next_id(self) -> int:
        """Return a Simkl id that is free."""
        return max(self._titles, default=900_000) + 1

    def by_id(self, scheme: str, value: str, container: Container | None = None) -> list[Title]:
        """Return the titles with that id; `container` decides between the two number spaces of TMDB."""
        if scheme == "simkl":
            found = self._by_simkl.get(value)
            return [found] if found else []
        if scheme == "tmdb":
            scheme = "tmdb-movie" if container == "movie" else "tmdb-tv"
        return self._by_id.get((scheme, value), [])

    def named(self, title: str, year: int | None = None) -> list[Title]:
        """Return the titles of exactly that name, and of that year if one is given."""
        return [t for t in self._by_name.get(_plain(title), ()) if year in (None, t.year)]

    def by_episode_ids(self, ids: Mapping[str, Any]) -> Item | None:
        """Return the episode of one of these ids; TVDB is tried first."""
        pairs = ((scheme, str(ids[scheme])) for scheme in EPISODE_SCHEMES if ids.get(scheme))
        return next((self._by_episode[pair] for pair in pairs if pair in self._by_episode), None)

    def find(self, wanted: Wanted) -> Item | None:
        """Resolve what a client named: ids of the episode, then Simkl's id, other ids, title and year, title alone."""
        titles, native = self._titles_for(wanted)
        if not titles:
            return None
        if wanted.container == "movie" or not wanted.has_episode:
            return next((Item(title) for title in titles if title.is_film), None)
        episode_ids = [(s, str(wanted.episode_ids[s])) for s in EPISODE_SCHEMES if wanted.episode_ids.get(s)]
        if episode_ids:
            known = [self._by_episode[pair] for pair in episode_ids if pair in self._by_episode]
            return next((item for item in known if item.title in titles), None)
        if wanted.number is None:
            return None
        if native:
            return _by_own_numbers(titles[0], wanted.season, wanted.number)
        return _by_tvdb_numbers(titles, wanted.season, wanted.number)

    def title_of(self, wanted: Wanted) -> Title | None:
        """Resolve a title alone, whatever its episodes."""
        titles, _ = self._titles_for(wanted)
        return titles[0] if titles else None

    def cours_of(self, wanted: Wanted) -> list[Title]:
        """Return every title that shares the id which was named: the cours of one anime."""
        return self._titles_for(wanted)[0]

    def _titles_for(self, wanted: Wanted) -> tuple[list[Title], bool]:
        """Return the candidates, and whether the client numbers episodes as the title itself does."""
        for scheme in ("simkl", *SHARED_SCHEMES, *NATIVE_SCHEMES):
            value = wanted.ids.get(scheme)
            if value in (None, "") or isinstance(value, bool | list | dict):
                continue
            titles = [t for t in self.by_id(scheme, str(value), wanted.container) if _fits(t, wanted.container)]
            if titles:
                return titles, scheme not in SHARED_SCHEMES
        named = [t for t in self._by_name.get(_plain(wanted.title), ()) if _fits(t, wanted.container)]
        if not wanted.title or not named:
            return [], False
        chosen = next((t for t in named if t.year == wanted.year), named[0])
        if chosen.kind == "anime" and wanted.container == "show":
            return self._siblings(chosen), False
        return [chosen], wanted.container == "anime"

    def _siblings(self, title: Title) -> list[Title]:
        for scheme in ("tvdb", "tmdb"):
            if scheme in title.ids:
                return self.by_id(scheme, title.ids[scheme], "show") or [title]
        return [title]


def _fits(title: Title, container: Container) -> bool:
    """Say whether a container's key may hold the title: labels route by id, but a film is never a series."""
    if container == "movie":
        return title.is_film
    return title.kind != "movie"


def _by_own_numbers(title: Title, season: int | None, number: int) -> Item | None:
    if season is None and title.kind != "anime":
        return None
    episode = title.episodes.get((1 if season is None else season, number))
    return Item(title, episode) if episode else None


def _by_tvdb_numbers(titles: list[Title], season: int | None, number: int) -> Item | None:
    if titles[0].kind != "anime":
        return _by_own_numbers(titles[0], season, number)
    if season is None:
        return _by_absolute_number(titles, number)
    for title in titles:
        for episode in title.episodes.values():
            if (episode.tvdb_season, episode.tvdb_number) == (season, number):
                return Item(title, episode)
    return None


def _by_absolute_number(titles: list[Title], number: int) -> Item | None:
    for title in titles:
        regular = [episode for episode in title.episodes.values() if episode.season == 1]
        if number <= len(regular):
            return _by_own_numbers(title, 1, number)
        number -= len(regular)
    return None


def episodes_of_seasons(
    seasons: Mapping[int, int], first_tvdb: int, *, unaired: int = 0
) -> dict[tuple[int, int], EpisodeInfo]:
    """Make the episodes of a series from the count per season; the last `unaired` of the last season are to come.

    The TVDB ids of episodes are invented: they count up from `first_tvdb`.
    """
    pairs = [(season, number) for season, count in sorted(seasons.items()) for number in range(1, count + 1)]
    last = len(pairs) - unaired
    return {
        (season, number): EpisodeInfo(
            season=season,
            number=number,
            title=f"Special {number}" if season == 0 else f"Chapter {season}.{number}",
            ids={"tvdb": str(first_tvdb + place)},
            aired=place < last,
        )
        for place, (season, number) in enumerate(pairs)
    }


def episodes_of_cour(
    segments: Iterable[tuple[int, int, int]], first_tvdb: int, *, unaired: int = 0
) -> dict[tuple[int, int], EpisodeInfo]:
    """Make the episodes of one anime title, numbered from 1, from its places at TVDB: `(season, first number, count)`."""
    places = [(season, first + step) for season, first, count in segments for step in range(count)]
    last = len(places) - unaired
    return {
        (1, place + 1): EpisodeInfo(
            season=1,
            number=place + 1,
            title=f"Part {place + 1}",
            ids={"tvdb": str(first_tvdb + place), "anidb": str(first_tvdb + 500_000 + place)},
            aired=place < last,
            tvdb_season=season,
            tvdb_number=number,
        )
        for place, (season, number) in enumerate(places)
    }
