"""guessit's opinion of a path, asked for in a child process that lives only as long as it is needed."""

import asyncio
import contextlib
import json
import os
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import structlog

from scrobbler.identify.names import MAX_COMPONENT, readable

log = structlog.get_logger()

COMPONENTS = 4
"""How much of a path guessit sees: the file and three folders. More would only mislead it, and is nobody's business."""

IDLE_S = 60.0
TIMEOUT_S = 10.0
_LINE_LIMIT = 1 << 16
# Started as a file, not as a module: the child then need not import our package, a fifth of its start.
_CHILD = str(Path(__file__).with_name("guess_child.py"))


class Guess(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What guessit said, uncorrected, so that it can be kept while our corrections change.

    `part` and `country` are as printed in the name; `date` is ISO.
    """

    type: Literal["movie", "episode"] = "movie"
    title: str = ""
    alternative_title: str = ""
    episode_title: str = ""
    year: int | None = None
    season: tuple[int, ...] = ()
    episode: tuple[int, ...] = ()
    date: str | None = None
    country: str = ""
    part: str = ""
    edition: str = ""
    version: int | None = None
    other: tuple[str, ...] = ()


class GuessError(Exception):
    """guessit could not be asked. The text says why in one sentence."""


class GuessSource(Protocol):
    """Somebody who can read file names."""

    async def guess(self, path: str) -> Guess | None:
        """Read a path. None: nothing recognised. Raises GuessError when the reader itself fails."""
        ...


class GuessCache(Protocol):
    """A memory of guesses by path, as `clipped` writes it."""

    def get(self, path: str) -> Guess | None:
        """Return what was guessed for this path before."""
        ...

    def put(self, path: str, guess: Guess) -> None:
        """Keep a guess."""
        ...


class MemoryGuessCache:
    """A cache that forgets the longest unused entry beyond its size."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: OrderedDict[str, Guess] = OrderedDict()

    def get(self, path: str) -> Guess | None:
        """Return what was guessed for this path before."""
        if path not in self._kept:
            return None
        self._kept.move_to_end(path)
        return self._kept[path]

    def put(self, path: str, guess: Guess) -> None:
        """Keep a guess."""
        self._kept[path] = guess
        self._kept.move_to_end(path)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


def clipped(path: str) -> str:
    """Return the part of a path that guessit sees: readable, at most four components."""
    pieces = [piece for piece in readable(path).replace("\\", "/").split("/") if piece.strip()]
    return "/".join(piece[:MAX_COMPONENT] for piece in pieces[-COMPONENTS:])


class ChildGuesser:
    """Asks guessit in a child process: started at the first question, gone after `idle_s` without one.

    The child ends by itself when idle, and when this process is gone. One question at a time.
    """

    def __init__(
        self,
        cache: GuessCache | None = None,
        *,
        idle_s: float = IDLE_S,
        timeout_s: float = TIMEOUT_S,
        command: tuple[str, ...] | None = None,
    ) -> None:
        self._cache = cache if cache is not None else MemoryGuessCache()
        self._timeout_s = timeout_s
        self._command = command or (sys.executable, "-P", _CHILD, str(idle_s))
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._closed = False
        self._failing = False

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def guess(self, path: str) -> Guess | None:
        """Read a path, from the cache if it was read before. Raises GuessError with one clear sentence."""
        key = clipped(path)
        if not key:
            return None
        known = self._cache.get(key)
        if known is not None:
            return known
        async with self._turn:
            try:
                guess = await self._ask(key)
            except GuessError as error:
                if not self._failing:
                    log.warning("guessit_failed", reason=str(error))
                self._failing = True
                raise
        self._failing = False
        if guess is not None:
            self._cache.put(key, guess)
        return guess

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self._closed = True
        await self._end()

    async def _ask(self, key: str) -> Guess | None:
        for fresh in (False, True):
            if self._closed:
                raise GuessError("guessit is closed: the daemon stops")
            fresh = fresh or self.pid is None  # noqa: PLW2901 — a child that was not there cannot have left while idle
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._exchange(key)
            except TimeoutError:
                await self._end()
                raise GuessError(f"guessit did not read the file name within {self._timeout_s:g} s") from None
            except BaseException:
                await self._end()  # an answer that nobody waits for must not meet the next question
                raise
            if answer:
                return _understood(answer)
            await self._end()
            if fresh:
                break
        raise GuessError("guessit's process ended without an answer")

    async def _exchange(self, key: str) -> bytes:
        """Send one question and read one line. Empty: the child is gone."""
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(key).encode() + b"\n")
            await child.stdin.drain()
            line = await child.stdout.readline()
        except (OSError, ValueError):
            return b""
        return line if line.endswith(b"\n") else b""

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
                limit=_LINE_LIMIT,
            )
        except OSError as error:
            raise GuessError(f"guessit's process cannot be started: {error.strerror}") from None

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())
        if child.stdin is not None:
            child.stdin.close()


def _environment() -> dict[str, str]:
    """Let the child see the same packages as we do, and none of our secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)}


class _Answer(msgspec.Struct):
    guess: Guess | None = None
    error: str = ""


def _understood(line: bytes) -> Guess | None:
    try:
        answer = msgspec.json.decode(line, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise GuessError("guessit gave an answer of an unknown shape") from None
    if answer.error:
        raise GuessError(answer.error)
    return answer.guess
