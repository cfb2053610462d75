"""What a hundred people at once cost: Jellyfin's webhook posts each position once a second, the daemon as a process.

The target is less than 5 % of one core. Beside it stands the bare app of `bench.bare` in the same run, which commits each
request and does nothing else.
"""

import http.client
import os
import threading
import time
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path

from bench.common import SECRET, rig, running_bare, table
from tests.kit.servers import jellyfin_event, jellyfin_movie

SESSIONS = 100
SECONDS = 60
CONNECTIONS = 4

_TICKS_S = os.sysconf("SC_CLK_TCK")
_MORE = {f"Video_0_Detail{number}": "a value as long as most are" for number in range(30)} | {
    "Overview": "Words. " * 80
}
"""What Send All Properties adds, and nobody reads: the payload has the size of a real one."""


class Person:
    """One session: a film of its own on a device of its own."""

    def __init__(self, number: int) -> None:
        self._film = jellyfin_movie(
            ItemId=f"cccc{number:028}", Name=f"Film {number}", Provider_imdb=f"tt8{number:06}", Provider_tmdb=None
        )
        self._who = {"DeviceId": f"dev-{number}", "UserId": f"dddd{number:028}", "NotificationUsername": f"u{number}"}

    def says(self, kind: str, second: int, *, automated: bool) -> tuple[str, bytes]:
        """Compose one notification at its position."""
        return jellyfin_event(
            kind,
            self._film,
            position_ms=second * 1000,
            at=datetime.now(UTC),
            IsAutomated=automated,
            **self._who,
            **_MORE,
        )


def main() -> None:
    rows = {}
    with rig() as one, running_bare(one.folder) as (bare_pid, bare_port):
        one.daemon.start()
        address = urllib.parse.urlsplit(one.daemon.url).netloc
        people = [Person(number) for number in range(SESSIONS)]
        _round(address, [person.says("PlaybackStart", 0, automated=False) for person in people])
        one.daemon.wait_for(lambda: len(one.daemon.status().playing) == SESSIONS, "all of them play", 120)
        time.sleep(5)
        ours = _share(one.pid, address, people)
        bare = _share(bare_pid, f"127.0.0.1:{bare_port}", people)
        rows["scrobblerd"] = f"{ours:.1f} %"
        rows["bare app with a commit each"] = f"{bare:.1f} %"
        rows["ratio"] = f"{ours / bare:.2f}"
        rows["events a second"] = str(SESSIONS)
    table(f"CPU of one core for {SESSIONS} sessions over {SECONDS} s", rows)


def _share(pid: int, address: str, people: list[Person]) -> float:
    """Let everybody's position be told once a second; return the share of one core that a process used, in percent."""
    began, before = time.monotonic(), _cpu_s(pid)
    for second in range(1, SECONDS + 1):
        _round(address, [person.says("PlaybackProgress", second, automated=second % 10 != 0) for person in people])
        time.sleep(max(0.0, began + second - time.monotonic()))
    return 100 * (_cpu_s(pid) - before) / (time.monotonic() - began)


def _round(address: str, requests: list[tuple[str, bytes]]) -> None:
    """Post these requests over a few kept connections at once."""
    shares = [requests[place::CONNECTIONS] for place in range(CONNECTIONS)]
    threads = [threading.Thread(target=_post, args=(address, share)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _post(address: str, requests: list[tuple[str, bytes]]) -> None:
    connection = http.client.HTTPConnection(address, timeout=20)
    for kind, body in requests:
        connection.request("POST", "/hooks/jellyfin", body, {"Content-Type": kind, "X-Scrobbler-Secret": SECRET})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204, answer.status
    connection.close()


def _cpu_s(pid: int) -> float:
    """Read the CPU time of a process in seconds, user and system (proc(5): stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


if __name__ == "__main__":
    main()
