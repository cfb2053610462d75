"""What one user has at Simkl: history, lists, saved positions, the watching-now banner, and when each last changed."""

from typing import Literal, TypeAlias

from msgspec import Struct, field

from scrobbler.sandbox.catalogue import Item, Kind, Title

ListName: TypeAlias = Literal["watching", "plantowatch", "hold", "dropped", "completed"]
Source: TypeAlias = Literal["stop", "history", "rating", "list", "auto_finish", "checkin"]
LISTS: tuple[ListName, ...] = ("plantowatch", "watching", "completed", "hold", "dropped")
BUCKETS: dict[Kind, str] = {"movie": "movies", "tv": "tv_shows", "anime": "anime"}
RETENTION_DAYS = {"free": 7, "pro": 30, "vip": 90}
FIRST_PLAYBACK_ID = 5_000_000_000


class Watch(Struct, kw_only=True):
    """One row of the history; times are ms since 1970."""

    item: Item
    watched_ms: int
    recorded_ms: int
    source: Source
    rewatch_id: int | None = None


class Entry(Struct, kw_only=True):
    """One title on the lists; `changed_ms` is what `date_from` of `/sync/all-items` is compared with."""

    title: Title
    status: ListName | None
    added_ms: int
    changed_ms: int
    rating: int | None = None
    rated_ms: int | None = None


class Playback(Struct, kw_only=True):
    """A saved position in percent."""

    id: int
    item: Item
    progress: float
    paused_ms: int


class Session(Struct, kw_only=True):
    """The one play that is on: what the banner shows. `rewatch` is a check-in's deferred wish."""

    id: int
    item: Item
    action: Literal["start", "checkin"]
    progress: float
    started_ms: int
    expires_ms: int
    rewatch: bool = False

    def shown(self, now_ms: int) -> float:
        """Return where the play is by the clock, in percent, at most 100 (simkl-api.md 12.19)."""
        passed = (now_ms - self.started_ms) / self.item.title.runtime_ms * 100
        return min(100.0, self.progress + max(0.0, passed))


class Library(Struct):
    """The records of one user. Nothing here checks plans or looks at a clock: times come in."""

    watches: list[Watch] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    playbacks: dict[int, Playback] = field(default_factory=dict)
    session: Session | None = None
    changes: dict[str, dict[str, int]] = field(default_factory=dict)

    def touch(self, title: Title, what: str, now_ms: int) -> None:
        """Note that something of a title changed, for `/sync/activities`."""
        bucket = self.changes.setdefault(BUCKETS[title.kind], {})
        bucket[what] = bucket["all"] = now_ms
        self.changes.setdefault("", {})["all"] = now_ms

    def touch_settings(self, now_ms: int) -> None:
        """Note that the user's settings changed, for `/sync/activities`."""
        self.changes.setdefault("settings", {})["all"] = now_ms
        self.changes.setdefault("", {})["all"] = now_ms

    def watch_of(self, item: Item) -> Watch | None:
        """Return the newest watch of an item."""
        return max((w for w in self.watches if w.item.key == item.key), key=lambda w: w.recorded_ms, default=None)

    def record(
        self, item: Item, *, watched_ms: int, now_ms: int, source: Source, rewatch_id: int | None = None
    ) -> bool:
        """Write a watch and file the title; an item that is watched stays as it is. Return whether a row was added."""
        new = rewatch_id is not None or self.watch_of(item) is None
        if new:
            self.watches.append(
                Watch(item=item, watched_ms=watched_ms, recorded_ms=now_ms, source=source, rewatch_id=rewatch_id)
            )
            self.file(item.title, self.natural_list(item.title), now_ms)
        return new

    def natural_list(self, title: Title) -> ListName:
        """Say which list a title with watches belongs on: everything there is seen and nothing more comes: completed."""
        if title.is_film:
            return "completed"
        seen = {watch.item.key for watch in self.watches if watch.item.title.simkl == title.simkl}
        regular = [Item(title, e).key for e in title.episodes.values() if e.season > 0]
        return "completed" if title.status == "ended" and seen.issuperset(regular) else "watching"

    def file(self, title: Title, status: ListName, now_ms: int) -> None:
        """Put a title on a list."""
        entry = self.entries.get(title.simkl)
        if entry is None:
            self.entries[title.simkl] = Entry(title=title, status=status, added_ms=now_ms, changed_ms=now_ms)
        else:
            entry.status = status
            entry.changed_ms = now_ms
        self.touch(title, status, now_ms)

    def remove(self, title: Title, now_ms: int) -> bool:
        """Take a title out with all that hangs on it: watches, rating, saved positions. Return whether it was there."""
        there = self.entries.pop(title.simkl, None) is not None
        self.watches = [watch for watch in self.watches if watch.item.title.simkl != title.simkl]
        self.drop_playback(title, now_ms)
        self.end_session(title)
        if there:
            self.touch(title, "removed_from_list", now_ms)
        return there

    def drop_playback(self, title: Title, now_ms: int) -> None:
        """Forget the saved position of a title."""
        if self.playbacks.pop(title.simkl, None) is not None:
            self.touch(title, "playback", now_ms)

    def end_session(self, title: Title) -> None:
        """Take the banner away if it shows this title."""
        if self.session is not None and self.session.item.title.simkl == title.simkl:
            self.session = None
