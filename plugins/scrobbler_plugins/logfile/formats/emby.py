"""Emby's log (players.md 8.2)."""

import re

from msgspec import Struct, field

from scrobbler.api import Episode, File, Item, Kind, Show
from scrobbler_plugins.logfile.media import clean
from scrobbler_plugins.logfile.parse import LineFormat, Said, keep, whole_ms
from scrobbler_plugins.logfile.times import make

_LINE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,7}))?"
    r" \S+ SessionManager: Playback (?P<what>start|progress|stopped)\w*(?: \((?P<reason>\w+)\))? reported by app"
    r" (?P<app>.+?) playing (?P<item>.*)\. (?:Position:|Stopped at) (?P<at>\w+) ?ms\b(?P<rest>.*)$"
)
_SESSION = re.compile(r"PlaySessionId: (?P<id>\S+)")
_APP = re.compile(r"(?P<app>.+?) [\d.]+ on (?P<device>.+)$")
# `Series - S1, Ep2 - Title`; the numbers are not padded, and each part may be missing.
_EPISODE = re.compile(
    r"(?P<show>.+?) - (?:S(?P<season>\d{1,4}), )?Ep(?P<number>\d{1,5})(?:-(?:Ep)?(?P<last>\d{1,5}))?(?: - (?P<title>.*))?$"
)
_PLAYING: dict[str, Kind] = {"unpause": "play", "pause": "pause"}


class State(Struct, kw_only=True, omit_defaults=True):
    """Which players are paused: a report of progress that gives no reason does not say."""

    paused: dict[str, bool] = field(default_factory=dict)


class EmbyFormat(LineFormat):
    """Reads `embyserver.txt`. It does not say who watches."""

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        del now_ms
        match = _LINE.match(line.rstrip())
        if match is None:
            return []
        moment = make(match["year"], match["month"], match["day"], match["h"], match["m"], match["s"], match["f"] or "")
        text = clean(match["item"])
        if moment is None or not text:
            return []
        app = _APP.match(match["app"])
        session = _SESSION.search(match["rest"])
        player = clean(match["app"]) if app is None else clean(f"{app['app']} on {app['device']}")
        return [
            Said(
                kind=self._kind(match, session["id"] if session else player),
                player=player,
                item_key=text,
                item=item_of(text),
                position_ms=whole_ms(match["at"]),
                at_ms=self.times.local(moment),
                device=clean(app["device"]) if app else "",
            )
        ]

    def _kind(self, match: re.Match[str], session: str) -> Kind:
        if match["what"] == "start":
            return "play"
        if match["what"] == "stopped":
            self.state.paused.pop(session, None)
            return "stop"
        reason = (match["reason"] or "").lower()
        if reason in _PLAYING:
            keep(self.state.paused, session, reason == "pause")
            return _PLAYING[reason]
        return "pause" if self.state.paused.get(session) else "progress"


def item_of(text: str) -> Item:
    """Read the item's text: an episode by its numbers, anything else as the name of a film."""
    match = _EPISODE.match(text)
    if match is None:
        return File(path=text, title=text)
    return Episode(
        show=Show(title=match["show"]),
        season=int(match["season"]) if match["season"] else None,
        number=int(match["number"]),
        last_number=int(match["last"]) if match["last"] else None,
        title=match["title"] or "",
    )
