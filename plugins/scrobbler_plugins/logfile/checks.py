"""What `scrobbler doctor` tries for logs."""

import glob
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec import UNSET

from scrobbler.api import CheckResult
from scrobbler_plugins.logfile.family import Family, Member, families, open_member
from scrobbler_plugins.logfile.options import Options
from scrobbler_plugins.logfile.parse import LineFormat
from scrobbler_plugins.logfile.text import cut, encoding_of

_LOOKED_AT = 1024 * 1024
_AHEAD_MS = 5 * 60_000

_NOT_THERE = "It is read as soon as it appears. If the program writes already, check the path."
_HOLD = "Hold your pattern against a line of the file; `scrobbler test` helps."
_PLAY = "Play something, then look again."
_ADVICE = {
    "plex": 'In Plex: Settings, General, turn on "Enable Plex Media Server debug logging".',
    "jellyfin": "The log tells of a play when it ends (before 12.0) or begins; play something, then look again.",
    "access": "Add the byte range to the log format; docs/players/logfile.md has the line.",
    "mpv": "The lines wanted are at the level v, which --log-file writes by itself.",
}


def examine(
    patterns: list[str], new_format: Callable[[], LineFormat], options: Options, now_ms: int
) -> list[CheckResult]:
    """Try every pattern. Blocks on the file system."""
    return [result for pattern in patterns for result in _pattern(pattern, new_format, options, now_ms)]


def _pattern(
    pattern: str, new_format: Callable[[], LineFormat], options: Options, now_ms: int
) -> Iterator[CheckResult]:
    try:
        found = sorted(families(pattern))
    except OSError as error:
        yield _bad(pattern, error)
        return
    if not found:
        folder = os.path.dirname(pattern)  # noqa: PTH120
        where = "" if glob.has_magic(folder) else _where(folder)
        yield CheckResult(good=True, what=f"{pattern}: no file matches yet{where}", advice=_NOT_THERE)
    for family in found:
        yield _family(family, new_format, options, now_ms)


def _family(family: Family, new_format: Callable[[], LineFormat], options: Options, now_ms: int) -> CheckResult:
    try:
        live = [one for one in family.members() if one.live]
        if not live:
            what = f"{family.key}: there is no such file yet{_where(family.folder)}"
            return CheckResult(good=True, what=what, advice=_NOT_THERE)
        return _file(live[-1], new_format(), options, now_ms)
    except OSError as error:
        return _bad(family.key, error)


def _where(folder: str) -> str:
    return "" if os.path.isdir(folder) else " (its folder does not exist)"  # noqa: PTH112


def _bad(what: str, error: OSError) -> CheckResult:
    advice = "Give the user who runs the daemon the right to read it." if isinstance(error, PermissionError) else ""
    return CheckResult(good=False, what=f"{what}: {error.strerror or error}", advice=advice)


def _file(member: Member, reader: LineFormat, options: Options, now_ms: int) -> CheckResult:
    with open_member(member.path) as file:
        head = file.read(256)
        file.seek(max(0, member.size - _LOOKED_AT) // 2 * 2)
        data = file.read(_LOOKED_AT)
    lines = cut(data, 0, encoding_of(head))
    said = [one for line in lines for one in reader.feed(line.text, now_ms)]
    name = member.path
    if reader.trouble:
        return CheckResult(good=False, what=f"{name}: {reader.trouble}", advice=_HOLD)
    if not said:
        advice = _ADVICE.get(str(options.format), _PLAY)
        if not lines:
            return CheckResult(good=True, what=f"{name}: nothing is written in it yet", advice=_PLAY)
        if options.pattern is not UNSET:
            advice = _HOLD
        return CheckResult(good=True, what=f"{name}: {len(lines)} lines, none of them tells of a play", advice=advice)
    last = max((one.at_ms for one in said if one.at_ms is not None), default=None)
    if last is not None and last - now_ms > _AHEAD_MS:
        at = datetime.fromtimestamp(last / 1000, UTC)
        return CheckResult(
            good=False,
            what=f"{name}: its last play lies in the future ({at:%Y-%m-%d %H:%M} UTC)",
            advice="Set `timezone` to the zone of the program that writes it.",
        )
    return CheckResult(good=True, what=f"{name}: {len(lines)} lines, {len(said)} of them tell of plays")
