"""What every call passes before its handler: identity, faults, token, scope, limits, lock (simkl-api.md 12.1 to 12.14)."""

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.sandbox.faults import Fault, Faults
from scrobbler.sandbox.limits import Limits
from scrobbler.sandbox.lock import LockKind, WriteLock
from scrobbler.sandbox.people import READ, WRITE, App, Link
from scrobbler.sandbox.recorder import Record, Recorder
from scrobbler.sandbox.reply import Ask, RefusedError, Reply, refuse, refuse_bearer
from scrobbler.sandbox.state import State

Handler: TypeAlias = Callable[[Ask], Reply]
Needs: TypeAlias = Literal[
    "user",  # a user's data: a token, always
    "token",  # a token with AUTH V2; AUTH V1 lets anybody ask
    "catalogue",  # cached pages: no token, no limits
    "pin",  # sign-in of AUTH V1: client_id in the query
    "oauth",  # sign-in with client_id in the body
]


class Route(Struct, frozen=True, kw_only=True):
    """One route of Simkl. `lock`: it is a write that takes the user's lock. `exempt`: it costs no daily allowance."""

    methods: frozenset[str]
    pattern: re.Pattern[str]
    handler: Handler
    needs: Needs
    lock: LockKind | None = None
    exempt: bool = False


class Outcome(Struct, kw_only=True):
    """What goes out. No reply: the connection is closed. `cut`: only half of the body is sent."""

    reply: Reply | None
    cut: bool = False


class Gate:
    """Takes a call from arrival to answer."""

    def __init__(self, state: State, routes: list[Route]) -> None:
        self._state = state
        self._routes = routes
        self.limits = Limits(state.clock)
        self.lock = WriteLock(state.clock)
        self.faults = Faults()
        self.recorder = Recorder(state.clock)

    async def pass_through(self, ask: Ask) -> Outcome:
        """Answer one call."""
        ask.link = self._link_of(ask)
        record = self.recorder.open(ask)
        user = ask.link.user.name if ask.link else None
        fault = self.faults.take(ask.method, ask.path, user)
        kind = fault.kind if fault else None
        if kind == "drop_before":
            self.recorder.close(record, None, kind)
            return Outcome(reply=None)
        reply = await self._reply(ask, record, fault)
        self.recorder.close(record, reply, kind)
        if kind == "drop_after":
            return Outcome(reply=None)
        self.recorder.delivered(record, reply.status)
        return Outcome(reply=reply, cut=kind == "truncated")

    async def _reply(self, ask: Ask, record: Record, fault: Fault | None) -> Reply:
        try:
            if fault is not None:
                self._injected(ask, fault)
            return await self._process(ask, record, fault)
        except RefusedError as refused:
            return refused.reply

    def _injected(self, ask: Ask, fault: Fault) -> None:
        """Play the faults that answer in place of the server. Raises RefusedError."""
        match fault.kind:
            case "status":
                wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                raise refuse(fault.status, "internal", "Injected.", headers=wait)
            case "html":
                page = f"<html><head><title>{fault.status}</title></head><body><h1>Error</h1></body></html>"
                raise RefusedError(Reply(status=fault.status, html=page))
            case "unauthorized":
                v1 = ask.link is not None and ask.link.app.generation == "v1"
                raise refuse_bearer(401, "user_token_failed" if v1 else "invalid_token", "Injected.")
            case "clock_jump":
                self._state.clock.advance(fault.seconds)
            case _:
                pass

    async def _process(self, ask: Ask, record: Record, fault: Fault | None) -> Reply:
        route = self._route(ask)
        if route is None or route.needs != "oauth":
            ask.app = self._app(ask)
        self._check_identity(ask)
        if route is None:
            raise refuse(404, "url_failed", "There is no such address.")
        if whose := ask.query.get("debug_limit"):
            raise self.limits.exceeded("app" if whose == "app" else "user")
        headers = self._admit(ask, route)
        try:
            reply = await self._serve(ask, route, fault)
        except RefusedError as refused:
            reply = refused.reply
        if ask.touched is not None:
            self.recorder.scrobbled(record, *ask.touched)
        reply.headers = {**headers, **reply.headers}
        return reply

    async def _serve(self, ask: Ask, route: Route, fault: Fault | None) -> Reply:
        slow_s = fault.seconds if fault is not None and fault.kind == "slow" else 0.0
        if route.lock is None or ask.link is None:
            await self._state.clock.sleep(slow_s)
            return route.handler(ask)
        name = ask.link.user.name
        with self.recorder.writing(name):
            async with self.lock.held(name, route.lock, self._state.switches):
                await self._state.clock.sleep(slow_s)
                self._state.settle(ask.link.user)
                return route.handler(ask)

    def _route(self, ask: Ask) -> Route | None:
        for route in self._routes:
            match = route.pattern.fullmatch(ask.path)
            if match and ask.method in route.methods:
                ask.args = {name: value or "" for name, value in match.groupdict().items()}
                return route
        return None

    def _app(self, ask: Ask) -> App:
        """Return the application. Raises RefusedError (412)."""
        client_id = ask.query.get("client_id") or ask.headers.get("simkl-api-key", "")
        app = self._state.people.apps.get(client_id)
        if app is None:
            raise refuse(412, "client_id_failed", "The client_id is missing or unknown.")
        return app

    def _check_identity(self, ask: Ask) -> None:
        if not self._state.switches.strict_identity:
            return
        given = {
            "app-name": ask.query.get("app-name"),
            "app-version": ask.query.get("app-version"),
            "User-Agent": ask.headers.get("user-agent"),
        }
        for name, value in given.items():
            if not value:
                raise refuse(400, "empty_field", f"{name} is required.")

    def _link_of(self, ask: Ask) -> Link | None:
        scheme, _, token = ask.headers.get("authorization", "").partition(" ")
        return self._state.people.by_access(token.strip()) if scheme.lower() == "bearer" else None

    def _admit(self, ask: Ask, route: Route) -> dict[str, str]:
        """Check token, scope and limits; return headers for the answer. Raises RefusedError."""
        if ask.app is None:
            return {}
        if route.needs == "catalogue":
            self.recorder.tally.single["token_on_catalogue"] += "authorization" in ask.headers
            return {}
        if route.needs in ("user", "token"):
            self._check_token(ask, ask.app, route)
            self._check_scope(ask)
        self.limits.check_second(ask.app, ask.link, method=ask.method, switches=self._state.switches)
        if ask.link is not None:
            self._state.settle(ask.link.user)
        if route.exempt and not self._state.switches.redirect_counts:
            return {}
        return self.limits.charge(ask.app, ask.link, self._state.switches)

    def _check_token(self, ask: Ask, app: App, route: Route) -> None:
        if "authorization" not in ask.headers:
            if app.generation == "v2":
                raise refuse_bearer(401, "user_token_required", "This address needs a user's token.")
            if route.needs == "user":
                raise refuse_bearer(401, "user_token_failed", "This address needs a user's token.")
            return
        if ask.link is None or ask.link.app != app:
            error = "invalid_token" if app.generation == "v2" else "user_token_failed"
            raise refuse_bearer(401, error, "The token is not valid.")

    def _check_scope(self, ask: Ask) -> None:
        if ask.link is None or ask.link.may_write:
            return
        if ask.method != "GET" or ask.raw or ask.path.startswith("/scrobble"):
            raise refuse_bearer(403, "insufficient_scope", f"The token allows {READ} alone.", WRITE)
