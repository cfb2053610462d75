"""Who sees the status, and how healthy the daemon says it is (contract.md 1.5)."""

import json

import pytest
from msgspec.structs import replace

from scrobbler.config.models import StatusAccess
from tests.hooks.house import House, full, open_house

pytestmark = pytest.mark.anyio

VIEWS = ("/", "/api/status", "/metrics")
TOKEN = "a token of some length"


@pytest.mark.parametrize("path", VIEWS)
async def test_loopback_sees_everything_without_a_token(path: str):
    """From this machine the status needs no token unless one is set."""
    async with open_house() as house:
        reply = await house.ask("GET", path)
    assert reply.code == 200
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_content_types_and_policy():
    """The page loads nothing from elsewhere and is not kept; metrics and report have their types."""
    async with open_house() as house:
        page, report, metrics = [await house.ask("GET", path) for path in VIEWS]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert report.headers["content-type"] == "application/json"
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", VIEWS)
async def test_beyond_loopback_only_with_a_token(path: str):
    """An allowed network sees nothing as long as no token is set, and with one only who presents it."""
    far = {"X-Forwarded-For": "192.0.2.7"}
    async with open_house() as house:
        house.http = replace(
            house.http, trusted_proxies=("127.0.0.1",), status=StatusAccess(allow=("192.0.2.0/24",), token="")
        )
        without = await house.ask("GET", path, far)
        house.http = replace(house.http, status=StatusAccess(allow=("192.0.2.0/24",), token=TOKEN))
        nothing = await house.ask("GET", path, far)
        wrong = await house.ask("GET", path, {**far, "Authorization": f"Bearer {TOKEN}x"})
        right = await house.ask("GET", path, {**far, "Authorization": f"Bearer {TOKEN}"})
        elsewhere = await house.ask(
            "GET", path, {"X-Forwarded-For": "198.51.100.1", "Authorization": f"Bearer {TOKEN}"}
        )
    codes = [one.code for one in (without, nothing, wrong, right, elsewhere)]
    assert codes == [403, 401, 401, 200, 403]
    assert "www-authenticate" in nothing.headers


async def test_a_token_in_the_address_is_needed_once():
    """`?token=` shows the page and sets a cookie that does from then on; the cookie is not the token."""
    async with open_house() as house:
        house.http = replace(house.http, status=StatusAccess(allow=("127.0.0.0/8",), token=TOKEN))
        first = await house.ask("GET", "/?token=a%20token%20of%20some%20length")
        cookie = first.headers["set-cookie"].partition(";")[0]
        again = await house.ask("GET", "/api/status", {"Cookie": cookie})
        forged = await house.ask("GET", "/", {"Cookie": f"scrobbler_status={TOKEN}"})
        bad = await house.ask("GET", "/?token=wrong", {"Cookie": cookie})
    assert [one.code for one in (first, again, forged, bad)] == [200, 200, 401, 401]
    assert TOKEN not in first.headers["set-cookie"]
    assert "httponly" in first.headers["set-cookie"].lower()
    assert "samesite=strict" in first.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:7465", 200),
        ("localhost:7465", 200),
        ("[::1]:7465", 200),
        ("evil.example:7465", 403),
        ("evil_example", 403),
        ("", 403),
    ],
)
async def test_a_foreign_name_for_this_machine(host: str, code: int):
    """A web page elsewhere cannot read the status by letting its own name lead to 127.0.0.1."""
    async with open_house() as house:
        reply = await house.ask("GET", "/api/status", {"Host": host})
    assert reply.code == code


async def test_health():
    """Health is asked without a token from anywhere; only faults of the daemon itself make it 503."""
    async with open_house() as house:
        house.http = replace(house.http, status=StatusAccess(allow=(), token=TOKEN))
        good = await house.ask("GET", "/healthz")
        house.status.trouble = ["the disk is full"]
        bad = await house.ask("GET", "/healthz")
    assert (good.code, good.body) == (200, b'{"status":"ok"}')
    assert bad.code == 503
    assert json.loads(bad.body)["faults"] == ["the disk is full"]
    assert json.loads(bad.body)["status"] != "ok"


async def test_a_page_that_cannot_be_made():
    """A store that cannot be read is a 503, not an empty answer."""
    house = House()
    house.status.broken = full()
    async with open_house(house):
        reply = await house.ask("GET", "/")
    assert reply.code == 503


@pytest.mark.parametrize("path", [*VIEWS, "/healthz"])
async def test_pages_take_get_alone(path: str):
    """Nothing can be changed over HTTP."""
    async with open_house() as house:
        reply = await house.ask("POST", path)
    assert reply.code == 405
