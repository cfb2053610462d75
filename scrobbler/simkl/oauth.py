"""The sign-in requests of both generations, and what their answers mean (simkl-api.md 2.2 to 2.4)."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from msgspec import Struct

from scrobbler.simkl.errors import RetryLater, SimklError
from scrobbler.simkl.tokens import Generation
from scrobbler.simkl.wire import Reply, Wire

SCOPE = "media:read media:write"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PIN_PAGE = "https://simkl.com/pin"


class Code(Struct, frozen=True, kw_only=True):
    """A code for the user to type. `poll` is what we ask with; in AUTH V2 it is a secret."""

    generation: Generation
    user_code: str
    poll: str
    link: str
    link_complete: str
    expires_s: float
    interval_s: float

    def __repr__(self) -> str:
        return f"Code({self.generation}, user_code={self.user_code!r})"


class Minted(Struct, frozen=True, kw_only=True):
    """Fresh tokens. `expires_s` is 0 where the token does not expire in our time."""

    access: str
    refresh: str = ""
    scope: str = ""
    expires_s: float = 0

    def __repr__(self) -> str:
        return f"Minted(scope={self.scope!r}, secrets hidden)"


class Refused(Struct, frozen=True):
    """An answer that ends this sign-in or this refresh; the reply itself, to be judged by the caller."""

    reply: Reply


Waiting: TypeAlias = Literal["pending", "slow_down", "gone"]


async def device_code(wire: Wire) -> Code | Refused:
    """Ask for a code, AUTH V2. Raises RetryLater if no answer came or it made no sense."""
    reply = await wire.send("POST", "/oauth2/device", form={"client_id": wire.client_id, "scope": SCOPE})
    if not reply.ok:
        return Refused(reply)
    poll = _text(reply.fields, "device_code")
    return _code("V2", reply, poll)


async def pin_code(wire: Wire) -> Code | Refused:
    """Ask for a code, AUTH V1. The code itself is what is asked with later."""
    reply = await wire.send("GET", "/oauth/pin")
    if not reply.ok:
        return Refused(reply)
    return _code("V1", reply, _text(reply.fields, "user_code"))


async def ask(wire: Wire, code: Code) -> Minted | Waiting | Refused:
    """Ask once whether the user has allowed it. Raises RetryLater if no answer came or it made no sense."""
    if code.generation == "V1":
        return _pin_answer(await wire.send("GET", f"/oauth/pin/{quote(code.poll, safe='')}"), code)
    form = {"grant_type": DEVICE_GRANT, "client_id": wire.client_id, "device_code": code.poll}
    reply = await wire.send("POST", "/oauth2/token", form=form)
    if reply.ok:
        return _minted(reply)
    match reply.error:
        case "authorization_pending":
            return "pending"
        case "slow_down":
            return "slow_down"
        case "expired_token" | "invalid_grant" | "access_denied":
            return "gone"
    return Refused(reply)


async def refresh(wire: Wire, refresh_token: str) -> Minted | Refused:
    """Trade the refresh token for a new access token. The old access token is dead once this was carried out."""
    form = {"grant_type": "refresh_token", "client_id": wire.client_id, "refresh_token": refresh_token}
    reply = await wire.send("POST", "/oauth2/token", form=form)
    return _minted(reply) if reply.ok else Refused(reply)


async def revoke(wire: Wire, token: str) -> bool:
    """Withdraw a grant (AUTH V2). True if Simkl answered; its answer proves nothing more (simkl-api.md 2.3)."""
    try:
        reply = await wire.send("POST", "/oauth2/revoke", form={"client_id": wire.client_id, "token": token})
    except SimklError:
        return False
    return reply.ok


def _pin_answer(reply: Reply, code: Code) -> Minted | Waiting | Refused:
    if not reply.ok:
        return Refused(reply)
    if not reply.fields:
        raise _senseless(reply)
    access = _text(reply.fields, "access_token")
    if access:
        return Minted(access=access, refresh="", scope="public")
    other = _text(reply.fields, "user_code")
    if other and other != code.user_code:
        return "gone"
    return "slow_down" if "slow" in _text(reply.fields, "message").lower() else "pending"


def _minted(reply: Reply) -> Minted:
    access = _text(reply.fields, "access_token")
    if not access:
        raise _senseless(reply)
    return Minted(
        access=access,
        refresh=_text(reply.fields, "refresh_token"),
        scope=_text(reply.fields, "scope"),
        expires_s=_seconds(reply.fields, "expires_in", default=604800),
    )


def _code(generation: Generation, reply: Reply, poll: str) -> Code:
    user_code = _text(reply.fields, "user_code")
    if not user_code or not poll:
        raise _senseless(reply)
    link = _link(reply.fields, "verification_uri") or PIN_PAGE
    complete = _link(reply.fields, "verification_uri_complete") or f"{link}?user_code={quote(user_code, safe='')}"
    return Code(
        generation=generation,
        user_code=user_code,
        poll=poll,
        link=link,
        link_complete=complete,
        expires_s=_seconds(reply.fields, "expires_in", default=900),
        interval_s=max(_seconds(reply.fields, "interval", default=5), 1.0),
    )


def _senseless(reply: Reply) -> RetryLater:
    reason = f"Simkl's answer to the sign-in made no sense (HTTP {reply.status})"
    return RetryLater(reason, after_s=None, cause="server", maybe_done=True, status=reply.status)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""


def _link(fields: Mapping[str, Any], name: str) -> str:
    """Read an address that will be shown to people: nothing but a web address."""
    value = _text(fields, name)
    return value if urlsplit(value).scheme in {"http", "https"} else ""


def _seconds(fields: Mapping[str, Any], name: str, *, default: float) -> float:
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else default
