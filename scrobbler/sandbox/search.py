"""Look-ups in the catalogue (simkl-api.md 7, 12.35)."""

import re
from typing import Any

from scrobbler.sandbox.catalogue import Catalogue, Container, Item, Kind, Title, Wanted
from scrobbler.sandbox.reply import Ask, Reply
from scrobbler.sandbox.shapes import ids_out, number_of, title_out
from scrobbler.sandbox.state import State

PATHS: dict[Kind, str] = {"movie": "movies", "tv": "tv", "anime": "anime"}
TYPES: dict[str, Kind] = {"movie": "movie", "tv": "tv", "anime": "anime"}
SCHEMES = ("simkl", "imdb", "tmdb", "tvdb", "mal", "anidb", "anilist", "kitsu")
MOST_PAGES, MOST_RESULTS, USUAL_RESULTS = 20, 50, 10
SITE = "//simkl.com"

EPISODE = re.compile(
    r"^(?P<title>.+?)[ ._-]+(?:s(?P<season>\d{1,2})[ ._-]?e(?P<number>\d{1,4})|(?P<x>\d{1,2})x(?P<y>\d{1,3}))",
    re.IGNORECASE,
)
ABSOLUTE = re.compile(r"^(?:\[[^\]]*\])?[ ._]*(?P<title>.+?)[ ._]+-[ ._]+(?P<number>\d{1,4})(?:v\d)?\b", re.IGNORECASE)
YEAR = re.compile(r"(?<=.)[ ._]*[(\[ ._](?P<year>(?:19|20)\d\d)(?!\d)[)\]]?")


