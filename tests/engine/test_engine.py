"""One step, one transaction: what is stored when, what survives, and what time does by itself."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from scrobbler.api import Episode, Ids, Movie, Show
from scrobbler.clock import Now
from scrobbler.engine.correcting import CorrectionError, correct
from scrobbler.engine.engine import CHECKPOINT_MS, JOIN_WINDOW_MS, Answer, Engine
from scrobbler.plays.model import Fact, Identified, Note, Resolve
from scrobbler.store import play_state, reading, titles
from scrobbler.store.database import StorageError
from scrobbler.store.explain import why
from tests.kit.virtual import (
    EDGES,
    EPISODE,
    FILM,
    LENGTH_MS,
    MINUTE,
    OTHER,
    House,
    names_of,
    open_inline,
    run_down,
    second_look,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running house with one account."""
    made = await House(tmp_path).open()
    made.serve()
    yield made
    await made.crash()


def count_writes(house: House) -> list[int]:
    """Count the transactions that change the file from now on, in the list's only number."""
    count = [0]
    real = house.database.write

    async def counted(work: Any) -> Any:
        count[0] += 1
        return await real(work)

    house.database.write = counted  # type: ignore[method-assign]
    return count


def mode_of(house: House) -> str:
    """Say how the first session is."""
    return house.engine.state.sessions["s1"].phase.mode


async def test_an_edge_is_stored_before_it_is_answered(house: House) -> None:
    """When `hear` returns, another connection sees the session, the play, and the journal."""
    await house.engine.hear(house.heard("play", 10))
    assert second_look(house.path, "SELECT count(*) FROM sessions") == [(1,)]
    assert second_look(house.path, "SELECT account, live FROM plays") == [("alice", 1)]
    assert ("opened",) in second_look(house.path, "SELECT step FROM journal")


async def test_a_fact_is_stored_with_the_step_that_made_it(house: House) -> None:
    """The outbox owes the watch as soon as the stop is answered."""
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    await house.engine.hear(house.heard("stop", 95))
    assert second_look(house.path, "SELECT kind, state FROM outbox") == [("watched", "due")]


