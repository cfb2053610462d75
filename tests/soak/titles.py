"""What the household watches: titles of the sandbox, and films made up for the purpose."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Literal

from msgspec import Struct

from scrobbler.sandbox.catalogue import Title
from scrobbler.sandbox.orders import AddTitle
from scrobbler.sandbox.titles import titles

FILMS = 400
_UNCLEAR = ("The Office", "Doctor Who", "Dune", "Ocean's Eleven", "A Film Still to Come", "A Series Still to Come")
"""Names that two titles share, or that have not been aired."""


class Watchable(Struct, frozen=True, kw_only=True):
    """One film or episode. `title`, `season` and `number` are what the sandbox's history says of it."""

    kind: Literal["movie", "tv", "anime"]
    title: str
    year: int | None
    length_ms: int
    ids: Mapping[str, str]
    show: str = ""
    season: int | None = None
    number: int | None = None
    said_season: int | None = None
    said_number: int | None = None
    episode_tvdb: str = ""

    @property
    def key(self) -> tuple[str, int | None, int | None]:
        """Name it as the sandbox's history does."""
        return (self.title, self.season, self.number)

    @property
    def code(self) -> str:
        """Name it as a server's database does: a number that stays the same."""
        text = f"{self.title}/{self.season}/{self.number}"
        return str(10_000 + sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 90_000_019)


def invented_films() -> Iterator[AddTitle]:
    """Yield films that the sandbox has to learn: a month takes more than it knows."""
    for number in range(1, FILMS + 1):
        yield AddTitle(
            kind="movie",
            title=f"Long Night {number}",
            year=1950 + number % 70,
            ids={"imdb": f"tt99{number:05}", "tmdb": str(8_800_000 + number)},
            runtime=70 + number * 7 % 80,
        )


class Shelf:
    """Gives titles nobody of the household has seen yet."""

    def __init__(self, random: Random) -> None:
        self._random = random
        known = [title for title in titles() if title.title not in _UNCLEAR]
        self._films = [_film(title) for title in known if title.kind == "movie" and (title.runtime or 90) >= 60]
        self._films += [
            Watchable(kind="movie", title=one.title, year=one.year, length_ms=(one.runtime or 90) * 60_000, ids=one.ids)
            for one in invented_films()
        ]
        self._shorts = [_film(title) for title in known if title.kind == "movie" and (title.runtime or 90) < 60]
        random.shuffle(self._films)
        self._runs: dict[str, list[list[Watchable]]] = {"tv": [], "anime": []}
        # Cours are seasons of one show at TVDB, which is how players name them: after the first.
        shows: dict[str, str] = {}
        for title in known:
            if title.kind != "movie" and title.episodes:
                show = shows.setdefault(title.ids["tvdb"], title.title)
                self._runs[title.kind].append(_episodes(title, show))

    def film(self) -> Watchable:
        """Take a film of an hour or more."""
        return self._films.pop()

    def short(self) -> Watchable | None:
        """Take a film of less than an hour."""
        return self._shorts.pop() if self._shorts else None

    def episodes(self, kind: Literal["tv", "anime"], count: int) -> list[Watchable]:
        """Take so many episodes of one series that follow each other."""
        runs = [run for run in self._runs[kind] if len(run) >= count]
        run = self._random.choice(runs)
        taken, run[:] = run[:count], run[count:]
        return taken


def _film(title: Title) -> Watchable:
    return Watchable(
        kind="movie", title=title.title, year=title.year, length_ms=(title.runtime or 93) * 60_000, ids=title.ids
    )


def _episodes(title: Title, show: str) -> list[Watchable]:
    length_ms = (title.runtime or {"tv": 44, "anime": 24}.get(title.kind, 44)) * 60_000
    return [
        Watchable(
            kind="tv" if title.kind == "tv" else "anime",
            title=title.title,
            year=title.year,
            length_ms=length_ms,
            ids=title.ids,
            show=show,
            season=one.season,
            number=one.number,
            said_season=one.season if one.tvdb_season is None else one.tvdb_season,
            said_number=one.number if one.tvdb_number is None else one.tvdb_number,
            episode_tvdb=one.ids.get("tvdb", ""),
        )
        for one in title.episodes.values()
        if one.aired and one.season > 0
    ]
