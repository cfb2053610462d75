"""The child process in which guessit runs: one JSON string per line in, one JSON object per line out.

Started as `python -P guess_child.py IDLE_S`; it imports nothing of ours, so that it starts fast. Ends
after so many seconds without a question, and when the other end of the pipe is gone.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import Any

_CHUNK = 1 << 16


def _lines(idle_s: float) -> Iterator[bytes]:
    """Yield lines of standard input until its end, or until nothing came for `idle_s` seconds."""
    waiting = b""
    while select.select([0], [], [], idle_s)[0]:
        chunk = os.read(0, _CHUNK)
        if not chunk:
            return
        *whole, waiting = (waiting + chunk).split(b"\n")
        yield from whole


def _values(matches: Any) -> list[Any]:
    return matches if isinstance(matches, list) else [] if matches is None else [matches]


def _numbers(matches: Any) -> list[int]:
    """Return whole numbers in the order of the name, each once: guessit repeats what folder and file both say."""
    found = sorted(_values(matches), key=lambda match: match.start)
    return list(dict.fromkeys(match.value for match in found if isinstance(match.value, int)))


def _text(matches: Any, *, raw: bool = False) -> str:
    for match in _values(matches):
        return str(match.raw if raw else match.value)
    return ""


def reading(path: str) -> dict[str, Any]:
    """Ask guessit about a path and return its answer in the fields of `Guess`."""
    from guessit import guessit  # the one place that pays for it

    found = guessit(path, {"advanced": True, "no_user_config": True})
    year = _numbers(found.get("year"))
    version = _numbers(found.get("version"))
    return {
        "type": "episode" if _text(found.get("type")) == "episode" else "movie",
        "title": _text(found.get("title")),
        "alternative_title": _text(found.get("alternative_title")),
        "episode_title": _text(found.get("episode_title")),
        "year": year[0] if year else None,
        "season": _numbers(found.get("season")),
        "episode": _numbers(found.get("episode")),
        "date": _text(found.get("date")) or None,
        "country": _text(found.get("country"), raw=True),
        "part": _text(found.get("part"), raw=True),
        "edition": _text(found.get("edition")),
        "version": version[0] if version else None,
        "other": [str(match.value) for match in _values(found.get("other"))],
    }


def answer(line: bytes) -> dict[str, Any]:
    """Answer one question. Whatever guessit stumbles over becomes a sentence."""
    try:
        path = json.loads(line)
        return {"guess": reading(path)}
    except ImportError:
        return {"error": "guessit is not installed"}
    except Exception as error:  # noqa: BLE001 — a parser of others, fed with names of others
        return {"error": f"guessit failed on the file name: {type(error).__name__}"}


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the daemon's to handle
    for line in _lines(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0):
        sys.stdout.write(json.dumps(answer(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
