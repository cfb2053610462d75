"""The pages for people: what has arrived, and the stand-in for simkl.com/pin."""

from collections.abc import Sequence
from html import escape
from typing import Literal
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.sandbox.views import Banner, Call, HistoryRow, SavedPlayback, UserView

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top }
th { font-weight: 600 } .now { background: #e8f4e8; padding: .5rem .8rem } .faint { color: #666 }
code { font-size: .9rem; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd } .now { background: #243524 } .faint { color: #999 }
}
"""
LAST_CALLS = 30


class Pages:
    """Answers `/` and `/pin`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self._front, methods=["GET"]),
            Route("/pin", self._pin, methods=["GET"]),
            Route("/pin/{code}", self._pin, methods=["GET"]),
            Route("/pin", self._decide, methods=["POST"]),
        ]

    async def _front(self, _request: Request) -> Response:
        ledger = self._sandbox.ledger()
        waiting = "".join(
            f'<p>Somebody wants to sign in: <a href="/pin?user_code={escape(code.user_code)}">{escape(code.user_code)}</a></p>'
            for code in ledger.codes
            if code.state == "pending"
        )
        users = "".join(_user(user) for user in ledger.users) or "<p class=faint>Nobody is linked yet.</p>"
        body = (
            f"<h1>The Simkl sandbox</h1><p class=faint>A local stand-in: nothing here reaches simkl.com. "
            f"It is {escape(ledger.now)} here. This page renews itself.</p>{waiting}{users}"
            f"<h2>Last calls</h2>{_calls(ledger.calls)}"
        )
        return _page("Simkl sandbox", body, refresh=True)

    async def _pin(self, request: Request) -> Response:
        code = request.path_params.get("code") or request.query_params.get("user_code", "")
        body = (
            "<h1>Sign in to the sandbox</h1><form method=post action=/pin>"
            f'<p><label>Code <input name=user_code value="{escape(code)}"></label></p>'
            '<p><label>Sign in as <input name=user value="demo"></label></p>'
            "<p><button name=decision value=approve>Allow</button> <button name=decision value=decline>No</button></p></form>"
        )
        return _page("Sign in", body)

    async def _decide(self, request: Request) -> Response:
        fields = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        code, user = fields.get("user_code", ""), fields.get("user", "")
        decision: Literal["approve", "decline"] = "decline" if fields.get("decision") == "decline" else "approve"
        if decision == "approve" and not user:
            return _page("Sign in", "<h1>Say as whom to sign in.</h1>", status=400)
        if self._sandbox.signin.decide(code, decision, user) is None:
            return _page("Sign in", f"<h1>No code {escape(code)} waits.</h1>", status=404)
        words = f"Linked as {escape(user)}." if decision == "approve" else "Declined."
        return _page("Sign in", f"<h1>{words}</h1><p>You may close this page.</p>")


def _page(title: str, body: str, *, refresh: bool = False, status: int = 200) -> HTMLResponse:
    renew = "<meta http-equiv=refresh content=3>" if refresh else ""
    head = f"<meta charset=utf-8>{renew}<title>{escape(title)}</title><style>{STYLE}</style>"
    return HTMLResponse(f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>", status)


def _name(row: HistoryRow | SavedPlayback | Banner) -> str:
    year = f" ({row.year})" if row.year else ""
    episode = "" if row.season is None else f" S{row.season:02}E{row.number:02}"
    return escape(f"{row.title}{year}{episode}")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str) -> str:
    if not rows:
        return f"<p class=faint>{empty}</p>"
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _user(user: UserView) -> str:
    now = "<p class=faint>Not watching anything.</p>"
    if user.banner is not None:
        now = f"<p class=now>Watching now: <b>{_name(user.banner)}</b>, at {user.banner.shown} %</p>"
    history = [(row.watched_at, _name(row), escape(row.source)) for row in reversed(user.history)]
    saved = [(row.paused_at, _name(row), f"{row.progress} %") for row in user.playbacks]
    return (
        f"<h2>{escape(user.name)} <span class=faint>({user.plan}, {user.remaining} calls left today)</span></h2>{now}"
        f"<h3>History</h3>{_table(('Watched', 'What', 'By'), history, 'Nothing watched yet.')}"
        f"<h3>Saved positions</h3>{_table(('Paused', 'What', 'At'), saved, 'None.')}"
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _calls(calls: list[Call]) -> str:
    rows = [
        (
            escape(call.at),
            escape(call.user or ""),
            f"<code>{escape(call.method)} {escape(call.path)}</code>",
            str(call.status or "no answer") + (f" ({escape(call.fault)})" if call.fault else ""),
            "" if call.body is None else f"<code class=faint>{escape(_json(call.body))}</code>",
        )
        for call in reversed(calls[-LAST_CALLS:])
    ]
    return _table(("When", "Who", "What", "Answer", "Sent"), rows, "None yet.")
