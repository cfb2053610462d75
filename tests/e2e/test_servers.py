"""Evenings at Plex and Jellyfin, their requests as the servers send them, the real daemon, and what reaches Simkl.

All tests share one daemon; each is the evening of another person, who has an account of their own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import sleep
from zlib import crc32

import pytest

from tests.e2e.stage import Stage, Told
from tests.kit.daemon import SECRET, DaemonProcess
from tests.kit.servers import (
    JELLYFIN_KEY,
    PLEX_TOKEN,
    FakeJellyfin,
    FakePlex,
    JellyfinEvening,
    PlexEvening,
    jellyfin_episode,
    jellyfin_movie,
    plex_episode,
    plex_movie,
)
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox

pytestmark = pytest.mark.real

PLEX_PEOPLE = ("through", "paused", "queue", "gaps", "swapped", "rushed", "trailers", "asked")
JELLYFIN_PEOPLE = ("jelly", "jelly-asked", "ghost", "filtered")
COUPLE = ("mother", "father")
SERIES = {"imdb": "tt0000100", "tmdb": "9000100", "tvdb": "9300100"}
ONE_WATCH = (Told("start", 0), Told("stop", 100))


class Servers(Stage):
    """The daemon, and the servers that it may ask; of one, the libraries are filtered."""

    def __init__(
        self,
        daemon: DaemonProcess,
        sandbox: SandboxClient,
        plex: FakePlex,
        jellyfin: FakeJellyfin,
        filtered: FakeJellyfin,
    ) -> None:
        super().__init__(daemon, sandbox)
        self.plex = plex
        self.jellyfin = jellyfin
        self.filtered = filtered


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One daemon with two Plex and two Jellyfin servers, one of each with an address to ask."""
    people = (*PLEX_PEOPLE, *JELLYFIN_PEOPLE, *COUPLE)
    users: dict[str, str | list[str]] = {name: name for name in people if name not in COUPLE}
    with running_sandbox() as sandbox, FakePlex() as plex, FakeJellyfin() as jellyfin, FakeJellyfin() as filtered:
        sandbox.add_movie("The Example", 2014, ids={"imdb": "tt0000009", "tmdb": "9100009"}, runtime=100)
        sandbox.add_show("Example Show", 2019, seasons={1: 10}, ids=SERIES, runtime=25, first_episode_tvdb=9_200_001)
        plex.add_show()
        jellyfin.add_series()
        for number in (2, 3):
            plex.add(plex_episode(number))
            jellyfin.add(jellyfin_episode(number), SeriesId=jellyfin_episode(number)["SeriesId"])
        common = {"secret": SECRET, "users": users}
        config = {
            "accounts": {name: {} for name in people},
            "sources": {
                "plex": {**common, "type": "plex", "users": {**users, "Parents": list(COUPLE)}},
                "plex-asked": {**common, "type": "plex", "url": plex.url, "token": PLEX_TOKEN},
                "jellyfin": {**common, "type": "jellyfin"},
                "jellyfin-asked": {**common, "type": "jellyfin", "url": jellyfin.url, "api_key": JELLYFIN_KEY},
                "jellyfin-filtered": {
                    **common,
                    "type": "jellyfin",
                    "url": filtered.url,
                    "api_key": JELLYFIN_KEY,
                    "libraries": {"exclude": ["Kids"]},
                },
            },
            "ignore": {"shorter_than": "0s"},
        }
        with DaemonProcess(tmp_path_factory.mktemp("servers"), config, sandbox) as daemon:
            for name in people:
                daemon.link(name)
            servers = Servers(daemon.start(), sandbox, plex, jellyfin, filtered)
            yield servers
            servers.close()


def at_plex(user: str) -> PlexEvening:
    """Begin somebody's evening at Plex."""
    return PlexEvening(account={"id": crc32(user.encode()), "title": user})


def at_jellyfin(user: str) -> JellyfinEvening:
    """Begin somebody's evening at Jellyfin, now."""
    return JellyfinEvening(
        begins=datetime.now(UTC),
        NotificationUsername=user,
        UserId=f"{crc32(user.encode()):032x}",
        DeviceId=f"tv-{user}",
    )


def test_a_film_at_plex(servers: Servers) -> None:
    """A film watched through: start at 0, and a stop at 100, as the server's verdict came without a position."""
    steps = at_plex("through").watched_through(plex_movie()).steps
    servers.evening("plex", "through", steps, {0: 1})
    began, _ = servers.expect("through", *ONE_WATCH)
    assert began.body["movie"]["ids"] == {"imdb": "tt0000009", "tmdb": "9100009"}
    assert [row.title for row in servers.sandbox.history("through")] == ["The Example"]
    assert servers.sandbox.playbacks("through") == []


