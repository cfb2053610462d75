"""What every measurement needs: memory of a process, time until ready, percentiles, one table at the end.

Measure the installed wheel: `make bench` does (the daemon is what SCROBBLER_COMMAND names, installed by itself).
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit.daemon import SECRET, DaemonProcess, command, free_port
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

__all__ = [
    "EVENING_CONFIG",
    "SECRET",
    "Memory",
    "Rig",
    "command",
    "median",
    "memory",
    "percentile",
    "rig",
    "running_bare",
    "table",
    "time_to_ready",
]

EVENING_CONFIG: dict[str, Any] = {
    "accounts": {"alice": {}, "bob": {}},
    "sources": {
        "desk": {"type": "mpv", "account": "alice", "sockets": ["~/run/*.sock"]},
        "plex": {"type": "plex", "secret": SECRET, "users": {"*": "alice"}},
        "jellyfin": {"type": "jellyfin", "secret": SECRET, "users": {"*": "bob"}},
    },
    "ignore": {"shorter_than": "0s"},
}
"""A household with mpv, Plex and Jellyfin."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process in KiB.

    `rss` is what `ps` shows; `private` is what would be free without the process; `peak` is the highest `rss` so far.
    """

    rss: int
    private: int
    peak: int


def memory(pid: int) -> Memory:
    """Read what a process holds (proc(5): smaps_rollup, status)."""
    rollup = _fields(Path(f"/proc/{pid}/smaps_rollup"))
    return Memory(
        rss=rollup["Rss"],
        private=rollup["Private_Clean"] + rollup["Private_Dirty"],
        peak=_fields(Path(f"/proc/{pid}/status"))["VmHWM"],
    )


def _fields(file: Path) -> dict[str, int]:
    lines = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}


def median(values: Sequence[float]) -> float:
    """Return the middle of the values."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * len(ordered)))]


def table(title: str, rows: Mapping[str, str]) -> None:
    """Print what was measured."""
    width = max(map(len, rows))
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value:>12}")


class _Ready:
    """Stands in for systemd: a socket at which the daemon says READY=1 (sd_notify(3))."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(20)

    def wait(self) -> float:
        """Return when the daemon said so."""
        while b"READY=1" not in self._socket.recv(4096):
            pass
        return time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self.path.unlink()


def time_to_ready(daemon: DaemonProcess) -> float:
    """Start a daemon that runs on `Rig.env`; return the seconds until it says that it is ready."""
    with _Ready(daemon.folder) as ready:
        began = time.perf_counter()
        daemon.launch()
        return ready.wait() - began


@dataclass(frozen=True, slots=True)
class Rig:
    """A daemon that is not started yet, in front of a sandbox in this process, with its accounts linked."""

    daemon: DaemonProcess
    sandbox: SandboxClient
    folder: Path

    @property
    def pid(self) -> int:
        assert self.daemon.process is not None
        return self.daemon.process.pid

    def settled(self, seconds: float = 300) -> None:
        """Wait until nothing plays and nothing is left to deliver."""
        self.daemon.wait_for(self._nothing_left, "everything delivered", seconds)

    def _nothing_left(self) -> bool:
        status = self.daemon.status()
        return not status.queue and not status.playing


@contextmanager
def rig(config: Mapping[str, Any] = EVENING_CONFIG) -> Iterator[Rig]:
    """Make a folder, a sandbox and a daemon, and clear them away."""
    with tempfile.TemporaryDirectory(prefix="scrobblerd-bench-") as temporary, running_sandbox() as sandbox:
        folder = Path(temporary)
        (folder / "run").mkdir(mode=0o700)
        sandbox.switch(invent_titles=True)
        # A machine whose environment names a bundle of certificates would make the daemon keep it whole.
        env = {"NOTIFY_SOCKET": str(folder / "notify"), "SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}
        daemon = DaemonProcess(folder, config, sandbox, env=env)
        for account in config["accounts"]:
            daemon.link(account)
            sandbox.quota(account, 100_000)
        with daemon:
            yield Rig(daemon, sandbox, folder)


@contextmanager
def running_bare(folder: Path) -> Iterator[tuple[int, int]]:
    """Run the app of `bench.bare` on a file in `folder`; yields its process id and port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(folder / "bare.db"), str(port)])
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(5)


def timed(arguments: Sequence[str | Path]) -> float:
    """Run a command to its end and return the seconds it took."""
    began = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - began
