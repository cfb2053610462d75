"""What an event tells about a session: its position, its length, its item, and what was seen on the way (rules 2, 4, 14)."""

from msgspec.structs import replace

from scrobbler.api import Episode, Movie
from scrobbler.clock import utc_ms
from scrobbler.plays import coverage, viewings
from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import percent
from scrobbler.plays.model import Ending, Heard, Mode, Resolve, Session

TICK_SLACK_MS = 10_000
EDGE_SLACK_MS = 30_000
"""How far a report may lag behind its time: sources with edges report stored positions (players.md 1.6.2)."""

TICK_EVERY_MS = 60_000
"""A player whose positions come no further apart than this ticks."""

PAST_MS = 5 * 60_000
"""An event whose own time lies further back tells of a play we missed."""

CLOCK_AGREES_MS = 60_000
"""An event's own time is preferred over its arrival when the two are at most so far apart (players.md 2.5.10)."""


def event_utc_ms(draft: Draft, heard: Heard) -> int:
    """Say when the event happened: by its own clock where that agrees with ours, else by its arrival."""
    if heard.event.at is None:
        return draft.now.utc_ms
    said = utc_ms(heard.event.at)
    return said if abs(said - draft.now.utc_ms) <= CLOCK_AGREES_MS else draft.now.utc_ms


def _past_utc_ms(draft: Draft, heard: Heard) -> int | None:
    if heard.event.at is None:
        return None
    said = utc_ms(heard.event.at)
    return said if draft.now.utc_ms - said > PAST_MS else None


def begin(draft: Draft, heard: Heard, mode: Mode = "playing") -> Session:
    """Open a session, and a viewing for each account in front of the player."""
    event = heard.event
    utc = event_utc_ms(draft, heard)
    position = event.position_ms if event.observed else None
    session = Session(
        id=draft.new_session_id(),
        source=heard.source,
        player=event.player,
        item_key=event.item_key,
        nature=heard.nature,
        watchers=heard.watchers,
        item=event.item,
        device=event.device or "",
        ticking=heard.nature.ticks,
        mode=mode,
        offset_ms=position,
        position_ms=position,
        position_mono_ms=draft.now.mono_ms,
        duration_ms=event.duration_ms,
        nominal=event.nominal,
        shorter_than_ms=heard.shorter_than_ms,
        seen=coverage.add(coverage.NOTHING, 0, position or 0),
        past_utc_ms=_past_utc_ms(draft, heard),
        opened_utc_ms=utc,
        opened_mono_ms=draft.now.mono_ms,
        heard_mono_ms=draft.now.mono_ms,
        heard_utc_ms=utc,
        edge_mono_ms=draft.now.mono_ms,
    )
    draft.put(session)
    viewings.open_viewings(draft, session)
    draft.note(session.id, "opened", f"{event.kind} heard from {heard.source}{at(session)}")
    if heard.ignored:
        ignore(draft, session, heard.ignored)
    elif not _too_short(draft, session):
        draft.emit(Resolve(session=session.id))
    return draft.sessions[session.id]


def at(session: Session) -> str:
    """Say where a session is, as the end of a sentence."""
    if session.position_ms is None:
        return ", position unknown"
    progress = percent(session.position_ms, session.duration_ms)
    return f" at {session.position_ms / 1000:g} s" + ("" if progress is None else f" ({progress:g} %)")


def _too_short(draft: Draft, session: Session) -> bool:
    """Rule 14: clips are not plays. An unknown length is not short."""
    if not session.duration_ms or session.duration_ms >= session.shorter_than_ms:
        return False
    ignore(draft, session, f"shorter than {session.shorter_than_ms // 1000} s")
    return True


def ignore(draft: Draft, session: Session, reason: str) -> None:
    """Let go of a session that turned out to be no play of ours; nothing of it reaches Simkl."""
    for viewing in draft.viewings_of(session):
        if viewing.outcome is None:
            draft.put_viewing(replace(viewing, outcome="ignored", outcome_reason=reason))
            draft.note(viewing.id, "ignored", reason)
    if session.open:
        end(draft, session, "ignored")


