"""Identification and sign-in: points 1 to 10."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import FILM, Caller

Callers = Callable[..., Caller]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
FULL = "media:read media:write"


def begin(caller: Caller, scope: str = FULL) -> dict[str, Any]:
    answer: dict[str, Any] = caller.send(
        "POST", "/oauth2/device", form={"client_id": caller.client_id, "scope": scope}
    ).json()
    return answer


def poll(caller: Caller, code: dict[str, Any]) -> httpx.Response:
    form = {"grant_type": DEVICE, "client_id": caller.client_id, "device_code": code["device_code"]}
    return caller.send("POST", "/oauth2/token", form=form)


def refresh(caller: Caller, token: str, **more: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "client_id": caller.client_id, "refresh_token": token, **more}
    return caller.send("POST", "/oauth2/token", form=form)


@pytest.mark.parametrize("client_id", ["", "stranger"])
def test_unknown_client_is_412(callers: Callers, client_id: str):
    """Point 1: no or an unknown client_id is 412 `client_id_failed`."""
    answer = callers(client_id).get("/users/settings")
    assert answer.status_code == 412
    assert (answer.json()["error"], answer.json()["code"]) == ("client_id_failed", 412)


def test_client_id_may_come_in_a_header(alice: Caller):
    """Point 1: `simkl-api-key` is as good as the query."""
    assert alice.send(
        "GET", "/users/settings", query={"client_id": ""}, headers={"simkl-api-key": "sandbox"}
    ).is_success


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("counter", "query", "headers"),
    [
        ("missing_app_name", {"app-name": ""}, {}),
        ("missing_app_version", {"app-version": ""}, {}),
        ("missing_user_agent", {}, {"User-Agent": ""}),
    ],
)
def test_missing_identity_is_counted(
    sandbox: SandboxClient, alice: Caller, counter: str, query: dict[str, str], headers: dict[str, str], *, strict: bool
):
    """Point 2: what is missing is counted, and refused in strict mode alone."""
    sandbox.switch(strict_identity=strict)
    answer = alice.send("GET", "/users/settings", query=query, headers=headers)
    assert getattr(sandbox.counters(), counter) == 1
    assert answer.status_code == (400 if strict else 200)


def test_generations_are_sealed_off(callers: Callers):
    """Point 3: a V2 id on V1 addresses is `unauthorized_client` with `code`; a V1 id on V2's `invalid_client` without."""
    v2, v1 = callers("sandbox"), callers("sandbox-v1")
    for answer in (
        v2.get("/oauth/pin"),
        v2.get("/oauth/pin/ABCDE"),
        v2.post("/oauth/token", {"client_id": "sandbox"}),
        v2.send("POST", "/oauth/token", form={"client_id": "sandbox"}),
    ):
        assert answer.status_code == 400
        assert (answer.json()["error"], answer.json()["code"]) == ("unauthorized_client", 400)
    for path in ("device", "token", "revoke"):
        answer = v1.send("POST", f"/oauth2/{path}", form={"client_id": "sandbox-v1", "grant_type": DEVICE})
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"
        assert "code" not in answer.json()


@pytest.mark.parametrize("shape", ["form", "json"])
def test_device_answer(callers: Callers, sandbox: SandboxClient, shape: str):
    """Point 4: form and JSON are taken; six keys; nothing may be stored."""
    words = {"client_id": "sandbox", "scope": FULL}
    caller = callers()
    answer = (
        caller.send("POST", "/oauth2/device", form=words) if shape == "form" else caller.post("/oauth2/device", words)
    )
    body = answer.json()
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert set(body) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert (body["expires_in"], body["interval"]) == (900, 5)
    assert body["verification_uri"] == f"{sandbox.url}/pin"
    assert body["verification_uri_complete"].endswith(f"/pin?user_code={body['user_code']}")
    assert (len(body["user_code"]), body["user_code"][4]) == (9, "-")


@pytest.mark.parametrize("words", [{"client_id": ["sandbox"]}, {"client_id": "sandbox", "scope": {"a": 1}}, {}])
def test_device_takes_plain_strings(callers: Callers, words: dict[str, Any]):
    """Point 4: an array, an object or a missing parameter is 400 `invalid_request`."""
    answer = callers().post("/oauth2/device", words)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_poll_until_approved(callers: Callers, sandbox: SandboxClient):
    """Point 5: pending, then tokens once; afterwards the code is gone."""
    caller = callers()
    code = begin(caller)
    assert (poll(caller, code).status_code, poll(caller, code).json()["error"]) == (400, "slow_down")
    sandbox.advance(5)
    assert poll(caller, code).json() == {"error": "authorization_pending"}
    sandbox.approve(code["user_code"].lower().replace("-", " "), "alice")
    sandbox.advance(5)
    answer = poll(caller, code)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    sandbox.advance(5)
    assert poll(caller, code).json()["error"] == "expired_token"


def test_slow_down_arms_the_timer_again(callers: Callers, sandbox: SandboxClient):
    """Point 5: the interval counts from the attempt before, also from a rejected one."""
    caller = callers()
    code = begin(caller)
    poll(caller, code)
    for _ in range(3):
        sandbox.advance(4)
        assert poll(caller, code).json()["error"] == "slow_down"
    sandbox.advance(5)
    assert poll(caller, code).json()["error"] == "authorization_pending"


