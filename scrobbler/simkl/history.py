"""The body of a history write, and which of its items Simkl did not find (simkl-api.md 6.1).

A show without episodes, or a season without, would mark everything that aired. Both are made here from their episodes alone,
and there is no other way to make one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from scrobbler.clock import iso
from scrobbler.simkl.payloads import EpisodeForm, EpisodeRef, Form, Json, MovieForm, TitleForm

BATCH = 50


class Entry(Struct, frozen=True, kw_only=True):
    """One watch in the batch: its place in the caller's list, how it is named, and when it was (ms UTC)."""

    index: int
    form: Form
    at_utc_ms: int


class _Group(Struct, frozen=True):
    """Episodes that share one object in the body. `flat`: without seasons, as anime numbers its cours."""

    under: Literal["show", "anime"]
    show: TitleForm
    flat: bool


def body(entries: Sequence[Entry]) -> Json:
    """Build the body: films as they come, episodes grouped by series and season, each in the order given."""
    movies: list[Json] = []
    groups: dict[_Group, list[tuple[EpisodeRef, Json]]] = {}
    for entry in entries:
        moment = {"watched_at": iso(entry.at_utc_ms)}
        match entry.form:
            case MovieForm(movie=title):
                movies.append({**title.body(), **moment})
            case EpisodeForm(under=under, show=show, episode=ref):
                group = _Group(under, show, ref.season is None)
                groups.setdefault(group, []).append((ref, {**ref.unseasoned(), **moment}))
    result: Json = {"movies": movies, "shows": [], "anime": []}
    for group, episodes in groups.items():
        result["shows" if group.under == "show" else "anime"].append(_show(group, episodes))
    return {key: items for key, items in result.items() if items}


def _show(group: _Group, episodes: Sequence[tuple[EpisodeRef, Json]]) -> Json:
    show = group.show.body()
    if group.under == "show":
        # The coordinates are TVDB's; harmless where it is no anime (simkl-api.md 3.3).
        show["use_tvdb_anime_seasons"] = True
    if group.flat:
        return {**show, "episodes": [written for _, written in episodes]}
    seasons: dict[int | None, list[Json]] = {}
    for ref, written in episodes:
        seasons.setdefault(ref.season, []).append(written)
    return {**show, "seasons": [{"number": number, "episodes": listed} for number, listed in seasons.items()]}


def not_found(data: Mapping[str, Any], entries: Sequence[Entry]) -> frozenset[int]:
    """Read which entries Simkl did not find, by their `index`.

    It echoes them, anime among `shows`. An echo that fits none of ours condemns all of its kind: a watch that waits for a
    decision can be put right, one that is taken for done is lost.
    """
    missing = data.get("not_found")
    if not isinstance(missing, Mapping):
        return frozenset()
    films = [entry for entry in entries if isinstance(entry.form, MovieForm)]
    episodes = [entry for entry in entries if isinstance(entry.form, EpisodeForm)]
    lost: set[int] = set()
    for echo in _objects(missing, "movies"):
        fitting = [entry.index for entry in films if _fits(echo, _title(entry))]
        lost.update(fitting or [entry.index for entry in films])
    for key in ("shows", "anime"):
        for echo in _objects(missing, key):
            lost.update(_lost_episodes(echo, episodes))
    for echo in _objects(missing, "episodes"):
        if _objects(echo, "seasons") or _objects(echo, "episodes"):
            lost.update(_lost_episodes(echo, episodes))
            continue
        named = echo.get("show", echo.get("anime", echo))
        series = [entry for entry in episodes if isinstance(named, Mapping) and _fits(named, _title(entry))]
        season = _number(echo.get("season"))
        number = _number(echo.get("number", echo.get("episode")))
        lost.update(_at(series or episodes, season, number, echo))
    return frozenset(lost)


def _lost_episodes(echo: Mapping[str, Any], episodes: Sequence[Entry]) -> list[int]:
    series = [entry for entry in episodes if _fits(echo, _title(entry))] or list(episodes)
    named: list[tuple[int | None, Mapping[str, Any]]] = []
    for season in _objects(echo, "seasons"):
        named += [(_number(season.get("number")), each) for each in _objects(season, "episodes")]
    # We never send both; where both come back, the seasons are what the server picked out.
    named = named or [(None, each) for each in _objects(echo, "episodes")]
    if not named:
        return [entry.index for entry in series]
    return [index for season, each in named for index in _at(series, season, _number(each.get("number")), each)]


def _at(series: Sequence[Entry], season: int | None, number: int | None, echo: Mapping[str, Any]) -> list[int]:
    """Pick the episodes of these with this season and number, as far as the echo tells them, or with this id."""
    exact: list[int] = []
    for entry in series:
        assert isinstance(entry.form, EpisodeForm)
        ref = entry.form.episode
        same_number = number is not None and ref.number == number
        same_season = season is None or ref.season is None or ref.season == season
        if (same_number and same_season) or (number is None and _shares_id(echo, ref.ids)):
            exact.append(entry.index)
    return exact or [entry.index for entry in series]


def _title(entry: Entry) -> TitleForm:
    return entry.form.movie if isinstance(entry.form, MovieForm) else entry.form.show


def _fits(echo: Mapping[str, Any], title: TitleForm) -> bool:
    if _shares_id(echo, title.ids):
        return True
    name = echo.get("title")
    by_name = isinstance(name, str) and bool(name) and name.casefold() == title.title.casefold()
    return by_name and echo.get("year") in {None, title.year}


def _shares_id(echo: Mapping[str, Any], ids: Sequence[tuple[str, str]]) -> bool:
    theirs = echo.get("ids")
    return isinstance(theirs, Mapping) and any(str(theirs.get(name)) == value for name, value in ids)


def _objects(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = holder.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
