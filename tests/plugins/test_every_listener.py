"""What every source that goes to its player has in common, whatever its player (docs/players/README.md)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import cycle, pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx
import pytest
from structlog.testing import capture_logs

from scrobbler.api import Facts, HookOptions, HookPlugin, ListenerPlugin, PlayerEvent, SourcePlugin, Traits
from scrobbler.api.connection import GoneError, keep_connected
from scrobbler.api.options import SourceOptions
from scrobbler.api.testkit import FakeClock
from scrobbler.engine.resolver import UnansweredError
from scrobbler.http import HttpClient
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy, Heard
from scrobbler.sources.source import Ports, Source
from scrobbler.store.database import StorageError
from tests.plugins.test_quality import NAMES, folder, loaded

pytestmark = pytest.mark.anyio

LISTENERS = [name for name in NAMES if issubclass(loaded(name), ListenerPlugin)]
LOCAL = {"mpv", "logfile"}
"""Watch folders of this machine, and knock at nobody who is off; tests/plugins/mpv and tests/plugins/logfile prove it."""
SERVERS: dict[str, dict[str, Any]] = {
    "plex": {"users": {"*": "alice"}, "url": "http://plex.test", "token": "t"},
    "jellyfin": {"users": {"*": "alice"}, "url": "http://jellyfin.test", "api_key": "k"},
    "emby": {"users": {"*": "alice"}, "url": "http://emby.test", "api_key": "k"},
}
"""Those that ask by the shared client, with what they need to begin."""
HOUR_S = 3600


class Web:
    """A network in which nobody answers; `asked` is when somebody tried, in seconds."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.client = HttpClient(transport=httpx.MockTransport(self._refuse))

    def _refuse(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(self.clock.now().mono_ms / 1000)
        raise httpx.ConnectError("refused", request=request)


def source_of(
    plugin: type[SourcePlugin], options: SourceOptions, clock: FakeClock, web: Web | None = None
) -> tuple[Source, list[Heard]]:
    """Return a source as the daemon makes it, and what the house hears of it."""
    heard: list[Heard] = []

    async def hear(one: Heard) -> None:
        heard.append(one)

    ports = Ports(
        clock=clock,
        random=Random(1),
        http=cast("Any", None) if web is None else lambda: web.client,
        hear=hear,
        hidden=frozenset,
        recall=cast("Any", None),
        remember=cast("Any", None),
    )
    policy = AccountPolicy(account="alice", movie_percent=80, episode_percent=80, rewatch=False)
    return Source("desk", plugin, options, Rules(accounts={"alice": policy}), ports), heard


async def run_for(source: Source, clock: FakeClock, seconds: float) -> None:
    """Run a source's listener for so long."""
    task = asyncio.create_task(source.run())
    await clock.advance(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("name", LISTENERS)
def test_it_keeps_its_connection_as_all_do(name: str) -> None:
    """A source that connects leaves pauses, jitter and the word about its reach to the one place that has them."""
    assert name in LOCAL or "keep_connected" in texts(name)


def texts(name: str) -> str:
    """Return all code of a plugin, and of what it shares with a sister."""
    files = [*folder(name).rglob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    if "scrobbler.api.servers.mediabrowser" in code:
        shared = import_module("scrobbler.api.servers.mediabrowser").__file__
        assert shared is not None
        code += "\n".join(file.read_text(encoding="utf-8") for file in sorted(Path(shared).parent.glob("*.py")))
    return code


@pytest.mark.parametrize("name", SERVERS)
async def test_a_player_that_is_off_costs_one_look_a_minute_and_one_line(name: str) -> None:
    """While nobody answers, tries become rarer up to one a minute with jitter, and the log says once that it is gone."""
    clock = FakeClock()
    web = Web(clock)
    plugin = loaded(name)
    source, heard = source_of(plugin, plugin.Options(type=name, **SERVERS[name]), clock, web)
    with capture_logs() as lines:
        await run_for(source, clock, HOUR_S)
    await web.client.aclose()
    tries = sorted({round(at) for at in web.asked})
    pauses = [later - before for before, later in pairwise(tries)]
    assert 40 <= len(tries) <= 85
    assert len(web.asked) <= 2 * 85
    assert max(pauses) <= 76
    assert len(set(pauses[-20:])) > 3
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["source is gone"]
    assert (source.health.state, source.health.reachable) == ("enabled", False)
    assert heard == []


class Steady(ListenerPlugin):
    """A source that connects as all do; `server` says what happens at each visit."""

    Options = SourceOptions
    traits = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=50)
    server: Callable[[], bool]

    async def run(self) -> None:
        async def visit(up: Callable[[], None]) -> None:
            if not type(self).server():
                raise GoneError("it is off")
            up()
            await self.context.clock.sleep(90)

        await keep_connected(self.context, visit, Random(1))


async def test_away_and_back_are_said_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off for an hour, back for an hour, off again: three lines, however often it was tried."""
    clock = FakeClock()
    began_s = clock.now().mono_ms / 1000
    monkeypatch.setattr(
        Steady, "server", lambda: HOUR_S <= clock.now().mono_ms / 1000 - began_s < 2 * HOUR_S, raising=False
    )
    source, _ = source_of(Steady, SourceOptions(type="steady", account="alice"), clock)
    with capture_logs() as lines:
        await run_for(source, clock, 3 * HOUR_S)
    said = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert said == ["source is gone", "source is back", "source is gone"]


async def test_reasons_that_take_turns_are_said_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is now unknown and now silent is gone once: a new reason is a line, one that comes again is none."""
    reasons = cycle(["nobody knows its name", "it does not answer in time"])

    def fail() -> bool:
        raise GoneError(next(reasons))

    monkeypatch.setattr(Steady, "server", fail, raising=False)
    source, _ = source_of(Steady, SourceOptions(type="steady", account="alice"), FakeClock())
    with capture_logs() as lines:
        await run_for(source, cast("FakeClock", source.plugin.context.clock), HOUR_S)
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == [
        "source is gone",
        "source is still gone",
    ]
    assert source.health.problem in ("nobody knows its name", "it does not answer in time")


class Falling(Steady):
    """A source whose listener raises an error, `falls` times."""

    falls = 10**6
    runs = 0

    async def run(self) -> None:
        cls = type(self)
        cls.runs += 1
        if cls.runs <= cls.falls:
            raise RuntimeError("down the stairs")
        while True:
            await self.context.emit(PlayerEvent(kind="play", player="p", item_key="k"))
            await self.context.clock.sleep(30)


async def test_a_listener_that_fails_is_started_again_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose code fails is a state of its source and one line, and is tried about once a minute."""
    monkeypatch.setattr(Falling, "runs", 0)
    clock = FakeClock()
    source, _ = source_of(Falling, SourceOptions(type="falling", account="alice"), clock)
    with capture_logs() as lines:
        await run_for(source, clock, HOUR_S)
    assert [line["event"] for line in lines] == ["source fails"]
    assert (source.health.state, source.health.problem) == ("failing", "RuntimeError: down the stairs")
    assert 50 <= Falling.runs <= 75


async def test_a_listener_that_recovers_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it runs for a minute and tells something, the source is in order again, and that is one line."""
    monkeypatch.setattr(Falling, "runs", 0)
    monkeypatch.setattr(Falling, "falls", 3)
    clock = FakeClock()
    source, heard = source_of(Falling, SourceOptions(type="falling", account="alice"), clock)
    with capture_logs() as lines:
        await run_for(source, clock, HOUR_S)
    assert [line["event"] for line in lines] == ["source fails", "source works again"]
    assert (source.health.state, source.health.problem) == ("enabled", "")
    assert len(heard) > 100


async def test_a_failure_after_a_good_while_is_a_first_one() -> None:
    """A listener that failed in a row, then ran for an hour and fails once, is started again at once."""
    clock = FakeClock()
    began_s: list[float] = []

    class Moody(Steady):
        async def run(self) -> None:
            began_s.append(clock.now().mono_ms / 1000)
            if len(began_s) == 6:
                await clock.sleep(HOUR_S)
            raise RuntimeError("down the stairs")

    source, _ = source_of(Moody, SourceOptions(type="moody", account="alice"), clock)
    with capture_logs():
        await run_for(source, clock, 2 * HOUR_S)
    assert began_s[5] - began_s[4] > 50
    assert began_s[6] - began_s[5] - HOUR_S < 2


async def test_a_listener_that_recovers_while_its_player_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that runs again and finds nobody does not fail any more: its player is gone, and that is said instead."""
    monkeypatch.setattr(Falling, "runs", 0)
    clock = FakeClock()

    class Lonely(Falling):
        async def run(self) -> None:
            cls = type(self)
            cls.runs += 1
            if cls.runs == 1:
                raise RuntimeError("down the stairs")
            while True:
                self.context.reachable(False, "it is off")
                await self.context.clock.sleep(30)

    source, _ = source_of(Lonely, SourceOptions(type="lonely", account="alice"), clock)
    with capture_logs() as lines:
        await run_for(source, clock, HOUR_S)
    assert [line["event"] for line in lines] == ["source fails", "source is gone", "source works again"]
    assert (source.health.state, source.health.problem) == ("enabled", "it is off")


async def test_a_failing_listener_disturbs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside one that fails all the time, another source is heard without a gap."""
    monkeypatch.setattr(Falling, "runs", 0)
    clock = FakeClock()
    bad, _ = source_of(Falling, SourceOptions(type="falling", account="alice"), clock)

    class Good(Falling):
        falls = 0

    good, heard = source_of(Good, SourceOptions(type="good", account="alice"), clock)
    task = asyncio.create_task(bad.run())
    await run_for(good, clock, HOUR_S)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(heard) == HOUR_S // 30 + 1


async def test_a_store_that_is_full_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that cannot be stored is kept and tried again, in its order; the log says so once, not every time."""
    monkeypatch.setattr(Falling, "runs", 0)
    clock = FakeClock()

    class Good(Falling):
        falls = 0

    source, heard = source_of(Good, SourceOptions(type="good", account="alice"), clock)
    full = [True]
    monkeypatch.setattr(source.intake, "admit", _refusing(source.intake.admit, full))
    task = asyncio.create_task(source.run())
    with capture_logs() as lines:
        await clock.advance(HOUR_S)
        assert heard == []
        full[0] = False
        await clock.advance(60)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(heard) == 2  # at once, and half a minute later
    assert [(line["event"], line["log_level"]) for line in lines] == [("storage", "warning")]


def _refusing(admit: Callable[..., Any], full: list[bool]) -> Callable[..., Any]:
    def refuse(*given: Any) -> Any:
        if full[0]:
            raise StorageError("no space left on the disk")
        return admit(*given)

    return refuse


async def test_a_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up has its time; then there is no answer, the source is gone, and that is said once."""
    monkeypatch.setattr("scrobbler.sources.source.LOOKUP_TIMEOUT_S", 0.05)

    class Hanging(Steady):
        async def lookup(self, event: PlayerEvent) -> None:
            del event
            await asyncio.Event().wait()

    source, _ = source_of(Hanging, SourceOptions(type="hanging", account="alice"), FakeClock())
    event = PlayerEvent(kind="play", player="p", item_key="k")
    with capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(UnansweredError, match="does not answer in time"):
                await source.lookup(event)
    assert [line["event"] for line in lines] == ["source is gone"]
    assert source.health.reachable is False


async def test_a_hook_whose_server_answers_again_is_back() -> None:
    """A source that only answers look-ups has nothing else that would say so: an answer does, one without facts does not."""
    answers: list[Facts | None] = [None, Facts(), Facts()]

    class Hook(HookPlugin):
        Options = HookOptions
        traits = Steady.traits

        async def lookup(self, event: PlayerEvent) -> Facts | None:
            if event.item_key == "hang":
                raise TimeoutError
            return answers.pop(0)

    source, _ = source_of(Hook, HookOptions(type="hook", account="alice"), FakeClock())
    reached = []
    with capture_logs() as lines:
        for key in ("hang", "a", "b", "c"):
            with suppress(UnansweredError):
                await source.lookup(PlayerEvent(kind="play", player="p", item_key=key))
            reached.append(source.health.reachable)
    assert reached == [False, False, True, True]
    assert [line["event"] for line in lines] == ["source is gone", "source is back"]


async def test_a_look_up_that_fails_is_no_loss() -> None:
    """What a look-up raises is a line in the log, and no answer: the play goes on without one."""

    class Failing(Steady):
        async def lookup(self, event: PlayerEvent) -> None:
            raise KeyError(event.kind)

    source, _ = source_of(Failing, SourceOptions(type="failing", account="alice"), FakeClock())
    with capture_logs() as lines, pytest.raises(UnansweredError, match="KeyError: 'play'"):
        await source.lookup(PlayerEvent(kind="play", player="p", item_key="k"))
    assert [line["event"] for line in lines] == ["look-up failed"]
