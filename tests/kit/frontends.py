"""Programs with mpv inside, on a screen that nobody sees: each in a process group, with a home and a session bus of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_START_S = 20.0


@contextmanager
def screen(log: Path) -> Iterator[str]:
    """Run an X server on a display that is free; gives the display's name."""
    listens, tells = os.pipe()
    command = ["Xvfb", "-displayfd", str(tells), "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, pass_fds=[tells], stdin=subprocess.DEVNULL, stdout=said, stderr=said) as server,
    ):
        os.close(tells)
        try:
            with os.fdopen(listens, encoding="ascii") as pipe:
                number = pipe.readline().strip()  # nothing, when the server has ended
            assert number, log.read_text(errors="replace")
            yield f":{number}"
        finally:
            server.kill()


class Frontend:
    """One program that plays a film. A context manager that ends it and everything that it started.

    `bus` is the address of the session bus that it is to use, in place of one of its own.
    """

    def __init__(self, folder: Path, display: str, *command: str | Path, bus: str = "") -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.run_dir = folder / "run"
        self.run_dir.mkdir(mode=0o700, exist_ok=True)
        self._display = display
        self._bus = bus
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the program is told of its surroundings: nothing of the machine's own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.run_dir),
            "TMPDIR": str(self.run_dir),
            "DISPLAY": self._display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "GSETTINGS_BACKEND": "memory",
            "LC_ALL": "C.UTF-8",
            **({"DBUS_SESSION_BUS_ADDRESS": self._bus} if self._bus else {}),
        }

    def start(self) -> Self:
        """Start the program."""
        with (self.folder / "said.log").open("wb") as said:
            self._process = subprocess.Popen(
                [*(() if self._bus else ("dbus-run-session", "--")), *map(str, self._command)],
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        return self

    def tell(self, *command: str | Path) -> None:
        """Run another command of the same program, which tells the running one what to do."""
        subprocess.run([*map(str, command)], env=self.environment, capture_output=True, check=False, timeout=_START_S)

    def wait(self, seconds: float = 30.0) -> None:
        """Wait until the program has ended by itself."""
        assert self._process is not None
        self._process.wait(seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, wanted)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(3)
            time.sleep(0.1)
        if error is not None:
            error.add_note((self.folder / "said.log").read_text(errors="replace")[-3000:])
