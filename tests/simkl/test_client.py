"""The client against a scripted server on a clock of its own."""

import asyncio
import re
from collections.abc import Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog.testing

from scrobbler import __version__
from scrobbler.api import Episode, Ids, Movie, Show, Work
from scrobbler.api.testkit import FakeClock, settle
from scrobbler.simkl import history
from scrobbler.simkl.allowance import next_midnight_ms
from scrobbler.simkl.client import Action
from scrobbler.simkl.errors import HaltAll, NoMatch, NotLinked, Rejected, RetryLater, SimklError
from scrobbler.simkl.payloads import Watch
from tests.simkl.rig import CLIENT_ID, EPISODE, FILM, STARTED, WATCHED, Call, Rig, answer, error

pytestmark = pytest.mark.anyio
MINTED = {
    "access_token": "at-new",
    "refresh_token": "rt-alice",
    "expires_in": 604800,
    "scope": "media:read media:write",
    "token_type": "Bearer",
}


async def test_every_request_says_who_we_are(tmp_path: Path):
    """Each call carries client_id, app-name, app-version, User-Agent, and the account's own token."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link()
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    rig.script(answer(200, {"user": {"name": "Al"}, "account": {"id": 5, "type": "pro"}}))
    await rig.run(rig.simkl.settings("alice"))
    rig.script(answer(204))
    await rig.run(rig.simkl.delete_playback("alice", 9))
    assert [call.method for call in rig.calls] == ["POST", "GET", "DELETE"]
    assert rig.paths == ["/scrobble/start", "/users/settings", "/sync/playback/9"]
    for call in rig.calls:
        assert call.query == {"client_id": CLIENT_ID, "app-name": "scrobblerd", "app-version": __version__}
        assert call.headers["user-agent"] == f"scrobblerd/{__version__}"
        assert call.token == "at-alice"


async def test_a_stop_past_the_threshold_reads_as_watched(tmp_path: Path):
    """The reply tells action, playback id, progress, and what Simkl took it for."""
    data = {
        "id": 123456789012345,
        "action": "scrobble",
        "progress": 96.4,
        "show": {"title": "Example Show", "year": 2021, "ids": {"simkl": 700001, "slug": "x", "tvdb": "400001"}},
        "episode": {"season": 2, "number": 5, "title": "Example Title"},
    }
    rig = Rig(tmp_path, answer(201, data))
    await rig.link()
    reply = await rig.run(rig.simkl.scrobble("alice", "stop", EPISODE, 96.4))
    assert (reply.action, reply.playback_id, reply.progress) == ("scrobble", 123456789012345, 96.4)
    assert reply.matched == Episode(
        show=Show(title="Example Show", year=2021, ids=Ids(simkl=700001, tvdb="400001")),
        season=2,
        number=5,
        title="Example Title",
    )
    assert not reply.doubt
    assert not reply.already
    assert rig.calls[0].body["progress"] == 96.4


@pytest.mark.parametrize("extra", [{}, {"error": "already_watched"}])
@pytest.mark.parametrize("at", ["2026-10-02T18:40:11Z", "2026-10-02T13:40:11-05:00"])
async def test_a_409_is_success(tmp_path: Path, extra: dict[str, str], at: str):
    """Already recorded is success, with or without `error`, and the time is read with `Z` and with an offset."""
    rig = Rig(tmp_path, answer(409, {"watched_at": at, "expires_at": at, **extra}))
    await rig.link()
    reply = await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert reply.already
    assert reply.watched_at == datetime(2026, 10, 2, 18, 40, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "data", "doubt"),
    [
        (FILM, {"movie": {"title": "Example Film!", "ids": {}}}, ""),
        (FILM, {"movie": {"title": "Beispielfilm", "ids": {"imdb": "tt9000002"}}}, ""),
        (FILM, {"movie": {"title": "Wrong Film", "ids": {"imdb": "tt1"}}}, "'Example Film' for 'Wrong Film'"),
        (FILM, {"show": {"title": "S", "ids": {}}, "episode": {"number": 1}}, "an episode of 'S'"),
        (
            EPISODE,
            {"show": {"title": "Example Show", "ids": {}}, "episode": {"season": 2, "number": 6}},
            "season 2, episode 6",
        ),
        (
            EPISODE,
            {
                "anime": {"title": "Example Show 2nd", "ids": {"tvdb": "400001"}},
                "episode": {"season": 1, "number": 17, "tvdb_season": 2, "tvdb_number": 5},
            },
            "",
        ),
        (Movie(title="Ámelie"), {"movie": {"title": "Amelie", "ids": {}}}, ""),
    ],
)
async def test_a_wrong_match_is_noticed(tmp_path: Path, sent: Movie | Episode, data: dict[str, object], doubt: str):
    """What Simkl matched is compared with what was sent, by ids, title and number."""
    rig = Rig(tmp_path, answer(201, {"id": 1, "action": "pause", "progress": 5, **data}))
    await rig.link()
    reply = await rig.run(rig.simkl.scrobble("alice", "pause", sent, 5))
    assert doubt in reply.doubt
    assert bool(doubt) == bool(reply.doubt)


async def test_writes_of_an_account_are_spaced(tmp_path: Path):
    """However many want to write, one is in flight, and 1.1 s lie between the end of one and the next."""
    running: list[int] = []

    async def slow(call: Call) -> httpx.Response:
        running.append(len(running))
        assert len(running) == 1
        await rig.clock.sleep(0.4)
        running.pop()
        return answer(201, STARTED)

    rig = Rig(tmp_path, slow)
    await rig.link()
    await rig.run(_gather(*(rig.simkl.scrobble("alice", "start", FILM, n) for n in range(4))))
    moments = [call.mono_ms for call in rig.calls]
    assert all(later - earlier == 1500 for earlier, later in pairwise(moments))


async def test_accounts_do_not_wait_for_each_other_in_v2_but_in_v1(tmp_path: Path):
    """AUTH V2 paces each account by itself; in AUTH V1 all accounts of the client_id share one pace."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link("alice")
    await rig.link("bob", account_id=9999)
    await rig.run(_gather(*(rig.simkl.scrobble(who, "start", FILM, 0) for who in ("alice", "bob"))))
    assert rig.calls[0].mono_ms == rig.calls[1].mono_ms
    rig.clock.tick(5)
    rig.calls.clear()
    for who, number in (("alice", 1), ("bob", 2)):
        await rig.link(who, generation="V1", refresh="", refresh_utc_ms=0, account_id=number)
    await rig.run(_gather(*(rig.simkl.scrobble(who, "start", FILM, 0) for who in ("alice", "bob"))))
    assert rig.calls[1].mono_ms - rig.calls[0].mono_ms == 1100


