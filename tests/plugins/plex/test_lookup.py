"""What a Plex source asks its server, over real HTTP on loopback (players.md 1.2, 1.6 item 4, 1.8)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from scrobbler.api import Episode, Ids, Movie, PlayerEvent, Show, User
from scrobbler.api.servers import client as client_module
from scrobbler.api.testkit import START, FakeClock, Recorder, check_events
from scrobbler.http import HttpClient, HttpError, new_client
from scrobbler_plugins.plex import Plugin
from tests.kit.servers import PLEX_SERVER, PLEX_TOKEN, FakePlex, plex_episode, plex_movie
from tests.plugins.plex.kit import one, plugin

pytestmark = pytest.mark.anyio
SHOW_IDS = Ids(imdb="tt0000100", tmdb="9000100", tvdb="9300100")


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def plex(client: HttpClient) -> Any:
    """Give a server that knows one film and one series."""
    with FakePlex() as server:
        server.add(plex_movie(), length_ms=6_123_000, file="/media/films/The Example (2014)/film.mkv")
        server.add(plex_episode(), length_ms=1_420_500, file="/media/tv/Example Show/S01E02.mkv")
        server.add_show()
        yield server


def asking(server: FakePlex, client: HttpClient, recorder: Recorder | None = None, **options: Any) -> Plugin:
    """Make a plugin that asks this server."""
    recorder = recorder or Recorder(http=lambda: client)
    return plugin(recorder.context, url=server.url + "/", token=PLEX_TOKEN, **{"users": {"*": "alice"}, **options})


async def test_without_address_and_token_nothing_is_asked() -> None:
    """Look-ups and catch-up are off until both `url` and `token` are given."""
    choices: list[dict[str, Any]] = [{}, {"url": "http://127.0.0.1:9"}, {"token": "x"}]
    for options in choices:
        source = plugin(**options)
        assert await source.lookup(one("media.play")) is None
        assert list(await source.missed(START)) == []


async def test_film_gets_length_path_and_library(plex: FakePlex, client: HttpClient) -> None:
    """The server knows the exact length, the file and the library."""
    facts = await asking(plex, client).lookup(one("media.play"))
    assert facts is not None
    assert (facts.duration_ms, facts.library) == (6_123_000, "Movies")
    assert facts.path == "/media/films/The Example (2014)/film.mkv"
    assert facts.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))


async def test_episode_gets_the_ids_of_its_series(plex: FakePlex, client: HttpClient) -> None:
    """Ids and first year of the series come from the series' own metadata; the episode keeps its own ids."""
    facts = await asking(plex, client).lookup(one("media.play", plex_episode()))
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert facts.item.show == Show(title="Example Show", year=2019, ids=SHOW_IDS)
    assert facts.item.ids == Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002")


async def test_token_goes_into_a_header_alone(plex: FakePlex, client: HttpClient) -> None:
    """The token is in the header, never in an address, and the answer is asked for as JSON with the ids."""
    await asking(plex, client).lookup(one("media.play", plex_episode()))
    assert plex.paths() == ["/identity", "/library/metadata/5012", "/library/metadata/5000"]
    for asked in plex.asked:
        assert asked.headers["x-plex-token"] == PLEX_TOKEN
        assert asked.headers["accept"] == "application/json"
        assert PLEX_TOKEN not in asked.path + str(asked.query)


async def test_series_is_asked_once_until_its_answer_is_old(plex: FakePlex, client: HttpClient) -> None:
    """A series is remembered for hours, not for ever: its match may be corrected at the server."""
    clock = FakeClock()
    source = asking(plex, client, Recorder(clock=clock, http=lambda: client))
    for _ in range(3):
        await source.lookup(one("media.play", plex_episode()))
    assert plex.paths().count("/library/metadata/5000") == 1
    clock.tick(7 * 3600)
    await source.lookup(one("media.play", plex_episode()))
    assert plex.paths().count("/library/metadata/5000") == 2


