"""The client against the sandbox over a socket: scrobbles, locks, quota, faults (simkl-api.md 12)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from scrobbler.api import Episode, Ids, Movie, Show, Work
from scrobbler.simkl.errors import HaltAll, NoMatch, NotLinked, RetryLater
from scrobbler.simkl.payloads import Watch
from tests.simkl.conftest import House

pytestmark = pytest.mark.anyio
MATRIX = Movie(title="The Matrix", year=1999, ids=Ids(imdb="tt0133093"))
BAD = Episode(show=Show(title="Breaking Bad", year=2008, ids=Ids(tvdb="81189")), season=2, number=5)
TITAN = Show(title="Attack on Titan", ids=Ids(tvdb="267440"))


async def test_a_plain_watch(house: House):
    """Start and stop: two calls, one watch, and replies that name the title."""
    await house.link("alice")
    started = await house.simkl.scrobble("alice", "start", BAD, 0)
    house.clock.move(2700)
    stopped = await house.simkl.scrobble("alice", "stop", BAD, 96.4)
    assert (started.action, started.playback_id, stopped.action) == ("start", 0, "scrobble")
    assert stopped.playback_id > 0
    assert not stopped.doubt
    assert [row.source for row in house.sandbox.history("alice")]
    assert house.posts("/scrobble") == [("/scrobble/start", 201), ("/scrobble/stop", 201)]
    counters = house.sandbox.counters()
    assert (counters.missing_app_name, counters.missing_app_version, counters.missing_user_agent) == (0, 0, 0)


async def test_just_below_the_threshold_is_saved(house: House):
    """79.999 % is sent as 79.99 and saved, not watched; the saved position can be deleted, twice."""
    await house.link("alice")
    reply = await house.simkl.scrobble("alice", "stop", MATRIX, 79.999)
    assert reply.action == "pause"
    assert house.sandbox.history("alice") == []
    assert [saved.id for saved in house.sandbox.playbacks("alice")] == [reply.playback_id]
    await house.simkl.delete_playback("alice", reply.playback_id)
    await house.simkl.delete_playback("alice", reply.playback_id)
    assert house.sandbox.playbacks("alice") == []


@pytest.mark.parametrize("error", ["absent", "already_watched"])
@pytest.mark.parametrize("times", ["utc", "offset"])
async def test_a_second_stop_is_already_done(house: House, error: str, times: str):
    """409 is success in every spelling, and leaves one watch."""
    house.sandbox.switch(conflict_error=error, conflict_times=times)
    await house.link("alice")
    await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    reply = await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert reply.already
    assert reply.watched_at is not None
    assert abs(reply.watched_at.timestamp() * 1000 - house.clock.now().utc_ms) < 5000
    assert len(house.sandbox.history("alice")) == 1


async def test_anime_by_tvdb_and_by_its_own_catalogue_is_one_episode(house: House):
    """TVDB's season 3, episode 14, and AniDB's second part, episode 2, are the same watch, both without doubt."""
    await house.link("alice")
    by_tvdb = await house.simkl.scrobble("alice", "stop", Episode(show=TITAN, season=3, number=14), 95)
    part = Show(title="Attack on Titan Season 3 Part 2", ids=Ids(anidb="14444", tvdb="267440"))
    native = await house.simkl.scrobble("alice", "stop", Episode(show=part, season=1, number=2, native=True), 95)
    assert not by_tvdb.doubt
    assert native.already
    assert len(house.sandbox.history("alice")) == 1


async def test_what_simkl_matched_can_be_sent_back(house: House):
    """The work that a reply names leads to the same item again, also for anime."""
    await house.link("alice")
    for work in (MATRIX, BAD, Episode(show=TITAN, season=3, number=14)):
        first = await house.simkl.scrobble("alice", "stop", work, 95)
        assert first.matched is not None
        assert (await house.simkl.scrobble("alice", "stop", first.matched, 95)).already


async def test_a_stale_episode_id_falls_back_to_the_numbers(house: House):
    """A series known by name, with an episode id that Simkl does not know, is still found by season and number."""
    await house.link("alice")
    work = Episode(show=Show(title="Breaking Bad"), season=2, number=5, ids=Ids(tvdb="1"))
    reply = await house.simkl.scrobble("alice", "stop", work, 95)
    assert reply.action == "scrobble"
    assert house.posts("/scrobble") == [("/scrobble/stop", 404), ("/scrobble/stop", 201)]


async def test_an_unknown_title_is_no_match(house: House):
    """What Simkl does not know is told as such."""
    await house.link("alice")
    with pytest.raises(NoMatch):
        await house.simkl.scrobble("alice", "stop", Movie(title="No Such Film", year=1901), 95)


async def test_a_history_batch_keeps_times_and_names_the_lost(house: House):
    """Films, series and anime in one write, each at its own time; what Simkl does not know is told by its place."""
    await house.link("alice")
    works: list[Work] = [
        MATRIX,
        Movie(title="No Such Film", ids=Ids(imdb="tt0000001")),
        BAD,
        Episode(show=BAD.show, season=2, number=6),
        Episode(show=BAD.show, season=2, number=99),
        Episode(show=TITAN, season=3, number=14),
        Episode(show=Show(title="Mob Psycho 100 II", ids=Ids(mal="37510")), number=3, native=True),
        Episode(show=Show(title="No Such Show"), season=1, number=1),
    ]
    at = house.clock.now().utc_ms // 1000 * 1000 - 86_400_000
    watches = [Watch(work=work, at_utc_ms=at + index * 60_000) for index, work in enumerate(works)]
    reply = await house.simkl.history("alice", watches)
    assert reply.not_found == {1, 4, 7}
    rows = house.sandbox.history("alice")
    assert len(rows) == 5
    titles = {(row.title, row.season, row.number) for row in rows}
    assert ("Attack on Titan Season 3 Part 2", 1, 2) in titles
    assert ("Mob Psycho 100 II", 1, 3) in titles
    assert await house.simkl.history("alice", watches[:1]) is not None
    assert len(house.sandbox.history("alice")) == 5


async def test_a_full_batch_passes(house: House):
    """Fifty watches in one write become fifty rows, and no season is marked as a whole."""
    await house.link("alice")
    show = Show(title="Friends", ids=Ids(tvdb="79168"))
    works = [Episode(show=show, season=1 + index // 20, number=1 + index % 20) for index in range(50)]
    reply = await house.simkl.history("alice", [Watch(work=work, at_utc_ms=house.clock.now().utc_ms) for work in works])
    assert reply.not_found == frozenset()
    assert len(house.sandbox.history("alice")) == 50


async def test_many_writers_make_no_trouble(house: House):
    """Twelve writes at once of one account: never two in a second, never two in flight, no refusal."""
    await house.link("alice")
    show = Show(title="Friends", ids=Ids(tvdb="79168"))
    works = [Episode(show=show, season=1, number=number) for number in range(1, 13)]
    await asyncio.gather(*(house.simkl.scrobble("alice", "stop", work, 95) for work in works))
    assert house.sandbox.counters().parallel_writes == 1
    assert {status for _, status in house.posts()} == {201}
    assert len(house.sandbox.history("alice")) == 12


async def test_v1_accounts_share_their_pace(house: House):
    """In AUTH V1 two accounts that write at once stay within one POST a second of the client_id."""
    for name in ("alice", "bob"):
        await house.link(name, client_id="sandbox-v1")
    simkl = house.client("sandbox-v1")
    await asyncio.gather(*(simkl.scrobble(name, "stop", MATRIX, 95) for name in ("alice", "bob")))
    first, second = (call.at_ms for call in house.sandbox.calls(path_prefix="/scrobble"))
    assert second - first >= 1000
    assert {status for _, status in house.posts()} == {201}


async def _settled(house: House, write: Callable[[], Awaitable[object]]) -> None:
    for _ in range(3):
        try:
            await write()
        except RetryLater as error:
            house.clock.move({"busy": error.after_s}[error.cause] or 0)
        else:
            return
    raise AssertionError("still busy after three tries")


@pytest.mark.parametrize("lock", ["wait", "spacing"])
async def test_both_readings_of_the_lock_are_passed(house: House, lock: str):
    """Start, pause, start, stop in quick succession all land, whichever way the lock works; at most one refusal each."""
    house.sandbox.switch(lock=lock)
    await house.link("alice")
    for action, progress in (("start", 0), ("pause", 10), ("start", 10), ("stop", 95)):
        await _settled(house, lambda a=action, p=progress: house.simkl.scrobble("alice", a, MATRIX, p))  # type: ignore[misc]
    assert len(house.sandbox.history("alice")) == 1
    refused = [status for _, status in house.posts("/scrobble") if status == 400]
    assert len(refused) == (0 if lock == "wait" else 3)


async def test_the_allowance_is_told_and_ends(house: House):
    """The headers' numbers arrive; at zero the refusal says to wait until midnight in New York."""
    await house.link("alice")
    house.sandbox.quota("alice", 3)
    await house.simkl.settings("alice")
    assert house.simkl.allowance("alice").remaining is None
    await house.simkl.settings("alice")
    known = house.simkl.allowance("alice")
    assert (known.limit, known.remaining) == (500, 1)
    await house.simkl.settings("alice")
    assert house.simkl.allowance("alice").remaining == 0
    with pytest.raises(RetryLater) as caught:
        await house.simkl.settings("alice")
    assert caught.value.cause == "quota"
    assert caught.value.after_s is not None
    wait_ms = known.resets_utc_ms - house.clock.now().utc_ms
    assert 0 <= caught.value.after_s * 1000 - wait_ms <= 310_000
    house.clock.move(caught.value.after_s)
    await house.simkl.settings("alice")