async def test_a_turn_waits_before_it_is_entered(tmp_path: Path):
    """What is decided inside a turn is decided after the wait, and the write inside goes out at once."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link()
    entered: list[int] = []

    async def one() -> None:
        async with rig.simkl.turn("alice"):
            entered.append(rig.clock.now().mono_ms)
            # A task of its own, as `asyncio.wait_for` makes one, writes in the turn of its maker.
            await asyncio.create_task(rig.simkl.scrobble("alice", "start", FILM, 0))

    await rig.run(_gather(one(), one()))
    assert entered == [call.mono_ms for call in rig.calls]
    assert entered[1] - entered[0] == 1100


async def test_a_cancelled_turn_frees_the_lane(tmp_path: Path):
    """A write that is cancelled still counts as a write, and leaves the way free for the next."""

    async def never(call: Call) -> httpx.Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    rig = Rig(tmp_path, never)
    await rig.link()
    await rig.clock.advance(1.1)
    task = asyncio.ensure_future(rig.simkl.scrobble("alice", "start", FILM, 0))
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()
    rig.script(answer(201, STARTED))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert rig.calls[1].mono_ms - rig.calls[0].mono_ms == 1100


async def test_a_busy_lock_waits_from_the_last_accepted_write(tmp_path: Path):
    """RATE_LIMIT means: try 20.5 s after the last write that was taken, or may have been."""
    rig = Rig(tmp_path, answer(201, STARTED), error(400, "RATE_LIMIT"))
    await rig.link()
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    accepted = rig.clock.now().mono_ms
    await rig.clock.advance(4)
    with pytest.raises(RetryLater) as caught:
        await rig.run(rig.simkl.scrobble("alice", "pause", FILM, 1))
    assert caught.value.cause == "busy"
    assert not caught.value.maybe_done
    assert caught.value.after_s is not None
    assert rig.clock.now().mono_ms + caught.value.after_s * 1000 == accepted + 20_500


async def test_a_foreign_lock_waits_a_little(tmp_path: Path):
    """When no write of ours can be what holds the lock, another app does: a few seconds."""
    rig = Rig(tmp_path, error(400, "rate_limit"))
    await rig.link()
    with pytest.raises(RetryLater) as caught:
        await rig.run(rig.simkl.scrobble("alice", "pause", FILM, 1))
    assert caught.value.after_s == 5.0


@pytest.mark.parametrize(
    ("trouble", "maybe_done"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
    ],
)
async def test_a_broken_connection_says_whether_it_may_be_done(tmp_path: Path, trouble: Exception, maybe_done: bool):  # noqa: FBT001
    """What was never sent was never done; what was sent may have been, and holds the lock perhaps."""
    rig = Rig(tmp_path, trouble, error(400, "RATE_LIMIT"))
    await rig.link()
    with pytest.raises(RetryLater) as caught:
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert (caught.value.cause, caught.value.maybe_done, caught.value.after_s) == ("network", maybe_done, None)
    with pytest.raises(RetryLater) as caught:
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert (caught.value.after_s == 5.0) is not maybe_done


@pytest.mark.parametrize("status", [200, 201, 404, 403])
@pytest.mark.parametrize("raw", [b"<html>Sign in to the hotel</html>", b'{"id": 7, "action": "scro'])
async def test_what_is_no_json_is_no_answer(tmp_path: Path, status: int, raw: bytes):
    """A portal's page and a cut-off answer are neither success nor refusal."""
    rig = Rig(tmp_path, answer(status, raw=raw))
    await rig.link()
    for call in (
        rig.simkl.scrobble("alice", "stop", FILM, 95),
        rig.simkl.history("alice", [Watch(work=FILM, at_utc_ms=0)]),
    ):
        with pytest.raises(RetryLater) as caught:
            await rig.run(call)
        assert (caught.value.cause, caught.value.maybe_done) == ("server", True)


