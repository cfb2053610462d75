"""Lines as the user's own `pattern` describes them."""

import re
from datetime import UTC, datetime

from msgspec import Struct, field

from scrobbler.api import File, Kind, User
from scrobbler_plugins.logfile.media import clean, media_of
from scrobbler_plugins.logfile.parse import MAX_MS, LineFormat, Said, Settings, keep
from scrobbler_plugins.logfile.patterns import (
    MAX_LINE,
    MEANINGS,
    QUICK_LINE,
    Meaning,
    TooSlowError,
    compile_pattern,
)
from scrobbler_plugins.logfile.times import MONTHS, make, parse_zone

_KINDS: dict[Meaning, Kind] = {
    "start": "play",
    "pause": "pause",
    "resume": "play",
    "progress": "progress",
    "stop": "stop",
    "end": "end",
    "watched": "watched",
}
_CLOCK = re.compile(r"(?:(?P<h>\d{1,3}):)?(?P<m>\d{1,3}):(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))?")
_SECONDS = re.compile(r"\d{1,8}(?:[.,]\d{1,9})?")
_EPOCH = re.compile(r"(?P<s>\d{9,10})(?:\.\d+)?|(?P<ms>\d{13})")
_ISO = re.compile(
    r"(?P<y>\d{4})[-/.](?P<mo>\d\d)[-/.](?P<d>\d\d)[T ](?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r" ?(?P<z>Z|[+-]\d\d:?\d\d)?"
)
_CLF = re.compile(
    r"(?P<d>\d\d)/(?P<mo>[A-Za-z]{3})/(?P<y>\d{4}):(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?P<f>)(?: (?P<z>[+-]\d{4}))?"
)
_DAY = re.compile(r"(?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,6}))?)?")


class State(Struct, kw_only=True, omit_defaults=True):
    """What each user plays: a line without a name speaks of that."""

    playing: dict[str, tuple[str, str]] = field(default_factory=dict)


class OwnFormat(LineFormat):
    """Reads lines that match one of the patterns; the first that does counts."""

    Notes = State
    state: State

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._patterns = [compile_pattern(pattern) for pattern in settings.patterns]
        self._words = {word.casefold(): meaning for word, meaning in settings.words.items()}
        self._longest = MAX_LINE

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        match = self._match(line)
        meaning = self._meaning(_group(match, "event")) if match else None
        if match is None or meaning is None:
            return []
        user = clean(_group(match, "user")).strip()
        path, title = clean(_group(match, "file")).strip(), clean(_group(match, "title")).strip()
        if not path and not title:
            path, title = self.state.playing.get(user, ("", ""))
        if not path and not title:
            return []
        keep(self.state.playing, user, (path, title))
        if path:
            key, item, skip = media_of(path, title)
        else:
            key, item, skip = title, File(path=title, title=title), None
        return [
            Said(
                kind=_KINDS[meaning],
                player=user or "log",
                item_key=key or "?",
                item=item,
                user=User(name=user) if user else None,
                position_ms=span_ms(_group(match, "position")),
                duration_ms=span_ms(_group(match, "duration")) or None,
                at_ms=self._when(_group(match, "time").strip(), now_ms),
                skip=skip,
            )
        ]

    def _match(self, line: str) -> re.Match[str] | None:
        if len(line) > self._longest:
            return None
        try:
            return next((found for pattern in self._patterns if (found := self.settings.search(pattern, line))), None)
        except TooSlowError:
            self._longest = max(QUICK_LINE, len(line) // 2)
            self.trouble = (
                f"`pattern` takes too long for a line of {len(line)} characters; lines of more than {self._longest} are passed "
                'over from now on. Write what a part cannot hold, such as `\\S+` or `[^"]+`, instead of `.*`'
            )
            return None

    def _meaning(self, word: str) -> Meaning | None:
        folded = word.strip().casefold()
        if folded in self._words:
            return self._words[folded]
        return next((meaning for meaning in _KINDS if meaning == folded), None) if folded in MEANINGS else None

    def _when(self, text: str, now_ms: int) -> int | None:
        if not text:
            return None
        if epoch := _EPOCH.fullmatch(text):
            return self.times.known(int(epoch["ms"]) if epoch["ms"] else int(epoch["s"]) * 1000)
        match = _ISO.fullmatch(text) or _CLF.fullmatch(text)
        if match:
            month = MONTHS.get(match["mo"].lower(), match["mo"])
            moment = make(match["y"], month, match["d"], match["h"], match["m"], match["s"] or "0", match["f"] or "")
            return None if moment is None else self._full(moment, match["z"] or "")
        if day := _DAY.fullmatch(text):
            moment = make("2000", 1, "1", day["h"], day["m"], day["s"] or "0", day["f"] or "")
            return None if moment is None else self.times.of_day(moment.time(), now_ms)
        return None

    def _full(self, moment: datetime, zone: str) -> int:
        offset = parse_zone(zone) if zone else None
        if offset is None:
            return self.times.local(moment)
        utc = moment.replace(tzinfo=UTC) - offset
        return self.times.known(int(utc.timestamp() * 1000))


def _group(match: re.Match[str] | None, name: str) -> str:
    if match is None or name not in match.re.groupindex:
        return ""
    return match[name] or ""


def span_ms(text: str) -> int | None:
    """Read seconds (`745`, `745.2`, `745,2`) or a clock (`12:25`, `1:02:03.5`) as ms; None for anything else."""
    text = text.strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        seconds = int(clock["h"] or 0) * 3600 + int(clock["m"]) * 60 + int(clock["s"])
        value = seconds * 1000 + int(((clock["f"] or "") + "000")[:3])
    elif text.isascii() and _SECONDS.fullmatch(text):
        value = round(float(text.replace(",", ".")) * 1000)
    else:
        return None
    return value if value <= MAX_MS else None
