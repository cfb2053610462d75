"""Listening to a Kodi over a real socket: contact, its loss, what is asked, and what is not (players.md 4)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scrobbler.api import BriefMemory, Episode, File, Ids, Memory, Movie, PlayerEvent, Show
from scrobbler.api.testkit import Recorder, check_events, running
from scrobbler.clock import SystemClock
from scrobbler_plugins.kodi import counts as counts_module
from scrobbler_plugins.kodi import tracker as tracker_module
from scrobbler_plugins.kodi.counts import zone_of
from scrobbler_plugins.kodi.messages import Notification
from tests.plugins.kodi.kit import EPISODE, FILM, LENGTH_MS, LOOSE, FakeKodi, plugin, said, stopped

pytestmark = pytest.mark.anyio

MOVIE = {
    "movieid": 2,
    "title": "The Example",
    "year": 2014,
    "file": "/m/The Example.mkv",
    "uniqueid": {"imdb": "tt0000009"},
}
SERIES = {"title": "Example Show", "year": 2019, "premiered": "2019-04-04", "uniqueid": {"tvdb": "9300100"}}


def row(number: int, path: str = "", **more: Any) -> dict[str, Any]:
    """Compose an episode of the library."""
    return {
        "episodeid": 410 + number,
        "title": f"Part {number}",
        "season": 1,
        "episode": number,
        "showtitle": "Example Show",
        "tvshowid": 7,
        "file": path or f"/tv/{number}.mkv",
        "runtime": 1500,
        **more,
    }


def library(kodi: FakeKodi, *rows: dict[str, Any]) -> None:
    """Give it a film and a series."""
    kodi.answers["VideoLibrary.GetMovieDetails"] = {"moviedetails": MOVIE}
    kodi.answers["VideoLibrary.GetTVShowDetails"] = {"tvshowdetails": SERIES}
    kodi.answers["VideoLibrary.GetEpisodeDetails"] = lambda asked: next(
        ({"episodedetails": one} for one in rows if one["episodeid"] == asked["episodeid"]), None
    )
    kodi.answers["VideoLibrary.GetEpisodes"] = {"episodes": list(rows)}


@asynccontextmanager
async def listening(
    kodi: FakeKodi, scheme: str = "tcp", memory: Memory | None = None, **options: Any
) -> AsyncIterator[Recorder]:
    """Listen to it, once contact is made and what it played before is known."""
    recorder = Recorder(clock=SystemClock(), memory=memory)
    async with running(plugin(recorder.context, url=kodi.url(scheme), **options)):
        await recorder.when(lambda seen: seen.reach and seen.reach[-1].up)
        await asked(kodi, "Player.GetActivePlayers")
        yield recorder


async def asked(kodi: FakeKodi, method: str, count: int = 1) -> None:
    """Wait until it was asked something."""
    await until(lambda: kodi.asked.count(method) >= count)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so that nobody announces."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (nobody announces it)
            await asyncio.sleep(0.005)


async def quiet(kodi: FakeKodi) -> list[str]:
    """Return what it is asked from now on, in some time."""
    await asyncio.sleep(0.3)
    kodi.asked.clear()
    await asyncio.sleep(0.5)
    return kodi.asked


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask often, so that the tests are short."""
    monkeypatch.setattr(tracker_module, "POLL_MS", 30)
    monkeypatch.setattr(tracker_module, "OPENING_MS", 30)


@pytest.mark.parametrize(("scheme", "split"), [("tcp", 0), ("tcp", 1), ("kodi", 0)])
async def test_a_film_from_the_library(scheme: str, split: int) -> None:
    """By either way, and in the smallest pieces: the film with its ids, its positions, and its end."""
    kodi = FakeKodi()
    async with kodi.on():
        kodi.split = split
        library(kodi)
        async with listening(kodi, scheme) as recorder:
            kodi.plays({"id": 2, "type": "movie"}, 1000)
            kodi.tells(said("OnPlay", FILM), said("OnAVStart", FILM))
            began = await recorder.until("play")
            assert began.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009"))
            assert (began.item_key, began.position_ms, began.duration_ms) == ("movie/2", 1000, LENGTH_MS)
            assert began.device == "Living Room"
            kodi.plays({"id": 2, "type": "movie"}, 2000)
            await recorder.when(lambda seen: seen.events[-1].position_ms == 2000)
            kodi.rests()
            kodi.tells(stopped(FILM, end=True))
            assert (await recorder.until("end")).position_ms == 2000
    check_events(recorder.events)


