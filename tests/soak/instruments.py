"""What the soak fastens to the daemon: the labelled points, the record of what was durably heard, a calendar on its clock."""

import asyncio
import sqlite3
from collections.abc import Callable, MutableMapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from msgspec import Struct

import scrobbler.daemon.app as app_module
import scrobbler.engine.engine as engine_module
from scrobbler.daemon import chores, reloading
from scrobbler.engine.engine import Engine
from scrobbler.http import HttpClient
from scrobbler.plays.model import Heard
from scrobbler.simkl import tokens
from scrobbler.simkl.wire import Wire
from scrobbler.store import outbox, play_state
from scrobbler.store.database import Database
from tests.soak.clock import SteppedClock
from tests.soak.points import ACTIONS, Points
from tests.soak.stepping import Stepper

DELIVERY_HEADER = b"x-soak-delivery"
TIME_HEADER = "X-Soak-Time"
LIFE_HEADER = "X-Soak-Life"
HEARD_TABLE = "CREATE TABLE IF NOT EXISTS soak_heard (delivery INTEGER PRIMARY KEY)"

_DELIVERY: ContextVar[int | None] = ContextVar("delivery", default=None)


class Life(Struct, frozen=True, kw_only=True):
    """One life of the daemon: when it begins, and at which point it dies, if at one."""

    number: int
    config: str
    log: str
    utc_ms: int
    mono_ms: int
    boot_id: str
    arm: str = ""
    nth: int = 1


def _wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(owner, name, make(getattr(owner, name)))


