"""A real VLC without window and sound, with its web interface."""

import base64
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PASSWORD = "the password of the tests"
START_S = 30.0
HEADLESS = (
    *("vlc", "--ignore-config", "--intf=dummy", "--vout=dummy", "--aout=dummy", "--no-one-instance", "--no-dbus"),
    *("--no-media-library", "--no-metadata-network-access", "--no-osd", "--no-spu", "--no-interact", "--quiet"),
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def place() -> int:
    """Return a port for a VLC that is started later: none that the system gives to connections meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may read: VLC refuses root, and then runs as nobody."""
    with tempfile.TemporaryDirectory(prefix="vlc-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


class VlcProcess:
    """One VLC that plays `paths`; a context manager that leaves no process behind.

    `arguments` are more options of VLC, such as `--rate=4`. `password` empty: it has none, and lets nobody in. `env` adds to
    the environment, of which it has hardly any.
    """

    def __init__(
        self,
        *paths: str | bytes | Path,
        port: int,
        arguments: Sequence[str] = (),
        password: str = PASSWORD,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._home = Path(tempfile.mkdtemp(prefix="vlc-home-"))
        self._login = base64.b64encode(f":{password}".encode()).decode()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        http = ["--extraintf=http", "--http-host=127.0.0.1", f"--http-port={port}", f"--http-password={password}"]
        command: list[str | bytes] = [*HEADLESS, *http, *arguments, "--", *(os.fspath(path) for path in paths)]
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self._home, "nobody", "nogroup")
        with (self._home / "said").open("wb") as said:
            self.process = subprocess.Popen(
                command,
                cwd=self._home,
                env={**kept, "HOME": str(self._home), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                **user,
            )

    def status(self, command: str = "", seconds: float = START_S, **values: str | float) -> dict[str, Any]:
        """Give a command, if any, and return what VLC says of itself; waits for it to open its port."""
        query = urllib.parse.urlencode({"command": command, **values}, quote_via=urllib.parse.quote) if command else ""
        address = f"http://127.0.0.1:{self.port}/requests/status.json?{query}"
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {self._login}"})
        deadline = time.monotonic() + seconds
        while True:
            try:
                with _DIRECT.open(request, timeout=seconds) as answer:
                    said: dict[str, Any] = json.loads(answer.read())
                    return said
            except (OSError, ValueError) as error:
                failure = f"VLC does not answer: {error}\n{(self._home / 'said').read_text(errors='replace')}"
                assert self.process.poll() is None, failure
                assert time.monotonic() < deadline, failure
                time.sleep(0.05)

    def wait_for(self, what: Callable[[dict[str, Any]], object], seconds: float = 60.0) -> dict[str, Any]:
        """Wait until VLC says something that fits; return it."""
        deadline = time.monotonic() + seconds
        while True:
            said = self.status()
            if what(said):
                return said
            assert time.monotonic() < deadline, f"not so within {seconds:g} s: {said}"
            time.sleep(0.05)

    def past(self, seconds: float) -> None:
        """Wait until it plays past a position of its item, in seconds."""
        self.wait_for(lambda said: said["length"] > 0 and said["position"] * said["length"] >= seconds)

    def stopped(self) -> None:
        """Wait until it plays nothing, as after the last item."""
        self.wait_for(lambda said: said["state"] == "stopped")

    def open(self, path: Path) -> None:
        """Open a file while whatever plays plays."""
        self.status("in_play", input=path.as_uri())

    def quit(self) -> None:
        """Close it, and wait for its end."""
        self.process.terminate()
        self.wait()

    def kill(self) -> None:
        """Let it die without a word."""
        self.process.kill()
        self.wait()

    def wait(self, seconds: float = 60.0) -> int:
        """Wait until it has ended; return its exit code."""
        return self.process.wait(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self._home, ignore_errors=True)
