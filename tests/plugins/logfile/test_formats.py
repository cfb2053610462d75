"""Every built-in format, by lines as programs write them (players.md 8.2). All names and values are invented."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# ruff: noqa: E501, ISC004 (lines are shown as they are written)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrobbler.api import Episode, File
from scrobbler_plugins.logfile.formats import FORMATS, format_of
from scrobbler_plugins.logfile.parse import LineFormat, Said, Settings
from scrobbler_plugins.logfile.patterns import Meaning

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = int(datetime(2026, 3, 4, 21, 0, tzinfo=UTC).timestamp() * 1000)


def reader(name: str, **values: object) -> LineFormat:
    return format_of(name)(Settings(zone=BERLIN, **values))  # type: ignore[arg-type]


def read(name: str, text: str, *, idle: bool = True, **values: object) -> list[Said]:
    """Read lines, each with a restart before it: what is remembered must be enough."""
    said: list[Said] = []
    kept = ""
    for line in text.strip("\n").splitlines():
        one = reader(name, **values)
        if kept:
            one.load(kept)
        said += one.feed(line, NOW_MS)
        kept = one.dump()
    one = reader(name, **values)
    one.load(kept)
    return said + (list(one.idle(NOW_MS + 10_000)) if idle else [])


def short(said: Sequence[Said]) -> list[tuple[object, ...]]:
    return [(one.kind, one.item_key, one.position_ms) for one in said]


def utc(said: Said) -> str:
    assert said.at_ms is not None
    return datetime.fromtimestamp(said.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


P = "Mar 04, 2026 20:{time} [140500000000001] {level} - {text}"


def plex(*texts: tuple[str, str], level: str = "DEBUG") -> str:
    return "\n".join(P.format(time=time, level=level, text=text) for time, text in texts)


def timeline(number: str, state: str, position: int, key: str = "5012") -> list[tuple[str, str]]:
    """The lines of one report of a client, as a server of 2026 writes them."""
    req = f"[Req#{number}]"
    return [
        (
            "15:33.409",
            f"Request: [192.0.2.10:50001 (Subnet)] GET /:/timeline?ratingKey={key}&key=%2Flibrary%2Fmetadata%2F{key}&state={state}"
            f"&time={position}&duration=1500000&playbackTime=12000 (10 live) #{number} TLS GZIP Signed-in Token (alice)",
        ),
        (
            "15:33.411",
            f"{req} Client [abc123] reporting timeline state {state}, progress of {position}/1500000ms for guid=, playbackTime=12000ms"
            f" ratingKey={key} url=, key=/library/metadata/{key}, containerKey=, metadataId={key}, source=",
        ),
        ("15:33.412", f"{req} [Now] User is alice (ID: 1)"),
        ("15:33.412", f"{req} [Now] Device is Chrome (Windows)."),
        ("15:33.413", f"{req} [Now] Updated play state for /library/metadata/{key}."),
        ("15:33.414", f"{req} Play progress on {key} 'The Second' - got played {position} ms by account 1!"),
    ]


def test_plex_evening() -> None:
    """Play, progress, pause, resume, the server's verdict and stop, with who, what, where and when."""
    lines = [
        *timeline("a1", "playing", 0),
        *timeline("a2", "playing", 745000),
        *timeline("a3", "paused", 750000),
        *timeline("a4", "buffering", 750000),
        *timeline("a5", "playing", 750000),
        *timeline("a6", "playing", 1400000),
        ("15:33.500", "[Req#a6] Library item 5012 'The Second' got played by account 1!"),
        *timeline("a7", "stopped", 1490000),
    ]
    said = read("plex", plex(*lines))
    assert short(said) == [
        ("play", "5012", 0),
        ("progress", "5012", 745000),
        ("pause", "5012", 750000),
        ("play", "5012", 750000),
        ("progress", "5012", 1400000),
        ("watched", "5012", None),
        ("stop", "5012", 1490000),
    ]
    assert {one.player for one in said} == {"abc123"}
    assert {(one.user.id, one.user.name) for one in said if one.user} == {("1", "alice")}
    assert said[1].duration_ms == 1500000
    assert said[1].item == File(path="The Second", title="The Second")
    assert utc(said[0]) == "2026-03-04 19:15:33"


