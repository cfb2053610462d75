"""What an Emby source asks its server, over real HTTP on loopback (players.md 3.4)."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from scrobbler.api import Episode, Facts, Filter, Ids, Movie, Show
from scrobbler.api.testkit import START, FakeClock, Recorder, check_events, hook_request
from scrobbler.http import HttpClient, HttpError, new_client
from scrobbler_plugins.emby import Plugin
from tests.kit.emby import EMBY_KEY, EMBY_SERIES, EMBY_USER, FakeEmby, emby_episode, emby_movie, emby_payload
from tests.plugins.emby.kit import one, plugin

pytestmark = pytest.mark.anyio
SHOW_IDS = Ids(imdb="tt0000100", tmdb="9000100", tvdb="9300100")


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def emby() -> Iterator[FakeEmby]:
    """Give a server that knows one film and one series."""
    with FakeEmby() as server:
        server.add(emby_movie())
        server.add(emby_episode())
        server.add_series()
        yield server


def asking(server: FakeEmby, client: HttpClient, recorder: Recorder | None = None, **options: Any) -> Plugin:
    """Make a plugin that asks this server."""
    recorder = recorder or Recorder(http=lambda: client)
    return plugin(recorder.context, url=server.url + "/", api_key=EMBY_KEY, **options)


async def test_without_a_server_the_path_is_still_known() -> None:
    """The webhook itself tells the file, so path filters work without look-ups."""
    source = plugin()
    (event,) = source.parse(hook_request(json=emby_payload("playback.start")))
    assert await source.lookup(event) == Facts(path="/media/films/The Example (2014)/film.mkv")
    assert await plugin().lookup(event) is None
    assert list(await source.missed(START)) == []


async def test_episode_gets_the_ids_of_its_series(emby: FakeEmby, client: HttpClient) -> None:
    """Ids and year of the series come from its own item; the key is a header, in no address."""
    facts = await asking(emby, client).lookup(one("playback.start", emby_episode()))
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert facts.item.show == Show(title="Example Show", year=2019, ids=SHOW_IDS)
    assert facts.item.ids == Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002")
    assert (facts.path, facts.duration_ms) == (emby_episode()["Path"], 1_500_000)
    assert [asked.query["Ids"] for asked in emby.asked] == ["5012", EMBY_SERIES]
    for asked in emby.asked:
        assert asked.headers["x-emby-token"] == EMBY_KEY
        assert EMBY_KEY not in asked.path + str(asked.query)


async def test_series_that_the_webhook_named_is_enough(emby: FakeEmby, client: HttpClient) -> None:
    """Where the server does not show the item, the series that the request named is still asked for."""
    del emby.items["5012"]
    source = asking(emby, client)
    (event,) = source.parse(hook_request(json=emby_payload("playback.start", emby_episode())))
    facts = await source.lookup(event)
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert facts.item.show.ids == SHOW_IDS


async def test_series_is_remembered_for_six_hours(emby: FakeEmby, client: HttpClient) -> None:
    """A series is asked for once, and again when the answer is old."""
    clock = FakeClock()
    source = asking(emby, client, Recorder(clock=clock, http=lambda: client))
    for hours in (0, 1, 7):
        clock.tick(hours * 3600)
        await source.lookup(one("playback.start", emby_episode()))
    assert [asked.query["Ids"] for asked in emby.asked].count(EMBY_SERIES) == 2


async def test_library_is_asked_for_where_a_filter_needs_it(emby: FakeEmby, client: HttpClient) -> None:
    """With `libraries`, the library's name is found among the item's ancestors."""
    facts = await asking(emby, client, libraries=Filter(include=("Movies",))).lookup(one("playback.start"))
    assert facts is not None
    assert facts.library == "Movies"
    assert emby.asked[-1].query == {"UserId": EMBY_USER}


async def test_address_with_the_base_path(emby: FakeEmby, client: HttpClient) -> None:
    """An address that already ends in `/emby` is taken as it is."""
    recorder = Recorder(http=lambda: client)
    source = plugin(recorder.context, url=f"{emby.url}/emby", api_key=EMBY_KEY)
    assert await source.lookup(one("playback.start")) is not None
    assert emby.paths() == ["/emby/Items"]


@pytest.mark.parametrize("old_users", [False, True])
async def test_missed_plays_of_mapped_users(emby: FakeEmby, client: HttpClient, *, old_users: bool) -> None:
    """What a mapped user finished while we were away comes with its end: the beginning plus one runtime."""
    emby.old_users = old_users
    began = START - timedelta(hours=3)
    stamp = began.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    old = (START - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    emby.users["aaaa"] = "guest"
    emby.played = {
        EMBY_USER: [
            emby_episode(UserData={"LastPlayedDate": stamp, "Played": True}),
            emby_movie(UserData={"LastPlayedDate": old, "Played": True}),
        ],
        "aaaa": [emby_movie(UserData={"LastPlayedDate": stamp})],
    }
    source = asking(emby, client, users={"Alice": "alice", "guest": []})
    events = list(await source.missed(START - timedelta(days=1)))
    check_events(events)
    assert [(event.kind, event.item_key, event.at) for event in events] == [
        ("watched", "5012", began + timedelta(minutes=25))
    ]
    item = events[0].item
    assert isinstance(item, Episode)
    assert item.show.ids == SHOW_IDS


async def test_refused_key_is_said_once(emby: FakeEmby, client: HttpClient) -> None:
    """A wrong key leaves the event as it is, and is one line in the log."""
    emby.key = "another"
    recorder = Recorder(http=lambda: client)
    source = asking(emby, client, recorder)
    for _ in range(2):
        facts = await source.lookup(one("playback.start"))
        assert facts is not None
        assert isinstance(facts.item, Movie)
    assert [line.event for line in recorder.log.lines] == ["key refused"]


async def test_broken_server_raises(emby: FakeEmby, client: HttpClient) -> None:
    """A server that fails raises HttpError, which the daemon takes for "not now"."""
    emby.broken = True
    with pytest.raises(HttpError):
        await asking(emby, client).lookup(one("playback.start"))


async def test_check_of_a_good_server(emby: FakeEmby, client: HttpClient) -> None:
    """Server, key and users are tried; a name that the server does not know is said."""
    results = await asking(emby, client, users={"ALICE": "a", "Bob": "b"}, secret="s" * 16).check()
    assert [(result.good, result.what.partition(":")[0]) for result in results] == [
        (True, "webhook"),
        (True, "server"),
        (True, "api_key"),
        (False, "users"),
    ]
    assert "Bob" in results[-1].what
    listening = await asking(emby, client).check()
    assert (listening[0].good, listening[0].what.partition(":")[0]) == (True, "sessions")


async def test_check_without_a_server() -> None:
    """Without `url` and `api_key` all is well; with one of them alone it is not."""
    assert [result.good for result in await plugin().check()] == [True, True]
    assert [result.good for result in await plugin(url="http://127.0.0.1:9").check()] == [True, False]
    assert [result.good for result in await plugin(sessions=True).check()] == [True, False]


async def test_check_of_what_is_not_emby(emby: FakeEmby, client: HttpClient) -> None:
    """A dead address, a foreign server and a wrong key each get their own advice."""
    source = asking(emby, client)
    emby.key = "another"
    assert "refused with HTTP 401" in (await source.check())[-1].what
    foreign = plugin(Recorder(http=lambda: client).context, url=emby.url + "/x", api_key="k")
    assert "not as an Emby server" in (await foreign.check())[-1].what
    emby.broken = True
    assert "fails with HTTP 503" in (await source.check())[-1].what