def test_a_pause_at_plex(servers: Servers) -> None:
    """Pause and resume are told at their position: four calls."""
    steps = at_plex("paused").watched_with_pause(plex_movie(), at_ms=2_400_000).steps
    servers.evening("plex", "paused", steps, {0: 1, 1: 2, 2: 3})
    servers.expect("paused", Told("start", 0), Told("pause", 40), Told("start", 40), Told("stop", 100))
    assert len(servers.sandbox.history("paused")) == 1


@pytest.mark.parametrize(("user", "stops"), [("queue", "sent"), ("gaps", "left out")])
def test_the_next_episode_at_plex(servers: Servers, user: str, stops: str) -> None:
    """Autoplay closes each episode before the next one starts, whether the client sends a stop in between or not."""
    steps = at_plex(user).autoplay([plex_episode(2), plex_episode(3)], "sent" if stops == "sent" else "left out").steps
    plays = [place for place, step in enumerate(steps) if step.label.startswith("media.play")]
    servers.evening("plex", user, steps, {plays[0]: 1, plays[1]: 3})
    calls = servers.expect(user, *ONE_WATCH, *ONE_WATCH)
    assert [call.body["episode"]["number"] for call in calls] == [2, 2, 3, 3]
    assert [(row.season, row.number) for row in servers.sandbox.history(user)] == [(1, 2), (1, 3)]


def test_a_verdict_after_the_stop(servers: Servers) -> None:
    """Stop and verdict that arrive swapped are one watch all the same."""
    steps = at_plex("swapped").watched_through(plex_movie(), "swapped").steps
    servers.evening("plex", "swapped", steps, {0: 1})
    servers.expect("swapped", *ONE_WATCH)
    assert len(servers.sandbox.history("swapped")) == 1
    assert servers.sandbox.playbacks("swapped") == []


def test_a_stop_at_the_end_two_seconds_after_the_start(servers: Servers) -> None:
    """Without the server's verdict, who is at 96 % after two seconds has not watched it: a pause there, no watch."""
    steps = at_plex("rushed").stopped_at(plex_movie(), 5_760_000).steps
    servers.evening("plex", "rushed", steps, {0: 1})
    servers.expect("rushed", Told("start", 0), Told("pause", 96))
    assert servers.sandbox.history("rushed") == []


def test_trailers_before_the_film(servers: Servers) -> None:
    """Pre-roll and trailer are no plays; the film behind them is."""
    steps = at_plex("trailers").trailers_then(plex_movie()).steps
    play = next(place for place, step in enumerate(steps) if step.label.startswith("media.play The Example"))
    servers.evening("plex", "trailers", steps, {play: 1})
    servers.expect("trailers", *ONE_WATCH)
    ignored = [one for one in servers.daemon.history() if one.account == "trailers" and one.kind == "ignored"]
    assert len(ignored) == 2


def test_two_people_behind_one_user(servers: Servers) -> None:
    """A user of the server that stands for two accounts is a watch of both."""
    steps = at_plex("Parents").watched_through(plex_movie()).steps
    for step in steps[:1]:
        assert servers.daemon.hook("plex", step.body, step.content_type) == 204
    for account in COUPLE:
        servers.await_calls(account, 1)
    for step in steps[1:]:
        assert servers.daemon.hook("plex", step.body, step.content_type) == 204
    for account in COUPLE:
        servers.expect(account, *ONE_WATCH)
        assert len(servers.sandbox.history(account)) == 1


def test_a_user_who_is_nobody_here(servers: Servers) -> None:
    """What a user does who is not mapped is ignored and said once, without the title and without the name."""
    steps = at_plex("stranger").autoplay([plex_movie(), plex_movie(title="Most Private", ratingKey="666")]).steps
    for step in steps:
        assert servers.daemon.hook("plex", step.body, step.content_type) == 204
    assert len(servers.daemon.logged("user is not mapped", source="plex")) == 1
    assert "Most Private" not in servers.daemon.said
    assert "stranger" not in servers.daemon.said
    assert all("Most Private" not in one.title for one in servers.daemon.history())
    assert all("Most Private" not in str(call.body) for call in servers.sandbox.calls())