async def test_the_allowance_of_v1_is_unknown(house: House):
    """AUTH V1 has no such headers; its refusal for the day is understood all the same."""
    house.sandbox.switch(v1_daily_limit=1)
    await house.link("alice", client_id="sandbox-v1")
    simkl = house.client("sandbox-v1")
    await simkl.settings("alice")
    assert simkl.allowance("alice").limit is None
    with pytest.raises(RetryLater) as caught:
        await simkl.settings("alice")
    assert (caught.value.cause, caught.value.code) == ("quota", "app_limit_exceeded")
    assert simkl.allowance("alice").remaining == 0


async def test_a_block_is_waited_out(house: House):
    """A 412 keeps every call back for its time; after that the write lands."""
    await house.link("alice")
    await house.simkl.settings("alice")
    house.sandbox.fault("status", status=412)
    with pytest.raises(HaltAll) as caught:
        await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert caught.value.cause == "block"
    seen = len(house.sandbox.calls())
    with pytest.raises(HaltAll):
        await house.simkl.settings("alice")
    assert len(house.sandbox.calls()) == seen
    house.clock.move(caught.value.after_s)
    assert (await house.simkl.scrobble("alice", "stop", MATRIX, 95)).action == "scrobble"


async def test_a_401_in_the_middle_is_healed(house: House):
    """A 401 in the middle of a play renews the link once, and the stop lands; the new token is on the disk."""
    before = await house.link("alice")
    await house.simkl.scrobble("alice", "start", MATRIX, 0)
    house.sandbox.fault("unauthorized", path="/scrobble/stop")
    assert (await house.simkl.scrobble("alice", "stop", MATRIX, 95)).action == "scrobble"
    after = house.grants.get("alice")
    assert after is not None
    assert after.access != before.access
    assert after.refresh == before.refresh


