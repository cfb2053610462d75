"""Limits per second and per day, and the write lock: points 11 to 14."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from httpx import Response

from scrobbler.clock import Now
from scrobbler.sandbox.limits import seconds_to_midnight
from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.sandbox.caller import FILM, OTHER_FILM, Caller, episode

NEW_YORK = ZoneInfo("America/New_York")


class StillClock:
    """A clock that stands still until somebody moves the sandbox's offset."""

    def __init__(self, moment: datetime) -> None:
        self._now = Now(int(moment.timestamp() * 1000), 0)

    def now(self) -> Now:
        return self._now

    async def sleep(self, seconds: float) -> None:
        del seconds
        raise AssertionError("nothing sleeps in these tests")


@pytest.fixture
def still():
    """A sandbox whose time moves by order alone, at noon in New York."""
    with running_sandbox(StillClock(datetime(2026, 10, 1, 12, tzinfo=NEW_YORK))) as client:
        yield client


def linked(sandbox: SandboxClient, user: str = "alice", client_id: str = "sandbox") -> Caller:
    return Caller(sandbox.url, client_id, sandbox.link(user, client_id).access_token)


def test_eleventh_get_in_a_second(still: SandboxClient):
    """Point 11: ten GETs a second pass, the eleventh is 429; a second later all is well, and nobody is blocked."""
    alice = linked(still)
    assert [alice.get("/users/settings").status_code for _ in range(11)] == [200] * 10 + [429]
    assert alice.get("/users/settings").json()["error"] == "rate_limit"
    still.advance(1)
    assert alice.get("/users/settings").status_code == 200
    alice.close()


def test_second_post_blocks(still: SandboxClient):
    """Point 11: the second POST in a second is 429; then everything is 412 for the length of the block."""
    still.switch(block_s=30)
    alice, bob = linked(still), linked(still, "bob")
    assert alice.scrobble("start", FILM, 1).status_code == 201
    still.advance(0.9)
    refused = alice.scrobble("pause", FILM, 2)
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limit")
    assert "retry-after" not in refused.headers
    still.advance(29)
    blocked = alice.get("/users/settings")
    assert (blocked.status_code, blocked.json()["error"]) == (412, "client_id_failed")
    assert bob.get("/users/settings").status_code == 200
    still.advance(1.1)
    assert alice.scrobble("pause", FILM, 2).status_code == 201
    alice.close()
    bob.close()


def test_overage_extends_the_block(still: SandboxClient):
    """Point 11: POSTs that come too fast while blocked make it longer; one now and then does not."""
    still.switch(block_s=30)
    alice = linked(still)
    for _ in range(2):
        alice.scrobble("start", FILM, 1)
    still.advance(20)
    alice.scrobble("start", FILM, 1)
    alice.scrobble("start", FILM, 1)
    still.advance(20)
    assert alice.scrobble("start", FILM, 1).status_code == 412
    still.advance(10.1)
    assert alice.scrobble("start", FILM, 1).status_code == 201
    alice.close()


def test_v1_shares_its_second_by_application(still: SandboxClient):
    """Point 11: with AUTH V1 the bucket is the application's, whoever calls."""
    alice, bob = linked(still, "alice", "sandbox-v1"), linked(still, "bob", "sandbox-v1")
    assert alice.scrobble("start", FILM, 1).status_code == 201
    assert bob.scrobble("start", FILM, 1).status_code == 429
    alice.close()
    bob.close()


def test_catalogue_is_exempt(still: SandboxClient):
    """Point 11: catalogue pages are never too many, and an AUTH V1 application pays nothing for them."""
    still.switch(v1_daily_limit=0)
    caller = Caller(still.url, "sandbox-v1")
    assert {caller.get("/movies/500001").status_code for _ in range(30)} == {200}
    caller.close()


def test_limits_per_second_can_be_switched_off(alice: Caller):
    """Point 11: the switch lets suites run at full speed."""
    assert [alice.scrobble("start", FILM, 1).status_code for _ in range(3)] == [201] * 3


@pytest.mark.parametrize(("plan", "limit"), [("free", 500), ("pro", 1000), ("vip", 10_000)])
def test_daily_headers(sandbox: SandboxClient, alice: Caller, plan: str, limit: int):
    """Point 12: the allowance follows the plan; the first call of a new access token tells nothing."""
    sandbox.plan("alice", plan)  # type: ignore[arg-type]
    assert "x-ratelimit-limit" not in alice.get("/users/settings").headers
    second = alice.get("/users/settings").headers
    assert (second["x-ratelimit-limit"], second["x-ratelimit-remaining"]) == (str(limit), str(limit - 2))
    assert alice.scrobble("start", {}, 1).headers["x-ratelimit-remaining"] == str(limit - 3)
    for path in ("/movies/500001", "/redirect"):
        assert "x-ratelimit-remaining" not in alice.get(path).headers
    assert sandbox.user("alice").remaining == limit - 3


def test_day_is_shared_by_grants_and_applications(
    sandbox: SandboxClient, alice: Caller, callers: Callable[..., Caller]
):
    """Point 12: all links of a user draw on one pool; other users have their own."""
    sandbox.add_app("other")
    other = callers("other", sandbox.link("alice", "other").access_token)
    for caller in (alice, other, alice, other):
        caller.get("/users/settings")
    assert sandbox.user("alice").remaining == 496
    assert sandbox.user("bob").remaining == 500


