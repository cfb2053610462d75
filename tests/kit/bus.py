"""A private session bus, and real players that show themselves on it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit.mpv import MpvProcess

MPV_PLUGIN = Path("/usr/lib/mpv-mpris/mpris.so")
PREFIX = "org.mpris.MediaPlayer2."
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""Like a session's own, except that every user may come: a VLC of the tests may not be root."""


class SessionBus:
    """One bus of the tests' own; a context manager that ends it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bus"
        self.address = f"unix:path={self.path}"
        self._config = folder / "bus.conf"
        self._config.write_text(_CONFIG.format(path=self.path), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.path.unlink(missing_ok=True)
        command = ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile", "--print-address"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith(b"unix:"), "the bus did not start"

    def stop(self) -> None:
        """End it, as the end of a session does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find it."""
        return {"DBUS_SESSION_BUS_ADDRESS": self.address}

    def call(self, player: str, member: str, *arguments: str) -> None:
        """Call a method of a player, as the buttons of a desktop do; `arguments` are written as dbus-send has them."""
        command = ["dbus-send", f"--bus={self.address}", "--print-reply", "--reply-timeout=20000"]
        command += [f"--dest={PREFIX}{player}", "/org/mpris/MediaPlayer2", f"{PREFIX}Player.{member}", *arguments]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30)

    def names(self) -> list[str]:
        """List the players that are there."""
        command = ["dbus-send", f"--bus={self.address}", "--print-reply=literal", "--dest=org.freedesktop.DBus"]
        command += ["/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames"]
        said = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        return [name.removeprefix(PREFIX) for name in said.stdout.split() if name.startswith(PREFIX)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def session_bus() -> Iterator[SessionBus]:
    """Run a bus in a folder that every user may look into."""
    with tempfile.TemporaryDirectory(prefix="bus-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with SessionBus(folder) as bus:
            yield bus


def mpv_on(bus: SessionBus, *paths: Path, ipc: Path, arguments: Sequence[str] = ()) -> MpvProcess:
    """Start an mpv that shows itself on a bus, and that takes commands on its own socket."""
    return MpvProcess(*paths, ipc=ipc, arguments=[f"--script={MPV_PLUGIN}", *arguments], env=bus.environment)


class VlcOnBus:
    """One VLC without window and sound that plays `paths`; a context manager that leaves no process behind.

    VLC refuses root, and then runs as nobody; so `paths` must be where everybody may read.
    """

    COMMAND = (
        *("vlc", "--ignore-config", "--intf=dummy", "--extraintf=dbus", "--vout=dummy", "--aout=dummy", "--quiet"),
        *("--no-one-instance", "--no-media-library", "--no-metadata-network-access", "--no-osd", "--no-spu"),
    )

    def __init__(self, bus: SessionBus, *paths: Path, arguments: Sequence[str] = ()) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="vlc-home-"))
        self.bus = bus
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self._home, "nobody", "nogroup")
        self.process = subprocess.Popen(
            [*self.COMMAND, *arguments, "--", *(os.fspath(path) for path in paths)],
            cwd=self._home,
            env={**kept, "HOME": str(self._home), **bus.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,
        )

    @property
    def name(self) -> str:
        """Its own name on the bus, beside that of the first VLC."""
        return f"vlc.instance{self.process.pid}"

    def do(self, member: str, *arguments: str) -> None:
        """Call one of its methods."""
        self.bus.call(self.name, member, *arguments)

    def quit(self) -> None:
        """Close it as a user does, and wait for its end."""
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