async def test_an_expired_token_is_renewed_before_use(house: House):
    """After six days the token is renewed before the next call, without a refusal; after half a year it is over."""
    await house.link("alice")
    house.clock.move(6 * 86_400 + 60)
    await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert [call.status for call in house.sandbox.calls()] == [200, 201]
    house.clock.move(200 * 86_400)
    with pytest.raises(NotLinked, match="half a year"):
        await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert not house.grants.linked("alice", "sandbox")


async def test_a_wrong_clock_is_survived(house: House):
    """With our clock a year behind the token's death is not foreseen; the 401 renews it."""
    await house.link("alice")
    house.clock.jump_ms = -365 * 86_400_000
    house.clock.move(8 * 86_400)
    assert (await house.simkl.scrobble("alice", "stop", MATRIX, 95)).action == "scrobble"


@pytest.mark.parametrize(("client_id", "generation"), [("sandbox", "V2"), ("sandbox-v1", "V1")])
async def test_a_withdrawn_link_parks_the_account(house: House, client_id: str, generation: str):
    """When the user withdraws the link at Simkl, the account is parked and makes no further call."""
    await house.link("alice", client_id=client_id)
    simkl = house.client(client_id)
    house.sandbox.revoke("alice")
    with pytest.raises(NotLinked):
        await simkl.scrobble("alice", "stop", MATRIX, 95)
    seen = len(house.sandbox.calls())
    with pytest.raises(NotLinked):
        await simkl.scrobble("alice", "stop", MATRIX, 95)
    assert len(house.sandbox.calls()) == seen


