"""Evenings at servers whose sessions are listened to, the real daemon, and what reaches Simkl (players.md 1.8, 2.6, 3.4).

All tests share one daemon and one server of each kind; each is the evening of another person, who has an account of their own.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.screens import LENGTH_MS, MediaScreen, PlexScreen, Screen, identity, watch_to
from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.emby import EMBY_KEY
from tests.kit.servers import (
    JELLYFIN_KEY,
    PLEX_TOKEN,
    jellyfin_event,
    jellyfin_movie,
    plex_episode,
    plex_event,
    plex_movie,
)
from tests.kit.session_servers import LiveEmby, LiveJellyfin, LivePlex
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

KINDS = ("jellyfin", "emby", "plex")
EVENINGS = ("film", "queue", "lost", "outage", "resumed", "again", "trailers")
PEOPLE = (
    *(f"{kind}-{evening}" for kind in KINDS for evening in EVENINGS),
    *("polled", "ghost", "mother", "father", "hooked", "plex-hooked", "paused-ghost"),
    *("silent-end", "transcoded"),
)
SERIES = {"imdb": "tt0000100", "tmdb": "9000100", "tvdb": "9300100"}
ALL = (Told("start", 0), Told("stop", 95, 100))


class House(Stage):
    """The daemon, and the servers that it listens to."""

    def __init__(
        self, daemon: DaemonProcess, sandbox: SandboxClient, servers: dict[str, Any], polled: LiveJellyfin
    ) -> None:
        super().__init__(daemon, sandbox)
        self.servers = servers
        self.polled = polled

    def screen(self, kind: str, user: str) -> Screen:
        """Put somebody before a client of a server."""
        server = self.servers[kind]
        return PlexScreen(server, user) if kind == "plex" else MediaScreen(server, user)

    def watched(self, user: str) -> list[str]:
        """Return the titles that Simkl has as watched by somebody."""
        return [row.title for row in self.sandbox.history(user)]


def polled_evening(house: House) -> None:
    """Watch a film that is on already, with a pause, at a server that nobody can be told by."""
    screen = MediaScreen(house.polled, "polled")
    film, began = screen.film(), time.monotonic()
    house.await_calls("polled", 1)

    def say(*sessions: Any) -> None:
        house.polled.now = datetime.now(UTC)
        house.polled.sessions = list(sessions)

    time.sleep(max(0.0, began + 4.5 / 3.6 - time.monotonic()))
    say(screen.session(film, 4_000, paused=True))
    house.await_calls("polled", 2)
    say(screen.session(film, 4_100))
    house.await_calls("polled", 3)
    time.sleep(1.2)
    say(screen.session(film, 7_800))
    asked = len(house.polled.asked)
    house.daemon.wait_for(lambda: len(house.polled.asked) > asked, "the next look")
    say()
    house.expect("polled", Told("start", 0, 5), Told("pause", 50), Told("start", 51, 52), Told("stop", 97, 98))


def everywhere(evening: Callable[[str], None]) -> None:
    """Let an evening go on at a Jellyfin, an Emby and a Plex at once, each with somebody else."""
    with ThreadPoolExecutor(len(KINDS)) as rooms:
        for over in [rooms.submit(evening, kind) for kind in KINDS]:
            over.result()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One daemon that listens to a Jellyfin, an Emby, a Plex, and a Jellyfin behind a proxy that knows no websockets."""
    users: dict[str, Any] = {name: name for name in PEOPLE}
    with (
        running_sandbox() as sandbox,
        LiveJellyfin() as jellyfin,
        LiveEmby() as emby,
        LivePlex() as plex,
        LiveJellyfin() as polled,
    ):
        sandbox.add_movie("The Example", 2014, ids={"imdb": "tt0000009", "tmdb": "9100009"}, runtime=100)
        sandbox.add_show("Example Show", 2019, seasons={1: 10}, ids=SERIES, runtime=25, first_episode_tvdb=9_200_001)
        jellyfin.add_series()
        emby.add_series()
        plex.add_show()
        plex.add(plex_movie(duration=LENGTH_MS))
        for number in range(1, 7):
            plex.add(plex_episode(number, duration=LENGTH_MS))
        now = datetime.now(UTC)
        jellyfin.now = emby.now = plex.now = polled.now = now
        polled.websocket = False
        screen = MediaScreen(polled, "polled")
        polled.sessions = [screen.session(screen.film(), 0)]
        both = {"secret": SECRET, "sessions": True, "users": users}
        config = {
            "accounts": {name: {} for name in PEOPLE},
            "sources": {
                "jellyfin": {"type": "jellyfin", "url": jellyfin.url, "api_key": JELLYFIN_KEY, **both},
                "emby": {"type": "emby", "url": emby.url, "api_key": EMBY_KEY, "users": users},
                "plex": {"type": "plex", "url": plex.url, "token": PLEX_TOKEN, **both},
                "polled": {"type": "jellyfin", "url": polled.url, "api_key": JELLYFIN_KEY, "users": users},
            },
            "ignore": {"shorter_than": "0s"},
            "log": {"level": "debug"},
        }
        with DaemonProcess(tmp_path_factory.mktemp("sessions"), config, sandbox) as daemon:
            for name in PEOPLE:
                daemon.link(name)
            servers = {"jellyfin": jellyfin, "emby": emby, "plex": plex}
            house = House(daemon.start(), sandbox, servers, polled)
            daemon.wait_for(lambda: all(one.accepted for one in servers.values()), "the websockets are open")
            yield house
            house.close()
            house.check_secrets(JELLYFIN_KEY, EMBY_KEY, PLEX_TOKEN, SECRET)


