"""A real Kodi, the real daemon, and what reaches Simkl.

One Kodi plays one film after the other; each test has a daemon of its own, which finds it running. The films last some
seconds, since Kodi plays at the speed of the clock.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.kodi import KodiProcess
from tests.kit.kodi_remote import KodiError
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

FILM, OTHER, SHOW = "Sintel", "Big Buck Bunny", "Firefly"
FILM_S, OTHER_S, EPISODE_S = 8, 20, 6
CRASHES = (AssertionError, OSError, KodiError)
"""What a Kodi that crashed may look like, and many another failure too: see `KodiProcess.crashed`."""


@pytest.fixture(scope="module")
def kodi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KodiProcess]:
    """A Kodi with a small library."""
    with KodiProcess(tmp_path_factory.mktemp("kodi")) as kodi:
        kodi.add_movie(FILM, FILM_S, 2010, imdb="tt1727587", tmdb="45745")
        kodi.add_movie(OTHER, OTHER_S, 2008, tmdb="10378")
        show = kodi.add_show(SHOW, 2002, tvdb="78874", imdb="tt0303461")
        kodi.add_episode(show, 1, 1, seconds=EPISODE_S)
        kodi.add_episode(show, 1, 2, seconds=EPISODE_S)
        kodi.add_episode(show, 1, 3, 4, seconds=EPISODE_S)
        kodi.start().scan()
        yield kodi


class Room(Stage):
    """The daemon of one test, before the Kodi of all of them."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient, kodi: KodiProcess) -> None:
        super().__init__(daemon, sandbox)
        self.kodi = kodi

    def calls(self, *expected: Told, seconds: float = 40.0) -> list[Any]:
        """Wait for exactly these calls."""
        return self.expect("alice", *expected, seconds=seconds)

    def await_call(self, count: int) -> None:
        """Wait until so many calls have arrived."""
        self.await_calls("alice", count, 40)

    @property
    def watched(self) -> list[tuple[str, int | None, int | None]]:
        """What Simkl has recorded."""
        return [(row.title, row.season, row.number) for row in self.sandbox.history("alice")]

    def await_contact(self) -> None:
        """Wait until the daemon has found Kodi."""
        self.daemon.wait_for(lambda: self._source().up is True, "Kodi is reached", 20)

    def await_loss(self) -> None:
        """Wait until the daemon has given Kodi up."""
        self.daemon.wait_for(lambda: self._source().up is False, "Kodi is gone", 20)

    def _source(self) -> Any:
        (source,) = self.daemon.status().sources
        return source


class Rooms:
    """Makes rooms, each with a folder of its own."""

    def __init__(self, kodi: KodiProcess, folder: Path) -> None:
        self.kodi = kodi
        self._folders = (folder / str(number) for number in count())

    @contextmanager
    def __call__(self, scheme: str = "kodi", **options: Any) -> Iterator[Room]:
        """Give a daemon that runs and has contact, with more options of the source."""
        url = f"{scheme}://127.0.0.1:{self.kodi.port}"
        source = {"type": "kodi", "account": "alice", "url": url, "secret": SECRET, **options}
        config = {"accounts": {"alice": {}}, "sources": {"tv": source}, "ignore": {"shorter_than": "0s"}}
        folder = next(self._folders)
        folder.mkdir()
        with running_sandbox() as sandbox, DaemonProcess(folder, config, sandbox) as daemon:
            daemon.link("alice")
            room = Room(daemon.start(), sandbox, self.kodi)
            room.await_contact()
            yield room
            room.close()


@pytest.fixture
def rooms(kodi: KodiProcess, tmp_path: Path) -> Iterator[Rooms]:
    """Rooms before a Kodi that plays nothing and has counted nothing."""
    kodi.revive()
    yield Rooms(kodi, tmp_path)
    try:
        kodi.stop()
        kodi.forget_plays()
    except CRASHES:
        if not kodi.crashed:
            raise


Test: TypeAlias = Callable[[Rooms], None]
TRIES = 3


def survives(test: Test) -> Test:
    """Let a test begin anew when Kodi has crashed by itself, which it does on some machines: that says nothing of ours."""

    @wraps(test)
    def run(rooms: Rooms) -> None:
        for left in reversed(range(TRIES)):
            try:
                test(rooms)
            except CRASHES:
                if not left or not rooms.kodi.crashed:
                    raise
                rooms.kodi.revive()
                rooms.kodi.forget_plays()
            else:
                return

    return run


