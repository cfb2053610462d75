"""Drives the household: moves time for Simkl and the daemon in step, delivers, kills, starts again."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self

import msgspec

from scrobbler.sandbox.faults import Fault
from scrobbler.sandbox.gate import Outcome
from scrobbler.sandbox.reply import Ask
from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.server import SandboxServer
from tests.kit.daemon import free_port
from tests.soak.clock import SteppedClock
from tests.soak.instruments import Life
from tests.soak.players import Delivery
from tests.soak.setting import ANSWER_S, Players, configure
from tests.soak.stepping import Order, Report
from tests.soak.titles import invented_films

BOOT_MS = 600
"""A daemon needs so long to be there again."""

STUCK_S = 2.0
STUCK_TIMES = 10
"""When nothing has happened so many times in so many seconds of real time, the daemon hangs."""


class SoakError(AssertionError):
    """The daemon did something that no kill explains."""


@dataclass
class Figures:
    """What happened on the way."""

    lives: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    edges_promised: set[int] = field(default_factory=set)


class World:
    """Simkl and the daemon, on one time."""

    def __init__(self, folder: Path, begin_ms: int, random: Random) -> None:
        self.folder = folder
        self.clock = SteppedClock(begin_ms)
        self.sandbox = Sandbox(self.clock, Random(random.random()))
        self.figures = Figures()
        self.killed: list[tuple[int, dict[str, int]]] = []
        self.deaths: list[tuple[int, str]] = []
        self._random = random
        self._server = SandboxServer(self.sandbox)
        self._port = free_port()
        self._control = folder / "control"
        self._mono_shift_ms = 5_000_000 - begin_ms
        self._boot = 1
        self._nursery: subprocess.Popen[bytes] | None = None
        self._nursery_reader: asyncio.StreamReader
        self._nursery_writer: asyncio.StreamWriter
        self._life = 0
        self._pid = 0
        self._ended: int | None = None
        self._buried = True
        self._stuck = 0
        self.striking = False
        self._house_writer: asyncio.StreamWriter | None = None
        self._report: Report | None = None
        self._orders = 0
        self._news = asyncio.Event()
        self._ready = asyncio.Event()
        self._nursed = asyncio.Event()
        self._arrived: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self._sandbox_point = ("", 0)
        self._armed = ""
        self._players = Players(self._port)
        self.trace: list[tuple[int, int, int, str]] = []
        self.passed: Counter[str] = Counter()

    # Life and death

    async def __aenter__(self) -> Self:
        for order in invented_films():
            self.sandbox.add_title(order)
        # Who is killed in the middle of a request is an error to a server, and no news here.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await self._server.start()
        self._watch_sandbox()
        configure(self.folder, self.sandbox, self._server.url, self._port)
        self._listener = await asyncio.start_unix_server(self._connected, self._control)
        self._nursery = subprocess.Popen(  # noqa: ASYNC220 - once, at the beginning
            [sys.executable, "-m", "tests.soak.house", str(self._control)], cwd=Path(__file__).parents[2]
        )
        await asyncio.wait_for(self._nursed.wait(), ANSWER_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        assert self._nursery is not None
        self._listener.close()
        self._nursery_writer.close()
        await asyncio.sleep(0)
        await asyncio.to_thread(self._nursery.wait)
        self._players.hang_up()
        while self.alive:
            await self._wait_news()
        await self._server.stop()
        await asyncio.sleep(0.05)

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return self._house_writer is not None

    async def start(self, *, arm: str = "", nth: int = 1, reboot: bool = False) -> None:
        """Let a daemon be born and listen, unless it dies of its first point."""
        if reboot:
            self._boot += 1
            self._mono_shift_ms = self._random.randrange(10_000, 100_000_000) - self.clock.utc_ms
        self._life += 1
        self.figures.lives += 1
        self._ready.clear()
        self._report = None
        self._orders = 0
        self._armed = arm
        self._sandbox_point = ("", 0)
        life = Life(
            number=self._life,
            config=str(self.folder / "config.yaml"),
            log=str(self.folder / "daemon.log"),
            utc_ms=self.clock.utc_ms,
            mono_ms=self.clock.utc_ms + self._mono_shift_ms,
            boot_id=f"boot-{self._boot}",
            arm=arm,
            nth=nth,
        )
        self._ended = None
        self._buried = False
        self._nursery_writer.write(msgspec.json.encode(life) + b"\n")
        await asyncio.wait_for(self._ready.wait(), ANSWER_S)
        if not self.alive:
            await self._bury()

    async def arm(self, label: str, nth: int) -> None:
        """Let it die where it passes this point for the `nth` time."""
        self._armed = label
        if "Simkl, not" in label:
            self._sandbox_point = (label, nth)
        elif self.alive:
            self._order(Order(arm=label, nth=nth))

    def kill(self, after_s: float) -> None:
        """Kill it in so many seconds of real time, wherever it is then."""
        self.striking = True
        asyncio.get_running_loop().call_later(after_s, self._strike, self._life)

    def _strike(self, life: int) -> None:
        self.striking = False
        if life == self._life and self.alive:
            self._armed = "anywhere"
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End it orderly; time goes on meanwhile."""
        if not self.alive:
            return
        self._order(Order(stop=True))
        for _ in range(200):
            await self.go_to(self.clock.utc_ms + 500)
            if not self.alive:
                await self._bury()
                return
            await asyncio.sleep(0.01)
        raise SoakError("it did not end")

    async def _gone(self) -> None:
        while self.alive:
            await self._wait_news()
        await self._bury()

    async def _bury(self) -> None:
        """Take note of a death. What it had sent still reaches Simkl."""
        if self._buried:
            return
        while self._ended is None:
            await self._wait_news()
        self._buried = True
        await self._breathe(20)
        code = self._ended
        if code == -signal.SIGKILL:
            self.figures.killed_at[self._armed or "?"] += 1
        elif code == 0:
            self.figures.stopped += 1
        else:
            raise SoakError(f"the daemon ended by itself with {code}:\n{self.said()}")
        self.killed.append((self.clock.utc_ms, self._last_calls()))
        self.deaths.append((self.clock.utc_ms, self._armed if code else "stopped"))
        self._pid = 0
        self._armed = ""

    def _last_calls(self) -> dict[str, int]:
        last: dict[str, int] = {}
        for record in self.sandbox.gate.recorder.records:
            if record.call.user:
                last[record.call.user] = record.call.number
        return last

    def keep(self, folder: Path) -> None:
        """Copy what tells the story of this world: the store, the log, the calls at Simkl, and the deaths."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("control*", "*.sock"))
        (folder / "calls.json").write_bytes(msgspec.json.encode(self.sandbox.calls()))
        (folder / "deaths.json").write_bytes(msgspec.json.encode(self.deaths))

    def said(self) -> str:
        """Return the end of the daemons' log."""
        log = self.folder / "daemon.log"
        return log.read_text(encoding="utf-8")[-4000:] if log.exists() else ""

    # The two wires to the process

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = msgspec.json.decode(await reader.readline() or b"{}")
        if "nursery" in first:
            self._nursery_reader, self._nursery_writer = reader, writer
            self._nursed.set()
            await self._hear_nursery(reader)
            writer.close()
            return
        self._house_writer = writer
        self._hear(first)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self._hear(msgspec.json.decode(line))
        self._house_writer = None
        writer.close()
        self._news.set()

    async def _hear_nursery(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            said = msgspec.json.decode(line)
            if "born" in said:
                self._pid = said["born"]
            else:
                self._ended = said["ended"]
                self._ready.set()
            self._news.set()

    def _hear(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self._ready.set()
        elif "at_ms" in said:
            self._report = msgspec.convert(said, Report)
        elif "passed" in said:
            self.passed.update(said["passed"])
        self._news.set()

    def _order(self, order: Order) -> None:
        if self._house_writer is None:
            return
        self._orders += 1
        self._house_writer.write(msgspec.json.encode(order) + b"\n")

    async def _wait_news(self) -> bool:
        """Wait until something is new; False: nothing was, for a long time."""
        try:
            async with asyncio.timeout(STUCK_S):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    async def _breathe(self, turns: int = 5) -> None:
        """Let the sandbox do what it can without time passing."""
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)

    # Time

    async def go_to(self, utc_ms: int) -> None:
        """Let time pass for both. A death ends it early."""
        if not self.alive:
            await self._pass_without_daemon(utc_ms)
            return
        while self.alive and not await self._pass_with_daemon(utc_ms):
            pass

    async def _pass_without_daemon(self, utc_ms: int) -> None:
        while (wake := self.clock.next_wake_ms()) is not None and wake <= utc_ms:
            self.clock.move_to(wake)
            await self._breathe()
        self.clock.move_to(utc_ms)

    async def _pass_with_daemon(self, utc_ms: int) -> bool:
        """Take one step towards a time; True: it is reached."""
        held = self._held()
        wake = self.clock.next_wake_ms()
        goal = utc_ms if wake is None else max(self.clock.utc_ms, min(utc_ms, wake))
        self._order(Order(to_ms=goal, sent=held[0], got=held[1]))
        while True:
            if not self.alive:
                await self._bury()
                return False
            report = self._report
            if report is not None and report.orders == self._orders and self._agree(report):
                self._stuck = 0
                self.clock.move_to(min(report.at_ms, goal))
                if report.at_ms >= goal:
                    if report.sent > report.got:
                        await self._breathe()
                    return goal >= utc_ms
                return False
            if not await self._wait_news():
                self._stuck += 1
                if self._stuck > STUCK_TIMES:
                    raise SoakError(
                        f"it hangs: {report}, {self._arrived}, {self._answered}, {self.clock.sleepers}\n{self.said()}"
                    )

    def _held(self) -> tuple[int, int]:
        if self._report is None or not self._agree(self._report):
            return (-1, -1)
        return (self._report.sent, self._report.got)

    def _agree(self, report: Report) -> bool:
        """Tell whether all requests of this life are either answered, or held back by the sandbox's own time."""
        arrived, answered = self._arrived[self._life], self._answered[self._life]
        all_arrived = arrived >= report.sent - report.dropped
        no_answer_on_its_way = report.sent - report.got <= arrived - answered
        active = sum((self._arrived - self._answered).values())
        return all_arrived and no_answer_on_its_way and active == self.clock.sleepers

    # Simkl

    def _watch_sandbox(self) -> None:
        gate = self.sandbox.gate
        passes = gate.pass_through

        async def watched(ask: Ask) -> Outcome:
            life = int(ask.headers.get("x-soak-life", "0"))
            house_ms = int(ask.headers.get("x-soak-time", "0"))
            self.trace.append((self.clock.utc_ms, house_ms, life, ask.path))
            self.clock.move_to(house_ms)
            self._arrived[life] += 1
            action = ask.path.rsplit("/", 1)[-1]
            try:
                self._maybe_kill(life, f"{action}: arrived at Simkl, not done")
                outcome = await passes(ask)
                self._maybe_kill(life, f"{action}: done at Simkl, not answered")
                return outcome
            finally:
                self._answered[life] += 1
                self._news.set()

        gate.pass_through = watched  # type: ignore[method-assign]

    def _maybe_kill(self, life: int, label: str) -> None:
        armed, left = self._sandbox_point
        if label == armed and life == self._life and self.alive:
            self._sandbox_point = (armed, left - 1)
            if left <= 1:
                self._sandbox_point = ("", 0)
                os.kill(self._pid, signal.SIGKILL)

    def fault(self, **values: Any) -> None:
        """Let calls meet a fault."""
        self.sandbox.gate.faults.waiting.append(Fault(**values))

    def expire_tokens(self) -> None:
        """Let Simkl forget every access token, so that they have to be renewed."""
        for link in self.sandbox.state.people.links:
            link.access_until_ms = min(link.access_until_ms, self.clock.utc_ms)

    def clear_faults(self) -> None:
        """Forget the faults that wait."""
        self.sandbox.gate.faults.waiting.clear()

    # The players

    async def deliver(self, delivery: Delivery) -> int:
        """Post one request; return the answer's code, 0 where there was none."""
        code = await self._players.post(delivery) if self.alive else 0
        if code:
            self.figures.answers[code] += 1
        else:
            self.figures.unanswered += 1
        if code == 204 and delivery.edge and delivery.beat:
            self.figures.edges_promised.add(delivery.beat)
        if self.alive and not code:
            # No answer is the first sign of a death.
            await self._wait_news()
        if self._ended is not None or not self.alive:
            await self._gone()
        return code
