"""Tells systemd how the service is: READY, STOPPING, WATCHDOG (sd_notify(3)). Without systemd nothing happens."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends states to `$NOTIFY_SOCKET`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        address = env.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        watchdog = env.get("WATCHDOG_USEC", "")
        self._watchdog_us = int(watchdog) if watchdog.isdecimal() else 0
        pid = env.get("WATCHDOG_PID")
        if pid and pid != str(os.getpid()):
            self._watchdog_us = 0

    @property
    def watchdog_s(self) -> float | None:
        """How often to say that we are alive: half of what systemd waits. None: it does not watch."""
        return self._watchdog_us / 2_000_000 if self._watchdog_us and self._address else None

    def send(self, *states: str) -> None:
        """Send states such as `READY=1`. Whoever does not listen misses nothing that matters."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto("\n".join(states).encode(), self._address)
