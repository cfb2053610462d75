"""The composition root: puts the rooms together, runs them, and ends them in order."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random

import structlog
from msgspec.structs import replace

from scrobbler import __version__
from scrobbler.clock import Clock, SystemClock
from scrobbler.config.addresses import listen_addresses
from scrobbler.config.loader import Loaded
from scrobbler.config.models import Config
from scrobbler.config.paths import state_dir
from scrobbler.control.lock import StateLock
from scrobbler.control.server import ControlServer
from scrobbler.daemon import chores, commands, playground
from scrobbler.daemon.accounts import Accounts
from scrobbler.daemon.catching_up import EVERY_S, CatchingUp
from scrobbler.daemon.notify import Notifier
from scrobbler.daemon.privacy import Privacy
from scrobbler.daemon.reloading import Reloader
from scrobbler.daemon.source_set import SourceSet, rules_of
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.daemon.view import View
from scrobbler.engine.engine import Engine
from scrobbler.engine.guesses import StoredGuesses
from scrobbler.engine.resolver import Resolver
from scrobbler.hooks.app import build_app
from scrobbler.hooks.ports import Answers
from scrobbler.hooks.server import HttpServer
from scrobbler.http import HttpClient, new_client
from scrobbler.identify.guess import ChildGuesser
from scrobbler.plays.model import Effect, Fact, Heard, Resolve
from scrobbler.plays.state import Change
from scrobbler.simkl.client import Simkl
from scrobbler.simkl.signin import SignIn, SimklApp
from scrobbler.simkl.token_store import Grants
from scrobbler.sources.source import Ports
from scrobbler.status.page import StatusPages
from scrobbler.store import play_state
from scrobbler.store.database import FILE_NAME, Database, RefusedError, StorageError
from scrobbler.store.salvage import examine, open_or_salvage

log = structlog.get_logger("daemon")

FLUSH_S = 3.0
"""How long the pauses of a shutdown are tried; the rest follows at the next start (rule 9)."""

STORE_RETRY_S = 5.0


class Daemon:
    """One running daemon. `started` is called once everything listens."""

    def __init__(
        self,
        loaded: Loaded,
        env: Mapping[str, str],
        *,
        sandbox: bool = False,
        clock: Clock | None = None,
        started: Callable[["Daemon"], None] = lambda _daemon: None,
    ) -> None:
        self.loaded = loaded
        self.clock: Clock = clock or SystemClock()
        self.stop = asyncio.Event()
        self.sandbox_url = ""
        self._env = env
        self._sandbox = sandbox
        self._started = started
        self._http: HttpClient | None = None
        self._random = Random()  # noqa: S311 - jitter
        self.answers = Answers()
        self.started_utc_ms: int | None = None
        self._revisions: dict[str, int] = {}
        self.view = View(self)
        base = state_dir(loaded.config, env)
        self.state_dir: Path = base / "sandbox" if sandbox else base
        self.database = Database(self.state_dir / FILE_NAME)
        self.supervisor = Supervisor(self.clock)
        self.engine = Engine(self.database, self.clock, _boot_id())
        self.privacy = Privacy(self.database, self.clock)
        self.grants: Grants
        self.accounts: Accounts
        self.sources: SourceSet
        self.catching_up: CatchingUp
        self.resolver: Resolver
        self.control: ControlServer
        self.reloader = Reloader(self)

    @property
    def config(self) -> Config:
        """The configuration that holds now."""
        return self.loaded.config

    async def run(self) -> None:
        """Run until `stop` is set.

        Raises StateDirError, StorageError, TokenFileError or ListenError if it cannot start; their texts are for people.
        """
        notifier = Notifier(self._env)
        StateLock.make_folder(self.state_dir.parent if self._sandbox else self.state_dir)
        with StateLock(self.state_dir):
            async with contextlib.AsyncExitStack() as stack:
                await self._open(stack)
                ending = asyncio.Event()
                async with asyncio.TaskGroup() as group:
                    runner = group.create_task(self.supervisor.run(ending))
                    await asyncio.sleep(0)
                    await self._begin(stack)
                    notifier.send("READY=1", f"STATUS=version {__version__}")
                    self._serve_watchdog(notifier)
                    self._started(self)
                    await self.stop.wait()
                    notifier.send("STOPPING=1")
                    await self._end()
                    ending.set()
                    await runner
        log.info("stopped")

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        """Open what may refuse, before anything runs."""
        self.grants = Grants(self.state_dir / "tokens.json", self.clock)
        stack.push_async_callback(self._close_http)
        if self._sandbox:
            await self._open_sandbox(stack)
        stack.push_async_callback(self.database.close)
        guesser = ChildGuesser()
        stack.push_async_callback(guesser.close)
        ports = Ports(
            clock=self.clock,
            random=self._random,
            http=self.http,
            hear=self._hear,
            hidden=self.privacy.hidden,
            recall=self._recall,
            remember=self._remember,
            contact=self._contact,
        )
        self.sources = SourceSet(self.state_dir, ports)
        self.catching_up = CatchingUp(
            self.sources, self.database, self.clock, limit_ms=lambda: int(self.config.catch_up * 1000)
        )
        rules = rules_of(self.config)
        for name, options in self.config.sources.items():
            self.sources.add(name, options, rules)
        guesses = StoredGuesses(self.database, self.clock, guesser)
        self.resolver = Resolver(self.engine, self.sources, guesses, self.clock)
        self.accounts = self._make_accounts()

    async def _open_sandbox(self, stack: contextlib.AsyncExitStack) -> None:
        server = await playground.open_playground()
        stack.push_async_callback(server.stop)
        self.sandbox_url = server.url
        simkl = replace(self.config.simkl, api_url=server.url)
        self.loaded = replace(self.loaded, config=replace(self.config, simkl=simkl))
        self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await playground.link_all(server, self.grants, list(self.config.accounts), simkl.client_id, self.clock)

    def _make_accounts(self) -> Accounts:
        settings = self.config.simkl
        app = SimklApp(client_id=settings.client_id, api_url=settings.api_url, auth=settings.auth)
        simkl = Simkl(
            client_id=settings.client_id,
            api_url=settings.api_url,
            http=self.http,
            clock=self.clock,
            grants=self.grants,
            random=self._random,
        )
        return Accounts(
            list(self.config.accounts),
            client_id=settings.client_id,
            simkl=simkl,
            signin=SignIn(app, http=self.http, clock=self.clock, grants=self.grants, random=self._random),
            state=lambda: self.engine.state,
            database=self.database,
            clock=self.clock,
            random=self._random,
            privacy=self.privacy,
        )

    async def _begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Take up the old state first, then listen to the world; without a store, answer 503 until there is one."""
        self.engine.listener = self._on_change
        there = await self._take_up()
        app = build_app(self.sources, StatusPages(self.view), lambda: self.config.http, answers=self.answers)
        addresses = [(address.host, address.port) for address in listen_addresses(self.config)]
        self.server = HttpServer(app, addresses)
        await self.server.start()
        stack.push_async_callback(self.server.stop)
        self.control = ControlServer(self.state_dir, commands.handlers(self), commands.streams(self))
        stack.push_async_callback(self.control.stop)
        if there:
            await self.control.start()
        else:
            with contextlib.suppress(OSError):
                await self.control.start()
        self.started_utc_ms = self.clock.now().utc_ms
        if there:
            await self._go_to_work(stack)
        else:
            self.supervisor.serve("store", lambda: self._wait_for_store(stack))

    async def _take_up(self) -> bool:
        """Open the store and load what was going on; False where that is not to be had now. Raises RefusedError."""
        try:
            if not self.database.opened:
                await open_or_salvage(self.database, self.clock.now())
            await self.privacy.load()
            await self.engine.open()
        except RefusedError:
            raise
        except StorageError as error:
            if self.engine.fault != str(error):
                log.warning("storage", error=str(error))
            self.engine.fault = str(error)
            return False
        self.engine.fault = ""
        return True

    async def _wait_for_store(self, stack: contextlib.AsyncExitStack) -> None:
        """Ending would help nobody: whoever starts the daemon again meets the same disk."""
        while not await self._take_up():
            await self.clock.sleep(STORE_RETRY_S)
        log.info("the store is there")
        if not self.control.listening:
            await self.control.start()
        await self._go_to_work(stack)

    async def _go_to_work(self, stack: contextlib.AsyncExitStack) -> None:
        self.supervisor.serve("engine", self.engine.run)
        await self.accounts.settle_owners()
        self.accounts.serve(self.supervisor)
        for name in self.config.sources:
            self.sources.serve(self.supervisor, name)
        self.supervisor.errand("catch up", self.catching_up.begin())
        self.supervisor.errand("examine the database", self._examine())
        self.supervisor.serve("configuration", self.reloader.run)
        scheduler = chores.schedule(self._chores())
        stack.callback(scheduler.shutdown, wait=False)

    async def _end(self) -> None:
        """Leave in order: nothing new comes in, what plays is paused, and Simkl is told as far as three seconds go."""
        await self.server.stop()
        for source in self.sources:
            await self.supervisor.dismiss(f"source {source.name}")
        senders = self.accounts.senders
        # Before the pauses are wanted: a sender that is cut off while it tells one would have to tell it again.
        for name in senders:
            await self.supervisor.dismiss(f"sender {name}")
        with contextlib.suppress(StorageError):
            await self.engine.lose_contact()
            await self.catching_up.mark()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await asyncio.gather(*(sender.leave() for sender in senders.values()))

    def _chores(self) -> Sequence[chores.Chore]:
        day_s = 86_400.0

        async def prune() -> None:
            await chores.prune(self.database, self.clock.now().utc_ms)

        async def tidy() -> None:
            await chores.tidy(self.database)

        async def links() -> None:
            await self.accounts.settle_owners()
            self.accounts.check_links(self.supervisor)

        return [
            chores.Chore(name="prune", every_s=day_s, work=prune, jitter_s=3600),
            chores.Chore(name="vacuum", every_s=30 * day_s, work=tidy, jitter_s=3600),
            chores.Chore(name="checkpoint", every_s=EVERY_S, work=self.catching_up.look),
            chores.Chore(name="links", every_s=60, work=links, jitter_s=5),
        ]

    def _serve_watchdog(self, notifier: Notifier) -> None:
        every_s = notifier.watchdog_s
        if every_s is None:
            return

        async def ping() -> None:
            while True:
                notifier.send("WATCHDOG=1")
                await asyncio.sleep(every_s)

        self.supervisor.serve("watchdog", ping)

    def _contact(self, source: str, up: bool) -> None:  # noqa: FBT001 - as the source says it
        if up:
            self.supervisor.errand(f"catch up {source}", self.catching_up.ask(source))
        else:
            self.catching_up.lost(source)

    async def _hear(self, heard: Heard) -> None:
        await self.engine.hear(heard)

    def _on_change(self, effects: Sequence[Effect], change: Change) -> None:
        revisions = {name: now_playing.revision for name, now_playing in change.now_playing.items()}
        changed = {name for name, revision in revisions.items() if self._revisions.get(name) != revision}
        self._revisions |= revisions
        self.accounts.wake(sorted(changed | {effect.account for effect in effects if isinstance(effect, Fact)}))
        for effect in effects:
            if isinstance(effect, Resolve):
                self.supervisor.errand(f"resolve {effect.session}", self.resolver.pursue(effect.session))

    async def _examine(self) -> None:
        with contextlib.suppress(StorageError):  # the engine sees to damage; the rest shows where something is stored
            await examine(self.database)

    async def _recall(self, key: str) -> str | None:
        return await self.database.read(partial(play_state.get_meta, key=key))

    async def _remember(self, key: str, value: str) -> None:
        await self.database.write(partial(play_state.set_meta, key=key, value=value))

    def http(self) -> HttpClient:
        """Make the shared client on first use."""
        if self._http is None:
            self._http = new_client()
        return self._http

    async def _close_http(self) -> None:
        if self._http is not None:
            await self._http.aclose()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"
