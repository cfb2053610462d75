"""Viewings: one account and one work, whatever number of players report it (design.md part 2)."""

from scrobbler.plays.coverage import NOTHING, Coverage, union
from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import locate, parts_of
from scrobbler.plays.model import Session, Viewing

TAKE_OVER_MS = 10_000
"""A player that still moves so long after the one that speaks was paused is another playback, and takes over."""


def open_viewings(draft: Draft, session: Session) -> None:
    """Begin one viewing for every account in front of the player."""
    for watcher in session.watchers:
        viewing = Viewing(
            id=draft.new_viewing_id(),
            account=watcher.account,
            threshold=watcher,
            sessions=(session.id,),
            voice=session.id,
            item=session.item,
            opened_utc_ms=session.opened_utc_ms,
        )
        draft.put_viewing(viewing)
        draft.note(viewing.id, "opened", f"{watcher.account} on {session.device or session.source}")


def length_of(viewing: Viewing, session: Session) -> int | None:
    """Give the item's length in ms: the file's own where a player measured it, else the catalogue's round figure."""
    if session.duration_ms and not session.nominal:
        return session.duration_ms
    return viewing.runtime_ms or session.duration_ms


def where(viewing: Viewing, session: Session) -> tuple[int, float | None]:
    """Say which part plays in this session, and at how many percent."""
    return locate(session.position_ms, length_of(viewing, session), parts_of(viewing.work))


def all_watched(viewing: Viewing) -> bool:
    """Tell whether every part of the work is owed as watched."""
    return len(viewing.watched_parts) >= parts_of(viewing.work)


def talking(draft: Draft, viewing: Viewing) -> list[Session]:
    """List the sessions of a viewing that are still remembered."""
    return [draft.sessions[one] for one in viewing.sessions if one in draft.sessions]


def coverage_of(draft: Draft, viewing: Viewing) -> Coverage:
    """Put together what all players of a viewing showed."""
    seen = NOTHING
    for session in talking(draft, viewing):
        seen = union(seen, session.seen)
    return seen


def richest(draft: Draft, viewing: Viewing) -> str:
    """Choose the session that speaks: the richest that has something to say, the earliest among equals.

    One that is paused keeps silent while another goes on moving: then the play has moved to that player.
    """
    ranked = sorted(
        (one for one in talking(draft, viewing) if one.mode in ("playing", "paused")),
        key=lambda one: (-one.nature.richness, one.opened_mono_ms, one.id),
    )
    if not ranked:
        return viewing.voice
    best = ranked[0]
    if best.mode == "paused":
        for one in ranked[1:]:
            if one.mode == "playing" and one.position_mono_ms > best.mode_mono_ms + TAKE_OVER_MS:
                return one.id
    return best.id
