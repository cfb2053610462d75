"""Reads the body of a hook without keeping what is not needed (contract.md 1.5)."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from scrobbler.api import HookRequest
from scrobbler.hooks.refusal import RefusalError

PAYLOAD_LIMIT = 256 * 1024
"""Bytes of text that a request may carry."""

ATTACHED_LIMIT = 16 * 1024 * 1024
"""Bytes of pictures that may come along (players.md 1.1); they are read past."""

SECRET_HEADERS = frozenset({"authorization", "x-scrobbler-secret", "cookie", "proxy-authorization"})

_FIELDS_LIMIT = 1000


def too_long() -> RefusalError:
    """Make the answer to too much text."""
    return RefusalError(413, f"the payload is longer than {PAYLOAD_LIMIT // 1024} KiB")


async def read_hook(request: Request) -> HookRequest:
    """Read a request whole. Raises RefusalError with 413, 415 or 422."""
    content_type, parameters = _content_type(request.headers.get("content-type", ""))
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise RefusalError(415, f"the content encoding {encoding[:40]!r} is not read; send the text as it is")
    headers = {name: value for name, value in request.headers.items() if name not in SECRET_HEADERS}
    if content_type == "multipart/form-data":
        form = await _read_multipart(request, parameters.get("boundary", ""))
        return HookRequest(content_type=content_type, form=form, headers=headers)
    body = await _read_text(request)
    form = _fields(body) if content_type == "application/x-www-form-urlencoded" else {}
    return HookRequest(content_type=content_type, body=body, form=form, headers=headers)


@lru_cache(maxsize=32)  # a sender always says the same, up to a hundred times a second
def _content_type(header: str) -> tuple[str, Mapping[str, str]]:
    from email.message import Message  # hooks alone need it
    from email.utils import collapse_rfc2231_value

    message = Message()
    message["content-type"] = header
    given = message.get_params(failobj=[], unquote=True)
    if not given:
        return "", {}
    return given[0][0].strip().lower(), {name.lower(): collapse_rfc2231_value(value) for name, value in given[1:]}


async def _read_text(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > PAYLOAD_LIMIT:
        raise too_long()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > PAYLOAD_LIMIT:
                raise too_long()
    except ClientDisconnect:
        raise RefusalError(422, "the request ended early") from None
    return bytes(body)


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        return dict(
            parse_qsl(
                body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=_FIELDS_LIMIT
            )
        )
    except ValueError:
        raise RefusalError(422, f"the form has more than {_FIELDS_LIMIT} fields") from None


async def _read_multipart(request: Request, boundary: str) -> Mapping[str, str]:
    if not boundary:
        raise RefusalError(422, "the multipart form names no boundary in its content type")
    from scrobbler.hooks.multipart import FormReader  # few hooks are multipart

    reader = FormReader(boundary)
    try:
        async for chunk in request.stream():
            reader.feed(chunk)
    except ClientDisconnect:
        raise RefusalError(422, "the request ended early") from None
    return reader.finish()
