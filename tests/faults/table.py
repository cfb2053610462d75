"""The fault table: every fault of simkl-api.md 12.37 against every kind of request, and what the daemon does.

The tests play each row; `docs/reliability.md` prints them. `python -m tests.faults.table` brings the document up to date.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

Request: TypeAlias = Literal["start", "pause", "stop", "history", "refresh"]

REQUESTS: tuple[Request, ...] = get_args(Request)

FaultName: TypeAlias = Literal[
    "500",
    "502",
    "503",
    "500 with Retry-After: 40",
    "502 with Retry-After: 40",
    "503 with Retry-After: 40",
    "connection drops before Simkl acts",
    "connection drops after Simkl acted",
    "answer takes 25 s",
    "answer takes 35 s",
    "HTML page with 200",
    "HTML page with 502",
    "JSON cut off",
    "401",
    "Simkl's clock jumps ahead by an hour",
    "Simkl's clock jumps back by an hour",
    "our clock jumps ahead by an hour",
    "our clock jumps back by an hour",
    "lock held by another app",
    "lock as a spacing of 20 s",
    "412, a block",
    "429, by the second",
    "429, by the day",
]

FAULTS: tuple[FaultName, ...] = get_args(FaultName)


class Row(Struct, frozen=True, kw_only=True):
    """One fault at one kind of request.

    `does` is for people. `calls` are all requests of the scenario, in order, with their answers. `after_s` are the shortest
    and the longest time in seconds from the call that met the fault to the first one after it that was answered well.
    """

    fault: FaultName
    request: Request
    does: str
    calls: tuple[str, ...]
    after_s: tuple[float, float] | None = None


_PLAIN: Mapping[Request, tuple[str, ...]] = {
    "start": ("start 201", "stop 201"),
    "pause": ("start 201", "pause 201", "start 201", "stop 201"),
    "stop": ("start 201", "stop 201"),
    "history": ("history 201",),
    "refresh": ("refresh 200", "start 201", "stop 201"),
}
"""The calls of each scenario when nothing goes wrong."""

Told: TypeAlias = tuple[str, tuple[str, ...], tuple[float, float] | None]
"""What is done; the calls that take the place of the one that met the fault; the wait."""

_SOON = (1.7, 2.2)

_LATE = "the watch goes into the history with its true time, and a stop, answered 409, takes the display away"

_OLD_TOKEN = "goes on with the old token, which is good for another day, and renews the link ten minutes later"
_OLD_TOKEN_CALLS = ("start 201", "refresh 200", "stop 201")


def _again(status: str, wait: tuple[float, float], words: str = "sends it again within 2 s") -> dict[Request, Told]:
    def calls(name: str) -> tuple[str, ...]:
        return f"{name} {status}", f"{name} 201"

    return {
        "start": (words, calls("start"), wait),
        "pause": (words, calls("pause"), wait),
        "stop": (f"{words}; had it arrived, the answer would be 409", calls("stop"), wait),
        "history": (f"{words}, with the same time; had it arrived, nothing would change", calls("history"), wait),
        "refresh": (_OLD_TOKEN, (f"refresh {status}", *_OLD_TOKEN_CALLS), None),
    }


def _retry_after(status: str) -> dict[Request, Told]:
    waited = (39.9, 41.2)
    return {
        **_again(status, waited, "waits the 40 s that Simkl asks for, then sends it again"),
        "stop": (
            f"waits the 40 s that Simkl asks for; by then {_LATE}",
            (f"stop {status}", "history 201", "stop 409"),
            waited,
        ),
    }


def _committed(kept: str) -> dict[Request, Told]:
    told = _again(kept, _SOON)
    return {
        **told,
        "stop": ("sends it again within 2 s; Simkl answers 409: it is recorded", (f"stop {kept}", "stop 409"), _SOON),
        "history": (
            "writes it again within 2 s with the same time, which changes nothing",
            (f"history {kept}", "history 201"),
            _SOON,
        ),
        "refresh": (
            "goes on with the old token; it is dead, so Simkl says 401 and the link is renewed once more",
            (f"refresh {kept}", "start 401", "refresh 200", "start 201", "stop 201"),
            None,
        ),
    }


_LATE_ANSWER = "waits for the answer"
_HELD = (20.0, 31.0)
_SPACED = (18.0, 25.0)
_MINUTE = (59.9, 64.0)
_HALT = "sends nothing for a minute, for no account"
_BLOCKED = "Simkl blocks for that, so nothing is sent for a minute"
_MIDNIGHT = "waits for midnight in New York, and up to five minutes more"


def _unmoved(status: str) -> dict[Request, Told]:
    words = "nothing changes: what is told live carries no time, and durations come from a clock that does not jump"
    return {
        "start": (words, (f"start {status}",), None),
        "pause": (words, (f"pause {status}",), None),
        "stop": (words, (f"stop {status}",), None),
        "history": ("nothing changes: the time that was written down stands", (f"history {status}",), None),
        "refresh": (words, _PLAIN["refresh"], None),
    }


_NOT_HERE = "renewing the link takes no lock; the start behind it"

_TOLD: Mapping[FaultName, Mapping[Request, Told]] = {
    "500": _again("500", _SOON),
    "502": _again("502", _SOON),
    "503": _again("503", _SOON),
    "500 with Retry-After: 40": _retry_after("500"),
    "502 with Retry-After: 40": _retry_after("502"),
    "503 with Retry-After: 40": _retry_after("503"),
    "connection drops before Simkl acts": _again("lost", _SOON),
    "connection drops after Simkl acted": _committed("answer lost"),
    "answer takes 25 s": {
        "start": (_LATE_ANSWER, ("start 201",), None),
        "pause": (_LATE_ANSWER, ("pause 201",), None),
        "stop": (_LATE_ANSWER, ("stop 201",), None),
        "history": (_LATE_ANSWER, ("history 201",), None),
        "refresh": (f"{_LATE_ANSWER}; the start is told after it", _PLAIN["refresh"], None),
    },
    "answer takes 35 s": {
        "start": ("gives up after 30 s and sends it again, once the lock is free", ("start 201", "start 201"), None),
        "pause": ("gives up after 30 s and sends it again, once the lock is free", ("pause 201", "pause 201"), None),
        "stop": (
            f"gives up after 30 s; by then {_LATE}; as it is recorded already, nothing changes",
            ("stop 201", "history 201", "stop 409"),
            None,
        ),
        "history": (
            "gives up after 30 s and writes it again, which changes nothing",
            ("history 201", "history 201"),
            None,
        ),
        "refresh": (
            "gives up after 30 s, goes on with the old token, and renews the link ten minutes later, or when Simkl says 401",
            ("refresh 200", "start 201", "refresh 200", "stop 201"),
            None,
        ),
    },
    "HTML page with 200": _again("200", _SOON),
    "HTML page with 502": _again("502", _SOON),
    "JSON cut off": _committed("cut off"),
    "401": {
        "start": ("renews the link and sends it again", ("start 401", "refresh 200", "start 201"), (1.1, 3.3)),
        "pause": ("renews the link and sends it again", ("pause 401", "refresh 200", "pause 201"), (1.1, 3.3)),
        "stop": ("renews the link and sends it again", ("stop 401", "refresh 200", "stop 201"), (1.1, 3.3)),
        "history": ("renews the link and writes it again", ("history 401", "refresh 200", "history 201"), (1.1, 3.3)),
        "refresh": (_OLD_TOKEN, ("refresh 401", *_OLD_TOKEN_CALLS), None),
    },
    "Simkl's clock jumps ahead by an hour": _unmoved("201"),
    "Simkl's clock jumps back by an hour": _unmoved("201"),
    "our clock jumps ahead by an hour": _unmoved("201"),
    "our clock jumps back by an hour": _unmoved("201"),
    "lock held by another app": {
        "start": ("sends it again a few seconds after Simkl gave up waiting", ("start 400", "start 201"), _HELD),
        "pause": ("sends it again a few seconds after Simkl gave up waiting", ("pause 400", "pause 201"), _HELD),
        "stop": ("sends it again a few seconds after Simkl gave up waiting", ("stop 400", "stop 201"), _HELD),
        "history": ("writes it again a few seconds after Simkl gave up waiting", ("history 400", "history 201"), _HELD),
        "refresh": (
            f"{_NOT_HERE} is sent again a few seconds after Simkl gave up waiting",
            ("refresh 200", "start 400", "start 201", "stop 201"),
            None,
        ),
    },
    "lock as a spacing of 20 s": {
        "start": ("tries every 5 s until the 20 s are over", (*["start 400"] * 4, "start 201"), _SPACED),
        "pause": ("tries every 5 s until the 20 s are over", (*["pause 400"] * 4, "pause 201"), _SPACED),
        "stop": ("tries every 5 s until the 20 s are over", (*["stop 400"] * 4, "stop 201"), _SPACED),
        "history": ("nothing: this reading of the lock is about scrobble calls alone", ("history 201",), None),
        "refresh": (
            f"{_NOT_HERE} is tried every 5 s until the 20 s are over",
            ("refresh 200", *["start 400"] * 4, "start 201", "stop 201"),
            None,
        ),
    },
    "412, a block": {
        "start": (f"{_HALT}; then the start at the position of that time", ("start 412", "start 201"), _MINUTE),
        "pause": (f"{_HALT}; then the pause", ("pause 412", "pause 201"), _MINUTE),
        "stop": (
            f"{_HALT}; then {_LATE}",
            ("stop 412", "history 201", "stop 409"),
            _MINUTE,
        ),
        "history": (f"{_HALT}; then the history", ("history 412", "history 201"), _MINUTE),
        "refresh": (f"{_HALT}; then renews the link", ("refresh 412", "refresh 200", "start 201", "stop 201"), _MINUTE),
    },
    "429, by the second": {
        "start": (f"sends it again after 1.1 s; {_BLOCKED}", ("start 429", "start 412", "start 201"), _MINUTE),
        "pause": (f"sends it again after 1.1 s; {_BLOCKED}", ("pause 429", "pause 412", "pause 201"), _MINUTE),
        "stop": (
            f"sends it again after 1.1 s; {_BLOCKED}, and the watch goes into the history with its true time",
            ("stop 429", "stop 412", "history 201", "stop 409"),
            _MINUTE,
        ),
        "history": (f"writes it again after 1.1 s; {_BLOCKED}", ("history 429", "history 412", "history 201"), _MINUTE),
        "refresh": (_OLD_TOKEN, ("refresh 429", *_OLD_TOKEN_CALLS), None),
    },
    "429, by the day": {
        "start": (
            f"{_MIDNIGHT}; the film is over by then and goes into the history with its true time",
            ("start 429", "history 201"),
            None,
        ),
        "pause": (
            f"{_MIDNIGHT}; the film is over by then and goes into the history, and a stop, answered 409, takes the display away",
            ("pause 429", "history 201", "stop 409"),
            None,
        ),
        "stop": (
            f"{_MIDNIGHT}; {_LATE}",
            ("stop 429", "history 201", "stop 409"),
            None,
        ),
        "history": (f"{_MIDNIGHT}; then the history", ("history 429", "history 201"), None),
        "refresh": (
            f"renewing the link costs no allowance; for the start: {_MIDNIGHT}",
            ("refresh 200", "start 429", "history 201"),
            None,
        ),
    },
}


def rows() -> Iterator[Row]:
    """List every fault at every request."""
    for fault in FAULTS:
        for request in REQUESTS:
            does, calls, after_s = _TOLD[fault][request]
            yield Row(fault=fault, request=request, does=does, calls=_scenario(request, calls), after_s=after_s)


def _scenario(request: Request, met: tuple[str, ...]) -> tuple[str, ...]:
    """Put what became of one call into the scenario. A renewal's calls are all of them; a history write ends a film's."""
    if request == "refresh":
        return met
    plain = _PLAIN[request]
    first = next(index for index, call in enumerate(plain) if call.startswith(request))
    over = request != "history" and any(call.startswith("history") for call in met)
    return (*plain[:first], *met, *(() if over else plain[first + 1 :]))


BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"

_TITLES: Mapping[Request, str] = {
    "start": "A start",
    "pause": "A pause",
    "stop": "The stop of a film that was watched",
    "history": "A watch written into the history",
    "refresh": "The renewal of a link, with a start behind it",
}


def markdown() -> str:
    """Print the table for people."""
    lines = [
        "## What goes wrong, and what the daemon does",
        "",
        "Each row is played by `tests/faults`: the whole daemon against the sandbox, over sockets, on virtual time. After each,",
        "Simkl holds the watch exactly once, within a minute of when it happened, shows nothing as playing and has nothing that",
        "was not watched. The requests of the whole scenario follow each other as listed; the film starts, and is watched to its",
        "end. `lost` means that no answer was made, `answer lost` and `cut off` that it did not arrive whole.",
    ]
    for request in REQUESTS:
        lines += ["", f"### {_TITLES[request]}", "", "| fault | the daemon | requests |", "|---|---|---|"]
        lines += [f"| {row.fault} | {row.does} | {_short(row.calls)} |" for row in rows() if row.request == request]
    return "\n".join((*lines, "", _PROSE.strip()))


_PROSE = """
## When the store takes nothing

