"""The long soak: `python -m bench.soak` lives a household's month under 200 deaths for each of several seeds."""

import asyncio
import sys
import time
from itertools import product
from pathlib import Path

import click

from tests.soak.drill import Away, Drill, Then
from tests.soak.players import Source
from tests.soak.reckoning import Outcome
from tests.soak.soak import Plan, soak

SOURCES: tuple[Source, ...] = ("plex", "jelly", "relay")
DRILLS: tuple[tuple[Away, Then], ...] = (("at once", "goes on"), ("an hour", "goes on"), ("at once", "vanishes"))


@click.command()
@click.option("--days", default=30, help="How long the household is watched.")
@click.option("--kills", default=200, help="How many deaths at random moments.")
@click.option("--seeds", default="1,2,3", help="Which households, by their seeds.")
@click.option("--tick", default=20, help="Seconds between the positions that a player tells.")
@click.option(
    "--drills/--no-drills", default=True, help="Kill at every labelled point as well, for each kind of player."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the store, the calls and the deaths of a soak that went wrong.",
)
def main(days: int, kills: int, seeds: str, tick: int, keep: Path | None, *, drills: bool) -> None:
    """Run the long soak and print its figures; exit code 1 if anything was lost, double, invented or late."""
    good = True
    for seed in map(int, seeds.split(",")):
        plan = Plan(seed=seed, days=days, kills=kills, tick_s=tick)
        began = time.monotonic()
        good &= _tell(f"household {seed}, {days} days", asyncio.run(soak(plan, keep)), time.monotonic() - began)
    for source, (away, then) in product(SOURCES, DRILLS if drills else ()):
        began = time.monotonic()
        outcome = asyncio.run(Drill(source, away, then).run())
        good &= _tell(f"drill {source}, away {away}, player {then}", outcome, time.monotonic() - began)
    sys.exit(0 if good else 1)


def _tell(name: str, outcome: Outcome, seconds: float) -> bool:
    figures, simkl, own = outcome.figures, outcome.simkl, outcome.outbox
    killed = figures.killed_at
    rows = {
        "plays": str(outcome.plays),
        "requests of players": f"{outcome.deliveries} ({figures.unanswered} met no daemon)",
        "deaths": f"{sum(killed.values())} ({killed['anywhere']} at random, {len(killed) - (killed['anywhere'] > 0)} points)",
        "orderly ends": str(figures.stopped),
        "calls at Simkl": f"{outcome.calls} ({sum(outcome.faults_met.values())} met a fault)",
        "watches": f"{own.must} must, {own.may} may, {own.never} must not be recorded",
        "recorded": f"{own.recorded} in the outbox, {simkl.recorded} at Simkl",
        "lost": str(len(simkl.lost) + len(own.lost)),
        "double": str(len(simkl.double) + len(own.double)),
        "invented": str(len(simkl.invented) + len(own.invented)),
        "farthest from its time": f"{max(simkl.worst_ms, own.worst_ms) / 1000:.1f} s",
        "other deviations": str(len(outcome.deviations)),
        "took": f"{seconds:.0f} s",
    }
    width = max(map(len, rows))
    print(f"\n{name}")
    for title, value in rows.items():
        print(f"  {title:<{width}}  {value}")
    for deviation in outcome.deviations:
        print(f"  ! {deviation}")
    sys.stdout.flush()
    for label in outcome.never_reached if name.startswith("drill") else ():
        print(f"  ! never reached: {label}")
    return not outcome.deviations and not (name.startswith("drill") and outcome.never_reached)


if __name__ == "__main__":
    main()
