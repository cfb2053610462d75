"""Deliveries on virtual time: retries, waits, halts, and what one account's trouble is to the other."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from scrobbler.api import Movie
from scrobbler.plays.model import Fact
from scrobbler.sender.backoff import SCHEDULE_S, retry_after_s
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.errors import HaltAll, NotLinked, RetryLater
from scrobbler.store import outbox
from scrobbler.store.database import Connection, StorageError
from tests.kit.virtual import EDGES, LENGTH_MS, OTHER, House, Script, run_down, second_look

pytestmark = pytest.mark.anyio
AWAY = RetryLater("Simkl does not answer", after_s=None, cause="network")
LOST = RetryLater("the answer got lost", after_s=None, cause="network", maybe_done=True)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running house with one account."""
    made = await House(tmp_path).open()
    made.serve()
    yield made
    await made.crash()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[House]:
    """A running house with two accounts in front of every player."""
    made = await House(tmp_path, "alice", "bob").open()
    made.serve()
    yield made
    await made.crash()


async def finish(house: House) -> None:
    """Watch the film to its end, in one go."""
    await house.hear("play", 0)
    await house.pass_time(2)
    await house.watch(0, 95, every_s=60)
    await house.hear("stop", 95)


async def test_a_plain_watch_costs_two_calls(house: House) -> None:
    """Rule 1: start and stop; ticks and the passing of time add nothing."""
    await finish(house)
    await house.pass_time(3600)
    assert house.simkl.told == [("start", "Sintel (2010)", 0.0), ("stop", "Sintel (2010)", 95.0)]
    assert await house.outcomes() == [("Sintel (2010)", "settled", "watched")]


async def test_one_pause_makes_four(house: House) -> None:
    """Rule 1: start, pause, start, stop."""
    await house.hear("play", 0)
    await house.watch(0, 30, every_s=60)
    await house.hear("pause", 30)
    await house.pass_time(600)
    await house.hear("play", 30)
    await house.watch(30, 95, every_s=60)
    await house.hear("stop", 95)
    await house.pass_time(60)
    assert [one[0] for one in house.simkl.told] == ["start", "pause", "start", "stop"]


async def test_a_flap_sends_nothing(house: House) -> None:
    """Rule 6: a pause, or even a stop, that is taken back within the settle time never reaches Simkl."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    await house.pass_time(0.5)
    await house.hear("play", 20)
    await house.pass_time(30)
    await house.hear("stop", 20.5)
    await house.pass_time(0.5)
    await house.hear("play", 20.5)
    await house.pass_time(30)
    assert [one[0] for one in house.simkl.told] == ["start"]
    assert await house.outcomes() == [("Sintel (2010)", "settled", "continued in p2")]


async def test_the_latest_position_of_a_play_that_goes_on_elsewhere(house: House) -> None:
    """Rule 2: when a play that went on in another one is hidden, Simkl is told where the continuation was."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("stop", 20)
    await house.hear("play", 20)
    await house.watch(20, 40, every_s=60)
    await house.engine.hide("alice")
    await house.pass_time(5)
    assert house.simkl.told[1:] == [("pause", "Sintel (2010)", 40.0)]


async def test_retries_come_by_the_schedule(house: House) -> None:
    """contract.md 1.6: 2, 4, 8, 15, 30 s, then minutes, and never more than five of them; jitter only shortens."""
    house.simkl.down = AWAY
    house.traits = EDGES
    await house.hear("play", 0)
    await house.pass_time(3600)
    times = [call.mono_ms for call in house.simkl.tries]
    waits = [(after - before) / 1000 for before, after in pairwise(times)]
    schedule = [2, 4, 8, 15, 30, 60, 120, 240]
    expected = [*schedule, *([300] * (len(waits) - len(schedule)))]
    assert len(waits) > len(schedule) + 3
    assert sum(expected[:4]) < 30
    for wait, most in zip(waits, expected, strict=True):
        assert most * 0.9 - 0.01 <= wait <= most + 0.01


def test_jitter_never_lengthens_a_wait() -> None:
    """The schedule is the most that a retry waits."""
    random = Random(3)
    waits = [retry_after_s(failures, random) for failures in range(1, 60)]
    assert all(wait <= SCHEDULE_S[min(n, len(SCHEDULE_S) - 1)] for n, wait in enumerate(waits))
    assert len(set(waits[20:])) > 20