async def test_a_read_only_link_is_noticed(house: House):
    """A token that may only read is parked at the first write, with the reason."""
    await house.link("alice", scope="media:read")
    await house.simkl.settings("alice")
    with pytest.raises(NotLinked, match="only read"):
        await house.simkl.scrobble("alice", "stop", MATRIX, 95)


@pytest.mark.parametrize(
    ("kind", "options", "cause", "maybe_done"),
    [
        ("status", {"status": 500}, "server", True),
        ("status", {"status": 502}, "server", True),
        ("status", {"status": 503, "retry_after": 20}, "server", True),
        ("drop_before", {}, "network", True),
        ("drop_after", {}, "network", True),
        ("html", {"status": 200}, "server", True),
        ("html", {"status": 502}, "server", True),
        ("truncated", {}, "server", True),
    ],
)
async def test_no_fault_loses_or_doubles_a_watch(
    house: House,
    kind: str,
    options: dict[str, int],
    cause: str,
    maybe_done: bool,  # noqa: FBT001
):
    """Every fault on a stop is named, and the repeat leaves exactly one watch, by stop and by history alike."""
    await house.link("alice")
    house.sandbox.fault(kind, path="/scrobble", **options)  # type: ignore[arg-type]
    with pytest.raises(RetryLater) as caught:
        await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert (caught.value.cause, caught.value.maybe_done) == (cause, maybe_done)
    assert caught.value.after_s == options.get("retry_after")
    repeated = await house.simkl.scrobble("alice", "stop", MATRIX, 95)
    assert repeated.already is (kind in {"drop_after", "truncated"})
    house.sandbox.fault(kind, path="/sync", **options)  # type: ignore[arg-type]
    with pytest.raises(RetryLater):
        await house.simkl.history("alice", [Watch(work=BAD, at_utc_ms=house.clock.now().utc_ms)])
    await house.simkl.history("alice", [Watch(work=BAD, at_utc_ms=house.clock.now().utc_ms)])
    assert len(house.sandbox.history("alice")) == 2


async def test_a_slow_answer_is_waited_for(house: House):
    """An answer that takes 25 s is an answer: Simkl may hold a write 20 s for its lock."""
    await house.link("alice")
    house.sandbox.fault("slow", seconds=25, path="/scrobble")
    write = asyncio.ensure_future(house.simkl.scrobble("alice", "stop", MATRIX, 95))
    for _ in range(100):
        await asyncio.sleep(0.01)
    assert not write.done()
    house.clock.move(25)
    assert (await write).action == "scrobble"


async def test_nobody_there_is_surely_not_done(house: House, unused_port: int):
    """A refused connection means that nothing was done."""
    await house.link("alice")
    simkl = house.client("sandbox")
    simkl._calls._wire._base = f"http://127.0.0.1:{unused_port}"
    with pytest.raises(RetryLater) as caught:
        await simkl.scrobble("alice", "stop", MATRIX, 95)
    assert (caught.value.cause, caught.value.maybe_done) == ("network", False)


async def test_a_file_is_looked_up(house: House):
    """`/search/file` finds a film and an episode by name, and says nothing of what it does not know."""
    await house.link("alice")
    film = await house.simkl.search_file("alice", "Films/The Matrix (1999)/The Matrix (1999).mkv")
    assert isinstance(film, Movie)
    assert film.title == "The Matrix"
    episode = await house.simkl.search_file("alice", "Breaking Bad/Season 02/Breaking Bad - S02E05.mkv")
    assert isinstance(episode, Episode)
    assert (episode.season, episode.number) == (2, 5)
    assert await house.simkl.search_file("alice", "zzz/qqq.mkv") is None


async def test_a_rewatch_is_answered(house: House):
    """With the flag Simkl says what became of it: a first watch, then too soon."""
    house.sandbox.plan("alice", "pro")
    await house.link("alice")
    first = await house.simkl.scrobble("alice", "stop", MATRIX, 95, rewatch=True)
    house.clock.move(4000)
    again = await house.simkl.scrobble("alice", "stop", MATRIX, 95, rewatch=True)
    assert (first.rewatch_status, again.rewatch_status) == ("first_watch", "too_soon")
