"""Marks by hand: completions without a viewing in progress, and what a flood of them means (design.md rule 15).

Not every source says that a mark was one: a server's history holds marks among its plays, and a season that is marked may
come as a verdict about each of its episodes. Too many of the same minutes are told apart from an evening by that alone.
"""

from msgspec.structs import replace

from scrobbler.api import Episode
from scrobbler.plays.draft import Draft
from scrobbler.plays.listening import begin, end, event_utc_ms, past_utc_ms
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
    plain = replace(heard, event=replace(heard.event, position_ms=None))
    session = begin(draft, plain, origin="marked", held=flood(draft, heard))
    if session.open:
        said = event_utc_ms(draft, heard)
        session = replace(session, verdict_utc_ms=said, verdict_mono_ms=draft.now.mono_ms)
        end(draft, draft.put(replace(session, past_utc_ms=session.past_utc_ms or said)), "stop")


def flood(draft: Draft, heard: Heard) -> str:
    """Say why a completion without a play must wait for people; empty: it need not."""
    utc_ms = past_utc_ms(draft, heard) or event_utc_ms(draft, heard)
    rivals = [one for one in draft.sessions.values() if _may_be_of(heard, one)]
    flooded = any(_count(rivals, watcher.account, utc_ms) >= FLOOD for watcher in heard.watchers)
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
        and any(watcher.account == account for watcher in one.watchers)
        for one in sessions
    )


def _played_by_nobody(session: Session) -> bool:
    """Tell whether the first word about a session was that it is watched."""
    return session.verdict_utc_ms is not None and session.verdict_mono_ms == session.opened_mono_ms
