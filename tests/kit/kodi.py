"""A real Kodi without screen and sound, a library for it, and a remote control.

Its library needs no network: NFO files name what is in it, and the local scraper reads them. Its films are silent, so it
needs no sound server either.
"""

import os
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit.daemon import free_port
from tests.kit.kodi_remote import KodiError, Remote
from tests.kit.mpv import make_clip

START_S = 60.0
END_S = 20.0
BINARIES = "*/kodi/kodi.bin"
"""Below the folder of libraries: the program itself, whose end is Kodi's end; its starting script writes a report first."""
VIDEO = 1
"""Kodi's number of the player of videos."""

_ADVANCED = """<advancedsettings version="1.0">
  <jsonrpc><tcpport>{port}</tcpport></jsonrpc>
  <video><ignoresecondsatstart>0</ignoresecondsatstart><playcountminimumpercent>60</playcountminimumpercent></video>
</advancedsettings>
"""
"""Kodi counts by the position it knew last, which in a film of seconds may be far below its usual 90 %."""
_SETTINGS: Mapping[str, str] = {
    "services.esenabled": "true",
    "services.esallinterfaces": "false",
    "services.webserver": "false",
    "services.zeroconf": "false",
    "services.upnp": "false",
    "services.devicename": "Kodi of the tests",
    "general.addonupdates": "2",
    "screensaver.mode": "",
    "lookandfeel.soundskin": "",
}
_FOREVER = 2_147_483_647
_CONTENTS = (("movies", "movies", _FOREVER), ("tv", "tvshows", 0))