async def test_memory_of_series_is_bounded(plex: FakePlex, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest series makes room."""
    monkeypatch.setattr(client_module, "REMEMBERED", 2)
    source = asking(plex, client)
    for key in ("6000", "6001", "6002", "6000"):
        plex.add_show(key=key)
        plex.add(plex_episode(grandparentRatingKey=key))
        await source.lookup(one("media.play", plex_episode()))
    assert plex.paths().count("/library/metadata/6000") == 2
    assert plex.paths().count("/library/metadata/6002") == 1


async def test_item_of_another_server_is_not_asked_for(plex: FakePlex, client: HttpClient) -> None:
    """A hook also tells of plays on servers of others, where the same key is another item (1.2)."""
    event = one("media.play", Server={"title": "elsewhere", "uuid": "ffff"})
    assert await asking(plex, client).lookup(event) is None
    assert plex.paths() == ["/identity"]


async def test_server_that_does_not_say_who_it_is_must_name_the_same_item(plex: FakePlex, client: HttpClient) -> None:
    """Without an identity the answer counts only if it is the item of the event."""
    plex.machine = None
    source = asking(plex, client)
    assert await source.lookup(one("media.play")) is not None
    assert await source.lookup(one("media.play", plex_movie(title="Another", Guid=None))) is None


async def test_refused_token_is_said_once(plex: FakePlex, client: HttpClient) -> None:
    """A refused token is a warning once, until it has been accepted in between; the token itself is never logged."""
    recorder = Recorder(http=lambda: client)
    source = asking(plex, client, recorder)
    plex.token = "another"
    for _ in range(3):
        assert await source.lookup(one("media.play")) is None
    assert [line.event for line in recorder.log.lines if line.level == "warning"] == ["key refused"]
    assert PLEX_TOKEN not in str(recorder.log.lines)


async def test_item_that_the_server_does_not_know(plex: FakePlex, client: HttpClient) -> None:
    """An unknown item gives no facts, an unknown series leaves the episode as it was."""
    source = asking(plex, client)
    assert await source.lookup(one("media.play", plex_movie(ratingKey="99"))) is None
    del plex.items["5000"]
    facts = await source.lookup(one("media.play", plex_episode()))
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert facts.item.show.ids == Ids()


@pytest.mark.parametrize("key", ["../../identity", "90?x=1", "abc", "/livetv/sessions/0f"])
async def test_odd_key_never_becomes_an_address(plex: FakePlex, client: HttpClient, key: str) -> None:
    """Only digits go into an address."""
    assert await asking(plex, client).lookup(one("media.play", plex_movie(ratingKey=key))) is None
    assert plex.asked == []


async def test_skipped_item_is_not_asked_for(plex: FakePlex, client: HttpClient) -> None:
    """Nobody asks about a trailer."""
    assert await asking(plex, client).lookup(one("media.play", plex_movie(type="clip", extraType=1))) is None
    assert plex.asked == []


async def test_broken_server_raises_the_clients_error(plex: FakePlex, client: HttpClient) -> None:
    """A failing server is the caller's to wait for."""
    plex.broken = True
    with pytest.raises(HttpError):
        await asking(plex, client).lookup(one("media.play"))


async def test_longest_version_counts(plex: FakePlex, client: HttpClient) -> None:
    """Of several versions nobody says which one plays; the longest never claims too much."""
    plex.items["4001"]["Media"] = [{"duration": 100_000}, {"duration": "130000"}, {"duration": None}, "x"]
    facts = await asking(plex, client).lookup(one("media.play"))
    assert facts is not None
    assert (facts.duration_ms, facts.path) == (130_000, None)


def viewed(key: str, days_ago: float, account: int = 1, **changes: Any) -> dict[str, Any]:
    """Return one line of the history."""
    at = int((START - timedelta(days=days_ago)).timestamp())
    line = {"historyKey": f"/h/{key}", "ratingKey": key, "viewedAt": at, "accountID": account, "deviceID": 3}
    return {**line, "type": "movie", "title": "Gone Film", **changes}


async def missed(plex: FakePlex, client: HttpClient, days: float = 5) -> list[PlayerEvent]:
    """Catch up the last days."""
    events = list(await asking(plex, client).missed(START - timedelta(days=days)))
    check_events(events, secrets=[PLEX_TOKEN])
    return events


async def test_missed_plays_come_oldest_first_with_user_and_time(plex: FakePlex, client: HttpClient) -> None:
    """The history becomes `watched` events with their true time, the user by id and name, the item looked up."""
    plex.history = [viewed("5012", 1, account=2), viewed("4001", 2)]
    first, second = await missed(plex, client)
    assert (first.kind, first.item_key, first.user) == ("watched", f"{PLEX_SERVER}/4001", User(id="1", name="alice"))
    assert first.at == START - timedelta(days=2)
    assert first.duration_ms == 6_123_000
    assert second.user == User(id="2", name="bob")
    assert isinstance(second.item, Episode)
    assert second.item.show.ids == SHOW_IDS
    assert second.library == "TV"


async def test_missed_plays_of_others_are_not_looked_up(plex: FakePlex, client: HttpClient) -> None:
    """The history has everybody's plays: who is not mapped, or mapped to nobody, costs no question."""
    plex.history = [viewed("5012", 1, account=2), viewed("4001", 2)]
    for users in ({"alice": "alice"}, {"alice": "alice", "bob": []}, {"1": "alice"}):
        plex.asked.clear()
        events = await asking(plex, client, users=users).missed(START - timedelta(days=5))
        assert [event.user for event in events] == [User(id="1", name="alice")]
        assert "/library/metadata/5012" not in plex.paths()


async def test_missed_plays_reach_back_14_days_at_most(plex: FakePlex, client: HttpClient) -> None:
    """However long we were away, 14 days are the end; and the server is asked for no more."""
    plex.history = [viewed("4001", 3), viewed("5012", 20)]
    events = await missed(plex, client, days=100)
    assert [event.item_key for event in events] == [f"{PLEX_SERVER}/4001"]
    assert plex.asked[0].query["viewedAt>"] == str(int((START - timedelta(days=14)).timestamp()))
    assert plex.asked[0].query["sort"] == "viewedAt:desc"


async def test_missed_item_that_is_gone_still_has_its_title(plex: FakePlex, client: HttpClient) -> None:
    """An item deleted since is told by what the history itself says."""
    plex.history = [viewed("77", 1, year=2001)]
    (event,) = await missed(plex, client)
    assert event.item == Movie(title="Gone Film", year=2001)


async def test_missed_music_clips_and_nameless_lines_are_left_out(plex: FakePlex, client: HttpClient) -> None:
    """Only films and episodes are caught up; a line without user or time is none."""
    lines = [viewed("80", 1, type="track"), viewed("81", 1, type="clip"), viewed("82", 1, accountID=None)]
    plex.history = [*lines, {"ratingKey": "83", "viewedAt": 2**40, "accountID": 1}]
    assert await missed(plex, client) == []


async def test_missed_plays_come_page_by_page(plex: FakePlex, client: HttpClient) -> None:
    """A long history is read in pages, and each item is looked up once."""
    plex.history = [viewed("4001", 1 + place / 1000) for place in range(450)]
    assert len(await missed(plex, client)) == 450
    assert plex.paths().count("/status/sessions/history/all") == 3
    assert plex.paths().count("/library/metadata/4001") == 1


async def test_nothing_missed_asks_nothing_more(plex: FakePlex, client: HttpClient) -> None:
    """An empty history costs one request."""
    assert await missed(plex, client) == []
    assert len(plex.asked) == 1


async def test_doctor_is_content_with_a_good_server(plex: FakePlex, client: HttpClient) -> None:
    """Server, token, history and the server's own switch are proven; the hook's address is named, without its secret."""
    results = await asking(plex, client).check()
    assert [result.good for result in results] == [True] * 5
    assert "/hooks/test/<secret>" in results[0].advice
    assert PLEX_TOKEN not in str(results)


async def test_doctor_names_what_is_wrong(plex: FakePlex, client: HttpClient) -> None:
    """A refused token, a switched-off server, a wrong address and a dead one each say what to change."""
    plex.preferences["WebHooksEnabled"] = False
    assert "switch on" in (await asking(plex, client).check())[-1].advice
    plex.token = "another"
    assert "token" in (await asking(plex, client).check())[-1].advice
    plex.machine = None
    assert "not as a Plex Media Server" in (await asking(plex, client).check())[-1].what
    plex.broken = True
    assert "fails with HTTP 503" in (await asking(plex, client).check())[-1].what


async def test_doctor_asks_for_both_or_neither() -> None:
    """An address without a token is a mistake; without both it is a choice, and what it costs is said."""
    alone = (await plugin(url="http://127.0.0.1:9").check())[-1]
    assert not alone.good
    assert "`token`" in alone.what
    neither = (await plugin().check())[-1]
    assert neither.good
    assert "missed plays" in neither.advice
