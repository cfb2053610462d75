"""The sandbox as an ASGI application."""

import asyncio
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scrobbler.sandbox.admin import Admin
from scrobbler.sandbox.gate import Outcome
from scrobbler.sandbox.page import Pages
from scrobbler.sandbox.reply import Ask, Reply
from scrobbler.sandbox.sandbox import Sandbox

ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class _HungUp(Response):
    """No answer at all: the connection is closed under the client's feet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection; `abort` is put there by the server's protocol."""
        del receive, send
        scope["state"]["abort"]()
        # The server must learn of the loss before the application returns, or it would still answer 500.
        await asyncio.sleep(0.01)


def build_app(sandbox: Sandbox) -> Starlette:
    """Make the application. It must run under `SandboxServer`, whose protocol lets it drop connections."""

    async def simkl(request: Request) -> Response:
        outcome = await sandbox.gate.pass_through(await _ask(request))
        response = _response(outcome)
        # The sandbox's own time, so that a client that compares clocks sees the one that the rules go by.
        response.headers["Date"] = formatdate(sandbox.clock.now_ms() / 1000, usegmt=True)
        return response

    pages = Pages(sandbox)
    routes = [
        *Admin(sandbox).routes(),
        *pages.routes(),
        Route("/{path:path}", simkl, methods=ANY_METHOD),
    ]
    return Starlette(routes=routes)


async def _ask(request: Request) -> Ask:
    return Ask(
        method="GET" if request.method == "HEAD" else request.method,
        path=request.url.path,
        base=str(request.base_url).rstrip("/"),
        query=dict(request.query_params),
        headers=dict(request.headers),
        raw=await request.body(),
    )


def _response(outcome: Outcome) -> Response:
    reply: Reply | None = outcome.reply
    if reply is None:
        return _HungUp()
    content = reply.content()
    if outcome.cut:
        content = content[: len(content) // 2]
    media_type = "text/html" if reply.html else "application/json"
    return Response(content, reply.status, headers=reply.headers, media_type=media_type if content else None)
