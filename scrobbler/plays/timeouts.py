"""Silence has two deadlines: quiet makes a pause, close makes a verdict (rules.md rule 10)."""

from scrobbler.plays.model import Session

TICKING_QUIET_MS = 120_000
TICKING_CLOSE_MS = 1_800_000
"""The deadlines of a player that ticks although its source is known for edges alone, as a relay does."""

RHYTHMS = 2
"""Such a player is quiet no sooner than after so many of its own gaps."""

RHYTHM_SLACK_MS = 10_000

UNKNOWN_RHYTHM_MS = 50_000
"""Taken for the rhythm of a player of which no two words in a row were heard yet."""

COUNTED_SHARE = 5
"""A server counts a play when at most one part in so many is left; it may have been paused unheard before."""

PAUSED_CLOSE_MS = 86_400_000
"""A paused play is closed after a day."""

PAUSED_COUNTED_MS = 1_800_000
"""One that its server counts already is closed sooner: some clients pause at the end and say no more (players.md 1.5)."""


def due(session: Session) -> int | None:
    """Say when the silence of a session means something next, on the monotonic clock in ms; None once it is over."""
    dues = [one for one in (quiet_due(session), close_due(session)) if one is not None]
    return min(dues, default=None)


def quiet_due(session: Session) -> int | None:
    """Say when silence becomes a pause, on the monotonic clock in ms."""
    return _quiet_at(session) if session.phase.mode == "playing" else None


def close_due(session: Session) -> int | None:
    """Say when silence becomes the end, on the monotonic clock in ms."""
    if not session.open:
        return None
    mode, heard_mono_ms, counted = session.phase.mode, session.contact.heard_mono_ms, session.counted is not None
    if mode == "paused":
        return heard_mono_ms + (PAUSED_COUNTED_MS if counted else PAUSED_CLOSE_MS)
    if mode == "quiet" and counted:
        # What the server counts is settled by the first silence; after our own restart it may still play on (contract.md 1.6).
        return _quiet_at(session)
    quiet_ms, close_ms = _limits(session)
    if session.contact.ticking or mode == "playing":
        return (quiet_due(session) or heard_mono_ms) + close_ms
    remaining = max(0, (session.position.duration_ms or 0) - (session.position.ms or 0))
    return heard_mono_ms + remaining + quiet_ms + close_ms


def in_step(session: Session, mono_ms: int) -> bool:
    """Tell whether a ticking player has missed no word: it was heard within its rhythm, or we were away meanwhile."""
    contact = session.contact
    since_mono_ms = max(contact.heard_mono_ms, contact.blind_mono_ms or contact.heard_mono_ms)
    in_rhythm = mono_ms - since_mono_ms <= (contact.rhythm_ms or UNKNOWN_RHYTHM_MS) + RHYTHM_SLACK_MS
    return in_rhythm and mono_ms - contact.heard_mono_ms <= _limits(session)[0]


def _limits(session: Session) -> tuple[int, int]:
    """Give the quiet and the close limit of a session in ms."""
    contact, traits = session.contact, session.identity.traits
    if contact.ticking and not traits.ticks:
        return max(TICKING_QUIET_MS, RHYTHMS * contact.rhythm_ms), TICKING_CLOSE_MS
    return traits.quiet_ms, traits.close_ms


def _quiet_at(session: Session) -> int:
    quiet_ms, close_ms = _limits(session)
    position, heard_mono_ms = session.position, session.contact.heard_mono_ms
    if session.contact.ticking:
        return heard_mono_ms + quiet_ms
    if position.duration_ms and position.ms is not None:
        since_mono_ms = max(position.mono_ms, session.phase.edge_mono_ms)
        due_mono_ms = since_mono_ms + max(0, position.duration_ms - position.ms) + quiet_ms
        if session.counted is None:
            return due_mono_ms
        return max(due_mono_ms, session.counted.mono_ms + position.duration_ms // COUNTED_SHARE)
    return heard_mono_ms + max(quiet_ms, close_ms)
