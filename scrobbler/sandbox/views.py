"""What the sandbox shows of itself under `/_sandbox/`; the test kit reads the same types."""

from typing import Any, Literal

from msgspec import Struct


class HistoryRow(Struct, frozen=True, kw_only=True):
    """One watch that is recorded.

    `watched_at` is what the row says; `recorded_at` is when it was written. `source` says which call wrote it: `stop`,
    `history`, `rating`, `list`, `auto_finish` (a later start did) or `checkin`. `season` and `number` are Simkl's own.
    """

    kind: Literal["movie", "episode"]
    catalogue: Literal["movie", "tv", "anime"]
    title: str
    year: int | None
    simkl: int
    ids: dict[str, str]
    season: int | None
    number: int | None
    watched_at: str
    recorded_at: str
    source: str
    rewatch: bool


class SavedPlayback(Struct, frozen=True, kw_only=True):
    """One saved position, in percent."""

    id: int
    kind: Literal["movie", "episode"]
    catalogue: Literal["movie", "tv", "anime"]
    title: str
    year: int | None
    simkl: int
    season: int | None
    number: int | None
    progress: float
    paused_at: str


class Banner(Struct, frozen=True, kw_only=True):
    """What is shown as watching now. `progress` is what was sent; `shown` is where Simkl believes the play to be."""

    kind: Literal["movie", "episode"]
    title: str
    year: int | None
    simkl: int
    season: int | None
    number: int | None
    action: Literal["start", "checkin"]
    progress: float
    shown: float
    started_at: str
    expires_at: str


class Call(Struct, frozen=True, kw_only=True):
    """One request as it arrived.

    `at_ms` and `at` are the sandbox's clock. `status` is the answer that was made, also where a fault kept it from the
    client; None: the request was not processed. `fault` names the fault that touched it. `body` is the decoded JSON, the
    form's fields, or the text. Tokens are shortened to their last four characters.
    """

    number: int
    at_ms: int
    at: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    user: str | None
    client_id: str | None
    status: int | None = None
    answer: Any = None
    fault: str | None = None
    took_ms: int | None = None


class ItemCalls(Struct, frozen=True, kw_only=True):
    """How many scrobble calls came for one item of one user."""

    user: str
    item: str
    start: int
    pause: int
    stop: int
    checkin: int

    @property
    def total(self) -> int:
        """All calls for the item."""
        return self.start + self.pause + self.stop + self.checkin


class Counters(Struct, frozen=True, kw_only=True):
    """What tests assert (simkl-api.md 12, points 2, 33 and 38).

    `peak_*` are the most calls of one user (or V1 application) within any one second. `heartbeats` are starts or pauses
    that repeated the one before on the same item although that one was answered with success. `parallel_writes` is the
    most writes of one user that were in flight at once.
    """

    calls: int
    items: list[ItemCalls]
    peak_get_per_second: int
    peak_post_per_second: int
    parallel_writes: int
    heartbeats: int
    missing_app_name: int
    missing_app_version: int
    missing_user_agent: int
    ungated_all_items: int
    token_on_catalogue: int
    long_progress: int


class ListEntry(Struct, frozen=True, kw_only=True):
    """One title on a user's lists."""

    title: str
    simkl: int
    catalogue: str
    status: str | None
    rating: int | None


class UserView(Struct, frozen=True, kw_only=True):
    """All that is known of one user. `remaining` is the daily allowance left."""

    name: str
    account_id: int
    plan: Literal["free", "pro", "vip"]
    remaining: int
    grants: int
    history: list[HistoryRow]
    playbacks: list[SavedPlayback]
    banner: Banner | None
    lists: list[ListEntry]


class CodeView(Struct, frozen=True, kw_only=True):
    """One sign-in code that waits, or was answered."""

    user_code: str
    client_id: str
    generation: Literal["v1", "v2"]
    state: Literal["pending", "approved", "declined"]
    user: str | None


class Ledger(Struct, frozen=True, kw_only=True):
    """Everything at once."""

    now: str
    users: list[UserView]
    calls: list[Call]
    codes: list[CodeView]
    counters: Counters


class Grant(Struct, frozen=True, kw_only=True):
    """A link of one user to one application. `expires_in` is seconds; AUTH V1 has no refresh token (empty)."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    account_id: int