async def test_an_episode_of_a_file_with_two() -> None:
    """The notification names the second, the file is both; ids are those of the series, asked for once."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi, row(1, "/tv/1-2.mkv"), row(2, "/tv/1-2.mkv"), row(3))
        async with listening(kodi) as recorder:
            for _ in range(2):
                kodi.plays({"id": 411, "type": "episode"}, 1000)
                kodi.tells(said("OnPlay", EPISODE), said("OnAVStart", EPISODE))
                await recorder.when(lambda seen: seen.events and seen.events[-1].kind in ("play", "progress"))
                kodi.rests()
                kodi.tells(stopped(EPISODE, end=False))
                await recorder.when(lambda seen: seen.events[-1].kind == "stop")
    item = recorder.of("play")[0].item
    assert item == Episode(
        show=Show(title="Example Show", year=2019, ids=Ids(tvdb="9300100")),
        season=1,
        number=1,
        last_number=2,
        title="Part 1",
    )
    assert {event.item_key for event in recorder.events} == {"episode/411"}
    assert kodi.asked.count("VideoLibrary.GetTVShowDetails") == 1


async def test_a_kodi_that_rests_is_asked_nothing() -> None:
    """While nothing plays, and while it is paused, no request is sent."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        async with listening(kodi) as recorder:
            assert await quiet(kodi) == []
            kodi.plays({"id": 2, "type": "movie"}, 1000, speed=0)
            kodi.tells(said("OnPlay", FILM), said("OnAVStart", FILM))
            await recorder.until("pause")
            assert await quiet(kodi) == []
    assert kodi.connections == 1


async def test_a_kodi_that_is_off_costs_nothing_and_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked anything while it is off; its loss and its return are known, and what plays then is joined."""
    monkeypatch.setattr("scrobbler.api.connection.FIRST_RETRY_S", 0.05)
    kodi, recorder = FakeKodi(), Recorder(clock=SystemClock())
    library(kodi)
    async with kodi.on():
        pass
    async with running(plugin(recorder.context, url=kodi.url())):
        await recorder.when(lambda seen: seen.reach and not seen.reach[-1].up)
        assert "does not answer" in recorder.reach[-1].why
        assert kodi.asked == []
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with kodi.on():
            await recorder.when(lambda seen: seen.reach[-1].up)
            assert (await recorder.until("play")).position_ms == 90_000


async def test_contact_is_lost_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What plays is gone at its last position, and goes on when contact is made again."""
    monkeypatch.setattr("scrobbler.api.connection.FIRST_RETRY_S", 0.05)
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with listening(kodi) as recorder:
            await recorder.until("play")
            kodi.hang_up()
            assert (await recorder.until("gone")).position_ms == 90_000
            again = await recorder.until("play", 2)
            assert (again.item_key, again.position_ms) == ("movie/2", 90_000)
            assert all(word.up for word in recorder.reach)


async def test_a_version_that_answers_an_error_when_nothing_plays() -> None:
    """Where Kodi has no zeros for a player that is idle but a refusal, and its stop was lost, the play is over all the same."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with listening(kodi) as recorder:
            await recorder.until("play")
            kodi.answers["Player.GetActivePlayers"] = []
            kodi.answers["Player.GetProperties"] = None
            assert (await recorder.until("stop")).position_ms == 90_000
            assert await quiet(kodi) == []


async def test_quit_says_its_stop_before_the_loss() -> None:
    """A Kodi that quits has stopped; the loss of contact adds nothing."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with listening(kodi) as recorder:
            await recorder.until("play")
            kodi.rests()
            kodi.tells(stopped(FILM, end=False), said("System.OnQuit", exitcode=0))
            kodi.hang_up()
            await recorder.until("stop")
            await recorder.when(lambda seen: any(line.event == "connection over" for line in seen.log.lines))
    assert recorder.of("gone") == []