async def test_the_first_success_wakes_everybody(pair: House) -> None:
    """contract.md 1.6: when Simkl answers one account again, the other does not wait any longer."""
    pair.simkl.down = AWAY
    pair.traits = EDGES
    await pair.hear("play", 0)
    await pair.pass_time(900)
    pair.simkl.down = None
    at = pair.clock.now().mono_ms
    await pair.pass_time(301)
    first, second = (call for call in pair.simkl.calls if call.mono_ms >= at)
    assert {first.account, second.account} == {"alice", "bob"}
    assert second.mono_ms - first.mono_ms <= 1
    assert pair.senders["alice"].status.waits_for == ""
    assert pair.senders["alice"].status.failures == 0


async def test_a_wait_that_simkl_asks_for_is_kept(pair: House) -> None:
    """Rule 16: the day's allowance is over until midnight, whatever happens; the other account goes on."""
    pair.simkl.script = [Script(RetryLater("used up", after_s=7200, cause="quota"))]
    await pair.hear("play", 0)
    at = pair.clock.now().mono_ms
    await pair.pass_time(600)
    await pair.hear("pause", 10)
    pair.line.works()
    await pair.pass_time(6000)
    waiting = pair.senders["alice"].status
    assert waiting.waits_for == "used up"
    assert [call.action for call in pair.simkl.tries if call.account == "alice"] == ["start"]
    assert [call.action for call in pair.simkl.calls if call.account == "bob"] == ["start", "pause"]
    await pair.pass_time(1000)
    again = [call for call in pair.simkl.calls if call.account == "alice"]
    assert again == []  # the pause is too old to be of use by then, and no start was ever told
    assert pair.clock.now().mono_ms - at > 7200_000
    assert pair.senders["alice"].status.waits_for == ""


async def test_a_block_halts_everybody(pair: House) -> None:
    """412: no account sends anything until it is over, not even after another's success that was under way."""
    pair.simkl.script = [Script(HaltAll("blocked", after_s=300, cause="block"))]
    await pair.hear("play", 0)
    at = pair.clock.now().mono_ms
    sent = len(pair.simkl.tries)
    await pair.pass_time(200)
    pair.line.works()
    await pair.hear("pause", 10)
    await pair.pass_time(90)
    assert len(pair.simkl.tries) == sent
    await pair.pass_time(60)
    after = pair.simkl.tries[sent:]
    assert after
    assert all(call.mono_ms >= at + 300_000 for call in after)


async def test_a_block_stops_who_waits_for_a_turn(pair: House) -> None:
    """A sender that was waiting for its turn when the block came writes no attempt and sends nothing."""
    gate = asyncio.Event()

    async def waiting() -> None:
        await gate.wait()

    pair.simkl.waiting = waiting
    await pair.hear("play", 0)
    pair.line.halt(pair.clock.now().mono_ms + 60_000, "blocked")
    gate.set()
    await run_down()
    assert pair.simkl.tries == []
    assert second_look(pair.path, "SELECT count(*) FROM attempts") == [(0,)]


async def test_not_linked_parks_and_resumes(house: House) -> None:
    """Without a link one attempt is made, and no more until somebody links; nothing is lost."""
    house.simkl.down = NotLinked("not linked")
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    await house.hear("stop", 95)
    await house.pass_time(3600)
    assert len(house.simkl.tries) == 1
    status = house.senders["alice"].status
    assert (status.linked, status.waits_for) == (False, "not linked: not linked")
    house.simkl.down = None
    house.line.works()
    await run_down()
    assert len(house.simkl.tries) == 1
    house.senders["alice"].hurry()
    await run_down()
    assert house.simkl.told == [("history", "Sintel (2010)", 1.0)]
    assert house.senders["alice"].status.linked


async def test_the_attempt_is_in_the_file_before_the_request(house: House) -> None:
    """Attempts: a second connection sees the attempt while the request is being made, and its end afterwards."""
    seen: list[object] = []
    query = "SELECT action, about, done_utc_ms IS NULL FROM attempts"
    house.simkl.before = lambda _call: seen.append(second_look(house.path, query)[-1])
    await finish(house)
    assert seen == [("start", "p1", 1), ("stop", "p1", 1)]
    assert second_look(house.path, query) == [("start", "p1", 0), ("stop", "p1", 0)]


