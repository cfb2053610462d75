"""The one import of httpx: a change of client library is a change of this file."""

import os
import re
import ssl
from functools import cache
from pathlib import Path

import httpx

from scrobbler import __version__

HttpClient = httpx.AsyncClient
HttpResponse = httpx.Response
HttpError = httpx.HTTPError
ConnectError = httpx.ConnectError
ConnectTimeout = httpx.ConnectTimeout
Timeout = httpx.Timeout

USER_AGENT = f"scrobblerd/{__version__}"


_HASHED = re.compile(r"[0-9a-f]{8}\.\d")
_ENOUGH = 50


@cache
def tls_context() -> ssl.SSLContext:
    """Return whom we trust: one context for all clients and websockets.

    That is what SSL_CERT_FILE or SSL_CERT_DIR names, or the system's certificates, or those of certifi. From the system's
    folder OpenSSL reads only the certificates that it meets; a file is kept in memory whole, which costs over 1 MiB.
    """
    folder = ssl.get_default_verify_paths().openssl_capath
    if not any(map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR"))) and _holds_the_worlds(folder):
        return ssl.create_default_context(capath=folder)
    return httpx.create_ssl_context()


def _holds_the_worlds(folder: str) -> bool:
    """Tell whether a folder is a whole store with the names by which OpenSSL finds a certificate (c_rehash(1))."""
    try:
        return sum(_HASHED.fullmatch(entry.name) is not None for entry in Path(folder).iterdir()) >= _ENOUGH
    except OSError:
        return False


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
