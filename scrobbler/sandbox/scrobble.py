"""The four scrobble calls (simkl-api.md 4, 12.15 to 12.26)."""

from typing import Any, Literal, TypeAlias

from scrobbler.sandbox.catalogue import Container, Item, Wanted
from scrobbler.sandbox.clock import offset_stamp, stamp
from scrobbler.sandbox.library import Library, Playback, Session, Watch
from scrobbler.sandbox.reply import Ask, RefusedError, Reply, refuse
from scrobbler.sandbox.shapes import item_out, mapping, plain_number, read_episode, read_title
from scrobbler.sandbox.state import State

Action: TypeAlias = Literal["start", "pause", "stop", "checkin"]

WATCHED_PERCENT = 80.0
DUPLICATE_MS = 3_600_000


class Scrobbler:
    """Answers `/scrobble/*`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def start(self, ask: Ask) -> Reply:
        """Open or replace the play that is on."""
        container, item, progress = self._read(ask, "start")
        self._open(ask, item, progress, "start")
        return self._answer("start", 0, progress, item, container)

    def checkin(self, ask: Ask) -> Reply:
        """Open a play that becomes a watch by itself when its runtime is over."""
        container, item, progress = self._read(ask, "checkin")
        session = self._open(ask, item, progress, "checkin")
        return self._answer("checkin", session.id, progress, item, container)

    def pause(self, ask: Ask) -> Reply:
        """Save a position; never a watch."""
        container, item, progress = self._read(ask, "pause")
        if self._state.switches.conflict_on_pause and progress >= WATCHED_PERCENT:
            self._refuse_duplicate(ask.user.library, item)
        saved = self._save(ask.user.library, item, progress)
        return self._answer("pause", saved.id, progress, item, container)

    def stop(self, ask: Ask) -> Reply:
        """Save a position below 80; write the history from 80 on."""
        container, item, progress = self._read(ask, "stop")
        library = ask.user.library
        if self._state.switches.stop_without_start == "refuse" and not self._is_known(library, item):
            raise refuse(404, "empty", "There is no session of this title.")
        if progress < WATCHED_PERCENT:
            saved = self._save(library, item, progress)
            return self._answer("pause", saved.id, progress, item, container)
        self._refuse_duplicate(library, item)
        now = self._state.clock.now_ms()
        library.end_session(item.title)
        library.drop_playback(item.title, now)
        extra: dict[str, Any] = {}
        if ask.flag("allow_rewatch"):
            extra = self._state.rewatch(ask.user, item, now, now, "stop")
        else:
            library.record(item, watched_ms=now, now_ms=now, source="stop")
        return self._answer("scrobble", self._state.next_id(), progress, item, container, extra)

    def _read(self, ask: Ask, action: Action) -> tuple[Container, Item, float]:
        """Read the body. Raises RefusedError: 400 without a media key, 404 without a match."""
        body = ask.object
        wanted = _wanted(body)
        progress = _progress(body.get("progress"))
        item = self._state.find(wanted)
        if item is None:
            raise refuse(404, "id_err", "Nothing in the catalogue matches.")
        ask.touched = (action, item)
        return wanted.container, item, progress

    def _open(self, ask: Ask, item: Item, progress: float, action: Literal["start", "checkin"]) -> Session:
        now = self._state.clock.now_ms()
        library = ask.user.library
        self._state.finish_abandoned(ask.user, now, rewatch=ask.flag("allow_rewatch"))
        counted = 0.0 if action == "checkin" and self._state.switches.checkin_progress == "ignored" else progress
        left = (100.0 - counted) / 100 * item.title.runtime_ms
        session = Session(
            id=self._state.next_id(),
            item=item,
            action=action,
            progress=counted,
            started_ms=now,
            expires_ms=now + int(left),
            rewatch=action == "checkin" and ask.flag("allow_rewatch"),
        )
        library.session = session
        library.playbacks.pop(item.title.simkl, None)
        library.touch(item.title, "playback", now)
        return session

    def _save(self, library: Library, item: Item, progress: float) -> Playback:
        now = self._state.clock.now_ms()
        library.end_session(item.title)
        saved = Playback(id=self._state.next_id(), item=item, progress=progress, paused_ms=now)
        library.playbacks[item.title.simkl] = saved
        library.touch(item.title, "playback", now)
        return saved

    def _refuse_duplicate(self, library: Library, item: Item) -> None:
        watch = library.watch_of(item)
        if watch is not None and self._state.clock.now_ms() < watch.recorded_ms + DUPLICATE_MS:
            library.end_session(item.title)
            raise self._conflict(watch)

    def _conflict(self, watch: Watch) -> RefusedError:
        write = offset_stamp if self._state.switches.conflict_times == "offset" else stamp
        body: dict[str, Any] = {
            "watched_at": write(watch.watched_ms),
            "expires_at": write(watch.recorded_ms + DUPLICATE_MS),
        }
        if self._state.switches.conflict_error == "already_watched":
            body["error"] = "already_watched"
        return RefusedError(Reply(status=409, body=body))

    def _is_known(self, library: Library, item: Item) -> bool:
        simkl = item.title.simkl
        return simkl in library.playbacks or (library.session is not None and library.session.item.title.simkl == simkl)

    def _answer(
        self,
        action: str,
        number: int,
        progress: float,
        item: Item,
        sent_as: Container,
        extra: dict[str, Any] | None = None,
    ) -> Reply:
        body = {
            "id": number,
            "action": action,
            "progress": plain_number(progress),
            **item_out(item, self._state.switches, sent_as),
            **(extra or {}),
        }
        return Reply(status=201, body=body)


def _wanted(body: dict[str, Any]) -> Wanted:
    """Read the one media object. Raises RefusedError (400 `empty_field`) if it, or a show's episode, is missing."""
    if isinstance(body.get("movie"), dict):
        return read_title("movie", body["movie"])
    if isinstance(body.get("show"), dict) and isinstance(body.get("episode"), dict):
        return read_episode("show", body["show"], body["episode"])
    if isinstance(body.get("anime"), dict):
        if isinstance(body.get("episode"), dict):
            return read_episode("anime", body["anime"], mapping(body["episode"]))
        return read_title("anime", body["anime"])
    raise refuse(400, "empty_field", "A movie, a show with an episode, or an anime is required.")


def _progress(value: object) -> float:
    """Read a percentage; a missing one is 0. Raises RefusedError (400) for anything else."""
    if value is None:
        return 0.0
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= 100:
        raise refuse(400, "wrong_parameter", "progress is a number from 0 to 100.")
    return number