@pytest.mark.parametrize("level", ["DEBUG", "Ladění", "Fehlersuche", "調試"])
def test_plex_levels_are_translated(level: str) -> None:
    """The level word is whatever the server's language makes of it."""
    assert short(read("plex", plex(*timeline("a1", "playing", 0), level=level))) == [("play", "5012", 0)]


def test_plex_parallel_requests() -> None:
    """Lines of two requests interleave; each goes to its own."""
    other = [
        (time, text.replace("alice (ID: 1)", "bob (ID: 2)").replace("(alice)", "(bob)").replace("abc123", "def456"))
        for time, text in timeline("b1", "playing", 5000, "6001")
    ]
    mixed = [line for pair in zip(timeline("a1", "playing", 0), other, strict=True) for line in pair]
    said = read("plex", plex(*mixed))
    assert [(one.player, one.item_key, one.user and one.user.name) for one in said] == [
        ("abc123", "5012", "alice"),
        ("def456", "6001", "bob"),
    ]


def test_plex_old_server() -> None:
    """Without request ids, lines are joined by the thread; parameters stand in lines of their own."""
    text = """
Mar 04, 2026 20:15:33:409 [0x7f82b01aa8] DEBUG - nonsense
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG - Request: [192.0.2.10:61687] GET /:/timeline (3 live)
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG -  * ratingKey => 5012
Mar 04, 2026 20:15:33.409 [0x7f82b01bb8] DEBUG -  * ratingKey => 9999
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG -  * state => playing
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG -  * time => 17184
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG -  * X-Plex-Token => secretsecretsecret
Mar 04, 2026 20:15:33.409 [0x7f82b01aa8] DEBUG -  * X-Plex-Client-Identifier => old-box
Mar 04, 2026 20:15:43.409 [0x7f82b01aa8] DEBUG - something else
"""
    said = read("plex", text)
    assert [(one.kind, one.player, one.item_key, one.position_ms) for one in said] == [
        ("play", "old-box", "5012", 17184)
    ]
    assert "secretsecret" not in str(said)


def test_plex_request_line_alone() -> None:
    """Where only the request is logged, it tells after a moment; headers of verbose logs are read, tokens are not."""
    line = (
        "Request: [192.0.2.10:50001 (Subnet)] GET /:/timeline?ratingKey=5012&state=paused&time=7000&duration=1500000 (10 live) #c1"
        " Signed-in Token (alice) / Accept => */* / X-Plex-Client-Identifier => xyz / X-Plex-Device-Name => Den, upstairs"
        " / X-Plex-Token => topsecrettoken / X-Plex-Version => 4.1"
    )
    (said,) = read("plex", plex(("15:33.409", line)))
    assert (said.kind, said.player, said.device, said.position_ms) == ("pause", "xyz", "Den, upstairs", 7000)
    assert said.user is not None
    assert said.user.name == "alice"
    assert "topsecret" not in repr(said)


def test_plex_mark_by_hand() -> None:
    """`got played` without a play is a mark by hand; `got unplayed` and other items' progress are nothing."""
    said = read(
        "plex",
        plex(
            (
                "15:33.409",
                "Request: [192.0.2.10:50001 (Subnet)] GET /:/scrobble?identifier=com.plexapp.plugins.library&key=77 #d1 Token (alice)",
            ),
            ("15:33.410", "[Req#d1] Library item 77 'It's 'Quoted'' got played by account 1!"),
            ("15:33.411", "[Req#d2] Library item 77 'It's 'Quoted'' got unplayed by account 1!"),
        ),
    )
    assert [(one.kind, one.item_key, one.item) for one in said] == [
        ("marked", "77", File(path="It's 'Quoted'", title="It's 'Quoted'"))
    ]


def test_plex_mark_by_hand_of_what_was_left_once() -> None:
    """Who stopped an item half-way and marks it another day marks it by hand; a verdict right after the stop is the play's."""
    played = [*timeline("a1", "playing", 0), *timeline("a2", "stopped", 600000)]
    verdict = "[Req#d1] Library item 5012 'X' got played by account 1!"
    for before, minute, kind in (
        (played, 16, "watched"),
        (played, 55, "marked"),
        (played[:6], 16, "watched"),
        (played[:6], 55, "marked"),
    ):
        assert read("plex", plex(*before, (f"{minute}:33.500", verdict)))[-1].kind == kind