def test_code_expires_and_denial_is_silent(callers: Callers, sandbox: SandboxClient):
    """Point 5: a declined code is pending for ever, until its 900 s are over."""
    caller = callers()
    code = begin(caller)
    sandbox.decline(code["user_code"])
    assert poll(caller, code).json()["error"] == "authorization_pending"
    sandbox.advance(890)
    assert poll(caller, code).json()["error"] == "authorization_pending"
    sandbox.advance(11)
    assert poll(caller, code).json()["error"] == "expired_token"


def test_poll_interval_can_be_switched(callers: Callers, sandbox: SandboxClient):
    """Point 5: the interval that is announced is the one that holds."""
    sandbox.switch(poll_interval_s=1)
    caller = callers()
    code = begin(caller)
    assert code["interval"] == 1
    poll(caller, code)
    sandbox.advance(1)
    assert poll(caller, code).json()["error"] == "authorization_pending"


def test_auto_approve(callers: Callers, sandbox: SandboxClient):
    """Points 5 and 10: with the switch every code is approved at once, in both generations."""
    sandbox.switch(auto_approve="carol")
    assert poll(callers(), begin(callers())).status_code == 200
    old = callers("sandbox-v1")
    assert old.get(f"/oauth/pin/{old.get('/oauth/pin').json()['user_code']}").json()["result"] == "OK"
    assert sandbox.user("carol").grants == 2


@pytest.mark.parametrize("scope", ["", "media:read", "Media:Write", "media:write,media:read"])
def test_scope_that_is_not_exact_only_reads(callers: Callers, sandbox: SandboxClient, scope: str):
    """Point 6: without exactly `media:write` the token reads; writing in any shape is 403."""
    sandbox.switch(auto_approve="alice")
    caller = callers()
    answer = poll(caller, begin(caller, scope)).json()
    assert answer["scope"] == "media:read"
    reader = callers(token=answer["access_token"])
    assert reader.get("/users/settings").is_success
    for refused in (
        reader.scrobble("start", FILM, 1),
        reader.delete("/sync/playback/5"),
        reader.post("/users/settings", {}),
        reader.send("GET", "/users/settings", {"a": 1}),
    ):
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="api.simkl.com", error="insufficient_scope", scope="media:write"'
        )


def test_tokens_and_refresh(callers: Callers, sandbox: SandboxClient):
    """Point 7: the refresh token stays, the old access token dies at once, a wider or bad refresh is refused."""
    grant = sandbox.link("alice")
    assert (grant.access_token[:9], grant.refresh_token[:9], grant.expires_in) == ("simkl_at_", "simkl_rt_", 604_800)
    assert len(grant.access_token) == len(grant.refresh_token) == 43
    fresh = refresh(callers(), grant.refresh_token).json()
    assert fresh["refresh_token"] == grant.refresh_token
    old = callers(token=grant.access_token).get("/users/settings")
    assert (old.status_code, old.json()["error"]) == (401, "invalid_token")
    assert callers(token=fresh["access_token"]).get("/users/settings").is_success
    assert refresh(callers(), "simkl_rt_wrong").json()["error"] == "invalid_grant"
    reader = sandbox.link("alice", scope="media:read")
    assert refresh(callers(), reader.refresh_token, scope=FULL).json()["error"] == "invalid_scope"
    assert refresh(callers(), grant.refresh_token, scope="media:read").json()["scope"] == FULL


def test_lives_of_tokens(callers: Callers, sandbox: SandboxClient):
    """Point 7: the access token lives 7 days; the refresh token 180 days from its last use."""
    grant = sandbox.link("alice")
    sandbox.advance(604_801)
    assert callers(token=grant.access_token).get("/users/settings").status_code == 401
    for _ in range(2):
        sandbox.advance(172 * 86_400)
        assert refresh(callers(), grant.refresh_token).is_success
    sandbox.advance(181 * 86_400)
    assert refresh(callers(), grant.refresh_token).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("half", ["access_token", "refresh_token"])
def test_revoke(callers: Callers, sandbox: SandboxClient, half: str):
    """Point 8: always 200 and empty; both halves of that grant are dead, others live."""
    grant, other = sandbox.link("alice"), sandbox.link("alice")
    for token in (getattr(grant, half), "nonsense"):
        answer = callers().send("POST", "/oauth2/revoke", form={"client_id": "sandbox", "token": token})
        assert (answer.status_code, answer.content) == (200, b"")
    assert callers(token=grant.access_token).get("/users/settings").status_code == 401
    assert refresh(callers(), grant.refresh_token).json()["error"] == "invalid_grant"
    assert callers(token=other.access_token).get("/users/settings").is_success