@pytest.fixture(scope="module", autouse=True)
def polling(house: House) -> Iterator["Future[None]"]:
    """Let the evening that is polled go on beside the others: it takes its time, five seconds for each look."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(polled_evening, house)


def test_a_film_with_a_pause_and_a_seek(house: House) -> None:
    """Start, pause, resume and the end are four calls at their positions; the seek in between is none."""

    def evening(kind: str) -> None:
        user = f"{kind}-film"
        screen = house.screen(kind, user)
        film = screen.film()
        screen.show(film, 0)
        began = time.monotonic()
        house.await_calls(user, 1)
        now = watch_to(screen, film, 4_000, began)
        screen.show(film, 4_000, paused=True)
        house.await_calls(user, 2)
        screen.show(film, 4_000)
        now = time.monotonic()
        house.await_calls(user, 3)
        screen.show(film, 2_000)
        now = watch_to(screen, film, 7_800, now, from_ms=2_000)
        screen.off()
        began_call, *_ = house.expect(
            user, Told("start", 0), Told("pause", 50), Told("start", 50), Told("stop", 97, 98)
        )
        assert began_call.body["movie"]["ids"]["imdb"] == "tt0000009"
        assert house.watched(user) == ["The Example"]
        assert house.sandbox.playbacks(user) == []

    everywhere(evening)


def test_the_next_episode_without_a_stop(house: House) -> None:
    """Another item on the same client closes the one before it first, at its last position; series go by their own ids."""

    def evening(kind: str) -> None:
        user = f"{kind}-queue"
        screen = house.screen(kind, user)
        first, second = screen.episode(1), screen.episode(2)
        screen.show(first, 0)
        now = time.monotonic()
        house.await_calls(user, 1)
        now = watch_to(screen, first, 7_700, now)
        screen.show(second, 0)
        now = time.monotonic()
        house.await_calls(user, 3)
        watch_to(screen, second, 2_400, now)
        screen.off()
        calls = house.expect(user, *ALL, Told("start", 0), Told("left", 30))
        assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]
        assert all(call.body["show"]["ids"] == SERIES for call in calls)
        assert [(row.season, row.number) for row in house.sandbox.history(user)] == [(1, 1)]

    everywhere(evening)


def test_what_is_no_play(house: House) -> None:
    """Trailers, theme songs, live TV and music reach nobody; the film behind them does."""

    def evening(kind: str) -> None:
        user = f"{kind}-trailers"
        screen = house.screen(kind, user)
        film = screen.film()
        if kind == "plex":
            clips = [
                {**film, "type": "clip", "subtype": "trailer", "extraType": 1, "ratingKey": "91", "title": "Trailer"},
                {**film, "type": "clip", "guid": "analyzed.prerolls://ab", "librarySectionID": -2, "ratingKey": "92"},
                {**film, "key": "/livetv/sessions/ab", "ratingKey": "93", "librarySectionID": None},
                {**film, "type": "track", "librarySectionType": "artist", "ratingKey": "94"},
            ]
        else:
            clips = [
                {**film, "Id": f"{number:032x}", **change}
                for number, change in enumerate(
                    (
                        {"ExtraType": "Trailer"},
                        {"ExtraType": "ThemeSong", "Type": "Audio"},
                        {"ChannelId": "7"},
                        {"Type": "Audio"},
                    )
                )
            ]
        for clip in clips:
            screen.show(clip, 0)
            screen.show(clip, 7_900)
        screen.show(film, 0)
        now = time.monotonic()
        house.await_calls(user, 1)
        watch_to(screen, film, 7_900, now)
        screen.off()
        house.expect(user, *ALL)

    everywhere(evening)


def test_who_is_nobody_here(house: House) -> None:
    """What a user does who is not mapped is said once a source, and no title and no name of it is kept anywhere."""

    def evening(kind: str) -> None:
        screen, server = house.screen(kind, "stranger"), house.servers[kind]
        for title in ("Most Private", "Most Secret"):
            key = f"77{len(title)}"
            asked = len(server.asked)
            screen.show({**screen.film(), "Name": title, "title": title, "ratingKey": key, "Id": key}, 0)
            house.daemon.wait_log("user is not mapped", source=kind)
            if kind == "plex":
                house.daemon.wait_for(lambda asked=asked: len(server.asked) > asked, "the list was asked for")  # type: ignore[misc]
            screen.off()
        assert len(house.daemon.logged("user is not mapped", source=kind)) == 1

    everywhere(evening)
    for word in ("Most Private", "Most Secret", "stranger"):
        assert word not in house.daemon.said
        assert all(word not in one.title for one in house.daemon.history())


def test_a_client_that_dies(house: House) -> None:
    """The server counts on for a dead client and drops it at last: the client's own last position stands."""
    screen = MediaScreen(house.servers["jellyfin"], "ghost")
    film = screen.film()
    screen.show(film, 0)
    house.await_calls("ghost", 1)
    watch_to(screen, film, 4_000, time.monotonic())
    for silent_s, position_ms in ((1, 5_000), (200, 7_000), (299, 8_000)):
        screen.counts(film, position_ms, silent_s=silent_s)
    screen.vanish()
    house.expect("ghost", Told("start", 0), Told("left", 50))
    assert house.watched("ghost") == []


