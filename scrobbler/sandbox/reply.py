"""Requests as handlers see them, and the answers they give (simkl-api.md 8.2)."""

from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from scrobbler.sandbox.catalogue import Item
from scrobbler.sandbox.people import App, Link, User

REALM = "api.simkl.com"


class Reply(Struct, kw_only=True):
    """An answer. A `body` of UNSET is no body at all; None is the JSON `null`."""

    status: int = 200
    body: Any = UNSET
    headers: dict[str, str] = field(default_factory=dict)
    html: str = ""

    def content(self) -> bytes:
        """Return the bytes of the body."""
        if self.html:
            return self.html.encode()
        return b"" if self.body is UNSET else msgspec.json.encode(self.body)


class RefusedError(Exception):
    """Ends a request with an error answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refuse(status: int, error: str, message: str = "", *, headers: dict[str, str] | None = None) -> RefusedError:
    """Make the normal error envelope: `error`, `code`, perhaps `message`."""
    body: dict[str, Any] = {"error": error, "code": status}
    if message:
        body["message"] = message
    return RefusedError(Reply(status=status, body=body, headers=headers or {}))


def refuse_oauth(status: int, error: str, description: str = "") -> RefusedError:
    """Make the envelope of `/oauth2/*`: no `code`."""
    body = {"error": error}
    if description:
        body["error_description"] = description
    return RefusedError(Reply(status=status, body=body))


def refuse_bearer(status: int, error: str, message: str, scope: str = "") -> RefusedError:
    """Make an error about the token, with the `WWW-Authenticate` header that belongs to it."""
    challenge = f'Bearer realm="{REALM}", error="{error}"' + (f', scope="{scope}"' if scope else "")
    return refuse(status, error, message, headers={"WWW-Authenticate": challenge})


class Ask(Struct, kw_only=True):
    """One request to Simkl.

    `args` are the parts of the path that its route names; `base` is the server's own address; `touched` is the action and
    the item of a scrobble call, once they are known.
    """

    method: str
    path: str
    base: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    args: dict[str, str] = field(default_factory=dict)
    app: App | None = None
    link: Link | None = None
    touched: tuple[str, Item] | None = None
    _json: Any | UnsetType = UNSET

    @property
    def user(self) -> User:
        """Return whose call it is; only for routes that need a user."""
        if self.link is None:
            raise refuse(401, "user_token_required")
        return self.link.user

    @property
    def json(self) -> Any:
        """Return the decoded body; None where there is none. Raises RefusedError (400) if it is not JSON."""
        if self._json is UNSET:
            try:
                self._json = msgspec.json.decode(self.raw) if self.raw.strip() else None
            except msgspec.DecodeError as error:
                raise refuse(400, "wrong_parameter", "The body is not JSON.") from error
        return self._json

    @property
    def decodes(self) -> bool:
        """Whether the body is JSON, or there is none."""
        try:
            _ = self.json
        except RefusedError:
            return False
        return True

    @property
    def form(self) -> dict[str, str]:
        """Return the fields of a form body; of a repeated field the first."""
        fields = parse_qs(self.raw.decode(errors="replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}

    @property
    def object(self) -> dict[str, Any]:
        """Return the body as an object; anything else counts as an empty one."""
        return self.json if isinstance(self.json, dict) else {}

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is `yes`, `true` or `1`."""
        return self.query.get(name, "").lower() in ("yes", "true", "1")