@pytest.mark.parametrize("data", [{}, [], None, {"status": "ok"}])
async def test_a_success_that_says_nothing_is_no_success(tmp_path: Path, data: object):
    """Valid JSON that is no scrobble reply is not taken for one."""
    rig = Rig(tmp_path, answer(201, data))
    await rig.link()
    with pytest.raises(RetryLater):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    with pytest.raises(RetryLater):
        await rig.run(rig.simkl.history("alice", [Watch(work=FILM, at_utc_ms=0)]))


async def test_a_dead_token_is_renewed_once_and_the_call_repeated(tmp_path: Path):
    """On 401 the token is renewed, kept on the disk, and the same request sent once more, spaced."""
    rig = Rig(tmp_path, error(401, "invalid_token"), answer(200, MINTED), answer(201, WATCHED))
    await rig.link()
    reply = await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert reply.action == "scrobble"
    assert rig.paths == ["/scrobble/stop", "/oauth2/token", "/scrobble/stop"]
    assert rig.calls[1].body == {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": "rt-alice"}
    assert rig.calls[2].token == "at-new"
    assert rig.calls[2].body == rig.calls[0].body
    assert [call.mono_ms - rig.calls[0].mono_ms for call in rig.calls] == [0, 1100, 2200]
    token = rig.grants.get("alice")
    assert token is not None
    assert token.refresh_utc_ms == rig.calls[1].mono_ms - rig.clock.now().mono_ms + rig.clock.now().utc_ms + 518_400_000


def _refused_after_renewal(number: int) -> tuple[httpx.Response, httpx.Response, httpx.Response]:
    minted = answer(200, MINTED | {"access_token": f"at-renewed-{number}"})
    return error(401, "invalid_token"), minted, error(401, "invalid_token")


async def test_a_second_401_is_tried_again(tmp_path: Path):
    """What could be renewed was not withdrawn: a renewed token that is refused too waits, and is not parked for it."""
    rig = Rig(tmp_path, *_refused_after_renewal(1), answer(201, STARTED))
    await rig.link()
    with pytest.raises(RetryLater, match="renewed"):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert rig.grants.linked("alice", rig.simkl.client_id)


async def test_401s_that_do_not_end_park_the_account(tmp_path: Path):
    """Renewed and refused three times in a row: parked, nothing deleted, and no further request until a new link."""
    rig = Rig(tmp_path, *(reply for number in range(3) for reply in _refused_after_renewal(number)))
    await rig.link()
    for _ in range(2):
        with pytest.raises(RetryLater):
            await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    with pytest.raises(NotLinked):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    with pytest.raises(NotLinked, match="linked again"):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert len(rig.calls) == 9
    token = rig.grants.get("alice")
    assert token is not None
    assert token.parked
    assert token.refresh == "rt-alice"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (error(400, "invalid_grant"), NotLinked),
        (error(401, "invalid_client"), NotLinked),
        (error(500, "internal"), RetryLater),
        (answer(200, raw=b"<html>"), RetryLater),
        (httpx.ReadTimeout("slow"), RetryLater),
        (error(412, "client_id_failed"), HaltAll),
        (error(429, "rate_limit"), RetryLater),
    ],
)
async def test_a_failed_renewal_is_named(tmp_path: Path, refusal: httpx.Response | Exception, kind: type[Exception]):
    """A withdrawn grant parks the account; trouble on the way does not, and the write behind it was surely not made."""
    rig = Rig(tmp_path, error(401, "invalid_token"), refusal)
    await rig.link()
    with pytest.raises(kind) as caught:
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    token = rig.grants.get("alice")
    assert token is not None
    assert bool(token.parked) is (kind is NotLinked)
    if isinstance(caught.value, RetryLater):
        assert not caught.value.maybe_done


