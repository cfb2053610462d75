"""What the system says to the daemon."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator

from scrobbler.daemon.app import Daemon


@contextlib.asynccontextmanager
async def signals(daemon: Daemon) -> AsyncIterator[None]:
    """SIGTERM and SIGINT end the daemon; SIGHUP reads the configuration again, or ends it where its terminal is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.stop.set if sys.stdin.isatty() else daemon.reloader.ask)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
