"""The real daemon as a process: configured, started, ended in every way, and asked by HTTP and by its own command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from scrobbler.simkl import tokens
from scrobbler.status.report import StatusReport
from scrobbler.store.reading import PlaySummary
from tests.kit.simkl_sandbox import SandboxClient

T = TypeVar("T")

SECRET = "asecretofthetests1234"
START_S = 20.0
END_S = 5.0
"""How long the daemon may take to end (rules.md rule 9: three seconds of them for Simkl)."""
POLL_S = 0.02

_ALARMS = (
    "service failed",
    "errand failed",
    "chore failed",
    "request failed",
    "plugin failed",
    "source fails",
    "source cannot start",
    "library",
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_MINE = ("SCROBBLER_", "XDG_", "PYTHON", "NOTIFY_", "WATCHDOG_", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "SIMKL_")


def command() -> Path:
    """Find the installed command: that of the environment in which the tests run, or what SCROBBLER_COMMAND names."""
    return Path(os.environ.get("SCROBBLER_COMMAND") or Path(sys.executable).parent / "scrobbler")


def free_port() -> int:
    """Return a port on loopback that nobody listens to now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def link(
    state_dir: Path, sandbox: SandboxClient, account: str, user: str = "", client_id: str = "sandbox"
) -> tokens.Token:
    """Link an account with a user of the sandbox (of the same name unless said), as if somebody had signed in."""
    user = user or account
    grant = sandbox.link(user, client_id)
    now_ms = sandbox.now_ms()
    life_ms = grant.expires_in * 1000
    token = tokens.Token(
        generation="V2" if grant.refresh_token else "V1",
        client_id=client_id,
        access=grant.access_token,
        refresh=grant.refresh_token,
        expires_utc_ms=now_ms + life_ms if grant.refresh_token else 0,
        refresh_utc_ms=now_ms + life_ms - 86_400_000 if grant.refresh_token else 0,
        scope=grant.scope,
        account_id=grant.account_id,
        name=user,
        linked_utc_ms=now_ms,
    )
    path = state_dir / "tokens.json"
    tokens.save(path, {**tokens.load(path), account: token})
    return token


