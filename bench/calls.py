"""How many calls to Simkl a play costs: watched through, and with one pause."""

import time

from bench.common import Rig, rig, table
from scrobbler.sandbox.views import Call
from tests.kit.servers import PlexEvening, Step, plex_movie

PAUSE_S = 4.0
"""Long enough to be a pause and not a flap."""


def main() -> None:
    with rig() as one:
        one.daemon.start()
        time.sleep(3)
        before = one.sandbox.calls()
        first = plex_movie()
        plain = _play(one, PlexEvening().watched_through(first).steps)
        second = plex_movie(
            ratingKey="4002",
            guid="plex://movie/5d0000000000000000000010",
            title="The Other",
            Guid=[{"id": "imdb://tt0000010"}],
        )
        paused = _play(one, PlexEvening().watched_with_pause(second, 3_000_000).steps)
        again = _play(one, PlexEvening().watched_through(second).steps)
    table(
        "calls to Simkl",
        {
            "when the daemon starts": _words(before),
            "a film watched through": _words(plain),
            "with one pause": _words(paused),
            "seen once more": _words(again),
        },
    )


def _play(one: Rig, steps: list[Step]) -> list[Call]:
    known = len(one.sandbox.calls())
    for step in steps:
        assert one.daemon.hook("plex", step.body, step.content_type) == 204
        time.sleep(PAUSE_S)
    one.settled(60)
    return one.sandbox.calls()[known:]


def _words(calls: list[Call]) -> str:
    named = [call.path.strip("/").rsplit("/", 1)[-1] for call in calls]
    return f"{len(named)}: {', '.join(named)}" if named else "0"


if __name__ == "__main__":
    main()
