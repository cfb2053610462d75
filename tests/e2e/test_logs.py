"""Logs that servers write, on a real disk, the real daemon, and what reaches Simkl (players.md 8).

All tests share one daemon until the last ones end it; films take two seconds, at four times the speed.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.emby import EMBY_KEY, FakeEmby, emby_episode
from tests.kit.logs import LogFile, compress
from tests.kit.servers import JELLYFIN_KEY, PLEX_TOKEN, plex_episode, plex_event, plex_movie
from tests.kit.session_servers import LiveJellyfin, LivePlex, jellyfin_playing_episode, jellyfin_playing_film
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

PEOPLE = ("plex", "rotated", "both", "away", "jelly", "older", "emby", "web", "own", "last")
LENGTH_MS = 8_000
TICKS = LENGTH_MS * 10_000
SERIES = {"imdb": "tt0000100", "tmdb": "9000100", "tvdb": "9300100"}
ALL = (Told("start", 0), Told("stop", 95, 100))
OWN = r'^(?P<time>\S+ \S+) (?P<event>\w+) "(?P<file>[^"]+)" (?P<position>[\d:.]+)/(?P<duration>[\d:.]+)'


class Logs(Stage):
    """The daemon, the folder of its logs, and the servers that write them."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient, folder: Path, jellyfin: LiveJellyfin) -> None:
        super().__init__(daemon, sandbox)
        self.folder = folder
        self.jellyfin = jellyfin
        self.plex = LogFile(folder / "Plex Media Server.log")
        self._requests = 0x1A2B00

    def plex_says(self, user: str, state: str, position_ms: int, key: str = "4001", *, ago_s: float = 0) -> None:
        """Let Plex write down what somebody's client reports, as it does at debug level."""
        self._requests += 1
        self.plex.write(*plex_lines(user, state, position_ms, key, f"{self._requests:x}", ago_s))


def plex_lines(user: str, state: str, position_ms: int, key: str, request: str, ago_s: float) -> list[str]:
    """Return the lines of one timeline request."""
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    head = f"{at:%b %d, %Y %H:%M:%S}.{at.microsecond // 1000:03} [140500000000001] Ladění - "
    query = f"ratingKey={key}&key=%2Flibrary%2Fmetadata%2F{key}&state={state}&time={position_ms}&duration={LENGTH_MS}"
    joined = f"{head}[Req#{request}] "
    rest = (
        f"playbackTime=0ms ratingKey={key} url=, key=/library/metadata/{key}, containerKey=, metadataId={key}, source="
    )
    return [
        f"{head}Request: [192.0.2.10:50001 (Subnet)] GET /:/timeline?{query} (10 live) #{request} TLS Signed-in Token ({user})",
        f"{joined}Client [tv-{user}] reporting timeline state {state}, progress of {position_ms}/{LENGTH_MS}ms for guid=, {rest}",
        f"{joined}[Now] User is {user} (ID: {sum(user.encode())})",
        f"{joined}[Now] Device is Chrome (Windows).",
    ]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """One daemon that follows the logs of a Plex, a Jellyfin, an Emby, a web server, and one of somebody's own."""
    folder = tmp_path_factory.mktemp("written")
    users = {name: name for name in PEOPLE}
    with running_sandbox() as sandbox, LivePlex() as plex, LiveJellyfin() as jellyfin, FakeEmby() as emby:
        sandbox.add_movie("The Example", 2014, ids={"imdb": "tt0000009", "tmdb": "9100009"}, runtime=100)
        sandbox.add_show("Example Show", 2019, seasons={1: 10}, ids=SERIES, runtime=25, first_episode_tvdb=9_200_001)
        plex.add(plex_movie(), length_ms=LENGTH_MS)
        plex.add(plex_episode(2), length_ms=LENGTH_MS)
        plex.add_show()
        jellyfin.users = {"a" * 32: "jelly"}
        emby.users = {"b" * 32: "emby"}
        emby.old_users = False
        emby.add_series()
        played = {"UserData": {"LastPlayedDate": datetime.now(UTC).isoformat(), "Played": True}}
        jellyfin.played["a" * 32] = [jellyfin_playing_film(RunTimeTicks=TICKS, **played)]
        emby.played["b" * 32] = [emby_episode(2, RunTimeTicks=TICKS, **played)]
        common = {"type": "logfile", "timezone": "UTC"}
        config = {
            "accounts": {name: {} for name in PEOPLE},
            "sources": {
                "plex-log": {
                    **common,
                    "format": "plex",
                    "path": str(folder / "Plex Media Server.log"),
                    "users": users,
                    "url": plex.url,
                    "token": PLEX_TOKEN,
                },
                "plex": {"type": "plex", "secret": SECRET, "users": users},
                "jellyfin-log": {
                    **common,
                    "format": "jellyfin",
                    "path": str(folder / "log_*.log"),
                    "users": users,
                    "url": jellyfin.url,
                    "token": JELLYFIN_KEY,
                },
                "emby-log": {
                    **common,
                    "format": "emby",
                    "path": str(folder / "embyserver.txt"),
                    "users": users,
                    "url": f"{emby.url}/emby",
                    "token": EMBY_KEY,
                },
                "web-log": {**common, "format": "access", "path": str(folder / "access.log"), "users": users},
                "own-log": {**common, "pattern": OWN, "path": str(folder / "own.log"), "account": "own"},
            },
            "ignore": {"shorter_than": "0s"},
            "log": {"level": "debug"},
        }
        with DaemonProcess(tmp_path_factory.mktemp("logs"), config, sandbox) as daemon:
            for name in PEOPLE:
                daemon.link(name)
            logs = Logs(daemon, sandbox, folder, jellyfin)
            (folder / "access.log").touch()
            with logs.plex:
                logs.plex_says("plex", "playing", 4_000)  # before the daemon's first start: not its business
                daemon.start()
                names = ("plex-log", "jellyfin-log", "emby-log", "web-log", "own-log")
                daemon.wait_for(lambda: all(reachable(daemon, name) for name in names), "the logs are followed")
                yield logs
                logs.close()
                logs.check_secrets(JELLYFIN_KEY, EMBY_KEY, PLEX_TOKEN, SECRET)


