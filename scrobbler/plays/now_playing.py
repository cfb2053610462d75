"""The last stage of a step: what Simkl should show for each account now (rules.md rules 5, 6, 8)."""

from typing import Literal

from msgspec.structs import replace

from scrobbler.plays.judge import SIMKL_PERCENT, part_work
from scrobbler.plays.model import NowPlaying, Play, Session
from scrobbler.plays.queries import length_of, where
from scrobbler.plays.step_context import StepContext

SETTLE_MS = 1_000
"""Changes that are taken back within this time are flaps (rule 6)."""


def refresh(context: StepContext, *, settle_ms: int = SETTLE_MS) -> list[NowPlaying]:
    """Say what plays now, for each account to which something happened. What is as it was is left out."""
    found = ((_refreshed(context, one, settle_ms), context.now_playing(one)) for one in context.touched_accounts())
    return [new for new, old in found if new is not None and new != old]


def _refreshed(context: StepContext, account: str, settle_ms: int) -> NowPlaying | None:
    """Say what should show for an account; None: what does."""
    old = context.now_playing(account)
    known = [play for play in context.open_plays(account) if play.work is not None]
    ready = [(play, session) for play in known if (session := context.primary(play)) is not None]
    playing = [
        (play, session) for play, session in ready if session.phase.mode == "playing" and _may_start(play, session, old)
    ]
    if playing:
        play, session = max(playing, key=lambda pair: (pair[1].phase.edge_mono_ms, pair[0].id == old.play))
        return _shown(context, old, play, session, "playing", settle_ms)
    if old.mode == "nothing":
        return None
    held = next(((play, session) for play, session in ready if play.id == old.play), None)
    if held is None:
        return NowPlaying(account=account, revision=old.revision + 1, settle_mono_ms=context.now.mono_ms)
    # While a second player may still confirm the end, what shows stays: the completion says all (rule 1).
    return _shown(context, old, *held, "paused", settle_ms) if held[0].closing_mono_ms is None else None


def _may_start(play: Play, session: Session, old: NowPlaying) -> bool:
    """Rule 5: nothing starts past Simkl's 80 %, but what shows already stays. What is past never shows (rule 12)."""
    part, progress = where(play, session)
    if session.identity.past_utc_ms is not None:
        return False
    shown = old.play == play.id and old.mode == "playing" and old.part == part
    return shown or (progress is not None and progress < SIMKL_PERCENT)


def _shown(
    context: StepContext,
    old: NowPlaying,
    play: Play,
    session: Session,
    mode: Literal["playing", "paused"],
    settle_ms: int,
) -> NowPlaying:
    part, progress = where(play, session)
    assert play.work is not None
    same_play = old.play == play.id and old.part == part
    changed = not same_play or old.mode != mode
    settle_mono_ms = old.settle_mono_ms
    if changed:
        settle_mono_ms = context.now.mono_ms + (settle_ms if same_play else 0)
    return replace(
        old,
        revision=old.revision + 1 if changed else old.revision,
        mode=mode,
        play=play.id,
        part=part,
        work_id=play.work_id,
        work=part_work(play.work, part),
        progress=old.progress if progress is None and same_play else progress,
        runtime_ms=length_of(play, session),
        position_utc_ms=session.contact.heard_utc_ms,
        settle_mono_ms=settle_mono_ms,
    )
