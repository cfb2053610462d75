"""Banners: what Simkl should show for each account now (design.md rules 5, 6, 8)."""

from typing import Literal

from msgspec.structs import replace

from scrobbler.plays.draft import Draft
from scrobbler.plays.judge import SIMKL_PERCENT, part_work
from scrobbler.plays.model import Banner, Session, Viewing
from scrobbler.plays.viewings import length_of, where

SETTLE_MS = 1_000
"""Changes that are taken back within this time are flaps (rule 6)."""


def refresh(draft: Draft, *, settle_ms: int = SETTLE_MS) -> None:
    """Bring the banners of all touched accounts up to date."""
    for account in draft.touched_accounts():
        _refresh(draft, account, settle_ms)


def _refresh(draft: Draft, account: str, settle_ms: int) -> None:
    old = draft.banners.get(account, Banner(account=account))
    ready = [
        (viewing, draft.sessions[viewing.voice])
        for viewing in draft.viewings.values()
        if viewing.account == account and viewing.open and viewing.work is not None and viewing.voice in draft.sessions
    ]
    playing = [
        (viewing, session)
        for viewing, session in ready
        if session.mode == "playing" and _may_start(viewing, session, old)
    ]
    if playing:
        viewing, session = max(playing, key=lambda pair: (pair[1].edge_mono_ms, pair[0].id == old.viewing))
        _show(draft, old, viewing, session, "playing", settle_ms)
        return
    held = next(((viewing, session) for viewing, session in ready if viewing.id == old.viewing), None)
    if held is not None and old.mode != "nothing":
        # While a second player may still confirm the end, what shows stays: the completion says all (rule 1).
        if held[0].closing_mono_ms is None:
            _show(draft, old, *held, "paused", settle_ms)
    elif old.mode != "nothing":
        draft.put_banner(Banner(account=account, revision=old.revision + 1, settle_mono_ms=draft.now.mono_ms))


def _may_start(viewing: Viewing, session: Session, old: Banner) -> bool:
    """Rule 5: nothing starts past Simkl's 80 %, but what shows already stays. What is past never shows (rule 12)."""
    part, progress = where(viewing, session)
    if session.past_utc_ms is not None:
        return False
    shown = old.viewing == viewing.id and old.mode == "playing" and old.part == part
    return shown or (progress is not None and progress < SIMKL_PERCENT)


def _show(
    draft: Draft,
    old: Banner,
    viewing: Viewing,
    session: Session,
    mode: Literal["playing", "paused"],
    settle_ms: int,
) -> None:
    part, progress = where(viewing, session)
    assert viewing.work is not None
    same_play = old.viewing == viewing.id and old.part == part
    changed = not same_play or old.mode != mode
    settle_mono_ms = old.settle_mono_ms
    if changed:
        settle_mono_ms = draft.now.mono_ms + (settle_ms if same_play else 0)
    draft.put_banner(
        replace(
            old,
            revision=old.revision + 1 if changed else old.revision,
            mode=mode,
            viewing=viewing.id,
            part=part,
            work_id=viewing.work_id,
            work=part_work(viewing.work, part),
            progress=old.progress if progress is None and same_play else progress,
            runtime_ms=length_of(viewing, session),
            position_utc_ms=session.heard_utc_ms,
            settle_mono_ms=settle_mono_ms,
        )
    )
