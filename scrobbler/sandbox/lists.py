"""Ratings, lists and the reads of a library (simkl-api.md 6.3, 6.4, 12.31 to 12.34)."""

from collections.abc import Mapping
from typing import Any

from scrobbler.sandbox.catalogue import Container, Item, Kind, Title
from scrobbler.sandbox.clock import parse, stamp
from scrobbler.sandbox.history import ARRAYS, Tally
from scrobbler.sandbox.library import BUCKETS, LISTS, Entry, Library, ListName
from scrobbler.sandbox.people import User
from scrobbler.sandbox.reply import Ask, Reply, refuse
from scrobbler.sandbox.shapes import KEYS, number_of, objects, read_episode, read_title, title_out
from scrobbler.sandbox.state import State

TYPES: dict[str, Kind] = {"movies": "movie", "shows": "tv", "anime": "anime"}
MOST_WITH_EPISODES = 100


class Lists:
    """Answers `/sync/ratings*`, `/sync/add-to-list`, `/sync/activities`, `/sync/all-items*` and `/sync/watched`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def rate(self, ask: Ask) -> Reply:
        """Rate titles; one that is on no list is filed."""
        tally, now = Tally(), self._state.clock.now_ms()
        for container, media, title in self._titles(ask, tally):
            rating = number_of(media.get("rating"))
            if rating is None or not 1 <= rating <= 10:
                _lose(tally, container, media)
                continue
            entry = self._filed(ask.user, title, now)
            entry.rating, entry.rated_ms, entry.changed_ms = rating, parse(media.get("rated_at")) or now, now
            ask.user.library.touch(title, "rated_at", now)
            _count(tally, title)
            tally.statuses.append({"request": {**media, "type": container}, "response": {"status": entry.status}})
        body = {
            "added": {"movies": tally.movies, "shows": tally.shows, "statuses": tally.statuses},
            "not_found": {"movies": tally.lost_movies, "shows": tally.lost_shows},
        }
        return Reply(status=201, body=body)

    def unrate(self, ask: Ask) -> Reply:
        """Take ratings away."""
        tally, now = Tally(), self._state.clock.now_ms()
        for _, _, title in self._titles(ask, tally):
            entry = ask.user.library.entries.get(title.simkl)
            if entry is not None and entry.rating is not None:
                entry.rating, entry.rated_ms, entry.changed_ms = None, None, now
                ask.user.library.touch(title, "rated_at", now)
                _count(tally, title)
        body = {
            "deleted": {"movies": tally.movies, "shows": tally.shows},
            "not_found": {"movies": tally.lost_movies, "shows": tally.lost_shows},
        }
        return Reply(status=201, body=body)

    def add_to_list(self, ask: Ask) -> Reply:
        """Move titles to lists. Raises RefusedError (400) if an item lacks `to`."""
        tally, now = Tally(), self._state.clock.now_ms()
        added: dict[str, list[Any]] = {"movies": [], "shows": []}
        items = [media for key, _ in ARRAYS for media in objects(ask.object.get(key))]
        if any(media.get("to") not in LISTS for media in items) or ("to" in ask.object and not items):
            raise refuse(400, "empty_field", "Each item needs its own `to`.")
        for container, media, title in self._titles(ask, tally):
            to = next(name for name in LISTS if name == media["to"])
            self._move(ask.user, title, to, now)
            entry = ask.user.library.entries[title.simkl]
            added["movies" if title.kind == "movie" else "shows"].append(
                {**media, "to": entry.status, "type": container}
            )
        body = {"added": added, "not_found": {"movies": tally.lost_movies, "shows": tally.lost_shows}}
        return Reply(status=201, body=body)

    def activities(self, ask: Ask) -> Reply:
        """Return when what last changed; null where nothing ever did."""
        changes = ask.user.library.changes
        body: dict[str, Any] = {
            "all": stamp(changes.get("", {}).get("all")),
            "settings": {"all": stamp(changes.get("settings", {}).get("all"))},
        }
        for kind, bucket in BUCKETS.items():
            lists = [name for name in LISTS if kind != "movie" or name not in ("watching", "hold")]
            names = ["all", "rated_at", "playback", *lists, "removed_from_list"]
            body[bucket] = {name: stamp(changes.get(bucket, {}).get(name)) for name in names}
        names = ["all", "regular", "favorites", "recommendations", "auto"]
        body["custom_lists"] = {"lists": dict.fromkeys(names)}
        return Reply(body=body)

    def all_items(self, ask: Ask) -> Reply:
        """Return the library, or what changed strictly after `date_from`. Raises RefusedError (404)."""
        wanted, status = ask.args.get("type", ""), ask.args.get("status", "")
        if (wanted and wanted not in TYPES) or (status and status not in LISTS):
            raise refuse(404, "url_failed", "The type is movies, shows or anime.")
        since = parse(ask.query.get("date_from"))
        library = ask.user.library
        body: dict[str, list[Any]] = {}
        for name, kind in TYPES.items():
            if wanted not in ("", name):
                continue
            rows = [
                self._row(ask, library, entry)
                for entry in library.entries.values()
                if entry.title.kind == kind
                and status in ("", entry.status)
                and (since is None or entry.changed_ms // 1000 > since // 1000)
            ]
            if rows:
                body[name] = rows
        return Reply(body=body)

    def watched(self, ask: Ask) -> Reply:
        """Say for each item of an array whether it was watched. Raises RefusedError (400)."""
        asked = ask.json
        if not isinstance(asked, list):
            raise refuse(400, "wrong_parameter", "The body is an array.")
        if not asked:
            return Reply(body=None)
        if len(asked) > MOST_WITH_EPISODES and "episodes" in ask.query.get("extended", ""):
            raise refuse(400, "max_items", f"At most {MOST_WITH_EPISODES} items with episodes.")
        return Reply(
            body=[self._verdict(ask.user.library, words if isinstance(words, dict) else {}) for words in asked]
        )

    def _titles(self, ask: Ask, tally: Tally) -> list[tuple[Container, dict[str, Any], Title]]:
        found: list[tuple[Container, dict[str, Any], Title]] = []
        for key, container in ARRAYS:
            for media in objects(ask.object.get(key)):
                title = self._state.catalogue.title_of(read_title(container, media))
                if title is None:
                    _lose(tally, container, media)
                else:
                    found.append((container, media, title))
        return found

    def _filed(self, user: User, title: Title, now: int) -> Entry:
        """Return the title's entry; a title on no list goes where a rating puts it (simkl-api.md 6.3)."""
        library = user.library
        if title.simkl not in library.entries:
            single = len(title.episodes) == 1
            if title.status == "unreleased" and title.is_film:
                library.file(title, "plantowatch", now)
            elif title.is_film or single:
                for item in _items(title):
                    library.record(item, watched_ms=now, now_ms=now, source="rating")
            else:
                library.file(title, "watching", now)
        return library.entries[title.simkl]

    def _move(self, user: User, title: Title, to: ListName, now: int) -> None:
        if to == "completed":
            for item in _items(title):
                user.library.record(item, watched_ms=now, now_ms=now, source="list")
            to = user.library.natural_list(title)
        elif title.is_film and to in ("watching", "hold"):
            to = "plantowatch"
        user.library.file(title, to, now)

    def _row(self, ask: Ask, library: Library, entry: Entry) -> dict[str, Any]:
        title = entry.title
        key = KEYS[title.kind]
        if ask.query.get("extended") == "simkl_ids_only":
            return {key: {"ids": {"simkl": title.simkl}}}
        watches = [watch for watch in library.watches if watch.item.title.simkl == title.simkl]
        row: dict[str, Any] = {
            "added_to_watchlist_at": stamp(entry.added_ms),
            "last_watched_at": stamp(max((watch.watched_ms for watch in watches), default=None)),
            "user_rated_at": stamp(entry.rated_ms),
            "user_rating": entry.rating,
            "status": entry.status,
            key: title_out(title),
        }
        if not title.is_film:
            seen = {w.item.episode.number: w for w in watches if w.item.episode}
            row["watched_episodes_count"] = len({watch.item.key for watch in watches})
            row["total_episodes_count"] = sum(season > 0 for season, _ in title.episodes)
            if seen and (ask.query.get("extended") == "full" or ask.flag("include_all_episodes")):
                row["seasons"] = _seasons(library, title, with_times=ask.flag("episode_watched_at"))
        return row

    def _verdict(self, library: Library, words: Mapping[str, Any]) -> dict[str, Any]:
        container: Container = "movie" if words.get("type") == "movie" else "show"
        title = self._state.catalogue.title_of(read_title(container, words))
        if title is None and "type" not in words:
            container = "movie"
            title = self._state.catalogue.title_of(read_title(container, words))
        if title is None:
            return {**words, "result": "not_found"}
        entry = library.entries.get(title.simkl)
        watches = [watch for watch in library.watches if watch.item.title.simkl == title.simkl]
        if not title.is_film and "episode" in words:
            named = {"season": words.get("season"), "number": words.get("episode")}
            item = self._state.catalogue.find(read_episode(container, words, named))
            if item is None:
                return {**words, "result": "not_found"}
            watches = [watch for watch in watches if watch.item.key == item.key]
        return {
            **words,
            "result": bool(watches),
            "simkl": title.simkl,
            "list": entry.status if entry else None,
            "last_watched_at": stamp(max((watch.watched_ms for watch in watches), default=None)),
        }


def _items(title: Title) -> list[Item]:
    if title.is_film:
        return [Item(title)]
    return [Item(title, e) for e in title.episodes.values() if e.aired and e.season > 0]


def _seasons(library: Library, title: Title, *, with_times: bool) -> list[dict[str, Any]]:
    seasons: dict[int, list[dict[str, Any]]] = {}
    for episode in title.episodes.values():
        watch = library.watch_of(Item(title, episode))
        if watch is not None:
            out: dict[str, Any] = {"number": episode.number}
            if with_times:
                out["watched_at"] = stamp(watch.watched_ms)
            seasons.setdefault(episode.season, []).append(out)
    return [{"number": number, "episodes": episodes} for number, episodes in sorted(seasons.items())]


def _lose(tally: Tally, container: Container, media: dict[str, Any]) -> None:
    (tally.lost_movies if container == "movie" else tally.lost_shows).append(media)


def _count(tally: Tally, title: Title) -> None:
    if title.kind == "movie":
        tally.movies += 1
    else:
        tally.shows += 1
