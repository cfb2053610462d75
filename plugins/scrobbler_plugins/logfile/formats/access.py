"""Access logs of nginx and Apache (players.md 8.2): who fetched how much of which file, and over what time.

A request is no play. A file counts as watched when most of its bytes went out, over a time in which it can have been
watched. Nothing is said before that: probes, scanners and thumbnails look like the beginning of a play.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC
from urllib.parse import unquote

from msgspec import Struct, field

from scrobbler.api import File, User
from scrobbler_plugins.logfile.media import VIDEO, clean
from scrobbler_plugins.logfile.parse import LineFormat, Said, keep
from scrobbler_plugins.logfile.times import MONTHS, make, parse_zone

MOST = 0.8
"""So much of a file's bytes must have gone out."""

SHORTEST_MS = 5 * 60_000
"""What was fetched faster was not watched."""

FASTEST = 40_000_000 // 8
"""Bytes a second, on average over the whole play: what comes faster than the richest disc is a download."""

LONGEST_REQUEST_MS = 12 * 3_600_000
"""A line whose time is longer past than this was not written when its request was over; its clock is another one."""

BRIDGE_MS = 4 * 3_600_000
"""One answer may run as long as the film, and nginx writes it down when it is over: so long nothing need be heard."""

_LINE = re.compile(
    r"(?:\S+ )?(?P<address>\S+) \S+ (?P<user>\S+|\"[^\"]*\"|.{1,80}?)"
    r" \[(?P<d>\d\d)/(?P<mo>[A-Za-z]{3})/(?P<y>\d{4}):(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) (?P<z>[+-]\d{4})\]"
    r" \"(?P<method>[A-Z]{3,10}) (?P<target>[^\" ]+)(?: HTTP/[\d.]+)?\" (?P<status>\d{3}) (?P<bytes>\d{1,15}|-)"
    r"(?: \"(?P<referer>(?:[^\"\\]|\\.)*)\" \"(?P<agent>(?:[^\"\\]|\\.)*)\")?(?P<rest>.*)$"
)
_CONTENT_RANGE = re.compile(r"\bbytes (?P<first>\d{1,15})-(?P<last>\d{1,15})/(?P<size>\d{1,15}|\*)")
_RANGE = re.compile(r"\bbytes=(?P<first>\d{1,15})-(?P<last>\d{0,15})(?![\d,])")
_TOOK = re.compile(r"(?:\brt=|\brequest_time=| )(?P<s>\d{1,6}\.\d{3})(?= |$|\")")
_NOT_PLAYERS = re.compile(
    r"\b(?:wget|curl|aria2|rclone|axel|python|go-http-client|java|okhttp-probe|bot|crawl|spider|scan|jellyfin|emby|plex|infuse-scan"
    r"|tinymediamanager|sonarr|radarr|bazarr|monitor|uptime|jdownloader|transmission|davfs|rsync)",
    re.IGNORECASE,
)


class Fetch(Struct, kw_only=True, omit_defaults=True):
    """How much of one file one client has fetched: spans of bytes, `ends` of answers, times of the first and last bytes."""

    path: str
    user: str = ""
    first_ms: int
    last_ms: int
    size: int = 0
    sent: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


class State(Struct, kw_only=True, omit_defaults=True):
    """What is being fetched, by client and file."""

    fetches: dict[str, Fetch] = field(default_factory=dict)