async def test_quit_while_an_answer_is_awaited() -> None:
    """What Kodi said before it hung up counts, also where a question was under way."""
    kodi = FakeKodi()

    def quits(_asked: dict[str, Any]) -> None:
        kodi.tells(stopped(FILM, end=False), said("System.OnQuit", exitcode=0))
        kodi.hang_up()

    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with listening(kodi) as recorder:
            await recorder.until("play")
            kodi.answers["Player.GetProperties"] = quits
            await recorder.when(lambda seen: any(line.event == "connection over" for line in seen.log.lines))
    assert recorder.kinds[-1] == "stop"
    assert recorder.of("gone") == []


async def test_what_an_earlier_run_left_open_is_given_up() -> None:
    """What played when the daemon ended and plays no more is gone, so that it need not be waited for."""
    kodi, memory = FakeKodi(), BriefMemory()
    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 90_000)
        async with listening(kodi, memory=memory) as recorder:
            await recorder.until("play")
            await until(lambda: memory.texts.get("open") == "movie/2")
        async with listening(kodi, memory=memory) as recorder:
            await recorder.until("play")
            assert recorder.of("gone") == []
        kodi.rests()
        async with listening(kodi, memory=memory) as recorder:
            assert (await recorder.until("gone")).item_key == "movie/2"
        assert memory.texts["open"] == ""


async def test_a_file_outside_of_the_library() -> None:
    """It goes by its path, and its stop is known by the title that notifications call it by."""
    kodi = FakeKodi()
    async with kodi.on(), listening(kodi) as recorder:
        kodi.plays({"type": "unknown", "title": "", "label": "x", "file": "/media/Example.Show.S01E02.mkv"}, 1000)
        kodi.tells(said("OnPlay", LOOSE), said("OnAVStart", LOOSE))
        assert (await recorder.until("play")).item == File(path="/media/Example.Show.S01E02.mkv", title="x")
        kodi.rests()
        kodi.tells(stopped(LOOSE, end=False))
        await recorder.until("stop")


async def test_a_film_of_the_library_that_an_add_on_plays() -> None:
    """What the library knows is that, also where its file is a `.strm` or an add-on's address; nothing secret is kept of it."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        address = "plugin://plugin.video.jellyfin/films/?id=7&api_key=secret-word"
        kodi.answers["VideoLibrary.GetMovieDetails"] = {"moviedetails": {**MOVIE, "file": address}}
        kodi.plays({"id": 2, "type": "movie"}, 1000)
        async with listening(kodi) as recorder:
            began = await recorder.until("play")
            facts = await plugin(recorder.context, url=kodi.url()).lookup(began)
    assert (began.item_key, began.skip) == ("movie/2", None)
    assert facts is not None
    assert facts.path == "plugin://plugin.video.jellyfin/films"
    check_events(recorder.events, secrets=["secret-word"])


async def test_live_tv_is_left_out_and_not_asked_about() -> None:
    """A channel is told once, with the reason why it is no play."""
    kodi = FakeKodi()
    async with kodi.on(), listening(kodi) as recorder:
        channel = {"type": "channel", "id": 5, "title": "News", "channeltype": "tv"}
        kodi.plays(channel, 0, length_ms=0)
        kodi.tells(said("OnPlay", channel), said("OnAVStart", channel))
        assert (await recorder.until("play")).skip == "live_tv"
        assert await quiet(kodi) == []


def update(kind: str, number: int, count: int, **more: Any) -> Notification:
    """Compose a change of a play count."""
    return Notification("VideoLibrary.OnUpdate", {"item": {"id": number, "type": kind}, "playcount": count, **more})


async def test_marks_by_hand() -> None:
    """A new count of what does not play is a mark; Kodi's own, an unmark, a scan and a touched row are none."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi, row(1))
        kodi.plays({"id": 2, "type": "movie"}, LENGTH_MS - 5000)
        async with listening(kodi, marks=True) as recorder:
            await recorder.until("play")
            kodi.tells(update("movie", 2, 1), stopped(FILM, end=True), update("movie", 2, 1))
            kodi.rests()
            kodi.tells(update("episode", 411, 0), update("episode", 411, 1, added=True))
            kodi.tells(Notification("VideoLibrary.OnUpdate", {"id": -1, "type": ""}))
            kodi.tells(Notification("VideoLibrary.OnUpdate", {"id": 411, "type": "episode", "playcount": 1}))
            marked = await recorder.until("marked")
    assert len(recorder.of("marked")) == 1
    assert (marked.player, marked.item_key) == ("kodi", "episode/411")
    assert isinstance(marked.item, Episode)