async def test_v1_cannot_renew(tmp_path: Path):
    """An AUTH V1 token that is refused is parked at once."""
    rig = Rig(tmp_path, error(401, "user_token_failed"))
    await rig.link(generation="V1", refresh="", refresh_utc_ms=0, expires_utc_ms=0)
    with pytest.raises(NotLinked, match="withdrawn"):
        await rig.run(rig.simkl.settings("alice"))
    assert rig.paths == ["/users/settings"]


async def test_a_missing_token_is_not_a_dead_one(tmp_path: Path):
    """`user_token_required` means that the header was lost on the way: nothing is renewed, nothing is parked."""
    rig = Rig(tmp_path, error(401, "user_token_required"))
    await rig.link()
    with pytest.raises(NotLinked, match="Authorization"):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert rig.paths == ["/scrobble/stop"]
    assert rig.grants.linked("alice", CLIENT_ID)


async def test_a_token_is_renewed_a_day_before_it_dies(tmp_path: Path):
    """Six of seven days it is used as it is; then it is renewed before the next call."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link()
    rig.clock.tick(518_399)
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    rig.clock.tick(2)
    rig.script(answer(200, MINTED), answer(201, STARTED))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert rig.paths == ["/scrobble/start", "/oauth2/token", "/scrobble/start"]
    assert rig.calls[2].token == "at-new"


async def test_an_early_renewal_that_fails_stops_nothing(tmp_path: Path):
    """While the old token still lives, trouble with its renewal is tried again later, and calls go on."""
    rig = Rig(tmp_path, error(500, "internal"), answer(201, STARTED))
    await rig.link()
    rig.clock.tick(520_000)
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert rig.paths == ["/oauth2/token", "/scrobble/start", "/scrobble/start"]
    rig.clock.tick(601)
    rig.script(answer(200, MINTED), answer(201, STARTED))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert rig.paths[3:] == ["/oauth2/token", "/scrobble/start"]


@pytest.mark.parametrize("changes", [{}, {"generation": "V1", "refresh": "", "refresh_utc_ms": 0}])
async def test_a_token_renewed_elsewhere_is_taken_from_the_file(tmp_path: Path, changes: dict[str, Any]):
    """When another process has renewed the grant, its token is used instead of being killed, or parked, by us."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link(**changes)
    other = Rig(tmp_path)

    async def renewed_meanwhile(call: Call) -> httpx.Response:
        await other.link(access="at-theirs", **changes)
        return error(401, "invalid_token")

    rig.script(renewed_meanwhile, answer(201, STARTED))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert rig.paths == ["/scrobble/start", "/scrobble/start"]
    assert rig.calls[1].token == "at-theirs"


