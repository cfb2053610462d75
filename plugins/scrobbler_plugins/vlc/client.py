"""Asks one VLC. Of the standard library alone: a question a second costs a quarter of what the shared client takes for it."""

import asyncio
import re
from base64 import b64encode
from errno import ECONNREFUSED
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrobbler.api.connection import GoneError, in_words

if TYPE_CHECKING:
    from ssl import SSLContext

STATUS = "/requests/status.json"
PLAYLIST = "/requests/playlist.json"
ANSWER_S = 5.0
PLAYLIST_S = 20.0
_STATUS_LINE = re.compile(rb"HTTP/\d\S* (\d{3})\b")
_LIMIT = 32 * 1024 * 1024
_REFUSED = f"[Errno {ECONNREFUSED}]"

OFF = "VLC is not running, or its web interface is off"
NO_PASSWORD = "VLC has no `http-password`, and lets nobody in without one"  # noqa: S105 (words)
WRONG_PASSWORD = "VLC does not accept this `password`"  # noqa: S105 (words)
NOT_VLC = "something answers at `url` that is not VLC"


class OffError(GoneError):
    """Nobody listens there."""


class SilentError(GoneError):
    """No answer, this time."""


class DeniedError(GoneError):
    """It answers, and will not tell: something must be changed on one of the two sides."""


class Client:
    """VLC's web interface at an address. Each question is a connection of its own: VLC closes idle ones."""

    def __init__(self, url: str, password: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._base = parts.path.rstrip("/")
        self._netloc = parts.netloc
        self._login = b64encode(f":{password}".encode()).decode()
        self._context: SSLContext | None = None

    @property
    def local(self) -> bool:
        """Whether it is this very machine, whose own kernel answers for a port that nobody listens to."""
        return self._host in ("localhost", "::1") or self._host.startswith("127.")

    @property
    def player(self) -> str:
        """The name of this VLC: host and port, of which a process holds one."""
        return f"{self._host}:{self._port}"

    async def status(self) -> bytes:
        """Return `status.json` as it came. Raises GoneError, by its kinds."""
        return await self._get(STATUS, ANSWER_S)

    async def playlist(self) -> bytes:
        """Return `playlist.json` as it came. Raises GoneError, by its kinds."""
        return await self._get(PLAYLIST, PLAYLIST_S)

    async def _get(self, path: str, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(path)
        except TimeoutError:
            raise SilentError("VLC does not answer") from None
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            if _REFUSED in str(error):
                raise OffError(OFF) from None
            raise SilentError(in_words(error)) from None

    async def _ask(self, path: str) -> bytes:
        if self._tls and self._context is None:
            from ssl import create_default_context  # costs memory that plain http does not need

            self._context = create_default_context()
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        try:
            # 1.0, so that the end of the answer is the end of the connection, with proxies too.
            lines = (f"GET {self._base}{path} HTTP/1.0", f"Host: {self._netloc}", f"Authorization: Basic {self._login}")
            writer.write("\r\n".join((*lines, "Accept: */*", "", "")).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            body = bytearray()
            while chunk := await reader.read(65536):
                body += chunk
                if len(body) > _LIMIT:
                    raise ValueError("too long")
        finally:
            writer.transport.abort()
        code = _STATUS_LINE.match(head)
        if code is None:
            raise DeniedError(NOT_VLC)
        return self._judge(int(code[1]), bytes(body))

    def _judge(self, code: int, body: bytes) -> bytes:
        if code == 200:
            return body
        if code == 401:
            raise DeniedError(WRONG_PASSWORD)
        hidden = code == 404 and b"videolan" in body.lower()  # 3.0.24 hides everything, older ones forbid it
        if hidden or code == 403:
            raise DeniedError(NO_PASSWORD)
        if code >= 500:
            raise SilentError(f"VLC does not answer (HTTP {code})")
        raise DeniedError(f"{NOT_VLC} (HTTP {code})")