async def test_marks_that_do_not_count_ask_nothing() -> None:
    """Without `marks`, a new count costs no request."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        async with listening(kodi) as recorder:
            await quiet(kodi)
            kodi.tells(update("movie", 2, 1))
            assert await quiet(kodi) == []
    assert recorder.events == []


async def test_profiles() -> None:
    """With `profile`, only what plays in it counts; the name is compared without regard to case."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        kodi.plays({"id": 2, "type": "movie"}, 1000)
        kodi.answers["Profiles.GetCurrentProfile"] = {"label": "Children"}
        async with listening(kodi, profile="alice") as recorder:
            kodi.tells(said("OnPause", FILM, speed=0))
            await asked(kodi, "Profiles.GetCurrentProfile", 2)
            assert recorder.events == []
            kodi.answers["Profiles.GetCurrentProfile"] = {"label": "Alice"}
            kodi.tells(said("OnResume", FILM))
            await recorder.until("play")


async def test_another_profile_may_have_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of profile ends the connection; the same number is another series afterwards, and is asked for again."""
    monkeypatch.setattr("scrobbler.api.connection.FIRST_RETRY_S", 0.05)
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi, row(2))
        kodi.plays(EPISODE, 1000)
        async with listening(kodi) as recorder:
            await recorder.until("play")
            kodi.hang_up()
            library(kodi, row(2, showtitle="Other Show"))
            kodi.answers["VideoLibrary.GetTVShowDetails"] = {"tvshowdetails": {"title": "Other Show"}}
            item = (await recorder.until("play", 2)).item
    assert isinstance(item, Episode)
    assert item.show == Show(title="Other Show")


def counted(kodi: FakeKodi, *movies: dict[str, Any], episodes: tuple[dict[str, Any], ...] = ()) -> None:
    """Let the library have watched these."""
    kodi.answers["VideoLibrary.GetMovies"] = {"movies": list(movies)}
    kodi.answers["VideoLibrary.GetEpisodes"] = {"episodes": list(episodes)}
    now = datetime.now(UTC) + timedelta(hours=2)
    kodi.answers["XBMC.GetInfoLabels"] = {
        "System.Date(yyyy-mm-dd)": f"{now:%Y-%m-%d}",
        "System.Time(hh:mm:ss xx)": f"{now:%I:%M:%S} {'PM' if now.hour >= 12 else 'AM'}",
    }


def at(moment: datetime) -> str:
    """Write a time as Kodi notes it: its own, two hours ahead of UTC."""
    return f"{moment + timedelta(hours=2):%Y-%m-%d %H:%M:%S}"


async def missed(kodi: FakeKodi, memory: Memory, since: datetime, **options: Any) -> list[PlayerEvent]:
    """Ask for missed plays."""
    recorder = Recorder(clock=SystemClock(), memory=memory)
    return list(await plugin(recorder.context, url=kodi.url(), **options).missed(since))


async def test_missed_plays_are_counts_that_have_grown() -> None:
    """Watched while nobody listened: once, with Kodi's time in UTC. What was only opened again, or is older, is none."""
    now = datetime.now(UTC).replace(microsecond=0)
    since, memory, kodi = now - timedelta(days=1), BriefMemory(), FakeKodi()
    old = {**MOVIE, "movieid": 3, "playcount": 1}
    async with kodi.on():
        library(kodi)
        counted(kodi, {**old, "lastplayed": at(now - timedelta(days=30))})
        assert await missed(kodi, memory, since) == []
        async with listening(kodi, memory=memory):
            await until(lambda: "playcounts" in memory.texts)
        opened = {**old, "lastplayed": at(now - timedelta(hours=2))}
        fresh = {**MOVIE, "playcount": 1, "runtime": 6000, "lastplayed": at(now - timedelta(hours=1))}
        counted(kodi, opened, fresh, {**MOVIE, "movieid": 4, "playcount": 1, "lastplayed": at(now - timedelta(days=3))})
        async with listening(kodi, memory=memory):  # contact is made again before it is asked what was missed
            await quiet(kodi)
        (event,) = await missed(kodi, memory, since)
        assert (event.kind, event.item_key, event.at) == ("watched", "movie/2", now - timedelta(hours=1))
        assert (event.player, event.duration_ms, event.nominal) == ("kodi", 6_000_000, True)
        assert await missed(kodi, memory, since) == []
    check_events([event])