def reachable(daemon: DaemonProcess, name: str) -> bool:
    """Tell whether a source has said that it reaches what it reads."""
    return any(one.name == name and one.up for one in daemon.status().sources)


def test_plex_and_its_log_are_one_play(logs: Logs) -> None:
    """Webhook and log of the same playback: told once, and the log is the witness that was merged."""

    def hook(event: str, position_ms: int) -> None:
        item = plex_movie(duration=LENGTH_MS, **({"viewOffset": position_ms} if position_ms else {}))
        account = {"id": sum(b"both"), "title": "both"}
        kind, body = plex_event(event, item, account=account, Player={"uuid": "tv-both", "title": "Living Room"})
        assert logs.daemon.hook("plex", body, kind) == 204

    logs.plex_says("both", "playing", 0)
    hook("media.play", 0)
    logs.await_calls("both", 1)
    time.sleep(2.2)
    logs.plex_says("both", "stopped", 7_800)
    hook("media.stop", 7_800)
    logs.expect("both", *ALL)
    assert [row.title for row in logs.sandbox.history("both")] == ["The Example"]


def test_an_episode_in_the_log_of_plex(logs: Logs) -> None:
    """A log that nothing else goes with: pause and resume, and the ids of the series by its server."""
    logs.plex_says("plex", "playing", 0, "5012")
    logs.await_calls("plex", 1)
    time.sleep(1.2)
    logs.plex_says("plex", "paused", 4_000, "5012")
    logs.await_calls("plex", 2)
    logs.plex_says("plex", "playing", 4_000, "5012")
    logs.await_calls("plex", 3)
    time.sleep(1.2)
    logs.plex_says("plex", "stopped", 7_800, "5012")
    calls = logs.expect("plex", Told("start", 0), Told("pause", 50), Told("start", 50), Told("stop", 97, 98))
    assert all(call.body["show"]["ids"] == SERIES for call in calls)


def test_a_log_that_is_rotated_in_the_middle(logs: Logs) -> None:
    """Renamed with a last line in the old file, compressed, written anew: each line is read once."""
    logs.plex_says("rotated", "playing", 0)
    logs.await_calls("rotated", 1)
    time.sleep(1.2)
    renamed = logs.plex.rename("Plex Media Server.1.log")
    logs.plex_says("rotated", "playing", 4_000)
    logs.plex.reopen()
    time.sleep(1.2)
    logs.plex_says("rotated", "stopped", 7_800)
    logs.expect("rotated", *ALL)
    compress(renamed)
    assert len(logs.sandbox.history("rotated")) == 1


def test_the_log_of_jellyfin(logs: Logs) -> None:
    """Jellyfin 12 names user and title alone; the server knows the rest. The file of today appears late."""
    who = 'Emby.Server.Implementations.Session.SessionManager: User "jelly"'

    def line(words: str) -> str:
        at = datetime.now(UTC)
        stamp = f"[{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} +00:00]"
        return f'{stamp} [INF] [17] {who} {words} ("Web" "12.0.0")'

    asked = len(logs.jellyfin.asked)
    with LogFile(logs.folder / f"log_{datetime.now(UTC):%Y%m%d}.log") as log:
        log.write(line("started playback of '\"The Example\"'"))
        logs.daemon.wait_for(lambda: "/Items" in logs.jellyfin.paths()[asked:], "the server has been asked")
        time.sleep(2.2)
        log.write(line('stopped playback of \'"The Example"\' at "7800"ms'))
        # No start before that: where it began, nobody has said.
        (call,) = logs.expect("jelly", Told("stop", 97, 98))
    assert call.body["movie"]["ids"]["imdb"] == "tt0000009"


