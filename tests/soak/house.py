"""The daemon as a process that lives on stepped time and can be killed anywhere: `python -m tests.soak.house SOCKET`.

The process that is started is a nursery: it loads everything once and forks one daemon at a time, since a month has
hundreds of lives. A daemon is the real one, put together by `scrobbler.daemon.app`; only its clock, its calendar of chores
and the labelled points are of the soak.
"""

import asyncio
import contextlib
import gc
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from scrobbler.config.loader import load_file
from scrobbler.config.models import Log
from scrobbler.daemon import logs
from scrobbler.daemon.app import Daemon
from scrobbler.daemon.signals import signals
from scrobbler.sources.registry import kinds
from tests.soak.clock import SteppedClock
from tests.soak.instruments import Instruments, Life
from tests.soak.points import Points
from tests.soak.stepping import Stepper


async def live(life: Life, control: str) -> None:
    """Live until told to stop, or killed."""
    points = Points()
    clock = SteppedClock(life.utc_ms, life.mono_ms)
    reader, writer = await asyncio.open_unix_connection(control)

    def tell(values: Any) -> None:
        writer.write(msgspec.json.encode(values) + b"\n")

    stepper = Stepper(clock, points, reader, tell)
    stepper.count_jobs(asyncio.get_running_loop())
    Instruments(points, stepper, life).fasten()
    if life.arm:
        points.arm(life.arm, life.nth)
    loaded = load_file(Path(life.config), os.environ, kinds())
    daemon = Daemon(loaded, os.environ, clock=clock, started=lambda _daemon: tell({"ready": True, "life": life.number}))
    daemon._random.seed(life.number)
    stepper.stop = daemon.stop.set

    async def take_orders() -> None:
        await stepper.take_orders()
        os._exit(1)  # whoever gave them is gone

    helpers = [asyncio.create_task(take_orders()), asyncio.create_task(stepper.run())]
    async with signals(daemon):
        await daemon.run()
    for helper in helpers:
        helper.cancel()
    tell({"passed": dict(points.passed)})
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        writer.close()


def _be_born(life: Life, control: str) -> None:
    """Run one daemon in this (forked) process, which ends with it."""
    code = 1
    with Path(life.log).open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            logs.configure(Log(level="debug" if os.environ.get("SOAK_DEBUG") else "warning", format="json"), log)
            asyncio.run(live(life, control))
            code = 0
        except BaseException:  # noqa: BLE001 - the process ends here, and the log must tell why
            traceback.print_exc(file=log)
        log.flush()
    os._exit(code)


def nurse(control: str) -> None:
    """Fork a daemon for each life that is ordered, and tell how it ended."""
    _preload()
    channel = socket.socket(socket.AF_UNIX)
    channel.connect(control)
    channel.sendall(b'{"nursery": true}\n')
    orders = channel.makefile("rb")
    while line := _next_order(orders):
        life = msgspec.json.decode(line, type=Life)
        child = os.fork()
        if child == 0:
            channel.close()
            _be_born(life, control)
        channel.sendall(msgspec.json.encode({"born": child}) + b"\n")
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(BrokenPipeError):
            channel.sendall(msgspec.json.encode({"ended": os.waitstatus_to_exitcode(status)}) + b"\n")


def _next_order(orders: BinaryIO) -> bytes:
    try:
        return orders.readline()
    except ConnectionError:
        return b""


def _preload() -> None:
    """Load what a daemon loads late, so that a fork has it."""
    import uvicorn.protocols.http.h11_impl  # noqa: F401

    import scrobbler_plugins.events
    import scrobbler_plugins.jellyfin
    import scrobbler_plugins.plex  # noqa: F401
    from scrobbler.http import new_client

    dict(kinds())
    asyncio.run(new_client().aclose())
    gc.freeze()


if __name__ == "__main__":
    nurse(sys.argv[1])
