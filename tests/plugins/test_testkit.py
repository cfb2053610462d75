"""The kit for plugin authors keeps its own promises."""

import asyncio
import threading
from datetime import datetime
from typing import Any

import pytest

from scrobbler.api import ListenerPlugin, Movie, PlayerEvent, User
from scrobbler.api.testkit import FakeClock, Recorder, check_events, hook_request, running, settle

FILM = Movie(title="Sintel")


def event(**values: Any) -> PlayerEvent:
    """Make an event, good unless told otherwise."""
    return PlayerEvent(**{"kind": "play", "player": "tv", "item_key": "x", "item": FILM, **values})


@pytest.mark.anyio
async def test_sleepers_wake_in_order_at_their_own_moment() -> None:
    """Advancing the clock wakes each sleeper when its time has come, also those who begin to sleep meanwhile."""
    clock = FakeClock()
    start, woken = clock.now().mono_ms, []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now().mono_ms - start))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("a", 3))
        group.create_task(sleeper("b", 1, 1, 2))
        await clock.advance(3.5)
        assert woken == [("b", 1000), ("b", 2000), ("a", 3000)]
        assert clock.sleepers == 1
        await clock.advance(0.5)
    assert clock.sleepers == 0
    assert woken[-1] == ("b", 4000)


def test_the_wall_clock_can_jump_alone() -> None:
    """A correction of the time leaves durations alone."""
    clock = FakeClock()
    before = clock.now()
    clock.jump(-60)
    assert clock.now().utc_ms == before.utc_ms - 60_000
    assert clock.now().mono_ms == before.mono_ms


@pytest.mark.anyio
async def test_the_recorder_keeps_everything() -> None:
    """Events, words about reach and log lines are kept in order; waiting for one that has come returns it."""
    recorder = Recorder("tv")
    await recorder.context.emit(event())
    await recorder.context.emit(event(kind="stop"))
    recorder.context.reachable(False, "off")
    recorder.context.log.info("news", number=1)
    assert recorder.kinds == ["play", "stop"]
    assert await recorder.until("play") == event()
    assert recorder.reach == [(False, "off")]
    assert recorder.log.lines == [("info", "news", {"number": 1})]
    with pytest.raises(AssertionError, match="asked for HTTP"):
        recorder.context.http()
    with pytest.raises(AssertionError, match=r"(?s)not so within 0.01 s.*'kind': 'stop'"):
        await recorder.until("gone", seconds=0.01)


def test_requests_are_built_as_the_daemon_hands_them_over() -> None:
    """JSON, form and raw bodies carry the fitting type unless told otherwise."""
    assert hook_request(json={"a": 1}).content_type == "application/json"
    form = hook_request(form={"payload": "{}"})
    assert (form.content_type, form.form["payload"]) == ("application/x-www-form-urlencoded", "{}")
    assert hook_request(body="x", content_type="text/plain", headers={"a": "b"}).headers == {"a": "b"}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([event(position_ms=-1)], "negative position"),
        ([event(duration_ms=0)], "length 0"),
        ([event(speed=0.0)], "speed"),
        ([event(player="")], "no player"),
        ([event(item_key="")], "no item_key"),
        ([event(item=None)], "carries no item"),
        ([event(), event(item_key="y", item=None)], "carries no item"),
        ([event(), event(kind="end"), event(item=None)], "carries no item|without its item"),
        ([event(kind="watched", at=datetime(2026, 1, 1))], "without a zone|round trip"),  # noqa: DTZ001
        ([event(user=User())], "without id and name"),
        ([event(item_key="\ud800")], "cannot be written as JSON"),
        ([event(item_key="http://s/x?X-Plex-Token=abc")], "looks like a secret"),
        ([event(item_key="smb://u:p@nas/x")], "looks like a secret"),
        ([event(library="hush")], "carries a secret"),
    ],
)
def test_breaches_of_the_rules_are_found(events: list[PlayerEvent], words: str) -> None:
    """Each rule of the API that an event breaks is named."""
    with pytest.raises(AssertionError, match=words):
        check_events(events, secrets=["hush"])


def test_good_events_pass() -> None:
    """A play, its ticks without an item, its end, and an event that is skipped keep the rules."""
    check_events(
        [
            event(position_ms=0),
            event(kind="progress", item=None, position_ms=5),
            event(kind="stop", item=None),
            event(kind="play", item_key="m", item=None, skip="music"),
            event(kind="gone", item_key="z", item=None),
        ]
    )


class Leaky(ListenerPlugin):
    """Leaves behind what the test wants."""

    async def run(self) -> None:
        """Leave something behind."""
        match self.options:
            case "task":
                self.task = asyncio.create_task(asyncio.sleep(60), name="left")
            case "thread":
                self.go = threading.Event()
                threading.Thread(target=self.go.wait, name="left").start()
            case "descriptor":
                self.file = open("/dev/null")  # noqa: ASYNC230, PTH123, SIM115
            case "error":
                raise ValueError("broken by itself")
        await asyncio.sleep(60)


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["task", "thread", "descriptor"])
async def test_what_a_listener_leaves_behind_is_found(what: str) -> None:
    """A listener that leaks fails its test."""
    plugin = Leaky(what, Recorder().context)
    with pytest.raises(AssertionError, match=f"left {what}s behind"):
        async with running(plugin):
            await settle()
    match what:
        case "task":
            plugin.task.cancel()
        case "thread":
            plugin.go.set()
        case "descriptor":
            plugin.file.close()


@pytest.mark.anyio
async def test_a_listener_that_fails_by_itself_fails_its_test() -> None:
    """An error in the listener is not lost with its task."""
    with pytest.raises(ValueError, match="broken by itself"):
        async with running(Leaky("error", Recorder().context)):
            await settle()
