"""What is asked of sessions, plays and words everywhere: lengths, moments, who speaks for a play. All of it only reads."""

from scrobbler.clock import utc_ms
from scrobbler.plays.coverage import NOTHING, Coverage, union
from scrobbler.plays.judge import locate, parts_of, percent
from scrobbler.plays.model import Heard, Play, Session
from scrobbler.plays.step_context import StepContext
from scrobbler.plays.table import PlayState

TAKE_OVER_MS = 10_000
"""A player that still moves so long after the one that speaks was paused is another playback, and takes over."""

PAST_MS = 5 * 60_000
"""An event whose own time lies further back tells of a play we missed."""

CLOCK_AGREES_MS = 60_000
"""An event's own time is preferred over its arrival when the two are at most so far apart (players.md 2.5.10)."""


UNSEEN = "a stop of something that was not seen playing"
"""Why nothing comes of a stop that told no position of a play that nobody saw."""


def event_utc_ms(context: StepContext, heard: Heard) -> int:
    """Say when the event happened: by its own clock where that agrees with ours, else by its arrival."""
    if heard.event.at is None:
        return context.now.utc_ms
    said = utc_ms(heard.event.at)
    return said if abs(said - context.now.utc_ms) <= CLOCK_AGREES_MS else context.now.utc_ms


def past_utc_ms(context: StepContext, heard: Heard) -> int | None:
    """Say when the event happened if that is past; None for what happens now. A verdict with a time of its own is history."""
    if heard.event.at is None:
        return None
    said = utc_ms(heard.event.at)
    if heard.telling == "remembered":
        return min(said, context.now.utc_ms)
    limit = CLOCK_AGREES_MS if heard.event.kind == "watched" else PAST_MS
    return said if context.now.utc_ms - said > limit else None


def better_length(session: Session, heard: Heard) -> tuple[int | None, bool]:
    """Choose between the known length and the event's; the file's own beats a catalogue's round figure."""
    position = session.position
    exact = position.duration_ms is not None and not position.nominal
    if not heard.event.duration_ms or (exact and heard.event.nominal):
        return position.duration_ms, position.nominal
    return heard.event.duration_ms, heard.event.nominal


def length_of(play: Play, session: Session) -> int | None:
    """Give the item's length in ms: the file's own where a player measured it, else the catalogue's round figure."""
    if session.position.duration_ms and not session.position.nominal:
        return session.position.duration_ms
    return play.runtime_ms or session.position.duration_ms


def where(play: Play, session: Session) -> tuple[int, float | None]:
    """Say which part plays in this session, and at how many percent."""
    return locate(session.position.ms, length_of(play, session), parts_of(play.work))


def at(session: Session) -> str:
    """Say where a session is, as the end of a sentence."""
    position_ms = session.position.ms
    if position_ms is None:
        return ", position unknown"
    progress = percent(position_ms, session.position.duration_ms)
    return f" at {position_ms / 1000:g} s" + ("" if progress is None else f" ({progress:g} %)")


def all_watched(play: Play) -> bool:
    """Tell whether every part of the work is in the outbox as watched."""
    return len(play.watched_parts) >= parts_of(play.work)


def coverage_of(context: StepContext, play: Play) -> Coverage:
    """Put together what all players of a play showed."""
    seen = NOTHING
    for session in context.talking(play):
        seen = union(seen, session.position.seen)
    return seen


def richest(context: StepContext, play: Play) -> str:
    """Choose the session that speaks: the richest that has something to say, the earliest among equals.

    One that is paused keeps silent while another goes on moving: then the play has moved to that player.
    """
    ranked = sorted(
        (one for one in context.talking(play) if one.phase.mode in ("playing", "paused")),
        key=lambda one: (-one.identity.traits.richness, one.identity.opened_mono_ms, one.id),
    )
    if not ranked:
        return play.primary
    best = ranked[0]
    if best.phase.mode == "paused":
        for one in ranked[1:]:
            if one.phase.mode == "playing" and one.position.mono_ms > best.phase.since_mono_ms + TAKE_OVER_MS:
                return one.id
    return best.id


def latest_word(context: StepContext, play: Play) -> str:
    """Choose the session whose position is the latest; a natural end is one."""
    known = [one for one in context.talking(play) if one.position.ms is not None and one.phase.ending != "ignored"]
    latest = max(
        known,
        key=lambda one: (
            one.phase.over_mono_ms if one.phase.ending == "end" else one.position.mono_ms,
            one.id == play.primary,
        ),
        default=None,
    )
    return play.primary if latest is None else latest.id


def play_state(play: Play) -> PlayState:
    """Say where a play is on its way."""
    if play.open:
        if play.closing_mono_ms is not None:
            return "closing"
        if play.work is not None:
            return "open"
        return "new" if play.outcome is None else "held"
    match play.outcome:
        case None if play.work is None:
            return "waiting"
        case None:
            return "watched" if all_watched(play) else "left"
        case "needs review":
            return "review"
        case "merged":
            return "merged"
        case "already watched":
            return "recorded"
        case _:
            return "unseen" if play.outcome_reason == UNSEEN else "ignored"