async def test_a_read_only_link_must_be_renewed_by_hand(tmp_path: Path):
    """`insufficient_scope` parks the account with a reason."""
    rig = Rig(tmp_path, error(403, "insufficient_scope"))
    await rig.link()
    with pytest.raises(NotLinked, match="only read"):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert not rig.grants.linked("alice", CLIENT_ID)


async def test_a_block_stops_every_call(tmp_path: Path):
    """After a 412 no account calls until the wait is over; each further 412 doubles it; an answer ends it."""
    rig = Rig(tmp_path, error(412, "client_id_failed"))
    await rig.link("alice")
    await rig.link("bob", account_id=9999)
    with pytest.raises(HaltAll) as caught:
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert (caught.value.after_s, caught.value.cause) == (60.0, "client_id")
    rig.clock.tick(10)
    for blocked in (rig.simkl.settings("bob"), rig.simkl.scrobble("bob", "stop", FILM, 95)):
        with pytest.raises(HaltAll) as caught:
            await rig.run(blocked)
        assert caught.value.after_s == pytest.approx(50.0, abs=1)
    assert len(rig.calls) == 1
    rig.clock.tick(50)
    with pytest.raises(HaltAll) as caught:
        await rig.run(rig.simkl.settings("bob"))
    assert caught.value.after_s == 120.0
    rig.clock.tick(120)
    rig.script(answer(201, WATCHED), error(412, "client_id_failed"))
    assert (await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))).action == "scrobble"
    with pytest.raises(HaltAll) as caught:
        await rig.run(rig.simkl.settings("bob"))
    assert (caught.value.after_s, caught.value.cause) == (60.0, "block")


async def test_the_allowance_is_what_the_headers_say(tmp_path: Path):
    """Unknown at first; then the headers' word; nothing after a refusal for the day; unknown again after midnight."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link()
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert (rig.simkl.allowance("alice").limit, rig.simkl.allowance("alice").remaining) == (None, None)
    rig.script(answer(201, STARTED, headers={"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "17"}))
    await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    known = rig.simkl.allowance("alice")
    assert (known.limit, known.remaining) == (500, 17)
    assert datetime.fromtimestamp(known.resets_utc_ms / 1000, UTC) == datetime(2026, 1, 16, 5, tzinfo=UTC)
    rig.script(error(429, "user_limit_exceeded", headers={"Retry-After": "32000"}))
    with pytest.raises(RetryLater) as caught:
        await rig.run(rig.simkl.scrobble("alice", "start", FILM, 0))
    assert caught.value.cause == "quota"
    assert caught.value.after_s is not None
    assert 32_001 <= caught.value.after_s <= 32_300
    assert rig.simkl.allowance("alice").remaining == 0
    rig.clock.tick(10 * 3600)
    assert (rig.simkl.allowance("alice").limit, rig.simkl.allowance("alice").remaining) == (500, None)


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 3, 8, 4, 59, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
        (datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
    ],
)
def test_the_day_ends_at_midnight_in_new_york(now: datetime, midnight: datetime):
    """The day is New York's, also where the clocks change."""
    clock = FakeClock(now)
    assert next_midnight_ms(clock.now().utc_ms) == int(midnight.timestamp() * 1000)


