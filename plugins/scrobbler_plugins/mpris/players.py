"""Who is on the bus: names of players, which of them count, and which are one and the same. Pure (players.md 7)."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

PREFIX = "org.mpris.MediaPlayer2."

_PROXIES = frozenset({"playerctld"})
_PHONES = frozenset({"kdeconnect"})
_REPEATERS = frozenset({"plasma-browser-integration"})
_BROWSERS = frozenset(
    {"brave", "chrome", "chromium", "edge", "epiphany", "falkon", "firefox", "floorp", "konqueror", "librewolf"}
    | {"mullvadbrowser", "opera", "palemoon", "qutebrowser", "seamonkey", "thorium", "vivaldi", "waterfox", "zen"}
)


class Presence(NamedTuple):
    """One name on the bus, the connection that owns it, and the process behind that; 0 where the bus does not tell."""

    name: str
    owner: str
    pid: int

    @property
    def short(self) -> str:
        """The name without what all players have in common."""
        return self.name.removeprefix(PREFIX)

    @property
    def label(self) -> str:
        """The player's name in events: the same for both names of one VLC, another for the next process."""
        base = re.sub(rf"\.instance[-_]?{self.pid}$", "", self.short) if self.pid else self.short
        return f"{base}#{self.pid}" if self.pid else base

    @property
    def browser(self) -> bool:
        """Whether it shows web pages."""
        return bool(_words(self.short) & _BROWSERS)


class Choice(NamedTuple):
    """Which players are followed, and why the others are not."""

    followed: list[Presence]
    left_out: list[tuple[Presence, str]]


def choose(present: Iterable[Presence], wanted: Sequence[str], before: Container[str] = ()) -> Choice:
    """Choose among who is on the bus: who is wanted, each player once.

    Of two names of one player, the one whose connection was followed before stays, else the shorter one is taken.
    """
    followed: list[Presence] = []
    left_out: list[tuple[Presence, str]] = []
    for one in sorted(present, key=lambda one: (one.owner not in before, len(one.name), one.name)):
        why = _never(one) or _unwanted(one, wanted)
        twin = None if why else next((other for other in followed if _same(one, other)), None)
        if twin is not None:
            why = f"another name of {twin.short}"
        if why:
            left_out.append((one, why))
        else:
            followed.append(one)
    return Choice(followed, left_out)


def changes(before: Mapping[str, Presence], followed: Sequence[Presence]) -> tuple[list[str], list[Presence]]:
    """Return the connections that are to be left, and the players that are to be followed from now on."""
    owners = {one.owner for one in followed}
    return [owner for owner in before if owner not in owners], [one for one in followed if one.owner not in before]


def _never(one: Presence) -> str:
    words = _words(one.short)
    if words & _PROXIES:
        return "repeats another player"
    if words & _REPEATERS:
        return "repeats what a browser plays"
    if words & _PHONES:
        return "a phone"
    return ""


def _unwanted(one: Presence, wanted: Sequence[str]) -> str:
    words, name = _words(one.short), one.short.casefold()
    if any(pattern.casefold() in words or fnmatchcase(name, pattern.casefold()) for pattern in wanted):
        return ""
    return "a browser, and not among `players`" if one.browser else "not among `players`"


def _same(one: Presence, other: Presence) -> bool:
    """Tell whether two names are one player: VLC has two, each with a connection of its own.

    Windows of one process (Celluloid) have names of which none begins the other.
    """
    if one.owner == other.owner:
        return True
    shorter, longer = sorted((one.name, other.name), key=len)
    return one.pid == other.pid and longer.startswith(f"{shorter}.")


def _words(short: str) -> frozenset[str]:
    """Take a name apart: `io.github.celluloid_player.Celluloid.instance-1` has the word `celluloid`."""
    return frozenset(re.sub(r"[-_.]instance[-_]?\w*$", "", part) for part in short.casefold().split("."))
