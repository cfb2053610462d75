"""`/metrics` in Prometheus' text format (version 0.0.4), written by hand: it is a handful of lines."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from scrobbler import __version__
from scrobbler.status.ports import House
from scrobbler.store import reading
from scrobbler.store.database import StorageError

Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[Labels, float]


async def metrics(house: House) -> str:
    """Write all metrics. Those of the store are left out while it cannot be read, which `scrobbler_faults` counts."""
    lines = [*_daemon(house), *_accounts(house), *_sources(house)]
    faults = len(house.faults()) + bool(house.not_taken_over())
    try:
        counts, queue = await house.read(lambda connection: (reading.counts(connection), reading.queued(connection)))
    except StorageError:
        faults = max(1, faults)
    else:
        lines += _stored(counts, queue)
    lines += _family("scrobbler_faults", "gauge", "Faults of the daemon itself.", [({}, faults)])
    return "\n".join(lines) + "\n"


def _family(name: str, kind: Literal["gauge", "counter"], text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(one)}"' for key, one in labels.items())
        yield f"{name}{{{inner}}} {value:.15g}" if inner else f"{name} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _daemon(house: House) -> Iterator[str]:
    yield from _family("scrobbler_info", "gauge", "Always 1.", [({"version": __version__}, 1)])
    if house.started_utc_ms is not None:
        started: list[Sample] = [({}, house.started_utc_ms / 1000)]
        yield from _family("scrobbler_start_time_seconds", "gauge", "When the daemon started.", started)
    modes = {"playing": 0, "paused": 0, "quiet": 0}
    for session in house.state().alive.values():
        modes[session.phase.mode] += 1
    yield from _family(
        "scrobbler_sessions", "gauge", "Playbacks going on.", [({"mode": mode}, count) for mode, count in modes.items()]
    )
    yield from _family(
        "scrobbler_hook_requests_total",
        "counter",
        "Answers to hooks; requests for no source of ours have an empty source.",
        [
            ({"source": source, "code": str(code)}, count)
            for (source, code), count in sorted(house.hook_answers().items())
        ],
    )


def _accounts(house: House) -> Iterator[str]:
    accounts = house.accounts()
    yield from _family(
        "scrobbler_account_linked",
        "gauge",
        "Whether the account is linked to Simkl.",
        [({"account": one.name}, int(one.linked)) for one in accounts],
    )
    yield from _family(
        "scrobbler_account_waiting",
        "gauge",
        "Whether something holds the account's deliveries up.",
        [({"account": one.name}, int(bool(one.waits_for))) for one in accounts],
    )
    yield from _family(
        "scrobbler_allowance_remaining",
        "gauge",
        "Calls that Simkl still allows today.",
        [({"account": one.name}, one.allowance_left) for one in accounts if one.allowance_left is not None],
    )
    yield from _family(
        "scrobbler_allowance_limit",
        "gauge",
        "Calls that Simkl allows in a day.",
        [({"account": one.name}, one.allowance_limit) for one in accounts if one.allowance_limit is not None],
    )


def _sources(house: House) -> Iterator[str]:
    sources = house.sources()
    yield from _family(
        "scrobbler_source_enabled",
        "gauge",
        "Whether the source works, whatever its player does.",
        [({"source": one.name, "type": one.type}, int(one.state == "enabled")) for one in sources],
    )
    yield from _family(
        "scrobbler_source_up",
        "gauge",
        "Whether the source's player or server answers, where that is known.",
        [({"source": one.name, "type": one.type}, int(one.up)) for one in sources if one.up is not None],
    )


def _stored(counts: reading.Counts, queue: Iterable[reading.Queued]) -> Iterator[str]:
    queue = list(queue)
    yield from _family(
        "scrobbler_plays_total",
        "counter",
        "Plays seen.",
        [({"account": account}, count) for account, count in sorted(counts.plays.items())],
    )
    yield from _family(
        "scrobbler_ledger_rows",
        "gauge",
        "What plays amounted to, and whether Simkl knows it: due, settled, refused, review.",
        [({"kind": kind, "state": state}, count) for (kind, state), count in sorted(counts.outbox.items())],
    )
    yield from _family(
        "scrobbler_ledger_due",
        "gauge",
        "What an account still has to tell Simkl.",
        [({"account": one.account}, one.due) for one in queue],
    )
    yield from _family(
        "scrobbler_ledger_oldest_due_seconds",
        "gauge",
        "Since when the oldest of it waits, as Unix time.",
        [({"account": one.account}, one.oldest_utc_ms / 1000) for one in queue],
    )
    yield from _family(
        "scrobbler_deliveries_total",
        "counter",
        "Requests that change something at Simkl, by what came of them.",
        [({"action": action, "result": fate}, count) for (action, fate), count in sorted(counts.attempts.items())],
    )