class Instruments:
    """What the soak fastens to the daemon: the points, and the record of what was durably heard."""

    def __init__(self, points: Points, stepper: Stepper, life: Life) -> None:
        self.points = points
        self.stepper = stepper
        self.life = life
        self._heard: list[int] = []
        self._actions: dict[int, str] = {}
        self._marks: list[str] = []

    def fasten(self) -> None:
        """Fasten everything."""
        # Both look around every few seconds, for suspend and for a changed file; the soak has neither.
        engine_module._SLICE_S = 3600.0
        reloading.LOOK_S = 3600.0
        app_module._boot_id = lambda: self.life.boot_id
        _wrap(chores, "schedule", lambda _original: self._calendar)
        _wrap(app_module, "new_client", self._client)
        _wrap(app_module, "build_app", self._app)
        _wrap(engine_module, "step", self._step)
        _wrap(play_state, "save_step", self._save)
        _wrap(Engine, "_commit", self._commit)
        _wrap(Engine, "_write", self._engine_write)
        _wrap(Engine, "open", self._engine_open)
        _wrap(Engine, "identified", self._around("resolver: answer known, not stored", "resolver: answer stored"))
        _wrap(
            Engine, "lose_contact", self._around("end: before everything is paused", "end: paused here, Simkl not told")
        )
        _wrap(Database, "_open", self._database_open)
        _wrap(Database, "write", self._database_write)
        _wrap(outbox, "begin_attempt", self._begin_attempt)
        _wrap(outbox, "end_attempt", self._end_attempt)
        _wrap(Wire, "send", self._send)
        _wrap(tokens, "save", self._tokens_save)

    def _hit(self, label: str) -> None:
        if label:
            self.points.hit(label)

    def _around(self, before: str, after: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                self._hit(before)
                result = await original(*args, **kwargs)
                self._hit(after)
                return result

            return wrapped

        return make

    # The way in

    def _app(self, original: Any) -> Any:
        def build(*args: Any, **kwargs: Any) -> Any:
            application = original(*args, **kwargs)

            async def outer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
                text = dict(scope.get("headers", ())).get(DELIVERY_HEADER)
                if text is None:
                    await application(scope, receive, send)
                    return
                _DELIVERY.set(int(text))

                async def send_on(message: MutableMapping[str, Any]) -> None:
                    if message["type"] == "http.response.start":
                        self._hit("hook: committed, not answered")
                    await send(message)

                await application(scope, receive, send_on)
                asyncio.get_running_loop().call_soon(self._hit, "hook: answered")

            return outer

        return build

    def _step(self, original: Any) -> Any:
        def step(state: Any, given: Any, now: Any) -> Any:
            delivery = _DELIVERY.get()
            if delivery is not None and isinstance(given, Heard):
                self._heard.append(delivery)
            return original(state, given, now)

        return step

    def _save(self, original: Any) -> Any:
        def save(connection: sqlite3.Connection, **given: Any) -> Any:
            result = original(connection, **given)
            connection.executemany("INSERT OR IGNORE INTO soak_heard VALUES (?)", [(one,) for one in self._heard])
            self._hit("hook: inside the transaction")
            return result

        return save

    def _engine_write(self, original: Any) -> Any:
        async def write(engine: Any, work: Any) -> Any:
            self._hit("hook: before anything is stored")
            result = await original(engine, work)
            self._heard.clear()
            self._hit("hook: committed, memory still old")
            return result

        return write

    def _commit(self, original: Any) -> Any:
        def commit(*args: Any) -> Any:
            original(*args)
            self._hit("hook: committed, senders told")

        return commit

    def _engine_open(self, original: Any) -> Any:
        async def opened(engine: Any) -> None:
            self._hit("birth: database open, state not loaded")
            await original(engine)
            self._hit("birth: state loaded")

        return opened

    def _database_open(self, original: Any) -> Any:
        def opened(database: Any) -> None:
            original(database)
            database._write_connection.execute(HEARD_TABLE)

        return opened

    # The way out

    def _database_write(self, original: Any) -> Any:
        async def write(database: Any, work: Callable[[sqlite3.Connection], Any]) -> Any:
            marks: list[str] = []

            def marked(connection: sqlite3.Connection) -> Any:
                self._marks = marks
                return work(connection)

            result = await original(database, marked)
            for mark in marks:
                self._hit(mark)
            return result

        return write

    def _begin_attempt(self, original: Any) -> Any:
        def begin(connection: Any, account: str, action: str, *args: Any) -> int:
            self._hit(f"{action}: before the attempt is written down")
            number: int = original(connection, account, action, *args)
            self._actions[number] = action
            self._hit(f"{action}: inside the attempt's transaction")
            self._marks.append(f"{action}: attempt committed, nothing sent")
            return number

        return begin

    def _end_attempt(self, original: Any) -> Any:
        def end(connection: Any, number: int, *args: Any) -> None:
            action = self._actions.get(number, "")
            self._hit(f"{action}: before it is settled")
            original(connection, number, *args)
            self._hit(f"{action}: inside the settling transaction")
            self._marks.append(f"{action}: settled")

        return end

    def _send(self, original: Any) -> Any:
        async def send(wire: Any, method: Any, path: str, **kwargs: Any) -> Any:
            action = "renewal" if path.startswith("/oauth2/") else path.rsplit("/", 1)[-1]
            after = "reply here, not stored" if action == "renewal" else "reply here, nothing done with it"
            self._hit(f"{action}: request about to leave")
            self.stepper.sent += 1
            try:
                reply = await original(wire, method, path, **kwargs)
            except asyncio.CancelledError:
                self.stepper.dropped += 1
                raise
            finally:
                self.stepper.request_over()
            if action in (*ACTIONS, "renewal"):
                self._hit(f"{action}: {after}")
            return reply

        return send

    def _client(self, original: Any) -> Any:
        async def stamp(request: Any) -> None:
            request.headers[TIME_HEADER] = str(self.stepper.clock.utc_ms)
            request.headers[LIFE_HEADER] = str(self.life.number)

        def new_client() -> HttpClient:
            client: HttpClient = original()
            client.event_hooks["request"].append(stamp)
            return client

        return new_client

    def _tokens_save(self, original: Any) -> Any:
        def save(path: Path, values: Any) -> None:
            original(path, values)
            self._hit("renewal: stored")

        return save

    # The calendar

    def _calendar(self, every: Sequence[chores.Chore]) -> Any:
        clock, loop = self.stepper.clock, asyncio.get_running_loop()
        tasks = [loop.create_task(_repeat(clock, chore), name=chore.name) for chore in every]
        return _Calendar(tasks)


async def _repeat(clock: SteppedClock, chore: chores.Chore) -> None:
    while True:
        await clock.sleep(chore.every_s)
        await chores._quietly(chore)()


class _Calendar:
    """Stands in for APScheduler, whose timers know real time alone."""

    def __init__(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self._tasks = tasks

    def shutdown(self, *, wait: bool) -> None:
        """End the chores."""
        del wait
        for task in self._tasks:
            task.cancel()
