"""Every answer of the hook routes (contract.md 1.5, 1.6)."""

import asyncio

import pytest
from msgspec.structs import replace

from scrobbler.config.models import HookAccess
from tests.hooks.house import SECOND, SECRET, House, full, open_house, read_reply

pytestmark = pytest.mark.anyio

GOOD = f"/hooks/attic/{SECRET}"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        (GOOD, JSON, b"{}", 204),
        (f"/hooks/attic/{SECOND}", JSON, b"{}", 204),
        ("/hooks/attic", {"Authorization": f"Bearer {SECRET}"}, b"{}", 204),
        ("/hooks/attic", {"authorization": f"bearer  {SECRET}"}, b"{}", 204),
        ("/hooks/attic", {"X-Scrobbler-Secret": SECOND}, b"{}", 204),
        (GOOD, {}, b"nothing", 204),
        ("/hooks/attic", {}, b"{}", 401),
        ("/hooks/attic/", {}, b"{}", 401),
        ("/hooks/attic/wrong", {}, b"{}", 401),
        (f"/hooks/attic/{SECRET}x", {}, b"{}", 401),
        ("/hooks/attic/%ff%fe", {}, b"{}", 401),
        ("/hooks/attic", {"Authorization": f"Basic {SECRET}"}, b"{}", 401),
        (f"/hooks/cellar/{SECRET}", {}, b"{}", 404),
        ("/hooks/cellar", {}, b"{}", 404),
        ("/hooks", {}, b"{}", 404),
        ("/elsewhere", {}, b"{}", 404),
        (GOOD, {}, b"x" * (256 * 1024), 204),
        (GOOD, {}, b"x" * (256 * 1024 + 1), 413),
        (GOOD, {}, b"unsupported", 415),
        (GOOD, {"Content-Encoding": "gzip"}, b"{}", 415),
        (GOOD, {}, b"unreadable", 422),
        (GOOD, {"Content-Type": "multipart/form-data"}, b"x", 422),
        (GOOD, {"Content-Type": "multipart/form-data; boundary=q"}, b"no form at all", 422),
    ],
)
async def test_answers(path: str, headers: dict[str, str], body: bytes, code: int):
    """Each request gets the code of the contract, and a refusal says why in one line of text."""
    async with open_house() as house:
        reply = await house.ask("POST", path, headers, body)
    assert reply.code == code
    if code == 204:
        assert reply.body == b""
        assert len(house.door.taken) == (0 if body == b"nothing" else 2)
    else:
        assert not house.door.taken
        assert reply.text.count("\n") == 1
        assert reply.headers["content-type"].startswith("text/plain")
        assert SECRET not in reply.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods(method: str):
    """A hook's address takes POST and nothing else."""
    async with open_house() as house:
        reply = await house.ask("OPTIONS" if method == "HEAD" else method, GOOD)
    assert reply.code == 405
    assert reply.headers["allow"] == "POST"


async def test_the_network_is_looked_at_first():
    """From a network that is not allowed everything is 403, also what does not exist."""
    async with open_house() as house:
        house.http = replace(house.http, hooks=HookAccess(allow=("10.0.0.0/8",)))
        codes = [(await house.ask("POST", path)).code for path in (GOOD, "/hooks/attic", "/hooks/cellar/x")]
    assert codes == [403, 403, 403]


async def test_storage_trouble_is_503_with_retry_after():
    """A hook that cannot be stored now is asked to come again, and is told nothing about our disk."""
    async with open_house() as house:
        house.door.broken = full()
        reply = await house.ask("POST", GOOD, JSON, b"{}")
    assert reply.code == 503
    assert int(reply.headers["retry-after"]) > 0
    assert "secret" not in reply.text


async def test_a_bug_in_a_plugin_stays_there(capsys: pytest.CaptureFixture[str]):
    """An exception in a plugin is a 422 without a traceback; the log names the source."""
    async with open_house() as house:
        reply = await house.ask("POST", GOOD, JSON, b"bug")
        again = await house.ask("POST", GOOD, JSON, b"{}")
    assert (reply.code, again.code) == (422, 204)
    assert reply.text.startswith("internal")
    assert "Traceback" not in reply.text
    assert "attic" in capsys.readouterr().out


async def test_a_bug_of_ours_is_a_plain_500():
    """An unexpected error answers 500 without detail, and the server goes on."""
    async with open_house() as house:
        house.door.broken = RuntimeError("detail")
        reply = await house.ask("POST", GOOD, JSON, b"{}")
        house.door.broken = None
        again = await house.ask("POST", GOOD, JSON, b"{}")
    assert (reply.code, again.code) == (500, 204)
    assert "detail" not in reply.text


async def test_204_comes_after_storing():
    """The answer waits until the events are stored."""
    async with open_house() as house:
        house.door.slow = asyncio.Event()
        asking = asyncio.ensure_future(house.ask("POST", GOOD, JSON, b"{}"))
        await asyncio.sleep(0.1)
        assert not asking.done()
        house.door.slow.set()
        assert (await asking).code == 204


async def test_answers_are_counted_without_strangers_names():
    """The counter knows our sources and codes; a path that may hold a misplaced secret never gets into it."""
    async with open_house() as house:
        for path in (GOOD, "/hooks/attic/wrong", f"/hooks/{SECRET}", f"/hooks/{SECRET}/attic"):
            await house.ask("POST", path, JSON, b"{}")
    assert house.answers.counts == {("attic", 204): 1, ("attic", 401): 1, ("", 404): 2}