def test_plex_live_tv() -> None:
    """A rating key that is no number is live TV or a channel."""
    said = read("plex", plex(*timeline("e1", "playing", 0, "https%3A%2F%2Fexample.org%2Ftv")[:1]))
    assert [(one.item_key, one.skip) for one in said] == [("live", "live_tv")]


J = "Emby.Server.Implementations.Session.SessionManager:"


@pytest.mark.parametrize(
    ("line", "expected", "at"),
    [
        (
            f'[2026-03-04 20:34:10.002 +01:00] [INF] [42] {J} Playback stopped reported by app "Jellyfin Web" "10.11.8" playing "The Second".'
            ' Stopped at "1291000" ms',
            ("stop", "Jellyfin Web", "The Second", 1291000, None),
            "2026-03-04 19:34:10",
        ),
        (
            f"[20:34:10] [INF] [42] {J} Playback stopped reported by app Jellyfin Web 10.11.8 playing The Second. Stopped at 1291000 ms",
            ("stop", "Jellyfin Web", "The Second", 1291000, None),
            "2026-03-04 19:34:10",
        ),
        (
            f'[2026-03-04 20:12:01.120 +01:00] [INF] [17] {J} User "alice" started playback of \'"The Second"\' ("Jellyfin Web" "12.0.0")',
            ("play", "alice Jellyfin Web", "The Second", None, "alice"),
            "2026-03-04 19:12:01",
        ),
        (
            f'[2026-03-04 20:34:10.002 +01:00] [INF] [42] {J} User "alice" stopped playback of \'"The Second"\' at "1291000"ms ("Jellyfin Web" "12.0.0")',
            ("stop", "alice Jellyfin Web", "The Second", 1291000, "alice"),
            "2026-03-04 19:34:10",
        ),
        (
            f"[08:34:10.002 PM] [INF] [42] {J} User alice stopped playback of 'Stopped at home' at unknownms (Kodi 12.0.0)",
            ("stop", "alice Kodi", "Stopped at home", None, "alice"),
            "2026-03-04 19:34:10",
        ),
        (
            f'[2026-03-04 20:34:10.002 +01:00] [INF] [42] {J} Playback stopped reported by app "My App" "1 beta" playing "playing at 5 ms.'
            ' Stopped at "9"". Stopped at "1000" ms',
            ("stop", "My App", 'playing at 5 ms. Stopped at "9"', 1000, None),
            "2026-03-04 19:34:10",
        ),
    ],
)
def test_jellyfin(line: str, expected: tuple[object, ...], at: str) -> None:
    """Both generations, file and console; names may hold the words that the line is made of."""
    (said,) = read("jellyfin", line)
    assert (said.kind, said.player, said.item_key, said.position_ms, said.user and said.user.name) == expected
    assert utc(said) == at


def test_jellyfin_other_lines() -> None:
    """Other parts of the server, and plug-ins with lines of their own, say nothing."""
    text = f"""
[2026-03-04 20:34:10.002 +01:00] [INF] [42] Jellyfin.Plugin.PlaybackReporting.EventMonitorEntryPoint: Playback stopped reported by app X playing Y. Stopped at 1 ms
[2026-03-04 20:34:10.002 +01:00] [INF] [42] {J} Sending shutdown notifications
   at System.Exception: User "x" started playback of 'y' ("a" "b")
"""
    assert read("jellyfin", text) == []


E = "2026-03-04 20:{time} Info SessionManager: Playback {what} reported by app Emby Web 4.8.8.0 on Firefox playing {item}. {end}"


