"""The walks that docs/architecture.md prints are the ways that the calls really take."""

import re
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, cast

import pytest

from scrobbler.api import HookPlugin, Movie, PlayerEvent
from scrobbler.hooks.ports import HookSource
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy
from scrobbler.sources.registry import installed
from scrobbler.sources.source import Ports, Source
from tests.hooks import house as hooks
from tests.kit.servers import plex_event
from tests.kit.virtual import House, run_down
from tests.plugins.mpv.test_parse import Talk

_FILM = Movie(title="The Long Hall", year=2019)

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
ROOTS = ("scrobbler.", "scrobbler_plugins.")


def walk(title: str) -> list[tuple[str, str]]:
    """Read one walk from the page: modules and functions, in order."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n### {title}\n")[2].partition("\n#")[0]
    return [(module, name) for module, name in re.findall(r"^\d+\. `([\w.]+)\.(\w+)`", text, re.MULTILINE)]


class Trace:
    """Which modules are entered, from which other ones, and which functions run."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self.functions: set[tuple[str, str]] = set()
        self._frames: list[FrameType] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        module = _module(frame)
        # A coroutine that goes on is no new call; its frame is kept, so that no other one gets its place in memory.
        if event != "call" or module is None or any(one is frame for one in self._frames):
            return
        self._frames.append(frame)
        self.functions.add((module, frame.f_code.co_name))
        caller = frame.f_back
        while caller is not None and _module(caller) is None:
            caller = caller.f_back
        before = None if caller is None else _module(caller)
        # A task is begun by the event loop; it goes on where it was made.
        goes_on = before is None and bool(self.entries) and self.entries[-1][1] == module
        if before != module and not goes_on:
            self.entries.append((before or "", module))

    @contextmanager
    def taken(self) -> Any:
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


def _module(frame: FrameType) -> str | None:
    name = frame.f_globals.get("__name__", "")
    return name if name.startswith(ROOTS) else None


def hold(trace: Trace, steps: Sequence[tuple[str, str]]) -> None:
    """Hold a trace against a walk: each module is entered once, in this order, and nobody calls back."""
    modules = [module for module, _ in steps]
    assert len(set(modules)) == len(modules) > 8, "a module stands in a walk once"
    entered = [module for _, module in trace.entries if module in modules]
    assert entered == modules
    assert set(steps) <= trace.functions
    place = {module: number for number, module in enumerate(modules)}
    back = [(one, other) for one, other in trace.entries if place.get(one, -1) > place.get(other, len(place))]
    assert back == [], "who is further down calls nobody further up"


async def _source(kind: str, house: House, **options: Any) -> Source:
    plugin = installed()[kind].plugin
    assert plugin is not None
    ports = Ports(
        clock=house.clock,
        random=Random(1),
        http=cast("Any", None),
        hear=house.engine.hear,
        hidden=frozenset,
        recall=cast("Any", None),
        remember=cast("Any", None),
    )
    rules = Rules(accounts={"alice": AccountPolicy(account="alice")})
    return Source("attic", plugin, plugin.Options(type=kind, **options), rules, ports)


class Door(hooks.Door):
    """Takes hooks for a real source."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def source(self, name: str) -> HookSource | None:
        assert isinstance(self._source.plugin, HookPlugin)
        return HookSource(self._source.plugin, (hooks.SECRET,)) if name == "attic" else None

    async def take(self, source: str, events: Sequence[PlayerEvent]) -> None:
        del source
        for event in events:
            await self._source.take(event)


async def _post(front: hooks.House, event: str) -> hooks.Reply:
    kind, body = plex_event(event)
    return await front.ask("POST", "/hooks/attic", {"Content-Type": kind, "X-Scrobbler-Secret": hooks.SECRET}, body)


async def test_a_pause_at_plex(tmp_path: Path) -> None:
    """From the request to the store; then the room is silent until the sender wakes."""
    house = await House(tmp_path).open()
    frontend = hooks.House()
    source = await _source("plex", house, users={"alice": "alice"})
    frontend.door = Door(source)
    trace = Trace()
    async with hooks.open_house(frontend) as front:
        assert (await _post(front, "media.play")).code == 204
        await run_down()
        with trace.taken():
            reply = await _post(front, "media.pause")
        assert reply.code == 204
    assert house.engine.state.sessions["s1"].phase.mode == "paused"
    await house.crash()
    hold(trace, walk("A pause at Plex"))


async def test_an_end_at_mpv(tmp_path: Path) -> None:
    """From mpv's message to the outbox."""
    house = await House(tmp_path).open()
    source = await _source("mpv", house, account="alice", sockets=[str(tmp_path / "x.sock")])
    talk = Talk()
    talk.open(**{"media-title": "The Long Hall (2019)"})
    house.answer = False
    for event in talk.events:
        await source.take(event)
    await house.identify("s1", _FILM)
    told = len(talk.events)
    for minute in range(1, 96):
        await house.clock.advance(60)
        talk.now_ms += 60_000
        talk.property("time-pos", minute * 60.0)
        for event in talk.events[told:]:
            await source.take(event)
        told = len(talk.events)
    trace = Trace()
    with trace.taken():
        talk.say("end-file", reason="quit")
        for event in talk.events[told:]:
            await source.take(event)
    assert len(talk.events) > told
    assert not house.engine.state.sessions["s1"].open
    assert await house.rows("SELECT kind, state FROM outbox") == [("watched", "due")]
    await house.crash()
    hold(trace, walk("An end at mpv"))