def test_a_couple_before_one_screen(house: House) -> None:
    """Everybody in a session watches: each account has its own start and stop."""
    screen = MediaScreen(house.servers["jellyfin"], "mother", {"father": identity("father")})
    film = screen.film()
    screen.show(film, 0)
    now = time.monotonic()
    for user in ("mother", "father"):
        house.await_calls(user, 1)
    watch_to(screen, film, 7_900, now)
    screen.off()
    for user in ("mother", "father"):
        house.expect(user, *ALL)
        assert house.watched(user) == ["The Example"]


def test_webhook_and_session_of_one_jellyfin(house: House) -> None:
    """Both tell of the same client: one play, told once."""
    screen = MediaScreen(house.servers["jellyfin"], "hooked")
    film = screen.film()
    names = {"NotificationUsername": "hooked", "UserId": identity("hooked"), "DeviceId": "tv-hooked"}

    def hook(kind: str, position_ms: int) -> None:
        kind, body = jellyfin_event(
            kind,
            jellyfin_movie(RunTimeTicks=LENGTH_MS * 10_000),
            position_ms=position_ms,
            at=datetime.now(UTC),
            **names,
        )
        assert house.daemon.hook("jellyfin", body, kind) == 204

    hook("PlaybackStart", 0)
    screen.show(film, 0)
    now = time.monotonic()
    house.await_calls("hooked", 1)
    now = watch_to(screen, film, 7_900, now)
    hook("PlaybackProgress", 7_900)
    screen.off()
    hook("PlaybackStop", 7_900)
    house.expect("hooked", *ALL)
    assert house.watched("hooked") == ["The Example"]
    assert [one.kind for one in house.daemon.history() if one.account == "hooked"] == ["watched"]


