"""Evenings at Emby and Tautulli, their requests as they send them, the real daemon, and what reaches Simkl (players.md 1.9, 3).

Both tell edges alone; a film takes two seconds here, at four times the speed. All tests share one daemon.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from zlib import crc32

import pytest

from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.emby import EMBY_KEY, FakeEmby, emby_episode, emby_event, emby_movie
from tests.kit.servers import plex_event, plex_movie
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.kit.tautulli import episode, filled, film

pytestmark = pytest.mark.real

FORMS: tuple[Literal["json", "multipart", "form"], ...] = ("json", "multipart", "form")
PEOPLE = (*FORMS, "series", "queue", "flag", "tautulli", "shows", "both")
LENGTH_MS = 8_000
TICKS = LENGTH_MS * 10_000
SERIES = {"imdb": "tt0000100", "tmdb": "9000100", "tvdb": "9300100"}
PAUSED = (Told("start", 0), Told("pause", 50), Told("start", 50), Told("stop", 97, 98))


class Hooks(Stage):
    """The daemon, and the Emby that it may ask."""

    def __init__(self, daemon: DaemonProcess, sandbox: SandboxClient, emby: FakeEmby) -> None:
        super().__init__(daemon, sandbox)
        self.emby = emby

    def from_emby(self, user: str, event: str, source: str = "emby", **values: Any) -> None:
        """Let Emby post something that somebody does, at this moment."""
        names = {"User": {"Name": user, "Id": f"{crc32(user.encode()):032x}"}, "Date": None}
        given = {"item": emby_movie(RunTimeTicks=TICKS), **names, **values}
        kind, body = emby_event(event, given.pop("item"), **given)
        assert self.daemon.hook(source, body, kind) == 204, event

    def from_tautulli(self, user: str, action: str, position_ms: int, item: dict[str, str] | None = None) -> None:
        """Let Tautulli post something that somebody does, at this moment, as the shipped template has it."""
        known = {"username": user, "user_id": str(crc32(user.encode())), "duration_ms": str(LENGTH_MS)}
        now = {"unixtime": str(int(time.time())), "view_offset": str(position_ms), "machine_id": f"tv-{user}"}
        assert self.daemon.hook("tautulli", filled(action, item, **known, **now)) == 204, action


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooks]:
    """One daemon with an Emby that it may ask, one that it may not, a Tautulli, and the Plex behind that."""
    users = {name: name for name in PEOPLE}
    common = {"secret": SECRET, "users": users}
    with running_sandbox() as sandbox, FakeEmby() as emby:
        sandbox.add_movie("The Example", 2014, ids={"imdb": "tt0000009", "tmdb": "9100009"}, runtime=100)
        sandbox.add_show("Example Show", 2019, seasons={1: 10}, ids=SERIES, runtime=25, first_episode_tvdb=9_200_001)
        emby.add_series()
        config = {
            "accounts": {name: {} for name in PEOPLE},
            "sources": {
                "emby": {**common, "type": "emby"},
                "emby-asked": {**common, "type": "emby", "url": emby.url, "api_key": EMBY_KEY},
                "tautulli": {**common, "type": "tautulli"},
                "plex": {**common, "type": "plex"},
            },
            "ignore": {"shorter_than": "0s"},
            "log": {"level": "debug"},
        }
        with DaemonProcess(tmp_path_factory.mktemp("hooks"), config, sandbox) as daemon:
            for name in PEOPLE:
                daemon.link(name)
            hooks = Hooks(daemon.start(), sandbox, emby)
            yield hooks
            hooks.close()
            hooks.check_secrets(EMBY_KEY, SECRET)


def watch_with_pause(hooks: Hooks, user: str, say: Callable[[str, int], None]) -> None:
    """Watch a film with one pause, each word once the one before has reached Simkl."""
    say("play", 0)
    hooks.await_calls(user, 1)
    time.sleep(1.2)
    say("pause", 4_000)
    hooks.await_calls(user, 2)
    say("resume", 4_000)
    hooks.await_calls(user, 3)
    time.sleep(1.2)
    say("stop", 7_800)


def test_a_film_with_a_pause_at_emby(hooks: Hooks) -> None:
    """In each of the three forms that Emby posts in, a film with a pause is four calls at their positions."""
    events = {"play": "start", "pause": "pause", "resume": "unpause", "stop": "stop"}

    def evening(form: Literal["json", "multipart", "form"]) -> None:
        def say(word: str, position_ms: int) -> None:
            hooks.from_emby(form, f"playback.{events[word]}", position_ms=position_ms, sent_as=form)

        watch_with_pause(hooks, form, say)
        hooks.expect(form, *PAUSED)
        assert [row.title for row in hooks.sandbox.history(form)] == ["The Example"]

    with ThreadPoolExecutor(len(FORMS)) as rooms:
        for over in [rooms.submit(evening, form) for form in FORMS]:
            over.result()


def test_ids_of_the_series_come_from_emby(hooks: Hooks) -> None:
    """With address and key the ids of the series reach Simkl; ids of the episode never stand for the series."""
    item = emby_episode(2, RunTimeTicks=TICKS)
    hooks.from_emby("series", "playback.start", "emby-asked", item=item)
    hooks.await_calls("series", 1)
    time.sleep(2.2)
    hooks.from_emby("series", "playback.stop", "emby-asked", item=item, position_ms=LENGTH_MS)
    calls = hooks.expect("series", Told("start", 0), Told("stop", 100))
    assert all(call.body["show"]["ids"] == SERIES for call in calls)
    assert all(call.body["episode"]["number"] == 2 for call in calls)


def test_the_next_episode_at_emby_without_a_stop(hooks: Hooks) -> None:
    """Another item on the same device closes the one before it first: without a word since, where time allows."""
    hooks.from_emby("queue", "playback.start", item=emby_episode(1, RunTimeTicks=TICKS))
    hooks.await_calls("queue", 1)
    time.sleep(1.2)
    hooks.from_emby("queue", "playback.pause", item=emby_episode(1, RunTimeTicks=TICKS), position_ms=3_200)
    hooks.await_calls("queue", 2)
    hooks.from_emby("queue", "playback.start", item=emby_episode(2, RunTimeTicks=TICKS))
    hooks.await_calls("queue", 3)
    hooks.from_emby("queue", "playback.stop", item=emby_episode(2, RunTimeTicks=TICKS), position_ms=1_600)
    calls = hooks.expect("queue", Told("start", 0), Told("pause", 40), Told("start", 0), Told("left", 20))
    assert [call.body["episode"]["number"] for call in calls] == [1, 1, 2, 2]


def test_played_to_completion_alone(hooks: Hooks) -> None:
    """Emby's flag without a position proves nothing: after a second of a long film it is no watch."""
    film_item = emby_movie()
    hooks.from_emby("flag", "playback.start", item=film_item)
    hooks.await_calls("flag", 1)
    hooks.from_emby("flag", "playback.stop", item=film_item, PlaybackInfo={"PlayedToCompletion": True})
    hooks.expect("flag", Told("start", 0), Told("left", 0))
    assert hooks.sandbox.history("flag") == []


