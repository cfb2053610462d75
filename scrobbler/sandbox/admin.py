"""The routes under `/_sandbox/`: what a test or a person tells the sandbox, and asks of it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scrobbler.sandbox import orders
from scrobbler.sandbox.clock import stamp
from scrobbler.sandbox.faults import Fault
from scrobbler.sandbox.people import App
from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.switches import Switches

T = TypeVar("T")
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Admin:
    """Answers `/_sandbox/*`. Bad input is 400 with one sentence under `error`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, Callable[[Request, bytes], Any]]] = [
            ("GET", "/switches", lambda _request, _body: self._sandbox.switches),
            ("POST", "/switches", self._switch),
            ("GET", "/faults", lambda _request, _body: self._sandbox.gate.faults.waiting),
            ("POST", "/faults", self._fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/clock", lambda _request, _body: self._now()),
            ("POST", "/clock", self._move_clock),
            ("GET", "/codes", lambda _request, _body: self._sandbox.signin.views()),
            ("POST", "/codes", self._decide),
            ("POST", "/apps", self._add_app),
            ("POST", "/link", self._link),
            ("POST", "/revoke", self._revoke),
            ("POST", "/users", self._set_user),
            ("POST", "/titles", self._add_title),
            ("GET", "/user", lambda request, _body: self._sandbox.view(_required(request, "user"))),
            ("GET", "/calls", self._calls),
            ("GET", "/counters", lambda _request, _body: self._sandbox.gate.recorder.counters()),
            ("GET", "/ledger", lambda _request, _body: self._sandbox.ledger()),
            ("POST", "/reset", self._reset),
        ]
        return [Route(f"/_sandbox{path}", _endpoint(handler), methods=[method]) for method, path, handler in table]

    def _switch(self, _request: Request, body: bytes) -> Switches:
        wanted = _read(body, dict[str, Any])
        current = msgspec.to_builtins(self._sandbox.switches)
        self._sandbox.state.switches = msgspec.convert({**current, **wanted}, Switches)
        return self._sandbox.switches

    def _fault(self, _request: Request, body: bytes) -> Fault:
        fault = _read(body, Fault)
        self._sandbox.gate.faults.waiting.append(fault)
        return fault

    def _clear_faults(self, _request: Request, _body: bytes) -> list[Fault]:
        self._sandbox.gate.faults.waiting.clear()
        return []

    def _now(self) -> dict[str, Any]:
        now = self._sandbox.clock.now_ms()
        return {"now": stamp(now), "now_ms": now}

    def _move_clock(self, _request: Request, body: bytes) -> dict[str, Any]:
        self._sandbox.clock.advance(_read(body, orders.MoveClock).advance_s)
        return self._now()

    def _decide(self, _request: Request, body: bytes) -> dict[str, str]:
        order = _read(body, orders.Decide)
        if order.decision == "approve" and not order.user:
            raise ValueError("user: who approves the code is missing")
        if self._sandbox.signin.decide(order.user_code, order.decision, order.user) is None:
            raise ValueError(f"user_code: no code {order.user_code!r} waits")
        return {"decision": order.decision}

    def _add_app(self, _request: Request, body: bytes) -> App:
        order = _read(body, orders.AddApp)
        app = App(order.client_id, order.generation)
        self._sandbox.state.people.apps[order.client_id] = app
        return app

    def _link(self, _request: Request, body: bytes) -> Any:
        order = _read(body, orders.LinkUser)
        return self._sandbox.link(order.user, order.client_id, order.scope)

    def _revoke(self, _request: Request, body: bytes) -> dict[str, int]:
        return {"revoked": self._sandbox.state.people.revoke_user(_read(body, orders.NameUser).user)}

    def _set_user(self, _request: Request, body: bytes) -> Any:
        order = _read(body, orders.SetUser)
        user = self._sandbox.state.people.user(order.user)
        if order.plan is not None:
            self._sandbox.plan(order.user, order.plan)
        if order.remaining is not None:
            self._sandbox.gate.limits.set_remaining(user, order.remaining)
        return self._sandbox.view(order.user)

    def _add_title(self, _request: Request, body: bytes) -> dict[str, int]:
        return {"simkl": self._sandbox.add_title(_read(body, orders.AddTitle)).simkl}

    def _calls(self, request: Request, _body: bytes) -> Any:
        query = request.query_params
        return self._sandbox.calls(query.get("user", ""), query.get("path_prefix", ""))

    def _reset(self, _request: Request, _body: bytes) -> dict[str, Any]:
        self._sandbox.reset()
        return self._now()


def _endpoint(handler: Callable[[Request, bytes], Any]) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            content, status = handler(request, await request.body()), 200
        except (ValueError, msgspec.ValidationError) as error:
            content, status = {"error": str(error)}, 400
        return Response(msgspec.json.encode(content), status, media_type="application/json")

    return answer


def _read(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body or b"{}", type=kind)


def _required(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise ValueError(f"{name}: the query parameter is missing")
    return value
