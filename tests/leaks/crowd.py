"""Twenty people at a Jellyfin server that tells every position once a second, through the real intake and engine."""

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from scrobbler.api import Ids, Movie, PlayerEvent, SourceOptions, User
from scrobbler.daemon.replaying import NoSources
from scrobbler.engine.engine import Engine
from scrobbler.engine.resolver import Resolver
from scrobbler.identify.guess import Guess
from scrobbler.intake.intake import Refused, Rules, SourceIntake
from scrobbler.plays.model import AccountPolicy, Effect, Resolve
from scrobbler.plays.state import Change
from scrobbler.sources.registry import installed
from scrobbler.store.database import FILE_NAME, Connection, Database
from tests.faults.virtual import VirtualClock

Result = TypeVar("Result")

SESSIONS = 20
FILM_S = 7200


class CountedDatabase(Database):
    """Counts its transactions."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes = 0

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` as one transaction."""
        self.writes += 1
        return await super().write(work)


class NoGuesses:
    """Reads no file names: everything here carries ids."""

    async def guess(self, path: str) -> Guess | None:
        """Know nothing."""
        del path
        return None


class Measured(Struct, frozen=True, kw_only=True):
    """What came of it: transactions, how many films began, and by how many KiB the process grew after the first part."""

    events: int
    writes: int
    films: int
    grown_kib: int


def rss_kib() -> int:
    """Return what the process holds in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


class Crowd:
    """The house for one Jellyfin source, and its twenty sessions."""

    def __init__(self, folder: Path) -> None:
        self._clock = VirtualClock()
        self._database = CountedDatabase(folder / FILE_NAME)
        self._engine = Engine(self._database, self._clock, "boot")
        self._engine.listener = self._on_change
        self._resolver = Resolver(self._engine, NoSources(), NoGuesses(), self._clock)
        self._questions: list[str] = []
        plugin = installed()["jellyfin"].plugin
        assert plugin is not None
        options: SourceOptions = plugin.Options(type="jellyfin", users={"*": "alice"})
        rules = Rules(accounts={"alice": AccountPolicy(account="alice")})
        self._intake = SourceIntake("attic", options, plugin.traits, rules)
        self._events = self._films = 0

    def _on_change(self, effects: object, change: Change) -> None:
        del change
        assert isinstance(effects, tuple | list)
        found: list[Effect] = list(effects)
        self._questions += [effect.session for effect in found if isinstance(effect, Resolve)]

    async def _hear(self, event: PlayerEvent) -> None:
        decision = self._intake.admit(event)
        assert not isinstance(decision, Refused)
        await self._engine.hear(decision)
        self._events += 1
        while self._questions:
            await self._resolver.resolve(self._questions.pop(0))

    async def watch(self, seconds: int, *, warm_s: int = 300) -> Measured:
        """Let so many seconds pass. Each session plays one film after the other; they are not in step."""
        await self._database.open()
        await self._engine.open()
        await self._engine.open()
        runner = asyncio.create_task(self._engine.run())
        before = rss_kib()
        for second in range(seconds):
            for session in range(SESSIONS):
                await self._hear(self._event(session, second))
            await asyncio.sleep(1)
            if second == warm_s:
                before = rss_kib()
        grown = rss_kib() - before
        runner.cancel()
        await asyncio.wait({runner})
        await self._database.close()
        return Measured(events=self._events, writes=self._database.writes, films=self._films, grown_kib=grown)

    def _event(self, session: int, second: int) -> PlayerEvent:
        number, position = divmod(second + session * FILM_S // SESSIONS, FILM_S)
        begins = position == 0 or second == 0
        self._films += begins
        key = f"{session:02}-{number:02}"
        film = Movie(title=f"Film {key}", year=2020, ids=Ids(imdb=f"tt{session:03}{number:04}"))
        return PlayerEvent(
            kind="play" if begins else "progress",
            player=f"player-{session}",
            item_key=key,
            item=film,
            user=User(id="u", name="alice"),
            position_ms=position * 1000,
            duration_ms=FILM_S * 1000,
        )
