"""What a log leaves out is asked of its server; without an answer nothing is lost."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from scrobbler.api import Episode, File, Movie, PlayerEvent, User
from scrobbler.api.testkit import FakeClock, Recorder, running
from scrobbler_plugins.logfile import Plugin
from scrobbler_plugins.logfile.book import Book
from scrobbler_plugins.logfile.formats import format_of
from scrobbler_plugins.logfile.options import Options
from scrobbler_plugins.logfile.parse import Settings
from scrobbler_plugins.logfile.servers import Server, server_of
from tests.kit.logs import LogFile

pytestmark = pytest.mark.anyio
TOKEN = "very-secret-token"

PLEX: dict[str, Any] = {
    "/library/metadata/5012": {
        "type": "episode",
        "title": "The Second",
        "grandparentTitle": "Example Show",
        "grandparentRatingKey": "5000",
        "parentIndex": 1,
        "index": 2,
        "duration": 1500000,
        "librarySectionTitle": "TV",
        "Guid": [{"id": "tvdb://42"}],
        "Media": [{"Part": [{"file": "/tv/Example Show/S01E02.mkv"}]}],
    },
    "/library/metadata/5000": {"type": "show", "title": "Example Show", "year": 2014, "Guid": [{"id": "tvdb://7"}]},
    "/library/metadata/60": {"type": "movie", "title": "Sintel", "year": 2010, "Guid": [{"id": "imdb://tt1727587"}]},
    "/library/metadata/70": {"type": "track", "title": "A long song"},
}

PLAYED = [
    {"Id": "b1", "Name": "Other", "Type": "Movie", "UserData": {"LastPlayedDate": "2026-03-04T19:00:00Z"}},
    {
        "Id": "b2",
        "Name": "The Second",
        "Type": "Episode",
        "SeriesName": "Example Show",
        "SeriesId": "51",
        "ParentIndexNumber": 1,
        "IndexNumber": 2,
        "RunTimeTicks": 15_000_000_000,
        "Path": "/tv/S01E02.mkv",
        "ProviderIds": {"Tvdb": "42", "Odd": "x"},
        "UserData": {"LastPlayedDate": "2026-03-04T20:00:00Z"},
    },
    {
        "Id": "b3",
        "Name": "Pilot",
        "Type": "Episode",
        "SeriesName": "Example Show",
        "ParentIndexNumber": 1,
        "IndexNumber": 1,
        "UserData": {"LastPlayedDate": "2026-03-04T18:00:00Z"},
    },
]


class Answers:
    """A server of ours behind the client; it counts what it is asked."""

    def __init__(self, *, status: int = 200) -> None:
        self.status = status
        self.asked: list[httpx.Request] = []
        self.played = [*PLAYED]
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if self.status != 200:
            return httpx.Response(self.status)
        if path in PLEX:
            return httpx.Response(200, json={"MediaContainer": {"Metadata": [PLEX[path]]}})
        if path == "/Users":
            return httpx.Response(200, json=[{"Id": "a1", "Name": "Alice"}, {"Id": "a2", "Name": "bob"}])
        if path == "/Users/a1/Items":
            return httpx.Response(200, json={"Items": self.played})
        if path == "/Users/a1/Items/51":
            return httpx.Response(
                200, json={"Name": "Example Show", "ProductionYear": 2014, "ProviderIds": {"Tvdb": "7"}}
            )
        if path == "/Users/a2/Items":
            return httpx.Response(200, json={"Items": []})
        return httpx.Response(404)


def server(answers: Answers, kind: Any, clock: FakeClock | None = None) -> Server:
    options = Options(type="logfile", path="/x", format=kind, url="http://server:1", token=TOKEN, account="alice")
    return server_of(options, Recorder(http=lambda: answers.client, clock=clock or FakeClock()).context)


def event(key: str, **values: Any) -> PlayerEvent:
    return PlayerEvent(kind="play", player="tv", item_key=key, **values)


async def test_plex_episode() -> None:
    """A rating key becomes an episode with the ids of its series; it is asked once, and the token is never in an address."""
    answers = Answers()
    plex = server(answers, "plex")
    for _ in range(3):
        full = await plex.complete(event("5012"))
    item = full.item
    assert isinstance(item, Episode)
    assert (item.show.title, item.show.year, item.show.ids.tvdb) == ("Example Show", 2014, "7")
    assert (item.season, item.number, item.ids.tvdb) == (1, 2, "42")
    assert (full.duration_ms, full.library) == (1500000, "TV")
    facts = await plex.lookup(event("5012"))
    assert facts is not None
    assert facts.path == "/tv/Example Show/S01E02.mkv"
    assert len(answers.asked) == 2
    assert all(TOKEN not in str(request.url) for request in answers.asked)


async def test_plex_film_music_and_unknown() -> None:
    """A film with its ids; music is no play; what the server does not know stays as the log has it."""
    plex = server(Answers(), "plex")
    film = await plex.complete(event("60"))
    assert isinstance(film.item, Movie)
    assert film.item.ids.imdb == "tt1727587"
    assert (await plex.complete(event("70"))).skip == "music"
    given = event("999", item=File(path="Title", title="Title"))
    assert await plex.complete(given) == given


@pytest.mark.parametrize(("kind", "user"), [("jellyfin", None), ("jellyfin", User(name="alice")), ("emby", None)])
async def test_jellyfin_by_what_was_played_last(kind: str, user: User | None) -> None:
    """A title becomes the item of that name that somebody played last; that also tells who, where the log does not."""
    full = await server(Answers(), kind).complete(event("The Second", user=user))
    assert isinstance(full.item, Episode)
    assert (full.item.show.ids.tvdb, full.item.season, full.item.number) == ("7", 1, 2)
    assert full.duration_ms == 1500000
    assert full.user is not None
    assert full.user.name.lower() == "alice"


async def test_jellyfin_of_somebody_else() -> None:
    """What another user played is not taken for this one's."""
    given = event("The Second", user=User(name="bob"))
    assert await server(Answers(), "jellyfin").complete(given) == given


