"""What a Jellyfin source asks its server, over real HTTP on loopback (players.md 2.5, 2.6)."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scrobbler.api import Episode, Filter, Ids, Movie, PlayerEvent, Show, User
from scrobbler.api.servers import client as client_module
from scrobbler.api.servers.plugin import is_mapped
from scrobbler.api.testkit import START, FakeClock, Recorder, check_events, hook_request
from scrobbler.http import HttpClient, HttpError, new_client
from scrobbler_plugins.jellyfin import Plugin
from scrobbler_plugins.jellyfin.options import JellyfinOptions
from tests.kit.servers import (
    JELLYFIN_EPISODE,
    JELLYFIN_FILM,
    JELLYFIN_KEY,
    JELLYFIN_SERIES,
    JELLYFIN_USER,
    FakeJellyfin,
    jellyfin_episode,
    jellyfin_movie,
    jellyfin_payload,
)
from tests.plugins.jellyfin.kit import one, plugin

pytestmark = pytest.mark.anyio
SHOW_IDS = Ids(imdb="tt0000100", tmdb="9000100", tvdb="9300100")


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture
def jellyfin() -> Iterator[FakeJellyfin]:
    """Give a server that knows one film and one series."""
    with FakeJellyfin() as server:
        server.add(jellyfin_movie(), Path="/media/films/The Example (2014)/film.mkv")
        server.add(jellyfin_episode(), Path="/media/tv/Example Show/S01E02.mkv")
        server.add_series()
        yield server


def asking(server: FakeJellyfin, client: HttpClient, recorder: Recorder | None = None, **options: Any) -> Plugin:
    """Make a plugin that asks this server."""
    recorder = recorder or Recorder(http=lambda: client)
    return plugin(recorder.context, url=server.url + "/", api_key=JELLYFIN_KEY, **options)


def show_of(item: object) -> Show:
    """Return the series of what must be an episode."""
    assert isinstance(item, Episode)
    return item.show


async def test_without_address_and_key_nothing_is_asked() -> None:
    """Look-ups and catch-up are off until both `url` and `api_key` are given."""
    choices: list[dict[str, Any]] = [{}, {"url": "http://127.0.0.1:9"}, {"api_key": "x"}]
    for options in choices:
        source = plugin(**options)
        assert await source.lookup(one("PlaybackStart")) is None
        assert list(await source.missed(START)) == []


async def test_film_gets_its_path(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """The server knows the file; the library is not asked for without need."""
    facts = await asking(jellyfin, client).lookup(one("PlaybackStart"))
    assert facts is not None
    assert facts.path == "/media/films/The Example (2014)/film.mkv"
    assert (facts.duration_ms, facts.library) == (6_000_000, None)
    assert facts.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009", tmdb="9100009"))
    assert jellyfin.paths() == [f"/Items/{JELLYFIN_FILM}"]


async def test_episode_gets_the_ids_of_its_series(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Ids of the series come from the series' own item; the episode keeps its own."""
    facts = await asking(jellyfin, client).lookup(one("PlaybackStart", jellyfin_episode()))
    assert facts is not None
    assert show_of(facts.item) == Show(title="Example Show", year=2019, ids=SHOW_IDS)
    assert isinstance(facts.item, Episode)
    assert facts.item.ids == Ids(imdb="tt0000002", tmdb="9100002", tvdb="9200002")
    assert not facts.item.native