async def test_a_late_completion_becomes_history(house: House) -> None:
    """contract.md 1.6: not delivered within a minute, a watch is written with the time at which it happened."""
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    house.simkl.down = AWAY
    await house.hear("stop", 95)
    ended = house.clock.now().utc_ms
    await house.pass_time(600)
    house.simkl.down = None
    await house.pass_time(301)
    assert house.simkl.told[1:2] == [("history", "Sintel (2010)", 1.0)]
    assert house.simkl.history_rows == [("alice", "Sintel (2010)", ended)]
    assert house.simkl.playing == {}
    assert [one for _, _, one in await house.outcomes()] == ["watched"]


async def test_a_completion_within_the_minute_is_told_live(house: House) -> None:
    """Retries within the minute repeat the stop; that it had arrived already is success, and counts once."""
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    house.simkl.script = [Script(LOST, takes_effect=True), Script(AWAY)]
    await house.hear("stop", 95)
    await house.pass_time(60)
    assert [call.action for call in house.simkl.tries] == ["start", "stop", "stop", "stop"]
    assert len(house.simkl.history_rows) == 1
    assert await house.outcomes() == [("Sintel (2010)", "settled", "watched")]


async def test_a_lost_pause_is_said_again(house: House) -> None:
    """Rule 9: while nobody knows whether the pause arrived, the start may dangle; so it is repeated."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    house.simkl.script = [Script(LOST)]
    await house.hear("pause", 20)
    await house.pass_time(10)
    assert house.simkl.told == [("start", "Sintel (2010)", 0.0), ("pause", "Sintel (2010)", 20.0)]
    assert house.simkl.playing == {}


async def test_a_rewatch_is_asked_for_until_it_may_have_arrived(house: House) -> None:
    """Rule 15: after a request that surely failed the wish stands, after one that may have arrived it does not."""
    house.accounts = [replace(house.accounts[0], rewatch=True)]
    await house.hear("play", 0)
    await house.watch(0, 95, every_s=60)
    house.simkl.script = [Script(AWAY), Script(LOST)]
    await house.hear("stop", 95)
    await house.pass_time(30)
    assert [call.rewatch for call in house.simkl.tries if call.action == "stop"] == [True, True, False]


async def test_one_accounts_trouble_is_not_the_others(pair: House) -> None:
    """Each account has its own sender: one that hangs holds nobody up."""
    pair.simkl.script = [Script(hang=True)]
    await pair.hear("play", 0)
    await pair.watch(0, 95, every_s=60)
    await pair.hear("stop", 95)
    await pair.pass_time(30)
    finished = [call.account for call in pair.simkl.calls]
    assert len(finished) == 2
    assert len(set(finished)) == 1


async def test_a_refused_title_is_told_once(house: House) -> None:
    """A start that Simkl does not know is not repeated, nor its pauses; the watch goes to review."""
    house.simkl.unknown = {"Sintel (2010)"}
    await house.hear("play", 0)
    await house.watch(0, 30, every_s=60)
    await house.hear("pause", 30)
    await house.pass_time(60)
    await house.hear("play", 30)
    await house.watch(30, 95, every_s=60)
    assert len(house.simkl.tries) == 1
    await house.hear("stop", 95)
    await house.pass_time(60)
    assert [call.action for call in house.simkl.tries] == ["start", "stop"]
    assert [(state, text) for _, state, text in await house.outcomes()] == [
        ("review", "Simkl does not know Sintel (2010)")
    ]


@pytest.mark.parametrize("late", [False, True])
async def test_a_title_that_simkl_has_learnt_is_shown_again(house: House, late: bool) -> None:  # noqa: FBT001
    """Refused at its start, known at its end, live or as history: the next play of it is remote."""
    house.traits = EDGES
    house.simkl.unknown = {"Sintel (2010)"}
    await house.hear("play", 0)
    await house.pass_time(95 * 60)
    house.simkl.unknown = set()
    house.simkl.down = AWAY if late else None
    await house.hear("stop", 95)
    await house.pass_time(60)
    house.simkl.down = None
    await house.pass_time(400)
    assert house.simkl.calls[-1].action == ("history" if late else "stop")
    await house.hear("play", 0)
    await house.pass_time(2)
    assert house.simkl.told[-1] == ("start", "Sintel (2010)", 0.0)


async def owe_past(house: House, count: int) -> list[str]:
    """Owe watches of days ago, the youngest first."""
    now = house.clock.now().utc_ms
    titles = [f"Film {number}" for number in range(count)]

    def work(connection: Connection) -> None:
        for number, title in reversed(list(enumerate(titles))):
            fact = Fact(
                play=f"p{1000 + number}",
                part=0,
                account="alice",
                work_id=number,
                work=Movie(title=title),
                kind="watched",
                progress=95.0,
                at_utc_ms=now - (count - number) * 3_600_000,
                runtime_ms=LENGTH_MS,
                live=False,
            )
            outbox.enqueue(connection, fact, now)

    await house.database.write(work)
    return titles


async def test_what_piled_up_goes_in_batches_oldest_first(house: House) -> None:
    """Rule 12: sixty late watches are two requests, in the order of watching."""
    titles = await owe_past(house, 60)
    house.senders["alice"].wake()
    await run_down()
    assert [call.progress for call in house.simkl.calls] == [50, 10]
    assert [title for _, title, _ in house.simkl.history_rows] == titles


async def test_one_bad_watch_takes_no_other_with_it(house: House) -> None:
    """A batch that Simkl refuses is halved until the bad watch stands alone; the others are written, each once."""
    titles = await owe_past(house, 60)
    house.simkl.unwritable = {titles[33]}
    house.senders["alice"].wake()
    await run_down(2000)
    assert sorted(title for _, title, _ in house.simkl.history_rows) == sorted(set(titles) - {titles[33]})
    review = [one for one in await house.outcomes() if one[1] != "settled"]
    assert review == [(titles[33], "review", "400 wrong_parameter")]
    assert len(house.simkl.tries) < 30


async def test_what_simkl_does_not_know_goes_to_review(house: House) -> None:
    """Of a batch only the unknown titles wait for a decision."""
    titles = await owe_past(house, 3)
    house.simkl.unknown = {titles[1]}
    house.senders["alice"].wake()
    await run_down()
    states = {title: state for title, state, _ in await house.outcomes()}
    assert states == {"Film 0": "settled", "Film 1": "review", "Film 2": "settled"}


async def test_a_start_of_what_history_does_not_know_is_paused(house: House) -> None:
    """Rule 9: a watch that was not taken ends its start by a pause; a stop at 100 would make it one after all."""
    house.traits = EDGES
    await house.hear("play", 0)
    await house.pass_time(95 * 60)
    house.simkl.down = AWAY
    await house.hear("stop", 95)
    await house.pass_time(40)
    house.simkl.down = None
    house.simkl.unknown = {"Sintel (2010)"}
    house.simkl.before = lambda call: None if call.action == "history" else house.simkl.unknown.clear()
    await house.pass_time(60)
    assert [call.short for call in house.simkl.calls[1:]] == [
        ("history", "Sintel (2010)", 1),
        ("pause", "Sintel (2010)", 95.0),
    ]
    assert house.simkl.history_rows == []


async def test_watched_below_eighty(house: House) -> None:
    """Rule 3: a stop, a history write, and the saved position that the stop left goes away; all of it once."""
    house.accounts = [replace(house.accounts[0], movie_percent=60)]
    await house.hear("play", 0)
    await house.watch(0, 70, every_s=60)
    await house.hear("stop", 70)
    await house.pass_time(600)
    assert [one[0] for one in house.simkl.told] == ["start", "stop", "history", "delete"]
    assert house.simkl.told[-1][2] == 7
    assert house.simkl.saved == {}
    assert await house.outcomes() == [("Sintel (2010)", "settled", "watched")]


async def test_watched_above_eighty_only(house: House) -> None:
    """Rule 3: left between Simkl's 80 and the account's own percentage is a pause, never a stop."""
    house.accounts = [replace(house.accounts[0], movie_percent=95)]
    await house.hear("play", 0)
    await house.watch(0, 90, every_s=60)
    await house.hear("stop", 90)
    await house.pass_time(600)
    assert house.simkl.told[1:] == [("pause", "Sintel (2010)", 90.0)]
    assert house.simkl.history_rows == []


async def test_a_verdict_that_comes_while_the_stop_is_away(house: House) -> None:
    """A watch that takes over while "left" is being told is not settled by that answer: it is told as well."""
    await house.hear("play", 0)
    await house.watch(0, 50, every_s=60)
    house.simkl.script = [Script(LOST, takes_effect=True, hang=False)]
    late = house.heard("watched", 50)
    said: list[asyncio.Task[None]] = []

    def on_request(call: object) -> None:
        if not said:
            said.append(asyncio.ensure_future(house.engine.hear(late)))

    house.simkl.script = []
    house.simkl.before = on_request
    await house.hear("stop", 50)
    await house.pass_time(120)
    assert house.simkl.told[1] == ("stop", "Sintel (2010)", 50.0)
    assert house.simkl.history_rows
    assert [(state, text) for _, state, text in await house.outcomes()] == [("settled", "watched")]


async def test_nothing_is_asked_while_nothing_changes(house: House) -> None:
    """No busy loop: an hour of ticks costs the sender a look now and then, an hour of silence none."""
    sender = house.senders["alice"]
    looks = 0
    real = sender.deliver_once

    async def counted() -> int | None:
        nonlocal looks
        looks += 1
        return await real()

    sender.deliver_once = counted  # type: ignore[method-assign]
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    await house.pass_time(10)
    looks = 0
    await house.pass_time(3600)
    assert looks <= 1


async def test_no_more_than_one_write_is_in_flight(pair: House) -> None:
    """Rule 16: per account one request at a time, whatever comes in meanwhile."""
    await pair.hear("play", 0)
    for at in range(1, 30):
        await pair.engine.hear(pair.heard("pause" if at % 2 else "play", at))
        await pair.pass_time(1.5)
    await pair.engine.hear(pair.heard("play", 30, OTHER))
    await pair.pass_time(10)
    assert pair.simkl.most_in_flight <= 2
    for account in ("alice", "bob"):
        times = [call.mono_ms for call in pair.simkl.calls if call.account == account]
        assert times == sorted(times)


async def test_the_allowance_keeps_a_reserve(house: House) -> None:
    """Rule 16: below a tenth of the day's calls nothing starts; the watch is told."""
    house.simkl.allowances["alice"] = Allowance(limit=500, remaining=50, resets_utc_ms=0)
    await finish(house)
    await house.pass_time(60)
    assert [one[0] for one in house.simkl.told] == ["stop"]


