"""How each fault of the table is brought about at the sandbox, and the scenario for each kind of request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from msgspec import Struct

from scrobbler.sandbox.reply import Ask
from tests.faults.house import FILM_S, MINUTE_S, House
from tests.faults.table import FaultName, Request

PATHS: Mapping[Request, str] = {
    "start": "/scrobble/start",
    "pause": "/scrobble/pause",
    "stop": "/scrobble/stop",
    "history": "/sync/history",
    "refresh": "/oauth2/token",
}

HOUR_S = 3600.0

Provoke = Callable[[House, str], Awaitable[None] | None]


class Truth(Struct, frozen=True):
    """When the film was really watched (ms since 1970): by our clock, and by one that nobody sets."""

    ours_utc_ms: int
    true_utc_ms: int


def _status(number: int, retry_after: int | None = None) -> Provoke:
    return lambda house, path: house.fault("status", status=number, retry_after=retry_after, path=path)


def _slow(seconds: float) -> Provoke:
    return lambda house, path: house.fault("slow", seconds=seconds, path=path)


def _html(status: int) -> Provoke:
    return lambda house, path: house.fault("html", status=status, path=path)


def _simkl_jumps(seconds: float) -> Provoke:
    return lambda house, path: house.fault("clock_jump", seconds=seconds, path=path)


def _we_jump(seconds: float) -> Provoke:
    def provoke(house: House, path: str) -> None:
        async def jump(_ask: Ask) -> None:
            house.clock.jump_ms += round(seconds * 1000)

        house.before(path, jump)

    return provoke


def _held(house: House, path: str) -> None:
    """Let another app of hers hold the lock for 25 s: the daemon's write waits 20 s for it, in vain."""

    async def hold(_ask: Ask) -> None:
        house.fault("slow", seconds=25, path="/sync/ratings")
        house.tasks.append(asyncio.create_task(house.stranger("/sync/ratings", {})))
        await house.passes(1.5)

    house.before(_write(path), hold)


def _spaced(house: House, path: str) -> None:
    house.sandbox.switches.lock = "spacing"

    async def pause(_ask: Ask) -> None:
        film = {"title": "Sintel", "year": 2010}
        assert await house.stranger("/scrobble/pause", {"movie": film, "progress": 3}) == 201
        await house.passes(1.5)

    house.before(_write(path), pause)


def _write(path: str) -> str:
    """Where a renewal is not concerned, the write behind it is."""
    return PATHS["start"] if path == PATHS["refresh"] else path


def _block(house: House, path: str) -> Awaitable[None] | None:
    """Let another app of hers write twice in one second, and be blocked with ours."""
    if path == PATHS["refresh"]:
        return _status(412)(house, path)

    async def rush(_ask: Ask) -> None:
        assert [await house.stranger("/sync/ratings", {}) for _ in range(2)] == [201, 429]
        await house.passes(1.5)

    house.before(path, rush)
    return None


def _second(house: House, path: str) -> Awaitable[None] | None:
    """Let another app of hers write in the same second before ours."""
    if path == PATHS["refresh"]:
        return _status(429)(house, path)

    async def rush(_ask: Ask) -> None:
        assert await house.stranger("/sync/ratings", {}) == 201

    house.before(path, rush)
    return None


def _day(house: House, path: str) -> None:
    async def spend(_ask: Ask) -> None:
        house.spend_allowance()

    house.before(_write(path), spend)


PROVOKE: Mapping[FaultName, Provoke] = {
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "500 with Retry-After: 40": _status(500, 40),
    "502 with Retry-After: 40": _status(502, 40),
    "503 with Retry-After: 40": _status(503, 40),
    "connection drops before Simkl acts": lambda house, path: house.fault("drop_before", path=path),
    "connection drops after Simkl acted": lambda house, path: house.fault("drop_after", path=path),
    "answer takes 25 s": _slow(25),
    "answer takes 35 s": _slow(35),
    "HTML page with 200": _html(200),
    "HTML page with 502": _html(502),
    "JSON cut off": lambda house, path: house.fault("truncated", path=path),
    "401": lambda house, path: house.fault("unauthorized", path=path),
    "Simkl's clock jumps ahead by an hour": _simkl_jumps(HOUR_S),
    "Simkl's clock jumps back by an hour": _simkl_jumps(-HOUR_S),
    "our clock jumps ahead by an hour": _we_jump(HOUR_S),
    "our clock jumps back by an hour": _we_jump(-HOUR_S),
    "lock held by another app": _held,
    "lock as a spacing of 20 s": _spaced,
    "412, a block": _block,
    "429, by the second": _second,
    "429, by the day": _day,
}


async def play(house: House, request: Request) -> Truth:
    """Let Alice watch a film so that a request of this kind is made; return when she had seen it."""
    match request:
        case "start" | "stop":
            await house.watch()
        case "pause":
            await house.say("play", 0)
            await house.passes(3 * MINUTE_S)
            await house.say("pause", 3 * MINUTE_S)
            await house.passes(4 * MINUTE_S)
            await house.say("play", 3 * MINUTE_S)
            await house.passes(FILM_S - 3 * MINUTE_S)
            await house.say("stop", FILM_S)
        case "history":
            moment = house.clock.now().utc - timedelta(days=2)
            await house.say("watched", at=moment)
            return Truth(round(moment.timestamp() * 1000), round(moment.timestamp() * 1000))
        case "refresh":
            house.link(renew_after_s=5)
            await house.passes(20)
            await house.watch()
    return Truth(house.clock.now().utc_ms, house.true_clock.now().utc_ms)