async def test_key_goes_into_the_one_header_that_lasts(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """The key is in `Authorization: MediaBrowser Token=…`, in no old header and no address."""
    await asking(jellyfin, client).lookup(one("PlaybackStart", jellyfin_episode()))
    assert jellyfin.paths() == [f"/Items/{JELLYFIN_EPISODE}", f"/Items/{JELLYFIN_SERIES}"]
    for asked in jellyfin.asked:
        assert asked.headers["authorization"] == f'MediaBrowser Token="{JELLYFIN_KEY}"'
        assert "x-emby-token" not in asked.headers
        assert JELLYFIN_KEY not in asked.path + str(asked.query)
        assert "ProviderIds" in asked.query["Fields"]


async def test_servers_before_10_9_have_items_under_a_user(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Where `/Items/<id>` is not known, the route of who plays it is asked (2.5 item 1); a look-up names nobody."""
    jellyfin.routes = "10.8"
    source = asking(jellyfin, client)
    (event,) = source.parse(hook_request(json=jellyfin_payload("PlaybackStart", jellyfin_episode())))
    facts = await source.lookup(replace(event, user=None))
    assert facts is not None
    assert show_of(facts.item).ids == SHOW_IDS
    assert f"/Users/{JELLYFIN_USER}/Items/{JELLYFIN_SERIES}" in jellyfin.paths()


async def test_series_named_by_the_event_is_enough(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Where the server does not show the item, the series that the request named is still asked for."""
    del jellyfin.items[JELLYFIN_EPISODE]
    source = asking(jellyfin, client)
    (event,) = source.parse(hook_request(json=jellyfin_payload("PlaybackStart", jellyfin_episode())))
    facts = await source.lookup(event)
    assert facts is not None
    assert show_of(facts.item).ids == SHOW_IDS
    restarted = await asking(jellyfin, client).lookup(event)
    assert restarted is not None
    assert show_of(restarted.item).ids == Ids()


async def test_doctor_names_filters_without_effect() -> None:
    """No webhook of Jellyfin tells library or path: a filter that could never leave anything out is a mistake."""
    source = plugin(libraries=Filter(exclude=("Private",)), paths=Filter(include=("/media/*",)))
    wrong = [result for result in await source.check() if not result.good]
    assert [result.what for result in wrong] == ["`libraries`: without effect", "`paths`: without effect"]
    assert all("`url` and `api_key`" in result.advice for result in wrong)


async def test_memories_are_bounded(
    jellyfin: FakeJellyfin, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest series makes room, both in what requests named and in what the server answered."""
    monkeypatch.setattr(client_module, "REMEMBERED", 2)
    source = asking(jellyfin, client)
    keys = [f"{place:032x}" for place in (1, 2, 3)]
    for key in [*keys, keys[0]]:
        jellyfin.add_series(item_id=key)
        item = jellyfin_episode(ItemId=key.replace("0", "a"), SeriesId=key)
        (event,) = source.parse(hook_request(json=jellyfin_payload("PlaybackStart", item)))
        assert await source.lookup(event) is not None
    assert jellyfin.paths().count(f"/Items/{keys[0]}") == 2
    assert jellyfin.paths().count(f"/Items/{keys[2]}") == 1
    assert len(source._told) == 2


async def test_series_is_asked_again_when_its_answer_is_old(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """A series is remembered for hours, not for ever: its match may be corrected at the server."""
    clock = FakeClock()
    source = asking(jellyfin, client, Recorder(clock=clock, http=lambda: client))
    for hours in (0, 1, 7):
        clock.tick(hours * 3600)
        await source.lookup(one("PlaybackStart", jellyfin_episode()))
    assert jellyfin.paths().count(f"/Items/{JELLYFIN_SERIES}") == 2


async def test_library_is_asked_for_where_a_filter_needs_it(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """With `libraries`, the library's name is found among the item's ancestors."""
    source = asking(jellyfin, client, libraries=Filter(exclude=("Kids",)))
    facts = await source.lookup(one("PlaybackStart"))
    assert facts is not None
    assert facts.library == "Movies"
    assert jellyfin.asked[-1].query == {"UserId": JELLYFIN_USER}


@pytest.mark.parametrize(
    ("providers", "season", "native"),
    [
        ({"AniDB": "17"}, 1, True),
        ({"AniDB": "17", "AniList": "18"}, None, True),
        ({"AniDB": "17"}, 0, True),
        ({"AniDB": "17"}, 2, False),
        ({"AniDB": "17", "Tvdb": "5"}, 1, False),
        ({"Tvdb": "5"}, 1, False),
    ],
)
async def test_series_known_to_anime_catalogues_alone_is_native(
    jellyfin: FakeJellyfin, client: HttpClient, providers: dict[str, str], season: int | None, *, native: bool
) -> None:
    """Only where no other catalogue knows the series are its numbers those of the anime catalogue."""
    jellyfin.add_series(ProviderIds=providers)
    jellyfin.add(jellyfin_episode(SeasonNumber=season))
    facts = await asking(jellyfin, client).lookup(one("PlaybackStart", jellyfin_episode(SeasonNumber=season)))
    assert facts is not None
    assert isinstance(facts.item, Episode)
    assert facts.item.native is native


async def test_refused_key_is_said_once(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """A refused key is a warning once, and the event stays as it was; the key itself is never logged."""
    recorder = Recorder(http=lambda: client)
    source = asking(jellyfin, client, recorder)
    jellyfin.key = "another"
    for _ in range(3):
        facts = await source.lookup(one("PlaybackStart"))
        assert facts is not None
        assert facts.item == one("PlaybackStart").item
    assert [line.event for line in recorder.log.lines if line.level == "warning"] == ["key refused"]
    assert JELLYFIN_KEY not in str(recorder.log.lines)


async def test_odd_key_never_becomes_an_address(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Only an id of Jellyfin goes into an address, and nobody asks about what is skipped."""
    source = asking(jellyfin, client)
    assert await source.lookup(one("PlaybackStart", jellyfin_movie(ItemId="../../Users"))) is None
    assert await source.lookup(one("PlaybackStart", jellyfin_movie(ItemType="Video"))) is None
    assert jellyfin.asked == []


async def test_broken_server_raises_the_clients_error(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """A failing server is the caller's to wait for."""
    jellyfin.broken = True
    with pytest.raises(HttpError):
        await asking(jellyfin, client).lookup(one("PlaybackStart"))


def played(item: dict[str, Any], hours_ago: float, **changes: Any) -> dict[str, Any]:
    """Return an item as the list of played ones has it."""
    with_type = {"Id": item["ItemId"], "Type": item["ItemType"], "Name": item["Name"]}
    rest = {
        "SeriesId": item.get("SeriesId"),
        "SeriesName": item.get("SeriesName"),
        "RunTimeTicks": item["RunTimeTicks"],
    }
    numbers = {"ParentIndexNumber": item.get("SeasonNumber"), "IndexNumber": item.get("EpisodeNumber")}
    began = (START - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    return {**with_type, **rest, **numbers, "UserData": {"Played": True, "LastPlayedDate": began}, **changes}


async def missed(jellyfin: FakeJellyfin, client: HttpClient, hours: float = 48, **options: Any) -> list[PlayerEvent]:
    """Catch up the last hours."""
    source = asking(jellyfin, client, **{"users": {"alice": "alice"}, **options})
    events = list(await source.missed(START - timedelta(hours=hours)))
    check_events(events, secrets=[JELLYFIN_KEY])
    return events


async def test_missed_plays_come_oldest_first_with_user_and_time(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Played items become `watched` events; they ended a runtime after their beginning, which the server notes."""
    jellyfin.played[JELLYFIN_USER] = [played(jellyfin_episode(), 2), played(jellyfin_movie(), 5)]
    film, episode = await missed(jellyfin, client)
    assert (film.kind, film.item_key, film.user) == ("watched", JELLYFIN_FILM, User(id=JELLYFIN_USER, name="alice"))
    assert film.at == START - timedelta(hours=5) + timedelta(milliseconds=6_000_000)
    assert show_of(episode.item).ids == SHOW_IDS


async def test_missed_play_that_was_running_ends_now_at_the_latest(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """An end in the future is none; a play that ended before the daemon went away is not missed."""
    jellyfin.played[JELLYFIN_USER] = [played(jellyfin_movie(), 0.1), played(jellyfin_movie(ItemId="a" * 32), 60)]
    (event,) = await missed(jellyfin, client)
    assert event.at == START


async def test_missed_plays_of_mapped_users_alone(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Nobody's history is read who is not mapped."""
    jellyfin.users = {JELLYFIN_USER: "alice", "b" * 32: "bob", "c" * 32: "carol"}
    for user in jellyfin.users:
        jellyfin.played[user] = [played(jellyfin_movie(), 2)]
    events = await missed(jellyfin, client, users={"B" * 32: "bob", "Carol": []})
    assert [event.user for event in events] == [User(id="b" * 32, name="bob")]
    assert {asked.query["UserId"] for asked in jellyfin.asked if asked.path == "/Items"} == {"b" * 32}


async def test_missed_plays_are_asked_newest_first_in_pages(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Pages are read until they are older than what was missed."""
    old = [played(jellyfin_movie(), 100 + place) for place in range(300)]
    jellyfin.played[JELLYFIN_USER] = [played(jellyfin_movie(), 2), *old]
    assert len(await missed(jellyfin, client)) == 1
    query = next(asked.query for asked in jellyfin.asked if asked.path == "/Items")
    assert (query["SortBy"], query["SortOrder"], query["IsPlayed"], query["Recursive"]) == (
        "DatePlayed",
        "Descending",
        "true",
        "true",
    )
    assert jellyfin.paths().count("/Items") == 1


async def test_missed_plays_reach_back_14_days_at_most(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """However long we were away, 14 days are the end."""
    jellyfin.played[JELLYFIN_USER] = [played(jellyfin_movie(), 13 * 24), played(jellyfin_episode(), 15 * 24)]
    assert [event.item_key for event in await missed(jellyfin, client, hours=9999)] == [JELLYFIN_FILM]


async def test_missed_lines_without_time_or_of_other_types_are_left_out(
    jellyfin: FakeJellyfin, client: HttpClient
) -> None:
    """A played item without a date, or of another class, is no play of ours."""
    lines = [played(jellyfin_movie(), 1, UserData={"Played": True}), played(jellyfin_movie(), 1, Type="Audio")]
    jellyfin.played[JELLYFIN_USER] = lines
    assert await missed(jellyfin, client) == []


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ({"ALICE": "a"}, True),
        ({JELLYFIN_USER.upper(): ["a"]}, True),
        ({"dddd0000-dddd-0000-dddd-0000dddd0004": "a"}, True),
        ({"*": "a"}, True),
        ({"alice": [], "*": "a"}, False),
        ({"bob": "b"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_who_is_mapped(users: dict[str, str | list[str]] | None, *, expected: bool) -> None:
    """A user is mapped by name or id, with or without dashes, in any case; an empty list means nobody."""
    options = JellyfinOptions(type="jellyfin") if users is None else JellyfinOptions(type="jellyfin", users=users)
    assert is_mapped(options, JELLYFIN_USER, "Alice") is expected


async def test_doctor_is_content_with_a_good_server(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """Server, key and webhook plugin are proven; the hook's address is named, without its secret."""
    results = await asking(jellyfin, client, users={"alice": "a", JELLYFIN_USER: "a"}).check()
    assert [result.good for result in results] == [True] * 4
    assert "/hooks/test/<secret>" in results[0].advice
    assert JELLYFIN_KEY not in str(results)


async def test_doctor_names_what_is_wrong(jellyfin: FakeJellyfin, client: HttpClient) -> None:
    """An unknown user, a missing plugin, a refused key and a dead server each say what to change."""
    source = asking(jellyfin, client, users={"alicia": "a"})
    wrong = [result for result in await source.check() if not result.good]
    assert [result.what for result in wrong] == ["users: the server has no user `alicia`"]
    assert "alice" in wrong[0].advice
    jellyfin.plugins = []
    assert "install" in (await source.check())[-1].advice
    jellyfin.plugins = [{"Name": "Webhook", "Version": "21", "Status": "Malfunctioned"}]
    assert "restart" in (await source.check())[-1].advice
    jellyfin.key = "another"
    assert "API Keys" in (await source.check())[-1].advice
    jellyfin.broken = True
    assert "fails with HTTP 503" in (await source.check())[-1].what


async def test_doctor_asks_for_both_or_neither() -> None:
    """An address without a key is a mistake; without both it is a choice, and what it costs is said."""
    alone = (await plugin(url="http://127.0.0.1:9").check())[-1]
    assert not alone.good
    assert "`api_key`" in alone.what
    neither = (await plugin().check())[-1]
    assert neither.good
    assert "missed plays" in neither.advice
