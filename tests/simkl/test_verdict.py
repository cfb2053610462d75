"""The table of refusals (simkl-api.md 4.7, 8.2)."""

from typing import Any

import pytest

from scrobbler.simkl.errors import HaltAll, NoMatch, NotLinked, Rejected, RetryLater
from scrobbler.simkl.refusals import Waits, verdict
from scrobbler.simkl.wire import Reply

WAITS = Waits(busy_s=12.0, midnight_s=3600.0, spread_s=7.0, halt_s=60.0, halt_cause="block", utc_ms=1_768_507_200_000)


def reply(status: int, code: str | None = None, *, readable: bool = True, **headers: str) -> Reply:
    data: Any = None if code is None or not readable else {"error": code, "code": status}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, data=data, readable=readable)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (reply(400, "empty_field"), Rejected),
        (reply(400, "wrong_parameter"), Rejected),
        (reply(401, "user_token_failed"), NotLinked),
        (reply(401, "invalid_token"), NotLinked),
        (reply(403, "insufficient_scope"), NotLinked),
        (reply(403, "forbidden"), Rejected),
        (reply(404, "id_err"), NoMatch),
        (reply(404, "url_failed"), Rejected),
        (reply(412, "client_id_failed"), HaltAll),
        (reply(412, readable=False), HaltAll),
        (reply(413, readable=False), Rejected),
        (reply(422, "anything"), Rejected),
    ],
)
def test_each_refusal_has_its_name(given: Reply, kind: type[Exception]):
    """Every documented refusal becomes the error that says what happens next."""
    assert type(verdict(given, WAITS)) is kind


@pytest.mark.parametrize(
    ("given", "cause", "after_s", "maybe_done"),
    [
        (reply(400, "RATE_LIMIT"), "busy", 12.0, False),
        (reply(400, "rate_limit"), "busy", 12.0, False),
        (reply(429, "rate_limit"), "rate", 1.1, False),
        (reply(429, "rate_limit", retry_after="9000"), "rate", 1.1, False),
        (reply(429, "unheard_of", retry_after="30"), "rate", 30.0, False),
        (reply(429, "user_limit_exceeded", retry_after="100"), "quota", 107.0, False),
        (reply(429, "app_limit_exceeded"), "quota", 3607.0, False),
        (reply(500, "internal"), "server", None, True),
        (reply(502, readable=False), "server", None, True),
        (reply(503, retry_after="15"), "server", 15.0, True),
        (reply(503, retry_after="Thu, 15 Jan 2026 20:00:30 GMT"), "server", 30.0, True),
        (reply(503, retry_after="soon"), "server", None, True),
        (reply(403, readable=False), "server", None, True),
        (reply(404, readable=False), "server", None, True),
        (reply(302), "server", None, True),
    ],
)
def test_what_may_work_later_says_when(given: Reply, cause: str, after_s: float | None, maybe_done: bool):  # noqa: FBT001
    """A refusal for now says why, from when, and whether the request may have been carried out."""
    error = verdict(given, WAITS)
    assert isinstance(error, RetryLater)
    assert (error.cause, error.after_s, error.maybe_done) == (cause, after_s, maybe_done)


def test_a_412_says_both_readings():
    """A 412 tells of the block and of the client_id alike, whichever is likelier, with the wait."""
    block = verdict(reply(412, "client_id_failed"), WAITS)
    assert isinstance(block, HaltAll)
    assert (block.after_s, block.cause) == (60.0, "block")
    assert "simkl.com/settings/developer" in block.reason