class DaemonProcess:
    """One daemon, its folder and its configuration. A context manager: it ends with SIGTERM, and any alarm in its log fails.

    `config` is the configuration as values, or its text. As values it lacks what is the same everywhere: the address of
    the sandbox, the state directory, a free port; each may be given to overrule it. Its home is `folder`. `program` is
    the command, where it is not the one of this environment.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | str,
        sandbox: SandboxClient | None,
        *,
        client_id: str = "sandbox",
        env: Mapping[str, str] | None = None,
        alarms: Iterable[str] = _ALARMS,
        program: Path | None = None,
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.file = folder / "config.yaml"
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._sandbox = sandbox
        self._client_id = client_id
        self._alarms = tuple(alarms)
        self._program = program or command()
        self._logs: list[Path] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_MINE)}
        self.environment = {**kept, "HOME": str(folder), **(env or {})}
        self.configure(config)

    def configure(self, config: Mapping[str, Any] | str) -> None:
        """Write the configuration file."""
        self.file.touch(mode=0o600)
        if isinstance(config, str):
            self.file.write_text(config, encoding="utf-8")
            return
        address = "" if self._sandbox is None else self._sandbox.url
        common = {
            "simkl": {"client_id": self._client_id, "api_url": address},
            "state_dir": str(self.state),
            "http": {"listen": "127.0.0.1:0"},
        }
        # JSON is YAML; one key a line, so that errors have a place.
        self.file.write_text(json.dumps({**common, **config}, indent=2, ensure_ascii=False), encoding="utf-8")

    def link(self, account: str, user: str = "") -> None:
        """Link an account before the daemon starts, or behind its back."""
        assert self._sandbox is not None
        link(self.state, self._sandbox, account, user, self._client_id)

    def start(self, *arguments: str) -> Self:
        """Start it, and wait until it says that it is ready and answers."""
        self.launch(*arguments)
        ready = self.wait_log("ready", seconds=START_S)
        self.url = str(ready["status"]).rstrip("/")
        self.wait_for(lambda: self.get("/healthz")[0] == 200, "the daemon is healthy", START_S)
        return self

    def launch(self, *arguments: str) -> None:
        """Start it and wait for nothing."""
        assert not self.running, "it runs already"
        self._logs.append(self.folder / f"daemon-{len(self._logs) + 1}.log")
        with self._logs[-1].open("wb") as out:
            self.process = subprocess.Popen(
                [self._program, "run", "-c", self.file, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, seconds: float = START_S) -> int:
        """Wait until it has ended by itself; return its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def terminate(self) -> None:
        """End it as systemd does: SIGTERM, gone within 5 s with 0, and nothing alarming in its log."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"it did not end within {END_S:g} s of SIGTERM") from None
        if code != 0:
            raise self._failure(f"it ended with {code}")
        self.check()

    def kill(self) -> None:
        """Let it die in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(5)

    def restart(self) -> None:
        """End it orderly, and start it again."""
        self.terminate()
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def check(self) -> None:
        """Fail if something in the log is a bug of ours: a traceback, a failed service, a word of a library."""
        for line in self.log:
            if line.get("event") in self._alarms or "exception" in line:
                raise self._failure(f"an alarm in the log: {line}")
        if "Traceback" in self.said:
            raise self._failure("a traceback in the log")

    @property
    def said(self) -> str:
        """All that it wrote since it was started last: log and words for people."""
        return self._logs[-1].read_text(encoding="utf-8", errors="replace") if self._logs else ""

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the log since it was started last."""
        found = []
        for line in self.said.splitlines():
            if line.startswith("{"):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue  # the line is being written
        return found

    def logged(self, event: str, **values: Any) -> list[dict[str, Any]]:
        """Return the lines of the log with this event and these values."""
        return [
            line
            for line in self.log
            if line.get("event") == event and all(line.get(name) == value for name, value in values.items())
        ]

    def wait_log(self, event: str, *, seconds: float = 10.0, **values: Any) -> dict[str, Any]:
        """Wait for a line of the log, and return the first such."""
        found = self.wait_for(lambda: self.logged(event, **values), f"`{event}` {values or ''} in the log", seconds)
        return found[0]

    def wait_for(self, predicate: Callable[[], T], what: str = "it", seconds: float = 10.0) -> T:
        """Ask until the answer is true, and return it. Fails with the log after so many seconds, or when the daemon is gone."""
        deadline = time.monotonic() + seconds
        while True:
            answer = predicate()
            if answer:
                return answer
            if not self.running:
                assert self.process is not None
                raise self._failure(f"waiting for {what}; it ended with {self.process.returncode}")
            if time.monotonic() >= deadline:
                raise self._failure(f"waited {seconds:g} s in vain for {what}")
            time.sleep(POLL_S)

    def hook(
        self,
        source: str,
        body: bytes | str | Mapping[str, Any] | Sequence[Any],
        content_type: str = "application/json",
        secret: str = SECRET,
    ) -> int:
        """Post to a hook with the secret in a header; return the status."""
        return self.post(f"/hooks/{source}", body, content_type, {"X-Scrobbler-Secret": secret} if secret else {})[0]

    def post(
        self,
        path: str,
        body: bytes | str | Mapping[str, Any] | Sequence[Any],
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Post anything anywhere; return status and answer."""
        if isinstance(body, str):
            body = body.encode()
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {"Content-Type": content_type, **(headers or {})}
        return _ask(urllib.request.Request(self.url + path, data=data, method="POST", headers=given))

    def get(self, path: str) -> tuple[int, str]:
        """Get anything; return status and answer."""
        return _ask(urllib.request.Request(self.url + path))

    def status(self) -> StatusReport:
        """Return what `/api/status` answers."""
        code, text = self.get("/api/status")
        assert code == 200, text
        return msgspec.json.decode(text, type=StatusReport)

    def words(self, *arguments: str) -> list[str]:
        """Return the command line of another command of ours on this configuration."""
        return [str(self._program), arguments[0], "-c", str(self.file), *arguments[1:]]

    def run(self, *arguments: str, answer: str = "", seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run another command of ours on this configuration, without a terminal."""
        return subprocess.run(
            self.words(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=answer,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def begin(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start another command of ours without a terminal; it is killed if it still runs at the end."""
        process = subprocess.Popen(
            self.words(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def history(self) -> list[PlaySummary]:
        """Return what `scrobbler history` shows, newest first."""
        done = self.run("history", "--json", "--number", "1000")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout, type=list[PlaySummary])

    def why(self, play: str) -> str:
        """Return what `scrobbler why` tells of a play."""
        done = self.run("why", play)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.running:
            return
        if error is None:
            self.terminate()
            return
        self.kill()
        error.add_note(f"the daemon said:\n{self.said}")

    def _failure(self, what: str) -> AssertionError:
        return AssertionError(f"{what}; the daemon said:\n{self.said}")


def _ask(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with _DIRECT.open(request, timeout=10) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code), error.read().decode()
