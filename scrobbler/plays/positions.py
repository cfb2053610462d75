"""What an event tells about a session: its position, its length, its item, and what was seen on the way (rules 2 and 4)."""

from msgspec.structs import replace

from scrobbler.api import Episode, Movie
from scrobbler.clock import utc_ms
from scrobbler.plays import coverage
from scrobbler.plays.model import Ending, Heard, Session
from scrobbler.plays.queries import better_length, event_utc_ms, past_utc_ms
from scrobbler.plays.step_context import StepContext

TICK_SLACK_MS = 10_000
EDGE_SLACK_MS = 30_000
"""How far a report may lag behind its time: sources with edges report stored positions (players.md 1.6.2)."""

RHYTHM_LIMIT_MS = 10 * 60_000
"""A player that tells its position more rarely is not expected to keep that up."""


def listen(context: StepContext, session: Session, heard: Heard, *, jumped: bool = False) -> Session:
    """Take over what an event says about position, length and item; extrapolated positions change nothing.

    `jumped`: what lies between the old position and the new one was not seen.
    """
    event, identity, contact = heard.event, session.identity, session.contact
    if not event.observed:
        return session
    gap_ms = context.now.mono_ms - contact.heard_mono_ms
    ticks = event.kind == "progress"
    # Neither a pause nor our own absence is a gap of the player's.
    in_rhythm = ticks and session.phase.mode != "paused" and (contact.blind_mono_ms or 0) <= contact.heard_mono_ms
    duration_ms, nominal = better_length(session, heard)
    changed = replace(
        session,
        identity=replace(
            identity,
            device=event.device or identity.device,
            undecided=identity.undecided and heard.undecided,
            past_utc_ms=past_utc_ms(context, heard) if identity.origin == "heard" else identity.past_utc_ms,
            item=event.item if names_its_item(session, heard) else identity.item,
        ),
        contact=replace(
            contact,
            heard_mono_ms=context.now.mono_ms,
            heard_utc_ms=event_utc_ms(context, heard),
            ticking=contact.ticking or ticks,
            rhythm_ms=max(contact.rhythm_ms, min(gap_ms, RHYTHM_LIMIT_MS)) if in_rhythm else contact.rhythm_ms,
        ),
        position=replace(session.position, duration_ms=duration_ms, nominal=nominal),
    )
    return move(context, changed, heard, jumped=jumped)


def names_its_item(session: Session, heard: Heard) -> bool:
    """Tell whether an event names its item for the first time, or by ids where there were none (players.md 2.5.5)."""
    item, known = heard.event.item, session.identity.item
    if item is None or session.identity.work_id is not None or not heard.event.observed:
        return False
    if known is None:
        return True
    return isinstance(item, Movie | Episode) and bool(item.ids) and item != known


def move(context: StepContext, session: Session, heard: Heard, *, jumped: bool = False) -> Session:
    """Move to the position that an event tells, if any, and count what was seen on the way (rule 4)."""
    event, old = heard.event, session.position
    position_ms = event.position_ms
    if position_ms is None or not event.observed:
        return session
    if position_ms == 0 and old.ms and event.kind not in ("play", "progress", "seek"):
        # Whoever has no position writes 0; nobody stops there who was somewhere else a moment ago (rule 2).
        return session
    elapsed_ms = _elapsed_ms(context, session, heard)
    offset_ms, seen, ahead_ms = old.offset_ms, old.seen, old.ahead_ms
    if offset_ms is None or old.ms is None:
        # It began so far before its first known position as it has been open.
        offset_ms = max(0, position_ms - elapsed_ms)
        seen = coverage.add(seen, offset_ms, position_ms)
    elif jumped:
        unknown = session.phase.mode == "quiet" or (session.phase.mode == "paused" and _away(session))
        if not unknown:
            # What played before the jump was never told where nobody ticks.
            seen = coverage.add(seen, old.ms, old.ms + elapsed_ms)
    else:
        seen, ahead_ms = coverage.advance(
            seen, old.ms, position_ms, elapsed_ms=elapsed_ms, ahead_ms=ahead_ms, slack_ms=_slack_ms(session)
        )
    return replace(
        session,
        position=replace(
            old,
            offset_ms=offset_ms,
            ms=position_ms,
            mono_ms=context.now.mono_ms,
            said_utc_ms=None if event.at is None else utc_ms(event.at),
            seen=seen,
            ahead_ms=ahead_ms,
        ),
    )


def _slack_ms(session: Session) -> int:
    return TICK_SLACK_MS if session.contact.ticking else EDGE_SLACK_MS


def _elapsed_ms(context: StepContext, session: Session, heard: Heard) -> int:
    """Say for how long it may have played since the last position: by our clock, or by the player's own if that allows more."""
    event, position = heard.event, session.position
    # While it is paused nothing plays, unless its resume got lost: at its end, and where a second pause follows the first.
    # Where we were away ourselves since, it was lost on us.
    second_pause = event.kind == "pause" and not session.contact.ticking
    lost = _away(session) or event.kind in ("stop", "end", "watched") or second_pause
    if session.phase.mode == "paused" and not lost:
        return 0
    elapsed_ms = context.now.mono_ms - position.mono_ms
    if event.at is not None and position.said_utc_ms is not None:
        # A relay that was cut off tells everything at once later.
        elapsed_ms = max(elapsed_ms, utc_ms(event.at) - position.said_utc_ms)
    return elapsed_ms


def _away(session: Session) -> bool:
    """Tell whether we lost sight of the player ourselves since its last position."""
    blind_mono_ms = session.contact.blind_mono_ms
    return blind_mono_ms is not None and blind_mono_ms >= session.position.mono_ms


def shorter_than(session: Session, heard: Heard) -> bool:
    """Tell whether an event brings a length that is too short to count (rule 14). An unknown length is not short."""
    length_ms, _ = better_length(session, heard)
    known_ms, limit_ms = session.position.duration_ms, session.identity.shorter_than_ms
    return heard.event.observed and bool(length_ms) and length_ms != known_ms and (length_ms or 0) < limit_ms


def play_out(context: StepContext, session: Session, heard: Heard) -> tuple[Session, Ending]:
    """Take a natural end: the end of the file, where time allows that it was reached from the last position.

    A player that was told to end earlier says the same (mpv's `--length`): then the last position stands.
    """
    if heard.event.kind != "end":
        return session, "stop"
    position = session.position
    if position.ms is None:
        return session, "end"
    reach_ms = position.ms + _elapsed_ms(context, session, heard) * coverage.HONEST_SPEED + _slack_ms(session)
    if position.duration_ms and position.duration_ms > reach_ms:
        return session, "stop"
    seen = coverage.add(position.seen, position.ms, position.duration_ms or reach_ms)
    return replace(session, position=replace(position, seen=seen)), "end"
