"""What plays: from its metadata to an item of ours, or to a reason why it is none. Pure (players.md 7, 10)."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from scrobbler.api import File, Skip
from scrobbler.api.location import Location, locate, locate_url, own_title, readable, scheme_of
from scrobbler_plugins.mpris.messages import Told


class Media(NamedTuple):
    """What plays: the name it keeps, how it is shown, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


class Rules(NamedTuple):
    """What of the configuration decides what counts: titles without files, and paths, which may be addresses."""

    titles: Sequence[str] = ()
    paths: Sequence[str] = ()


def identify(told: Told, rules: Rules, *, browser: bool = False) -> Media | None:
    """Name what plays. Never by its track id: players use one again for every file. None: nothing of ours, not even to tell.

    A file counts. An address counts where `paths` includes it, a title without a file where `titles` has it. What else a
    browser plays is nobody's business.
    """
    if told.vacant:
        return None
    there = locate_url(told.url) if scheme_of(told.url) else locate(told.url)
    if told.url and there.place == "file":
        skip = there.skip or ("music" if told.music and "." not in told.url.rpartition("/")[2] else None)
        return Media(there.key, File(path=there.path, title=own_title(told.title, there.path)), skip)
    if told.url and there.place == "disc":  # every disc has the same path
        return Media(f"{there.key}|{readable(told.title)}", File(path=there.path, title=readable(told.title)), None)
    address = _included(there, rules.paths) if told.url else ""
    if address:
        return Media(there.key, File(path=address, title=own_title(told.title, address)), None)
    title = _fitting(readable(told.title), rules.titles)
    if title:
        return Media(f"title:{title}", File(path=title.replace("/", " ")), "music" if told.music else None)
    if browser or not told.url:
        return None
    return Media(there.key, File(path=there.path, title=readable(told.title)), there.skip)


def _included(there: Location, patterns: Sequence[str]) -> str:
    """Return the address without its query, if it is one of those that count as files."""
    address = there.path.rpartition("#")[0]
    fits = any(fnmatchcase(address.casefold(), pattern.casefold()) for pattern in patterns if scheme_of(pattern))
    return address if fits and there.skip == "web_stream" else ""


def _fitting(title: str, patterns: Sequence[str]) -> str:
    """Return what of a title counts; empty: it fits no pattern."""
    for pattern in patterns:
        if not fnmatchcase(title.casefold(), pattern.casefold()):
            continue
        before, star, after = pattern.partition("*")
        if star and not any(special in before + after for special in "*?["):
            return title[len(before) : len(title) - len(after)].strip()
        return title
    return ""
