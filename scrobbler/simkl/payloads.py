"""From a film or an episode to the bodies that Simkl takes (simkl-api.md 3, 4.1, 6.1).

A show without an episode cannot be built: `EpisodeForm` is the only shape that holds a series, and it wants the episode.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scrobbler.api import Episode, Ids, Movie, Work, describe
from scrobbler.simkl.errors import Rejected

Json: TypeAlias = dict[str, Any]
_NATIVE = ("mal", "anidb", "anilist", "kitsu")
_GENERAL = ("imdb", "tmdb", "tvdb")
# Simkl has no episode ids but these two; `tvdb` is tried first (simkl-api.md 3.2).
_EPISODE = ("tvdb", "anidb")


class Watch(Struct, frozen=True, kw_only=True):
    """One work, watched at a moment (ms UTC)."""

    work: Work
    at_utc_ms: int


class EpisodeRef(Struct, frozen=True, kw_only=True):
    """How an episode is named: by `season` and `number`, by ids of its own, or by both (then the ids win)."""

    season: int | None
    number: int | None
    ids: tuple[tuple[str, str], ...] = ()

    def scrobble(self) -> Json:
        """Write it as the `episode` of a scrobble."""
        body: Json = {}
        if self.season is not None:
            body["season"] = self.season
        if self.number is not None:
            body["number"] = self.number
        if self.ids:
            body["ids"] = dict(self.ids)
        return body

    def unseasoned(self) -> Json:
        """Write it as an entry of `episodes`, where the season is said outside."""
        return {name: value for name, value in self.scrobble().items() if name != "season"}


class TitleForm(Struct, frozen=True, kw_only=True):
    """A film or a series as Simkl names it: all ids are of the title, never of an episode."""

    title: str
    year: int | None
    ids: tuple[tuple[str, str], ...]

    def body(self) -> Json:
        """Write it as the object that carries the ids."""
        body: Json = {}
        if self.title:
            body["title"] = self.title
        if self.year is not None:
            body["year"] = self.year
        body["ids"] = {name: int(value) if name == "simkl" else value for name, value in self.ids}
        return body


class MovieForm(Struct, frozen=True, kw_only=True):
    """A film as Simkl wants it."""

    movie: TitleForm

    def scrobble(self, progress: float) -> Json:
        """Build the body of `/scrobble/*`."""
        return {"progress": percent(progress), "movie": self.movie.body()}


class EpisodeForm(Struct, frozen=True, kw_only=True):
    """An episode with its series as Simkl wants them; `under` is the key, a mere label (simkl-api.md 3.3)."""

    under: Literal["show", "anime"]
    show: TitleForm
    episode: EpisodeRef

    def scrobble(self, progress: float) -> Json:
        """Build the body of `/scrobble/*`."""
        return {"progress": percent(progress), self.under: self.show.body(), "episode": self.episode.scrobble()}


Form: TypeAlias = MovieForm | EpisodeForm


def percent(progress: float) -> float:
    """Bring a progress to 0 to 100 with two decimals, rounded down: 79.999 must not become a watch. Raises ValueError."""
    if not math.isfinite(progress):
        raise ValueError(f"progress must be a number from 0 to 100, not {progress}")
    cut = Decimal(repr(min(max(float(progress), 0.0), 100.0))).quantize(Decimal("0.01"), ROUND_DOWN)
    return int(cut) if cut == cut.to_integral_value() else float(cut)


def forms(work: Work) -> tuple[Form, ...]:
    """Return the ways to name this work, the best first; the next one is for when Simkl answers that it knows no such.

    Raises Rejected where there is none.
    """
    if isinstance(work, Movie):
        title = _title(work.title, work.year, _pick(work.ids, ("simkl", *_GENERAL, *_NATIVE)))
        if not title.ids and not title.title:
            raise Rejected("neither a title nor an id of this film is known")
        return (MovieForm(movie=title),)
    found = tuple(_native(work)) if _counts_natively(work) else tuple(_general(work))
    if not found:
        raise Rejected(f"too little is known to name this episode to Simkl: {describe(work)}")
    return found


def _counts_natively(work: Episode) -> bool:
    """Whether the number is that of an anime catalogue, where each cour is a title of its own."""
    if work.native:
        return True
    ids = work.show.ids
    only_native = bool(_pick(ids, _NATIVE)) and not _pick(ids, _GENERAL)
    # Season 1 of a cour is the cour. A higher season is somebody else's numbering and must not meet a cour's id.
    return only_native and work.season in {None, 0, 1}


def _native(work: Episode) -> list[Form]:
    show = work.show
    ids = _pick(show.ids, ("simkl", *_NATIVE)) if _pick(show.ids, _NATIVE) or show.ids.simkl else ()
    title = _title(show.title, show.year, ids)
    own = _pick(work.ids, ("anidb",))
    # A special's number alone would name an ordinary episode.
    season = 0 if work.season == 0 else None
    found: list[Form] = []
    if work.number is not None and ids:
        found.append(_anime(title, season, work.number))
    if own:
        found.append(_anime(title, season, work.number, own))
    if work.number is not None and not ids and show.title:
        found.append(_anime(title, season, work.number))
    return found


def _general(work: Episode) -> list[Form]:
    show = work.show
    ids = _pick(show.ids, ("simkl", *_GENERAL))
    if _pick(show.ids, _NATIVE):
        # It is anime: there the id of Simkl is a cour's too, and would win over the TVDB season.
        ids = _pick(show.ids, _GENERAL)
    title = _title(show.title, show.year, ids)
    own = _pick(work.ids, _EPISODE)
    if work.number is None:
        return [_show(title, None, None, own)] if own else []
    if work.season is None:
        absolute: list[Form] = [_anime(title, None, work.number)] if ids or show.title else []
        return ([_show(title, None, None, own)] if own else []) + absolute
    numbered: list[Form] = [_show(title, work.season, work.number)] if ids or show.title else []
    with_own: list[Form] = [_show(title, work.season, work.number, own)] if own else []
    # The ids of an episode win over its number and may be stale: they lead only where the series is known by name alone.
    return numbered + with_own if ids else with_own + numbered


def _show(
    title: TitleForm, season: int | None, number: int | None, own: tuple[tuple[str, str], ...] = ()
) -> EpisodeForm:
    return EpisodeForm(under="show", show=title, episode=EpisodeRef(season=season, number=number, ids=own))


def _anime(
    title: TitleForm, season: int | None, number: int | None, own: tuple[tuple[str, str], ...] = ()
) -> EpisodeForm:
    return EpisodeForm(under="anime", show=title, episode=EpisodeRef(season=season, number=number, ids=own))


def _title(title: str, year: int | None, ids: tuple[tuple[str, str], ...]) -> TitleForm:
    return TitleForm(title=title.strip(), year=year, ids=ids)


def _pick(ids: Ids, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Take these ids, without what only looks like one."""
    found = []
    for name, value in ids.pairs():
        plain = value.strip()
        good = plain.startswith("tt") and plain[2:].isdecimal() if name == "imdb" else plain not in {"", "0", "-1"}
        if name in names and good:
            found.append((name, plain))
    return tuple(found)
