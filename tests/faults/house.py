"""The whole daemon in front of the sandbox, in one process and on virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn

from scrobbler.api import Ids, Movie, PlayerEvent
from scrobbler.config.loader import load_text
from scrobbler.daemon.app import Daemon
from scrobbler.http import new_client
from scrobbler.sandbox.faults import Fault
from scrobbler.sandbox.gate import Outcome
from scrobbler.sandbox.orders import AddTitle
from scrobbler.sandbox.reply import Ask
from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.server import SandboxServer
from scrobbler.sandbox.views import Call, UserView
from scrobbler.simkl import tokens
from scrobbler.simkl.tokens import Token
from scrobbler.sources.registry import kinds
from scrobbler.status.report import StatusReport, report
from tests.faults.virtual import START, VirtualClock

MINUTE_S = 60.0
FILM = Movie(title="The Example", year=2014, ids=Ids(imdb="tt9000002"))
FILM_S = 10 * MINUTE_S
"""A minute of the film is ten percent."""

SECRET = "asecretofthetests1234"

CONFIG = """
simkl: {{client_id: sandbox, api_url: "{url}"}}
state_dir: {state}
http: {{listen: "127.0.0.1:0"}}
accounts: {{alice: {{}}}}
ignore: {{shorter_than: 0s}}
sources:
  tv: {{type: events, account: alice, secret: {secret}}}