def test_webhook_and_session_of_one_plex(house: House) -> None:
    """Both tell of the same client: one play, told once, with Plex's own verdict; the user's id is another one in each."""
    screen = PlexScreen(house.servers["plex"], "plex-hooked")
    film = screen.film()
    names: dict[str, Any] = {
        "account": {"id": 98_765_432, "title": "plex-hooked"},
        "Player": {"uuid": "tv-plex-hooked", "title": "Living Room"},
    }

    def hook(event: str, position_ms: int | None) -> None:
        meta = {**film, **({} if position_ms is None else {"viewOffset": position_ms})}
        kind, body = plex_event(event, meta, **names)
        assert house.daemon.hook("plex", body, kind) == 204

    screen.show(film, 0)
    hook("media.play", None)
    now = time.monotonic()
    house.await_calls("plex-hooked", 1)
    watch_to(screen, film, 7_500, now)
    hook("media.scrobble", None)
    screen.off()
    hook("media.stop", None)
    house.expect("plex-hooked", Told("start", 0), Told("stop", 90, 100))
    assert house.watched("plex-hooked") == ["The Example"]


def test_a_paused_ghost_in_the_list_of_plex(house: House) -> None:
    """Plex Web leaves the episode before in the list, paused and often first: what plays counts, and nothing of the ghost."""
    screen = PlexScreen(house.servers["plex"], "paused-ghost")
    first, second = screen.episode(3), screen.episode(4)
    screen.begin(first)
    ghost = screen.line(first, state="paused", viewOffset=7_900)
    screen.begin(second)
    screen.list(ghost, screen.line(second))
    screen.notify("buffering", 0)
    screen.notify("playing", 0)
    now = time.monotonic()
    house.await_calls("paused-ghost", 1)
    opened = screen.server.accepted
    screen.server.drop()  # who comes back reads the whole list
    house.daemon.wait_for(lambda: screen.server.accepted > opened, "the websocket is open again")
    time.sleep(max(0.0, now + 2.2 - time.monotonic()))
    screen.list(ghost)
    screen.notify("playing", 7_800)
    screen.notify("stopped", 7_800)
    calls = house.expect("paused-ghost", *ALL)
    assert [call.body["episode"]["number"] for call in calls] == [4, 4]
    screen.vanish()


def test_a_transcode_whose_client_says_little(house: House) -> None:
    """A session that is transcoded, without a client's name in its notifications, that ends in an error after a buffering."""
    screen = PlexScreen(house.servers["plex"], "transcoded")
    film = screen.film()
    screen.begin(film)
    screen.list(screen.line(film, TranscodeSession={"key": "/transcode/sessions/ab", "progress": 95.0}))
    screen.notify("playing", 0, clientIdentifier=None, transcodeSession="ab")
    now = time.monotonic()
    house.await_calls("transcoded", 1)
    screen.notify("buffering", 400, clientIdentifier=None)
    time.sleep(max(0.0, now + 1.2 - time.monotonic()))
    screen.notify("playing", 4_000, clientIdentifier=None)
    screen.list()
    screen.notify("error", None, clientIdentifier=None)
    house.expect("transcoded", Told("start", 0), Told("left", 50))


