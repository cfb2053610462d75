"""What `scrobbler doctor` tries for mpv."""

import glob
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scrobbler.api import CheckResult
from scrobbler.api.location import readable
from scrobbler_plugins.mpv.messages import decode

_ANSWER_S = 2.0


def examine(patterns: list[str], written: list[str]) -> list[CheckResult]:
    """Try every pattern, absolute in `patterns` and as configured in `written`. Blocks: up to two seconds per mpv."""
    return [result for pattern, text in zip(patterns, written, strict=True) for result in _pattern(pattern, text)]


def conf_line(written: str) -> str:
    """Return the line for mpv.conf that puts a socket where this pattern looks."""
    folder, _, name = written.rpartition("/")
    fixed = name.replace("*", "mpv", 1).replace("*", "").replace("?", "1")
    return f"input-ipc-server={folder}/{fixed}"


def _pattern(pattern: str, written: str) -> Iterator[CheckResult]:
    folder = os.path.dirname(pattern)  # noqa: PTH120 (a pattern)
    advice = f"mkdir -p {os.path.dirname(written)} and add this line to mpv.conf: {conf_line(written)}"  # noqa: PTH120
    if not glob.has_magic(folder):
        if not Path(folder).is_dir():
            yield CheckResult(good=False, what=f"{written}: the folder does not exist", advice=advice)
            return
        yield from _folder(folder)
    paths = [path for path in sorted(glob.glob(pattern, recursive=True)) if _is_socket(path)]  # noqa: PTH207
    results = [_ask(path) for path in paths]
    live = sum(result is not None and result.good for result in results)
    stale = sum(result is None for result in results)
    yield from (result for result in results if result is not None)
    if live:
        return
    left = f", and {stale} left over from before" if stale else ""
    yield CheckResult(
        good=True,
        what=f"{written}: no mpv is running here now{left}",
        advice=f"If one is, this line is missing in its mpv.conf: {conf_line(written)}",
    )


def _folder(folder: str) -> Iterator[CheckResult]:
    mode = Path(folder).stat().st_mode
    if not os.access(folder, os.R_OK | os.X_OK):
        yield CheckResult(
            good=False,
            what=f"{readable(folder)}: this user may not look into the folder",
            advice="Run the daemon as the user who runs mpv, or give its group read and search permission.",
        )
    elif mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield CheckResult(
            good=False,
            what=f"{readable(folder)}: everybody may write there",
            advice=f"Whoever reaches mpv's socket can run programs as you: chmod 700 {readable(folder)}",
        )


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return False


def _ask(path: str) -> CheckResult | None:
    """Ask one socket for mpv's version; None for a file that nobody serves."""
    name = readable(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ANSWER_S)
        try:
            sock.connect(path)
            sock.sendall(msgspec.json.encode({"command": ["get_property", "mpv-version"], "request_id": 1}) + b"\n")
            version = _version(sock)
        except ConnectionRefusedError:
            return None
        except PermissionError:
            return CheckResult(
                good=False,
                what=f"{name}: permission denied",
                advice="mpv's sockets belong to the user who runs it: run the daemon as that user.",
            )
        except ConnectionError:  # hung up
            version = ""
        except OSError as error:
            return CheckResult(good=False, what=f"{name}: {error}", advice="Restart this mpv.")
    if not version:
        return CheckResult(good=False, what=f"{name}: something answers that is not mpv", advice="Choose another path.")
    mode = Path(path).stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return CheckResult(
            good=True,
            what=f"{name}: {version} answers; others than its owner may use the socket",
            advice=f"Whoever reaches it can run programs as you: chmod 600 {name}",
        )
    return CheckResult(good=True, what=f"{name}: {version} answers")


def _version(sock: socket.socket) -> str:
    rest = b""
    while data := sock.recv(65536):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            message = decode(line)
            if message is not None and message.request_id == 1:
                return str(message.data) if message.error == "success" else "mpv"
    return ""
