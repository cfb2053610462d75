"""What an author of a plugin needs to test it: a clock, a context that records, hook requests, and the rules of events.

Nothing here needs a test framework; failures are AssertionErrors with one clear sentence.
"""

import asyncio
import json as jsonlib
import os
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from scrobbler.api.events import PlayerEvent
from scrobbler.api.plugin import BriefMemory, Context, HookRequest, ListenerPlugin, Memory
from scrobbler.clock import Clock, Now

if TYPE_CHECKING:
    from scrobbler.http import HttpClient

START = datetime(2026, 1, 15, 20, 0, tzinfo=UTC)
"""Where a FakeClock begins unless told otherwise."""

_SECRET_SHAPES = re.compile(r"x-plex-token=|api_?key=|access_token=|://[^/@\s\"]+:[^/@\s\"*]+@", re.IGNORECASE)


class FakeClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, utc: datetime = START) -> None:
        self._utc_ms = int(utc.timestamp() * 1000)
        self._mono_ms = 1_000_000
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now(self) -> Now:
        """Read both clocks at once."""
        return Now(self._utc_ms, self._mono_ms)

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._mono_ms + round(seconds * 1000), sleeper)
        self._sleepers.append(entry)
        try:
            await sleeper
        finally:
            with suppress(ValueError):
                self._sleepers.remove(entry)

    @property
    def sleepers(self) -> int:
        """How many tasks wait on this clock."""
        return len(self._sleepers)

    def tick(self, seconds: float) -> None:
        """Move both clocks, without giving anybody the chance to run: for code that is not asynchronous."""
        self._utc_ms += round(seconds * 1000)
        self._mono_ms += round(seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, as a correction of the time does."""
        self._utc_ms += round(seconds * 1000)

    async def advance(self, seconds: float) -> None:
        """Move both clocks, waking each sleeper at its own moment."""
        goal = self._mono_ms + round(seconds * 1000)
        await settle()
        while due := [entry for entry in self._sleepers if entry[0] <= goal and not entry[1].done()]:
            moment, sleeper = min(due, key=lambda entry: entry[0])
            self.tick(max(0, moment - self._mono_ms) / 1000)
            sleeper.set_result(None)
            await settle()
        self.tick((goal - self._mono_ms) / 1000)


async def settle() -> None:
    """Let every task that can run go as far as it can without the outside."""
    for _ in range(10):
        await asyncio.sleep(0)


class LogLine(NamedTuple):
    """One call of the recorded logger."""

    level: str
    event: str
    values: dict[str, Any]


class Reach(NamedTuple):
    """One word of a plugin about whether its player can be reached."""

    up: bool
    why: str


class RecordingLogger:
    """A logger that keeps what it is told."""

    def __init__(self, news: Callable[[], None] = lambda: None) -> None:
        self.lines: list[LogLine] = []
        self._news = news

    def debug(self, event: str, **values: Any) -> None:
        """Keep a detail."""
        self._keep("debug", event, values)

    def info(self, event: str, **values: Any) -> None:
        """Keep news."""
        self._keep("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        """Keep trouble."""
        self._keep("warning", event, values)

    def _keep(self, level: str, event: str, values: dict[str, Any]) -> None:
        self.lines.append(LogLine(level, event, values))
        self._news()


class Recorder:
    """The daemon's side of a plugin, recorded: `context` goes into the plugin, the rest is looked at afterwards.

    `clock` defaults to a FakeClock; `http` to a refusal, so that a plugin which asks the network by surprise fails.
    `memory` is empty unless given: hand the same one to a second recorder to play a restart.
    So many events as `fail` says are refused with OSError, as by a full disk.
    """

    def __init__(
        self,
        source: str = "test",
        *,
        clock: Clock | None = None,
        http: "Callable[[], HttpClient] | None" = None,
        memory: Memory | None = None,
    ) -> None:
        self.events: list[PlayerEvent] = []
        self.reach: list[Reach] = []
        self.fail = 0
        self._news = asyncio.Event()
        self.log = RecordingLogger(self._news.set)
        self.context = Context(
            source=source,
            clock=clock or FakeClock(),
            log=self.log,
            emit=self._emit,
            reachable=self._reachable,
            http=http or _no_http,
            memory=memory or BriefMemory(),
        )

    @property
    def kinds(self) -> list[str]:
        """The kinds of all events so far, in order."""
        return [event.kind for event in self.events]

    def of(self, *kinds: str) -> list[PlayerEvent]:
        """Return the events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    async def until(self, kind: str, count: int = 1, *, seconds: float = 10.0) -> PlayerEvent:
        """Wait in real time until so many events of a kind have come; return the last of them. Fails as `when` does."""
        await self.when(lambda seen: len(seen.of(kind)) >= count, seconds=seconds)
        return self.of(kind)[count - 1]

    async def when(self, condition: "Callable[[Recorder], object]", *, seconds: float = 10.0) -> None:
        """Wait in real time until a condition holds, looked at after each event, log line and word about reach.

        Raises AssertionError, naming the events so far, after `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = "\n".join(str(msgspec.to_builtins(event)) for event in self.events) or "nothing"
            raise AssertionError(f"not so within {seconds} s; the events were:\n{seen}") from None

    async def _emit(self, event: PlayerEvent) -> None:
        if self.fail:
            self.fail -= 1
            raise OSError("no space left on device")
        self.events.append(event)
        self._news.set()

    def _reachable(self, up: bool, why: str = "") -> None:  # noqa: FBT001 (the context's own shape)
        self.reach.append(Reach(up, why))
        self._news.set()


def _no_http() -> "HttpClient":
    raise AssertionError("the plugin asked for HTTP, but the test gave none")


def hook_request(
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HookRequest:
    """Build a request as the daemon hands it to `parse`: of `json`, of a `form`'s fields, or of a raw `body`.

    The content type is the fitting one unless given. Attached files never reach a plugin, so there is no multipart.
    """
    if form is not None:
        kind, raw = "application/x-www-form-urlencoded", urlencode(form).encode()
    elif body is not None:
        kind, raw = "", body.encode() if isinstance(body, str) else body
    else:
        kind, raw = "application/json", jsonlib.dumps(json).encode()
    return HookRequest(
        content_type=kind if content_type is None else content_type, body=raw, form=form or {}, headers=headers or {}
    )


def check_events(events: Iterable[PlayerEvent], *, secrets: Iterable[str] = ()) -> None:
    """Hold events, in the order they were emitted, against the rules of the API.

    Every event survives a JSON round trip, names its player and item, has no negative time and an aware `at`; the first
    event of each play carries its item; nothing looks like a token or password, nor contains one of `secrets`. Raises
    AssertionError at the first breach.
    """
    carried: dict[str, str] = {}
    closed: set[str] = set()
    for number, event in enumerate(events, 1):
        label = f"event {number} ({event.kind})"
        try:
            text = msgspec.json.encode(event)
            assert msgspec.json.decode(text, type=PlayerEvent) == event, f"{label} does not survive a JSON round trip"
        except (UnicodeError, msgspec.MsgspecError) as error:
            raise AssertionError(f"{label} cannot be written as JSON: {error}") from error
        _check_fields(event, label)
        _check_secrets(text.decode(), label, secrets)
        known = carried.get(event.player) == event.item_key
        if event.item is not None:
            carried[event.player] = event.item_key
            closed.discard(event.player)
        elif event.skip is None and event.kind != "gone":
            assert known, f"{label} is the first of its play and carries no item"
            assert not (event.player in closed and event.kind == "play"), f"{label} begins a new play without its item"
        if event.kind in ("stop", "end", "gone"):
            closed.add(event.player)


def _check_fields(event: PlayerEvent, label: str) -> None:
    assert event.player, f"{label} names no player"
    assert event.item_key, f"{label} has no item_key"
    assert event.position_ms is None or event.position_ms >= 0, f"{label} has the negative position {event.position_ms}"
    assert event.duration_ms is None or event.duration_ms > 0, f"{label} has the length {event.duration_ms}"
    assert event.speed > 0, f"{label} has the speed {event.speed}"
    assert event.at is None or event.at.tzinfo is not None, f"{label} has a time without a zone"
    if event.user is not None:
        assert event.user.id or event.user.name, f"{label} has a user without id and name"


def _check_secrets(text: str, label: str, secrets: Iterable[str]) -> None:
    shape = _SECRET_SHAPES.search(text)
    assert shape is None, f"{label} carries what looks like a secret: {shape.group() if shape else ''}"
    for secret in secrets:
        assert secret not in text, f"{label} carries a secret"


@asynccontextmanager
async def running(plugin: ListenerPlugin) -> AsyncIterator[ListenerPlugin]:
    """Run a listener for the length of the block, then cancel it as the daemon does.

    Raises what the listener raised by itself, and AssertionError if it leaves a task, a thread or a descriptor behind.
    """
    tasks, threads, files = asyncio.all_tasks(), set(threading.enumerate()), _descriptors()
    task = asyncio.create_task(plugin.run())
    try:
        yield plugin
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await settle()
        left = [leak.get_name() for leak in asyncio.all_tasks() - tasks if not leak.done()]
        assert not left, f"the listener left tasks behind: {left}"
        alive = [
            thread.name for thread in set(threading.enumerate()) - threads if not thread.name.startswith("asyncio_")
        ]
        assert not alive, f"the listener left threads behind: {alive}"  # the loop's own pool may stay
        extra = _descriptors() - files
        assert not extra, f"the listener left descriptors behind: {sorted(extra)}"


def _descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        with suppress(OSError):
            found.add(f"{entry.name} {os.readlink(entry)}")  # noqa: PTH115 (the text, not a path)
    return found
