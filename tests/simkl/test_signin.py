"""Both sign-ins, from nothing, against the sandbox over a socket (simkl-api.md 2)."""

import logging
from itertools import pairwise

import pytest
import structlog.testing
from msgspec.structs import replace

from scrobbler.simkl import oauth, tokens
from scrobbler.simkl import signin as signin_module
from scrobbler.simkl.errors import NotLinked, RetryLater
from scrobbler.simkl.qr import qr_text
from scrobbler.simkl.signin import Expired, Linked, OtherAccount, Prompt, SignInError
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.wire import Wire
from tests.simkl.conftest import House

pytestmark = pytest.mark.anyio
CASES = [("sandbox", "V2"), ("sandbox-v1", "V1")]


@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_signing_in_from_nothing(house: House, client_id: str, generation: str):
    """With `auth: auto` a client_id of either generation leads to a kept token that works, linked as the user's name."""
    result = await house.signin(client_id).link("alice", house.approve_as("Alice B"))
    assert isinstance(result, Linked)
    assert (result.name, result.generation, result.account) == ("Alice B", generation, "alice")
    prompt = house.prompts[0]
    assert prompt.account == "alice"
    assert prompt.link.endswith("/pin")
    assert prompt.link_complete == f"{prompt.link}?user_code={prompt.code}"
    assert 890_000 < prompt.expires_utc_ms - house.clock.now().utc_ms < 900_000
    kept = tokens.load(house.grants.path)["alice"]
    assert (kept.generation, kept.client_id, kept.account_id) == (generation, client_id, result.account_id)
    assert (await house.client(client_id).settings("alice")).name == "Alice B"


@pytest.mark.parametrize(
    ("client_id", "auth", "says"),
    [
        ("sandbox-v1", "device", "AUTH V1"),
        ("sandbox", "pin", "AUTH V2"),
        ("nonsense", "auto", "simkl.com/settings/developer"),
    ],
)
async def test_a_client_id_that_does_not_fit_says_what_to_change(house: House, client_id: str, auth: str, says: str):
    """A client_id of the other generation, or of nobody, ends in one clear sentence."""
    with pytest.raises(SignInError) as caught:
        await house.signin(client_id, auth).link("alice", house.approve_as("alice"))
    assert says in str(caught.value)
    assert not house.prompts


async def test_an_older_link_tells_the_generation(house: House):
    """When an account of this client_id is linked by PIN, the next begins with the PIN, without a detour."""
    await house.link("alice", client_id="sandbox-v1")
    await house.signin("sandbox-v1").link("bob", house.approve_as("bob"))
    assert not house.sandbox.calls(path_prefix="/oauth2")


@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_polling_keeps_the_interval(house: House, client_id: str, generation: str):
    """Polls are as far apart as the server says, and none comes at once."""
    seen: list[Prompt] = []
    polls = 0

    def say(prompt: Prompt) -> None:
        seen.append(prompt)

    inner = house.clock.sleep

    async def sleep(seconds: float) -> None:
        nonlocal polls
        await inner(seconds)
        if seconds == 5:
            polls += 1
        if polls == 3:
            house.sandbox.approve(seen[0].code, "alice")

    house.clock.sleep = sleep  # type: ignore[method-assign]
    assert isinstance(await house.signin(client_id).link("alice", say), Linked)
    path = "/oauth2/token" if generation == "V2" else "/oauth/pin/"
    moments = [call.at_ms for call in house.sandbox.calls(path_prefix=path)]
    assert len(moments) == 3
    assert all(later - earlier >= 5000 for earlier, later in pairwise(moments))