async def test_one_call_above_the_reserve_is_free(house: House) -> None:
    """Rule 16: the reserve is a tenth, and no more."""
    house.simkl.allowances["alice"] = Allowance(limit=500, remaining=51, resets_utc_ms=0)
    await house.hear("play", 0)
    await house.pass_time(2)
    assert [one[0] for one in house.simkl.told] == ["start"]


async def test_leaving_says_the_pause_at_once(house: House) -> None:
    """Rule 9: at the end of the daemon the start is paused without any time passing."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.engine.lose_contact()
    before = house.clock.now()
    await house.senders["alice"].leave()
    assert house.simkl.told[-1] == ("pause", "Sintel (2010)", 20.0)
    assert house.clock.now() == before


async def test_leaving_waits_for_no_settling(house: House) -> None:
    """Rule 9: a pause of half a second ago is not kept back for fear of a flap."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    await house.hear("pause", 20)
    await house.engine.lose_contact()
    await house.senders["alice"].leave()
    assert house.simkl.playing == {}


async def test_flush_returns_when_there_is_more_to_do(house: House) -> None:
    """`flush` delivers what it can, and says when to come back: None where nothing waits."""
    sender = house.senders["alice"]
    assert await sender.flush() is None
    house.simkl.down = AWAY
    await house.hear("play", 0)
    until = await sender.flush()
    assert until is not None
    assert until > house.clock.now().mono_ms


