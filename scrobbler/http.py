"""The one import of httpx: a change of client library is a change of this file."""

import ssl
from functools import cache

import httpx

from scrobbler import __version__

HttpClient = httpx.AsyncClient
HttpResponse = httpx.Response
HttpError = httpx.HTTPError
ConnectError = httpx.ConnectError
ConnectTimeout = httpx.ConnectTimeout
Timeout = httpx.Timeout

USER_AGENT = f"scrobblerd/{__version__}"


@cache
def tls_context() -> ssl.SSLContext:
    """Return whom we trust: one context for all clients and websockets."""
    return httpx.create_ssl_context()


def new_client(*, read_timeout_s: float = 30.0, connect_timeout_s: float = 10.0) -> HttpClient:
    """Make a client; all of them share one TLS context, which is what costs the memory.

    A read may take longer than 20 s: Simkl lets a write wait that long for its lock (simkl-api.md 4.4).
    """
    return httpx.AsyncClient(
        headers={"User-Agent": USER_AGENT},
        timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=4, keepalive_expiry=60.0),
        follow_redirects=False,
        verify=tls_context(),
    )
