"""What grows with time: a backlog of 10,000 watches, a journal of a million lines, and a day of Jellyfin's ticks.

`python -m bench.backlog [drain] [journal] [day]`; without a word all three, which takes about ten minutes. Waits are virtual.
"""

import asyncio
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import median, table
from scrobbler.store.database import FILE_NAME, Connection
from tests.backlog.queue import drain, enqueue, in_store
from tests.faults.house import House, open_house
from tests.faults.virtual import VirtualLoop
from tests.leaks.crowd import Crowd, rss_kib

WATCHES = 10_000
LINES = (1_000, 1_000_000)
EVENTS = 2_000
DAY_S = 86_400


async def _drain(folder: Path) -> None:
    async with open_house(folder, started=False) as house:
        times = await enqueue(house, WATCHES)
        before = rss_kib()
        began = time.perf_counter()
        await house.start()
        drained = await drain(house)
        took = time.perf_counter() - began
        in_order = [watch.watched_at for watch in house.simkl().history] == times
        gaps = [later.at_ms - earlier.at_ms for earlier, later in itertools.pairwise(drained.calls)]
        grown = rss_kib() - before
        table(
            f"{WATCHES} watches of a month offline",
            {
                "history calls": str(len(drained.calls)),
                "in order, each once": "yes" if in_order else "NO",
                "virtual time": f"{drained.took_s:.0f} s",
                "shortest gap": f"{min(gaps)} ms",
                "work": f"{took:.1f} s",
                "grown, sandbox included": f"{grown / 1024:.1f} MiB",
            },
        )


async def _journal(folder: Path) -> None:
    few, many = LINES
    took: dict[int, list[float]] = {few: [], many: []}
    async with AsyncExitStack() as stack:
        houses: dict[int, House] = {}
        for lines in LINES:
            house = houses[lines] = await stack.enter_async_context(open_house(folder / str(lines), started=False))
            await in_store(house.state / FILE_NAME, partial(_fill, lines=lines))
            await house.start()
            await house.say("play", 0)
            await house.passes(5)
        for number in range(EVENTS):
            # Event by event in turn, so that whatever else the machine does meets both alike.
            for lines, house in houses.items():
                began = time.perf_counter()
                await house.say(("pause", "play")[number % 2], 1 + number / 1000)
                took[lines].append(time.perf_counter() - began)
        for house in houses.values():
            await house.say("stop", 1)
            await house.passes(60)
    table(
        "cost of an event that is stored (median)",
        {
            f"{few:,} lines of journal": f"{median(took[few]) * 1000:.2f} ms",
            f"{many:,} lines of journal": f"{median(took[many]) * 1000:.2f} ms",
            "ratio": f"{median(took[many]) / median(took[few]):.2f}",
        },
    )


def _fill(connection: Connection, lines: int) -> None:
    """Write so many lines of journal, with a play, its row of the outbox and its requests for every tenth."""
    connection.executemany(
        "INSERT INTO journal (about, utc_ms, step, text) VALUES (?, ?, 'sent', ?)",
        (
            (f"p{number // 10}", number * 1000, "start The Example (2014) at 12.5 % (it plays)")
            for number in range(lines)
        ),
    )
    connection.executemany(
        "INSERT INTO attempts (account, action, about, sent_utc_ms, done_utc_ms, result) VALUES ('alice', 'stop', ?, ?, ?, 'ok')",
        ((f"p{number}", number, number) for number in range(lines // 10)),
    )
    connection.executemany(
        "INSERT INTO plays (number, id, account, work_id, live, opened_utc_ms, closed_utc_ms, position_ms, outcome_reason, "
        "title, source, body) VALUES (?, ?, 'alice', ?, 0, ?, ?, 1, '', 'The Example', 'tv', x'00')",
        ((number, f"p{number}", number, number, number) for number in range(1, lines // 10)),
    )
    connection.executemany(
        "INSERT INTO outbox (play, part, account, work_id, kind, at_utc_ms, live, stage, state, outcome, enqueued_utc_ms, tries, "
        "body) VALUES (?, 0, 'alice', ?, 'watched', ?, 1, 'tell', 'settled', 'watched', ?, 1, x'00')",
        ((f"p{number}", number, number, number) for number in range(1, lines // 10)),
    )
    connection.execute("INSERT INTO meta VALUES ('serial', ?)", (str(lines // 10 + 1),))


async def _day(folder: Path) -> None:
    began = time.perf_counter()
    found = await Crowd(folder).watch(DAY_S, warm_s=3600)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table(
        "24 hours of 20 sessions, a tick a second each",
        {
            "events": f"{found.events:,}",
            "transactions": f"{found.writes:,}",
            "of them checkpoints, at most": f"{DAY_S // 10:,}",
            "films begun": str(found.films),
            "grown after the first hour": f"{found.grown_kib} KiB",
            "highest": f"{peak / 1024:.1f} MiB",
            "work": f"{time.perf_counter() - began:.0f} s",
        },
    )


PARTS: Mapping[str, Callable[[Path], Coroutine[Any, Any, None]]] = {"drain": _drain, "journal": _journal, "day": _day}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        with (
            tempfile.TemporaryDirectory(prefix="scrobblerd-bench-") as folder,
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
        ):
            runner.run(PARTS[name](Path(folder)))


if __name__ == "__main__":
    main()
