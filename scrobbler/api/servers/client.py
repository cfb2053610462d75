"""Asking a media server: its address, its key as a header, its answers, and what is remembered of them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from scrobbler.api.media import Show
from scrobbler.api.plugin import Context

TIMEOUT_S = 10.0
REMEMBERED = 256
SERIES_LIFE_MS = 6 * 3600 * 1000
"""How long a series is remembered: its match may be corrected at the server."""

T = TypeVar("T")


class Answer(NamedTuple):
    """A reply of a server: its HTTP status, its text where that was 200, and the server's own time."""

    status: int
    body: bytes
    at: datetime | None

    @property
    def content(self) -> Any:
        """The content, None where it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None


class ServerClient:
    """A server that can be asked. `headers` prove who we are: the key goes into no address.

    `option` names the option that holds the key, for people. Redirects are not followed: the key is for this address alone.
    """

    def __init__(self, url: str, headers: Mapping[str, str], option: str, context: Context) -> None:
        self.url = url.rstrip("/")
        self.headers = headers
        self.option = option
        self._context = context
        self._refused = False

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for one document. Raises HttpError when the server cannot be reached or fails; says a refusal once."""
        response = await self._context.http().get(
            f"{self.url}{path}",
            params=dict(params or {}),
            headers={"Accept": "application/json", **self.headers, **(headers or {})},
            timeout=TIMEOUT_S,
        )
        refused = response.status_code in (401, 403)
        if refused and not self._refused:
            advice = f"check `{self.option}`"
            self._context.log.warning("key refused", status=response.status_code, advice=advice)
        self._refused = refused
        if response.status_code >= 500:
            response.raise_for_status()
        body = response.content if response.status_code == 200 else b""
        return Answer(response.status_code, body, _moment(response.headers.get("date", "")))


class Remembered(Generic[T]):
    """The latest few things, by key; the oldest makes room."""

    def __init__(self) -> None:
        self._things: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: str) -> T | None:
        """Return what is remembered, None where nothing is."""
        return self._things.get(key)

    def put(self, key: str, thing: T) -> None:
        """Remember something."""
        self._things.pop(key, None)
        self._things[key] = thing
        if len(self._things) > REMEMBERED:
            self._things.pop(next(iter(self._things)))


class _Kept(NamedTuple):
    show: Show
    until_ms: int


class SeriesMemory:
    """The series of which a server has told of late, so that a season costs one question."""

    def __init__(self, context: Context, ask: Callable[[str, str], Awaitable[Show | None]]) -> None:
        self._context = context
        self._ask = ask
        self._kept: Remembered[_Kept] = Remembered()

    async def find(self, series_id: str, user_id: str = "") -> Show | None:
        """Return a series, asked for as this user; None where the server does not know it. May raise HttpError."""
        now_ms = self._context.clock.now().mono_ms
        kept = self._kept.get(series_id)
        if kept is not None and kept.until_ms > now_ms:
            return kept.show
        show = await self._ask(series_id, user_id)
        if show is not None:
            self._kept.put(series_id, _Kept(show, now_ms + SERIES_LIFE_MS))
        return show


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
