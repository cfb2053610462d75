"""How long it takes from a player's action to the first request at Simkl's stand-in, source by source.

Hooks and servers are stand-ins that speak as the real ones do; VLC, mpv on the session bus and Kodi are real, and so is
the log. Kodi itself takes about a second from the command to the first picture. The figure of mpv's own socket comes from
`bench.mpv_latency`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from bench.common import SECRET, Rig, median, rig, table
from tests.e2e.screens import MediaScreen, PlexScreen, identity
from tests.kit.bus import SessionBus, mpv_on
from tests.kit.emby import EMBY_KEY, emby_event
from tests.kit.kodi import KodiProcess
from tests.kit.mpv import make_film
from tests.kit.servers import JELLYFIN_KEY, PLEX_TOKEN, jellyfin_event, plex_event, plex_movie
from tests.kit.session_servers import LiveEmby, LiveJellyfin, LivePlex
from tests.kit.tautulli import filled
from tests.kit.vlc import PASSWORD, VlcProcess, open_folder, place

ROUNDS = 5
HOOKS = ("plex hook", "jellyfin hook", "emby hook", "tautulli hook", "kodi hook", "events hook")
SESSIONS = ("jellyfin sessions", "emby sessions", "plex sessions")
PLAYERS = ("log", "vlc", "mpris", "kodi")
LOG_LINE = r"(?P<event>start|stop) (?P<file>.+) (?P<position>\d+)/(?P<duration>\d+)$"

Act = Callable[[], object]


class House(NamedTuple):
    """The daemon, and the servers that it listens to."""

    one: Rig
    servers: dict[str, Any]
    bus: SessionBus
    vlc_port: int
    kodi: KodiProcess
    log: Path


def main() -> None:
    rows = {}
    with _house() as house:
        for kind in (*HOOKS, *SESSIONS):
            took = [_took(house, user := f"{kind}-{number}", _action(house, kind, user)) for number in range(ROUNDS)]
            rows[kind] = _words(took)
        rows["log file"] = _words(_log(house))
        rows["vlc, real"] = _words(_vlc(house))
        rows["mpris, a real mpv"] = _words(_mpris(house))
        rows["kodi, real"] = _words(_kodi(house))
    table(f"from the action to the first request, median of {ROUNDS} (and the slowest)", rows)


@contextmanager
def _house() -> Iterator[House]:
    people = [f"{kind}-{number}" for kind in (*HOOKS, *SESSIONS) for number in range(ROUNDS)]
    users: dict[str, Any] = {"users": {name: name for name in people}, "secret": SECRET}
    with LiveJellyfin() as jellyfin, LiveEmby() as emby, LivePlex() as plex:
        plex.add(plex_movie(duration=8_000))
        port = place()
        sources: dict[str, dict[str, Any]] = {
            "plex": {"type": "plex", **users},
            "jellyfin": {"type": "jellyfin", **users},
            "emby": {"type": "emby", **users},
            "tautulli": {"type": "tautulli", **users},
            "jellyfin-live": {"type": "jellyfin", **users, "url": jellyfin.url, "api_key": JELLYFIN_KEY},
            "emby-live": {"type": "emby", **users, "url": emby.url, "api_key": EMBY_KEY},
            "plex-live": {"type": "plex", **users, "url": plex.url, "token": PLEX_TOKEN},
            "vlc": {"type": "vlc", "account": "vlc", "url": f"http://127.0.0.1:{port}", "password": PASSWORD},
        }
        for live in ("jellyfin-live", "emby-live", "plex-live"):
            sources[live] |= {"sessions": True}
        for number in range(ROUNDS):
            sources[f"events-{number}"] = {"type": "events", "account": f"events hook-{number}", "secret": SECRET}
            sources[f"kodi-{number}"] = {"type": "kodi", "account": f"kodi hook-{number}", "secret": SECRET}
        accounts: dict[str, Any] = {name: {} for name in (*people, *PLAYERS)}
        config = {"accounts": accounts, "sources": sources, "ignore": {"shorter_than": "0s"}}
        with rig(config) as one, ExitStack() as stack:
            log = one.folder / "plays.log"
            log.touch()
            sources["script"] = {"type": "logfile", "account": "log", "path": str(log), "pattern": LOG_LINE}
            bus = SessionBus(one.folder)
            bus.start()
            try:
                sources["desktop"] = {"type": "mpris", "account": "mpris", "bus": bus.address}
                kodi = stack.enter_context(_library(one.folder / "kodi"))
                sources["tv"] = {"type": "kodi", "account": "kodi", "url": f"kodi://127.0.0.1:{kodi.port}"}
                one.daemon.configure(config)
                one.daemon.start()
                servers = {"jellyfin sessions": jellyfin, "emby sessions": emby, "plex sessions": plex}
                one.daemon.wait_for(lambda: all(server.accepted for server in servers.values()), "open websockets", 30)
                time.sleep(3)  # the start of a process counts as a write (rule 16)
                yield House(one, servers, bus, port, kodi, log)
            finally:
                bus.stop()


def _action(house: House, kind: str, user: str) -> Act:
    number = user.rpartition("-")[2]
    film = {"kind": "play", "player": "tv", "item_key": "1", "position_ms": 0, "duration_ms": 6_000_000}
    hook = house.one.daemon.hook
    match kind:
        case "plex hook":
            kind_of, body = plex_event("media.play", plex_movie(), account={"id": crc32(user.encode()), "title": user})
            return lambda: hook("plex", body, kind_of)
        case "jellyfin hook":
            who: dict[str, Any] = {"NotificationUsername": user, "UserId": identity(user), "DeviceId": user}
            kind_of, body = jellyfin_event("PlaybackStart", at=datetime.now(UTC), **who)
            return lambda: hook("jellyfin", body, kind_of)
        case "emby hook":
            kind_of, body = emby_event(
                "playback.start", at=datetime.now(UTC), User={"Name": user, "Id": identity(user)}
            )
            return lambda: hook("emby", body, kind_of)
        case "tautulli hook":
            now = {"unixtime": str(int(time.time())), "view_offset": "0", "machine_id": user}
            posted_by = {"username": user, "user_id": str(crc32(user.encode()))}
            return lambda: hook("tautulli", filled("play", None, **posted_by, **now))
        case "kodi hook":
            posted = {
                "event": "start",
                "dbId": 2,
                "title": "Film",
                "mediaType": "movie",
                "year": 2014,
                "duration": 6000,
            }
            posted |= {"uniqueIds": {"imdb": "tt0000009"}, "progress": {"time": 0, "percent": 0.0}}
            return lambda: hook(f"kodi-{number}", posted)
        case "events hook":
            item = {"type": "movie", "title": "Film", "year": 2014, "ids": {"imdb": "tt0000009"}}
            return lambda: hook(f"events-{number}", [{**film, "item": item}])
        case _:
            server = house.servers[kind]
            screen = PlexScreen(server, user) if kind == "plex sessions" else MediaScreen(server, user)
            return lambda: screen.show(screen.film(), 0)


@contextmanager
def _library(folder: Path) -> Iterator[KodiProcess]:
    folder.mkdir()
    with KodiProcess(folder) as kodi:
        for number in range(ROUNDS + 1):
            kodi.add_movie(f"Film {number}", 120, 2003, imdb=f"tt73{number:05}")
        kodi.start().scan()
        yield kodi


def _log(house: House) -> list[float]:
    took = []
    for number in range(ROUNDS):
        film = f"Film {number} (2004) {{imdb-tt74{number:05}}}.mkv"
        took.append(_took(house, "log", partial(_append, house.log, f"start /films/{film} 0/6000")))
        _append(house.log, f"stop /films/{film} 60/6000")
        time.sleep(3)
    return took


def _append(log: Path, line: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _kodi(house: House) -> list[float]:
    films = sorted(house.kodi.movies().values())
    house.kodi.open(movieid=films[0])
    _until_first(house, "kodi", 0)
    took = []
    for film in films[1:]:
        time.sleep(3)
        took.append(_took(house, "kodi", partial(house.kodi.open, movieid=film)))
    return took


def _vlc(house: House) -> list[float]:
    with open_folder() as folder:
        films = [folder / f"Film {number} (2001) {{imdb-tt71{number:05}}}.mkv" for number in range(ROUNDS + 1)]
        for film in films:
            make_film(film)
            film.chmod(0o644)
        with VlcProcess(films[0], port=house.vlc_port) as vlc:
            _until_first(house, "vlc", 0)
            took = []
            for film in films[1:]:
                house.one.daemon.wait_for(lambda: house.one.daemon.status().playing, "it plays")
                time.sleep(3)
                took.append(_took(house, "vlc", partial(vlc.open, film)))
            return took


def _mpris(house: House) -> list[float]:
    films = [house.one.folder / f"Film {number} (2002) {{imdb-tt72{number:05}}}.mkv" for number in range(ROUNDS + 1)]
    for film in films:
        make_film(film)
    ipc = house.one.folder / "bus-mpv.sock"
    with mpv_on(house.bus, films[0], ipc=ipc) as mpv:
        _until_first(house, "mpris", 0)
        took = []
        for film in films[1:]:
            time.sleep(3)
            took.append(_took(house, "mpris", partial(mpv.command, "loadfile", str(film))))
        return took


def _took(house: House, account: str, act: Act) -> float:
    """Do something; return after how many ms the first request of that account reached Simkl."""
    known = len(house.one.sandbox.calls(account))
    began_ms = time.time_ns() / 1_000_000
    act()
    return _until_first(house, account, known) - began_ms


def _until_first(house: House, account: str, known: int) -> float:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        calls = house.one.sandbox.calls(account)
        if len(calls) > known:
            return float(calls[known].at_ms)
        time.sleep(0.01)
    raise TimeoutError(f"no request of {account} within 30 s; the daemon said:\n{house.one.daemon.said}")


def _words(took: list[float]) -> str:
    return f"{median(took):.0f} ms ({max(took):.0f})"


if __name__ == "__main__":
    main()