def listen(draft: Draft, session: Session, heard: Heard, *, jumped: bool = False) -> Session:
    """Take over what an event says about position, length and item; extrapolated positions change nothing."""
    event = heard.event
    if not event.observed:
        return session
    changed = replace(
        session,
        heard_mono_ms=draft.now.mono_ms,
        heard_utc_ms=event_utc_ms(draft, heard),
        duration_ms=_better_length(session, heard),
        nominal=session.nominal and event.nominal if event.duration_ms else session.nominal,
        device=event.device or session.device,
        ticking=session.ticking or _ticks(draft, session, heard),
    )
    if event.position_ms is not None:
        changed = move(draft, changed, event.position_ms, event.kind, jumped=jumped)
    draft.put(changed)
    if changed.duration_ms != session.duration_ms and _too_short(draft, changed):
        return draft.sessions[session.id]
    richer = _richer_item(changed, heard)
    if richer:
        changed = draft.put(replace(changed, item=event.item))
        draft.emit(Resolve(session=session.id))
    return changed


def _ticks(draft: Draft, session: Session, heard: Heard) -> bool:
    """Tell whether a player tells its position often enough that its silence means something."""
    return heard.event.kind == "progress" and draft.now.mono_ms - session.heard_mono_ms <= TICK_EVERY_MS


def _better_length(session: Session, heard: Heard) -> int | None:
    if not heard.event.duration_ms:
        return session.duration_ms
    if session.duration_ms and not session.nominal and heard.event.nominal:
        return session.duration_ms
    return heard.event.duration_ms


def _richer_item(session: Session, heard: Heard) -> bool:
    """Tell whether an event names its item for the first time, or by ids where there were none (players.md 2.5.5)."""
    item = heard.event.item
    if item is None or session.work_id is not None:
        return False
    if session.item is None:
        return True
    return isinstance(item, Movie | Episode) and bool(item.ids) and item != session.item


def move(draft: Draft, session: Session, position_ms: int, kind: str, *, jumped: bool) -> Session:
    """Move to a new position and count what was seen on the way (rule 4)."""
    seen = session.seen
    if session.offset_ms is None:
        seen = coverage.add(seen, 0, position_ms)
        session = replace(session, offset_ms=position_ms)
    elif session.position_ms is not None and not jumped:
        elapsed = draft.now.mono_ms - session.position_mono_ms
        # Time counts for a paused session only when its resume may have got lost, that is, at its end.
        if session.mode == "paused" and kind not in ("stop", "end", "watched"):
            elapsed = 0
        slack = TICK_SLACK_MS if session.ticking else EDGE_SLACK_MS
        seen = coverage.advance(seen, session.position_ms, position_ms, elapsed_ms=elapsed, slack_ms=slack)
    return replace(session, position_ms=position_ms, position_mono_ms=draft.now.mono_ms, seen=seen)


def play_out(draft: Draft, session: Session) -> Ending:
    """Take a natural end: the end of the file, where time allows that it was reached from the last position.

    A player that was told to end earlier says the same (mpv's `--length`): then the last position stands.
    """
    if not session.duration_ms or session.position_ms is None:
        return "end"
    allowed_ms = allowance_ms(draft, session)
    if session.duration_ms - session.position_ms > allowed_ms:
        return "stop"
    draft.put(move(draft, session, session.duration_ms, "end", jumped=False))
    return "end"


def allowance_ms(draft: Draft, session: Session) -> int:
    """Say how far the position can have moved by honest playing since it was last told."""
    slack_ms = TICK_SLACK_MS if session.ticking else EDGE_SLACK_MS
    return (draft.now.mono_ms - session.position_mono_ms) * coverage.HONEST_SPEED + slack_ms


def end(draft: Draft, session: Session, ending: Ending) -> None:
    """Close a session, and its viewings unless another player goes on."""
    session = draft.put(replace(session, mode="over", ending=ending, over_mono_ms=draft.now.mono_ms))
    draft.note(session.id, "over", f"{ENDING_WORDS[ending]}{at(session)}")
    viewings.session_over(draft, session)


ENDING_WORDS: dict[Ending, str] = {
    "stop": "stopped",
    "end": "played to its end",
    "gone": "contact with the player was lost",
    "replaced": "another item took its place",
    "silence": "nothing was heard any more",
    "ignored": "not a play of ours",
}