def test_emby_evening() -> None:
    """Start, pause, volume while paused, unpause, progress, stop; the episode is read from the text."""
    item, session = "Example Show - S1, Ep2 - The Second", "PlaySessionId: cdcd0008"
    steps = [
        ("12:01.307", "start", "Position: 0 ms"),
        ("20:45.010", "progress (Pause)", "Position: 524000 ms"),
        ("20:46.010", "progress (VolumeChange)", "Position: 524000 ms"),
        ("25:45.010", "progress (Unpause)", "Position: 524000 ms"),
        ("26:45.010", "progress (TimeUpdate)", "Position: 584000 ms"),
        ("34:10.050", "stopped", "Stopped at 1291000 ms"),
    ]
    text = "\n".join(E.format(time=time, what=what, item=item, end=f"{end}. {session}") for time, what, end in steps)
    said = read("emby", text)
    assert [(one.kind, one.position_ms) for one in said] == [
        ("play", 0),
        ("pause", 524000),
        ("pause", 524000),
        ("play", 524000),
        ("progress", 584000),
        ("stop", 1291000),
    ]
    assert {one.player for one in said} == {"Emby Web on Firefox"}
    assert isinstance(said[0].item, Episode)
    assert (said[0].item.show.title, said[0].item.season, said[0].item.number, said[0].item.title) == (
        "Example Show",
        1,
        2,
        "The Second",
    )


@pytest.mark.parametrize(
    ("text", "season", "number", "last"),
    [
        ("A - B - S10, Ep3 - C - D", 10, 3, None),
        ("Show - Ep5 - X", None, 5, None),
        ("Show - S0, Ep7", 0, 7, None),
        ("Show - S1, Ep1-2 - Both", 1, 1, 2),
    ],
)
def test_emby_episodes(text: str, season: int | None, number: int, last: int | None) -> None:
    """Numbers are not padded, and parts may be missing."""
    (said,) = read("emby", E.format(time="12:01.307", what="start", item=text, end="Position: 0 ms."))
    assert isinstance(said.item, Episode)
    assert (said.item.season, said.item.number, said.item.last_number) == (season, number, last)


def test_emby_film() -> None:
    """Anything without numbers is the name of a film."""
    (said,) = read("emby", E.format(time="12:01.307", what="start", item="Ten. Position: 5 ms", end="Position: 0 ms."))
    assert said.item == File(path="Ten. Position: 5 ms", title="Ten. Position: 5 ms")


K = "2026-03-04 20:{time}.120 T:10028    info <general>: {text}"


def kodi(*steps: tuple[str, str]) -> str:
    return "\n".join(K.format(time=time, text=text) for time, text in steps)


def test_kodi_endings() -> None:
    """Natural end, stop (written twice), the next file, and Kodi's own end."""
    said = read(
        "kodi",
        kodi(
            ("12:01", "VideoPlayer::OpenFile: /media/tv/Example Show/S01E02.mkv"),
            ("34:10", "VideoPlayer: eof, waiting for queues to empty"),
            ("35:00", "VideoPlayer::OpenFile: /media/b.mkv"),
            ("40:04", "CVideoPlayer::CloseFile()"),
            ("40:05", "CVideoPlayer::CloseFile()"),
            ("41:00", "VideoPlayer::OpenFile: /media/c.mkv"),
            ("42:00", "VideoPlayer::OpenFile: smb://bob:pw@nas/d (2010).mkv"),
            ("43:00", "application stopped"),
        ),
    )
    assert [(one.kind, one.item_key) for one in said] == [
        ("play", "/media/tv/Example Show/S01E02.mkv"),
        ("end", "/media/tv/Example Show/S01E02.mkv"),
        ("play", "/media/b.mkv"),
        ("stop", "/media/b.mkv"),
        ("play", "/media/c.mkv"),
        ("stop", "/media/c.mkv"),
        ("play", "smb://bob@nas/d (2010).mkv"),
        ("stop", "smb://bob@nas/d (2010).mkv"),
    ]
    assert utc(said[0]) == "2026-03-04 19:12:01"


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-04 20:12:01.120 T:1    INFO <general>: VideoPlayer::OpenFile: /media/a.mkv",
        "2026-03-04 20:12:01.120 T:1  NOTICE: VideoPlayer::OpenFile: /media/a.mkv",
        "20:12:01.120 T:140045546653760  NOTICE: DVDPlayer: OpenFile: /media/a.mkv",
        "2026-03-04 20:12:01.120 T:1    info <general>: CVideoPlayer::OpenFile(/media/a.mkv)",
    ],
)
def test_kodi_versions(line: str) -> None:
    """Level words, player names and dates changed over the versions."""
    (said,) = read("kodi", line)
    assert (said.kind, said.item_key, utc(said)) == ("play", "/media/a.mkv", "2026-03-04 19:12:01")


