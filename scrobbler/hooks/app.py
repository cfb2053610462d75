"""The daemon's HTTP routes (contract.md 1.5, 1.6)."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from scrobbler.api import HookRequest, PlayerEvent, UnreadableError, UnsupportedTypeError
from scrobbler.config.models import Http
from scrobbler.hooks import access
from scrobbler.hooks.body import read_hook
from scrobbler.hooks.ports import Answers, HookDoor, HookSource, StatusDoor
from scrobbler.hooks.refusal import RefusalError
from scrobbler.store.database import StorageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

RETRY_AFTER_S = 30
BODY_TIMEOUT_S = 30.0
REFUSED_AGAIN_S = 60.0
"""So long the log does not repeat that a source's hook was refused with the same code."""

PROBE_HEADER = "x-scrobbler-probe"
"""With this header a request proves network, address and secret, and means nothing: `scrobbler doctor` sends it."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = structlog.get_logger()


def build_app(
    hooks: HookDoor,
    status: StatusDoor,
    http: Callable[[], Http],
    *,
    answers: Answers | None = None,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> "ASGIApp":
    """Make the application. `http` gives the configuration that holds now, so that a change counts at once.

    `answers` counts what hooks were answered. A body that takes longer than `body_timeout_s` is given up with 408.
    """
    receiver = _Hooks(hooks, http, answers or Answers(), body_timeout_s)
    pages = _Pages(status, http)
    router = Router(
        [
            Route("/hooks/{source}", receiver.take, methods=["POST"]),
            Route("/hooks/{source}/{secret:path}", receiver.take, methods=["POST"]),
            Route("/healthz", pages.health, methods=["GET"]),
            Route("/metrics", pages.viewed(pages.metrics), methods=["GET"]),
            Route("/api/status", pages.viewed(pages.report), methods=["GET"]),
            Route("/", pages.viewed(pages.page), methods=["GET"]),
        ]
    )
    handlers = {RefusalError: _refused, HTTPException: _not_routed, StorageError: _not_stored}
    return _Shell(ExceptionMiddleware(router, handlers))


class _Shell:
    """Adds what every answer carries, and makes an unexpected error one line in the log and a plain 500.

    Stands in for Starlette's own application, which brings error pages for developers and, with them, 0.4 MiB.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        begun = False
        scope["app"] = self  # tells the router that an application answers what it has no route for

        async def send_on(message: "Message") -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [
                    *message["headers"],
                    (b"date", formatdate(usegmt=True).encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:  # the last resort of a server
            log.exception("request failed", error=type(error).__name__)
            if not begun and scope["type"] == "http":
                await PlainTextResponse("an error inside the daemon; its log says more\n", 500)(scope, receive, send_on)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)
    return PlainTextResponse(f"{error.sentence}\n", error.code, headers=dict(error.headers or {}))


def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing here", 405: f"{request.method} is not for this address"}
    text = words.get(error.status_code, error.detail)
    return PlainTextResponse(f"{text}\n", error.status_code, headers=dict(error.headers or {}))


def _not_stored(_: Request, error: Exception) -> Response:
    log.warning("cannot store now", why=str(error))
    return PlainTextResponse("cannot store now; try again later\n", 503, headers={"Retry-After": str(RETRY_AFTER_S)})


class _Hooks:
    def __init__(self, door: HookDoor, http: Callable[[], Http], answers: Answers, body_timeout_s: float) -> None:
        self._door = door
        self._http = http
        self._answers = answers
        self._body_timeout_s = body_timeout_s
        self._said: dict[tuple[str, int], float] = {}

    async def take(self, request: Request) -> Response:
        """Answer one hook: with 204 after all its events are stored, else with what is wrong."""
        name = request.path_params["source"]
        known = False
        code = 500
        try:
            source = self._enter(request, name)
            known = True
            await self._store(request, name, source)
            code = 204
        except RefusalError as error:
            code = error.code
            known = known or code == 401
            if known and self._is_news(name, code):
                log.warning("hook refused", source=name, code=code, why=error.sentence)
            else:
                log.debug("hook refused", code=code)
            raise
        except StorageError:
            code = 503
            raise
        finally:
            # A name that nobody configured stays out of metrics and log: it may be a misplaced secret.
            self._answers.count(name if known else "", code)
        return Response(status_code=204)

    def _is_news(self, name: str, code: int) -> bool:
        """Tell whether a refusal was not said lately: a player with an old secret may post each second."""
        now_s = asyncio.get_running_loop().time()
        news = now_s - self._said.get((name, code), -REFUSED_AGAIN_S) >= REFUSED_AGAIN_S
        if news:
            self._said[name, code] = now_s
        return news

    def _enter(self, request: Request, name: str) -> HookSource:
        access.check_hook_network(request, self._http())
        source = self._door.source(name)
        if source is None:
            raise RefusalError(404, "there is no source of this name that takes hooks")
        given = (
            request.path_params.get("secret", "")
            or access.bearer(request)
            or request.headers.get("x-scrobbler-secret", "")
        )
        if not given or not access.equal(given, source.secrets):
            raise RefusalError(
                401,
                "the secret is missing or wrong; `scrobbler doctor` shows the address",
                {"WWW-Authenticate": "Bearer"},
            )
        return source

    async def _store(self, request: Request, name: str, source: HookSource) -> None:
        try:
            async with asyncio.timeout(self._body_timeout_s):
                hook = await read_hook(request)
        except TimeoutError:
            raise RefusalError(408, "the request took too long") from None
        if PROBE_HEADER in hook.headers:
            return
        events = _parse(name, source, hook)
        if events:
            await self._door.take(name, events)


def _parse(name: str, source: HookSource, hook: HookRequest) -> list[PlayerEvent]:
    try:
        return list(source.plugin.parse(hook))
    except UnreadableError as error:
        raise RefusalError(422, _sentence(error)) from None
    except UnsupportedTypeError as error:
        raise RefusalError(415, _sentence(error)) from None
    except Exception as error:
        # A plugin is a stranger's code; its bugs end with the one request.
        log.exception("plugin failed on a hook", source=name, error=type(error).__name__)
        raise RefusalError(422, "internal: the plugin could not read this; the daemon's log says more") from None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or "the content cannot be read"


class _Pages:
    def __init__(self, door: StatusDoor, http: Callable[[], Http]) -> None:
        self._door = door
        self._http = http

    def viewed(self, endpoint: Endpoint) -> Endpoint:
        """Let only those in who may see the status."""

        async def checked(request: Request) -> Response:
            cookie = access.check_viewer(request, self._http())
            response = await endpoint(request)
            if cookie is not None:
                response.set_cookie(
                    access.COOKIE,
                    cookie,
                    max_age=90 * 86400,
                    httponly=True,
                    samesite="strict",
                    secure=request.url.scheme == "https",
                )
            return response

        return checked

    async def health(self, _: Request) -> Response:
        faults = list(self._door.faults())
        if not faults:
            return _json(b'{"status":"ok"}', 200)
        return _json(msgspec.json.encode({"status": "faulty", "faults": faults}), 503)

    async def metrics(self, _: Request) -> Response:
        return Response(await self._door.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def report(self, _: Request) -> Response:
        return _json(await self._door.report(), 200)

    async def page(self, _: Request) -> Response:
        return Response(await self._door.page(), media_type="text/html; charset=utf-8", headers=_PAGE_HEADERS)


def _json(body: bytes, code: int) -> Response:
    return Response(body, code, media_type="application/json", headers={"Cache-Control": "no-store"})
