"""Where the server listens, and how it ends."""

import asyncio
import contextlib
import signal
import socket
import time

import pytest

from scrobbler.hooks.app import build_app
from scrobbler.hooks.server import HttpServer, ListenError
from tests.hooks.house import SECRET, House, open_house, read_reply

pytestmark = pytest.mark.anyio


def server(*listen: tuple[str, int]) -> HttpServer:
    """Make a server of an empty house."""
    house = House()
    return HttpServer(build_app(house.door, house.status, lambda: house.http), listen)


async def test_several_addresses():
    """It serves on all addresses, v6 as well, and says which ports it got."""
    async with server(("127.0.0.1", 0), ("::1", 0), ("localhost", 0)) as http:
        assert len(http.addresses) >= 3
        for host, port in http.addresses:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await read_reply(reader)).code == 200
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "is not an address of this machine"), ("no.such.host.invalid", "is not known")],
)
async def test_addresses_that_cannot_be(host: str, words: str):
    """An address that is not ours is one sentence that names the setting."""
    http = server(("127.0.0.1", 0), (host, 7465))
    with pytest.raises(ListenError, match=words) as caught:
        await http.start()
    assert "http.listen" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert http.addresses == []


async def test_a_port_that_is_taken():
    """A taken port is one sentence that names the address and the setting, and nothing keeps listening."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            first = free.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port} is taken by another program") as caught:
            await server(("127.0.0.1", first), ("127.0.0.1", port)).start()
        assert "http.listen" in str(caught.value)
        with socket.create_server(("127.0.0.1", first)) as again:
            assert again.getsockname()[1] == first


async def test_stop_is_quick_whoever_hangs_on():
    """Silent, half-sent and waiting connections do not hold the end up for more than a second."""
    house = House()
    house.door.slow = asyncio.Event()
    post = f"POST /hooks/attic/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n".encode()
    begun = 0.0
    connections = []
    async with open_house(house):
        for text in (b"", b"GET /heal", post + b"x", post + b"{}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(text)
            connections.append((reader, writer))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 1.5
    for reader, writer in connections:
        async with asyncio.timeout(1):
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", house.port)


async def test_a_hook_in_progress_is_finished_first():
    """A hook that is being stored while the server stops still gets its answer."""
    house = House()
    house.door.slow = asyncio.Event()
    async with open_house(house):
        asking = asyncio.ensure_future(house.ask("POST", f"/hooks/attic/{SECRET}", {}, b"{}"))
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.2, house.door.slow.set)
    assert (await asking).code == 204


async def test_signals_and_tasks_stay_the_daemons():
    """The server installs no signal handler and leaves no task behind."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    tasks = asyncio.all_tasks()
    async with open_house() as house:
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        assert asyncio.all_tasks() == tasks
        await house.ask("GET", "/healthz")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def test_nonsense_is_answered():
    """What is no HTTP gets a 400, and the server goes on."""
    async with open_house() as house:
        assert (await house.raw([b"\x16\x03\x01\r\n\r\n"])).code == 400
        assert (await house.ask("GET", "/healthz")).code == 200
