"""Jellyfin's log, up to 10.11 and from 12.0 on, as written to files and to the console (players.md 8.2)."""

import re
from datetime import UTC, datetime, time
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import File, User
from scrobbler_plugins.logfile.media import clean
from scrobbler_plugins.logfile.parse import LineFormat, Said, whole_ms
from scrobbler_plugins.logfile.times import make, parse_zone

_STAMP = re.compile(
    r"\[?(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[ T])?(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,7}))?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?(?: ?(?P<zone>Z|[+-]\d\d:?\d\d))?\]? (?P<rest>.*)"
)
# Names hold anything, so the fixed words are looked for from the right.
_STOPPED = re.compile(
    r"Playback stopped reported by app (?P<app>.+?) playing (?P<item>.*)\. Stopped at (?P<at>\"?\w+\"?) ?ms$"
)
_STARTED_12 = re.compile(r"User (?P<user>.+?) started playback of '(?P<item>.*)' \((?P<app>.*)\)$")
_STOPPED_12 = re.compile(
    r"User (?P<user>.+?) stopped playback of '(?P<item>.*)' at (?P<at>\"?\w+\"?) ?ms \((?P<app>.*)\)$"
)
_QUOTED_APP = re.compile(r'^"(?P<app>.*)" "(?P<version>[^"]*)"$')


class State(Struct, kw_only=True, omit_defaults=True):
    """Nothing: each line says all."""


class _What(NamedTuple):
    app: str
    item: str


class JellyfinFormat(LineFormat):
    """Reads Jellyfin's `log_*.log`.

    The log has the name of the film or of the episode, never of the series. From 12.0 on it tells who watches.
    """

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        stamp = _STAMP.match(line)
        if stamp is None or "SessionManager" not in stamp["rest"]:
            return []
        _, _, text = stamp["rest"].partition("SessionManager: ")
        said = self._text(text.rstrip())
        if said is None:
            return []
        return [replace(said, at_ms=self._when(stamp, now_ms))]

    def _text(self, text: str) -> Said | None:
        if match := _STARTED_12.match(text):
            what = _what(match["app"], match["item"])
            user = _bare(match["user"])
            player = f"{user} {what.app}"
            return _said("play", player, what, user)
        if match := _STOPPED_12.match(text):
            what, user = _what(match["app"], match["item"]), _bare(match["user"])
            player = f"{user} {what.app}"
            return _said("stop", player, what, user, match["at"])
        if match := _STOPPED.match(text):
            what = _what(match["app"], match["item"])
            return _said("stop", what.app, what, "", match["at"])
        return None

    def _when(self, stamp: re.Match[str], now_ms: int) -> int:
        if stamp["year"] is None:
            hour = int(stamp["h"])
            if stamp["half"]:
                hour = hour % 12 + (12 if stamp["half"][0] in "Pp" else 0)
            try:
                clock = time(hour, int(stamp["m"]), int(stamp["s"]), int(((stamp["f"] or "") + "000000")[:6]))
            except ValueError:
                return self.times.known(now_ms)
            return self.times.of_day(clock, now_ms)
        moment = make(stamp["year"], stamp["month"], stamp["day"], stamp["h"], stamp["m"], stamp["s"], stamp["f"] or "")
        if moment is None:
            return self.times.known(now_ms)
        offset = parse_zone(stamp["zone"]) if stamp["zone"] else None
        if offset is None:
            return self.times.local(moment)
        return self.times.known(_utc_ms(moment) - int(offset.total_seconds() * 1000))


def _utc_ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _what(app: str, item: str) -> _What:
    quoted = _QUOTED_APP.match(app)
    name = quoted["app"] if quoted else app.rpartition(" ")[0] or app
    return _What(clean(name), clean(_bare(item)))


def _bare(text: str) -> str:
    """Take the quotes away that the file has and the console has not."""
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _said(kind: Literal["play", "stop"], player: str, what: _What, user: str, at: str = "") -> Said | None:
    if not what.item:
        return None
    return Said(
        kind=kind,
        player=player or "jellyfin",
        item_key=what.item,
        item=File(path=what.item, title=what.item),
        user=User(name=clean(user)) if user else None,
        position_ms=whole_ms(_bare(at)),
        device=what.app,
    )