@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("kind", ["plex", "jellyfin"])
async def test_without_an_answer(status: int, kind: str) -> None:
    """A server that refuses or fails changes nothing."""
    given = event("5012")
    assert await server(Answers(status=status), kind).complete(given) == given
    assert not (await server(Answers(status=status), kind).check()).good


STOPPED = (
    "[{at} +00:00] [INF] [42] Emby.Server.Implementations.Session.SessionManager: Playback stopped reported by app"
    ' "Jellyfin Web" "10.11.8" playing "{title}". Stopped at "1400000" ms'
)


@pytest.mark.parametrize(
    ("at", "began"), [("21:00:00", True), ("23:00:00", True), ("19:30:00", False), ("2026-03-05 21:00:00", False)]
)
async def test_stop_alone_gets_its_beginning_from_the_server(tmp_path: Path, at: str, began: bool) -> None:  # noqa: FBT001
    """Before 12.0 Jellyfin's log tells stops alone; the server knows when that play began, if it can be that one."""
    answers, clock = Answers(), FakeClock(datetime(2026, 3, 5, 22, 0, tzinfo=UTC))
    recorder = Recorder(http=lambda: answers.client, clock=clock)
    options = Options(
        type="logfile", path=str(tmp_path / "log_*.log"), format="jellyfin", url="http://s:1", token=TOKEN
    )
    source = Plugin(options, recorder.context)
    said = format_of("jellyfin")(Settings()).feed(
        STOPPED.format(at=at if " " in at else f"2026-03-04 {at}", title="The Second"), 0
    )
    for one in Book().past(said[0], clock.now().utc_ms):
        await source._emit(one)
    told = [(one.kind, one.position_ms, one.at) for one in recorder.events]
    stop = ("stop", 1_400_000, datetime.fromtimestamp((said[0].at_ms or 0) / 1000, UTC))
    assert told == ([("play", None, datetime(2026, 3, 4, 20, 0, tzinfo=UTC))] if began else []) + [stop]