def test_test_messages(hooks: Hooks) -> None:
    """The test that Emby sends, old and new, and a trigger of Tautulli that is no play, are understood and nothing."""
    for body in (
        {"Title": "Test Notification", "Event": "system.notificationtest"},
        {"Title": "Test", "Server": {"Name": "x"}},
    ):
        assert hooks.daemon.hook("emby", body) == 204
    assert hooks.daemon.hook("tautulli", filled("created")) == 204
    assert hooks.daemon.hook("tautulli", {"action": "play"}) == 422


def test_a_film_with_a_pause_at_tautulli(hooks: Hooks) -> None:
    """The shipped template, filled as Tautulli fills it: a film with a pause is four calls; its verdict settles at the stop."""

    def say(word: str, position_ms: int) -> None:
        if word == "stop":
            hooks.from_tautulli("tautulli", "watched", 7_000)
        hooks.from_tautulli("tautulli", word, position_ms)

    watch_with_pause(hooks, "tautulli", say)
    hooks.expect("tautulli", *PAUSED)
    assert [row.title for row in hooks.sandbox.history("tautulli")] == ["The Example"]


def test_an_episode_at_tautulli(hooks: Hooks) -> None:
    """Its ids are the series', without anybody being asked."""
    hooks.from_tautulli("shows", "play", 0, episode())
    hooks.await_calls("shows", 1)
    hooks.from_tautulli("shows", "watched", 7_000, episode())
    hooks.from_tautulli("shows", "stop", LENGTH_MS, episode())
    calls = hooks.expect("shows", Told("start", 0), Told("stop", 100))
    assert all(call.body["show"]["ids"] == SERIES for call in calls)
    assert [(row.season, row.number) for row in hooks.sandbox.history("shows")] == [(1, 2)]


def test_plex_and_tautulli_of_one_play(hooks: Hooks) -> None:
    """The same playback by Plex's webhook and by Tautulli is one play, told once."""

    def plex(event: str, position_ms: int) -> None:
        item = plex_movie(duration=LENGTH_MS, **({"viewOffset": position_ms} if position_ms else {}))
        account = {"id": crc32(b"both"), "title": "both"}
        kind, body = plex_event(event, item, account=account, Player={"uuid": "tv-both", "title": "Living Room"})
        assert hooks.daemon.hook("plex", body, kind) == 204

    def say(word: str, position_ms: int) -> None:
        plex(f"media.{word}", position_ms)
        hooks.from_tautulli("both", word, position_ms, film(title="The Example"))

    watch_with_pause(hooks, "both", say)
    hooks.expect("both", *PAUSED)
    assert len(hooks.sandbox.history("both")) == 1
    kinds = sorted(one.kind for one in hooks.daemon.history() if one.account == "both")
    assert kinds.count("watched") == 1