class Search:
    """Answers `/search/*`, `/redirect` and the catalogue's pages."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _catalogue(self) -> Catalogue:
        return self._state.catalogue

    def by_file(self, ask: Ask) -> Reply:
        """Recognise a file name: a film, a show, an episode, `[]` for no match, `null` for a bad body."""
        name = ask.object.get("file") or ask.object.get("File")
        if not ask.decodes or not isinstance(name, str) or not name.strip():
            return Reply(body=None)
        found = self._recognise(name)
        if found is None:
            return Reply(body=[])
        title, item = found
        if item is not None and item.episode is not None:
            episode = {
                "title": item.episode.title,
                "season": item.episode.season,
                "episode": item.episode.number,
                "multipart": False,
                "ids": {"simkl": item.title.simkl * 1000 + item.episode.number},
            }
            return Reply(body={"type": "episode", "show": title_out(title), "episode": episode})
        kind = "movie" if title.is_film else "show"
        return Reply(body={"type": kind, kind: title_out(title)})

    def by_id(self, ask: Ask) -> Reply:
        """Find titles by one id; unknown is `[]`."""
        return Reply(body=[_found(title) for title in self._by_query(ask)[:1]])

    def by_text(self, ask: Ask) -> Reply:
        """Find titles by words; an unknown type is `null`."""
        kind = TYPES.get(ask.args["type"])
        if kind is None:
            return Reply(body=None)
        words = ask.query.get("q", "").casefold().split()
        page = max(1, min(number_of(ask.query.get("page")) or 1, MOST_PAGES))
        limit = max(1, min(number_of(ask.query.get("limit")) or USUAL_RESULTS, MOST_RESULTS))
        found = [t for t in self._catalogue if t.kind == kind and words and all(w in t.title.casefold() for w in words)]
        return Reply(body=[_text_result(title) for title in found[(page - 1) * limit : page * limit]])

    def redirect(self, ask: Ask) -> Reply:
        """Point at a title's page, or at the site for a miss; never a body."""
        found = self._by_query(ask)
        if not found and ask.query.get("title"):
            container: Container = "movie" if ask.query.get("type") == "movie" else "show"
            year = number_of(ask.query.get("year"))
            title = self._catalogue.title_of(Wanted(container=container, title=ask.query["title"], year=year))
            found = [title] if title else []
        where = f"{SITE}/{PATHS[found[0].kind]}/{found[0].simkl}/{found[0].slug}" if found else SITE
        return Reply(status=301, headers={"Location": where, "Cache-Control": "no-store"})

    def page(self, ask: Ask) -> Reply:
        """Return a title's details; unknown is `[]`."""
        title = self._of_path(ask)
        if title is None:
            return Reply(body=[])
        details = {
            **title_out(title),
            "type": "show" if title.kind == "tv" else title.kind,
            "runtime": title.runtime,
            "status": title.status,
            "total_episodes": sum(season > 0 for season, _ in title.episodes),
        }
        if title.anime_type:
            details["anime_type"] = title.anime_type
        return Reply(body=details)

    def episodes(self, ask: Ask) -> Reply:
        """Return a series' episodes; unknown is `[]`."""
        title = self._of_path(ask)
        if title is None:
            return Reply(body=[])
        return Reply(
            body=[
                {
                    "title": episode.title,
                    "season": episode.season,
                    "episode": episode.number,
                    "type": "special" if episode.season == 0 else "episode",
                    "aired": episode.aired,
                    "runtime": title.runtime,
                    "ids": {"simkl_id": title.simkl * 1000 + place, **episode.ids},
                }
                for place, episode in enumerate(title.episodes.values(), 1)
            ]
        )

    def _of_path(self, ask: Ask) -> Title | None:
        number = number_of(ask.args["id"])
        title = self._catalogue.get(number) if number is not None else None
        return title if title is not None and PATHS[title.kind] == ask.args["kind"] else None

    def _by_query(self, ask: Ask) -> list[Title]:
        container: Container = "movie" if ask.query.get("type") == "movie" else "show"
        for scheme in SCHEMES:
            if value := ask.query.get(scheme):
                if scheme == "tmdb" and "type" not in ask.query:
                    continue
                return self._catalogue.by_id(scheme, value, container)
        return []

    def _recognise(self, name: str) -> tuple[Title, Item | None] | None:
        """Read title, year and numbers off the last part of a path."""
        parts = [part for part in re.split(r"[\\/]", name) if part]
        stem = re.sub(r"\.(mkv|mp4|avi|m4v|ts|webm|mov|wmv|flv|ogv|mpg|mpeg)$", "", parts[-1], flags=re.IGNORECASE)
        if match := EPISODE.search(stem):
            season, number = int(match["season"] or match["x"]), int(match["number"] or match["y"])
            return self._series(_words(match["title"]), season, number)
        if (match := ABSOLUTE.search(stem)) and (
            found := self._series(_words(match["title"]), None, int(match["number"]))
        ):
            return found
        found_title = self._film(stem)
        return (found_title, None) if found_title else None

    def _film(self, stem: str) -> Title | None:
        """Read title and year: the last number that looks like a year first, as titles may hold one themselves."""
        for match in reversed(list(YEAR.finditer(stem))):
            if found := self._catalogue.named(_words(stem[: match.start()]), int(match["year"])):
                return found[0]
        first = YEAR.search(stem)
        found = self._catalogue.named(_words(stem[: first.start()] if first else stem))
        return found[0] if found else None

    def _series(self, words: str, season: int | None, number: int) -> tuple[Title, Item | None] | None:
        match = YEAR.search(words)
        year = int(match["year"]) if match else None
        name = words[: match.start()] if match else words
        container: Container = "anime" if season is None else "show"
        wanted = Wanted(container=container, title=name, year=year, season=season, number=number, has_episode=True)
        item = self._catalogue.find(wanted)
        title = item.title if item else self._catalogue.title_of(wanted)
        return (title, item) if title else None


def _words(text: str) -> str:
    return re.sub(r"[._]+", " ", text).strip(" -")


def _found(title: Title) -> dict[str, Any]:
    return {
        "type": title.kind,
        "title": title.title,
        "poster": "",
        "year": title.year,
        "status": title.status,
        "ids": {"simkl": title.simkl, "slug": title.slug},
    }


def _text_result(title: Title) -> dict[str, Any]:
    ids = ids_out(title)
    ids["simkl_id"] = ids.pop("simkl")
    return {"title": title.title, "year": title.year, "type": title.kind, "poster": "", "ids": ids}
