"""What an event tells about a session: its position, its length, its item, and what was seen on the way (rules 2, 4, 14)."""

from msgspec.structs import replace

from scrobbler.api import Episode, Movie
from scrobbler.clock import utc_ms
from scrobbler.plays import coverage, lifecycle, queries
from scrobbler.plays.judge import percent
from scrobbler.plays.model import Ending, Heard, Mode, Origin, Resolve, Session
from scrobbler.plays.step_context import StepContext

TICK_SLACK_MS = 10_000
EDGE_SLACK_MS = 30_000
"""How far a report may lag behind its time: sources with edges report stored positions (players.md 1.6.2)."""

RHYTHM_LIMIT_MS = 10 * 60_000
"""A player that tells its position more rarely is not expected to keep that up."""

PAST_MS = 5 * 60_000
"""An event whose own time lies further back tells of a play we missed."""

CLOCK_AGREES_MS = 60_000
"""An event's own time is preferred over its arrival when the two are at most so far apart (players.md 2.5.10)."""


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


def sane(heard: Heard) -> Heard:
    """Drop what cannot be: a negative position is unknown, and so is a length of nothing."""
    event = heard.event
    position = event.position_ms if event.position_ms is None or event.position_ms >= 0 else None
    duration = event.duration_ms if event.duration_ms and event.duration_ms > 0 else None
    if (position, duration) == (event.position_ms, event.duration_ms):
        return heard
    return replace(heard, event=replace(event, position_ms=position, duration_ms=duration))


def begin(
    context: StepContext, heard: Heard, mode: Mode = "playing", *, origin: Origin = "heard", held: str = ""
) -> Session:
    """Open a session, and a play for each account in front of the player. `held` says why people must look at it first."""
    event = heard.event
    past = past_utc_ms(context, heard)
    utc = past or event_utc_ms(context, heard)
    position = event.position_ms if event.observed else None
    session = Session(
        id=context.new_session_id(),
        source=heard.source,
        player=event.player,
        item_key=event.item_key,
        traits=heard.traits,
        accounts=heard.accounts,
        item=event.item,
        device=event.device or "",
        ticking=heard.traits.ticks or (event.kind == "progress" and event.observed),
        origin=origin,
        mode=mode,
        offset_ms=position,
        position_ms=position,
        position_mono_ms=context.now.mono_ms,
        said_utc_ms=None if event.at is None else utc_ms(event.at),
        duration_ms=event.duration_ms,
        nominal=event.nominal,
        shorter_than_ms=heard.shorter_than_ms,
        undecided=heard.undecided,
        past_utc_ms=past,
        opened_utc_ms=utc,
        opened_mono_ms=context.now.mono_ms,
        heard_mono_ms=context.now.mono_ms,
        heard_utc_ms=utc,
        edge_mono_ms=context.now.mono_ms,
    )
    context.put(session)
    queries.open_plays(context, session)
    context.note(session.id, "opened", f"{event.kind} heard from {heard.source}{at(session)}")
    if heard.ignored:
        ignore(context, session, heard.ignored)
    elif held:
        for play in context.plays_of(session):
            context.put_play(replace(play, outcome="needs review", outcome_reason=held))
            context.note(play.id, "held", held)
    elif not _too_short(context, session):
        context.emit(Resolve(session=session.id))
    return context.sessions[session.id]


def at(session: Session) -> str:
    """Say where a session is, as the end of a sentence."""
    if session.position_ms is None:
        return ", position unknown"
    progress = percent(session.position_ms, session.duration_ms)
    return f" at {session.position_ms / 1000:g} s" + ("" if progress is None else f" ({progress:g} %)")


def _too_short(context: StepContext, session: Session) -> bool:
    """Rule 14: clips are not plays. An unknown length is not short."""
    if not session.duration_ms or session.duration_ms >= session.shorter_than_ms:
        return False
    ignore(context, session, f"shorter than {session.shorter_than_ms // 1000} s")
    return True


def ignore(context: StepContext, session: Session, reason: str) -> None:
    """Let go of a session that turned out to be no play of ours; nothing of it reaches Simkl."""
    for play in context.plays_of(session):
        if play.outcome is None:
            context.put_play(replace(play, outcome="ignored", outcome_reason=reason))
            context.note(play.id, "ignored", reason)
    if session.open:
        end(context, session, "ignored")


def listen(context: StepContext, session: Session, heard: Heard, *, jumped: bool = False) -> Session:
    """Take over what an event says about position, length and item; extrapolated positions change nothing."""
    event = heard.event
    if not event.observed:
        return session
    gap_ms = context.now.mono_ms - session.heard_mono_ms
    ticks = event.kind == "progress"
    # Neither a pause nor our own absence is a gap of the player's.
    in_rhythm = ticks and session.mode != "paused" and (session.blind_mono_ms or 0) <= session.heard_mono_ms
    duration_ms, nominal = _better_length(session, heard)
    changed = replace(
        session,
        heard_mono_ms=context.now.mono_ms,
        heard_utc_ms=event_utc_ms(context, heard),
        duration_ms=duration_ms,
        nominal=nominal,
        device=event.device or session.device,
        undecided=session.undecided and heard.undecided,
        ticking=session.ticking or ticks,
        rhythm_ms=max(session.rhythm_ms, min(gap_ms, RHYTHM_LIMIT_MS)) if in_rhythm else session.rhythm_ms,
        past_utc_ms=past_utc_ms(context, heard) if session.origin == "heard" else session.past_utc_ms,
    )
    changed = move(context, changed, heard, jumped=jumped)
    context.put(changed)
    if changed.duration_ms != session.duration_ms and _too_short(context, changed):
        return context.sessions[session.id]
    richer = _richer_item(changed, heard)
    if richer:
        changed = context.put(replace(changed, item=event.item))
        context.emit(Resolve(session=session.id))
    return changed


