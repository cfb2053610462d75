"""The control socket: who may use it, what it answers, how it ends (contract.md 1.3)."""

import asyncio
import os
import socket
import stat
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from scrobbler.control import client
from scrobbler.control.client import CommandError, NoDaemonError
from scrobbler.control.server import ControlError, ControlServer

pytestmark = pytest.mark.anyio


class Answer(Struct):
    """Some value of ours."""

    number: int


class Commands:
    """Handlers, and what came of the streams."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def double(self, args: dict[str, Any]) -> Answer:
        return Answer(number=2 * args["number"])

    async def refuse(self, _: dict[str, Any]) -> None:
        raise ControlError("there is no account 'x'")

    async def crash(self, _: dict[str, Any]) -> None:
        raise RuntimeError("secret detail")

    async def count(self, args: dict[str, Any]) -> AsyncIterator[Any]:
        try:
            for number in range(args["until"]):
                yield Answer(number=number)
                await asyncio.sleep(0.01)
            if args["until"] == 3:
                raise ControlError("that was too much")
        finally:
            self.ended.set()

    def server(self, folder: Path) -> ControlServer:
        handlers = {"double": self.double, "refuse": self.refuse, "crash": self.crash}
        return ControlServer(folder, handlers, {"count": self.count})


async def ask(folder: Path, command: str, **args: Any) -> Any:
    """Ask from a thread, as the command line is another process."""
    return await asyncio.to_thread(partial(client.call, folder, command, timeout_s=5, **args))


async def test_asks_and_answers(tmp_path: Path):
    """A command gets its value as plain JSON values."""
    async with Commands().server(tmp_path):
        assert await ask(tmp_path, "double", number=21) == {"number": 42}
        assert await asyncio.to_thread(client.running, tmp_path)


async def test_only_its_own_user_may_connect(tmp_path: Path):
    """The socket has mode 0600."""
    async with Commands().server(tmp_path) as server:
        mode = server.path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("command", "words"),
    [("refuse", "there is no account 'x'"), ("crash", "its log says more"), ("dance", "does not know 'dance'")],
)
async def test_refusals_are_sentences(tmp_path: Path, command: str, words: str):
    """A refusal, a bug and an unknown command each reach the asker as one sentence, without detail."""
    async with Commands().server(tmp_path):
        with pytest.raises(CommandError, match=words) as caught:
            await ask(tmp_path, command)
        assert await ask(tmp_path, "double", number=1) == {"number": 2}
    assert "secret" not in str(caught.value)


async def test_streams(tmp_path: Path):
    """A stream gives its items one by one and ends when it has no more, or with its error."""
    async with Commands().server(tmp_path):
        items = await asyncio.to_thread(lambda: list(client.stream(tmp_path, "count", until=2)))
        assert items == [{"number": 0}, {"number": 1}]
        with pytest.raises(CommandError, match="too much"):
            await asyncio.to_thread(lambda: list(client.stream(tmp_path, "count", until=3)))


async def test_a_stream_ends_when_nobody_listens(tmp_path: Path):
    """A stream whose asker hung up is closed."""
    commands = Commands()

    def first() -> Any:
        items = client.stream(tmp_path, "count", until=10_000)
        found = next(items)
        items.close()  # type: ignore[attr-defined]
        return found

    async with commands.server(tmp_path):
        assert await asyncio.to_thread(first) == {"number": 0}
        async with asyncio.timeout(5):
            await commands.ended.wait()


async def test_stop_ends_streams(tmp_path: Path):
    """When the daemon stops, open streams end at once, the file goes, and no task is left."""
    commands = Commands()
    tasks = asyncio.all_tasks()
    server = commands.server(tmp_path)
    await server.start()
    watching = asyncio.ensure_future(asyncio.to_thread(lambda: list(client.stream(tmp_path, "count", until=10_000))))
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await server.stop()
    assert time.monotonic() - begun < 1
    with pytest.raises(CommandError, match=r"ended|hung up"):
        await watching
    assert commands.ended.is_set()
    assert not server.path.exists()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def test_no_daemon(tmp_path: Path):
    """Without a daemon, or with the file of a dead one, the asker learns that none runs."""
    with pytest.raises(NoDaemonError):
        await ask(tmp_path, "double")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(NoDaemonError):
        await ask(tmp_path, "double")
    assert not client.running(tmp_path)


async def test_a_stale_file_is_replaced(tmp_path: Path):
    """The socket file of a daemon that was killed does not keep the next one from starting."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    async with Commands().server(tmp_path):
        assert await ask(tmp_path, "double", number=2) == {"number": 4}


async def test_a_very_long_path(tmp_path: Path):
    """A state directory with a name beyond the kernel's limit for sockets works."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    async with Commands().server(folder):
        assert await ask(folder, "double", number=2) == {"number": 4}
    assert not list(folder.iterdir())


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"\xff\xfe\n", b'{"command": 3}\n', b"no line end"])
async def test_nonsense(tmp_path: Path, line: bytes):
    """Whatever is written to the socket, the server answers or hangs up, and goes on."""
    async with Commands().server(tmp_path) as server:
        reader, writer = await asyncio.open_unix_connection(server.path)
        writer.write(line)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert b"could not be read" in answer
        assert await ask(tmp_path, "double", number=2) == {"number": 4}


async def test_no_descriptors_leak(tmp_path: Path):
    """Many questions leave no descriptor open."""
    async with Commands().server(tmp_path):
        await ask(tmp_path, "double", number=1)
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(20):
            await ask(tmp_path, "double", number=1)
        await asyncio.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