def test_the_log_of_an_older_jellyfin(logs: Logs) -> None:
    """Before 12.0 the log has the stop alone, and no user: the server says who, and since when."""
    now = datetime.now(UTC)
    played = {"LastPlayedDate": (now - timedelta(seconds=9)).isoformat(), "Played": True}
    logs.jellyfin.users["c" * 32] = "older"
    logs.jellyfin.played["c" * 32] = [jellyfin_playing_episode(RunTimeTicks=TICKS, UserData=played)]
    with LogFile(logs.folder / f"log_{now:%Y%m%d}.log") as log:
        log.write(
            f"[{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03} +00:00] [INF] [42] Emby.Server.Implementations.Session."
            'SessionManager: Playback stopped reported by app "Web" "10.11.8" playing "Part 2". Stopped at "7800" ms'
        )
        (call,) = logs.expect("older", Told("stop", 97, 98))
    assert (call.body["episode"]["season"], call.body["episode"]["number"]) == (1, 2)
    assert len(logs.sandbox.history("older")) == 1


def test_the_log_of_emby(logs: Logs) -> None:
    """Emby's log names nobody and no length: who played it last, says the server; half a line waits for its other half."""
    what = "reported by app Emby Web 4.8.8.0 on Firefox playing Example Show - S1, Ep2 - Part 2."

    def line(word: str, rest: str) -> str:
        at = datetime.now(UTC)
        stamp = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
        return f"{stamp} Info SessionManager: Playback {word} {what} {rest}"

    with LogFile(logs.folder / "embyserver.txt", newline="\r\n") as log:
        start = line("start", "Position: 0 ms.")
        log.raw(start[:60].encode())
        time.sleep(0.3)
        log.raw(f"{start[60:]}\r\n".encode())
        logs.await_calls("emby", 1)
        time.sleep(2.2)
        log.write(line("stopped", "Stopped at 7800 ms."))
        calls = logs.expect("emby", Told("start", 0), Told("stop", 97, 98))
    assert all(call.body["show"]["ids"] == SERIES for call in calls)


def test_a_log_of_ones_own(logs: Logs) -> None:
    """A pattern reads it, in UTF-16 as Windows programs write; a script that cuts it off to begin anew loses nothing."""
    film = "/media/The Example (2014) {imdb-tt0000009}.mkv"

    def line(event: str, position: str) -> str:
        return f'{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {event} "{film}" {position}/0:08'

    with LogFile(logs.folder / "own.log") as log:
        log.write(line("start", "0:00"))
        logs.await_calls("own", 1)
        time.sleep(2.2)
        log.copytruncate("own.log.1")
        log.write(line("stop", "7.8"))
        logs.expect("own", Told("start", 0), Told("stop", 97, 98))


def test_what_is_written_while_the_daemon_is_away(logs: Logs) -> None:
    """A play that began and ended meanwhile is history with its own time and never a start; what is read is read once.

    In a web server's log it is most of the bytes of a file over half an hour; a probe is nothing.
    """
    size, film = 1_000_000_000, "/films/The%20Example%20(2014)%20%7Bimdb-tt0000009%7D.mkv"

    def line(minutes_ago: float, path: str, first: int, last: int) -> str:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        asked = f'192.0.2.10 - web [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" 206 {last - first + 1}'
        return f'{asked} "-" "VLC/3.0.24" "bytes {first}-{last}/{size}"'

    logs.daemon.terminate()
    logs.plex_says("away", "playing", 0, ago_s=600)
    logs.plex_says("away", "playing", 4_000, ago_s=598)
    logs.plex_says("away", "stopped", 7_900, ago_s=596)
    logs.plex.rename("Plex Media Server.2.log")
    logs.plex.reopen()
    access = logs.folder / "access.log"
    with LogFile(access) as log:
        tenth = size // 10
        log.write(*(line(47 - 3 * part, film, part * tenth, (part + 1) * tenth - 1) for part in range(10)))
        log.write(line(20, "/films/Probed%20(2011).mkv", 0, 65535))
    long_ago_s = time.time() - 1200
    os.utime(access, (long_ago_s, long_ago_s))
    logs.daemon.start()
    logs.expect("away", Told("history"))
    (call,) = logs.expect("web", Told("history"))
    assert "Probed" not in str(call.body)
    for user, ago_s in (("away", 596), ("web", 1200)):
        (row,) = logs.sandbox.history(user)
        assert (row.title, row.source) == ("The Example", "history")
        ago = datetime.now(UTC) - datetime.fromisoformat(row.watched_at)
        assert timedelta(seconds=ago_s - 5) < ago < timedelta(seconds=ago_s + 120)
    logs.daemon.restart()
    logs.plex_says("last", "playing", 0)
    # What stands there before the log is caught up with begins nothing at Simkl; the next word of the play does.
    logs.daemon.wait_for(lambda: any(one.account == "last" for one in logs.daemon.status().playing), "the line is read")
    logs.plex_says("last", "playing", 400)
    logs.await_calls("last", 1)
    assert all(len(logs.sandbox.history(name)) == 1 for name in PEOPLE if name != "last")