def _better_length(session: Session, heard: Heard) -> tuple[int | None, bool]:
    """Choose between the known length and the event's; the file's own beats a catalogue's round figure."""
    exact = session.duration_ms is not None and not session.nominal
    if not heard.event.duration_ms or (exact and heard.event.nominal):
        return session.duration_ms, session.nominal
    return heard.event.duration_ms, heard.event.nominal


def _richer_item(session: Session, heard: Heard) -> bool:
    """Tell whether an event names its item for the first time, or by ids where there were none (players.md 2.5.5)."""
    item = heard.event.item
    if item is None or session.work_id is not None:
        return False
    if session.item is None:
        return True
    return isinstance(item, Movie | Episode) and bool(item.ids) and item != session.item


def move(context: StepContext, session: Session, heard: Heard, *, jumped: bool = False) -> Session:
    """Move to the position that an event tells, if any, and count what was seen on the way (rule 4)."""
    event = heard.event
    position_ms = event.position_ms
    if position_ms is None or not event.observed:
        return session
    if position_ms == 0 and session.position_ms and event.kind not in ("play", "progress", "seek"):
        # Whoever has no position writes 0; nobody stops there who was somewhere else a moment ago (rule 2).
        return session
    elapsed_ms = _elapsed_ms(context, session, heard)
    seen, ahead_ms = session.seen, session.ahead_ms
    if session.offset_ms is None or session.position_ms is None:
        # It began so far before its first known position as it has been open.
        offset_ms = max(0, position_ms - elapsed_ms)
        seen = coverage.add(seen, offset_ms, position_ms)
        session = replace(session, offset_ms=offset_ms)
    elif jumped and (session.mode == "quiet" or (session.mode == "paused" and _away(session))):
        pass  # whether it played meanwhile, nobody knows
    elif jumped:
        # What played before the jump was never told where nobody ticks.
        seen = coverage.add(seen, session.position_ms, session.position_ms + elapsed_ms)
    else:
        slack_ms = TICK_SLACK_MS if session.ticking else EDGE_SLACK_MS
        seen, ahead_ms = coverage.advance(
            seen, session.position_ms, position_ms, elapsed_ms=elapsed_ms, ahead_ms=ahead_ms, slack_ms=slack_ms
        )
    return replace(
        session,
        position_ms=position_ms,
        position_mono_ms=context.now.mono_ms,
        said_utc_ms=None if event.at is None else utc_ms(event.at),
        seen=seen,
        ahead_ms=ahead_ms,
    )


def _elapsed_ms(context: StepContext, session: Session, heard: Heard) -> int:
    """Say for how long it may have played since the last position: by our clock, or by the player's own if that allows more."""
    event = heard.event
    # While it is paused nothing plays, unless its resume got lost: at its end, and where a second pause follows the first.
    # Where we were away ourselves since, it was lost on us.
    lost = _away(session) or event.kind in ("stop", "end", "watched") or (event.kind == "pause" and not session.ticking)
    if session.mode == "paused" and not lost:
        return 0
    elapsed_ms = context.now.mono_ms - session.position_mono_ms
    if event.at is not None and session.said_utc_ms is not None:
        # A relay that was cut off tells everything at once later.
        elapsed_ms = max(elapsed_ms, utc_ms(event.at) - session.said_utc_ms)
    return elapsed_ms


def _away(session: Session) -> bool:
    """Tell whether we lost sight of the player ourselves since its last position."""
    return session.blind_mono_ms is not None and session.blind_mono_ms >= session.position_mono_ms


def play_out(context: StepContext, session: Session, heard: Heard) -> Ending:
    """Take a natural end: the end of the file, where time allows that it was reached from the last position.

    A player that was told to end earlier says the same (mpv's `--length`): then the last position stands.
    """
    if session.position_ms is None:
        return "end"
    slack_ms = TICK_SLACK_MS if session.ticking else EDGE_SLACK_MS
    reach_ms = session.position_ms + _elapsed_ms(context, session, heard) * coverage.HONEST_SPEED + slack_ms
    if session.duration_ms and session.duration_ms > reach_ms:
        return "stop"
    context.put(replace(session, seen=coverage.add(session.seen, session.position_ms, session.duration_ms or reach_ms)))
    return "end"


def end(context: StepContext, session: Session, ending: Ending) -> None:
    """Close a session, and its plays unless another player goes on."""
    session = context.put(replace(session, mode="over", ending=ending, over_mono_ms=context.now.mono_ms))
    context.note(session.id, "over", f"{ENDING_WORDS[ending]}{at(session)}")
    lifecycle.session_over(context, session)


ENDING_WORDS: dict[Ending, str] = {
    "stop": "stopped",
    "end": "played to its end",
    "gone": "contact with the player was lost",
    "replaced": "another item took its place",
    "silence": "nothing was heard any more",
    "ignored": "not a play of ours",
}