async def test_ticks_are_held_ten_seconds_at_most(house: House) -> None:
    """A tick is known at once and in the file within ten seconds."""
    await house.hear("play", 0)
    await house.pass_time(30)
    await house.engine.hear(house.heard("progress", 0.5))
    stored = "SELECT json_extract(body, '$.position.ms') FROM sessions"
    assert next(iter(house.engine.state.sessions.values())).position.ms == LENGTH_MS // 200
    assert second_look(house.path, stored) == [(0,)]
    await house.pass_time(CHECKPOINT_MS / 1000 + 0.1)
    assert second_look(house.path, stored) == [(LENGTH_MS // 200,)]


async def test_an_hour_of_ticks_writes_every_ten_seconds(house: House) -> None:
    """One event a second for an hour is at most 361 transactions, and none of them by the sender."""
    await house.hear("play", 0)
    await house.pass_time(2)
    count = count_writes(house)
    for second in range(1, 3601):
        await house.clock.advance(1)
        await house.engine.hear(house.heard("progress", second / 60))
    assert 300 <= count[0] <= 361


async def test_edges_are_written_at_once(house: House) -> None:
    """A pause, a seek and a resume are a transaction each, whatever was held before."""
    await house.hear("play", 0)
    await house.pass_time(20)
    await house.engine.hear(house.heard("progress", 0.3))
    count = count_writes(house)
    for kind in ("pause", "seek", "play"):
        before = count[0]
        await house.engine.hear(house.heard(kind, 0.4))
        assert count[0] == before + 1, kind


async def test_a_restart_restores_everything(house: House) -> None:
    """What the file gives back is what the memory held."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    await house.hear("play", 0, OTHER, player="bedroom")
    await house.pass_time(20)
    before = house.engine.state
    loaded = await house.database.read(play_state.load_state)
    assert loaded == before.contents()


async def test_a_session_nobody_heard_of_since_is_paused(house: House) -> None:
    """Rule 9: after a start nobody knows what plays; three seconds later it is shown as paused, no sooner."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.pass_time(11)
    await house.restart()
    await house.pass_time(2.5)
    assert [one[0] for one in house.simkl.told] == ["start"]
    await house.pass_time(1)
    assert house.simkl.told[1:] == [("pause", "Sintel (2010)", 20.0)]


async def test_a_reboot_moves_the_monotonic_times(house: House) -> None:
    """After a reboot deadlines lie where the wall clock says, however the monotonic clock began anew."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    heard = house.clock.now()
    await house.crash()
    house.clock.reboot(2 * 3600)
    house.boot_id = "boot-2"
    await house.open()
    session = next(iter(house.engine.state.sessions.values()))
    now = house.clock.now()
    assert now.mono_ms - session.contact.heard_mono_ms == now.utc_ms - heard.utc_ms == 2 * 3_600_000


async def test_a_reboot_is_taken_into_account_once(house: House) -> None:
    """A second start of the same boot, even after a crash right at the first one, moves nothing again."""
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    await house.hear("stop", 95)
    await house.crash()
    house.clock.reboot(3600)
    house.boot_id = "boot-2"
    await house.open()
    first = house.engine.state
    await house.crash()
    await house.open()
    assert house.engine.state.sessions == first.sessions
    assert house.engine.state.plays == first.plays


async def test_a_day_later_the_play_is_still_closed_in_time(house: House) -> None:
    """A paused play that a reboot interrupted is judged a day after it was last heard of."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    await house.crash()
    house.clock.reboot(20 * 3600)
    house.boot_id = "boot-2"
    await house.open()
    house.serve()
    await house.pass_time(3 * 3600)
    assert await house.outcomes() == []
    await house.pass_time(2 * 3600)
    assert [text for _, _, text in await house.outcomes()] == ["saved at 20 %"]


async def test_a_question_survives_a_restart(house: House) -> None:
    """Who was not identified when the daemon died is asked for again, also if the play was over already."""
    house.answer = False
    await house.hear("play", 0)
    await house.pass_time(100 * 60 * 0.95)
    await house.hear("stop", 95)
    house.effects.clear()
    house.answer = True
    await house.restart()
    await house.pass_time(5)
    assert [one for one in house.effects if isinstance(one, Resolve)]
    assert [title for title, _, _ in await house.outcomes()] == ["Sintel (2010)"]


async def test_storage_that_fails_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused event leaves the state as it was, says so, and is taken when it comes again."""

    async def refuse(_work: object) -> None:
        raise StorageError("/var: the disk is full")

    await house.hear("play", 0)
    before = house.engine.state.contents()
    with monkeypatch.context() as broken:
        broken.setattr(house.database, "write", refuse)
        with pytest.raises(StorageError, match="full"):
            await house.engine.hear(house.heard("pause", 1))
        assert house.engine.state.contents() == before
        assert house.engine.fault == "/var: the disk is full"
    await house.engine.hear(house.heard("pause", 1))
    assert house.engine.fault == ""
    assert next(iter(house.engine.state.sessions.values())).phase.mode == "paused"


async def test_recovery_is_noticed_by_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another event the fault goes within seconds once the store takes something again."""

    async def refuse(_work: object) -> None:
        raise StorageError("/var: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(house.database, "write", refuse)
        with pytest.raises(StorageError):
            await house.engine.hear(house.heard("play", 1))
        await house.pass_time(30)
        assert house.engine.fault
    await house.pass_time(10)
    assert house.engine.fault == ""
    assert await house.rows("SELECT count(*) FROM meta WHERE key = 'recovered'") == [(1,)]


async def test_deadlines_run_on_time(house: House) -> None:
    """Rule 10: quiet after two minutes of silence, closed after thirty more; both to the second."""
    await house.hear("play", 0)
    await house.pass_time(10)
    await house.hear("progress", 0.2)
    session = house.engine.state.sessions["s1"]
    await house.pass_time(119.9)
    assert mode_of(house) == "playing"
    await house.pass_time(0.2)
    assert mode_of(house) == "quiet"
    await house.pass_time(30 * 60)
    assert mode_of(house) == "over"
    assert session.identity.traits.quiet_ms == 2 * MINUTE


async def test_a_suspend_pauses_before_anything_else(house: House) -> None:
    """Rule 9: the machine slept; what played on a player with edges alone is unknown and is shown as paused."""
    house.traits = EDGES
    await house.hear("play", 0)
    await house.pass_time(60)
    house.clock.tick(600)
    await house.pass_time(10)
    assert mode_of(house) == "quiet"
    assert house.simkl.told[-1][0] == "pause"


@pytest.mark.parametrize(("seconds", "mode"), [(20, "playing"), (45, "quiet")])
async def test_what_is_a_suspend(house: House, seconds: float, mode: str) -> None:
    """A look that comes half a minute late means that the machine slept; a busy machine is a few seconds late."""
    house.traits = EDGES
    await house.hear("play", 0)
    await house.pass_time(60)
    house.clock.tick(seconds)
    await house.pass_time(10)
    assert mode_of(house) == mode


async def test_a_player_that_is_still_there_after_a_suspend_goes_on(house: House) -> None:
    """A tick within the settle time after a suspend keeps what plays now, and sends nothing."""
    await house.hear("play", 0)
    await house.pass_time(60)
    await house.hear("progress", 1)
    house.clock.tick(60)
    await house.hear("progress", 1.1)
    await house.pass_time(20)
    assert [one[0] for one in house.simkl.told] == ["start"]
    assert mode_of(house) == "playing"


async def test_waiting_is_no_busy_loop(house: House) -> None:
    """An hour in which nothing happens is a look at the clock every five seconds and no transaction."""
    count = count_writes(house)
    await house.pass_time(3600)
    assert count[0] == 0


def answer(session: str, work: Movie | Episode) -> Answer:
    """Find a work for a session."""
    return Answer(session=session, names=names_of(work), runtime_ms=LENGTH_MS, confidence=1.0, reasons=("by ids",))


async def test_aliases_join_what_two_sources_call_differently(house: House) -> None:
    """An episode by its series' TVDB id and the same one by TVDB and IMDb are one work; so is then IMDb alone."""
    house.answer = False
    show = Show(title="Firefly", ids=Ids(tvdb="78874"))
    both = Show(title="Firefly", ids=Ids(tvdb="78874", imdb="tt0303461"))
    imdb = Show(title="Feuerfliege", ids=Ids(imdb="tt0303461"))
    for index, one in enumerate((show, both, imdb)):
        await house.hear("play", 0, source=f"source{index}")
        session = list(house.engine.state.sessions)[-1]
        await house.engine.identified(answer(session, Episode(show=one, season=1, number=2)))
    sessions = house.engine.state.sessions.values()
    assert len({one.identity.work_id for one in sessions}) == 1
    assert [one.merged_into for one in house.engine.state.plays.values()].count(None) == 1


async def test_a_second_source_that_appears_after_a_restart(house: House) -> None:
    """Kodi, and Jellyfin with its add-on there, which is heard only after a crash and names the episode its own way: one play."""
    jellyfins = Episode(show=Show(title="Feuerfliege", ids=Ids(tvdb="78874", imdb="tt0303461")), season=1, number=2)
    kodi: dict[str, Any] = {"work": EPISODE, "source": "kodi"}
    jellyfin: dict[str, Any] = {"work": jellyfins, "source": "jellyfin", "player": "Kodi (Jellyfin add-on)"}
    await house.hear("play", 0, **kodi)
    await house.watch(0, 40, every_s=60, **kodi)
    await house.restart()
    await house.hear("progress", 40, **kodi)
    await house.hear("play", 40, **jellyfin)
    for percent in range(41, 96):
        await house.pass_time(60)
        await house.hear("progress", percent, **jellyfin)
        await house.hear("progress", percent, **kodi)
    await house.hear("stop", 95, **kodi)
    await house.pass_time(2)
    await house.hear("stop", 95, **jellyfin)
    await house.pass_time(10)
    assert [call.action for call in house.simkl.calls] == ["start", "stop"]
    assert [(state, outcome) for _, state, outcome in await house.outcomes()] == [("settled", "watched")]
    assert [one.merged_into for one in house.engine.state.plays.values()] == [None, "p1"]


async def test_contradicting_works_stay_apart(house: House) -> None:
    """Two films of one title and different years, or ids, do not become one."""
    house.answer = False
    await house.hear("play", 0)
    await house.hear("play", 0, source="other")
    names = list(house.engine.state.sessions)
    await house.engine.identified(answer(names[0], Movie(title="Solaris", year=1972, ids=Ids(imdb="tt0069293"))))
    await house.engine.identified(answer(names[1], Movie(title="Solaris", year=2002, ids=Ids(imdb="tt0307479"))))
    assert len({one.identity.work_id for one in house.engine.state.sessions.values()}) == 2


@pytest.mark.parametrize(("apart_ms", "works"), [(JOIN_WINDOW_MS - 60_000, 1), (JOIN_WINDOW_MS + 60_000, 2)])
async def test_a_title_alone_joins_only_within_the_window(house: House, apart_ms: int, works: int) -> None:
    """A mere title joins two reports of one evening, and fuses nothing for ever."""
    house.answer = False
    nameless = Movie(title="Solaris")
    await house.hear("play", 0)
    await house.engine.identified(answer("s1", nameless))
    await house.hear("stop", 10)
    await house.pass_time(apart_ms / 1000)
    await house.hear("play", 0, source="other")
    session = list(house.engine.state.sessions)[-1]
    await house.engine.identified(answer(session, replace(nameless, year=1972)))
    assert len({one.identity.work_id for one in house.engine.state.sessions.values()}) == works


async def test_what_came_before_is_known(house: House) -> None:
    """The machine is told of an earlier part that was seen, and of an earlier watch, of this account alone."""
    await house.hear("play", 0)
    await house.watch(0, 50, every_s=60)
    await house.hear("stop", 50)
    await house.pass_time(60)
    seen: list[Identified] = []
    real = house.engine._apply_prepared

    async def spy(prepare: Any) -> None:
        def looked(connection: Any, now: Any) -> Any:
            given = prepare(connection, now)
            seen.append(given)
            return given

        await real(looked)

    house.engine._apply_prepared = spy  # type: ignore[method-assign]
    await house.hear("play", 85)
    (prior,) = seen[-1].priors
    assert (prior.account, prior.seen, prior.watched_utc_ms) == ("alice", True, None)
    await house.watch(85, 96, every_s=30)
    await house.hear("stop", 96)
    assert [text for _, _, text in await house.outcomes()][-1] == "watched"
    await house.pass_time(3600)
    await house.hear("play", 0)
    (prior,) = seen[-1].priors
    assert prior.watched_utc_ms is not None
    assert prior.watched_play == [one.play for one in house.effects if isinstance(one, Fact)][-1]


async def test_each_of_several_watches_is_remembered(house: House) -> None:
    """Catching up: asked for two weeks, a server tells of both evenings of a film; both were recorded when they happened."""
    ends = []
    for _ in range(2):
        await house.hear("play", 0)
        await house.watch(0, 95, every_s=60)
        await house.hear("stop", 95)
        ends.append(house.clock.now().utc)
        house.clock.tick(3 * 86_400)
        await house.pass_time(10)
    for end in ends:
        told = house.heard("watched", player="history", at=end)
        await house.engine.hear(replace(told, telling="remembered"))
        await run_down()
    assert await house.rows("SELECT count(*) FROM outbox") == [(2,)]
    plays = await house.rows("SELECT outcome, merged_into FROM plays ORDER BY number")
    assert plays[2:] == [("already watched", "p1"), ("already watched", "p2")]


async def test_private_mode_lets_go(house: House) -> None:
    """What an account watches when private mode begins ends as ignored, and its start does not dangle."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.engine.hide("alice")
    await house.pass_time(5)
    assert [one.outcome for one in house.engine.state.plays.values()] == ["ignored"]
    assert await house.outcomes() == []
    assert house.simkl.playing == {}
    assert [one[0] for one in house.simkl.told] == ["start", "pause"]


async def test_private_mode_is_one_accounts(tmp_path: Path) -> None:
    """Hiding one of two people in front of a player leaves the other's play alone."""
    house = await House(tmp_path, "alice", "bob").open()
    house.serve()
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.engine.hide("alice")
    await house.watch(20, 95, every_s=60)
    await house.hear("stop", 95)
    await house.pass_time(5)
    assert [(one, title) for one, title, _ in house.simkl.history_rows] == [("bob", "Sintel (2010)")]
    await house.crash()


async def test_a_play_is_corrected(house: House) -> None:
    """`fix` sends a settled play again as what it really was, with its own time, and no more as a rewatch."""
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    await house.hear("stop", 95)
    ended = house.clock.now().utc_ms
    await house.pass_time(30)
    words = await correct(house.engine, house.database, house.clock, "p1", OTHER)
    assert "sent again" in words
    house.senders["alice"].wake()
    await run_down()
    assert house.simkl.history_rows[-1] == ("alice", "Big Buck Bunny (2008)", ended)
    assert await house.rows("SELECT title FROM plays") == [("Big Buck Bunny (2008)",)]
    found = await house.database.read(lambda connection: reading.find_play(connection, "p1"))
    assert found is not None
    assert "sintel" not in found.link
    (before,) = await house.rows("SELECT work_id FROM outbox")
    await house.database.write(lambda connection: titles.learn_aliases(connection, before[0], [("movie:simkl", "42")]))
    found = await house.database.read(lambda connection: reading.find_play(connection, "p1"))
    assert found is not None
    assert found.link == "https://simkl.com/movies/42/big-buck-bunny"


async def test_an_answer_stands_before_what_it_settles(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story of a play keeps the order in which things happened, also where the clock goes on within one step."""
    real, reads = house.clock.now, count()

    def ticking() -> Now:
        read, now = next(reads), real()
        return Now(now.utc_ms + read, now.mono_ms + read)

    monkeypatch.setattr(house.clock, "now", ticking)
    await house.hear("play", 0)
    await house.watch(0, 50, every_s=60)
    await house.hear("stop", 50)
    await house.pass_time(30)
    story = await house.database.read(lambda connection: why(connection, "p1"))
    assert story is not None
    steps = [line.text.split(" ")[0] for line in story.lines]
    assert steps[-2:] == ["sent:", "done:"]


async def test_an_unknown_play_cannot_be_corrected(house: House) -> None:
    """Bad input gets one sentence that names the play and what to do."""
    with pytest.raises(CorrectionError, match=r"no play p99; `scrobbler history` shows"):
        await correct(house.engine, house.database, house.clock, "p99", OTHER)
    await house.hear("play", 0)
    with pytest.raises(CorrectionError, match=r"p1 has nothing .* `scrobbler why p1`"):
        await correct(house.engine, house.database, house.clock, "p1", OTHER)


async def test_a_play_under_review_is_told_what_it_is(house: House) -> None:
    """`fix` of a play that nobody recognised lets it go its way as if it had been recognised at once."""
    house.answer = False
    await house.hear("play", 0)
    await house.engine.unidentified("s1", "nothing in its name tells what it is")
    await house.watch(0, 95, every_s=60)
    await house.hear("stop", 95)
    assert await house.outcomes() == []
    await correct(house.engine, house.database, house.clock, "p1", FILM)
    await house.pass_time(120)
    assert [text for _, _, text in await house.outcomes()] == ["watched"]


async def test_the_journal_has_one_line_a_step(house: House) -> None:
    """Rule 17: every note of the machine stands in the journal, in order."""
    await house.hear("play", 0)
    await house.hear("pause", 1)
    await house.hear("play", 1)
    notes = [(one.about, one.step, one.text) for one in house.effects if isinstance(one, Note)]
    assert await house.rows("SELECT about, step, text FROM journal WHERE step <> 'sent' ORDER BY id") == notes


async def test_a_caller_that_gives_up_leaves_no_gap(house: House) -> None:
    """Cancelled while its event is being written, as when a source restarts: memory and file still say the same."""
    writing, go_on = asyncio.Event(), asyncio.Event()
    real = house.database.write

    async def slow(work: Any) -> Any:
        result = await real(work)
        writing.set()
        await go_on.wait()
        return result

    house.database.write = slow  # type: ignore[method-assign]
    caller = asyncio.ensure_future(house.engine.hear(house.heard("play", 0)))
    await writing.wait()
    caller.cancel()
    await run_down()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    house.database.write = real  # type: ignore[method-assign]
    await house.hear("play", 0, OTHER, player="bedroom")
    stored = second_look(house.path, "SELECT id FROM plays ORDER BY id")
    assert stored == [("p1",), ("p2",)]
    assert sorted(house.engine.state.plays) == ["p1", "p2"]


async def test_an_edge_that_says_nothing_new_is_stored_too(house: House) -> None:
    """A resume of what already plays moves a position alone; answered as an edge, it is on the disk (contract.md 1.5)."""
    await house.hear("play", 0)
    await house.pass_time(60)
    await house.engine.hear(house.heard("play", 1))
    ((body,),) = second_look(house.path, "SELECT body FROM sessions")
    assert msgspec.json.decode(body)["position"]["ms"] == LENGTH_MS // 100


async def test_nothing_is_heard_before_the_old_state_is_there(tmp_path: Path) -> None:
    """The file is open and its plays are not loaded yet: stored as a beginning, an event would overwrite them."""
    made = await House(tmp_path).open()
    await made.hear("play", 0)
    await made.crash()
    made.database = await open_inline(made.path)
    engine = Engine(made.database, made.clock, made.boot_id)
    with pytest.raises(StorageError):
        await engine.hear(made.heard("play", 0, OTHER, player="bedroom"))
    await engine.open()
    await engine.hear(made.heard("play", 0, OTHER, player="bedroom"))
    assert sorted(engine.state.plays) == ["p1", "p2"]
    await made.database.close()


async def test_the_end_opened_twice_is_no_watch(house: House) -> None:
    """Rule 4: that the last minutes were looked at before is no earlier part; what was left in the middle is one."""
    for _ in range(2):
        await house.hear("play", 92)
        await house.hear("stop", 93)
        await house.pass_time(2 * 86_400)
    assert [outcome for _, _, outcome in await house.outcomes()] == ["saved at 93 %"] * 2
    await house.watch(0, 40)
    await house.hear("stop", 40)
    await house.pass_time(2 * 86_400)
    await house.hear("play", 92)
    await house.hear("stop", 93)
    await house.pass_time(60)
    assert [outcome for _, _, outcome in await house.outcomes()][2:] == ["saved at 40 %", "watched"]