@pytest.mark.parametrize(
    ("path", "skip"),
    [
        ("pvr://channels/tv/1.pvr", "live_tv"),
        ("plugin://plugin.video.youtube/play/?video_id=1", "web_stream"),
        ("plugin://plugin.video.jellyfin/library/?id=1", "server_stream"),
        ("https://example.org/a.mkv?token=hush", "web_stream"),
        ("/music/song.flac", "music"),
        ("upnp://abc/1", "web_stream"),
        ("musicdb://songs/1.mp3", "unknown_type"),
        ("dvd://1", "unknown_type"),
        ("special://videos/a.mkv", None),
        ("zip://%2fmedia%2fa.zip/a.mkv", None),
        ("/media/a.mkv", None),
    ],
)
def test_kodi_what_is_no_play(path: str, skip: str | None) -> None:
    """Live TV, add-ons and music are told apart by the address; what an address hides stays hidden."""
    (said,) = read("kodi", kodi(("12:01", f"VideoPlayer::OpenFile: {path}")))
    assert said.skip == skip
    assert "hush" not in repr(said)


def test_address_of_a_file() -> None:
    """A file by its address is the file; its special characters are written as they are."""
    (said,) = read("kodi", kodi(("12:01", "VideoPlayer::OpenFile: file:///media/caf%C3%A9%20%231.mkv")))
    assert said.item == File(path="/media/café #1.mkv")


MPV = """
[   0.006][v][cplayer] mpv 0.35.1 Copyright
[   0.028][i][cplayer] Playing: /media/Example Show - S01E02.mkv
[   0.029][d][mkv] | + duration: 1500.559s
[   0.042][v][cplayer] playback restart complete @ 0.000000, audio=eof, video=playing
[ 101.054][v][cplayer] Set property: pause=true -> 1
[ 103.355][v][cplayer] Set property: pause -> 1
[ 200.757][v][cplayer] playback restart complete @ 600.500000, audio=eof, video=playing
"""


def test_mpv_natural_end() -> None:
    """Begin, pause, resume and jump with positions, and an end that is one."""
    text = MPV + (
        "[1100.559][v][cplayer] EOF code: 1\n[1100.560][v][cplayer] finished playback, success (reason 0)\n"
        "[1100.600][i][cplayer] Exiting... (End of file)"
    )
    said = read("mpv", text)
    assert [(one.kind, one.position_ms) for one in said] == [
        ("play", 0),
        ("pause", None),
        ("play", None),
        ("seek", 600500),
        ("end", None),
    ]
    assert {one.duration_ms for one in said} == {1500559}
    assert said[0].item == File(path="/media/Example Show - S01E02.mkv")


@pytest.mark.parametrize(
    "ending",
    [
        "[300.1][v][cplayer] EOF code: 5\n[300.2][v][cplayer] finished playback, success (reason 3)\n[300.3][i][cplayer] Exiting... (Quit)",
        "[300.3][i][cplayer] Exiting... (Quit)",
        "[300.1][v][cplayer] EOF code: 4\n[300.2][v][cplayer] finished playback, success (reason 2)",
        "[  0.028][i][cplayer] Playing: /media/next.mkv",
    ],
)
def test_mpv_stops(ending: str) -> None:
    """Quit, stop, and the next mpv that begins the log anew are stops."""
    assert [one.kind for one in read("mpv", MPV + ending)][4:] == ["stop"]


def test_mpv_with_one_file() -> None:
    """A single file has no `Playing:` line; it is named when it is open, after its length."""
    text = """
[   0.029][d][mkv] | + duration: 90.000s
[   0.030][v][cplayer] Opening done: /media/a.mkv
[   0.042][v][cplayer] playback restart complete @ 5.000000, audio=eof, video=playing
[   1.042][i][cplayer] Exiting... (Quit)
"""
    said = read("mpv", text)
    assert [(one.kind, one.item_key, one.position_ms, one.duration_ms) for one in said] == [
        ("play", "/media/a.mkv", 5000, 90000),
        ("stop", "/media/a.mkv", None, 90000),
    ]


