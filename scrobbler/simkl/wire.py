"""One request to Simkl and its reply, with everything that each request must carry (simkl-api.md 1)."""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

import msgspec
import structlog
from msgspec import Struct

from scrobbler import __version__
from scrobbler.clock import Clock
from scrobbler.http import USER_AGENT, ConnectError, ConnectTimeout, HttpClient, HttpError, Timeout
from scrobbler.simkl.errors import RetryLater

Method: TypeAlias = Literal["GET", "POST", "DELETE"]

APP_NAME = "scrobblerd"
# A write may wait 20 s for the account's lock before it is answered (simkl-api.md 4.4).
TIMEOUT = Timeout(30.0, connect=10.0)

log = structlog.get_logger()


class Reply(Struct, frozen=True, kw_only=True):
    """An answer. `data` is its JSON; `readable` is False where the body was no JSON (a proxy's page, a cut-off answer)."""

    status: int
    headers: Mapping[str, str]
    data: Any = None
    readable: bool = True

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status < 300

    @property
    def error(self) -> str:
        """Simkl's `error`, in lower case; empty if there is none."""
        value = self.data.get("error") if isinstance(self.data, dict) else None
        return value.lower() if isinstance(value, str) else ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object; empty if the answer is none."""
        return self.data if isinstance(self.data, dict) else {}

    def retry_after_s(self, now_utc_ms: int) -> float | None:
        """Read `Retry-After`, given in seconds or as a date; None if it is missing or senseless."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isdecimal():
            return float(min(int(text), 2 * 86400))
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        return min(max(moment.timestamp() - now_utc_ms / 1000, 0.0), 2 * 86400.0)


class Wire:
    """Sends requests for one `client_id`. It neither waits, nor retries, nor judges what a reply means."""

    def __init__(self, *, client_id: str, api_url: str, http: Callable[[], HttpClient], clock: Clock) -> None:
        self.client_id = client_id
        self._base = api_url.rstrip("/")
        self._http = http
        self._clock = clock

    async def send(
        self,
        method: Method,
        path: str,
        *,
        token: str = "",
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one request. Raises RetryLater if no answer came, saying whether the request may have been carried out."""
        query = {"client_id": self.client_id, "app-name": APP_NAME, "app-version": __version__, **(params or {})}
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None
        if json is not None:
            content = msgspec.json.encode(json)
            headers["Content-Type"] = "application/json"
        began = self._clock.now().mono_ms
        try:
            response = await self._http().request(
                method,
                self._base + path,
                params=query,
                headers=headers,
                content=content,
                data=dict(form) if form is not None else None,
                timeout=TIMEOUT,
            )
        except HttpError as error:
            raise _unanswered(error) from error
        reply = _reply(response.status_code, dict(response.headers), response.content)
        log.debug(
            "simkl answered",
            method=method,
            path=path.split("/pin/", maxsplit=1)[0],
            status=reply.status,
            error=reply.error,
            took_ms=self._clock.now().mono_ms - began,
        )
        return reply


def _unanswered(error: HttpError) -> RetryLater:
    never_sent = isinstance(error, ConnectError | ConnectTimeout)
    kind = type(error).__name__
    if never_sent:
        reason = f"Simkl cannot be reached ({kind}: {error})" if str(error) else f"Simkl cannot be reached ({kind})"
    else:
        reason = f"the connection to Simkl broke before an answer came ({kind})"
    return RetryLater(reason, after_s=None, cause="network", maybe_done=not never_sent)


def _reply(status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    headers = {name.lower(): value for name, value in headers.items()}
    if not body.strip():
        return Reply(status=status, headers=headers)
    try:
        return Reply(status=status, headers=headers, data=msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reply(status=status, headers=headers, readable=False)
