"""Writing and removing history (simkl-api.md 6.1, 6.2, 12.29, 12.30)."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from msgspec import Struct, field

from scrobbler.sandbox.catalogue import Container, Item, Title
from scrobbler.sandbox.clock import parse
from scrobbler.sandbox.library import ListName
from scrobbler.sandbox.people import User
from scrobbler.sandbox.reply import Ask, Reply, refuse
from scrobbler.sandbox.shapes import mapping, number_of, objects, read_episode, read_title
from scrobbler.sandbox.state import State

ARRAYS: tuple[tuple[str, Container], ...] = (("movies", "movie"), ("shows", "show"), ("anime", "anime"))


class Tally(Struct):
    """What an answer counts, and what was not found."""

    movies: int = 0
    shows: int = 0
    episodes: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)
    lost_movies: list[Any] = field(default_factory=list)
    lost_shows: list[Any] = field(default_factory=list)
    lost_episodes: list[Any] = field(default_factory=list)


class Part(Struct, frozen=True):
    """An item to mark, and the object that named it (for its own `watched_at`)."""

    item: Item
    words: Mapping[str, Any]


class History:
    """Answers `/sync/history` and `/sync/history/remove`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, ask: Ask) -> Reply:
        """Mark everything that the body names. Raises RefusedError (400) if the body is not of the right kind."""
        body = _body(ask)
        tally = Tally()
        for key, container in ARRAYS:
            for media in objects(body.get(key)):
                self._add_media(ask, container, media, tally)
        for words in objects(body.get("episodes")):
            item = self._state.catalogue.by_episode_ids(mapping(words.get("ids")))
            if item is None:
                tally.lost_episodes.append(words)
            else:
                self._mark(ask, [Part(item, words)], {}, tally)
        return Reply(
            status=201,
            body={
                "added": {
                    "movies": tally.movies,
                    "shows": tally.shows,
                    "episodes": tally.episodes,
                    "statuses": tally.statuses,
                },
                "not_found": {"movies": tally.lost_movies, "shows": tally.lost_shows, "episodes": tally.lost_episodes},
            },
        )

    def remove(self, ask: Ask) -> Reply:
        """Take watches, or whole titles, out. `anime[]` is passed over in silence."""
        body = _body(ask)
        tally = Tally()
        for key, container in ARRAYS[:2]:
            for media in objects(body.get(key)):
                self._remove_media(ask.user, container, media, tally)
        return Reply(
            status=201,
            body={
                "deleted": {"movies": tally.movies, "shows": tally.shows, "episodes": tally.episodes},
                "not_found": {"movies": tally.lost_movies, "shows": tally.lost_shows},
            },
        )

    def _add_media(self, ask: Ask, container: Container, media: dict[str, Any], tally: Tally) -> None:
        title = self._state.catalogue.title_of(read_title(container, media)) or self._invented(container, media)
        if title is None:
            (tally.lost_movies if container == "movie" else tally.lost_shows).append(media)
            return
        now = self._state.clock.now_ms()
        library = ask.user.library
        before = library.entries.get(title.simkl)
        old_status = before.status if before else None
        status = _status(media.get("status"))
        parts, lost = self._parts(container, title, media)
        tally.lost_episodes += lost
        if parts is None:
            tally.shows += not title.is_film
            wanted = status is None or status == "completed" or title.is_film
            parts = [Part(item, {}) for item in _aired(title)] if wanted else []
            if title.simkl not in library.entries:
                library.file(title, "watching" if status is None else status, now)
        self._mark(ask, parts, media, tally)
        filed = parts[0].item.title if parts else title
        if status is not None and status != "completed":
            library.file(filed, status, now)
        elif ask.flag("skip_auto_watching") and old_status is not None and library.natural_list(filed) == "watching":
            library.file(filed, old_status, now)
        self._rate(ask.user, filed, media, now)
        entry = library.entries.get(filed.simkl)
        tally.statuses.append(
            {
                "request": {**media, "type": container},
                "response": {
                    "status": entry.status if entry else None,
                    "simkl_type": filed.kind,
                    "anime_type": filed.anime_type,
                },
            }
        )

    def _mark(self, ask: Ask, parts: list[Part], media: Mapping[str, Any], tally: Tally) -> None:
        user, now = ask.user, self._state.clock.now_ms()
        for part in parts:
            watched_ms = _time(part.words, media, now)
            before = len(user.library.watches)
            wants_rewatch = (
                ask.flag("allow_rewatch") or part.words.get("is_rewatch") is True or media.get("is_rewatch") is True
            )
            if wants_rewatch and user.plan != "free":
                self._state.rewatch(user, part.item, watched_ms, now, "history")
            else:
                user.library.record(part.item, watched_ms=watched_ms, now_ms=now, source="history")
            added = len(user.library.watches) - before
            if part.item.episode is None:
                tally.movies += added
            else:
                tally.episodes += added

    def _rate(self, user: User, title: Title, media: Mapping[str, Any], now: int) -> None:
        rating, entry = number_of(media.get("rating")), user.library.entries.get(title.simkl)
        if rating is not None and 1 <= rating <= 10 and entry is not None:
            entry.rating, entry.rated_ms, entry.changed_ms = rating, now, now
            user.library.touch(title, "rated_at", now)

    def _remove_media(self, user: User, container: Container, media: dict[str, Any], tally: Tally) -> None:
        title = self._state.catalogue.title_of(read_title(container, media))
        if title is None:
            (tally.lost_movies if container == "movie" else tally.lost_shows).append(media)
            return
        now = self._state.clock.now_ms()
        parts, _ = self._parts(container, title, media)
        library = user.library
        if parts is None:
            gone = library.remove(title, now)
            tally.movies += gone and title.is_film
            tally.shows += gone and not title.is_film
            return
        keys = {part.item.key for part in parts}
        kept = [watch for watch in library.watches if watch.item.key not in keys]
        tally.episodes += len({watch.item.key for watch in library.watches}) - len({watch.item.key for watch in kept})
        touched = {watch.item.title.simkl: watch.item.title for watch in library.watches if watch.item.key in keys}
        library.watches = kept
        for one in touched.values():
            library.file(one, library.natural_list(one), now)

    def _invented(self, container: Container, media: Mapping[str, Any]) -> Title | None:
        """Make up a title that the catalogue lacks where the switch allows it: a film, or a series with its first episode."""
        wanted = read_title(container, media)
        if container != "movie":
            named = _named_episodes(objects(media.get("seasons")), objects(media.get("episodes")))
            season, words = next(named, (None, None))
            if words is None:
                return None
            wanted = read_episode(container, media, {"season": season, "number": words.get("number")})
        item = self._state.find(wanted)
        return item.title if item else None

    def _parts(
        self, container: Container, title: Title, media: Mapping[str, Any]
    ) -> tuple[list[Part] | None, list[dict[str, Any]]]:
        """Return the episodes that are named, and the words of those that do not exist; None: the title as a whole."""
        seasons, flat = objects(media.get("seasons")), objects(media.get("episodes"))
        if title.is_film or not (seasons or flat):
            return None, []
        parts: list[Part] = []
        lost: list[dict[str, Any]] = []
        for season, words in _named_episodes(seasons, flat):
            if words is None:
                parts += [Part(item, {}) for item in self._season(container, title, media, season)]
                continue
            item = self._episode(container, title, media, season, words)
            if item is None:
                lost.append({**media, "seasons": [{"number": season, "episodes": [words]}]})
            else:
                parts.append(Part(item, words))
        return parts, lost

    def _episode(
        self, container: Container, title: Title, media: Mapping[str, Any], season: int | None, words: Mapping[str, Any]
    ) -> Item | None:
        """Find one episode: by its own ids, at TVDB's place if the flag is set, else by the title's own numbers."""
        named = {"season": season, "number": words.get("number"), "ids": words.get("ids")}
        if mapping(words.get("ids")) or (title.kind == "anime" and media.get("use_tvdb_anime_seasons") is True):
            return self._state.find(read_episode(container, media, named))
        number = number_of(words.get("number"))
        episode = title.episodes.get((1 if season is None else season, number or 0))
        if episode is None and self._state.switches.invent_titles:
            return self._state.find(read_episode(container, media, named))
        return Item(title, episode) if episode else None

    def _season(self, container: Container, title: Title, media: Mapping[str, Any], season: int | None) -> list[Item]:
        if title.kind == "anime" and media.get("use_tvdb_anime_seasons") is True:
            cours = self._state.catalogue.cours_of(read_title(container, media))
            return [
                Item(cour, e) for cour in cours for e in cour.episodes.values() if e.tvdb_season == season and e.aired
            ]
        return [Item(title, e) for e in title.episodes.values() if e.season == season and e.aired]