A `204` means that the event is on the disk. Where nothing can be stored (the disk is full, mounted read-only, or
another program holds the file), hooks answer `503` and `/healthz` says `503` with the reason. The daemon goes on
running, and is well again by itself when the cause is gone. It also begins so: a daemon that starts on such a disk
does not end, and takes up its plays as soon as it can. Proven by `tests/faults/test_storage.py`, and as a process on
disks that really fill and break by `tests/disk` and `tests/e2e/test_store.py`.

A damaged database is set aside as `scrobbler.db.damaged-<time in UTC>`, next to the new one. What SQLite can still
read is copied into the new file. The log says it at once and `scrobbler status` for a week: how many rows were saved,
and which tables could not be read whole. The daemon looks for damage after each start, and mends what it meets while
it runs: a hook then waits for its `204` until that is done. With five damaged files in the folder it stops doing so
and answers `503`: then the disk is broken. Proven by `tests/faults/test_salvage.py`.

## When the link is lost

Nothing is dropped. What waits stays in the store; the log says it once, and `scrobbler status` says what to do. After
linking to the same account everything goes out with its true time. For whom plays were watched is kept beside them, so
that no other link gets them: not after unlinking, not with another token file. The daemon's own sign-in refuses another
account at Simkl, and `scrobbler auth` asks first. Proven by `tests/faults/test_signin_lost.py` and, with the real
commands, `tests/e2e/test_relinking.py`. What Simkl refuses or does not know is
kept, shown by `scrobbler review`, and sent again by `scrobbler retry` (`tests/faults/test_dead_letters.py`).

## When the day's calls are used up

With a tenth left, starts and saved positions are not told any more; watches are. A start that Simkl already shows is
still ended. With nothing left, everything waits for midnight in New York and up to five minutes more, also on the
days when the clocks change (`tests/faults/test_allowance.py`).

## What grows with time

Measured by `python -m bench.backlog`; `make test` plays smaller ones (`tests/backlog`, `tests/leaks`).

| what | measured |
|---|---|
| 10,000 watches of a month offline | 200 history calls, in order, each once, 1.1 s apart; 4 minutes |
| an event that is stored, with 1,000 and with 1,000,000 lines of journal | 0.73 ms and 0.70 ms: ratio 0.96 |
| 24 hours of 20 Jellyfin sessions, one position a second each | 1,728,000 events: 8,200 transactions, 1.3 MiB more memory |
| 50 starts and ends in one process | as many files, threads and tasks as before |
"""


def _short(calls: tuple[str, ...]) -> str:
    return ", ".join(f"`{call}`" for call in calls)


def renewed(document: str) -> str:
    """Return the document with this table in its place. Raises ValueError if the markers are missing."""
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{DOCUMENT.name} lacks {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text("utf-8")), "utf-8")
