"""What the daemon holds in memory with mpv, Plex and Jellyfin enabled: right after start, and after an evening of hooks.

Then where it goes: the same imports, one after the other, in a process of their own.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime

from bench.common import Rig, memory, rig, table, time_to_ready
from tests.kit.servers import JellyfinEvening, PlexEvening, jellyfin_movie, plex_movie

PLAYS = 40
IMPORTS = (
    "asyncio ssl",
    "sqlite3",
    "click",
    "msgspec",
    "yaml",
    "structlog",
    "httpx",
    "uvicorn.protocols.http.h11_impl starlette.applications starlette.routing",
    "python_multipart",
    "jinja2",
    "watchdog.observers",
    "apscheduler.schedulers.asyncio",
    "scrobbler.daemon.app scrobbler.hooks.server",
    "scrobbler_plugins.mpv scrobbler_plugins.plex scrobbler_plugins.jellyfin",
)
_STEPS = """
import importlib, sys
from pathlib import Path
def rss():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("Rss:")).split()[1])
print(rss())
for step in sys.argv[1:]:
    for name in step.split():
        importlib.import_module(name)
    print(rss())
"""


def main() -> None:
    rows = {}
    with rig() as one:
        time_to_ready(one.daemon)
        one.daemon.url = str(one.daemon.wait_log("ready")["status"]).rstrip("/")
        time.sleep(5)
        idle = memory(one.pid)
        rows["idle after start"] = f"{idle.rss / 1024:.1f} MiB"
        rows["  of it private"] = f"{idle.private / 1024:.1f} MiB"
        began = time.monotonic()
        _evening(one)
        took_s = time.monotonic() - began
        time.sleep(5)
        after = memory(one.pid)
        rows[f"after {2 * PLAYS} plays ({took_s:.0f} s)"] = f"{after.rss / 1024:.1f} MiB"
        rows["  of it private"] = f"{after.private / 1024:.1f} MiB"
        rows["  highest"] = f"{after.peak / 1024:.1f} MiB"
        rows["watches at Simkl"] = str(sum(len(one.sandbox.history(name)) for name in ("alice", "bob")))
    table("memory of the daemon", rows)
    _imports()


def _evening(one: Rig) -> None:
    """Let Alice watch films at Plex and Bob at Jellyfin, each as fast as Simkl allows (one write in 1.1 s)."""
    for number in range(PLAYS):
        film = plex_movie(
            ratingKey=f"7{number:03}",
            key=f"/library/metadata/7{number:03}",
            guid=f"plex://movie/5d00000000000000000{number:05}",
            title=f"Film {number}",
            Guid=[{"id": f"imdb://tt7{number:06}"}],
        )
        steps = PlexEvening().watched_with_pause(film, 3_000_000).steps
        other = jellyfin_movie(
            ItemId=f"cccc{number:028}", Name=f"Other {number}", Provider_imdb=f"tt8{number:06}", Provider_tmdb=None
        )
        more = JellyfinEvening(begins=datetime.now(UTC)).start(other).plays(other, 30).pause(other).stop(other).steps
        for source, requests in (("plex", steps), ("jellyfin", more)):
            for step in requests:
                status = one.daemon.hook(source, step.body, step.content_type)
                assert status == 204, (status, step.label)
        time.sleep(2.5)
    one.settled()


def _imports() -> None:
    done = subprocess.run([sys.executable, "-c", _STEPS, *IMPORTS], check=True, capture_output=True, text=True)
    sizes = [int(line) for line in done.stdout.split()]
    rows = {"python": f"{sizes[0] / 1024:.1f} MiB"}
    for step, before, after in zip(IMPORTS, sizes, sizes[1:], strict=False):
        rows[f"+ {step}"[:60]] = f"+{(after - before) / 1024:.1f} MiB"
    rows["all imports"] = f"{sizes[-1] / 1024:.1f} MiB"
    table("where it goes, import by import", rows)


if __name__ == "__main__":
    main()
