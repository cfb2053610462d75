"""Runs of pytest, one after the other or side by side."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_S = 2400
LAST_WORDS_S = 60.0
"""How long tests that are interrupted have to end the players that they started."""


@dataclass(frozen=True, slots=True)
class Tests:
    """Tests to run in `tree`; the import path is that of `python` alone."""

    title: str
    python: str | Path
    tree: Path
    arguments: tuple[str, ...]
    more: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def running(self, log: Path | None = None) -> Iterator["Run"]:
        """Run them, their output as it comes; with a `log`, silently until `wait`. Nothing is left running at the end."""
        if log is None:
            print(f"{self.title}:", flush=True)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | dict(self.more)
        command = [str(self.python), "-P", "-m", "pytest", "--durations=5", "--durations-min=5", *self.arguments]
        sink = None if log is None else log.open("wb")
        process = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
        if sink is not None:
            sink.close()
        run = Run(self.title, process, log)
        try:
            yield run
        finally:
            run.end()


@dataclass(frozen=True, slots=True)
class Run:
    """Tests that have been started."""

    title: str
    process: subprocess.Popen[bytes]
    log: Path | None

    def wait(self) -> str | None:
        """Wait for their end, for `LIMIT_S` at most; return what failed, if anything did."""
        failure = None
        try:
            if self.process.wait(LIMIT_S):
                failure = self.title
        except subprocess.TimeoutExpired:
            self.end()
            failure = f"{self.title}: ended after {LIMIT_S // 60} minutes"
        if self.log is not None:
            print(f"{self.title}, which ran beside:\n{self.log.read_text(errors='replace').rstrip()}", flush=True)
        return failure

    def end(self) -> None:
        """End them, if they still run."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(LAST_WORDS_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
