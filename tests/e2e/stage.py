"""One daemon in front of one sandbox, and what is asked of the two of them together."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from scrobbler.sandbox.views import Call
from tests.kit.daemon import DaemonProcess
from tests.kit.servers import Step
from tests.kit.simkl_sandbox import SandboxClient

SCROBBLES = ("start", "pause", "stop")
SECOND_MS = 1000
"""How far apart the POSTs of one user must arrive (simkl-api.md 8.1)."""


class Told(NamedTuple):
    """One call that should arrive: its progress lies from `low` to `high` percent (`high` left out: it is `low`).

    `left` is a stop or a pause: both save the position of a play that ended early, and which of them it is may depend on
    what was under way.
    """

    action: str
    low: float = 0.0
    high: float | None = None
    status: int = 0

    def fits(self, call: Call) -> bool:
        """Say whether a call is this one."""
        wanted = ("stop", "pause") if self.action == "left" else (self.action,)
        if action_of(call) not in wanted or (self.status and call.status != self.status):
            return False
        if not self.status and (call.status is None or not 200 <= call.status < 300):
            return False
        if self.action not in (*SCROBBLES, "left"):
            return True
        high = self.low if self.high is None else self.high
        return self.low <= float(call.body["progress"]) <= high


def action_of(call: Call) -> str:
    """Name a call: the last part of a scrobble's path, `history`, or `delete` of a saved position."""
    return "delete" if call.method == "DELETE" else call.path.rsplit("/", 1)[-1]


class Stage:
    """Drives a daemon and compares what reached the sandbox, user by user."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient) -> None:
        self.daemon = daemon
        self.sandbox = sandbox
        self._expected: dict[str, tuple[Told, ...]] = {}

    def writes(self, user: str) -> list[Call]:
        """Return every call of a user that changes something at Simkl, oldest first."""
        return [call for call in self.sandbox.calls(user) if call.path.startswith(("/scrobble", "/sync"))]

    def expect(self, user: str, *expected: Told, seconds: float = 20.0) -> list[Call]:
        """Wait for these calls, and for the daemon to have nothing more to say; return them.

        They are compared once more when the stage closes: whatever came later fails there.
        """
        self.await_calls(user, len(expected), seconds)
        self.daemon.wait_for(lambda: not self.owes(user), f"nothing left to deliver for {user}")
        self._compare(user, expected)
        self._expected[user] = expected
        return self.writes(user)

    def await_calls(self, user: str, count: int, seconds: float = 20.0) -> None:
        """Wait until so many calls of a user have been answered."""
        self.daemon.wait_for(
            lambda: len([call for call in self.writes(user) if call.took_ms is not None]) >= count,
            f"{count} calls of {user}; there were {_words(self.writes(user))}",
            seconds,
        )

    def owes(self, user: str) -> bool:
        """Say whether the daemon still has something to deliver for an account."""
        return any(owed.account == user for owed in self.daemon.status().queue)

    def over(self, user: str, seconds: float = 10.0) -> None:
        """Wait until no play of an account goes on."""
        self.daemon.wait_for(
            lambda: all(one.account != user for one in self.daemon.status().playing),
            f"the play of {user} is over",
            seconds,
        )

    def evening(self, source: str, user: str, steps: Sequence[Step], calls_after: Mapping[int, int]) -> None:
        """Post the requests of an evening in their order; after step `n` wait until `calls_after[n]` calls have arrived."""
        for place, step in enumerate(steps):
            assert self.daemon.hook(source, step.body, step.content_type) == 204, step.label
            if place in calls_after:
                self.await_calls(user, calls_after[place])

    def close(self) -> None:
        """End the daemon, and check that nothing has changed since, and that it was a good guest throughout."""
        if self.daemon.running:
            self.daemon.terminate()
        for user, expected in self._expected.items():
            self._compare(user, expected)
        self.check_manners()

    def check_secrets(self, *secrets: str) -> None:
        """Check that nothing that the daemon ever wrote, from its first start on, holds a secret."""
        for log in self.daemon.folder.glob("daemon-*.log"):
            said = log.read_text(encoding="utf-8", errors="replace")
            assert not [secret for secret in secrets if secret in said], f"a secret in {log.name}"

    def check_manners(self) -> None:
        """Check what holds for all traffic: no heartbeats, one write at a time, named as wanted (simkl-api.md 12)."""
        counters = self.sandbox.counters()
        assert counters.heartbeats == 0
        assert counters.parallel_writes <= 1
        assert counters.long_progress == 0
        assert (counters.missing_app_name, counters.missing_app_version, counters.missing_user_agent) == (0, 0, 0)
        assert (counters.ungated_all_items, counters.token_on_catalogue) == (0, 0)
        for user in {call.user for call in self.sandbox.calls() if call.user is not None}:
            posts = [call for call in self.sandbox.calls(user) if call.method == "POST"]
            close = [pair for pair in pairwise(posts) if pair[1].at_ms - pair[0].at_ms < SECOND_MS]
            assert not close, f"two POSTs of {user} within a second:\n{_words(posts)}"

    def _compare(self, user: str, expected: Sequence[Told]) -> None:
        calls = self.writes(user)
        good = len(calls) == len(expected) and all(told.fits(call) for told, call in zip(expected, calls, strict=True))
        assert good, f"expected of {user}:\n  {expected}\nbut there came:\n{_words(calls)}\nlog:\n{self.daemon.said}"


def _words(calls: Sequence[Call]) -> str:
    return (
        "\n".join(
            f"  {call.at_ms / 1000:.3f} {call.user or call.client_id} {action_of(call)} {call.body} -> {call.status}"
            for call in calls
        )
        or "  nothing"
    )