async def test_slow_down_adds_five_seconds(house: House):
    """When the server wants it slower, each later poll waits five seconds more."""
    house.sandbox.switch(poll_interval_s=12)
    real = oauth.device_code

    async def told_too_low(wire: Wire) -> oauth.Code:
        code = await real(wire)
        assert isinstance(code, oauth.Code)
        return replace(code, interval_s=5.0)

    signin = house.signin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oauth, "device_code", told_too_low)
        seen: list[Prompt] = []
        result = await signin.link("alice", seen.append)
    assert isinstance(result, Expired)
    polls = house.sandbox.calls(path_prefix="/oauth2/token")
    gaps = [round((later.at_ms - earlier.at_ms) / 1000) for earlier, later in pairwise(polls)]
    assert gaps[:2] == [5, 10]
    assert set(gaps[2:]) == {15}
    assert len(polls) == pytest.approx(900 / 15, abs=2)


@pytest.mark.parametrize(("client_id", "generation"), CASES)
@pytest.mark.parametrize("decline", [True, False])
async def test_a_code_that_nobody_allows_ends_by_itself(
    house: House,
    client_id: str,
    generation: str,
    decline: bool,  # noqa: FBT001
):
    """A No and no answer look alike: after 15 minutes the sign-in ends, with nothing kept."""
    house.sandbox.switch(poll_interval_s=20)
    began = house.clock.now().mono_ms

    def say(prompt: Prompt) -> None:
        house.clock.move(800)
        if decline:
            house.sandbox.decline(prompt.code)

    assert isinstance(await house.signin(client_id).link("alice", say), Expired)
    assert 890_000 < house.clock.now().mono_ms - began < 960_000
    assert house.grants.get("alice") is None


@pytest.mark.parametrize("unknown_pin", ["fresh", "pending"])
async def test_a_pin_that_is_gone_ends_the_sign_in(house: House, unknown_pin: str):
    """A fresh answer with another code means that ours is gone: it is not shown to the user."""
    house.sandbox.switch(unknown_pin=unknown_pin)

    def say(prompt: Prompt) -> None:
        house.prompts.append(prompt)
        house.sandbox.advance(901)
        house.clock.drift(860)

    assert isinstance(await house.signin("sandbox-v1").link("alice", say), Expired)
    assert len(house.prompts) == 1
    polls = house.sandbox.calls(path_prefix="/oauth/pin/")
    assert (len(polls) == 1) is (unknown_pin == "fresh")


async def test_a_read_only_link_is_refused(house: House, monkeypatch: pytest.MonkeyPatch):
    """A token that may only read is withdrawn and not kept, with a clear sentence."""
    monkeypatch.setattr(oauth, "SCOPE", "media:read")
    with pytest.raises(SignInError, match="only read"):
        await house.signin().link("alice", house.approve_as("alice"))
    assert house.grants.get("alice") is None
    assert house.sandbox.calls(path_prefix="/oauth2/revoke")


@pytest.mark.parametrize("kind", ["drop_before", "status", "html"])
@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_trouble_while_polling_is_survived(house: House, kind: str, client_id: str, generation: str):
    """Broken connections, 503 and a portal's page between the polls do not end the sign-in."""
    house.sandbox.fault(kind, path="/oauth2/token" if generation == "V2" else "/oauth/pin/", count=3)  # type: ignore[arg-type]
    result = await house.signin(client_id).link("alice", house.approve_as("alice"))
    assert isinstance(result, Linked)


async def test_trouble_after_the_approval_is_survived(house: House):
    """The user has done their part: asking whose account it is goes on through a few faults."""
    house.sandbox.fault("drop_after", path="/users/settings", count=2)
    house.sandbox.fault("status", status=502, path="/users/settings", count=2)
    assert isinstance(await house.signin().link("alice", house.approve_as("alice")), Linked)


async def test_an_account_that_does_not_tell_its_name_is_not_kept(house: House):
    """When Simkl never says whose account it is, the grant is withdrawn, and the sentence says why."""
    house.sandbox.fault("status", status=500, path="/users/settings", count=None)
    with pytest.raises(SignInError, match="500"):
        await house.signin().link("alice", house.approve_as("alice"))
    assert house.grants.get("alice") is None
    assert house.sandbox.calls(path_prefix="/oauth2/revoke")


