"""A Simkl client on a clock of its own, with a scripted server behind it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from scrobbler.api import Episode, Ids, Movie, Show
from scrobbler.api.testkit import FakeClock, settle
from scrobbler.http import HttpClient
from scrobbler.simkl.client import Simkl
from scrobbler.simkl.signin import SignIn, SimklApp
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Token

T = TypeVar("T")
CLIENT_ID = "our-client"
FILM = Movie(title="Example Film", year=2019, ids=Ids(imdb="tt9000002", tmdb="80002"))
EPISODE = Episode(show=Show(title="Example Show", year=2021, ids=Ids(tvdb="400001")), season=2, number=5)
STARTED = {"id": 0, "action": "start", "progress": 0, "movie": {"title": "Example Film", "ids": {"imdb": "tt9000002"}}}
WATCHED = {
    "id": 7,
    "action": "scrobble",
    "progress": 95,
    "movie": {"title": "Example Film", "ids": {"imdb": "tt9000002"}},
}


@dataclass
class Call:
    """One request as the server saw it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    mono_ms: int

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


def answer(
    status: int = 201, data: Any = None, *, headers: Mapping[str, str] | None = None, raw: bytes | None = None
) -> httpx.Response:
    """Make one answer of the script."""
    content = raw if raw is not None else b"" if data is None else msgspec.json.encode(data)
    return httpx.Response(status, content=content, headers=dict(headers or {}))


def error(status: int, code: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Make a refusal in Simkl's envelope."""
    return answer(status, {"error": code, "code": status}, headers=headers)


Scripted = httpx.Response | Exception | Callable[[Call], httpx.Response | Awaitable[httpx.Response]]


@dataclass
class Server:
    """Answers with what the script says, in order; the last line of the script stays."""

    clock: FakeClock
    script: list[Scripted] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("application/json"):
            body: Any = msgspec.json.decode(request.content)
        else:
            body = dict(httpx.QueryParams(request.content.decode()))
        call = Call(
            method=request.method,
            path=request.url.path,
            query=dict(request.url.params),
            headers=dict(request.headers),
            body=body,
            mono_ms=self.clock.now().mono_ms,
        )
        self.calls.append(call)
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(line, Exception):
            raise line
        if isinstance(line, httpx.Response):
            return httpx.Response(line.status_code, content=line.content, headers=line.headers)
        made = line(call)
        return made if isinstance(made, httpx.Response) else await made


class Rig:
    """Everything that a test of the client needs."""

    def __init__(self, folder: Path, *script: Scripted) -> None:
        self.clock = FakeClock()
        self.server = Server(self.clock, list(script))
        self._http = httpx.AsyncClient(transport=httpx.MockTransport(self.server.handle))
        self.grants = Grants(folder / "state" / "tokens.json", self.clock)
        self.simkl = Simkl(
            client_id=CLIENT_ID,
            api_url="http://simkl.test",
            http=self.http,
            clock=self.clock,
            grants=self.grants,
            random=random.Random(1),
        )

    def http(self) -> HttpClient:
        return self._http

    def script(self, *lines: Scripted) -> None:
        """Replace what the server will answer."""
        self.server.script = list(lines)

    @property
    def calls(self) -> list[Call]:
        return self.server.calls

    @property
    def paths(self) -> list[str]:
        return [call.path for call in self.server.calls]

    def signin(self, auth: Any = "auto") -> SignIn:
        app = SimklApp(client_id=CLIENT_ID, api_url="http://simkl.test", auth=auth)
        return SignIn(app, http=self.http, clock=self.clock, grants=self.grants, random=random.Random(1))

    async def link(self, account: str = "alice", **changes: Any) -> Token:
        """Put a living token in the file, without a sign-in."""
        now_ms = self.clock.now().utc_ms
        values: dict[str, Any] = {
            "generation": "V2",
            "client_id": CLIENT_ID,
            "access": f"at-{account}",
            "refresh": f"rt-{account}",
            "expires_utc_ms": now_ms + 604_800_000,
            "refresh_utc_ms": now_ms + 518_400_000,
            "scope": "media:read media:write",
            "account_id": abs(hash(account)) % 1000 + 1,
            "name": account.title(),
        }
        token = Token(**(values | changes))
        await self.grants.store(account, token)
        return token

    async def run(self, coroutine: Coroutine[Any, Any, T], *, limit_s: float = 86_400) -> T:
        """Run it to its end, letting time pass whenever everything waits for it."""
        return await run(self.clock, coroutine, limit_s=limit_s)


async def run(clock: FakeClock, coroutine: Coroutine[Any, Any, T], *, limit_s: float = 86_400) -> T:
    """Run it to its end, letting time pass whenever everything waits for it."""
    task = asyncio.ensure_future(coroutine)
    limit_ms = clock.now().mono_ms + int(limit_s * 1000)
    while not task.done():
        await settle()
        if not task.done():
            assert clock.now().mono_ms < limit_ms, f"still waiting after {limit_s} s"
            await clock.advance(0.1)
    return task.result()