async def test_a_refusal_is_not_said_each_second(capsys: pytest.CaptureFixture[str]):
    """A player that posts each second with an old secret fills no log; another reason is said at once."""
    async with open_house() as house:
        for _ in range(5):
            await house.ask("POST", "/hooks/attic/wrong", JSON, b"{}")
        await house.ask("POST", GOOD, JSON, b"unreadable")
    lines = [line for line in capsys.readouterr().out.splitlines() if "hook refused" in line and "warning" in line]
    assert [("code=401" in line, "code=422" in line) for line in lines] == [(True, False), (False, True)]


async def test_no_secret_reaches_the_log(capsys: pytest.CaptureFixture[str]):
    """Neither a right nor a wrong secret, nor a misplaced one, is logged."""
    async with open_house() as house:
        for path in (GOOD, f"/hooks/attic/{SECRET}wrong", f"/hooks/{SECRET}/x"):
            await house.ask("POST", path, JSON, b"unreadable")
    assert SECRET not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trusted", "forwarded", "code"),
    [
        ((), "10.0.0.1", 403),
        (("127.0.0.0/8",), "10.0.0.1", 204),
        (("127.0.0.0/8",), "10.0.0.1:4711", 204),
        (("127.0.0.0/8",), "10.0.0.1, 192.0.2.1", 403),
        (("127.0.0.0/8",), "192.0.2.1, 10.0.0.1", 204),
        (("127.0.0.0/8", "192.0.2.1"), "10.0.0.1, 192.0.2.1", 204),
        (("127.0.0.0/8",), "10.0.0.1, what", 403),
        (("127.0.0.0/8",), "[::ffff:10.0.0.1]:80", 204),
        (("127.0.0.0/8",), "", 403),
    ],
)
async def test_forwarded_for(trusted: tuple[str, ...], forwarded: str, code: int):
    """X-Forwarded-For counts only from proxies that are trusted, from right to left."""
    async with open_house() as house:
        house.http = replace(house.http, hooks=HookAccess(allow=("10.0.0.0/8",)), trusted_proxies=trusted)
        reply = await house.ask("POST", GOOD, {**JSON, "X-Forwarded-For": forwarded}, b"{}")
    assert reply.code == code


async def test_a_secret_in_a_header_is_not_passed_on():
    """Plugins see the headers of a request without those that carry secrets."""
    async with open_house() as house:
        await house.ask("POST", "/hooks/attic", {"X-Scrobbler-Secret": SECRET, "User-Agent": "player/1"}, b"{}")
    headers = house.door.plugin.requests[0].headers
    assert headers["user-agent"] == "player/1"
    assert SECRET not in str(headers)


async def test_chunked_body():
    """A body without a length, in chunks, is read whole."""
    head = f"POST {GOOD} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with open_house() as house:
        reply = await house.raw([head.encode(), b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n"])
    assert reply.code == 204
    assert house.door.plugin.requests[0].body == b"abcde"


async def test_chunked_body_that_never_ends():
    """A body without a length is cut off at the limit, not stored until memory is full."""
    head = f"POST {GOOD} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with open_house() as house:
        reply = await house.raw([head.encode(), *[chunk] * 5])
    assert reply.code == 413


async def test_slow_body_is_given_up():
    """A request that does not come to its end is answered 408."""
    house = House()
    house.body_timeout_s = 0.1
    head = f"POST {GOOD} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
    async with open_house(house):
        reply = await house.raw([head.encode()])
    assert reply.code == 408


async def test_sender_that_hangs_up():
    """A request that breaks off is forgotten, and the next one is served."""
    head = f"POST {GOOD} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
    async with open_house() as house:
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(head.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        reply = await house.ask("POST", GOOD, JSON, b"{}")
    assert reply.code == 204
    assert len(house.door.plugin.requests) == 1


async def test_keep_alive_takes_many_requests():
    """One connection carries one hook after the other, also after a refusal whose body nobody read."""
    wrong = b"POST /hooks/attic/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000
    good = f"POST {GOOD} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    async with open_house() as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        codes = []
        for request in (good, wrong, good):
            writer.write(request)
            await writer.drain()
            codes.append((await read_reply(reader)).code)
        writer.close()
        await writer.wait_closed()
    assert codes == [204, 401, 204]


async def test_urlencoded_form():
    """A form in the body is given as fields, and as the body itself."""
    async with open_house() as house:
        reply = await house.ask(
            "POST", GOOD, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, b"data=%7B%C3%A4%7D&x="
        )
    request = house.door.plugin.requests[0]
    assert reply.code == 204
    assert dict(request.form) == {"data": "{ä}", "x": ""}
    assert request.content_type == "application/x-www-form-urlencoded"


async def test_a_probe_proves_the_way_and_means_nothing():
    """What `doctor` sends is 204 with the right secret and 401 with a wrong one, and reaches no plugin."""
    async with open_house() as house:
        right = await house.ask("POST", GOOD, {"X-Scrobbler-Probe": "1"})
        wrong = await house.ask("POST", "/hooks/attic/wrong", {"X-Scrobbler-Probe": "1"})
    assert (right.code, wrong.code) == (204, 401)
    assert not house.door.plugin.requests