@survives
def test_a_film_to_its_natural_end(rooms: Rooms) -> None:
    """Start and stop, by the library's ids; Kodi's own count of the play is no second watch, although marks count here."""
    with rooms(marks=True) as room:
        room.kodi.open(movieid=room.kodi.movies()[FILM])
        room.await_call(1)
        now_playing = room.sandbox.banner("alice")
        assert now_playing is not None
        assert (now_playing.title, now_playing.action) == (FILM, "start")
        room.kodi.wait_idle()
        began, _ = room.calls(Told("start", 0, 40), Told("stop", 100))
        assert began.body["movie"]["ids"] == {"imdb": "tt1727587", "tmdb": "45745"}
        assert room.watched == [(FILM, None, None)]


@survives
def test_pause_resume_seek_and_stop(rooms: Rooms) -> None:
    """Over plain TCP: a pause and a resume are told at their position; a seek is not; the stop saves the last position."""
    with rooms("tcp") as room:
        room.kodi.open(movieid=room.kodi.movies()[OTHER])
        room.kodi.until(1)
        room.await_call(1)
        room.kodi.pause()
        room.await_call(2)
        room.kodi.pause(play=True)
        room.await_call(3)
        room.kodi.seek(40)
        room.kodi.until(9)
        room.kodi.stop()
        calls = room.calls(Told("start", 0, 30), Told("pause", 3, 40), Told("start", 3, 40), Told("stop", 40, 60))
        assert calls[2].body["progress"] == pytest.approx(calls[1].body["progress"], abs=10)
        assert room.watched == []
        assert [saved.title for saved in room.sandbox.playbacks("alice")] == [OTHER]


@survives
def test_skipping_to_the_end_is_no_watch(rooms: Rooms) -> None:
    """Somebody who jumps to 90 % and stops has not watched it, whatever Kodi's own count says."""
    with rooms(marks=True) as room:
        room.kodi.open(movieid=room.kodi.movies()[OTHER])
        room.await_call(1)
        room.kodi.seek(91)
        room.kodi.until(18.5)
        room.kodi.stop()
        room.calls(Told("start", 0, 30), Told("pause", 85, 99))
        assert room.watched == []


@survives
def test_the_next_episode_without_a_stop(rooms: Rooms) -> None:
    """Skipping to the next episode closes the first, of which Kodi says no stop; the second runs to its end."""
    with rooms() as room:
        episodes = room.kodi.episodes()
        room.kodi.queue({"episodeid": episodes[1, 1]}, {"episodeid": episodes[1, 2]})
        room.await_call(1)
        room.kodi.until(2)
        room.kodi.next()
        room.await_call(3)
        room.kodi.wait_idle()
        calls = room.calls(Told("start", 0, 40), Told("stop", 0, 79.99), Told("start", 0, 50), Told("stop", 100))
        assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
        assert calls[0].body["show"]["ids"]["tvdb"] == "78874"
        assert room.watched == [(SHOW, 1, 2)]


@survives
def test_two_episodes_in_one_file(rooms: Rooms) -> None:
    """A file with two episodes, opened at the second in the library, is both of them, one after the other."""
    with rooms() as room:
        room.kodi.open(episodeid=room.kodi.episodes()[1, 4])
        room.await_call(1)
        room.kodi.wait_idle()
        room.daemon.wait_for(lambda: len(room.watched) == 2, "both are watched", 30)
        assert room.watched == [(SHOW, 1, 3), (SHOW, 1, 4)]
        room.over("alice")


@survives
def test_another_film_is_opened(rooms: Rooms) -> None:
    """Opening a file from outside of the library, while a film is paused, leaves the film where it was."""
    with rooms() as room:
        loose = room.kodi.folder / "loose" / f"{OTHER} (2008).mkv"
        loose.parent.mkdir(exist_ok=True)
        if not loose.exists():
            loose.symlink_to(room.kodi.media / "movies" / loose.name)
        room.kodi.open(movieid=room.kodi.movies()[FILM])
        room.await_call(1)
        room.kodi.until(2)
        room.kodi.pause()
        room.await_call(2)
        room.kodi.open(file=loose)
        room.await_call(3)
        room.kodi.until(1)
        room.kodi.stop()
        calls = room.calls(Told("start", 0, 40), Told("pause", 15, 70), Told("start", 0, 30), Told("stop", 0, 40))
        assert [call.body["movie"]["title"] for call in calls] == [FILM, FILM, OTHER, OTHER]