async def test_no_code_for_now_is_said_as_such(house: House):
    """When Simkl has trouble of its own, asking for a code is to be tried later."""
    house.sandbox.fault("status", status=503, retry_after=40, path="/oauth2/device")
    with pytest.raises(RetryLater) as caught:
        await house.signin().link("alice", house.approve_as("alice"))
    assert caught.value.after_s == 40


@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_one_simkl_account_is_linked_once(house: House, client_id: str, generation: str):
    """Two accounts of ours for one at Simkl are refused, naming both; the first keeps working."""
    await house.signin(client_id).link("alice", house.approve_as("Ann"))
    with pytest.raises(SignInError) as caught:
        await house.signin(client_id).link("bob", house.approve_as("Ann"))
    assert "'alice'" in str(caught.value)
    assert "'bob'" in str(caught.value)
    assert house.grants.get("bob") is None
    assert (await house.client(client_id).settings("alice")).name == "Ann"


@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_another_account_than_before_must_be_confirmed(house: House, client_id: str, generation: str):
    """A relink with another Simkl account keeps nothing until it is accepted; refused, the old link still works."""
    signin = house.signin(client_id)
    await signin.link("alice", house.approve_as("Ann"))
    before = house.grants.get("alice")
    result = await signin.link("alice", house.approve_as("Beth"))
    assert isinstance(result, OtherAccount)
    assert (result.old_name, result.new_name) == ("Ann", "Beth")
    assert "simkl_at" not in repr(result)
    assert house.grants.get("alice") == before
    await signin.refuse(result)
    assert (await house.client(client_id).settings("alice")).name == "Ann"
    result = await signin.link("alice", house.approve_as("Beth"))
    assert isinstance(result, OtherAccount)
    assert (await signin.accept(result)).name == "Beth"
    assert (await house.client(client_id).settings("alice")).name == "Beth"


@pytest.mark.parametrize(("client_id", "generation"), CASES)
async def test_relinking_the_same_account_lifts_the_parking(house: House, client_id: str, generation: str):
    """After the link was withdrawn, the same user signs in again and is linked without a question."""
    simkl = house.client(client_id)
    await house.signin(client_id).link("alice", house.approve_as("Ann"))
    house.sandbox.revoke("Ann")
    with pytest.raises(NotLinked):
        await simkl.settings("alice")
    assert not house.grants.linked("alice", client_id)
    assert isinstance(await house.signin(client_id).link("alice", house.approve_as("Ann")), Linked)
    assert (await simkl.settings("alice")).name == "Ann"


async def test_unlinking_withdraws_the_grant(house: House):
    """AUTH V2: Simkl is told, the token is gone from the file and dead at Simkl."""
    token = await house.link("alice")
    assert await house.signin().unlink("alice") is True
    assert tokens.load(house.grants.path) == {}
    answer = await house.http.get(
        f"{house.sandbox.url}/users/settings",
        params={"client_id": "sandbox"},
        headers={"Authorization": f"Bearer {token.access}"},
    )
    assert answer.status_code == 401
    with pytest.raises(SignInError, match="not linked"):
        await house.signin().unlink("alice")


async def test_unlinking_a_pin_link_leaves_the_rest_to_the_user(house: House):
    """AUTH V1 has no such call: the token is forgotten here, and the user removes the app at Simkl."""
    await house.link("alice", client_id="sandbox-v1")
    assert await house.signin("sandbox-v1").unlink("alice") is False
    assert tokens.load(house.grants.path) == {}
    assert "connected-apps" in signin_module.APPS_PAGE


async def test_an_unattended_daemon_shows_codes_ever_more_seldom(house: House):
    """Each code that expires is followed by a longer pause, up to an hour; the first that is used links."""
    house.sandbox.switch(poll_interval_s=300)
    moments: list[int] = []

    def say(prompt: Prompt) -> None:
        moments.append(house.clock.now().mono_ms)
        if len(moments) == 8:
            house.sandbox.approve(prompt.code, "alice")

    troubles: list[str] = []
    result = await house.signin().until_linked("alice", say, troubles.append)
    assert isinstance(result, Linked)
    pauses = [(later - earlier) / 1000 - 900 for earlier, later in pairwise(moments)]
    assert pauses == sorted(pauses[:4]) + pauses[4:]
    assert pauses[0] < 75
    assert all(3200 < pause < 4000 for pause in pauses[4:])
    assert troubles == []