def test_mpv_that_never_played() -> None:
    """A file that could not be opened was never played."""
    text = "[0.1][i][cplayer] Playing: /media/gone.mkv\n[0.2][v][cplayer] EOF code: 1\n[0.3][v][cplayer] finished playback, loading failed (reason 4)"
    assert read("mpv", text) == []


def test_mpc_list() -> None:
    """A file that comes to the top begins; a position that is written ends it, one that is forgotten was its end."""
    first = "; MPC-BE History File 0.1\n\n[001]\nPath=C:\\Videos\\a.mkv\nTitle=A\n"
    more = "\n[002]\nPath=C:\\Videos\\old.mkv\nPosition=00:01:00\n"
    steps = [first + more, first + "Position=00:12:34\n" + more, first + more]
    one = reader("mpc")
    said: list[Said] = []
    for step in steps:
        for line in step.splitlines():
            said += one.feed(line, NOW_MS)
        said += one.idle(NOW_MS)
    assert short(said) == [
        ("play", "C:\\Videos\\a.mkv", None),
        ("stop", "C:\\Videos\\a.mkv", 754000),
        ("end", "C:\\Videos\\a.mkv", None),
    ]


SIZE = 1_000_000_000
NGINX = '{ip} - {user} [04/Mar/2026:20:{time} +0100] "{method} /tv/Example%20Show/S01E02.mkv?token=hush HTTP/1.1" {status} {sent} "-" "{agent}"{rest}'


def request(time: str, sent: int, rest: str, **values: object) -> str:
    given = {
        "ip": "192.0.2.10",
        "user": "alice",
        "method": "GET",
        "status": 206,
        "agent": "VLC/3.0.24 LibVLC/3.0.24",
        **values,
    }
    return NGINX.format(time=time, sent=sent, rest=f' "{rest}"' if rest else "", **given)


def content(first: int, sent: int) -> str:
    return f"bytes {first}-{first + sent - 1}/{SIZE}"