@survives
def test_the_add_on_and_json_rpc_tell_of_one_play(rooms: Rooms) -> None:
    """Where the add-on posts what we hear from Kodi as well, it is one play with one watch."""
    with rooms() as room:
        number = room.kodi.movies()[FILM]
        told = {"dbId": number, "mediaType": "movie", "title": FILM, "year": 2010, "uniqueIds": {"imdb": "tt1727587"}}

        def post(event: str, **more: Any) -> None:
            body = {"event": event, **told, "duration": FILM_S, **more}
            assert room.daemon.hook("tv", body) == 204

        room.kodi.open(movieid=number)
        room.await_call(1)
        post("start", progress={"time": 0, "percent": 0.0})
        room.kodi.until(FILM_S / 2)
        post("interval", progress={"time": FILM_S // 2, "percent": 50.0})
        room.kodi.wait_idle()
        post("end", progress={"time": FILM_S, "percent": 100.0})
        room.calls(Told("start", 0, 40), Told("stop", 100))
        assert room.watched == [(FILM, None, None)]
        plays = [play for play in room.daemon.history() if play.account == "alice"]
        assert max(play.kind for play in plays) == "watched"
        assert sum(play.kind == "watched" for play in plays) == 1


@survives
def test_a_mark_by_hand(rooms: Rooms) -> None:
    """Who marks a film as watched in Kodi has seen it, if marks count; Kodi's scan and what plays are no marks."""
    with rooms(marks=True) as room:
        room.kodi.ask("VideoLibrary.SetMovieDetails", movieid=room.kodi.movies()[OTHER], playcount=1)
        room.calls(Told("history"))
        assert room.watched == [(OTHER, None, None)]


@survives
def test_the_daemon_ends_in_the_middle(rooms: Rooms) -> None:
    """SIGTERM pauses at Simkl; started again the daemon joins the play, and the film is one watch."""
    with rooms() as room:
        room.kodi.open(movieid=room.kodi.movies()[OTHER])
        room.await_call(1)
        room.kodi.until(2)
        room.daemon.terminate()
        assert room.sandbox.banner("alice") is None
        room.daemon.start()
        room.await_call(3)
        room.kodi.wait_idle()
        room.calls(Told("start", 0, 40), Told("pause", 0, 40), Told("start", 10, 79.99), Told("stop", 100))
        assert room.watched == [(OTHER, None, None)]


@survives
def test_the_daemon_dies_and_the_film_ends_without_it(rooms: Rooms) -> None:
    """What ran to its end while the daemon was dead is found in Kodi's counts, and written into the history with its time."""
    with rooms() as room:
        room.kodi.open(movieid=room.kodi.movies()[FILM])
        room.await_call(1)
        room.daemon.wait_for(lambda: room.daemon.status().deliveries, "the answer is stored")
        room.daemon.kill()
        room.kodi.wait_idle()
        room.kodi.wait_counted(FILM)
        room.daemon.start()
        room.daemon.wait_for(lambda: room.watched, "it is watched", 30)
        room.over("alice")
        assert room.watched == [(FILM, None, None)]
        assert room.sandbox.banner("alice") is None


@survives
def test_kodi_quits_and_comes_back(rooms: Rooms) -> None:
    """Quitting saves the last position; when Kodi is there again, the daemon is, too."""
    with rooms() as room:
        kodi = room.kodi
        kodi.open(movieid=kodi.movies()[OTHER])
        room.await_call(1)
        kodi.until(9)  # it is asked every five seconds
        kodi.quit()
        room.calls(Told("start", 0, 30), Told("stop", 15, 80))
        room.await_loss()
        kodi.start()
        room.await_contact()
        assert len(room.daemon.logged("source is gone")) == 1
        assert len(room.daemon.logged("source is back")) == 1
        assert room.watched == []


def test_kodi_dies(rooms: Rooms) -> None:
    """When Kodi is killed, the last position that it had told is saved, and no start is left dangling."""
    with rooms("tcp") as room:
        kodi = room.kodi
        kodi.open(movieid=kodi.movies()[OTHER])
        room.await_call(1)
        kodi.until(9)
        kodi.kill()
        room.calls(Told("start", 0, 30), Told("stop", 15, 80))
        assert room.sandbox.banner("alice") is None
        assert len(room.sandbox.playbacks("alice")) == 1
