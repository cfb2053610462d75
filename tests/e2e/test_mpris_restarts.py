"""A real player plays on while the daemon ends, dies, or comes late, and while the bus itself goes.

Each story has a daemon, a bus and an mpv of its own, all at once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.e2e.players import FOUR_TIMES, Clips, until
from tests.e2e.stage import Stage, Told
from tests.kit.bus import SessionBus, mpv_on, session_bus
from tests.kit.daemon import DaemonProcess
from tests.kit.mpv import MpvProcess
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real


class Desk(NamedTuple):
    """A daemon, not started yet, that watches the bus of alice; and a film for its player."""

    daemon: DaemonProcess
    stage: Stage
    bus: SessionBus
    film: Path

    def mpv(self, *arguments: str) -> MpvProcess:
        """Start the player."""
        return mpv_on(self.bus, self.film, ipc=self.daemon.folder / "s", arguments=arguments)

    def playing(self, mode: str) -> None:
        """Wait until the daemon knows of a play in this mode."""
        self.daemon.wait_for(lambda: [one for one in self.daemon.status().playing if one.mode == mode], mode, 30)

    def problem(self) -> str:
        """Return what the status says of the source."""
        return next(one.problem for one in self.daemon.status().sources)


Story: TypeAlias = Callable[[Desk], None]


def end_in_the_middle(desk: Desk) -> None:
    desk.daemon.start()
    with desk.mpv() as mpv:
        desk.stage.await_calls("alice", 1, 60)
        until(mpv, 4)
        desk.daemon.terminate()
        assert [call.path for call in desk.stage.writes("alice")] == ["/scrobble/start", "/scrobble/pause"]
        assert desk.stage.sandbox.banner("alice") is None
        desk.daemon.start()
        desk.stage.await_calls("alice", 3, 60)
        mpv.set("speed", 4)
        mpv.wait()
        told = (Told("start", 0, 40), Told("pause", 0, 70), Told("start", 5, 79.99), Told("stop", 100))
        desk.stage.expect("alice", *told)


def crash_in_the_middle(desk: Desk) -> None:
    desk.daemon.start()
    with desk.mpv() as mpv:
        # A start whose answer was not stored yet would rightly be sent again.
        answered = "it is answered"
        desk.daemon.wait_for(
            lambda: any(one.result == "start" for one in desk.daemon.status().deliveries), answered, 60
        )
        desk.daemon.kill()
        desk.daemon.start()
        desk.playing("playing")
        mpv.set("speed", 4)
        mpv.wait()
        desk.stage.expect("alice", Told("start", 0, 50), Told("stop", 100))


def come_late(desk: Desk) -> None:
    with desk.mpv() as mpv:
        until(mpv, 3)
        desk.daemon.start()
        desk.stage.await_calls("alice", 1, 60)
        mpv.set("speed", 4)
        mpv.wait()
        desk.stage.expect("alice", Told("start", 7, 79.99), Told("stop", 100))


def come_to_a_pause(desk: Desk) -> None:
    with desk.mpv(FOUR_TIMES) as mpv:
        until(mpv, 4)
        mpv.set("pause", "yes")
        desk.daemon.start()
        desk.playing("paused")
        assert desk.stage.writes("alice") == []
        mpv.set("pause", "no")
        mpv.wait()
        desk.stage.expect("alice", Told("start", 9, 79.99), Told("stop", 100))


def lose_the_bus(desk: Desk) -> None:
    desk.bus.stop()
    desk.daemon.start()
    desk.daemon.wait_for(lambda: "no session bus is running" in desk.problem(), "it is said that there is no bus")
    desk.bus.start()
    with desk.mpv() as mpv:
        desk.stage.await_calls("alice", 1, 90)
        until(mpv, 4)
        desk.bus.stop()
        desk.stage.await_calls("alice", 2)  # the end of a session: mpv does not come back to the bus
        mpv.kill()
    desk.daemon.wait_for(lambda: "no session bus is running" in desk.problem(), "it is said that the bus is gone")
    desk.bus.start()
    with desk.mpv("--start=10", FOUR_TIMES) as mpv:
        desk.stage.await_calls("alice", 3, 90)
        mpv.wait()
    told = (Told("start", 0, 60), Told("stop", 0, 79), Told("start", 25, 79.99), Told("stop", 100))
    desk.stage.expect("alice", *told)


STORIES: tuple[Story, ...] = (end_in_the_middle, crash_in_the_middle, come_late, come_to_a_pause, lose_the_bus)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Callable[[Story], list[str]]]:
    """Begin all stories; give a function that waits for the end of one, and returns the titles that it left in the history."""

    def live(story: Story, folder: Path) -> list[str]:
        with session_bus() as bus, running_sandbox() as sandbox:
            source = {"type": "mpris", "account": "alice", "bus": str(bus.path)}
            config = {"accounts": {"alice": {}}, "sources": {"desk": source}, "ignore": {"shorter_than": "0s"}}
            with DaemonProcess(folder, config, sandbox) as daemon:
                daemon.link("alice")
                desk = Desk(daemon, Stage(daemon, sandbox), bus, clips.named(folder / "films", seconds=40))
                story(desk)
                desk.stage.close()
                assert sandbox.playbacks("alice") == []
                return [row.title for row in sandbox.history("alice")]

    with ThreadPoolExecutor(len(STORIES)) as pool:
        lived = {one: pool.submit(live, one, tmp_path_factory.mktemp(one.__name__)) for one in STORIES}
        yield lambda story: lived[story].result(200)


Lived: TypeAlias = Callable[[Story], list[str]]


def test_an_orderly_end_in_the_middle(told: Lived) -> None:
    """SIGTERM pauses at Simkl before the daemon is gone; started again it goes on, and the film is one watch."""
    assert told(end_in_the_middle) == ["Sintel"]


def test_a_crash_in_the_middle(told: Lived) -> None:
    """After SIGKILL the daemon finds the player still there: no call is repeated, and the film is one watch."""
    assert told(crash_in_the_middle) == ["Sintel"]


def test_a_daemon_that_comes_late(told: Lived) -> None:
    """Started while a film already plays, it counts what was played before, and the film is a watch."""
    assert told(come_late) == ["Sintel"]


def test_a_pause_is_found_by_a_daemon_that_comes_late(told: Lived) -> None:
    """A film that was paused before the daemon started is not shown as playing; going on, it is, and is one watch."""
    assert told(come_to_a_pause) == ["Sintel"]


def test_a_bus_that_goes_and_comes(told: Lived) -> None:
    """Without a bus the status says so; its end saves what played on it, and what comes with the next one is heard."""
    assert told(lose_the_bus) == ["Sintel"]


def test_without_the_extra(tmp_path: Path, sandbox: SandboxClient) -> None:
    """Without dbus-fast the daemon runs on, and status and doctor say in plain words what to install."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text("import sys\nsys.modules['dbus_fast'] = None\n")
    config = {"accounts": {"alice": {}}, "sources": {"desk": {"type": "mpris", "account": "alice", "bus": "/nowhere"}}}
    environment = {"PYTHONPATH": str(tmp_path / "without")}
    with DaemonProcess(tmp_path, config, sandbox, env=environment, alarms=()) as daemon:
        daemon.link("alice")
        daemon.start()
        words = 'the package `dbus-fast` is not installed: install it by pip install "scrobblerd[mpris]"'
        (source,) = daemon.status().sources
        assert (source.state, source.problem) == ("self-check failed", words)
        assert daemon.get("/healthz")[0] == 200
        assert words in daemon.run("status").stdout
        assert f"source desk: self-check failed: {words}" in daemon.run("doctor").stdout
