"""How many calls to Simkl a play costs: watched through, and with one pause."""

import time
from typing import Any

from bench.common import Rig, rig, table
from scrobbler.sandbox.views import Call
from tests.kit.servers import PlexEvening, Step, plex_movie

LENGTH_MS = 30_000
"""The films are short, so that everything happens in its true time."""


def main() -> None:
    with rig() as one:
        one.daemon.start()
        time.sleep(3)
        before = one.sandbox.calls()
        plain = _play(one, PlexEvening().watched_through(_film(1)).steps)
        paused = _play(one, PlexEvening().watched_with_pause(_film(2), 10_000, pause_s=5).steps)
        again = _play(one, PlexEvening().watched_through(_film(2)).steps)
    table(
        "calls to Simkl",
        {
            "when the daemon starts": _words(before),
            "a film watched through": _words(plain),
            "with one pause": _words(paused),
            "seen once more": _words(again),
        },
    )


def _film(number: int) -> dict[str, Any]:
    return plex_movie(
        ratingKey=f"700{number}",
        guid=f"plex://movie/5d000000000000000000000{number}",
        title=f"Film {number}",
        duration=LENGTH_MS,
        Guid=[{"id": f"imdb://tt700000{number}"}],
    )


def _play(one: Rig, steps: list[Step]) -> list[Call]:
    known = len(one.sandbox.calls())
    began = time.monotonic()
    for step in steps:
        time.sleep(max(0.0, began + step.after_s - time.monotonic()))
        assert one.daemon.hook("plex", step.body, step.content_type) == 204
    one.settled(60)
    return one.sandbox.calls()[known:]


def _words(calls: list[Call]) -> str:
    named = ["delete" if call.method == "DELETE" else call.path.rsplit("/", 1)[-1] for call in calls]
    return f"{len(named)}: {', '.join(named)}" if named else "0"


if __name__ == "__main__":
    main()
