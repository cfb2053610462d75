"""Sessions that begin: heard as they do, told about afterwards, or marked by hand (rules.md rules 4, 11, 14, 15)."""

from msgspec.structs import replace

from scrobbler.api import Episode
from scrobbler.clock import utc_ms
from scrobbler.plays import session_changes
from scrobbler.plays.classify import LATE_VERDICT_MS
from scrobbler.plays.model import (
    Contact,
    Counted,
    Effect,
    Heard,
    Identity,
    Mode,
    Origin,
    Phase,
    Position,
    Resolve,
    Session,
    SessionChange,
)
from scrobbler.plays.queries import at, event_utc_ms, past_utc_ms
from scrobbler.plays.step_context import StepContext

FLOOD = 20
FLOOD_MS = 10 * 60_000
"""More marks than this of one account within this time go to review: a library was imported, nobody watched it."""


def begin(
    context: StepContext, heard: Heard, mode: Mode = "playing", *, origin: Origin = "heard", held: str = ""
) -> list[SessionChange]:
    """Open a session; it opens a play for each account in front of the player. `held`: why people must look at it first."""
    event, mono_ms = heard.event, context.now.mono_ms
    past = past_utc_ms(context, heard)
    utc = past or event_utc_ms(context, heard)
    position_ms = event.position_ms if event.observed else None
    ticking = heard.traits.ticks or (event.kind == "progress" and event.observed)
    session = Session(
        id=f"s{context.serial}",  # after the first of the plays that it opens
        identity=Identity(
            source=heard.source,
            player=event.player,
            item_key=event.item_key,
            traits=heard.traits,
            accounts=heard.accounts,
            origin=origin,
            device=event.device or "",
            item=event.item,
            shorter_than_ms=heard.shorter_than_ms,
            undecided=heard.undecided,
            past_utc_ms=past,
            opened_utc_ms=utc,
            opened_mono_ms=mono_ms,
        ),
        phase=Phase(mode=mode, since_mono_ms=mono_ms, edge_mono_ms=mono_ms),
        position=Position(
            offset_ms=position_ms,
            ms=position_ms,
            mono_ms=mono_ms,
            said_utc_ms=None if event.at is None else utc_ms(event.at),
            duration_ms=event.duration_ms,
            nominal=event.nominal,
        ),
        contact=Contact(ticking=ticking, heard_mono_ms=mono_ms, heard_utc_ms=utc),
    )
    length_ms = session.position.duration_ms
    short = bool(length_ms) and (length_ms or 0) < heard.shorter_than_ms
    reason = heard.ignored or (session_changes.short_words(session) if short and not held else "")
    effects: list[Effect] = [
        session_changes.note(session, "opened", f"{event.kind} heard from {heard.source}{at(session)}")
    ]
    if not reason and not held:
        effects.append(Resolve(session=session.id))
    opened = SessionChange(
        session=session, happened="opened", effects=tuple(effects), held="" if heard.ignored else held
    )
    return [opened] if not reason else [opened, session_changes.let_go(context, session, reason)]


def begin_paused(context: StepContext, heard: Heard) -> list[SessionChange]:
    """Open a session of what is paused."""
    return begin(context, heard, "paused")


def recall(context: StepContext, heard: Heard) -> list[SessionChange]:
    """The server says "watched" about something that we did not see begin."""
    changes = begin(context, heard, held=_flood(context, heard))
    session = changes[-1].session
    if not session.open:
        return changes
    session = session_changes.counted(context, session, heard)
    if session.identity.past_utc_ms is not None:
        recalled = replace(session, identity=replace(session.identity, origin="recalled"))
        return [*changes, session_changes.over(context, recalled, "stop")]
    beside = context.playing_on(session.identity.source, session.identity.player)
    if any(context.now.mono_ms - one.phase.edge_mono_ms <= LATE_VERDICT_MS for one in beside):
        # Another item has just begun on that player: the verdict came late, and its play is over.
        return [*changes, session_changes.over(context, session, "replaced")]
    # They play long since, or did: the beginning of what is counted now was not heard.
    return [
        *changes,
        session_changes.changed(session, "told"),
        *(session_changes.replaced(context, other) for other in beside),
    ]


def mark(context: StepContext, heard: Heard) -> list[SessionChange]:
    """Somebody marked the item by hand: a completion without a play (rule 15)."""
    plain = replace(heard, event=replace(heard.event, position_ms=None))
    changes = begin(context, plain, origin="marked", held=_flood(context, heard))
    session = changes[-1].session
    if not session.open:
        return changes
    said = event_utc_ms(context, heard)
    identity = replace(session.identity, past_utc_ms=session.identity.past_utc_ms or said)
    marked = replace(session, identity=identity, counted=Counted(utc_ms=said, mono_ms=context.now.mono_ms))
    return [*changes, session_changes.over(context, marked, "stop")]


def _flood(context: StepContext, heard: Heard) -> str:
    """Say why a completion without a play must wait for people; empty: it need not.

    Not every source says that a mark was one: a server's history holds marks among its plays, and a season that is marked may
    come as a verdict about each of its episodes. Too many of the same minutes are told apart from an evening by that alone.
    As it happens a server gives its verdict on films one by one, but not on the episodes of a series.
    """
    utc = past_utc_ms(context, heard) or event_utc_ms(context, heard)
    item = heard.event.item
    if heard.event.kind == "marked" or heard.telling == "remembered":
        series = None
    elif isinstance(item, Episode):
        series = item.show.title
    else:
        return ""
    first, last = utc - FLOOD_MS + 1, utc + FLOOD_MS - 1
    flooded = any(context.marked(policy.account, series, first, last, FLOOD) >= FLOOD for policy in heard.accounts)
    return f"more than {FLOOD} were marked as watched within {FLOOD_MS // 60_000} minutes" if flooded else ""
