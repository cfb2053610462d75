"""Saved positions (simkl-api.md 5, 12.27, 12.28)."""

from typing import Any

from scrobbler.sandbox.clock import parse, stamp
from scrobbler.sandbox.library import Library, Playback
from scrobbler.sandbox.reply import Ask, Reply, refuse
from scrobbler.sandbox.shapes import item_out, number_of, plain_number
from scrobbler.sandbox.state import State

MOST = 10_000
KINDS = {"movies": True, "episodes": False}


class Playbacks:
    """Answers `/sync/playback*`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def listing(self, ask: Ask) -> Reply:
        """Return the saved positions, newest first. Raises RefusedError (404) for an unknown type."""
        kind = ask.args.get("kind", "")
        if kind and kind not in KINDS:
            # An id where a type belongs is answered with the list: GET and POST never delete.
            if not kind.isdecimal():
                raise refuse(404, "url_failed", "The type is episodes or movies.")
            kind = ""
        library = ask.user.library
        found = [saved for saved in library.playbacks.values() if self._wanted(ask, library, saved, kind)]
        found.sort(key=lambda saved: (saved.paused_ms, saved.id), reverse=True)
        limit = number_of(ask.query.get("limit")) or MOST
        return Reply(body=[self._out(saved) for saved in found[: max(1, min(limit, MOST))]])

    def delete(self, ask: Ask) -> Reply:
        """Forget one saved position, or call off the check-in of that id. Raises RefusedError (404)."""
        number = number_of(ask.args.get("id", ""))
        if not number or number < 0:
            raise refuse(404, "url_failed", "The id is a number.")
        library = ask.user.library
        saved = next((saved for saved in library.playbacks.values() if saved.id == number), None)
        session = library.session
        if saved is not None:
            library.drop_playback(saved.item.title, self._state.clock.now_ms())
        elif session is not None and session.id == number:
            library.session = None
        else:
            raise refuse(404, "empty", "There is no such playback.")
        if self._state.switches.delete_answer == "body":
            return Reply(body={"deleted": True})
        return Reply(status=204)

    def _wanted(self, ask: Ask, library: Library, saved: Playback, kind: str) -> bool:
        if kind and KINDS[kind] != (saved.item.episode is None):
            return False
        since, until = parse(ask.query.get("date_from")), parse(ask.query.get("date_to"))
        if (since is not None and saved.paused_ms < since) or (until is not None and saved.paused_ms >= until):
            return False
        if ask.query.get("hide_watched", "true").lower() in ("false", "no", "0"):
            return True
        watch = library.watch_of(saved.item)
        return watch is None or watch.watched_ms < saved.paused_ms

    def _out(self, saved: Playback) -> dict[str, Any]:
        switches = self._state.switches
        progress = plain_number(saved.progress)
        return {
            "id": saved.id,
            "progress": round(progress) if switches.playback_progress == "integer" else progress,
            "paused_at": stamp(saved.paused_ms),
            "type": "episode" if saved.item.episode else "movie",
            **item_out(saved.item, switches, number_key=switches.playback_number_key),
        }