def test_missing_and_bad_tokens(callers: Callers, sandbox: SandboxClient, old_alice: Caller):
    """Point 9: no token on V2 is `user_token_required`; bad, revoked or foreign ones are named by generation."""
    grant = sandbox.link("alice")
    answers = {
        "user_token_required": callers().get("/users/settings"),
        "invalid_token": callers(token="simkl_at_nonsense").get("/users/settings"),
        "user_token_failed": callers("sandbox-v1", grant.access_token).get("/users/settings"),
    }
    sandbox.add_app("other")
    assert callers("other", grant.access_token).get("/users/settings").json()["error"] == "invalid_token"
    for error, answer in answers.items():
        assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (401, error, 401)
        assert answer.headers["www-authenticate"] == f'Bearer realm="api.simkl.com", error="{error}"'
    sandbox.revoke("alice")
    assert old_alice.get("/users/settings").json()["error"] == "user_token_failed"


def test_catalogue_needs_no_token_but_search_does(callers: Callers):
    """Point 9: V2 reads the catalogue without a token, but neither search nor redirect; V1 does both."""
    for path in ("/movies/500001", "/tv/episodes/600001"):
        assert callers().get(path).status_code == 200
    for path in ("/search/movie", "/redirect"):
        assert callers().get(path).json()["error"] == "user_token_required"
        assert callers("sandbox-v1").get(path).status_code in (200, 301)


def test_bearer_in_any_case(callers: Callers, sandbox: SandboxClient):
    """Point 9: the scheme's case does not matter."""
    header = {"Authorization": f"bearer {sandbox.link('alice').access_token}"}
    assert callers().send("GET", "/users/settings", headers=header).is_success


def test_pin_with_a_redirect(callers: Callers):
    """2.4: a redirect that the application has not registered is 403 `redirect_failed`."""
    answer = callers("sandbox-v1").get("/oauth/pin", redirect="http://localhost/done")
    assert (answer.status_code, answer.json()["error"]) == (403, "redirect_failed")


def test_pin_flow(callers: Callers, sandbox: SandboxClient):
    """Point 10: the constant device code, pending and OK at 200, one token per application and user."""
    caller = callers("sandbox-v1")
    tokens = set()
    for _ in range(2):
        first = caller.get("/oauth/pin").json()
        assert (first["result"], first["device_code"], first["expires_in"]) == ("OK", "DEVICE_CODE", 900)
        assert first["verification_uri"] == first["verification_url"] == f"{sandbox.url}/pin"
        assert len(first["user_code"]) == 5
        pending = caller.get(f"/oauth/pin/{first['user_code']}")
        assert (pending.status_code, pending.json()) == (200, {"result": "KO", "message": "Authorization pending"})
        sandbox.approve(first["user_code"], "alice")
        done = caller.get(f"/oauth/pin/{first['user_code']}").json()
        assert done["result"] == "OK"
        tokens.add(done["access_token"])
    assert len(tokens) == 1
    assert callers("sandbox-v1", tokens.pop()).get("/users/settings").is_success


@pytest.mark.parametrize("mode", ["fresh", "pending"])
@pytest.mark.parametrize("case", ["unknown", "used", "expired"])
def test_pin_that_is_gone(callers: Callers, sandbox: SandboxClient, mode: str, case: str):
    """Point 10: a code that is gone is answered with a new first answer, or as pending (switch)."""
    sandbox.switch(unknown_pin=mode)
    caller = callers("sandbox-v1")
    code = "QQQQQ" if case == "unknown" else caller.get("/oauth/pin").json()["user_code"]
    if case == "used":
        sandbox.approve(code, "alice")
        assert caller.get(f"/oauth/pin/{code}").json()["result"] == "OK"
    if case == "expired":
        sandbox.advance(901)
    answer = caller.get(f"/oauth/pin/{code}").json()
    if mode == "pending":
        assert answer == {"result": "KO", "message": "Authorization pending"}
    else:
        assert answer["device_code"] == "DEVICE_CODE"
        assert answer["user_code"] != code


def test_pin_length_can_be_switched(callers: Callers, sandbox: SandboxClient):
    """Point 10: no client may count on the length of a code."""
    sandbox.switch(pin_length=6)
    assert len(callers("sandbox-v1").get("/oauth/pin").json()["user_code"]) == 6


def test_person_approves_on_the_page(callers: Callers, sandbox: SandboxClient):
    """Points 4 and 10: the page that the answers name takes a code, and a name."""
    caller = callers()
    code = begin(caller)
    with httpx.Client(trust_env=False, verify=False) as browser:
        assert code["user_code"] in browser.get(code["verification_uri_complete"]).text
        form = {"user_code": code["user_code"], "user": "dora", "decision": "approve"}
        assert "Linked as dora" in browser.post(code["verification_uri"], data=form).text
        assert browser.post(code["verification_uri"], data=form).status_code == 404
    assert poll(caller, code).status_code == 200
    assert sandbox.user("dora").grants == 1


def test_account_id_is_stable(alice: Caller, bob: Caller, old_alice: Caller, sandbox: SandboxClient):
    """A user has one integer account id, whatever the link, and it follows from the name."""
    first, other, old = (each.get("/users/settings").json()["account"]["id"] for each in (alice, bob, old_alice))
    assert isinstance(first, int)
    assert first == old != other
    sandbox.reset()
    assert sandbox.link("alice").account_id == first
