"""Every call in order, and what tests assert about them (simkl-api.md 12.2, 12.33, 12.38)."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from scrobbler.sandbox.catalogue import Item
from scrobbler.sandbox.clock import SandboxClock, stamp
from scrobbler.sandbox.reply import Ask, Reply
from scrobbler.sandbox.views import Call, Counters, ItemCalls

KEPT_CALLS = 20_000
SHOWN_HEADERS = ("user-agent", "content-type", "authorization", "simkl-api-key", "accept")
SECRET_KEYS = ("device_code", "refresh_token", "token", "access_token")
LastScrobble: TypeAlias = tuple[str, tuple[int, int, int]]


class Record(Struct, kw_only=True):
    """A call while it runs."""

    call: Call
    scrobble: tuple[str, Item] | None = None


class Tally(Struct):
    """The counts that are not read off the list of calls."""

    items: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    peaks: Counter[str] = field(default_factory=Counter)
    single: Counter[str] = field(default_factory=Counter)
    flying: Counter[str] = field(default_factory=Counter)
    recent: dict[tuple[str, str], deque[int]] = field(default_factory=dict)
    last: dict[str, LastScrobble] = field(default_factory=dict)
    pulled: dict[str, set[str]] = field(default_factory=dict)  # since the last look at the activities


class Recorder:
    """Keeps the calls and counts them."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._number = 0
        self.records: deque[Record] = deque(maxlen=KEPT_CALLS)
        self.tally = Tally()

    def open(self, ask: Ask) -> Record:
        """Note that a call has arrived."""
        self._number += 1
        now = self._clock.now_ms()
        user = ask.link.user.name if ask.link else None
        call = Call(
            number=self._number,
            at_ms=now,
            at=stamp(now) or "",
            method=ask.method,
            path=ask.path,
            query=ask.query,
            headers={name: _shortened(name, ask.headers[name]) for name in SHOWN_HEADERS if name in ask.headers},
            body=_body(ask),
            user=user,
            client_id=ask.query.get("client_id") or ask.headers.get("simkl-api-key"),
        )
        record = Record(call=call)
        self.records.append(record)
        self._count(ask, user or call.client_id or "", now)
        return record

    def close(self, record: Record, reply: Reply | None, fault: str | None) -> None:
        """Note how a call was answered; None: it was not processed."""
        took = self._clock.now_ms() - record.call.at_ms
        status = reply.status if reply else None
        answer = reply.body if reply and reply.body is not msgspec.UNSET else None
        record.call = msgspec.structs.replace(
            record.call, status=status, answer=_masked(answer), fault=fault, took_ms=took
        )

    def scrobbled(self, record: Record, action: str, item: Item) -> None:
        """Note which item a scrobble call was about."""
        user = record.call.user or ""
        record.scrobble = (action, item)
        self.tally.items.setdefault((user, item.label), Counter())[action] += 1
        if action in ("start", "pause") and self.tally.last.get(user) == (action, item.key):
            self.tally.single["heartbeats"] += 1

    def delivered(self, record: Record, status: int) -> None:
        """Note that an answer went out: only a repeat of an answered call is a heartbeat."""
        if record.scrobble is not None and status == 201:
            action, item = record.scrobble
            self.tally.last[record.call.user or ""] = (action, item.key)

    @contextmanager
    def writing(self, user: str) -> Iterator[None]:
        """Count a write as in flight."""
        flying = self.tally.flying
        flying[user] += 1
        self._peak("parallel_writes", flying[user])
        try:
            yield
        finally:
            flying[user] -= 1

    def _count(self, ask: Ask, who: str, now: int) -> None:
        single = self.tally.single
        single["calls"] += 1
        single["missing_app_name"] += not ask.query.get("app-name")
        single["missing_app_version"] += not ask.query.get("app-version")
        single["missing_user_agent"] += not ask.headers.get("user-agent")
        progress = ask.object.get("progress") if ask.method == "POST" and _is_json(ask) else None
        single["long_progress"] += isinstance(progress, float) and round(progress, 2) != progress
        if ask.path == "/sync/activities":
            self.tally.pulled[who] = set()
        elif ask.path.startswith("/sync/all-items"):
            pulled = self.tally.pulled.setdefault(who, {ask.path})
            single["ungated_all_items"] += ask.path in pulled
            pulled.add(ask.path)
        verb = "post" if ask.method == "POST" else "get"
        recent = self.tally.recent.setdefault((who, verb), deque())
        recent.append(now)
        while recent and not 0 <= now - recent[0] < 1000:
            recent.popleft()
        self._peak(f"peak_{verb}_per_second", len(recent))

    def _peak(self, name: str, value: int) -> None:
        self.tally.peaks[name] = max(self.tally.peaks[name], value)

    def counters(self) -> Counters:
        """Return the counts."""
        single, peaks = self.tally.single, self.tally.peaks
        items = [
            ItemCalls(
                user=user,
                item=item,
                start=count["start"],
                pause=count["pause"],
                stop=count["stop"],
                checkin=count["checkin"],
            )
            for (user, item), count in self.tally.items.items()
        ]
        return Counters(
            calls=single["calls"],
            items=items,
            peak_get_per_second=peaks["peak_get_per_second"],
            peak_post_per_second=peaks["peak_post_per_second"],
            parallel_writes=peaks["parallel_writes"],
            heartbeats=single["heartbeats"],
            missing_app_name=single["missing_app_name"],
            missing_app_version=single["missing_app_version"],
            missing_user_agent=single["missing_user_agent"],
            ungated_all_items=single["ungated_all_items"],
            token_on_catalogue=single["token_on_catalogue"],
            long_progress=single["long_progress"],
        )


def _is_json(ask: Ask) -> bool:
    return ask.raw.lstrip().startswith(b"{") and ask.decodes


def _shortened(name: str, value: str) -> str:
    return f"{value.split(' ', 1)[0]} …{value[-4:]}" if name == "authorization" else value


def _masked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: f"…{each[-4:]}" if key in SECRET_KEYS and isinstance(each, str) else each for key, each in value.items()
    }


def _body(ask: Ask) -> Any:
    if not ask.raw:
        return None
    if ask.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _masked(ask.form)
    return _masked(ask.json) if ask.decodes else ask.raw.decode(errors="replace")
