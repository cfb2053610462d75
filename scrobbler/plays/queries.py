"""Plays: one account and one work, whatever number of players report it."""

from scrobbler.plays.coverage import NOTHING, Coverage, union
from scrobbler.plays.judge import locate, parts_of
from scrobbler.plays.model import Play, Session
from scrobbler.plays.step_context import StepContext

TAKE_OVER_MS = 10_000
"""A player that still moves so long after the one that speaks was paused is another playback, and takes over."""


def open_plays(context: StepContext, session: Session) -> None:
    """Begin one play for every account in front of the player."""
    for policy in session.accounts:
        play = Play(
            id=context.new_play_id(),
            account=policy.account,
            policy=policy,
            sessions=(session.id,),
            primary=session.id,
            item=session.item,
            opened_utc_ms=session.opened_utc_ms,
        )
        context.put_play(play)
        context.note(play.id, "opened", f"{policy.account} on {session.device or session.source}")


def length_of(play: Play, session: Session) -> int | None:
    """Give the item's length in ms: the file's own where a player measured it, else the catalogue's round figure."""
    if session.duration_ms and not session.nominal:
        return session.duration_ms
    return play.runtime_ms or session.duration_ms


def where(play: Play, session: Session) -> tuple[int, float | None]:
    """Say which part plays in this session, and at how many percent."""
    return locate(session.position_ms, length_of(play, session), parts_of(play.work))


def all_watched(play: Play) -> bool:
    """Tell whether every part of the work is owed as watched."""
    return len(play.watched_parts) >= parts_of(play.work)


def talking(context: StepContext, play: Play) -> list[Session]:
    """List the sessions of a play that are still remembered."""
    return [context.sessions[one] for one in play.sessions if one in context.sessions]


def coverage_of(context: StepContext, play: Play) -> Coverage:
    """Put together what all players of a play showed."""
    seen = NOTHING
    for session in talking(context, play):
        seen = union(seen, session.seen)
    return seen


def richest(context: StepContext, play: Play) -> str:
    """Choose the session that speaks: the richest that has something to say, the earliest among equals.

    One that is paused keeps silent while another goes on moving: then the play has moved to that player.
    """
    ranked = sorted(
        (one for one in talking(context, play) if one.mode in ("playing", "paused")),
        key=lambda one: (-one.traits.richness, one.opened_mono_ms, one.id),
    )
    if not ranked:
        return play.primary
    best = ranked[0]
    if best.mode == "paused":
        for one in ranked[1:]:
            if one.mode == "playing" and one.position_mono_ms > best.mode_mono_ms + TAKE_OVER_MS:
                return one.id
    return best.id