async def test_storage_that_refuses_holds_the_courier_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store takes nothing no request is made, since no attempt could be written down."""

    async def refuse(_work: object) -> None:
        raise StorageError("the disk is full")

    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    sent = len(house.simkl.tries)
    await house.engine.hear(house.heard("pause", 20))
    monkeypatch.setattr(house.database, "write", refuse)
    await house.pass_time(3)
    assert len(house.simkl.tries) == sent
    monkeypatch.undo()
    await house.pass_time(10)
    assert house.simkl.told[-1] == ("pause", "Sintel (2010)", 20.0)


async def test_the_journal_tells_what_was_sent(house: House) -> None:
    """Rule 17: what was sent, and what Simkl said to it, stands in the play's own journal."""
    await finish(house)
    lines = await house.rows("SELECT text FROM journal WHERE about = 'p1' AND step = 'sent' ORDER BY id")
    assert lines == [
        ("start Sintel (2010) at 0 % (it plays); Simkl answered start",),
        ("stop Sintel (2010) at 95 % (watched); Simkl answered scrobble",),
    ]


async def test_a_film_of_the_next_evening(house: House) -> None:
    """Rule 7 and 8: the next item closes the old one first, and what plays now is the newer one's."""
    await house.hear("play", 0)
    await house.watch(0, 30, every_s=60)
    await house.hear("play", 0, OTHER)
    await house.pass_time(5)
    assert house.simkl.told[1:] == [("stop", "Sintel (2010)", 30.0), ("start", "Big Buck Bunny (2008)", 0.0)]
    assert house.simkl.playing == {"alice": "Big Buck Bunny (2008)"}


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("reached", [30, 95])
async def test_what_plays_beneath_a_lost_start_is_ended(house: House, reached: int, arrived: bool, crash: bool) -> None:  # noqa: FBT001
    """Rule 9: a start was to take another title's place and its answer is lost: neither goes on showing, whichever it is."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    house.simkl.script = [Script(LOST, takes_effect=arrived)] * 3
    await house.hear("play", 0, OTHER, player="bedroom")
    await house.watch(0, 20, OTHER, player="bedroom", every_s=60)
    house.simkl.script = []
    if crash:
        await house.restart()
    await house.watch(20, reached, OTHER, player="bedroom", every_s=60)
    await house.hear("stop", reached, OTHER, player="bedroom")
    await house.pass_time(60)
    assert house.simkl.playing == {}
    assert house.simkl.saved["alice"]["Sintel (2010)"] == 20
    watched = [title for _, title, _ in house.simkl.history_rows]
    assert watched == (["Big Buck Bunny (2008)"] if reached > 80 else [])


async def test_what_was_watched_beneath_a_lost_start(house: House) -> None:
    """The title before it is watched to its end while the fate of the start is unknown: once, and it shows no more."""
    await house.hear("play", 0)
    await house.watch(0, 60, every_s=60)
    house.simkl.down = LOST
    await house.hear("play", 0, OTHER, player="bedroom")
    await house.watch(60, 95, every_s=60)
    await house.hear("stop", 95)
    await house.hear("gone", None, OTHER, player="bedroom")
    await house.pass_time(600)
    house.simkl.down = None
    await house.pass_time(600)
    assert house.simkl.playing == {}
    assert [title for _, title, _ in house.simkl.history_rows] == ["Sintel (2010)"]


async def test_a_start_that_is_lost_for_long_does_not_count_its_own_title(house: House) -> None:
    """Rule 8: Simkl counts on from the start it knows; it is told where the play is before it is told that it goes on."""
    await house.hear("play", 0)
    await house.watch(0, 20, every_s=60)
    house.simkl.down = LOST
    await house.hear("pause", 20)
    await house.pass_time(5)
    await house.hear("play", 20)
    await house.watch(20, 73, every_s=60)
    house.simkl.down = None
    await house.watch(73, 79, every_s=60)
    told = [one[0] for one in house.simkl.told]
    assert told == ["start", "pause", "start"]


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("away_s", [None, 1, 120])
async def test_a_lost_stop_below_eighty_leaves_no_saved_position(
    house: House,
    away_s: float | None,
    arrived: bool,  # noqa: FBT001
) -> None:
    """Rule 3: of a position whose id got lost with the answer, or with us, the id is asked for by saying it again."""
    house.accounts = [replace(house.accounts[0], movie_percent=60)]
    await house.hear("play", 0)
    await house.watch(0, 70, every_s=60)
    house.simkl.script = [Script(LOST, takes_effect=arrived)]
    await house.hear("stop", 70)
    await house.pass_time(0.5)
    if away_s is not None:
        await house.crash()
        await house.pass_time(away_s)
        await house.open()
        house.serve()
    await house.pass_time(600)
    assert house.simkl.saved.get("alice", {}) == {}
    assert [title for _, title, _ in house.simkl.history_rows] == ["Sintel (2010)"]
    assert await house.outcomes() == [("Sintel (2010)", "settled", "watched")]


async def test_a_lost_stop_is_not_said_again_over_a_newer_play(house: House) -> None:
    """Rule 12: who watches the same title on gets no older position in its place."""
    house.accounts = [replace(house.accounts[0], movie_percent=60)]
    await house.hear("play", 0)
    await house.watch(0, 70, every_s=60)
    house.simkl.down = LOST
    await house.hear("stop", 70)
    await house.pass_time(40)
    await house.hear("play", 5, player="bedroom")
    house.simkl.down = None
    await house.pass_time(60)
    assert [one[0] for one in house.simkl.told] == ["start", "history", "start"]