class KodiProcess:
    """One Kodi with its own home and screen; a context manager that leaves no process behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._connection: Remote | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self._write_settings()

    @property
    def media(self) -> Path:
        """The folder that the library is made of: `movies` and `tv` in it."""
        return self.folder / "media"

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        deadline = time.monotonic() + START_S
        screen = self._screen()
        home = self.folder / "home"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "KODI_", "PULSE_"))}
        runtime = home / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        own = {"HOME": str(home), "DISPLAY": screen, "XDG_RUNTIME_DIR": str(runtime), "DBUS_SESSION_BUS_ADDRESS": ""}
        (binary,) = Path("/usr/lib").glob(BINARIES)
        command = [str(binary), "--standalone", "--windowing=x11"]
        self._spawn(command, env={**kept, **own}, out=self.folder / "kodi.out")
        while True:
            with suppress(OSError, KodiError):
                self.ask("JSONRPC.Ping")
                # Its home screen fetches the library anew at each play, in a thread that now and then ends all of Kodi.
                self.ask("GUI.ActivateWindow", window="settings")
                return self
            assert time.monotonic() < deadline, f"Kodi does not answer; it said:\n{self.said}"
            time.sleep(0.1)

    def quit(self) -> None:
        """Close it as a user does, and wait for its end."""
        with suppress(OSError, KodiError):
            self.ask("Application.Quit")
        self._processes[-1].wait(END_S)
        self.end()

    def kill(self) -> None:
        """Let it die without a word."""
        self.end()

    def end(self) -> None:
        """End all that was started."""
        self._hang_up()
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(END_S)
            if process.stdout is not None:
                process.stdout.close()
        self._processes.clear()

    @property
    def said(self) -> str:
        """What it wrote to its terminal and its log."""
        files = (self.folder / "kodi.out", self.folder / "home" / ".kodi" / "temp" / "kodi.log")
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in files if path.exists())

    def ask(self, method: str, **params: Any) -> Any:
        """Ask by JSON-RPC; raises KodiError when it refuses, and OSError when it does not answer."""
        if self._connection is None:
            self._connection = Remote(self.port)
        try:
            return self._connection.ask(method, params)
        except OSError:
            self._hang_up()
            raise

    def open(self, **item: Any) -> None:
        """Play something: `movieid`, `episodeid`, `file`, or `playlistid`."""
        self.ask("Player.Open", item={name: str(it) if isinstance(it, Path) else it for name, it in item.items()})

    def queue(self, *items: Mapping[str, Any]) -> None:
        """Play several things, one after the other."""
        self.ask("Playlist.Clear", playlistid=VIDEO)
        for item in items:
            self.ask("Playlist.Add", playlistid=VIDEO, item=dict(item))
        self.open(playlistid=VIDEO)

    def next(self) -> None:
        """Skip to the next one."""
        self.ask("Player.GoTo", playerid=VIDEO, to="next")

    def pause(self, *, play: bool = False) -> None:
        """Pause, or go on."""
        self.ask("Player.PlayPause", playerid=VIDEO, play=play)

    def seek(self, percent: float) -> None:
        """Jump to a place."""
        self.ask("Player.Seek", playerid=VIDEO, value={"percentage": percent})

    def stop(self) -> None:
        """Stop playing, if anything does, and wait until it has."""
        if not self.idle:
            self.ask("Player.Stop", playerid=VIDEO)
        self.wait_idle()

    @property
    def running(self) -> bool:
        """Whether it was started, and neither ended nor crashed."""
        return bool(self._processes) and self._processes[-1].poll() is None

    @property
    def crashed(self) -> bool:
        """Whether it is gone, or about to be: an end that has begun is waited for."""
        with suppress(OSError, KodiError):
            self.ask("JSONRPC.Ping")
            return False
        if self.running:
            with suppress(subprocess.TimeoutExpired):
                self._processes[-1].wait(END_S)
        return not self.running

    def revive(self) -> None:
        """Start it again, if it does not run."""
        if self.crashed:
            self.end()
            self.start()

    @property
    def idle(self) -> bool:
        """Whether nothing plays."""
        return not self.ask("Player.GetActivePlayers")

    @property
    def position(self) -> float:
        """Where it is, in seconds; 0 where nothing plays."""
        time = self.ask("Player.GetProperties", playerid=VIDEO, properties=["time"])["time"]
        seconds = time["hours"] * 3600 + time["minutes"] * 60 + time["seconds"] + time["milliseconds"] / 1000
        return float(seconds)

    def until(self, seconds: float) -> None:
        """Wait until it is past a position, in seconds of the film."""
        self._wait(lambda: self.position >= seconds, f"it reaches {seconds} s")

    def wait_idle(self) -> None:
        """Wait until nothing plays any more."""
        self._wait(lambda: self.idle, "it ends")

    def wait_counted(self, title: str) -> None:
        """Wait until the library has counted a film as watched, which it does in its own time."""

        def counted() -> bool:
            rows = self.ask("VideoLibrary.GetMovies", properties=["title", "playcount"])["movies"]
            return any(row["title"] == title and row["playcount"] for row in rows)

        self._wait(counted, f"{title} is counted as watched")

    def add_movie(self, name: str, seconds: int, year: int, **ids: str) -> None:
        """Put a film with its NFO into the folder of the library."""
        path = self.media / "movies" / f"{name} ({year}).mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_clip(path, seconds)
        path.with_suffix(".nfo").write_text(
            f"<movie><title>{name}</title><premiered>{year}-05-01</premiered>{_ids(ids)}</movie>"
        )

    def add_show(self, name: str, year: int, **ids: str) -> Path:
        """Put a series with its NFO into the folder of the library; return its folder."""
        folder = self.media / "tv" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tvshow.nfo").write_text(
            f"<tvshow><title>{name}</title><premiered>{year}-05-01</premiered>{_ids(ids)}</tvshow>"
        )
        return folder

    def add_episode(self, show: Path, season: int, *numbers: int, seconds: int) -> None:
        """Put an episode, or several in one file, into a series."""
        name = f"{show.name} S{season:02}" + "-".join(f"E{number:02}" for number in numbers)
        make_clip(show / f"{name}.mkv", seconds)
        (show / f"{name}.nfo").write_text(
            "\n".join(
                f"<episodedetails><title>Part {number}</title><season>{season}</season><episode>{number}</episode>"
                f"<aired>2002-10-{number:02}</aired></episodedetails>"
                for number in numbers
            )
        )

    def scan(self) -> None:
        """Read the folders into the library: its database is told what lies in them, as the dialogues of Kodi do it."""
        (database,) = (self.folder / "home" / ".kodi" / "userdata" / "Database").glob("MyVideos*.db")
        with sqlite3.connect(database, timeout=10) as connection:
            for folder, content, depth in _CONTENTS:
                connection.execute(
                    "INSERT INTO path (strPath, strContent, strScraper, scanRecursive, useFolderNames, noUpdate, exclude)"
                    " VALUES (?, ?, 'metadata.local', ?, 0, 0, 0)",
                    (f"{self.media / folder}/", content, depth),
                )
        connection.close()
        wanted = sum(text.count("<episodedetails>") for text in self._notes()) + len(
            list((self.media / "movies").glob("*.nfo"))
        )
        self.ask("VideoLibrary.Scan")
        self._wait(lambda: len(self.movies()) + len(self.episodes()) == wanted, f"{wanted} items are in the library")

    def movies(self) -> dict[str, int]:
        """Return the library's films: their ids by title."""
        answer = self.ask("VideoLibrary.GetMovies", properties=["title"])
        return {row["title"]: row["movieid"] for row in answer.get("movies", ())}

    def episodes(self) -> dict[tuple[int, int], int]:
        """Return the library's episodes: their ids by season and number."""
        answer = self.ask("VideoLibrary.GetEpisodes", properties=["season", "episode"])
        return {(row["season"], row["episode"]): row["episodeid"] for row in answer.get("episodes", ())}

    def forget_plays(self) -> None:
        """Let the library forget that anything was played."""
        unplayed = {"playcount": 0, "lastplayed": "", "resume": {"position": 0, "total": 0}}
        for number in self.movies().values():
            self.ask("VideoLibrary.SetMovieDetails", movieid=number, **unplayed)
        for number in self.episodes().values():
            self.ask("VideoLibrary.SetEpisodeDetails", episodeid=number, **unplayed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _notes(self) -> Iterator[str]:
        return (path.read_text() for path in (self.media / "tv").rglob("*.nfo"))

    def _write_settings(self) -> None:
        userdata = self.folder / "home" / ".kodi" / "userdata"
        userdata.mkdir(parents=True)
        (userdata / "advancedsettings.xml").write_text(_ADVANCED.format(port=self.port))
        lines = "\n".join(f'  <setting id="{name}">{value}</setting>' for name, value in _SETTINGS.items())
        (userdata / "guisettings.xml").write_text(f'<settings version="2">\n{lines}\n</settings>\n')

    def _screen(self) -> str:
        """Start a screen that nobody sees, and return its name; the server itself finds one that is free."""
        server = self._spawn(["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp"], pipe=True)
        assert server.stdout is not None
        ready, _, _ = select.select([server.stdout], [], [], START_S)
        number = server.stdout.readline().decode().strip() if ready else ""
        assert number.isdecimal(), "there is no screen for Kodi"
        return f":{number}"

    def _spawn(
        self,
        command: list[str],
        *,
        env: Mapping[str, str] | None = None,
        out: Path | None = None,
        pipe: bool = False,
    ) -> subprocess.Popen[bytes]:
        with Path(out or os.devnull).open("ab") as sink:
            process = subprocess.Popen(
                command,
                env=env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else sink,
                stderr=sink,
                start_new_session=True,  # so that its helpers end with it
            )
        self._processes.append(process)
        return process

    def _wait(self, condition: Any, what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain until {what}; Kodi said:\n{self.said}"
            time.sleep(0.1)


def _ids(ids: Mapping[str, str]) -> str:
    return "".join(f'<uniqueid type="{scheme}">{value}</uniqueid>' for scheme, value in ids.items())
