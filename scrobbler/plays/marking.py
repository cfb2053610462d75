"""Marks by hand: completions without a viewing in progress, and what a flood of them means (design.md rule 15)."""

from msgspec.structs import replace

from scrobbler.plays.draft import Draft
from scrobbler.plays.listening import begin, end, event_utc_ms
from scrobbler.plays.model import Heard, Session
from scrobbler.plays.viewings import all_watched

FLOOD = 20
FLOOD_MS = 10 * 60_000
"""More marks than this of one account within this time go to review: a library was imported, nobody watched it."""


def mark(draft: Draft, known: Session | None, heard: Heard) -> None:
    """Somebody marked the item by hand. `known` is what last happened with the item on that player."""
    viewings = [] if known is None else draft.viewings_of(known)
    if viewings and all(all_watched(viewing) for viewing in viewings):
        draft.note(viewings[0].id, "echo", "marked by hand as well")
        return
    flooded = any(_count(draft, watcher.account) >= FLOOD for watcher in heard.watchers)
    held = f"more than {FLOOD} marks by hand within {FLOOD_MS // 60_000} minutes" if flooded else ""
    plain = replace(heard, event=replace(heard.event, position_ms=None))
    session = begin(draft, plain, origin="marked", held=held)
    if session.open:
        said = event_utc_ms(draft, heard)
        session = replace(session, verdict_utc_ms=said, verdict_mono_ms=draft.now.mono_ms)
        end(draft, draft.put(replace(session, past_utc_ms=session.past_utc_ms or said)), "stop")


def _count(draft: Draft, account: str) -> int:
    return sum(
        one.origin == "marked"
        and one.ending != "ignored"
        and draft.now.mono_ms - one.opened_mono_ms < FLOOD_MS
        and any(watcher.account == account for watcher in one.watchers)
        for one in draft.sessions.values()
    )