async def test_a_library_that_cannot_be_asked_yet() -> None:
    """Counts that could not be read are not taken for none: else whatever is opened next would have been watched."""
    now = datetime.now(UTC).replace(microsecond=0)
    since, memory, kodi = now - timedelta(days=1), BriefMemory(), FakeKodi()
    opened = {**MOVIE, "playcount": 1, "lastplayed": at(now - timedelta(hours=1))}
    async with kodi.on():
        library(kodi)
        counted(kodi, opened)
        movies, kodi.answers["VideoLibrary.GetMovies"] = kodi.answers["VideoLibrary.GetMovies"], None
        async with listening(kodi, memory=memory):
            await asked(kodi, "VideoLibrary.GetMovies")
            await quiet(kodi)
        assert await missed(kodi, memory, since) == []
        kodi.answers["VideoLibrary.GetMovies"] = movies
        assert await missed(kodi, memory, since) == []
        async with listening(kodi, memory=memory):
            await until(lambda: "m2" in memory.texts.get("playcounts", ""))
        assert await missed(kodi, memory, since) == []


async def test_a_large_library_is_read_by_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first all counts are read, page by page; later the latest plays alone."""
    monkeypatch.setattr(counts_module, "PAGE", 2)
    rows = [{**MOVIE, "movieid": number, "playcount": 1, "lastplayed": ""} for number in range(1, 6)]
    wanted: list[dict[str, Any]] = []
    memory, kodi = BriefMemory(), FakeKodi()

    def page(question: dict[str, Any]) -> dict[str, Any]:
        wanted.append(question)
        limits = question["limits"]
        return {"movies": rows[limits["start"] : limits["end"]]}

    async with kodi.on():
        counted(kodi)
        kodi.answers["VideoLibrary.GetMovies"] = page
        async with listening(kodi, memory=memory):
            await until(lambda: "playcounts" in memory.texts)
        assert json.loads(memory.texts["playcounts"]) == {f"m{number}": 1 for number in range(1, 6)}
        assert [one["limits"]["start"] for one in wanted] == [0, 2, 4]
        assert await missed(kodi, memory, datetime.now(UTC) - timedelta(days=1)) == []
    assert wanted[-1]["limits"] == {"start": 0, "end": counts_module.LATEST}
    assert wanted[-1]["sort"] == {"method": "lastplayed", "order": "descending"}


async def test_the_counts_of_another_profile_are_none_of_ours() -> None:
    """Each profile may have its own library: what was watched in another is not missed here, nor are its counts kept."""
    now = datetime.now(UTC).replace(microsecond=0)
    since, memory, kodi = now - timedelta(days=1), BriefMemory(), FakeKodi()
    async with kodi.on():
        library(kodi)
        kodi.answers["Profiles.GetCurrentProfile"] = {"label": "Children"}
        counted(kodi, {**MOVIE, "playcount": 1, "lastplayed": at(now - timedelta(hours=1))})
        async with listening(kodi, memory=memory, profile="Alice"):
            await asked(kodi, "Profiles.GetCurrentProfile")
            assert memory.texts.get("playcounts") is None
            memory.texts["playcounts"] = "{}"
            kodi.tells(update("movie", 2, 7), update("movie", 2, 8))
            await asked(kodi, "Profiles.GetCurrentProfile", 3)
        assert await missed(kodi, memory, since, profile="Alice") == []
        assert memory.texts["playcounts"] == "{}"
        kodi.answers["Profiles.GetCurrentProfile"] = {"label": "alice"}
        (event,) = await missed(kodi, memory, since, profile="Alice")
    assert (event.kind, event.item_key) == ("watched", "movie/2")


async def test_a_row_of_marks_is_no_evening() -> None:
    """Counts that follow each other faster than anybody watches are marks by hand; episodes of one file are one play."""
    now = datetime.now(UTC).replace(microsecond=0)
    memory, kodi = BriefMemory(), FakeKodi()
    memory.texts["playcounts"] = "{}"
    shared = {"playcount": 1, "lastplayed": at(now - timedelta(hours=3))}
    rows = [
        row(1, "/tv/1-2.mkv", **shared),
        row(2, "/tv/1-2.mkv", **shared),
        row(3, playcount=1, lastplayed=at(now - timedelta(hours=2))),
        row(4, playcount=1, lastplayed=at(now - timedelta(hours=2, seconds=-1))),
    ]
    async with kodi.on():
        library(kodi, *rows)
        counted(kodi, episodes=tuple(rows))
        events = await missed(kodi, memory, now - timedelta(days=1))
    assert [(event.kind, event.item_key) for event in events] == [
        ("watched", "episode/411"),
        ("watched", "episode/413"),
        ("marked", "episode/414"),
    ]


async def test_a_count_that_was_heard_is_not_missed() -> None:
    """What Kodi tells while somebody listens is known from then on."""
    now = datetime.now(UTC).replace(microsecond=0)
    memory, kodi = BriefMemory(), FakeKodi()
    memory.texts["playcounts"] = "{}"
    async with kodi.on():
        library(kodi)
        async with listening(kodi, memory=memory):
            kodi.tells(update("movie", 2, 1))
            await until(lambda: "m2" in memory.texts["playcounts"])
        counted(kodi, {**MOVIE, "playcount": 1, "lastplayed": at(now)})
        assert await missed(kodi, memory, now - timedelta(days=1)) == []


def test_the_zone_of_kodis_clock() -> None:
    """Read from what it shows, in any style, across midnight too."""
    now = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
    assert zone_of("2026-01-16", "05:00:04 AM", now) == timedelta(hours=5, minutes=30)
    assert zone_of("2026-01-15", "18:29:58", now) == timedelta(hours=-5)
    assert zone_of("2026-01-16", "12:30:00 AM", now) == timedelta(hours=1)
    assert zone_of("15.01.2026", "12:30", now) is None
    assert zone_of("2026-01-15", "", now) is None


async def test_lookup_knows_the_path() -> None:
    """The path of an item of the library, so that `paths` can leave it out; remembered after the first time."""
    kodi = FakeKodi()
    async with kodi.on():
        library(kodi)
        source = plugin(Recorder(clock=SystemClock()).context, url=kodi.url())
        event = PlayerEvent(kind="play", player="add-on", item_key="movie/2", item=Movie(title="The Example"))
        for _ in range(2):
            facts = await source.lookup(event)
            assert facts is not None
            assert facts.path == "/m/The Example.mkv"
            assert facts.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009"))
        assert kodi.connections == 1
    assert await plugin().lookup(event) is None
    assert await source.lookup(PlayerEvent(kind="play", player="kodi", item_key="movie/9")) is None


async def test_doctor() -> None:
    """It names Kodi's version; where nobody answers it says how remote control is allowed."""
    kodi = FakeKodi()
    async with kodi.on():
        (line,) = await plugin(url=kodi.url("kodi")).check()
        assert (line.good, line.what) == (True, f"Kodi 21.1 answers at 127.0.0.1:{kodi.port}")
        (line,) = await plugin(url=kodi.url(), profile="Alice").check()
        assert "Master user" in line.what
        line, hook = await plugin(url=kodi.url(), secret="x" * 16).check()
        assert line.good
        assert "/hooks/test/" in hook.advice
    (line,) = await plugin(url=kodi.url()).check()
    assert not line.good
    assert "Settings → Services → Control" in line.advice
    (line,) = await plugin().check()
    assert "add-on" in line.what
    (line,) = await plugin(url="kodi://host:99999").check()
    assert not line.good