def parts(minutes: int, share: float, **values: object) -> list[str]:
    """A play as a player fetches it, ten stretches one after the other."""
    step = int(SIZE * share) // 10
    return [request(f"{minutes * n // 10:02}:00", step, content(n * step, step), **values) for n in range(10)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (parts(40, 0.95), 1),
        (parts(40, 0.5), 0),  # half of it
        (parts(2, 0.95), 0),  # as fast as the line allows: a download
        (parts(40, 0.95, method="HEAD"), 0),
        (parts(40, 0.95, status=404), 0),
        (parts(40, 0.95, agent="Lavf/60 Jellyfin-Server"), 0),
        (parts(40, 0.95, agent="curl/8.5"), 0),
        ([request("00:00", 65536, content(0, 65536)), request("30:00", 65536, content(SIZE - 65536, 65536))], 0),
        # the answers' ranges are not logged, the requests' are: the end of the file is where two answers end
        (
            [
                request("00:00", 1_000_000, f"bytes={SIZE - 1_000_000}-"),
                request("40:00", SIZE, "bytes=0-"),
            ],
            1,
        ),
        ([request("00:00", 1_000_000, "bytes=0-"), request("40:00", SIZE // 2, "bytes=1000000-")], 0),
        # one answer for the whole play; how long it took is in the log
        ([request("40:00", SIZE, content(0, SIZE) + '" "rt=2300.123')], 1),
        ([request("40:00", SIZE, content(0, SIZE) + '" "rt=12.123')], 0),
        ([request("00:00", SIZE, "", status=200)], 0),  # no size, no time
    ],
)
def test_access_log(lines: list[str], expected: int) -> None:
    """A file was watched when most of its bytes went out over a plausible time, and not when it was probed or downloaded."""
    one = reader("access")
    said: list[Said] = []
    for line in lines:
        written = int(datetime.strptime(line.split("[")[1][:26], "%d/%b/%Y:%H:%M:%S %z").timestamp() * 1000)
        said += one.feed(line, written)
    assert said == []
    said += one.idle(written + 9 * 60_000)
    assert said == []
    said += one.idle(written + 11 * 60_000)
    assert len(said) == expected
    if said:
        assert (said[0].kind, said[0].item_key) == ("watched", "/tv/Example Show/S01E02.mkv")
        assert said[0].user is not None
        assert said[0].user.name == "alice"
        assert "hush" not in repr(said)


DOWNLOAD = [
    request("00:00", SIZE // 2, content(0, SIZE // 2)),
    request("01:00", SIZE // 2, content(SIZE // 2, SIZE // 2)),
]
HOUR_MS = 3_600_000


def test_access_log_that_nobody_saw_written() -> None:
    """Of lines that were missed the file's last change says nothing: a minute's download is no play of two hours."""
    one = reader("access")
    for line in DOWNLOAD:
        one.feed(line, NOW_MS + HOUR_MS)
    assert list(one.idle(NOW_MS * 2)) == []


def test_access_log_that_is_written_late() -> None:
    """A web server may buffer its lines; where they say how long a request took, they say when it ended."""
    one = reader("access")
    for line in DOWNLOAD:
        one.feed(f"{line} rt=29.500", NOW_MS + HOUR_MS, seen_ms=NOW_MS + HOUR_MS)
    assert list(one.idle(NOW_MS * 2)) == []


def test_access_log_of_apache() -> None:
    """Apache writes when a request began; that we saw it written tells when it ended."""
    one = reader("access")
    one.feed(request("00:00", SIZE, content(0, SIZE)), NOW_MS, seen_ms=NOW_MS)
    (said,) = one.idle(NOW_MS + HOUR_MS)
    assert said.at_ms == NOW_MS


def test_access_log_plays_apart() -> None:
    """Two people, and two evenings of one, are counted apart."""
    one = reader("access")
    for line in (*parts(40, 0.45), *parts(40, 0.45, ip="192.0.2.11", user="bob")):
        one.feed(line, 0)
    later = [line.replace(":20:", ":23:") for line in parts(40, 0.45)]
    said = [said for line in later for said in one.feed(line, 0)]
    assert said + list(one.idle(NOW_MS * 2)) == []


def own(text: str, pattern: str, words: dict[str, Meaning] | None = None) -> list[Said]:
    return read("own", text, patterns=(pattern,), words=words or {})


def test_own_pattern() -> None:
    """A pattern with every group; words in any case."""
    pattern = r"^(?P<time>\S+ \S+) (?P<user>\w+) (?P<event>\w+) \"(?P<file>[^\"]+)\" (?P<position>[\d:.]+)/(?P<duration>[\d:.]+)"
    said = own(
        '2026-03-04 20:12:01 alice OPENED "/media/a.mkv" 12:25/1500\n2026-03-04 20:13:01 alice nonsense "x" 1/2',
        pattern,
        {"Opened": "start"},
    )
    assert short(said) == [("play", "/media/a.mkv", 745000)]
    assert (said[0].duration_ms, said[0].player, utc(said[0])) == (1500000, "alice", "2026-03-04 19:12:01")


def test_own_pattern_by_title() -> None:
    """A title alone will do, and a line without one speaks of what plays."""
    said = own("start: Sintel (2010)\nend:", r"^(?P<event>\w+):(?: (?P<title>.+))?$")
    assert [(one.kind, one.item_key, one.item) for one in said] == [
        ("play", "Sintel (2010)", File(path="Sintel (2010)", title="Sintel (2010)")),
        ("end", "Sintel (2010)", File(path="Sintel (2010)", title="Sintel (2010)")),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-04T19:12:01Z", "2026-03-04 19:12:01"),
        ("2026-03-04 20:12:01,500", "2026-03-04 19:12:01"),
        ("2026-03-04 20:12:01+0100", "2026-03-04 19:12:01"),
        ("04/Mar/2026:20:12:01 +0100", "2026-03-04 19:12:01"),
        ("1772651521", "2026-03-04 19:12:01"),
        ("1772651521000", "2026-03-04 19:12:01"),
        ("20:12:01", "2026-03-04 19:12:01"),
        ("23:12", "2026-03-03 22:12:00"),  # later than now: yesterday
        ("whenever", None),
    ],
)
def test_own_times(text: str, expected: str | None) -> None:
    """Times with and without zone, date and fraction."""
    (said,) = own(f"[{text}] start x.mkv", r"^\[(?P<time>[^\]]*)\] (?P<event>\w+) (?P<file>.+)$")
    assert (None if said.at_ms is None else utc(said)) == expected


def test_long_lines_are_passed_over() -> None:
    """A line beyond the limit is not held against the user's pattern."""
    pattern = r"(?P<event>start) (?P<file>.*)"
    assert own("start " + "x" * 3000, pattern) == []
    assert len(own("start " + "x" * 1000, pattern)) == 1


def test_summer_time() -> None:
    """The hour that happens twice is read in the order of the lines."""
    times = ["01:59:00", "02:30:00", "02:59:00", "02:10:00", "02:40:00", "03:00:00"]
    text = "\n".join(f"2026-10-25 {time} start x" for time in times)
    said = own(text, r"^(?P<time>\S+ \S+) (?P<event>\w+) (?P<file>.+)$")
    assert [utc(one)[11:16] for one in said] == ["23:59", "00:30", "00:59", "01:10", "01:40", "02:00"]


def test_order_beats_the_clock() -> None:
    """A clock that is set back a little does not turn the order around."""
    text = "2026-03-04 20:12:01 start x\n2026-03-04 20:11:50 stop x"
    first, second = own(text, r"^(?P<time>\S+ \S+) (?P<event>\w+) (?P<file>.+)$")
    assert first.at_ms == second.at_ms


def test_a_great_step_back_holds() -> None:
    """A clock that is set back by hours is another clock: what follows has its times."""
    text = "2026-03-04 20:12:01 start x\n2026-03-04 18:12:01 stop x"
    _, second = own(text, r"^(?P<time>\S+ \S+) (?P<event>\w+) (?P<file>.+)$")
    assert utc(second) == "2026-03-04 17:12:01"


WORDS = [
    *(
        "Playback stopped reported by app ",
        " playing ",
        ". Stopped at ",
        "SessionManager: ",
        "[Req#a1] ",
        "Client [",
        "] reporting",
    ),
    *(
        "Request: [",
        "] GET /:/timeline?ratingKey=5&state=playing&time=",
        " ms",
        "Mar 04, 2026 20:15:33.409 [1] X - ",
        "OpenFile: ",
    ),
    *(
        "[20:34:10] ",
        "2026-03-04 20:34:10.0 Info ",
        "Playback progress (Pause)",
        " / X-Plex-Token => ",
        "\\x22",
        "%",
        '"',
        "'",
        "bytes ",
    ),
    *(
        "T:1 info <general>: VideoPlayer::",
        "[1.0][v][cplayer] ",
        "Playing: ",
        "playback restart complete @ ",
        "EOF code: 1",
        "[001]",
        "Path=",
    ),
    *(
        '1.2.3.4 - - [04/Mar/2026:20:12:01 +0100] "GET /',
        '" 206 99 ',
        "99999999999999999999",
        "-5",
        "²",
        "\ud800",
        "\x00",
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=12).map("".join)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(deadline=None, max_examples=150)
@given(lines=st.lists(TEXTS, max_size=6))
def test_never_raises(name: str, lines: list[str]) -> None:
    """Whatever a line holds, it is read or passed over; what is remembered can be written down and read again."""
    one = reader(name, patterns=(r"(?P<time>\[[^\]]*\])?(?P<event>\w+).(?P<file>.*)(?P<position>\d*)",))
    for line in lines:
        for said in one.feed(line, NOW_MS):
            assert said.player
            assert said.item_key
            assert said.position_ms is None or said.position_ms >= 0
            assert said.duration_ms is None or said.duration_ms > 0
    one.idle(NOW_MS)
    again = reader(name, patterns=(r"(?P<event>x)(?P<file>y)",))
    again.load(one.dump())
    assert again.dump() == one.dump()
