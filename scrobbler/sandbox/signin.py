"""Signing in, both ways (simkl-api.md 2, 12.3 to 12.10)."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scrobbler.sandbox.people import FULL_SCOPE, READ, WRITE, App, Generation, Link, RefreshError, User
from scrobbler.sandbox.reply import Ask, RefusedError, Reply, refuse, refuse_oauth
from scrobbler.sandbox.state import State
from scrobbler.sandbox.views import CodeView

CODE_LIFE_S = 900
PIN_INTERVAL_S = 5
POLL_SLACK_MS = 50
"""A poll this little early still counts as on time: two clocks never agree."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Decision: TypeAlias = Literal["pending", "approved", "declined"]


class Code(Struct, kw_only=True):
    """A sign-in that was begun. `device_code` is empty for AUTH V1, which polls with the user's code."""

    app: App
    user_code: str
    until_ms: int
    device_code: str = ""
    scope: str = ""
    last_poll_ms: int | None = None
    state: Decision = "pending"
    user: User | None = None


def normal(user_code: str) -> str:
    """Read a code as a person types it: case, hyphen and space do not matter, I and L are 1, O is 0."""
    return user_code.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))


class SignIn:
    """Answers `/oauth2/*` and `/oauth/*`, and keeps the codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.codes: list[Code] = []

    def decide(self, user_code: str, decision: Literal["approve", "decline"], user: str = "") -> Code | None:
        """Approve a code as a user, or decline it; None if no such code waits."""
        now = self._state.clock.now_ms()
        for code in self.codes:
            if normal(code.user_code) == normal(user_code) and now < code.until_ms and code.state == "pending":
                code.state = "approved" if decision == "approve" else "declined"
                code.user = self._state.people.user(user) if decision == "approve" else None
                return code
        return None

    def views(self) -> list[CodeView]:
        """Describe the codes that are still good."""
        now = self._state.clock.now_ms()
        return [
            CodeView(
                user_code=code.user_code,
                client_id=code.app.client_id,
                generation=code.app.generation,
                state=code.state,
                user=code.user.name if code.user else None,
            )
            for code in self.codes
            if now < code.until_ms
        ]

    def device(self, ask: Ask) -> Reply:
        """`POST /oauth2/device`."""
        fields = self._fields(ask)
        app = self._app(fields)
        code = self._begin(
            app, device_code=self._state.people.random_text(40), scope=_granted_scope(fields.get("scope"))
        )
        page = f"{ask.base}/pin"
        body = {
            "device_code": code.device_code,
            "user_code": code.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={code.user_code}",
            "expires_in": CODE_LIFE_S,
            "interval": self._state.switches.poll_interval_s,
        }
        return Reply(body=body, headers=dict(NO_STORE))

    def token(self, ask: Ask) -> Reply:
        """`POST /oauth2/token`: a poll of a device code, or a refresh."""
        fields = self._fields(ask)
        app = self._app(fields)
        match fields.get("grant_type"):
            case None:
                raise _oauth(400, "invalid_request", "grant_type is required.")
            case "refresh_token":
                link = self._refresh(app, fields)
            case grant if grant == DEVICE_GRANT:
                link = self._poll(app, fields)
            case "authorization_code":
                raise _oauth(400, "invalid_grant", "The sandbox has no browser flow.")
            case _:
                raise _oauth(400, "unsupported_grant_type")
        granted = self._state.people.granted(link)
        body = {
            "access_token": granted.access_token,
            "token_type": "Bearer",
            "expires_in": granted.expires_in,
            "refresh_token": granted.refresh_token,
            "scope": granted.scope,
        }
        return Reply(body=body, headers=dict(NO_STORE))

    def revoke(self, ask: Ask) -> Reply:
        """`POST /oauth2/revoke`: always 200 and empty."""
        fields = self._fields(ask)
        app = self._app(fields)
        token = fields.get("token", "")
        if any(token and token in (link.access, link.refresh) and link.app == app for link in self._state.people.links):
            self._state.people.revoke_token(token)
        return Reply(headers=dict(NO_STORE))

    def pin(self, ask: Ask) -> Reply:
        """`GET /oauth/pin`. Raises RefusedError (403) for a `redirect`: no application here has registered one."""
        app = self._v1_app(ask)
        if ask.query.get("redirect"):
            raise refuse(403, "redirect_failed", "The redirect is not registered.")
        return self._first_pin(app, ask.base)

    def check_pin(self, ask: Ask) -> Reply:
        """`GET /oauth/pin/{user_code}`."""
        app = self._v1_app(ask)
        now = self._state.clock.now_ms()
        wanted = normal(ask.args["code"])
        mine = (c for c in self.codes if c.app == app and normal(c.user_code) == wanted and now < c.until_ms)
        code = next(mine, None)
        pending = {"result": "KO", "message": "Authorization pending"}
        if code is None:
            return (
                Reply(body=pending) if self._state.switches.unknown_pin == "pending" else self._first_pin(app, ask.base)
            )
        if code.state != "approved" or code.user is None:
            return Reply(body=pending)
        self.codes.remove(code)
        link = self._state.people.grant(app, code.user, "public")
        return Reply(body={"result": "OK", "access_token": link.access})

    def exchange(self, ask: Ask) -> Reply:
        """`POST /oauth/token`: the browser flow of AUTH V1, which the sandbox does not play."""
        is_json = ask.headers.get("content-type", "").startswith("application/json")
        fields = ask.object if is_json else ask.form
        app = self._state.people.apps.get(str(fields.get("client_id") or ask.query.get("client_id", "")))
        if app is None:
            raise refuse(412, "client_id_failed", "The client_id is unknown.")
        if app.generation == "v2":
            raise _wrong_generation()
        raise refuse(401, "grant_error", "The code is not known.")

    def _first_pin(self, app: App, base: str) -> Reply:
        code = self._begin(app)
        body = {
            "result": "OK",
            "device_code": "DEVICE_CODE",
            "user_code": code.user_code,
            "verification_uri": f"{base}/pin",
            "verification_url": f"{base}/pin",
            "expires_in": CODE_LIFE_S,
            "interval": PIN_INTERVAL_S,
        }
        return Reply(body=body)

    def _begin(self, app: App, *, device_code: str = "", scope: str = "") -> Code:
        now = self._state.clock.now_ms()
        self.codes = [code for code in self.codes if now < code.until_ms]
        code = Code(
            app=app,
            user_code=self._new_user_code(app.generation),
            until_ms=now + CODE_LIFE_S * 1000,
            device_code=device_code,
            scope=scope,
        )
        if name := self._state.switches.auto_approve:
            code.state, code.user = "approved", self._state.people.user(name)
        self.codes.append(code)
        return code

    def _new_user_code(self, generation: Generation) -> str:
        people = self._state.people
        if generation == "v1":
            return people.random_text(self._state.switches.pin_length, CODE_LETTERS)
        return f"{people.random_text(4, CODE_LETTERS)}-{people.random_text(4, CODE_LETTERS)}"

    def _poll(self, app: App, fields: dict[str, str]) -> Link:
        if not fields.get("device_code"):
            raise _oauth(400, "invalid_request", "device_code is required.")
        now = self._state.clock.now_ms()
        wanted = fields["device_code"]
        code = next((c for c in self.codes if c.device_code == wanted and c.app == app and now < c.until_ms), None)
        if code is None:
            raise _oauth(400, "expired_token")
        before, code.last_poll_ms = code.last_poll_ms, now
        interval_ms = self._state.switches.poll_interval_s * 1000 - POLL_SLACK_MS
        if before is not None and 0 <= now - before < interval_ms:
            raise _oauth(400, "slow_down")
        if code.state != "approved" or code.user is None:
            raise _oauth(400, "authorization_pending")
        self.codes.remove(code)
        return self._state.people.grant(app, code.user, code.scope)

    def _refresh(self, app: App, fields: dict[str, str]) -> Link:
        if not fields.get("refresh_token"):
            raise _oauth(400, "invalid_request", "refresh_token is required.")
        try:
            return self._state.people.refresh(app, fields["refresh_token"], fields.get("scope"))
        except RefreshError as error:
            raise _oauth(400, str(error)) from error

    def _fields(self, ask: Ask) -> dict[str, str]:
        """Read a form or a JSON body of plain strings. Raises RefusedError (400 `invalid_request`)."""
        if not ask.headers.get("content-type", "").startswith("application/json"):
            return ask.form
        if not ask.decodes or not isinstance(ask.json, dict):
            raise _oauth(400, "invalid_request", "The body is not a JSON object.")
        body: dict[str, Any] = ask.json
        wrong = [name for name, value in body.items() if not isinstance(value, str)]
        if wrong:
            raise _oauth(400, "invalid_request", f"{wrong[0]} is not a string.")
        return body

    def _app(self, fields: dict[str, str]) -> App:
        if not fields.get("client_id"):
            raise _oauth(400, "invalid_request", "client_id is required.")
        app = self._state.people.apps.get(fields["client_id"])
        if app is None or app.generation == "v1":
            raise _oauth(401, "invalid_client", "No such application of AUTH V2.")
        return app

    def _v1_app(self, ask: Ask) -> App:
        assert ask.app is not None
        if ask.app.generation == "v2":
            raise _wrong_generation()
        return ask.app


def _granted_scope(wanted: str | None) -> str:
    """Give write access only to whoever spells it exactly; everything else silently reads (simkl-api.md 2.2)."""
    return FULL_SCOPE if WRITE in (wanted or "").split() else READ


def _wrong_generation() -> RefusedError:
    return refuse(400, "unauthorized_client", "This application belongs to AUTH V2.")


def _oauth(status: int, error: str, description: str = "") -> RefusedError:
    refused = refuse_oauth(status, error, description)
    refused.reply.headers.update(NO_STORE)
    return refused