async def test_an_unknown_name_is_tried_another_way_and_remembered(tmp_path: Path):
    """404 id_err tries the next body in the same turn; the way that worked is the first one next time."""
    work = Episode(show=Show(title="Example Show"), season=1, number=2, ids=Ids(tvdb="777"))
    rig = Rig(tmp_path, error(404, "id_err"), answer(201, STARTED))
    await rig.link()
    await rig.run(rig.simkl.scrobble("alice", "start", work, 0))
    await rig.run(rig.simkl.scrobble("alice", "pause", work, 10))
    assert ["ids" in call.body["episode"] for call in rig.calls] == [True, False, False]
    assert rig.calls[1].mono_ms - rig.calls[0].mono_ms == 1100
    rig.script(error(404, "id_err"))
    with pytest.raises(NoMatch):
        await rig.run(rig.simkl.scrobble("alice", "pause", work, 10))


async def test_a_work_without_a_name_makes_no_request(tmp_path: Path):
    """What cannot be named is refused here, without a call."""
    rig = Rig(tmp_path, answer(201, STARTED))
    await rig.link()
    with pytest.raises(Rejected):
        await rig.run(rig.simkl.scrobble("alice", "stop", Movie(), 95))
    assert not rig.calls


@pytest.mark.parametrize(
    ("action", "progress", "asked"),
    [("stop", 95, {"yes"}), ("stop", 79.99, set()), ("start", 0, set()), ("pause", 95, set())],
)
async def test_rewatch_is_asked_for_on_a_completing_stop_alone(
    tmp_path: Path, action: Action, progress: float, asked: set[str]
):
    """On a start the flag would mean another title, below 80 nothing."""
    rig = Rig(tmp_path, answer(201, {**WATCHED, "rewatch_id": None, "rewatch_status": "first_watch"}))
    await rig.link()
    reply = await rig.run(rig.simkl.scrobble("alice", action, FILM, progress, rewatch=True))
    assert {value for name, value in rig.calls[0].query.items() if name == "allow_rewatch"} == asked
    assert reply.rewatch_status == "first_watch"


async def test_a_history_batch_tells_what_was_not_found(tmp_path: Path):
    """Not found by the first name is tried by the next; what stays unknown, or has no name, is told by its place."""
    stale = Episode(show=Show(title="Other Show"), season=1, number=2, ids=Ids(tvdb="777"))
    missing = {"shows": [{"title": "Other Show", "seasons": [{"number": 1, "episodes": [{"number": 2}]}]}]}
    unknown = {"movies": [{"ids": {"imdb": "tt9000002"}}], "shows": missing["shows"]}
    rig = Rig(tmp_path, answer(201, {"added": {}, "not_found": unknown}), answer(201, {"added": {}, "not_found": {}}))
    await rig.link()
    works: list[Work] = [EPISODE, Movie(), stale, FILM]
    reply = await rig.run(rig.simkl.history("alice", [Watch(work=work, at_utc_ms=1_759_352_400_999) for work in works]))
    assert reply.not_found == {1, 3}
    assert rig.paths == ["/sync/history", "/sync/history"]
    assert rig.calls[1].body == {
        "shows": [
            {
                "title": "Other Show",
                "ids": {},
                "use_tvdb_anime_seasons": True,
                "seasons": [{"number": 1, "episodes": [{"number": 2, "watched_at": "2025-10-01T21:00:00Z"}]}],
            }
        ]
    }
    assert "allow_rewatch" not in rig.calls[0].query


@pytest.mark.parametrize(
    "refusal", [error(412, "client_id_failed"), error(400, "wrong_parameter"), error(429, "rate_limit")]
)
@pytest.mark.parametrize("lost", [["tt9000002"], []])
async def test_a_history_batch_that_was_taken_in_part_may_be_done(
    tmp_path: Path, refusal: httpx.Response, lost: list[str]
):
    """Rule 15: what fails at the next names has been written by the first: as a rewatch once more, it would be doubled."""
    stale = Episode(show=Show(title="Other Show"), season=1, number=2, ids=Ids(tvdb="777"))
    missing = {
        "movies": [{"ids": {"imdb": one}} for one in lost],
        "shows": [{"title": "Other Show", "seasons": [{"number": 1, "episodes": [{"number": 2}]}]}],
    }
    rig = Rig(tmp_path, answer(201, {"added": {}, "not_found": missing}), refusal)
    await rig.link()
    watches = [
        Watch(work=work, at_utc_ms=1_759_352_400_999) for work in (Movie(title="X", ids=Ids(imdb="tt9000002")), stale)
    ]
    with pytest.raises(SimklError) as caught:
        await rig.run(rig.simkl.history("alice", watches, rewatch=True))
    assert len(rig.calls) == 2
    assert caught.value.maybe_done is not bool(lost)


