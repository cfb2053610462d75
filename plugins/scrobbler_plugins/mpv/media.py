"""What mpv plays: from its path, title and tracks to an item of ours, or to a reason why it is none (players.md 5.5, 10)."""

import os.path
from typing import Any, NamedTuple

from scrobbler.api import File, Skip
from scrobbler.api.location import decoded, kind_of, locate, own_title, readable, scheme_of


class Media(NamedTuple):
    """A file in mpv: the name it keeps, how it is shown, and why it is no play of ours."""

    key: str
    item: File
    skip: Skip | None


def identify(path: str, folder: str, title: str, tracks: Any) -> Media:
    """Name what mpv plays.

    `path` is mpv's, relative to `folder` or a URL, both may hold bytes as surrogates; `tracks` is mpv's track list.
    """
    scheme = scheme_of(path)
    if scheme == "file":
        path, scheme = decoded(path[len("file://") :]), ""
    elif scheme == "archive":  # `archive://outer|/inner`: the inner name is the one that tells
        outer, _, inner = path[len("archive://") :].partition("|")
        path, scheme = decoded(outer).removeprefix("file://") + "/" + inner.lstrip("/"), ""
    if path == "-":
        return Media("-", File(path="-", title=readable(title)), "unknown_type")
    if not scheme:
        path = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 (names, not the disk)
    there = locate(path)
    if there.place == "file":
        return Media(there.key, File(path=there.path, title=own_title(title, path)), _kind(path, tracks))
    if there.place == "disc":  # every disc has the same path
        return Media(f"{there.key}|{readable(title)}", File(path=there.path, title=own_title(title, path)), None)
    told = "" if title in path else title  # mpv makes a title of the address, with all that is secret in it
    return Media(there.key, File(path=there.path, title=readable(told)), there.skip)


def _kind(path: str, tracks: Any) -> Skip | None:
    kinds = [track for track in tracks if isinstance(track, dict)] if isinstance(tracks, list) else []
    video = [track for track in kinds if track.get("type") == "video"]
    audio = any(track.get("type") == "audio" for track in kinds)
    if any(not track.get("image") and not track.get("albumart") for track in video):
        return "photo" if path.lower().endswith(".gif") else None
    if audio:
        return "music"
    return "photo" if video else kind_of(path)
