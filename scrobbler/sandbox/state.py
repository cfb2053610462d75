"""All that the sandbox holds, and the rules that several routes share."""

import random
from typing import Any

from scrobbler.sandbox.catalogue import Catalogue, EpisodeInfo, Item, Title, Wanted
from scrobbler.sandbox.clock import SandboxClock
from scrobbler.sandbox.library import FIRST_PLAYBACK_ID, RETENTION_DAYS, Source
from scrobbler.sandbox.people import People, User
from scrobbler.sandbox.switches import Switches
from scrobbler.sandbox.titles import titles

WATCHED_PERCENT = 80.0
REWATCH_GAP_MS = 48 * 3_600_000
REWATCH_LIMIT = 50
DAY_MS = 86_400_000


class State:
    """Everything in memory."""

    def __init__(self, clock: SandboxClock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.switches = Switches()
        self.catalogue = Catalogue(titles())
        self.people = People(clock, rng)
        self._last_id = FIRST_PLAYBACK_ID

    def next_id(self) -> int:
        """Return a new positive id that needs more than 32 bits."""
        self._last_id += 7
        return self._last_id

    def find(self, wanted: Wanted) -> Item | None:
        """Resolve what a client named; with `invent_titles` a miss makes the title, or the episode."""
        item = self.catalogue.find(wanted)
        if item is None and self.switches.invent_titles and (wanted.title or wanted.ids):
            item = self.catalogue.find(self._without_strange_episode_ids(wanted)) or self._invent(wanted)
        return item

    def settle(self, user: User) -> None:
        """Do what time alone brings: a check-in that is over becomes a watch, old saved positions go."""
        now = self.clock.now_ms()
        library = user.library
        session = library.session
        lag_ms = self.switches.checkin_lag_s * 1000
        if session is not None and session.action == "checkin" and now >= session.expires_ms + lag_ms:
            library.session = None
            if session.rewatch:
                self.rewatch(user, session.item, session.expires_ms, now, "checkin")
            else:
                library.record(session.item, watched_ms=session.expires_ms, now_ms=now, source="checkin")
        oldest = now - RETENTION_DAYS[user.plan] * DAY_MS
        library.playbacks = {key: saved for key, saved in library.playbacks.items() if saved.paused_ms >= oldest}

    def finish_abandoned(self, user: User, now: int, *, rewatch: bool) -> None:
        """Mark the play that is on as watched if it has reached 80 %, as a new start does (simkl-api.md 12.19)."""
        session = user.library.session
        user.library.session = None
        if session is None or self.switches.auto_finish == "off":
            return
        reached = session.shown(now) if self.switches.auto_finish == "extrapolated" else session.progress
        if reached < WATCHED_PERCENT:
            return
        user.library.playbacks.pop(session.item.title.simkl, None)
        if rewatch or session.rewatch:
            self.rewatch(user, session.item, now, now, "auto_finish")
        else:
            user.library.record(session.item, watched_ms=now, now_ms=now, source="auto_finish")

    def rewatch(self, user: User, item: Item, watched_ms: int, now: int, source: Source) -> dict[str, Any]:
        """Record a watch that may be a repeated one; return `rewatch_id` and `rewatch_status` (simkl-api.md 4.6)."""
        library = user.library
        before = library.watch_of(item)
        if before is None or user.plan == "free":
            library.record(item, watched_ms=watched_ms, now_ms=now, source=source)
            return {"rewatch_id": None, "rewatch_status": "pro_required" if user.plan == "free" else "first_watch"}
        entry = library.entries.get(item.title.simkl)
        if entry is not None and entry.status == "plantowatch":
            return {"rewatch_id": None, "rewatch_status": "not_eligible"}
        newest = max(watch.watched_ms for watch in library.watches if watch.item.key == item.key)
        if watched_ms - newest < REWATCH_GAP_MS:
            return {"rewatch_id": None, "rewatch_status": "too_soon"}
        sessions = {w.rewatch_id for w in library.watches if w.item.key == item.key and w.rewatch_id is not None}
        if len(sessions) >= REWATCH_LIMIT:
            return {"rewatch_id": None, "rewatch_status": "not_eligible"}
        number = self.next_id()
        library.record(item, watched_ms=watched_ms, now_ms=now, source=source, rewatch_id=number)
        return {"rewatch_id": number, "rewatch_status": "completed" if item.title.is_film else "active"}

    def _without_strange_episode_ids(self, wanted: Wanted) -> Wanted:
        return Wanted(
            container=wanted.container,
            title=wanted.title,
            year=wanted.year,
            ids=wanted.ids,
            season=wanted.season,
            number=wanted.number,
            has_episode=wanted.has_episode,
        )

    def _invent(self, wanted: Wanted) -> Item | None:
        """Make up a title with the ids that came, and the episode that was named; one of a known title, too."""
        is_film = wanted.container == "movie" or not wanted.has_episode
        if not is_film and (wanted.number is None or wanted.number < 0):
            return None
        season = 1 if wanted.season is None else wanted.season
        place = (season, wanted.number or 0)
        episodes = {} if is_film else {place: EpisodeInfo(season=season, number=place[1], title="Made up", ids={})}
        title = self.catalogue.title_of(wanted)
        if title is not None:
            if is_film or title.is_film:
                return None
            return Item(title, title.episodes.setdefault(place, episodes[place]))
        # Numbers that are counted through are an anime's.
        is_anime = wanted.container == "anime" or wanted.season is None
        title = Title(
            simkl=self.catalogue.next_id(),
            kind="movie" if is_film else "anime" if is_anime else "tv",
            title=wanted.title or "A Title Without a Name",
            year=wanted.year,
            ids={scheme: str(value) for scheme, value in wanted.ids.items() if scheme not in ("simkl", "simkl_id")},
            status="released" if is_film else "airing",
            anime_type="tv" if is_anime and not is_film else None,
            episodes=episodes,
        )
        self.catalogue.add(title)
        return Item(title, episodes.get(place))
