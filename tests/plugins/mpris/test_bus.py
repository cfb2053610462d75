"""Where the session bus is, and what is said when it cannot be had."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from scrobbler.api.connection import GoneError
from scrobbler.api.testkit import Recorder, running
from scrobbler.clock import SystemClock
from scrobbler_plugins.mpris import Plugin
from scrobbler_plugins.mpris.bus import address_of
from scrobbler_plugins.mpris.options import Options

pytestmark = pytest.mark.anyio

INSTALL = 'the package `dbus-fast` is not installed: install it by pip install "scrobblerd[mpris]"'


@pytest.fixture
def anyio_backend() -> str:
    """The library of the bus is asyncio's."""
    return "asyncio"


@pytest.fixture
def recorder() -> Recorder:
    """The daemon's side, in real time."""
    return Recorder(clock=SystemClock())


def source(recorder: Recorder, bus: str = "/nowhere/bus") -> Plugin:
    """Make the source for a bus."""
    return Plugin(Options(type="mpris", account="alice", bus=bus), recorder.context)


async def said(recorder: Recorder, plugin: Plugin) -> tuple[str, str, str]:
    """Return what status and doctor say: why the bus cannot be reached, what was tried, and what to do."""
    async with running(plugin):
        await recorder.when(lambda seen: seen.reach, seconds=30)
    (result,) = await plugin.check()
    assert not result.good
    assert not recorder.reach[0].up
    return recorder.reach[0].why, result.what, result.advice


def test_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """As configured, else as the session says; a path is enough."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/of/the/session")
    monkeypatch.setenv("HOME", "/home/me")
    assert address_of("") == "unix:path=/of/the/session"
    assert address_of("/run/user/1000/bus") == "unix:path=/run/user/1000/bus"
    assert address_of("~/my bus") == "unix:path=/home/me/my%20bus"
    assert address_of("unix:abstract=/tmp/x") == "unix:abstract=/tmp/x"


def test_no_bus_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service of the machine has no session: it is said who would have one, and what to do."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(GoneError, match=r"there is no session bus for the user .*: run the daemon as a user service"):
        address_of("")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dbus-fast the source cannot work here, and says what to install; with it nothing speaks against it."""
    assert Plugin.obstacle() == ""
    monkeypatch.setitem(sys.modules, "dbus_fast", None)
    assert Plugin.obstacle() == INSTALL


async def test_an_extra_that_is_broken(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dbus-fast that is there and cannot be loaded is to be installed anew: status and doctor say so."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "dbus_fast"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dbus_fast", None)
    why, what, advice = await said(recorder, source(recorder))
    assert why == INSTALL
    assert (what, advice) == (
        "the package `dbus-fast` is not installed",
        'Install it by pip install "scrobblerd[mpris]"',
    )


async def test_a_bus_that_is_not_running(recorder: Recorder, tmp_path: Path) -> None:
    """A socket that is not there, or that nobody serves, is no running bus."""
    why, what, advice = await said(recorder, source(recorder, str(tmp_path / "bus")))
    assert why.startswith(what)
    assert what.startswith("no session bus is running for the user ")
    assert advice.startswith("Run the daemon as a user service")


@pytest.mark.parametrize("address", ["autolaunch:", "nonsense", "unix:nothing=1", "unix:path=/a b", ";"])
async def test_an_address_that_makes_no_sense(recorder: Recorder, address: str) -> None:
    """What is no address that can be used is said to be that."""
    why, _, _ = await said(recorder, source(recorder, address))
    assert why.startswith("the address of the session bus cannot be used: ")


@pytest.mark.parametrize(
    ("answer", "expected"), [(b"REJECTED EXTERNAL\r\n", "the session bus refuses the user"), (b"", "refuses")]
)
async def test_a_bus_that_refuses(recorder: Recorder, tmp_path: Path, answer: bytes, expected: str) -> None:
    """A bus lets its own user in, not even root: that is said."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(refuse, tmp_path / "bus")
    async with server:
        why, _, advice = await said(recorder, source(recorder, str(tmp_path / "bus")))
    assert expected in why
    assert "user service" in advice