def test_ids_of_the_series_come_from_plex(servers: Servers) -> None:
    """With address and token, the ids of the series reach Simkl; ids of the episode never stand for the series."""
    steps = at_plex("asked").watched_through(plex_episode(2)).steps
    servers.evening("plex-asked", "asked", steps, {0: 1})
    calls = servers.expect("asked", *ONE_WATCH)
    assert all(call.body["show"]["ids"] == SERIES for call in calls)
    assert all((call.body["episode"]["season"], call.body["episode"]["number"]) == (1, 2) for call in calls)
    assert "/library/metadata/5000" in servers.plex.paths()


def test_an_evening_at_jellyfin(servers: Servers) -> None:
    """Send All Properties as plain text with the server's own ticks: one pause makes four calls, the rest nothing."""
    film = jellyfin_movie(RunTimeTicks=16 * 10_000_000)
    evening = at_jellyfin("jelly").start(film).plays(film, 8, check_in_s=4)
    evening.pause(film, seconds=12).plays(film, 8, check_in_s=4).stop(film, completed=True)
    before_s = 0.0
    for step in evening.steps:
        sleep((step.after_s - before_s) / 4)  # Four times the speed is honest watching.
        before_s = step.after_s
        assert servers.daemon.hook("jellyfin", step.body, step.content_type) == 204, step.label
    servers.expect("jelly", Told("start", 0), Told("pause", 50), Told("start", 50), Told("stop", 100))
    assert [row.title for row in servers.sandbox.history("jelly")] == ["The Example"]


def test_a_ghost_at_jellyfin(servers: Servers) -> None:
    """When the client dies, the server counts on and says `PlayedToCompletion`: the last position observed stands."""
    film = jellyfin_movie(RunTimeTicks=3600 * 10_000_000)
    steps = at_jellyfin("ghost").start(film, at_ms=2_700_000).ghost_stop(film, tick_s=60).steps
    servers.evening("jellyfin", "ghost", steps, {0: 1})
    servers.expect("ghost", Told("start", 75), Told("stop", 75))
    assert servers.sandbox.history("ghost") == []
    assert [saved.progress for saved in servers.sandbox.playbacks("ghost")] == [75]


def test_ids_of_the_series_come_from_jellyfin(servers: Servers) -> None:
    """With address and key, the ids of the series reach Simkl; ids of the episode never stand for the series."""
    episode = jellyfin_episode(2, RunTimeTicks=12 * 10_000_000)
    evening = at_jellyfin("jelly-asked").start(episode)
    evening.wait(12)
    evening.position_ms = 12_000
    steps = evening.stop(episode, completed=True).steps
    servers.evening("jellyfin-asked", "jelly-asked", steps, {0: 1})
    calls = servers.expect("jelly-asked", *ONE_WATCH)
    assert all(call.body["show"]["ids"] == SERIES for call in calls)
    assert all(call.body["episode"]["number"] == 2 for call in calls)
    assert "/Items/eeee0000eeee0000eeee0000eeee0005" in servers.jellyfin.paths()


def test_a_filter_while_the_server_is_away(servers: Servers) -> None:
    """While nobody says in which library films are, none is told; then that of the excluded library stays here."""
    server = servers.filtered
    mine, childrens = jellyfin_movie(), jellyfin_movie(Name="Most Private", ItemId="ffff0000ffff0000ffff0000ffff0001")
    for film, library in ((mine, "Movies"), (childrens, "Kids")):
        server.add(film)
        server.libraries[film["ItemId"]] = library
    server.broken = True
    evening = at_jellyfin("filtered").start(mine)
    evening.position_ms = 600_000
    begin, end = evening.stop(mine, completed=False).steps
    for step in (*at_jellyfin("filtered").start(childrens).steps, begin):
        assert servers.daemon.hook("jellyfin-filtered", step.body, step.content_type) == 204
    servers.daemon.wait_for(lambda: len(server.asked) > 1, "the server is asked")
    assert servers.writes("filtered") == []
    server.broken = False
    servers.await_calls("filtered", 1, 40)
    assert servers.daemon.hook("jellyfin-filtered", end.body, end.content_type) == 204
    servers.expect("filtered", Told("start", 0), Told("stop", 10))
    plays = {one.title: one.kind for one in servers.daemon.history() if one.account == "filtered"}
    assert plays == {"The Example (2014)": "saved", "Most Private (2014)": "ignored"}
    assert all("Most Private" not in str(call.body) for call in servers.sandbox.calls())
