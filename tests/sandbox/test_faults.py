"""Injected faults and counters: points 37 and 38."""

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import FILM, OTHER_FILM, Caller, episode


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("wait", [None, 7])
def test_status(alice: Caller, sandbox: SandboxClient, status: int, wait: int | None):
    """Point 37: a server error, with or without `Retry-After`, and nothing done; the next call is served."""
    sandbox.fault("status", status=status, retry_after=wait)
    answer = alice.scrobble("stop", FILM, 90)
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == (None if wait is None else str(wait))
    assert sandbox.history("alice") == []
    assert alice.scrobble("stop", FILM, 90).status_code == 201


def test_drop_before(alice: Caller, sandbox: SandboxClient):
    """Point 37: the connection closes and nothing was done; the call is in the ledger without an answer."""
    sandbox.fault("drop_before")
    with pytest.raises(httpx.TransportError):
        alice.scrobble("stop", FILM, 90)
    assert sandbox.history("alice") == []
    assert [(call.status, call.fault) for call in sandbox.calls("alice")] == [(None, "drop_before")]


def test_drop_after(alice: Caller, sandbox: SandboxClient):
    """Point 37: it is done but nobody hears of it; the repeat is 409, a repeated history write a no-op."""
    sandbox.fault("drop_after", path="/scrobble")
    with pytest.raises(httpx.TransportError):
        alice.scrobble("stop", FILM, 90)
    assert len(sandbox.history("alice")) == 1
    assert alice.scrobble("stop", FILM, 90).status_code == 409
    assert alice.post("/sync/history", {"movies": [FILM["movie"]]}).json()["added"]["movies"] == 0
    assert len(sandbox.history("alice")) == 1


def test_slow(alice: Caller, sandbox: SandboxClient):
    """Point 37: an answer may take 25 s; it is served when they are over."""
    sandbox.fault("slow")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(alice.get, "/users/settings")
        sandbox.wait_for(sandbox.calls)
        sandbox.advance(24)
        assert not answer.done()
        sandbox.advance(1)
        assert answer.result(5).status_code == 200
    took = sandbox.calls()[0].took_ms
    assert took is not None
    assert took >= 25_000


def test_html_and_truncated(alice: Caller, sandbox: SandboxClient):
    """Point 37: an HTML page in place of JSON; half of the JSON after it was done."""
    sandbox.fault("html", status=200)
    answer = alice.scrobble("stop", FILM, 90)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    assert sandbox.history("alice") == []
    sandbox.fault("truncated")
    answer = alice.scrobble("stop", FILM, 90)
    assert answer.status_code == 201
    with pytest.raises(ValueError):
        answer.json()
    assert len(sandbox.history("alice")) == 1


def test_unauthorized(alice: Caller, old_alice: Caller, sandbox: SandboxClient):
    """Point 37: a 401 in the middle of a play, although the token is good."""
    sandbox.fault("unauthorized", count=2)
    assert alice.scrobble("pause", FILM, 5).json()["error"] == "invalid_token"
    assert old_alice.scrobble("pause", FILM, 5).json()["error"] == "user_token_failed"
    assert alice.scrobble("pause", FILM, 5).status_code == 201


def test_clock_jump(alice: Caller, sandbox: SandboxClient):
    """Point 37: the server's clock jumps, and its `Date` with it."""
    before = parsedate_to_datetime(alice.get("/users/settings").headers["date"])
    sandbox.fault("clock_jump", seconds=7200)
    answer = alice.get("/users/settings")
    assert (parsedate_to_datetime(answer.headers["date"]) - before).total_seconds() >= 7200


def test_scope_and_count_of_faults(alice: Caller, bob: Caller, sandbox: SandboxClient):
    """Point 37: a fault meets the path, method and user it names, so many times, or until cleared."""
    sandbox.fault("status", path="/scrobble", method="POST", user="alice", count=2)
    assert alice.get("/users/settings").status_code == 200
    assert bob.scrobble("start", FILM, 1).status_code == 201
    assert [alice.scrobble("start", FILM, 1).status_code for _ in range(3)] == [503, 503, 201]
    sandbox.fault("status", count=None)
    assert {alice.get("/users/settings").status_code for _ in range(5)} == {503}
    sandbox.clear_faults()
    assert alice.get("/users/settings").status_code == 200


def test_calls_per_play(alice: Caller, sandbox: SandboxClient):
    """Point 38: a plain watch is two calls, one with a pause four."""
    for action, progress in (("start", 0), ("stop", 95)):
        alice.scrobble(action, FILM, progress)
    for action, progress in (("start", 0), ("pause", 40), ("start", 40), ("stop", 95)):
        alice.scrobble(action, episode(1), progress)
    counters = sandbox.counters()
    assert {each.item: each.total for each in counters.items} == {
        "The Matrix (1999)": 2,
        "Breaking Bad (2008) S01E01": 4,
    }
    assert counters.heartbeats == 0


def test_heartbeats(alice: Caller, bob: Caller, sandbox: SandboxClient):
    """Point 38: the same call for the same item again is a heartbeat, unless the first was not answered."""
    alice.scrobble("start", FILM, 1)
    bob.scrobble("start", FILM, 1)
    sandbox.fault("drop_after")
    with pytest.raises(httpx.TransportError):
        alice.scrobble("pause", FILM, 5)
    alice.scrobble("pause", FILM, 5)
    assert sandbox.counters().heartbeats == 0
    alice.scrobble("start", FILM, 5)
    alice.scrobble("start", FILM, 9)
    assert sandbox.counters().heartbeats == 1
    alice.scrobble("start", OTHER_FILM, 0)
    assert sandbox.counters().heartbeats == 1


def test_calls_per_second(alice: Caller, bob: Caller, sandbox: SandboxClient):
    """Point 38: the most calls of one user in any second, gets and posts apart."""
    for _ in range(3):
        alice.get("/users/settings")
    bob.get("/users/settings")
    sandbox.advance(2)
    alice.scrobble("start", FILM, 1)
    sandbox.advance(2)
    alice.scrobble("pause", FILM, 1)
    counters = sandbox.counters()
    assert (counters.peak_get_per_second, counters.peak_post_per_second) == (3, 1)


def test_other_slips_are_counted(alice: Caller, sandbox: SandboxClient):
    """Point 38: a token on a cached page and a progress with more than two decimals are counted."""
    alice.get("/movies/500012")
    alice.scrobble("pause", FILM, 12.345)
    alice.scrobble("pause", FILM, 12.34)
    counters = sandbox.counters()
    assert (counters.token_on_catalogue, counters.long_progress) == (1, 1)


def test_ledger(alice: Caller, sandbox: SandboxClient):
    """Point 38: the ledger has every call in order, with tokens shortened."""
    alice.scrobble("start", FILM, 1)
    alice.get("/users/settings")
    ledger = sandbox.ledger()
    first, second = ledger.calls
    assert (first.number, first.method, first.path, first.user, first.status) == (
        1,
        "POST",
        "/scrobble/start",
        "alice",
        201,
    )
    assert (first.body, first.client_id, first.query["app-name"]) == ({**FILM, "progress": 1}, "sandbox", "tests")
    assert second.number == 2
    assert alice.token not in str(ledger)
    assert [user.name for user in ledger.users] == ["alice"]