@pytest.mark.parametrize("count", [0, history.BATCH + 1])
async def test_a_history_batch_has_a_size(tmp_path: Path, count: int):
    """An empty batch and one over 50 are mistakes of the caller."""
    rig = Rig(tmp_path, answer(201, STARTED))
    with pytest.raises(ValueError, match="1 to 50"):
        await rig.simkl.history("alice", [Watch(work=FILM, at_utc_ms=0)] * count)


@pytest.mark.parametrize(("status", "code"), [(204, ""), (200, ""), (404, "empty")])
async def test_a_saved_position_that_is_gone_is_gone(tmp_path: Path, status: int, code: str):
    """Deleting what is deleted already is fine."""
    rig = Rig(tmp_path, error(status, code) if code else answer(status))
    await rig.link()
    await rig.run(rig.simkl.delete_playback("alice", 5))
    assert rig.paths == ["/sync/playback/5"]
    rig.script(error(500, "internal"))
    with pytest.raises(RetryLater):
        await rig.run(rig.simkl.delete_playback("alice", 5))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], None),
        (None, None),
        ({"type": "show", "show": {"title": "S", "ids": {"simkl": 1}}}, None),
        (
            {"type": "movie", "movie": {"title": "M", "year": 2019, "ids": {"simkl": 4}}},
            Movie(title="M", year=2019, ids=Ids(simkl=4)),
        ),
        (
            {
                "type": "episode",
                "show": {"title": "S", "year": 2021, "ids": {"simkl": 7, "tmdbtv": "90", "trakttvslug": "s"}},
                "episode": {"title": "E", "season": 0, "episode": 3, "multipart": False, "ids": {"simkl": 9}},
            },
            Episode(
                show=Show(title="S", year=2021, ids=Ids(simkl=7, tmdb="90")),
                season=0,
                number=3,
                title="E",
                ids=Ids(simkl=9),
            ),
        ),
    ],
)
async def test_a_file_name_is_looked_up(tmp_path: Path, data: object, expected: Movie | Episode | None):
    """The answers of `/search/file` become a film, an episode, or nothing; a series alone is nothing."""
    rig = Rig(tmp_path, answer(200, data))
    await rig.link()
    assert await rig.run(rig.simkl.search_file("alice", "Shows/S/file.mkv", 2)) == expected
    assert rig.calls[0].body == {"file": "Shows/S/file.mkv", "part": 2}


async def test_settings_keep_name_and_plan(tmp_path: Path):
    """The account's name and plan are told, and kept with the token; control characters are not."""
    rig = Rig(tmp_path, answer(200, {"user": {"name": "Al\x1b[31m"}, "account": {"id": 42, "type": "vip"}}))
    await rig.link()
    info = await rig.run(rig.simkl.settings("alice"))
    assert (info.account_id, info.name, info.plan) == (42, "Al[31m", "vip")
    token = rig.grants.get("alice")
    assert token is not None
    assert (token.account_id, token.name, token.plan) == (42, "Al[31m", "vip")


async def test_no_secret_reaches_the_log(tmp_path: Path):
    """Nothing that is logged on the way of a renewal holds a token."""
    rig = Rig(tmp_path, error(401, "invalid_token"), answer(200, MINTED), error(401, "invalid_token"))
    await rig.link()
    with structlog.testing.capture_logs() as lines, pytest.raises(RetryLater):
        await rig.run(rig.simkl.scrobble("alice", "stop", FILM, 95))
    assert lines
    assert not re.search(r"at-|rt-", str(lines))


async def _gather(*coroutines: Coroutine[object, object, object]) -> None:
    await asyncio.gather(*coroutines)
