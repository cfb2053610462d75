"""A real VLC plays on while the daemon ends, dies, or comes late. Each story has a daemon and a VLC of its own, all at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.e2e.players import Clips
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import DaemonProcess
from tests.kit.simkl_sandbox import running_sandbox
from tests.kit.vlc import PASSWORD, VlcProcess, open_folder, place

pytestmark = pytest.mark.real

FOUR_TIMES = ("--rate=4",)


class Desk(NamedTuple):
    """A daemon, not started yet, that watches the VLC of alice; a film for it, and its port."""

    daemon: DaemonProcess
    stage: Stage
    film: Path
    port: int

    def playing(self, mode: str) -> None:
        """Wait until the daemon knows of a play in this mode."""
        self.daemon.wait_for(lambda: [one for one in self.daemon.status().playing if one.mode == mode], mode, 30)


Story: TypeAlias = Callable[[Desk], None]


def end_in_the_middle(desk: Desk) -> None:
    desk.daemon.start()
    with VlcProcess(desk.film, port=desk.port) as vlc:
        desk.stage.await_calls("alice", 1, 60)
        vlc.past(4)
        desk.daemon.terminate()
        assert [call.path for call in desk.stage.writes("alice")] == ["/scrobble/start", "/scrobble/pause"]
        assert desk.stage.sandbox.banner("alice") is None
        desk.daemon.start()
        desk.stage.await_calls("alice", 3, 60)
        vlc.status("rate", val=4)
        vlc.stopped()
        told = (Told("start", 0, 40), Told("pause", 0, 70), Told("start", 5, 79.99), Told("stop", 100))
        desk.stage.expect("alice", *told)


def crash_in_the_middle(desk: Desk) -> None:
    desk.daemon.start()
    with VlcProcess(desk.film, port=desk.port) as vlc:
        # A start whose answer was not stored yet would rightly be sent again.
        answered = "it is answered"
        desk.daemon.wait_for(
            lambda: any(one.result == "start" for one in desk.daemon.status().deliveries), answered, 60
        )
        desk.daemon.kill()
        desk.daemon.start()
        desk.playing("playing")
        vlc.status("rate", val=4)
        vlc.stopped()
        desk.stage.expect("alice", Told("start", 0, 50), Told("stop", 100))


def come_late(desk: Desk) -> None:
    with VlcProcess(desk.film, port=desk.port) as vlc:
        vlc.past(3)
        desk.daemon.start()
        desk.stage.await_calls("alice", 1, 60)
        vlc.status("rate", val=4)
        vlc.stopped()
        desk.stage.expect("alice", Told("start", 7, 79.99), Told("stop", 100))


def come_to_a_pause(desk: Desk) -> None:
    with VlcProcess(desk.film, port=desk.port, arguments=FOUR_TIMES) as vlc:
        vlc.past(4)
        vlc.status("pl_forcepause")
        desk.daemon.start()
        desk.playing("paused")
        assert desk.stage.writes("alice") == []
        vlc.status("pl_forceresume")
        vlc.stopped()
        desk.stage.expect("alice", Told("start", 9, 79.99), Told("stop", 100))


STORIES: tuple[Story, ...] = (end_in_the_middle, crash_in_the_middle, come_late, come_to_a_pause)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Callable[[Story], list[str]]]:
    """Begin all stories; give a function that waits for the end of one, and returns the titles that it left in the history."""

    def live(story: Story, films: Path, folder: Path) -> list[str]:
        port = place()
        source = {"type": "vlc", "account": "alice", "url": f"http://127.0.0.1:{port}", "password": PASSWORD}
        config = {"accounts": {"alice": {}}, "sources": {"desk": source}, "ignore": {"shorter_than": "0s"}}
        with running_sandbox() as sandbox, DaemonProcess(folder, config, sandbox) as daemon:
            daemon.link("alice")
            desk = Desk(daemon, Stage(daemon, sandbox), clips.named(films / story.__name__, seconds=40), port)
            story(desk)
            desk.stage.close()
            assert sandbox.playbacks("alice") == []
            return [row.title for row in sandbox.history("alice")]

    with open_folder() as films, ThreadPoolExecutor(len(STORIES)) as pool:
        lived = {one: pool.submit(live, one, films, tmp_path_factory.mktemp(one.__name__)) for one in STORIES}
        yield lambda story: lived[story].result(150)


Lived: TypeAlias = Callable[[Story], list[str]]


def test_an_orderly_end_in_the_middle(told: Lived) -> None:
    """SIGTERM pauses at Simkl before the daemon is gone; started again it goes on, and the film is one watch."""
    assert told(end_in_the_middle) == ["Sintel"]


def test_a_crash_in_the_middle(told: Lived) -> None:
    """After SIGKILL the daemon finds VLC still there: no call is repeated, and the film is one watch."""
    assert told(crash_in_the_middle) == ["Sintel"]


def test_a_daemon_that_comes_late(told: Lived) -> None:
    """Started while VLC already plays, it counts what was played before, and the film is a watch."""
    assert told(come_late) == ["Sintel"]


def test_a_pause_is_found_by_a_daemon_that_comes_late(told: Lived) -> None:
    """A film that was paused before the daemon started is not shown as playing; going on, it is, and is one watch."""
    assert told(come_to_a_pause) == ["Sintel"]
