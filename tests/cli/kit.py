"""Runs the command line as a process of its own, with a configuration of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

CONFIG = """
simkl: {{client_id: "abc", api_url: "http://127.0.0.1:9"}}
state_dir: {state_dir}
http: {{listen: "127.0.0.1:{port}"}}
accounts: {{alice: {{}}, bob: {{}}}}
sources:
  scripts: {{type: events, account: alice}}
  room: {{type: mpv, account: alice, sockets: ["{sockets}/*.sock"]}}
"""


class Done(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


class Home:
    """A place with a configuration and a state directory."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.state_dir = folder / "state"
        self.config = folder / "config.yaml"
        text = CONFIG.format(state_dir=self.state_dir, sockets=folder, port=port)
        self.config.write_text(text)
        self.config.chmod(0o600)

    def run(self, *args: str, env: dict[str, str] | None = None, stranger: bool = False) -> Done:
        """Run one command to its end; as a `stranger`, whom modes of files hold off even where the tests are root's."""
        powerless = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if stranger and os.geteuid() == 0 else ()
        done = subprocess.run(
            [*powerless, *COMMAND, *args, "-c", str(self.config)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "TZ": "UTC", **(env or {})},
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def follow(self, *args: str, stdout: IO[str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """Run one command beside the test, and end it. With `stdout`, both its outputs go there."""
        with subprocess.Popen(
            [*COMMAND, *args, "-c", str(self.config)],
            stdout=stdout or subprocess.PIPE,
            stderr=stdout or subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()


COMMAND = (sys.executable, "-c", "from scrobbler.cli import main; main()")


def command(*args: str) -> Done:
    """Run the command without a configuration."""
    done = subprocess.run([*COMMAND, *args], capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr)
