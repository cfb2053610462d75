"""How long a hook takes from the request to its 204, and a bare Starlette app with one SQLite commit in the same run.

Both are asked in turns over one kept connection each, with the same bodies, so that the disk and the machine are the same.
"""

import http.client
import time
import urllib.parse

from bench.common import SECRET, median, percentile, rig, running_bare, table
from tests.kit.servers import PlexEvening, Step, plex_movie

FILMS = 50
WARM_UP = 40


class Caller:
    """One kept connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=10)
        self.took_ms: list[float] = []

    def post(self, step: Step) -> None:
        """Send one hook and note how long the answer took."""
        headers = {"Content-Type": step.content_type, "X-Scrobbler-Secret": SECRET}
        began = time.perf_counter()
        self._connection.request("POST", "/hooks/plex", step.body, headers)
        answer = self._connection.getresponse()
        answer.read()
        self.took_ms.append((time.perf_counter() - began) * 1000)
        assert answer.status == 204, (answer.status, step.label)


def main() -> None:
    with rig() as one, running_bare(one.folder) as (_, bare_port):
        one.daemon.start()
        ours = Caller(urllib.parse.urlsplit(one.daemon.url).netloc)
        bare = Caller(f"127.0.0.1:{bare_port}")
        for step in _steps():
            ours.post(step)
            bare.post(step)
            time.sleep(0.005)
        _print(ours.took_ms[WARM_UP:], bare.took_ms[WARM_UP:])


def _steps() -> list[Step]:
    """Every film: begun, paused and resumed eight times, left. Each request is an edge that must be stored."""
    steps: list[Step] = []
    for number in range(FILMS):
        film = plex_movie(
            ratingKey=f"7{number:03}",
            guid=f"plex://movie/5d00000000000000000{number:05}",
            title=f"Film {number}",
            Guid=[{"id": f"imdb://tt7{number:06}"}],
        )
        evening = PlexEvening().event("media.play", film)
        for minute in range(1, 9):
            evening.event("media.pause", film, minute * 60_000).event("media.resume", film, minute * 60_000)
        steps += evening.event("media.stop", film, 540_000).steps
    return steps


def _print(ours: list[float], bare: list[float]) -> None:
    table(
        f"hook to 204, {len(ours)} requests of Plex one after the other",
        {
            "scrobblerd, median": f"{median(ours):.2f} ms",
            "scrobblerd, 99 %": f"{percentile(ours, 99):.2f} ms",
            "bare app, median": f"{median(bare):.2f} ms",
            "bare app, 99 %": f"{percentile(bare, 99):.2f} ms",
            "ratio of the medians": f"{median(ours) / median(bare):.2f}",
            "ratio of the 99 %": f"{percentile(ours, 99) / percentile(bare, 99):.2f}",
        },
    )


if __name__ == "__main__":
    main()