class AccessFormat(LineFormat):
    """Reads the `combined` format, with the byte range in any field after it."""

    Notes = State
    state: State

    def read(self, line: str, now_ms: int) -> list[Said]:
        """Read one line."""
        del now_ms
        match = _LINE.match(line.rstrip())
        at_ms = self._when(match) if match else None
        if match is None or at_ms is None:
            return []
        said = list(self._silent(at_ms))
        if match["method"] == "GET" and match["status"] in ("200", "206") and match["bytes"] not in ("-", "0"):
            self._take(match, at_ms)
        return said

    def idle(self, now_ms: int) -> list[Said]:
        """End what nobody has asked for any more for so long."""
        return list(self._silent(now_ms))

    def _when(self, match: re.Match[str]) -> int | None:
        month = MONTHS.get(match["mo"].lower())
        offset = parse_zone(match["z"])
        moment = make(match["y"], month, match["d"], match["h"], match["m"], match["s"]) if month else None
        if moment is None or offset is None:
            return None
        return self.times.known(int((moment.replace(tzinfo=UTC) - offset).timestamp() * 1000))

    def _take(self, match: re.Match[str], at_ms: int) -> None:
        path = path_of(match["target"])
        agent = match["agent"] or ""
        if not VIDEO.search(path) or _NOT_PLAYERS.search(agent):
            return
        began_ms, ended_ms = self._span(match["rest"], at_ms)
        user = "" if match["user"] == "-" else clean(match["user"].strip('"'))
        client = f"{match['address']} {user} {agent}"
        name = hashlib.sha256(f"{client} {path}".encode("utf-8", "replace")).hexdigest()[:16]
        fetch = self.state.fetches.get(name)
        if fetch is None:
            fetch = Fetch(path=path, user=user, first_ms=began_ms, last_ms=ended_ms)
        if match["status"] == "200" and began_ms - fetch.last_ms > self.settings.silence_ms:
            fetch = Fetch(path=path, user=user, first_ms=began_ms, last_ms=ended_ms)  # the whole file anew: a download
        fetch.first_ms, fetch.last_ms = min(fetch.first_ms, began_ms), max(fetch.last_ms, ended_ms)
        keep(self.state.fetches, name, fetch)
        _count(fetch, match["status"], int(match["bytes"]), match["rest"])

    def _span(self, rest: str, at_ms: int) -> tuple[int, int]:
        """Say from when to when a request ran.

        nginx writes when it ended, and how long it took where that is logged; Apache writes when it began, and the line is
        there when it is over. Of a line that nobody saw written there is its own time alone.
        """
        if took := _TOOK.search(rest):
            return at_ms - int(float(took["s"]) * 1000), at_ms
        if self.seen_ms is None or self.seen_ms - at_ms > LONGEST_REQUEST_MS:
            return at_ms, at_ms
        return at_ms, max(at_ms, self.seen_ms)

    def _silent(self, now_ms: int) -> Iterator[Said]:
        for name, fetch in list(self.state.fetches.items()):
            if now_ms - fetch.last_ms <= self.settings.silence_ms:
                continue
            done = watched(fetch)
            if done or now_ms - fetch.last_ms > BRIDGE_MS:
                del self.state.fetches[name]
            if done:
                yield Said(
                    kind="watched",
                    player=f"web {name[:8]}",
                    item_key=fetch.path,
                    item=File(path=fetch.path),
                    user=User(name=fetch.user) if fetch.user else None,
                    at_ms=fetch.last_ms,
                )


def path_of(target: str) -> str:
    """Return the path of a request, decoded, without its query: that may hold a token."""
    plain = target.partition("?")[0].partition("#")[0]
    if "://" in plain:
        plain = "/" + plain.split("://", 1)[1].partition("/")[2]
    plain = re.sub(r"\\x([0-9A-Fa-f]{2})", r"%\1", plain)
    return clean(unquote(plain, errors="replace"))


def watched(fetch: Fetch) -> bool:
    """Judge a play that is over: most of the bytes, and not faster than anybody watches."""
    size = fetch.size or _size_by_ends(fetch)
    lasted_ms = fetch.last_ms - fetch.first_ms
    if not size or lasted_ms < SHORTEST_MS:
        return False
    covered = sum(last - first for first, last in fetch.spans)
    return covered >= MOST * size and fetch.sent * 1000 <= FASTEST * lasted_ms


def _count(fetch: Fetch, status: str, sent: int, rest: str) -> None:
    fetch.sent += sent
    first: int | None = 0 if status == "200" else None
    if answer := _CONTENT_RANGE.search(rest):
        first = int(answer["first"])
        if answer["size"] != "*":
            fetch.size = max(fetch.size, int(answer["size"]))
    elif (asked := _RANGE.search(rest)) and status == "206":
        first = int(asked["first"])
    if first is None:
        return
    end = first + sent if not fetch.size else min(first + sent, fetch.size)
    if end > first:
        fetch.spans = _joined([*fetch.spans, (first, end)])
        fetch.ends = [*fetch.ends, end][-50:]


def _size_by_ends(fetch: Fetch) -> int:
    """Guess the size where no answer tells it: two answers that end at the same last byte end where the file does."""
    last = max(fetch.ends, default=0)
    return last if fetch.ends.count(last) > 1 else 0


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
