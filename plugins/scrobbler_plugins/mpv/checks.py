"""What `scrobbler doctor` tries for mpv."""

import asyncio
import glob
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from scrobbler.api import CheckResult
from scrobbler.api.location import readable
from scrobbler_plugins.mpv.messages import Lines, decode
from scrobbler_plugins.mpv.transport import Channel, Transport, is_pipe

NO_PIPES = "named pipes exist on Windows alone"

_ANSWER_S = 2.0
_QUESTION = msgspec.json.encode({"command": ["get_property", "mpv-version"], "request_id": 1}) + b"\n"


async def examine(places: Sequence[tuple[str, str, Transport | None]]) -> list[CheckResult]:
    """Try every place: its pattern, absolute and as configured, and how it is reached. Takes up to two seconds per mpv."""
    return [result for pattern, written, way in places async for result in _place(pattern, written, way)]


def conf_line(written: str) -> str:
    """Return the line for mpv.conf that puts a socket where this pattern looks."""
    if is_pipe(written):
        return f"input-ipc-server={written.replace('*', '').replace('?', '1')}"
    folder, _, name = written.rpartition("/")
    fixed = name.replace("*", "mpv", 1).replace("*", "").replace("?", "1")
    return f"input-ipc-server={folder}/{fixed}"


async def _place(pattern: str, written: str, way: Transport | None) -> AsyncIterator[CheckResult]:
    if way is None:
        advice = "name mpv's sockets by their paths; see docs/players/mpv.md"
        yield CheckResult(good=False, what=f"{written}: {NO_PIPES}", advice=advice)
        return
    if not is_pipe(pattern):
        for finding in _folder(pattern, written):
            yield finding
        if not _exists(pattern):
            return
    results = [await _ask(address, way) for address in sorted({address for address, _ in way.find(pattern)})]
    live = sum(result is not None and result.good for result in results)
    stale = sum(result is None for result in results)
    for result in filter(None, results):
        yield result
    if live:
        return
    left = f", and {stale} left over from before" if stale else ""
    yield CheckResult(
        good=True,
        what=f"{written}: no mpv is running here now{left}",
        advice=f"If one is, this line is missing in its mpv.conf: {conf_line(written)}",
    )


def _exists(pattern: str) -> bool:
    """Tell whether the folder of a pattern is there; one that is a pattern itself may come at any time."""
    folder = os.path.dirname(pattern)  # noqa: PTH120 (a pattern)
    return glob.has_magic(folder) or Path(folder).is_dir()


def _folder(pattern: str, written: str) -> Iterator[CheckResult]:
    folder = os.path.dirname(pattern)  # noqa: PTH120 (a pattern)
    if not _exists(pattern):
        advice = f"mkdir -p {os.path.dirname(written)} and add this line to mpv.conf: {conf_line(written)}"  # noqa: PTH120
        yield CheckResult(good=False, what=f"{written}: the folder does not exist", advice=advice)
        return
    if glob.has_magic(folder):
        return
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


async def _ask(address: str, way: Transport) -> CheckResult | None:
    """Ask one mpv for its version; None for a file that nobody serves."""
    name = readable(address)
    try:
        channel = await way.connect(address)
    except ConnectionRefusedError:
        return None
    except PermissionError:
        return CheckResult(
            good=False,
            what=f"{name}: permission denied",
            advice="mpv's sockets belong to the user who runs it: run the daemon as that user.",
        )
    except OSError as error:
        return CheckResult(good=False, what=f"{name}: {error}", advice="Restart this mpv.")
    try:
        version = await _version(channel)
    except TimeoutError:
        return CheckResult(good=False, what=f"{name}: timed out", advice="Restart this mpv.")
    finally:
        channel.rest()
        channel.close()
    if not version:
        return CheckResult(good=False, what=f"{name}: something answers that is not mpv", advice="Choose another path.")
    if _mode(address) & (stat.S_IWGRP | stat.S_IWOTH):
        return CheckResult(
            good=True,
            what=f"{name}: {version} answers; others than its owner may use the socket",
            advice=f"Whoever reaches it can run programs as you: chmod 600 {name}",
        )
    return CheckResult(good=True, what=f"{name}: {version} answers")


def _mode(address: str) -> int:
    with suppress(OSError):  # a pipe has none
        return Path(address).stat().st_mode
    return 0


async def _version(channel: Channel) -> str:
    """Return what mpv says it is; empty when it hangs up. Raises TimeoutError."""
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    lines = Lines()

    def heard(data: bytes) -> None:
        for line in lines.cut(data):
            message = decode(line)
            if message is not None and message.request_id == 1 and not answer.done():
                answer.set_result(str(message.data) if message.error == "success" else "mpv")
        if not data and not answer.done():
            answer.set_result("")

    channel.listen(heard)
    async with asyncio.timeout(_ANSWER_S):
        await channel.write(_QUESTION)
        return await answer
