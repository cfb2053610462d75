"""A private session bus, and real players that show themselves on it."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.mpv import MpvProcess
from tests.kit.vlc import VlcProcess

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
        with self._process.stdout as said:
            assert said.readline().startswith(b"unix:"), "the bus did not start"

    def stop(self) -> None:
        """End it, as the end of a session does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
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


def vlc_on(bus: SessionBus, *paths: Path, port: int, arguments: Sequence[str] = ()) -> VlcProcess:
    """Start a VLC that shows itself on a bus, and that takes commands by its web interface as well."""
    return VlcProcess(*paths, port=port, arguments=["--control=dbus", *arguments], env=bus.environment)


class Chromium:
    """One Chromium without a window that plays the film of a page; a context manager that leaves no process behind."""

    COMMAND = (
        *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
        "--autoplay-policy=no-user-gesture-required",
    )

    def __init__(self, bus: SessionBus, folder: Path, title: str, film: Path) -> None:
        page = folder / "page.html"
        page.write_text(
            f"<title>{title}</title><video autoplay src='{film.as_uri()}'></video>"
            "<script>document.querySelector('video').playbackRate = 4</script>",
            encoding="utf-8",
        )
        command = [*self.COMMAND, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **bus.environment, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a browser is many processes
        )

    def quit(self) -> None:
        """Close it, and wait for its end."""
        self._process.terminate()
        self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)


class Relay:
    """A socket that passes everything on to another, which must be there; a context manager.

    `cut` ends it in the middle of whatever is said.
    """

    def __init__(self, path: Path, target: Path) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Let both sides lose each other, for good."""
        self._path.unlink(missing_ok=True)
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in (self._listener, *self._open):
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._open += [ours, theirs]
                theirs.connect(str(self._target))
                for pair in ((ours, theirs), (theirs, ours)):
                    self._threads.append(threading.Thread(target=_pass_on, args=pair, daemon=True))
                    self._threads[-1].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