"""

Ambush = Callable[[Ask], Awaitable[None]]


class House:
    """A daemon with one account, Alice, and one player, and the Simkl behind it."""

    def __init__(self, folder: Path, server: SandboxServer, clock: VirtualClock, true_clock: VirtualClock) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.server = server
        self.clock = clock
        self.true_clock = true_clock
        self.daemon: Daemon
        self._task: asyncio.Task[None] | None = None
        self.logs: list[dict[str, Any]] = []
        self.tasks: list[asyncio.Task[Any]] = []

    @property
    def sandbox(self) -> Sandbox:
        return self.server.sandbox

    def _make(self, ready: asyncio.Event) -> Daemon:
        text = CONFIG.format(url=self.server.url, state=self.state, secret=SECRET)
        loaded = load_text(text, file_name=str(self.folder / "config.yaml"), env={}, source_models=kinds())
        return Daemon(loaded, {}, clock=self.clock, started=lambda _daemon: ready.set())

    async def start(self) -> None:
        """Start the daemon; wait until it listens. Raises what keeps it from starting."""
        assert self._task is None, "it runs already"
        ready = asyncio.Event()
        self.daemon = self._make(ready)
        self._task = asyncio.create_task(self.daemon.run())
        waiter = asyncio.create_task(ready.wait())
        await asyncio.wait({self._task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if self._task.done():
            task, self._task = self._task, None
            await task

    async def end(self) -> None:
        """End the daemon as SIGTERM does."""
        if self._task is not None:
            self.daemon.stop.set()
            task, self._task = self._task, None
            await task

    def link(self, user: str = "alice", client_id: str = "sandbox", renew_after_s: float = 6 * 86_400) -> Token:
        """Link the account, as if somebody had signed in; the daemon need not run. The link is renewed after so long."""
        grant = self.sandbox.link(user, client_id)
        now_ms = self.clock.now().utc_ms
        token = Token(
            generation="V2",
            client_id=client_id,
            access=grant.access_token,
            refresh=grant.refresh_token,
            expires_utc_ms=now_ms + grant.expires_in * 1000,
            refresh_utc_ms=now_ms + round(renew_after_s * 1000),
            scope=grant.scope,
            account_id=grant.account_id,
            name=user,
            linked_utc_ms=now_ms,
        )
        path = self.state / "tokens.json"
        tokens.save(path, {**tokens.load(path), "alice": token})
        return token

    async def say(self, kind: Any, position_s: float | None = None, *, film: Movie = FILM, **more: Any) -> None:
        """Let the player say something about a film; returns when it is stored. Raises StorageError."""
        await self.daemon.sources.take("tv", [_event(kind, position_s, film, **more)])

    async def post(self, kind: str, position_s: float | None = None, *, film: Movie = FILM) -> int:
        """Say the same by the hook; returns its answer's status."""
        event = _event(kind, position_s, film)
        headers = {"Content-Type": "application/json", "X-Scrobbler-Secret": SECRET}
        return await self._ask("POST", "/hooks/tv", content=msgspec.json.encode(event), headers=headers)

    async def health(self) -> int:
        """Return the status of /healthz."""
        return await self._ask("GET", "/healthz")

    async def _ask(self, method: str, path: str, **more: Any) -> int:
        host, port = self.daemon.server.addresses[0]
        async with new_client() as client:
            return int((await client.request(method, f"http://{host}:{port}{path}", **more)).status_code)

    async def passes(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def watch(self, film: Movie = FILM, minutes: float = 10) -> None:
        """Let a film run from its beginning, and end after so many minutes."""
        await self.say("play", 0, film=film)
        await self.passes(minutes * MINUTE_S)
        await self.say("stop", minutes * MINUTE_S, film=film)

    def fault(self, kind: Any, **more: Any) -> None:
        """Let calls of Alice meet a fault."""
        self.sandbox.gate.faults.waiting.append(Fault(kind=kind, **more))

    def spend_allowance(self, left: int = 0) -> None:
        """Leave Alice so many calls today."""
        self.sandbox.gate.limits.set_remaining(self.sandbox.state.people.user("alice"), left)

    def before(self, path: str, ambush: Ambush) -> None:
        """Do something once, when the next call to this address has arrived and nothing was done about it yet."""
        gate = self.sandbox.gate
        through = gate.pass_through
        waiting = [ambush]

        async def watch(ask: Ask) -> Outcome:
            if waiting and ask.path.startswith(path):
                await waiting.pop()(ask)
            return await through(ask)

        gate.pass_through = watch  # type: ignore[method-assign]

    async def stranger(self, path: str, body: Any) -> int | None:
        """Let another app of Alice's call; returns the status."""
        grant = self.sandbox.link("alice")
        outcome = await self.sandbox.gate.pass_through(
            Ask(
                method="POST",
                path=path,
                base=self.server.url,
                query={"client_id": "sandbox", "stranger": "yes"},
                headers={"authorization": f"Bearer {grant.access_token}"},
                raw=msgspec.json.encode(body),
            )
        )
        return None if outcome.reply is None else outcome.reply.status

    async def settled(self, limit_s: float = 7200) -> None:
        """Let time pass until nothing is owed to Simkl and nothing plays, for a minute. Fails after so many virtual seconds.

        What Simkl shows may be put right a second after the last of what was owed.
        """
        before = False
        for _ in range(round(limit_s / MINUTE_S)):
            await self.passes(MINUTE_S)
            status = await self.status()
            now = not status.queue and not status.playing
            if before and now:
                return
            before = now
        raise AssertionError(f"not settled in {limit_s} s; {self.told()}; {await self.status()}")

    def simkl(self, user: str = "alice") -> UserView:
        """Return what Simkl knows of a user."""
        return self.sandbox.view(user)

    def calls(self) -> list[Call]:
        """Return the daemon's own calls."""
        return [call for call in self.sandbox.calls() if "stranger" not in call.query]

    def told(self) -> list[str]:
        """Return the daemon's calls in short: `start 201`, `stop -` where no answer was made."""
        return [short(call) for call in self.calls()]

    async def status(self) -> StatusReport:
        """Return what `scrobbler status` shows."""
        return await report(self.daemon.view)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of one kind."""
        return [line for line in self.logs if line["event"] == event]


def _event(kind: Any, position_s: float | None, film: Movie, **more: Any) -> PlayerEvent:
    return PlayerEvent(
        kind=kind,
        player="tv",
        item_key=film.title,
        item=film,
        position_ms=None if position_s is None else round(position_s * 1000),
        duration_ms=round(FILM_S * 1000),
        **more,
    )


def short(call: Call) -> str:
    """Name a call and its answer: `stop 201`, and how a fault kept the answer from us."""
    name = call.path.rsplit("/", 1)[-1]
    name = {"token": "refresh", "settings": "who"}.get(name, name)
    if call.method == "DELETE":
        name = "delete"
    fault = {"drop_before": "lost", "drop_after": "answer lost", "truncated": "cut off"}.get(call.fault or "")
    return f"{name} {fault or call.status}"


async def _rarely(self: uvicorn.Server) -> None:
    """Stand in for uvicorn's loop, which looks ten times a second whether it shall end: too often for virtual time."""
    while not self.should_exit:  # noqa: ASYNC110 (its flag is a plain attribute)
        await asyncio.sleep(3600)


@contextlib.asynccontextmanager
async def open_house(
    folder: Path, *, utc: datetime = START, linked: bool = True, started: bool = True, client_id: str = "sandbox"
) -> AsyncIterator[House]:
    """Make a house, start it, and end it; nothing alarming may be in its log."""
    # Simkl's clock is its own: ours may be set without moving it.
    clock, true_clock = VirtualClock(utc), VirtualClock(utc)
    server = SandboxServer(Sandbox(true_clock))
    own_loop = uvicorn.Server.main_loop
    uvicorn.Server.main_loop = _rarely  # type: ignore[method-assign]
    try:
        await server.start()
    finally:
        # The server is in its loop by now; every other server of this process must keep its own.
        uvicorn.Server.main_loop = own_loop  # type: ignore[method-assign]
    order = AddTitle(kind="movie", title=FILM.title, year=FILM.year, ids={"imdb": "tt9000002"}, runtime=10)
    server.sandbox.add_title(order)
    house = House(folder, server, clock, true_clock)

    def keep(_logger: Any, level: str, line: Any) -> Any:
        house.logs.append({**line, "level": level})
        raise structlog.DropEvent

    old = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        if linked:
            house.link(client_id=client_id)
        if started:
            await house.start()
        yield house
        await house.end()
        await asyncio.gather(*house.tasks)
        alarms = [line for line in house.logs if line["level"] in ("error", "exception", "critical")]
        assert not alarms, alarms
    finally:
        await house.end()
        await server.stop()
        structlog.configure(**old)