def test_last_call_and_midnight(still: SandboxClient):
    """Point 12: the last allowed call succeeds with 0 left; the next is 429 until midnight in New York."""
    alice = linked(still)
    alice.get("/users/settings")
    still.quota("alice", 1)
    last = alice.get("/users/settings")
    assert (last.status_code, last.headers["x-ratelimit-remaining"]) == (200, "0")
    assert "retry-after" not in last.headers
    refused = alice.get("/users/settings")
    assert (refused.status_code, refused.json()["error"]) == (429, "user_limit_exceeded")
    assert refused.headers["retry-after"] == str(12 * 3600)
    still.advance(12 * 3600 - 1)
    assert alice.get("/users/settings").status_code == 429
    still.advance(1)
    assert alice.get("/users/settings").headers["x-ratelimit-remaining"] == "499"
    alice.close()


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (datetime(2026, 10, 1, 16, tzinfo=UTC), 12),
        (datetime(2026, 12, 1, 16, tzinfo=UTC), 13),
        (datetime(2026, 11, 1, 4, tzinfo=UTC), 25),
        (datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
    ],
)
def test_midnight_knows_summer_time(moment: datetime, hours: int):
    """Point 12: days in New York have 23 to 25 hours."""
    assert seconds_to_midnight(int(moment.timestamp() * 1000)) == hours * 3600


def test_day_of_an_old_application(sandbox: SandboxClient, old_alice: Caller):
    """Point 12: AUTH V1 counts by application, without headers."""
    sandbox.switch(v1_daily_limit=2)
    answers = [old_alice.get("/users/settings") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"] == "app_limit_exceeded"
    assert int(answers[2].headers["retry-after"]) > 0
    assert not any("x-ratelimit-limit" in answer.headers for answer in answers)


@pytest.mark.parametrize("counts", [False, True])
def test_redirect_may_count(sandbox: SandboxClient, alice: Caller, *, counts: bool):
    """Point 12: whether `/redirect` costs allowance is a switch."""
    sandbox.switch(redirect_counts=counts)
    alice.get("/redirect", imdb="tt0133093")
    assert sandbox.user("alice").remaining == (499 if counts else 500)


@pytest.mark.parametrize("whose", ["user", "app"])
def test_debug_limit(sandbox: SandboxClient, alice: Caller, whose: str):
    """Point 13: `debug_limit` answers the genuine 429 and costs nothing."""
    answer = alice.get("/users/settings", debug_limit=whose)
    assert (answer.status_code, answer.json()["error"]) == (429, f"{whose}_limit_exceeded")
    assert int(answer.headers["retry-after"]) > 0
    assert sandbox.user("alice").remaining == 500


def hold_lock(sandbox: SandboxClient, pool: ThreadPoolExecutor, caller: Caller, seconds: float) -> Future[Response]:
    """Begin a write that takes so long, and wait until it is in progress."""
    sandbox.fault("slow", seconds=seconds, path="/scrobble/start", user="alice")
    first = pool.submit(caller.scrobble, "start", FILM, 1)
    sandbox.wait_for(lambda: sandbox.calls("alice", "/scrobble/start"))
    return first


def test_second_write_waits_for_the_first(sandbox: SandboxClient, alice: Caller, bob: Caller):
    """Point 14: a second write of the user waits and is then served, in order; others and reads go on."""
    with ThreadPoolExecutor() as pool:
        first = hold_lock(sandbox, pool, alice, 19)
        second = pool.submit(alice.scrobble, "pause", FILM, 40)
        sandbox.wait_for(lambda: sandbox.counters().parallel_writes == 2)
        assert bob.scrobble("start", FILM, 1).status_code == 201
        assert alice.get("/sync/activities").status_code == 200
        sandbox.advance(18)
        assert not first.done()
        assert not second.done()
        sandbox.advance(1)
        assert (first.result(5).status_code, second.result(5).status_code) == (201, 201)
    assert sandbox.banner("alice") is None
    assert sandbox.playbacks("alice")[0].progress == 40


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [("/scrobble/stop", {**OTHER_FILM, "progress": 90}, "RATE_LIMIT"), ("/sync/history", {}, "rate_limit")],
)
def test_lock_gives_up_after_20_s(
    sandbox: SandboxClient, alice: Caller, path: str, body: dict[str, object], error: str
):
    """Point 14: after 20 s of waiting a write is 400, shaped by its family of addresses."""
    with ThreadPoolExecutor() as pool:
        hold_lock(sandbox, pool, alice, 300)
        second = pool.submit(alice.post, path, body)
        sandbox.wait_for(lambda: sandbox.counters().parallel_writes == 2)
        sandbox.advance(20)
        answer = second.result(5)
        sandbox.advance(300)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json().get("code") == (400 if error == "RATE_LIMIT" else None)
    assert ("error_description" in answer.json()) == (error == "rate_limit")
    assert sandbox.history("alice") == []


def test_spacing_mode(sandbox: SandboxClient, alice: Caller, bob: Caller):
    """Point 14, the other reading: a scrobble write less than 20 s after the last accepted one is 400."""
    sandbox.switch(lock="spacing")
    assert alice.scrobble("start", episode(1), 1).status_code == 201
    sandbox.advance(19)
    refused = alice.scrobble("stop", episode(1), 90)
    assert (refused.status_code, refused.json()["error"]) == (400, "RATE_LIMIT")
    assert bob.scrobble("start", FILM, 1).status_code == 201
    assert alice.post("/sync/history", FILM).status_code == 201
    sandbox.advance(1)
    assert alice.scrobble("stop", episode(1), 90).status_code == 201
