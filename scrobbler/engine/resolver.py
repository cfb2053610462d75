"""Finds out what a session plays: the source is asked, then the names are read; the answer goes into the machine."""

from contextlib import suppress
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Episode, Facts, File, Item, Movie, PlayerEvent
from scrobbler.clock import Clock
from scrobbler.engine.engine import Answer, Engine
from scrobbler.identify.aliases import aliases, contradicts
from scrobbler.identify.guess import GuessSource
from scrobbler.identify.resolver import identify
from scrobbler.identify.work import Identification
from scrobbler.plays.model import Session
from scrobbler.store.database import StorageError
from scrobbler.store.titles import Names

log = structlog.get_logger("resolver")

RETRY_S = 10.0
ASK_AGAIN_S = 60.0
PATIENCE_MS = 20 * 3_600_000
"""How long after its end a play waits for its source to say whether a filter lets it in; a day later it is forgotten."""


class UnansweredError(Exception):
    """A source can be asked, and did not answer; the text is why."""


class UndecidedError(Exception):
    """Whether a filter lets a play in is not known yet: its source is to be asked again."""


class SourcePort(Protocol):
    """What the resolver asks of the sources."""

    async def lookup(self, source: str, event: PlayerEvent) -> Facts | None:
        """Ask a source for what its event lacks; None when it can't be asked. Raises UnansweredError."""
        ...

    def why_not(self, source: str, item: Item | None, *, path: str | None, library: str | None) -> str:
        """Say what speaks against a play; empty: nothing."""
        ...


class Known(Struct, frozen=True, kw_only=True):
    """All that is known of an item after the source was asked."""

    item: Item
    duration_ms: int | None
    path: str | None
    library: str | None


class Resolver:
    """Answers `Resolve` effects."""

    def __init__(self, engine: Engine, sources: SourcePort, guesses: GuessSource, clock: Clock) -> None:
        self._engine = engine
        self._sources = sources
        self._guesses = guesses
        self._clock = clock

    async def pursue(self, name: str) -> None:
        """Find out what the session plays, however long that takes, and tell the engine."""
        told = False
        while True:
            wait_s = RETRY_S
            try:
                await self.resolve(name)
            except StorageError as error:
                log.warning("storage", error=str(error))
            except UndecidedError as error:
                if told:
                    wait_s = ASK_AGAIN_S
                with suppress(StorageError):
                    if not told:
                        await self._engine.remark(name, "waiting", str(error))
                    told = True
            else:
                return
            await self._clock.sleep(wait_s)

    async def resolve(self, name: str) -> None:
        """Find out what the session plays, and tell the engine. Raises UndecidedError and StorageError alone."""
        session = self._engine.state.sessions.get(name)
        if session is None:
            return
        try:
            facts = await self._sources.lookup(session.identity.source, _question(session))
        except UnansweredError as error:
            # No reason to lose a play; but what a filter keeps out must not get in because a server is away.
            if session.identity.undecided:
                await self._wait(
                    session, f"its {session.identity.undecided} is not known, and its source did not answer: {error}"
                )
                return
            facts = None
        known = _known(session, facts)
        if known is None:
            await self._engine.unidentified(name, "the source never said what plays")
            return
        reason = self._sources.why_not(session.identity.source, known.item, path=known.path, library=known.library)
        if not reason and known.duration_ms and known.duration_ms < session.identity.shorter_than_ms:
            reason = f"shorter than {session.identity.shorter_than_ms // 1000} s"
        if reason:
            await self._engine.ignore(name, reason)
            return
        found = await identify(known.item, duration_ms=known.duration_ms, guesses=self._guesses)
        if found.skip is not None:
            await self._engine.ignore(name, "; ".join(found.reasons) or found.skip)
        elif found.work is None:
            await self._engine.unidentified(name, "; ".join(found.reasons) or "nothing in its names tells what it is")
        else:
            await self._answer(session, known, found)

    async def _answer(self, session: Session, known: Known, found: Identification) -> None:
        assert found.work is not None
        reason = self._sources.why_not(session.identity.source, found.work, path=None, library=None)
        if reason:
            await self._engine.ignore(session.id, reason)
            return
        every = aliases(found.work)
        names = Names(
            work=found.work,
            strong=tuple((one.scheme, one.value) for one in every if not one.weak),
            weak=tuple((f"weak:{one.scheme}", one.value) for one in every),
            differs=contradicts,
        )
        await self._engine.identified(
            Answer(
                session=session.id,
                names=names,
                runtime_ms=known.duration_ms,
                confidence=found.confidence,
                reasons=found.reasons,
            )
        )

    async def _wait(self, session: Session, reason: str) -> None:
        if session.open or self._clock.now().mono_ms - session.phase.over_mono_ms < PATIENCE_MS:
            raise UndecidedError(reason)
        await self._engine.unidentified(session.id, reason)


def _question(session: Session) -> PlayerEvent:
    return PlayerEvent(
        kind="play",
        player=session.identity.player,
        item_key=session.identity.item_key,
        item=session.identity.item,
        duration_ms=session.position.duration_ms,
        nominal=session.position.nominal,
    )


def _known(session: Session, facts: Facts | None) -> Known | None:
    item = session.identity.item
    if facts is not None and facts.item is not None:
        item = facts.item if item is None else _fuller(item, facts.item)
    if item is None:
        return None
    path = item.path if isinstance(item, File) else None
    return Known(
        item=item,
        duration_ms=(facts.duration_ms if facts is not None else None) or session.position.duration_ms,
        path=path or (facts.path if facts is not None else None),
        library=None if facts is None else facts.library,
    )


def _fuller(said: Item, looked_up: Item) -> Item:
    """Fill the gaps of what the event said from what the look-up said."""
    match said, looked_up:
        case Movie(), Movie():
            return Movie(
                title=said.title or looked_up.title,
                year=said.year or looked_up.year,
                ids=said.ids.merged(looked_up.ids),
            )
        case Episode(), Episode():
            show = replace(
                looked_up.show,
                title=said.show.title or looked_up.show.title,
                year=looked_up.show.year or said.show.year,
                ids=said.show.ids.merged(looked_up.show.ids),
            )
            return replace(
                said,
                show=show,
                season=looked_up.season if said.season is None else said.season,
                number=looked_up.number if said.number is None else said.number,
                ids=said.ids.merged(looked_up.ids),
                aired=said.aired or looked_up.aired,
            )
        case _:
            return looked_up
