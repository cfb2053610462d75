"""Silence has two deadlines: quiet makes a pause, close makes a verdict (rules.md rule 10)."""

from msgspec.structs import replace

from scrobbler.plays import lifecycle
from scrobbler.plays.apply_event import end
from scrobbler.plays.model import Session
from scrobbler.plays.step_context import StepContext

TICKING_QUIET_MS = 120_000
TICKING_CLOSE_MS = 1_800_000
"""The deadlines of a player that ticks although its source is known for edges alone, as a relay does."""

RHYTHMS = 2
"""Such a player is quiet no sooner than after so many of its own gaps."""


def _limits(session: Session) -> tuple[int, int]:
    """Give the quiet and the close limit of a session in ms."""
    if session.ticking and not session.traits.ticks:
        return max(TICKING_QUIET_MS, RHYTHMS * session.rhythm_ms), TICKING_CLOSE_MS
    return session.traits.quiet_ms, session.traits.close_ms


RHYTHM_SLACK_MS = 10_000

UNKNOWN_RHYTHM_MS = 50_000
"""Taken for the rhythm of a player of which no two words in a row were heard yet."""

COUNTED_SHARE = 5
"""A server counts a play when at most one part in so many is left; it may have been paused unheard before."""


def in_step(session: Session, mono_ms: int) -> bool:
    """Tell whether a ticking player has missed no word: it was heard within its rhythm, or we were away meanwhile."""
    since_mono_ms = max(session.heard_mono_ms, session.blind_mono_ms or session.heard_mono_ms)
    in_rhythm = mono_ms - since_mono_ms <= (session.rhythm_ms or UNKNOWN_RHYTHM_MS) + RHYTHM_SLACK_MS
    return in_rhythm and mono_ms - session.heard_mono_ms <= _limits(session)[0]


def quiet_due(session: Session) -> int | None:
    """Say when silence becomes a pause, on the monotonic clock in ms."""
    return _quiet_at(session) if session.mode == "playing" else None


def _quiet_at(session: Session) -> int:
    quiet_ms, close_ms = _limits(session)
    if session.ticking:
        return session.heard_mono_ms + quiet_ms
    if session.duration_ms and session.position_ms is not None:
        since_mono_ms = max(session.position_mono_ms, session.edge_mono_ms)
        due = since_mono_ms + max(0, session.duration_ms - session.position_ms) + quiet_ms
        counted = session.verdict_utc_ms is not None
        return max(due, session.verdict_mono_ms + session.duration_ms // COUNTED_SHARE) if counted else due
    return session.heard_mono_ms + max(quiet_ms, close_ms)


PAUSED_CLOSE_MS = 86_400_000
"""A paused play is closed after a day."""

PAUSED_COUNTED_MS = 1_800_000
"""One that its server counts already is closed sooner: some clients pause at the end and say no more (players.md 1.5)."""


def close_due(session: Session) -> int | None:
    """Say when silence becomes the end, on the monotonic clock in ms."""
    if not session.open:
        return None
    if session.mode == "paused":
        counted = session.verdict_utc_ms is not None
        return session.heard_mono_ms + (PAUSED_COUNTED_MS if counted else PAUSED_CLOSE_MS)
    if session.mode == "quiet" and session.verdict_utc_ms is not None:
        # What the server counts is settled by the first silence; after our own restart it may still play on (contract.md 1.6).
        return _quiet_at(session)
    quiet_ms, close_ms = _limits(session)
    if session.ticking or session.mode == "playing":
        return (quiet_due(session) or session.heard_mono_ms) + close_ms
    remaining = max(0, (session.duration_ms or 0) - (session.position_ms or 0))
    return session.heard_mono_ms + remaining + quiet_ms + close_ms


def fall_quiet(context: StepContext, session: Session, why: str) -> None:
    """Nothing is heard: show it as paused."""
    session = context.put(replace(session, mode="quiet"))
    context.note(session.id, "quiet", why)
    lifecycle.follow(context, session)
    lifecycle.nothing_left(context, session)


def fall_silent(context: StepContext, session: Session) -> None:
    """Nothing is heard any more: judge it at its last observed position."""
    end(context, session, "silence")
