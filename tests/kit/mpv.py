"""A real mpv without window and sound, and clips to play in it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HEADLESS = ("mpv", "--no-config", "--load-scripts=no", "--no-terminal", "--vo=null", "--ao=null")


def make_clip(path: str | bytes | Path, seconds: float, *, fps: int = 10, title: str = "") -> None:
    """Make a black film. At 1 fps, two hours take a fifth of a second to make; short ones tell finer positions at 10."""
    target = os.fsencode(path)
    assert target.endswith(b".mkv"), "clips are Matroska files"
    _ffmpeg(
        [
            *("-f", "lavfi", "-i", f"color=c=black:s=16x16:r={fps}", "-t", str(seconds), "-c:v", "mpeg4"),
            *(("-metadata", f"title={title}") if title else ()),
        ],
        target,
    )


def make_film(path: str | bytes | Path, minutes: float = 136) -> None:
    """Make a film of real length, one picture a second, for thresholds and seeks."""
    make_clip(path, minutes * 60, fps=1)


def make_music(path: str | Path, seconds: float) -> None:
    """Make a file of silence, without a picture."""
    _ffmpeg(["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", str(seconds)], os.fsencode(path))


def make_image(path: str | Path) -> None:
    """Make one black picture."""
    _ffmpeg(["-f", "lavfi", "-i", "color=c=black:s=16x16", "-frames:v", "1"], os.fsencode(path))


def _ffmpeg(arguments: Sequence[str], target: bytes) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments, target], check=True, timeout=60)


class MpvError(Exception):
    """mpv refused a command; the text is its own."""


class MpvProcess:
    """One mpv that plays `paths`, serving `ipc`; a context manager that leaves no process behind.

    `arguments` are more options of mpv; without `paths` it waits (`--idle`). `cwd` matters for relative paths. `ipc` None
    leaves the socket to mpv's own configuration; then commands cannot be given. `env` adds to the environment.
    """

    def __init__(
        self,
        *paths: str | bytes | Path,
        ipc: Path | None,
        arguments: Sequence[str] = (),
        cwd: Path | None = None,
        headless: Sequence[str] = HEADLESS,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.ipc = ipc
        server = [] if ipc is None else [f"--input-ipc-server={ipc}"]
        command: list[str | bytes] = [*headless, *server, *arguments]
        command += ["--", *(os.fspath(path) for path in paths)] if paths else ["--idle"]
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def command(self, *command: str | float, seconds: float = 30.0) -> Any:
        """Run one command of mpv and return what it answers; raises MpvError. Waits for the socket first."""
        with self._connected(seconds) as sock:
            sock.sendall(json.dumps({"command": command, "request_id": 99}).encode() + b"\n")
            with sock.makefile("r", encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if answer.get("request_id") == 99 and "error" in answer:
                        if answer["error"] != "success":
                            raise MpvError(answer["error"])
                        return answer.get("data")
        raise MpvError("mpv closed the socket")

    async def run(self, *command: str | float) -> Any:
        """Run one command from asynchronous code."""
        return await asyncio.to_thread(self.command, *command)

    def get(self, name: str) -> Any:
        """Read a property."""
        return self.command("get_property", name)

    def set(self, name: str, value: str | float) -> None:
        """Set a property."""
        self.command("set_property", name, value)

    def quit(self) -> None:
        """Close mpv as a user does, and wait for it."""
        try:
            self.command("quit")
        except (MpvError, OSError):
            self.process.terminate()
        self.process.wait(30)

    def kill(self) -> None:
        """Let mpv die without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def wait(self, seconds: float = 60.0) -> int:
        """Wait until mpv has ended by itself; return its exit code."""
        return self.process.wait(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    @contextmanager
    def _connected(self, seconds: float) -> Iterator[socket.socket]:
        assert self.ipc is not None, "this mpv has no socket of the test's"
        until = time.monotonic() + seconds
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            while True:
                try:
                    sock.connect(str(self.ipc))
                    break
                except OSError:
                    if time.monotonic() > until or self.process.poll() is not None:
                        raise
                    time.sleep(0.01)
            sock.settimeout(seconds)
            yield sock
