"""Marks by hand: completions without a play in progress, and what a flood of them means (rules.md rule 15).

Not every source says that a mark was one: a server's history holds marks among its plays, and a season that is marked may
come as a verdict about each of its episodes. Too many of the same minutes are told apart from an evening by that alone.
"""

from msgspec.structs import replace

from scrobbler.api import Episode
from scrobbler.plays.apply_event import begin, end, event_utc_ms, past_utc_ms
from scrobbler.plays.model import Heard, Session
from scrobbler.plays.queries import all_watched
from scrobbler.plays.step_context import StepContext

FLOOD = 20
FLOOD_MS = 10 * 60_000
"""More marks than this of one account within this time go to review: a library was imported, nobody watched it."""


def mark(context: StepContext, known: Session | None, heard: Heard) -> None:
    """Somebody marked the item by hand. `known` is what last happened with the item on that player."""
    plays = [] if known is None else context.plays_of(known)
    if plays and all(all_watched(play) for play in plays):
        context.note(plays[0].id, "echo", "marked by hand as well")
        return
    plain = replace(heard, event=replace(heard.event, position_ms=None))
    session = begin(context, plain, origin="marked", held=flood(context, heard))
    if session.open:
        said = event_utc_ms(context, heard)
        session = replace(session, verdict_utc_ms=said, verdict_mono_ms=context.now.mono_ms)
        end(context, context.put(replace(session, past_utc_ms=session.past_utc_ms or said)), "stop")


def flood(context: StepContext, heard: Heard) -> str:
    """Say why a completion without a play must wait for people; empty: it need not."""
    utc_ms = past_utc_ms(context, heard) or event_utc_ms(context, heard)
    rivals = [one for one in context.sessions.values() if _may_be_of(heard, one)]
    flooded = any(_count(rivals, policy.account, utc_ms) >= FLOOD for policy in heard.accounts)
    return f"more than {FLOOD} were marked as watched within {FLOOD_MS // 60_000} minutes" if flooded else ""


def _may_be_of(heard: Heard, earlier: Session) -> bool:
    """Tell whether both may come of one mark: as it happens a server gives its verdict on films one by one, not on a season."""
    if heard.event.kind == "marked" or heard.telling == "remembered":
        return True
    said, before = heard.event.item, earlier.item
    return isinstance(said, Episode) and isinstance(before, Episode) and said.show.title == before.show.title


def _count(sessions: list[Session], account: str, utc_ms: int) -> int:
    return sum(
        _played_by_nobody(one)
        and one.ending != "ignored"
        and abs(one.opened_utc_ms - utc_ms) < FLOOD_MS
        and any(policy.account == account for policy in one.accounts)
        for one in sessions
    )


def _played_by_nobody(session: Session) -> bool:
    """Tell whether the first word about a session was that it is watched."""
    return session.verdict_utc_ms is not None and session.verdict_mono_ms == session.opened_mono_ms
