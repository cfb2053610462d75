"""What surrounds the pretended Simkl: its documentation, its pages, its process, its own routes, and its independence."""

import ast
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import httpx
import msgspec
import pytest

import scrobbler.sandbox
from scrobbler.sandbox.admin import Admin
from scrobbler.sandbox.faults import FaultKind
from scrobbler.sandbox.page import Pages
from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.server import SandboxServer
from scrobbler.sandbox.switches import Switches
from tests.kit.simkl_sandbox import SandboxClient, SandboxError
from tests.sandbox.caller import FILM, Caller, episode

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")


def shown(value: object) -> str:
    return "empty" if value == "" else f"`{json.dumps(value) if isinstance(value, bool) else value}`"


def test_switches_are_documented():
    """Every switch stands in the table with its true default and all its words, and no other."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.* \| .*) \| .* \|$", DOCS, re.MULTILINE))
    defaults = msgspec.to_builtins(Switches())
    assert {name for name in rows if name in defaults} == set(defaults)
    for field in msgspec.inspect.type_info(Switches).fields:  # type: ignore[attr-defined]
        values, default = rows[field.name].rsplit(" | ", 1)
        assert default == shown(defaults[field.name]), field.name
        kind = field.type.type if isinstance(field.type, msgspec.inspect.Metadata) else field.type
        if isinstance(kind, msgspec.inspect.LiteralType):
            assert {f"`{word}`" for word in kind.values} == set(values.split(", ")), field.name


def test_faults_and_routes_are_documented():
    """Every kind of fault and every address of its own stands in the document, and no other address does."""
    for kind in get_args(FaultKind):
        assert f"| `{kind}` |" in DOCS
    routes = [*Admin(Sandbox()).routes(), *Pages(Sandbox()).routes()]
    real = {f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"}}
    table = DOCS[DOCS.index("## Its own addresses") :]
    written = set(re.findall(r"`((?:GET|POST|DELETE) /[\w/]*)`", table))
    assert real - {"GET /pin/{code}"} == written


def test_page_shows_what_arrived(alice: Caller, sandbox: SandboxClient):
    """The page for people shows banner, history, saved positions and calls, escaped, without foreign resources."""
    sandbox.add_movie("<b>Bold</b>", 2020, ids={"imdb": "tt0000042"})
    alice.scrobble("stop", FILM, 90)
    alice.scrobble("pause", episode(3), 41.5)
    alice.scrobble("start", {"movie": {"ids": {"imdb": "tt0000042"}}}, 10)
    page = httpx.get(sandbox.url + "/", trust_env=False).text
    for words in (
        "alice",
        "The Matrix (1999)",
        "Breaking Bad (2008) S01E03",
        "41.5 %",
        "/scrobble/stop",
        "Watching now",
    ):
        assert words in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold</b>" not in page
    assert not re.search(r"(src|href)=\W?(https?:)?//", page)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (lambda s: s.switch(lock="never"), "$.lock"),
        (lambda s: s.switch(speed=3), "speed"),
        (lambda s: s.link("alice", "stranger"), "stranger"),
        (lambda s: s.approve("NOPE-NOPE", "alice"), "NOPE-NOPE"),
        (lambda s: s.fault("flood"), "flood"),
        (lambda s: s.add_movie("Twice", simkl=500012), "The Matrix"),
    ],
)
def test_bad_orders_are_refused_in_words(sandbox: SandboxClient, order: Callable[[SandboxClient], object], words: str):
    """A wrong order is refused with a sentence that names what is wrong."""
    with pytest.raises(SandboxError, match=re.escape(words)):
        order(sandbox)


def test_wait_for_tells_what_was_seen(alice: Caller, sandbox: SandboxClient):
    """A wait that fails names the calls that came."""
    alice.scrobble("start", FILM, 1)
    with pytest.raises(AssertionError, match="/scrobble/start"):
        sandbox.wait_for(lambda: sandbox.history("alice"), timeout=0)


def test_anime_can_be_added(alice: Caller, sandbox: SandboxClient):
    """A test may add an anime with its places at TVDB."""
    sandbox.add_anime("Second Cour", 2024, places=[(2, 1, 12)], ids={"tvdb": "424242", "mal": "424"})
    show = {"show": {"ids": {"tvdb": "424242"}}, "episode": {"season": 2, "number": 12}}
    assert alice.scrobble("stop", show, 95).json()["episode"]["tvdb_season"] == 2


def test_process_says_where_it_listens():
    """`python -m scrobbler.sandbox` prints its address, serves, and ends at a signal."""
    command = [sys.executable, "-m", "scrobbler.sandbox"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
    ) as run:
        assert run.stdout is not None
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", run.stdout.readline())
        assert match
        assert SandboxClient(match[1]).link("alice").scope == "media:read media:write"
        for port, words in ((match[1].rsplit(":", 1)[1], "in use"), ("99999", "0 to 65535")):
            refused = subprocess.run(
                [*command, "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
            )
            assert refused.returncode == 1
            assert refused.stderr.startswith(f"cannot listen on 127.0.0.1:{port}: ")
            assert words in refused.stderr
        run.send_signal(signal.SIGTERM)
        assert run.wait(10) == 0


@pytest.mark.anyio
async def test_inside_another_program():
    """It runs as a guest in an event loop, leaves the signals alone, and can be started again."""
    before = asyncio.all_tasks()
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for _ in range(2):
        server = SandboxServer()
        await server.start()
        grant = server.sandbox.link("demo")
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": f"Bearer {grant.access_token}"}
            answer = await client.get(f"{server.url}/users/settings?client_id=sandbox", headers=headers)
        assert answer.json()["account"]["id"] == grant.account_id == server.sandbox.view("demo").account_id
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
        await server.stop()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


def test_independence():
    """The sandbox imports nothing of the daemon but its clock, so that it cannot share a mistake with the client."""
    imported = set()
    for file in Path(scrobbler.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("scrobbler"):
                imported.add(node.module)
    assert {name for name in imported if not name.startswith("scrobbler.sandbox")} == {"scrobbler.clock"}
