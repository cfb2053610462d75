"""Who asks, and whether they may (contract.md 1.4 `http`, 1.5)."""

import hmac
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from starlette.requests import Request

from scrobbler.config.models import Http, StatusAccess
from scrobbler.hooks.refusal import RefusalError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

COOKIE = "scrobbler_status"


@lru_cache(maxsize=8)
def _networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(name, strict=False) for name in names)


def _inside(address: Address, names: tuple[str, ...]) -> bool:
    return any(address.version == network.version and address in network for network in _networks(names))


def _address(text: str) -> Address | None:
    """Read an address as proxies write it: bare, with a port, in brackets, with a zone."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def peer(request: Request, trusted: tuple[str, ...]) -> Address | None:
    """Say from which address a request comes; None if that cannot be told.

    `X-Forwarded-For` is read from right to left, as long as the one who added the entry is a proxy of ours.
    """
    address = _address(request.client.host) if request.client else None
    if address is None or not trusted:
        return address
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for hop in reversed([one for one in hops if one.strip()]):
        if not _inside(address, trusted):
            return address
        further = _address(hop)
        if further is None:
            return None
        address = further
    return address


def equal(given: str, secrets: Iterable[str]) -> bool:
    """Compare in constant time with every secret, so that the time taken tells nothing."""
    matches = [hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode()) for secret in secrets]
    return any(matches)


def bearer(request: Request) -> str:
    """Return the token of `Authorization: Bearer`, empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def check_hook_network(request: Request, http: Http) -> None:
    """Refuse hooks from networks that are not allowed, with 403."""
    address = peer(request, http.trusted_proxies)
    if address is None or not _inside(address, http.hooks.allow):
        raise RefusalError(403, f"hooks are not taken from {address or 'there'}; `http.hooks.allow` says from where")


def check_viewer(request: Request, http: Http) -> str | None:
    """Refuse whoever may not see the status, with 403 or 401. Returns the cookie to set after `?token=`."""
    access = http.status
    address = peer(request, http.trusted_proxies)
    if address is None or not _inside(address, access.allow):
        raise RefusalError(403, f"the status is not shown to {address or 'you'}; `http.status.allow` says to whom")
    if access.token:
        return _check_token(request, access)
    if not address.is_loopback:
        raise RefusalError(403, "the status is shown beyond this machine only with a token: set `http.status.token`")
    if not _names_this_machine(request.headers.get("host", "")):
        # Else any web page could read the status through a host name of its own that leads to 127.0.0.1.
        raise RefusalError(403, "open the status page as 127.0.0.1 or localhost, or set `http.status.token`")
    return None


def _names_this_machine(host: str) -> bool:
    name = host.lower().partition(":")[0]
    return _address(host) is not None or name == "localhost" or name.endswith(".localhost")


def _check_token(request: Request, access: StatusAccess) -> str | None:
    given = bearer(request) or request.query_params.get("token", "")
    cookie = hmac.new(access.token.encode(), b"scrobbler status page", "sha256").hexdigest()
    if given:
        if equal(given, (access.token,)):
            return cookie if request.query_params.get("token") else None
    elif equal(request.cookies.get(COOKIE, ""), (cookie,)):
        return None
    raise RefusalError(
        401,
        "a token is needed: `Authorization: Bearer TOKEN`, or `?token=TOKEN` once (`http.status.token`)",
        {"WWW-Authenticate": 'Bearer realm="scrobbler"'},
    )