def _named_episodes(
    seasons: list[dict[str, Any]], flat: list[dict[str, Any]]
) -> Iterator[tuple[int | None, dict[str, Any] | None]]:
    """Yield season and episode words; no words: the whole season."""
    for season in seasons:
        number = number_of(season.get("number"))
        episodes = objects(season.get("episodes"))
        if not episodes:
            yield number, None
        for words in episodes:
            yield number, {**({"watched_at": season["watched_at"]} if "watched_at" in season else {}), **words}
    for words in flat:
        yield None, words


def _aired(title: Title) -> list[Item]:
    if title.is_film:
        return [Item(title)]
    return [Item(title, e) for e in title.episodes.values() if e.aired and e.season > 0]


def _body(ask: Ask) -> dict[str, Any]:
    body = ask.json
    if body is None:
        return {}
    if not isinstance(body, dict) or any(
        not isinstance(body.get(key, []), list) for key in ("movies", "shows", "anime")
    ):
        raise refuse(400, "wrong_parameter", "movies, shows and anime are arrays.")
    _check_times(body)
    return body


def _check_times(value: object) -> None:
    """Look at every `watched_at` before anything is written. Raises RefusedError (400)."""
    if isinstance(value, list):
        for each in value:
            _check_times(each)
    elif isinstance(value, dict):
        if value.get("watched_at") is not None and parse(value["watched_at"]) is None:
            raise refuse(400, "wrong_parameter", "watched_at is not ISO 8601.")
        for each in value.values():
            _check_times(each)


def _status(value: object) -> ListName | None:
    for name in get_args(ListName):
        if value == name:
            found: ListName = name
            return found
    return None


def _time(words: Mapping[str, Any], media: Mapping[str, Any], now: int) -> int:
    """Return when it was watched: the episode's own time, the title's, or now."""
    found = parse(words.get("watched_at", media.get("watched_at")))
    return now if found is None else found
