"""What `scrobbler doctor` tries for MPRIS."""

from scrobbler.api import CheckResult
from scrobbler.api.connection import GoneError
from scrobbler_plugins.mpris.bus import Bus, address_of, open_bus
from scrobbler_plugins.mpris.messages import said_of
from scrobbler_plugins.mpris.options import Options
from scrobbler_plugins.mpris.players import PREFIX, Choice, Presence, choose


async def examine(options: Options) -> list[CheckResult]:
    """Reach the bus, and name who is there and who is left out, and why."""
    try:
        async with open_bus(address_of(options.bus), lambda _signal: None) as bus:
            return await _look_around(bus, options)
    except GoneError as error:
        what, _, advice = str(error).partition(": ")
        return [CheckResult(good=False, what=what, advice=advice[:1].upper() + advice[1:])]


async def _look_around(bus: Bus, options: Options) -> list[CheckResult]:
    names = [name for name in await bus.names() if name.startswith(PREFIX)]
    present = [Presence(name, owner, await bus.pid(owner)) for name in names if (owner := await bus.owner(name))]
    choice = choose(present, options.players)
    results = [CheckResult(good=True, what="the session bus answers")]
    results += [await _ask(bus, one) for one in choice.followed]
    results += [_left_out(one, why) for one, why in choice.left_out]
    if not choice.followed:
        results.append(_nobody(choice))
    results += [
        CheckResult(
            good=True,
            what=f"{one.short}: of what a browser plays, nothing counts",
            advice="Say in `titles` which titles count, such as titles: ['* - Netflix'].",
        )
        for one in choice.followed
        if one.browser and not options.titles
    ]
    return results


async def _ask(bus: Bus, one: Presence) -> CheckResult:
    properties = await bus.properties(one.owner)
    if properties is None:
        return CheckResult(good=False, what=f"{one.short}: does not answer", advice="Restart this player.")
    state = {"Playing": "plays", "Paused": "is paused"}.get(said_of(properties).status or "", "plays nothing now")
    return CheckResult(good=True, what=f"{one.short}: answers, and {state}")


def _left_out(one: Presence, why: str) -> CheckResult:
    return CheckResult(good=True, what=f"{one.short}: left out, {why}")


def _nobody(choice: Choice) -> CheckResult:
    others = "none that counts is running now" if choice.left_out else "none is running now"
    return CheckResult(
        good=True,
        what=f"of the players, {others}",
        advice="Start one. mpv shows itself only with its plugin mpv-mpris.",
    )
