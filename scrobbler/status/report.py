"""The status as data: what `/api/status` answers and `scrobbler status --json` prints (contract.md 1.3, 1.5)."""

import msgspec
from msgspec import Struct

from scrobbler import __version__
from scrobbler.api import describe
from scrobbler.clock import Now
from scrobbler.plays.model import Play
from scrobbler.plays.queries import length_of, where
from scrobbler.plays.state import State
from scrobbler.status.ports import AccountState, House, SourceHealth
from scrobbler.store import reading, salvage
from scrobbler.store.database import Connection, StorageError

DELIVERIES = 10


class NowPlaying(Struct, frozen=True, kw_only=True):
    """A play that is going on. `position_ms` is the last observed one; `progress` is percent of the part that plays."""

    play: str
    account: str
    title: str
    source: str
    device: str
    mode: str
    position_ms: int | None = None
    length_ms: int | None = None
    progress: float | None = None
    since_utc_ms: int = 0
    link: str = ""


class StatusReport(Struct, frozen=True, kw_only=True):
    """All that the status tells. `running` is False where no daemon runs and the store was read directly."""

    version: str
    running: bool
    now_utc_ms: int
    started_utc_ms: int | None
    accounts: tuple[AccountState, ...]
    sources: tuple[SourceHealth, ...]
    playing: tuple[NowPlaying, ...]
    queue: tuple[reading.Queued, ...]
    deliveries: tuple[reading.Delivery, ...]
    undecided: int
    faults: tuple[str, ...]


class _Stored(Struct, frozen=True, kw_only=True):
    queue: tuple[reading.Queued, ...] = ()
    deliveries: tuple[reading.Delivery, ...] = ()
    undecided: int = 0
    links: dict[str, str] = {}
    notice: str = ""


async def report(house: House) -> StatusReport:
    """Look at everything once. A store that cannot be read is one fault more, not a failure."""
    state = house.state()
    faults = [*house.faults(), *filter(None, [house.not_taken_over()])]
    going_on = state.open_plays()

    def look(connection: Connection) -> _Stored:
        return _Stored(
            queue=tuple(reading.queued(connection)),
            deliveries=tuple(reading.deliveries(connection, DELIVERIES)),
            undecided=len(reading.undecided(connection)),
            links={one.id: reading.link_of(connection, one.work_id, one.work) for one in going_on},
            notice=salvage.notice(connection, house.clock.now().utc_ms),
        )

    try:
        stored = await house.read(look)
    except StorageError as error:
        stored = _Stored()
        if str(error) not in faults:
            faults.append(str(error))
    if stored.notice:
        faults.append(stored.notice)
    now = house.clock.now()
    return StatusReport(
        version=__version__,
        running=house.running,
        now_utc_ms=now.utc_ms,
        started_utc_ms=house.started_utc_ms,
        accounts=tuple(house.accounts()),
        sources=tuple(house.sources()),
        playing=tuple(_now_playing(state, one, stored.links, now) for one in going_on),
        queue=stored.queue,
        deliveries=stored.deliveries,
        undecided=stored.undecided,
        faults=tuple(faults),
    )


def _now_playing(state: State, play: Play, links: dict[str, str], now: Now) -> NowPlaying:
    session = state.sessions.get(play.primary)
    item = play.work or (session.identity.item if session is not None else None) or play.item
    title = "an unknown title" if item is None else describe(item)
    if session is None:
        return NowPlaying(
            play=play.id,
            account=play.account,
            title=title,
            source="",
            device="",
            mode="quiet",
            since_utc_ms=play.opened_utc_ms or now.utc_ms,
        )
    return NowPlaying(
        play=play.id,
        account=play.account,
        title=title,
        source=session.identity.source,
        device=session.identity.device,
        mode=session.phase.mode,
        position_ms=session.position.ms,
        length_ms=length_of(play, session),
        progress=where(play, session)[1],
        since_utc_ms=play.opened_utc_ms,
        link=links.get(play.id, ""),
    )


def as_json(status: StatusReport) -> bytes:
    """Write the report as people and programs read it."""
    return msgspec.json.format(msgspec.json.encode(status), indent=2) + b"\n"


def from_values(values: object) -> StatusReport:
    """Read a report back that came as plain values. Raises msgspec.ValidationError."""
    return msgspec.convert(values, StatusReport)
