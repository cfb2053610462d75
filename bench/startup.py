"""How long `scrobbler --help` takes, and how long the daemon takes from start to ready."""

import sys

from bench.common import command, median, percentile, rig, table, time_to_ready, timed


def main(rounds: int = 20) -> None:
    bare = [timed([sys.executable, "-c", "pass"]) for _ in range(rounds)]
    helps = [timed([command(), "--help"]) for _ in range(rounds)]
    with rig() as one:
        ready = []
        for _ in range(rounds):
            ready.append(time_to_ready(one.daemon))
            one.daemon.terminate()
    table(
        f"start, median of {rounds} (and the slowest tenth)",
        {
            "python -c pass": f"{median(bare):.3f} s",
            "scrobbler --help": f"{median(helps):.3f} s ({percentile(helps, 90):.3f})",
            "start to ready": f"{median(ready):.3f} s ({percentile(ready, 90):.3f})",
        },
    )


if __name__ == "__main__":
    main()
