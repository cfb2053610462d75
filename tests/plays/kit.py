"""A small language for tests of the state machine: a house whose clock the test turns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from scrobbler.api import Episode, Ids, Item, Kind, Movie, PlayerEvent, Show
from scrobbler.clock import Now
from scrobbler.plays.machine import step
from scrobbler.plays.model import (
    AccountPolicy,
    ContactLost,
    Deadline,
    Effect,
    Fact,
    Heard,
    Identified,
    Input,
    Note,
    Prior,
    Resolve,
    SourceTraits,
    Telling,
)
from scrobbler.plays.state import State, next_deadline

START_UTC_MS = 1_790_000_000_000
MINUTE = 60_000
FILM = Movie(title="Sintel", year=2010, ids=Ids(imdb="tt1727587"))
OTHER_FILM = Movie(title="Big Buck Bunny", year=2008, ids=Ids(imdb="tt1254207"))
TICKS = SourceTraits(ticks=True, quiet_ms=60_000, close_ms=1_800_000, richness=60)
RICH_TICKS = SourceTraits(ticks=True, quiet_ms=90_000, close_ms=1_800_000, richness=80)
EDGES = SourceTraits(ticks=False, quiet_ms=900_000, close_ms=6 * 3_600_000, richness=70)
ALICE = AccountPolicy(account="alice")


def episode(number: int, last: int | None = None) -> Episode:
    """Name an episode of the tests' show."""
    return Episode(show=Show(title="Firefly", ids=Ids(tvdb="78874")), season=1, number=number, last_number=last)


class House:
    """The machine with everything around it that a test needs: time, and works that identify themselves."""

    def __init__(self, *accounts: AccountPolicy, traits: SourceTraits = TICKS, length_ms: int = 100 * MINUTE) -> None:
        self.state = State()
        self.utc_ms = START_UTC_MS
        self.mono_ms = 1_000_000
        self.accounts = accounts or (ALICE,)
        self.traits = traits
        self.length_ms: int | None = length_ms
        self.effects: list[Effect] = []
        self.priors: tuple[Prior, ...] = ()
        self.works: dict[str, int] = {}
        self.auto_identify = True
        self.shorter_than_ms = 0
        self.runtime_ms: int | None = None

    @property
    def now(self) -> Now:
        return Now(self.utc_ms, self.mono_ms)

    def wait(self, ms: int) -> None:
        """Let time pass, with each deadline at its time."""
        end = self.mono_ms + ms
        while (due := next_deadline(self.state)) is not None and due <= end:
            self._move(max(due, self.mono_ms))
            self.give(Deadline())
        self._move(end)

    def sleep_through(self, ms: int) -> None:
        """Let time pass with nobody looking, as a suspended machine does."""
        self._move(self.mono_ms + ms)

    def _move(self, mono_ms: int) -> None:
        self.utc_ms += mono_ms - self.mono_ms
        self.mono_ms = mono_ms

    def give(self, given: Input) -> list[Effect]:
        """Hand one input to the machine, and answer its questions about works."""
        change, effects = step(self.state, given, self.now)
        self.state.apply(change)
        self.effects.extend(effects)
        for effect in effects:
            if isinstance(effect, Resolve) and self.auto_identify:
                self.identify(effect.session)
        return list(effects)

    def identify(self, session: str) -> None:
        """Answer what a session plays: its own item."""
        one = self.state.sessions[session]
        assert isinstance(one.identity.item, Movie | Episode)
        number = self.works.setdefault(repr(one.identity.item), len(self.works) + 1)
        self.give(
            Identified(
                session=session, work_id=number, work=one.identity.item, runtime_ms=self.runtime_ms, priors=self.priors
            )
        )

    def hear(
        self,
        kind: Kind,
        at_percent: float | None = None,
        item: Item | None = FILM,
        *,
        item_key: str = "",
        source: str = "room",
        player: str = "tv",
        traits: SourceTraits | None = None,
        ignored: str = "",
        telling: Telling = "live",
        **more: Any,
    ) -> None:
        """Let a player say something, at a percentage of the item's length."""
        position = None if at_percent is None or self.length_ms is None else int(self.length_ms * at_percent / 100)
        values: dict[str, Any] = {"duration_ms": self.length_ms, "position_ms": position, **more}
        event = PlayerEvent(kind=kind, player=player, item_key=item_key or repr(item), item=item, **values)
        self.give(
            Heard(
                source=source,
                traits=traits or self.traits,
                accounts=self.accounts,
                event=event,
                shorter_than_ms=self.shorter_than_ms,
                ignored=ignored,
                telling=telling,
            )
        )

    def watch(self, start: float, end: float, item: Item | None = FILM, *, every_ms: int = 10_000, **more: Any) -> None:
        """Play honestly from one percentage to another, with a tick now and then."""
        assert self.length_ms is not None
        position, goal = int(self.length_ms * start / 100), int(self.length_ms * end / 100)
        while position < goal:
            stride = min(every_ms, goal - position)
            self.wait(stride)
            position += stride
            self.hear("progress", None, item, position_ms=position, **more)

    def lose_contact(self, settle_ms: int = 0) -> None:
        """End or start the daemon."""
        self.give(ContactLost(settle_ms=settle_ms))

    def ago(self, ms: int) -> datetime:
        """Name a moment in the past, as an event's own time."""
        return datetime.fromtimestamp((self.utc_ms - ms) / 1000, UTC)

    @property
    def kinds(self) -> list[str]:
        """List what the facts say, in order."""
        return [one.kind for one in self.facts]

    @property
    def facts(self) -> list[Fact]:
        return [one for one in self.effects if isinstance(one, Fact)]

    @property
    def verdicts(self) -> list[tuple[str, str, float]]:
        """List the facts as (account, kind, percent)."""
        return [(one.account, one.kind, one.progress) for one in self.facts]

    @property
    def notes(self) -> Sequence[str]:
        return [one.step for one in self.effects if isinstance(one, Note)]

    def now_playing(self, account: str = "alice") -> tuple[str, str, float | None]:
        """Say what should show: mode, title, percent."""
        now_playing = self.state.now_playing.get(account)
        if now_playing is None or now_playing.work is None:
            return ("nothing", "", None)
        work = now_playing.work
        title = work.title if isinstance(work, Movie) else f"{work.show.title} {work.season}x{work.number}"
        return (now_playing.mode, title, now_playing.progress)

    def outcomes(self) -> list[str | None]:
        """List the plays' own outcomes, oldest first."""
        return [one.outcome for one in self.state.plays.values()]