def test_the_next_film_in_a_session_that_was_never_ended(house: House) -> None:
    """A client that never says stop: another item under the same number of a session ends the old one."""
    screen = PlexScreen(house.servers["plex"], "silent-end")
    first, second = screen.episode(5), screen.episode(6)
    screen.show(first, 0)
    now = time.monotonic()
    house.await_calls("silent-end", 1)
    watch_to(screen, first, 7_900, now)
    screen._item = second
    screen._position_ms = 0
    screen.list(screen.line(second))
    screen.notify("playing", 0)
    house.await_calls("silent-end", 3)
    screen.off()
    calls = house.expect("silent-end", *ALL, Told("start", 0), Told("left", 0))
    assert [call.body["episode"]["number"] for call in calls] == [5, 5, 6, 6]


def test_a_broken_connection_is_no_news(house: House) -> None:
    """A websocket that breaks and opens again changes nothing of a play that goes on, and alarms nobody."""

    def evening(kind: str) -> None:
        user = f"{kind}-lost"
        screen, server = house.screen(kind, user), house.servers[kind]
        film = screen.film()
        screen.show(film, 0)
        now = time.monotonic()
        house.await_calls(user, 1)
        opened = server.accepted
        server.drop()
        house.daemon.wait_for(lambda: server.accepted > opened, "the websocket is open again")
        house.daemon.wait_for(lambda: kind == "plex" or sum("SessionsStart" in told for told in server.told) > opened)
        watch_to(screen, film, 7_900, now)
        screen.off()
        house.expect(user, *ALL)
        assert house.daemon.logged("source is gone", source=kind) == []

    everywhere(evening)


def test_a_server_that_restarts(house: House) -> None:
    """It is said once that it is gone and once that it is back: who still plays goes on, who went is closed where they were."""

    def evening(kind: str) -> None:
        server = house.servers[kind]
        goes, stays = house.screen(kind, f"{kind}-outage"), house.screen(kind, f"{kind}-resumed")
        film = goes.film()
        for screen in (goes, stays):
            screen.show(film, 0)
            house.await_calls(screen.user, 1)
        began = time.monotonic()
        watch_to(goes, film, 3_200, began)
        opened = server.accepted
        server.shut()
        house.daemon.wait_log("source is gone", source=kind)
        server.sessions = [one for one in server.sessions if goes.user not in str(one)]
        server.open()
        house.daemon.wait_log("source is back", source=kind, seconds=30)
        house.daemon.wait_for(lambda: server.accepted > opened, "the websocket is open again")
        watch_to(stays, film, 7_800, began)
        stays.off()
        house.expect(stays.user, *ALL)
        house.expect(goes.user, Told("start", 0), Told("left", 40))
        assert house.watched(goes.user) == []

    everywhere(evening)
    for kind in KINDS:
        assert len(house.daemon.logged("source is gone", source=kind)) == 1
        assert len(house.daemon.logged("source is back", source=kind)) == 1


def test_sessions_that_are_polled(house: House, polling: "Future[None]") -> None:
    """Without a websocket the list is asked for: a play that is on already, its pause, and its end at the last position."""
    polling.result(60)
    assert house.watched("polled") == ["The Example"]
    assert len(house.polled.opened) == 1


def test_the_daemon_restarts_in_the_middle(house: House) -> None:
    """An orderly end pauses what plays; the next start finds it in the lists, goes on, and ends it once."""
    screens = [house.screen(kind, f"{kind}-again") for kind in KINDS]
    film = {id(screen): screen.film() for screen in screens}
    for screen in screens:
        screen.show(film[id(screen)], 0)
        house.await_calls(screen.user, 1)
    now = time.monotonic()
    for screen in screens:
        watch_to(screen, film[id(screen)], 3_200, now)
    house.daemon.wait_for(lambda: len(house.daemon.status().playing) >= len(screens), "all of them play")
    house.daemon.restart()
    for screen in screens:
        screen.show(film[id(screen)], 4_000)
        house.await_calls(screen.user, 3)
    now = time.monotonic()
    for screen in screens:
        watch_to(screen, film[id(screen)], 7_800, now, from_ms=4_000)
        screen.off()
        house.expect(screen.user, Told("start", 0), Told("pause", 0, 50), Told("start", 40, 50), Told("stop", 97, 98))
        assert house.watched(screen.user) == ["The Example"]
