"""What VLC plays: from its address and streams to an item of ours, or to a reason why it is none (players.md 10)."""

from typing import NamedTuple

from scrobbler.api import File, Skip
from scrobbler.api.location import locate_url
from scrobbler_plugins.vlc.messages import Streams


class Media(NamedTuple):
    """What plays in VLC: the name it keeps, how it is shown, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def identify(uri: str, title: str, name: str, streams: Streams) -> Media:
    """Name what VLC plays: `uri` from its playlist, `title` and `name` (of the file) from its status."""
    title = "" if title in (name, name.rpartition(".")[0]) else title
    if "://" not in uri:
        return Media(f"?{name}", File(path=name or "?", title=title), "unknown_type")
    there = locate_url(uri)
    item = File(path=there.path, title=title)
    if there.place == "file":
        return Media(there.key, item, there.skip or ("music" if streams == "audio" else None))
    if there.place == "disc":  # every disc has the same path, and its title is its label; `#` begins a place on it
        path = there.path.partition("#")[0]
        return Media(f"{path}|{title}", File(path=path, title=title), None)
    return Media(there.key, item, there.skip)