async def test_the_daemon_says_trouble_once_and_goes_on(house: House):
    """A wrong client_id and trouble at Simkl are said once each, and the sign-in goes on by itself."""
    house.sandbox.fault("status", status=503, path="/oauth2/device", count=2)
    house.sandbox.fault("status", status=412, path="/oauth2/device", count=2)
    troubles: list[str] = []
    result = await house.signin().until_linked("alice", house.approve_as("alice"), troubles.append)
    assert isinstance(result, Linked)
    assert len(troubles) == 2
    assert "503" in troubles[0]
    assert "simkl.com/settings/developer" in troubles[1]


async def test_the_daemon_notices_a_link_made_by_the_command(house: House):
    """While the daemon waits, `scrobbler auth` in another process links; the daemon takes that and stops asking."""
    command = House(house.sandbox, house.grants.path)
    codes: list[Prompt] = []

    inner = house.clock.sleep

    async def sleep(seconds: float) -> None:
        await inner(seconds)
        if len(house.sandbox.calls(path_prefix="/oauth2/token")) == 2:
            await command.link("alice")

    house.clock.sleep = sleep  # type: ignore[method-assign]
    async with command.http:
        result = await house.signin().until_linked("alice", codes.append, codes.append)  # type: ignore[arg-type]
    assert isinstance(result, Linked)
    assert len(codes) == 1
    assert len(house.sandbox.calls(path_prefix="/oauth2/token")) == 2


async def test_the_daemon_does_not_take_another_account(house: House):
    """With nobody there to confirm it, a link with another Simkl account than before is refused and told."""
    token = await house.link("alice", "Ann")
    await house.grants.park("alice", token.access, "withdrawn")
    result = await house.signin().until_linked("alice", house.approve_as("Beth"), lambda _: None)
    assert isinstance(result, OtherAccount)
    parked = house.grants.get("alice")
    assert parked is not None
    assert parked.name == "Ann"


async def test_two_sign_ins_do_not_call_in_the_same_second(house: House):
    """Accounts that sign in together ask for their codes one after another."""
    signin = house.signin()
    for account in ("alice", "bob"):
        await signin.link(account, house.approve_as(account))
    first, second = (call.at_ms for call in house.sandbox.calls(path_prefix="/oauth2/device"))
    assert second - first >= 1100


async def test_nothing_secret_is_logged(house: House, caplog: pytest.LogCaptureFixture):
    """Neither tokens nor the device code appear in any log of a sign-in, at any level."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        await house.signin().link("alice", house.approve_as("alice"))
        await house.simkl.settings("alice")
    token = house.grants.get("alice")
    assert token is not None
    everything = caplog.text + str(lines)
    assert lines
    assert token.access not in everything
    assert token.refresh not in everything
    bodies = [call.body for call in house.sandbox.calls(path_prefix="/oauth2/token")]
    assert not any(isinstance(body, dict) and str(body.get("device_code")) in everything for body in bodies)


async def test_linking_survives_a_restart(house: House):
    """What one process linked, the next one reads."""
    await house.signin().link("alice", house.approve_as("alice"))
    assert Grants(house.grants.path, house.clock).linked("alice", "sandbox")


def test_the_qr_code_is_half_blocks_and_small():
    """A link becomes half-block characters that fit a terminal of 80 columns."""
    drawn = qr_text("https://simkl.com/pin?user_code=QWRT-7H2K")
    lines = drawn.splitlines()
    assert len(lines) <= 20
    assert set("▀▄█") & set(drawn)
    assert not drawn.endswith("\n")
