"""Viewings follow their sessions: to a new position, to another player, to their end (design.md rules 4, 10, 13)."""

from msgspec.structs import replace

from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import threshold_of
from scrobbler.plays.model import Session, Viewing
from scrobbler.plays.settling import complete_parts, settle
from scrobbler.plays.viewings import richest, talking, where

CLOSING_MS = 5_000
"""How long a viewing waits for a second player to confirm that it is over."""


def follow(draft: Draft, session: Session) -> None:
    """Let the viewings of a session that was just heard know its new position."""
    for viewing in draft.viewings_of(session):
        if not viewing.open:
            continue
        voice = viewing.voice if viewing.closing_mono_ms is not None else richest(draft, viewing)
        if voice != viewing.voice:
            draft.put_viewing(replace(viewing, voice=voice))
        if voice == session.id and viewing.work is not None:
            complete_parts(draft, draft.viewings[viewing.id], session)


def session_over(draft: Draft, session: Session) -> None:
    """Close the viewings of a session that ended, or let another player of theirs take over."""
    for viewing in draft.viewings_of(session):
        if not viewing.open:
            continue
        stopped = session.ending in ("stop", "end")
        if not any(one.open for one in talking(draft, viewing)):
            close(draft, viewing)
        elif viewing.voice == session.id and not stopped:
            draft.put_viewing(replace(viewing, voice=richest(draft, viewing)))
        elif viewing.closing_mono_ms is None and stopped and _has_last_word(draft, viewing, session):
            draft.put_viewing(replace(viewing, voice=session.id, closing_mono_ms=draft.now.mono_ms + CLOSING_MS))


def _has_last_word(draft: Draft, viewing: Viewing, session: Session) -> bool:
    """Tell whether a stop here may end the play: its player speaks for it, or the one that does tells edges alone.

    Of such a one a stop past the threshold is enough, since it will not say anything itself for hours.
    """
    voice = draft.sessions.get(viewing.voice)
    if voice is None or voice.id == session.id:
        return True
    progress = 100.0 if session.ending == "end" else where(viewing, session)[1]
    past = progress is not None and progress >= threshold_of(viewing.threshold, viewing.work)
    return past and not voice.ticking


def nothing_left(draft: Draft, session: Session) -> None:
    """Close the viewings that only wait for this session, which has fallen quiet, after another player of theirs has stopped."""
    for viewing in draft.viewings_of(session):
        sessions = talking(draft, viewing)
        if not viewing.open or any(one.mode in ("playing", "paused") for one in sessions):
            continue
        stopped = [
            one for one in sessions if one.ending in ("stop", "end") and one.over_mono_ms > session.heard_mono_ms
        ]
        if stopped:
            _let_go(draft, viewing)
            close(draft, replace(viewing, voice=max(stopped, key=lambda one: one.over_mono_ms).id))


def closing_due(draft: Draft, viewing: Viewing) -> None:
    """Decide for a viewing whose speaking player stopped while another did not, whether it goes on there."""
    assert viewing.closing_mono_ms is not None
    stopped_at = viewing.closing_mono_ms - CLOSING_MS
    others = talking(draft, viewing)
    alive = [one for one in others if one.mode == "playing" and one.heard_mono_ms > stopped_at]
    if alive:
        draft.note(viewing.id, "taken over", f"goes on at {alive[0].source}")
        going_on = replace(viewing, closing_mono_ms=None)
        draft.put_viewing(replace(going_on, voice=richest(draft, going_on)))
        return
    _let_go(draft, viewing)
    close(draft, viewing)


def _let_go(draft: Draft, viewing: Viewing) -> None:
    """Close the sessions that no other viewing needs."""
    for session in talking(draft, viewing):
        if session.open and len(draft.viewings_of(session)) == 1:
            draft.put(replace(session, mode="over", ending="replaced", over_mono_ms=draft.now.mono_ms))


def close(draft: Draft, viewing: Viewing) -> None:
    """End a viewing. What it amounts to is said at once when its work is known, else when it becomes known."""
    closed = replace(
        viewing,
        voice=last_word(draft, viewing),
        closing_mono_ms=None,
        closed_utc_ms=draft.now.utc_ms,
        closed_mono_ms=draft.now.mono_ms,
    )
    draft.put_viewing(closed)
    voice = draft.sessions.get(closed.voice)
    if viewing.outcome is not None or (voice is not None and voice.ending == "ignored"):
        return
    if viewing.work is not None:
        settle(draft, closed)


def last_word(draft: Draft, viewing: Viewing) -> str:
    """Choose the session that says where a play ended: the one that stopped, else the one whose position is the latest."""
    voice = draft.sessions.get(viewing.voice)
    if voice is not None and voice.ending in ("stop", "end"):
        return voice.id
    return latest_word(draft, viewing)


def latest_word(draft: Draft, viewing: Viewing) -> str:
    """Choose the session whose position is the latest; a natural end is one."""
    known = [one for one in talking(draft, viewing) if one.position_ms is not None and one.ending != "ignored"]
    latest = max(
        known,
        key=lambda one: (one.over_mono_ms if one.ending == "end" else one.position_mono_ms, one.id == viewing.voice),
        default=None,
    )
    return viewing.voice if latest is None else latest.id