async def test_stop_whose_beginning_was_told_gets_no_other() -> None:
    """From 12.0 on the log tells the beginning itself."""
    answers = Answers()
    recorder = Recorder(http=lambda: answers.client, clock=FakeClock(datetime(2026, 3, 4, 21, 0, tzinfo=UTC)))
    options = Options(type="logfile", path="/x", format="jellyfin", url="http://s:1", token=TOKEN)
    source = Plugin(options, recorder.context)
    for kind in ("play", "stop", "stop"):
        await source._emit(replace(event("The Second"), kind=kind))
    assert recorder.kinds == ["play", "stop", "play", "stop"]


async def test_server_that_does_not_answer_is_let_be_for_a_while() -> None:
    """Each line would wait for it in vain, and a busy log would fall behind."""
    answers, clock = Answers(status=500), FakeClock()
    plex = server(answers, "plex", clock)
    for _ in range(5):
        assert await plex.complete(event("5012")) == event("5012")
    assert len(answers.asked) == 1
    answers.status = 200
    await clock.advance(60)
    assert isinstance((await plex.complete(event("5012"))).item, Episode)


async def test_server_that_goes_down_before_the_end() -> None:
    """The end of a play is written while its server goes down: who plays what is known from the beginning."""
    answers, clock = Answers(), FakeClock()
    emby = server(answers, "emby", clock)
    first = await emby.complete(event("The Second"))
    await clock.advance(30 * 60)
    answers.status = 500
    last = await emby.complete(replace(event("The Second"), kind="stop"))
    assert (last.item, last.user) == (first.item, first.user)
    assert last.user is not None


async def test_check_of_a_good_server() -> None:
    """The self-check says that the server answers."""
    assert (await server(Answers(), "jellyfin").check()).good


async def test_from_the_log_to_the_episode(tmp_path: Path) -> None:
    """A line of Jellyfin's log becomes an episode with ids, by way of the source."""
    answers = Answers()
    recorder = Recorder(http=lambda: answers.client)
    options = Options(
        type="logfile",
        path=str(tmp_path / "log_*.log"),
        format="jellyfin",
        url="http://s:1",
        token=TOKEN,
        account="alice",
    )
    with LogFile(tmp_path / "log_20260304.log") as log:
        log.write("[2026-03-04 20:12:01.120 +01:00] [INF] [17] Main: Startup complete")
        async with running(Plugin(options, recorder.context)):
            await recorder.when(lambda seen: seen.reach)
            log.write(
                "[2026-03-04 20:12:01.120 +01:00] [INF] [17] Emby.Server.Implementations.Session.SessionManager: User"
                ' "alice" started playback of \'"The Second"\' ("Jellyfin Web" "12.0.0")'
            )
            play = await recorder.until("play")
    assert isinstance(play.item, Episode)
    assert play.item.show.title == "Example Show"


async def test_same_name_in_another_series() -> None:
    """A log of Jellyfin has the name of an episode alone: each play of that name is asked for anew, as of its time."""
    answers = Answers()
    clock = FakeClock(datetime(2026, 3, 4, 21, 45, tzinfo=UTC))
    jellyfin = server(answers, "jellyfin", clock)
    first = await jellyfin.complete(event("Pilot", user=User(name="alice")))
    assert await jellyfin.complete(event("Pilot", user=User(name="alice"))) == first
    asked = len(answers.asked)
    await clock.advance(30 * 60)
    answers.played.append(
        {
            "Id": "b4",
            "Name": "Pilot",
            "Type": "Episode",
            "SeriesName": "Another Show",
            "ParentIndexNumber": 1,
            "IndexNumber": 1,
            "UserData": {"LastPlayedDate": "2026-03-04T22:00:00Z"},
        }
    )
    second = await jellyfin.complete(event("Pilot", user=User(name="alice")))
    assert isinstance(first.item, Episode)
    assert isinstance(second.item, Episode)
    assert (first.item.show.title, second.item.show.title) == ("Example Show", "Another Show")
    assert asked < len(answers.asked)
    then = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)
    missed = await jellyfin.complete(event("Pilot", user=User(name="alice"), at=then))
    assert isinstance(missed.item, Episode)
    assert missed.item.show.title == "Example Show"
