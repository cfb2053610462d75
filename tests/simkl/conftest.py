"""A client that talks to the sandbox over a socket, on the sandbox's time."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scrobbler.clock import Now
from scrobbler.http import HttpClient, new_client
from scrobbler.simkl.client import Simkl
from scrobbler.simkl.signin import Prompt, SignIn, SimklApp
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Token
from tests.kit.simkl_sandbox import SandboxClient, sandbox

__all__ = ["house", "sandbox"]


class SharedClock:
    """The sandbox's time: whoever sleeps moves both clocks at once instead of waiting."""

    def __init__(self, sandbox: SandboxClient) -> None:
        self._sandbox = sandbox
        self._utc_ms = sandbox.now_ms()
        self._began = time.monotonic()
        self._moved_ms = 0
        self.jump_ms = 0

    def now(self) -> Now:
        passed_ms = int((time.monotonic() - self._began) * 1000) + self._moved_ms
        return Now(self._utc_ms + passed_ms + self.jump_ms, passed_ms)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.move(seconds)

    def move(self, seconds: float) -> None:
        """Let time pass, here and there."""
        self._sandbox.advance(seconds)
        self.drift(seconds)

    def drift(self, seconds: float) -> None:
        """Let time pass here alone."""
        self._moved_ms += round(seconds * 1000)


class House:
    """One daemon's worth of Simkl: grants, client and sign-in, against the sandbox."""

    def __init__(self, sandbox: SandboxClient, path: Path) -> None:
        self.sandbox = sandbox
        self.clock = SharedClock(sandbox)
        self.grants = Grants(path, self.clock)
        self.prompts: list[Prompt] = []
        self.http = new_client()
        self.simkl = self.client("sandbox")

    def _http(self) -> HttpClient:
        return self.http

    def client(self, client_id: str) -> Simkl:
        return Simkl(
            client_id=client_id,
            api_url=self.sandbox.url,
            http=self._http,
            clock=self.clock,
            grants=self.grants,
            random=random.Random(1),
        )

    def signin(self, client_id: str = "sandbox", auth: Any = "auto") -> SignIn:
        app = SimklApp(client_id=client_id, api_url=self.sandbox.url, auth=auth)
        return SignIn(app, http=self._http, clock=self.clock, grants=self.grants, random=random.Random(1))

    def approve_as(self, user: str) -> Any:
        """Make a `say` that does at once what the prompt asks for."""

        def say(prompt: Prompt) -> None:
            self.prompts.append(prompt)
            self.sandbox.approve(prompt.code, user)

        return say

    async def link(self, account: str, user: str | None = None, client_id: str = "sandbox", **options: Any) -> Token:
        """Link without a sign-in."""
        grant = self.sandbox.link(user or account, client_id=client_id, **options)
        now_ms = self.clock.now().utc_ms
        token = Token(
            generation="V1" if client_id == "sandbox-v1" else "V2",
            client_id=client_id,
            access=grant.access_token,
            refresh=grant.refresh_token or "",
            expires_utc_ms=now_ms + 604_800_000,
            refresh_utc_ms=now_ms + 518_400_000 if grant.refresh_token else 0,
            scope=grant.scope,
            account_id=grant.account_id,
            name=user or account,
        )
        await self.grants.store(account, token)
        return token

    def posts(self, prefix: str = "/s") -> list[tuple[str, int | None]]:
        """Return path and status of the writes that the sandbox saw."""
        return [(call.path, call.status) for call in self.sandbox.calls(path_prefix=prefix) if call.method == "POST"]


@pytest.fixture
async def house(sandbox: SandboxClient, tmp_path: Path) -> AsyncIterator[House]:
    """A house against a fresh sandbox."""
    made = House(sandbox, tmp_path / "state" / "tokens.json")
    async with made.http:
        yield made


@pytest.fixture
def unused_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
