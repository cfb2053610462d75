"""The sandbox as every suite uses it: a server on a free loopback port in a thread, and a typed client for its ledger."""

import asyncio
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import msgspec
import pytest

from scrobbler.clock import Clock
from scrobbler.sandbox.faults import FaultKind
from scrobbler.sandbox.people import FULL_SCOPE, Plan
from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.server import SandboxServer
from scrobbler.sandbox.switches import Switches
from scrobbler.sandbox.views import (
    Banner,
    Call,
    CodeView,
    Counters,
    Grant,
    HistoryRow,
    ItemCalls,
    Ledger,
    SavedPlayback,
    UserView,
)

__all__ = [
    "Banner",
    "Call",
    "CodeView",
    "Counters",
    "Grant",
    "HistoryRow",
    "ItemCalls",
    "Ledger",
    "SandboxClient",
    "SavedPlayback",
    "Switches",
    "UserView",
    "running_sandbox",
    "sandbox",
]

T = TypeVar("T")
POLL_S = 0.05
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SandboxError(AssertionError):
    """The sandbox refused an order; the text is its reason."""


class SandboxClient:
    """Tells a running sandbox what to do and asks what it saw. Every method is one HTTP request to loopback."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def user(self, user: str) -> UserView:
        """Return everything about one user (made on first use), with a stable integer `account_id`."""
        return self._get("user", UserView, user=user)

    def history(self, user: str) -> list[HistoryRow]:
        """Return the user's watches in the order in which they were written."""
        return self.user(user).history

    def playbacks(self, user: str) -> list[SavedPlayback]:
        """Return the user's saved positions."""
        return self.user(user).playbacks

    def banner(self, user: str) -> Banner | None:
        """Return what is shown as watching now."""
        return self.user(user).banner

    def calls(self, user: str | None = None, path_prefix: str | None = None) -> list[Call]:
        """Return the calls that arrived, oldest first."""
        return self._get("calls", list[Call], user=user or "", path_prefix=path_prefix or "")

    def counters(self) -> Counters:
        """Return the assertion counters."""
        return self._get("counters", Counters)

    def ledger(self) -> Ledger:
        """Return everything at once."""
        return self._get("ledger", Ledger)

    def codes(self) -> list[CodeView]:
        """Return the sign-in codes that are still good."""
        return self._get("codes", list[CodeView])

    def switches(self) -> Switches:
        """Return the switches."""
        return self._get("switches", Switches)

    def switch(self, **values: Any) -> Switches:
        """Set switches by name; unknown names and values raise SandboxError."""
        return self._post("switches", values, Switches)

    def fault(
        self,
        kind: FaultKind,
        *,
        status: int = 503,
        retry_after: int | None = None,
        seconds: float = 25.0,
        path: str = "",
        method: str = "",
        user: str = "",
        count: int | None = 1,
    ) -> None:
        """Let the next `count` calls (None: until cleared) that match `path` prefix, `method` and `user` meet a fault."""
        order = {
            "kind": kind,
            "status": status,
            "retry_after": retry_after,
            "seconds": seconds,
            "path": path,
            "method": method,
            "user": user,
            "count": count,
        }
        self._post("faults", order, dict[str, Any])

    def clear_faults(self) -> None:
        """Forget the faults that still wait."""
        self._send("DELETE", "faults", None)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        self._post("clock", {"advance_s": seconds}, dict[str, Any])

    def now_ms(self) -> int:
        """Return the sandbox's time in ms since 1970."""
        return int(self._get("clock", dict[str, Any])["now_ms"])

    def approve(self, user_code: str, user: str) -> None:
        """Approve a sign-in code as this user."""
        self._post("codes", {"user_code": user_code, "user": user, "decision": "approve"}, dict[str, Any])

    def decline(self, user_code: str) -> None:
        """Decline a sign-in code."""
        self._post("codes", {"user_code": user_code, "decision": "decline"}, dict[str, Any])

    def link(self, user: str, client_id: str = "sandbox", scope: str = FULL_SCOPE) -> Grant:
        """Link a user without a sign-in."""
        return self._post("link", {"user": user, "client_id": client_id, "scope": scope}, Grant)

    def revoke(self, user: str) -> None:
        """End every link of a user, as the user may on Simkl's pages."""
        self._post("revoke", {"user": user}, dict[str, Any])

    def plan(self, user: str, plan: Plan) -> None:
        """Give a user a plan."""
        self._post("users", {"user": user, "plan": plan}, dict[str, Any])

    def quota(self, user: str, remaining: int) -> None:
        """Set how many calls the user has left today."""
        self._post("users", {"user": user, "remaining": remaining}, dict[str, Any])

    def add_app(self, client_id: str, generation: Literal["v1", "v2"] = "v2") -> None:
        """Register an application."""
        self._post("apps", {"client_id": client_id, "generation": generation}, dict[str, Any])

    def add_movie(
        self,
        title: str,
        year: int | None = None,
        *,
        ids: Mapping[str, str] | None = None,
        runtime: int | None = None,
        **more: Any,
    ) -> int:
        """Add a film (`runtime` in minutes); return its Simkl id."""
        order = {"kind": "movie", "title": title, "year": year, "ids": dict(ids or {}), "runtime": runtime, **more}
        return int(self._post("titles", order, dict[str, int])["simkl"])

    def add_show(
        self,
        title: str,
        year: int | None = None,
        *,
        seasons: Mapping[int, int],
        ids: Mapping[str, str] | None = None,
        runtime: int | None = None,
        status: Literal["ended", "airing", "unreleased"] = "ended",
        **more: Any,
    ) -> int:
        """Add a series with so many episodes per season; return its Simkl id. `more`: see `orders.AddTitle`."""
        order = {
            "kind": "tv",
            "title": title,
            "year": year,
            "ids": dict(ids or {}),
            "runtime": runtime,
            "status": status,
            "seasons": {str(season): count for season, count in seasons.items()},
            **more,
        }
        return int(self._post("titles", order, dict[str, int])["simkl"])

    def add_anime(
        self,
        title: str,
        year: int | None = None,
        *,
        places: Sequence[tuple[int, int, int]],
        ids: Mapping[str, str] | None = None,
        runtime: int | None = None,
        **more: Any,
    ) -> int:
        """Add an anime title with its spans at TVDB (season, first number, count); return its Simkl id."""
        order = {
            "kind": "anime",
            "title": title,
            "year": year,
            "ids": dict(ids or {}),
            "runtime": runtime,
            "status": "ended",
            "places": [list(place) for place in places],
            **more,
        }
        return int(self._post("titles", order, dict[str, int])["simkl"])

    def reset(self) -> None:
        """Forget everything; the clock goes on."""
        self._post("reset", {}, dict[str, Any])

    def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:
        """Ask `predicate` until it answers something true, and return that. Raises AssertionError after `timeout` s."""
        deadline = time.monotonic() + timeout
        while True:
            answer = predicate()
            if answer:
                return answer
            if time.monotonic() >= deadline:
                seen = "\n".join(f"  {c.at} {c.user} {c.method} {c.path} {c.body} -> {c.status}" for c in self.calls())
                raise AssertionError(f"not within {timeout} s; the sandbox saw:\n{seen or '  nothing'}")
            time.sleep(POLL_S)

    def _get(self, path: str, kind: type[T], **query: str) -> T:
        return msgspec.json.decode(self._send("GET", f"{path}?{urllib.parse.urlencode(query)}", None), type=kind)

    def _post(self, path: str, order: Mapping[str, Any], kind: type[T]) -> T:
        return msgspec.json.decode(self._send("POST", path, msgspec.json.encode(order)), type=kind)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=body, method=method)
        try:
            with _DIRECT.open(request, timeout=10) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(error.read().decode()) from None


class _Thread(threading.Thread):
    """Runs a sandbox server in an event loop of its own."""

    def __init__(self, clock: Clock | None, port: int) -> None:
        super().__init__(name="sandbox", daemon=True)
        self._clock = clock
        self._port = port
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self.url = ""
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        server = SandboxServer(Sandbox(self._clock))
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await server.start(port=self._port)
        self.url = server.url
        self._listening.set()
        await self._end.wait()
        await server.stop()

    def wait_until_listening(self) -> None:
        self._listening.wait(10)
        if self.failure is not None:
            raise self.failure
        assert self.url, "the sandbox did not start within 10 s"

    def end(self) -> None:
        if self._loop is not None and self._end is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self.join(10)
        if self.failure is not None:
            raise self.failure


@contextmanager
def running_sandbox(clock: Clock | None = None, port: int = 0) -> Iterator[SandboxClient]:
    """Start a sandbox in a thread of its own, and stop it at the end."""
    thread = _Thread(clock, port)
    thread.start()
    try:
        thread.wait_until_listening()
        yield SandboxClient(thread.url)
    finally:
        thread.end()


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    """A fresh sandbox for one test."""
    with running_sandbox() as client:
        yield client
