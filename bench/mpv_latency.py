"""How long it takes from mpv opening a file to the first request at Simkl's stand-in. Needs mpv and ffmpeg."""

import time

from bench.common import Rig, median, percentile, rig, table
from scrobbler.sandbox.views import Call
from tests.kit.mpv import MpvProcess, make_film

ROUNDS = 15


def main() -> None:
    with rig() as one:
        one.daemon.start()
        seen: list[float] = []
        scrobbled: list[float] = []
        with MpvProcess(ipc=one.folder / "run" / "mpv.sock") as mpv:
            mpv.get("pid")
            time.sleep(1)
            for number in range(ROUNDS):
                film = one.folder / f"Film {number} (2001) {{imdb-tt70{number:05}}}.mkv"
                make_film(film)
                known = len(one.sandbox.calls())
                opened_ms = time.time_ns() / 1_000_000
                mpv.command("loadfile", str(film))
                calls = _until_start(one, known)
                seen.append(calls[0].at_ms - opened_ms)
                scrobbled.append(calls[-1].at_ms - opened_ms)
                mpv.command("stop")
                one.settled(60)
                # Requests are 1.1 s apart (rule 16): the one that told of the stop must not delay the next start.
                time.sleep(1.5)
    table(
        f"mpv opens a file, median of {ROUNDS} (and the slowest tenth)",
        {
            "to the first request": f"{median(seen):.0f} ms ({percentile(seen, 90):.0f})",
            "to the start": f"{median(scrobbled):.0f} ms ({percentile(scrobbled, 90):.0f})",
        },
    )


def _until_start(one: Rig, known: int) -> list[Call]:
    """Wait for the next start; return the calls from `known` on, up to it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        calls = one.sandbox.calls()[known:]
        for place, call in enumerate(calls):
            if call.path.endswith("/scrobble/start"):
                return calls[: place + 1]
        time.sleep(0.02)
    raise TimeoutError(f"no start within 20 s; the daemon said:\n{one.daemon.said}")


if __name__ == "__main__":
    main()
