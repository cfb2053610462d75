"""What people watch: films, episodes, and files of which only the name is known."""

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct


class Ids(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Ids of one title in the catalogues that Simkl understands (simkl-api.md 3.1).

    Values are strings, as the catalogues print them; `imdb` begins with `tt`. `simkl` is a number.
    """

    simkl: int | None = None
    imdb: str | None = None
    tmdb: str | None = None
    tvdb: str | None = None
    anidb: str | None = None
    mal: str | None = None
    anilist: str | None = None
    kitsu: str | None = None

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield `(scheme, value)` for every id that is known, the strongest first."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value not in (None, ""):
                yield name, str(value)

    def __bool__(self) -> bool:
        return any(True for _ in self.pairs())

    def merged(self, other: "Ids") -> "Ids":
        """Return these ids, with the gaps filled from `other`."""
        values = {name: getattr(self, name) or getattr(other, name) for name in self.__struct_fields__}
        return Ids(**values)


class Movie(Struct, frozen=True, omit_defaults=True, kw_only=True, tag="movie"):
    """One film."""

    title: str = ""
    year: int | None = None
    ids: Ids = Ids()


class Show(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A series. `ids` are ids of the series, never of an episode; `year` is the year it began."""

    title: str = ""
    year: int | None = None
    ids: Ids = Ids()


class Episode(Struct, frozen=True, omit_defaults=True, kw_only=True, tag="episode"):
    """One episode, or a run of them in one file.

    Season 0 and episode 0 are numbers. `season` None with a `number` is an absolute number (anime).
    `last_number` is the last episode of a file that holds several. `ids` are ids of the episode itself: Simkl knows
    `tvdb` and `anidb` of these and no others (simkl-api.md 3.2); the rest serves to recognise the same play elsewhere.
    `native` marks numbering of an anime catalogue (AniDB, MAL: each season its own title).
    """

    show: Show = Show()
    season: int | None = None
    number: int | None = None
    last_number: int | None = None
    title: str = ""
    ids: Ids = Ids()
    aired: str | None = None
    native: bool = False


class File(Struct, frozen=True, omit_defaults=True, kw_only=True, tag="file"):
    """A file of which the player knows the name alone. `path` is absolute where the player tells; `title` its tag."""

    path: str
    title: str = ""


Work: TypeAlias = Movie | Episode
Item: TypeAlias = Movie | Episode | File


def describe(item: Item) -> str:
    """Name an item in one short line, as logs and pages show it."""
    match item:
        case Movie(title=title, year=year):
            return f"{title or 'a film without a title'} ({year})" if year else title or "a film without a title"
        case Episode(show=show, season=season, number=number, last_number=last):
            season_text = "" if season is None else f"S{season:02}"
            number_text = "E??" if number is None else f"E{number:02}"
            last_text = f"-E{last:02}" if last is not None and last != number else ""
            return f"{show.title or 'a show without a title'} {season_text}{number_text}{last_text}"
        case File(path=path, title=title):
            return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or title
