"""What is going on, and for a day what went on: kept so that a step costs the same however much that is.

A step reads the state through `StepContext` and answers with a `Change`; whoever owns the state applies it once it is stored.
So the state is one mutable thing with indices, and no step copies it. What is over is kept packed: nobody looks at it but the
late word of a player.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, Self, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scrobbler.api import Episode
from scrobbler.plays import timeouts
from scrobbler.plays.model import NowPlaying, Play, Session

DAY_MS = 86_400_000
"""So long what is over is remembered: later than that, nothing reattaches."""


class _Value(Protocol):
    @property
    def open(self) -> bool: ...


Value = TypeVar("Value", bound=_Value)
Key = TypeVar("Key", bound=Hashable)


class Contents(Struct, frozen=True, kw_only=True):
    """All that a state holds, as plain values. `serial` is the number of the next play."""

    sessions: dict[str, Session] = {}
    plays: dict[str, Play] = {}
    now_playing: dict[str, NowPlaying] = {}
    serial: int = 1


class Change(Struct, frozen=True, kw_only=True):
    """What a step changes. A session or play that is None is forgotten."""

    sessions: dict[str, Session | None] = {}
    plays: dict[str, Play | None] = {}
    now_playing: dict[str, NowPlaying] = {}
    serial: int = 1

    def then(self, later: Self) -> Self:
        """Put two changes that follow each other together."""
        return replace(
            self,
            sessions=self.sessions | later.sessions,
            plays=self.plays | later.plays,
            now_playing=self.now_playing | later.now_playing,
            serial=later.serial,
        )


class Shelf(Mapping[str, Value]):
    """Sessions or plays by their id, in the order in which they began. What is over lies packed, and is unpacked for a look."""

    def __init__(self, kind: type[Value]) -> None:
        self._values: dict[str, Value | bytes] = {}
        self._pack = msgspec.msgpack.Encoder().encode
        self._unpack = msgspec.msgpack.Decoder(kind).decode

    def __getitem__(self, name: str) -> Value:
        value = self._values[name]
        return self._unpack(value) if isinstance(value, bytes) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def put(self, name: str, value: Value | None) -> None:
        """Take in a new value; None forgets the old one."""
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value if value.open else self._pack(value)


class Index(Generic[Value, Key]):
    """Which ids belong to a key. `keys` says under which keys a value is found.

    Of a key its hash alone is kept, which takes a third of the memory: who asks makes sure that what is found is meant.
    """

    def __init__(self, keys: Callable[[Value], Iterable[Key]]) -> None:
        self._keys = keys
        self._names: dict[int, tuple[str, ...]] = {}

    def move(self, name: str, old: Value | None, new: Value | None) -> None:
        """Follow a value from what it was to what it is."""
        before = set() if old is None else {hash(key) for key in self._keys(old)}
        after = set() if new is None else {hash(key) for key in self._keys(new)}
        if before == after:
            return
        for key in before:
            left = tuple(one for one in self._names[key] if one != name)
            if left:
                self._names[key] = left
            else:
                del self._names[key]
        for key in after:
            self._names[key] = (*self._names.get(key, ()), name)

    def names(self, key: Key) -> tuple[str, ...]:
        """List the ids that may belong to a key."""
        return self._names.get(hash(key), ())

    def every_name(self) -> Iterator[str]:
        """List all ids, whatever their keys."""
        return (name for names in self._names.values() for name in names)


class Agenda(Generic[Value]):
    """Ids in the order of a moment of theirs, in ms. `moment` gives it; None: the value has none."""

    def __init__(self, moment: Callable[[Value], int | None]) -> None:
        self._moment = moment
        self._entries: list[tuple[int, str]] = []

    def move(self, name: str, old: Value | None, new: Value | None) -> None:
        """Follow a value from what it was to what it is."""
        before = None if old is None else self._moment(old)
        after = None if new is None else self._moment(new)
        if before == after:
            return
        if before is not None:
            del self._entries[bisect_left(self._entries, (before, name))]
        if after is not None:
            insort(self._entries, (after, name))

    def first(self) -> int | None:
        """Name the earliest moment."""
        return self._entries[0][0] if self._entries else None

    def between(self, first_ms: int | None, last_ms: int) -> Iterator[str]:
        """List what lies from one moment to another, both included; the first None: from the beginning."""
        place = 0 if first_ms is None else bisect_left(self._entries, (first_ms,))
        while place < len(self._entries) and self._entries[place][0] <= last_ms:
            yield self._entries[place][1]
            place += 1

    def all(self) -> Iterator[str]:
        """List everything that has such a moment."""
        return (name for _, name in self._entries)


MarkKey = tuple[str, str | None]
"""An account and the title of a series; None stands for whatever it was."""


def nobody_played(session: Session) -> bool:
    """Tell whether the first word about a session was that it is watched."""
    counted = session.counted is not None and session.counted.mono_ms == session.identity.opened_mono_ms
    return counted and session.phase.ending != "ignored"


def _marked(session: Session) -> Iterator[MarkKey]:
    if nobody_played(session):
        item = session.identity.item
        for policy in session.identity.accounts:
            yield policy.account, None
            if isinstance(item, Episode):
                yield policy.account, item.show.title


class Marks:
    """The sessions that nobody played, by account and series, in the order of their time."""

    def __init__(self) -> None:
        self._agendas: dict[MarkKey, Agenda[Session]] = {}

    def move(self, name: str, old: Session | None, new: Session | None) -> None:
        """Follow a session from what it was to what it is."""
        before = set() if old is None else set(_marked(old))
        after = set() if new is None else set(_marked(new))
        for key in before | after:
            agenda = self._agendas.setdefault(key, Agenda(lambda session: session.identity.opened_utc_ms))
            agenda.move(name, old if key in before else None, new if key in after else None)
            if agenda.first() is None:
                del self._agendas[key]

    def between(self, key: MarkKey, first_ms: int, last_ms: int) -> Iterator[str]:
        """List the sessions of a span of time, both ends included."""
        agenda = self._agendas.get(key)
        return iter(()) if agenda is None else agenda.between(first_ms, last_ms)


def _here(session: Session) -> Iterator[tuple[str, str]]:
    if session.open and session.identity.origin == "heard":
        yield session.identity.source, session.identity.player


def _item(session: Session) -> Iterator[tuple[str, str, str]]:
    if session.identity.origin == "heard":
        yield session.identity.source, session.identity.player, session.identity.item_key


def _work(play: Play) -> Iterator[tuple[str, int]]:
    if play.work_id is not None:
        yield play.account, play.work_id


def _account(play: Play) -> Iterator[str]:
    if play.open:
        yield play.account


def _session_over(session: Session) -> int | None:
    return None if session.open else session.phase.over_mono_ms


def _play_over(play: Play) -> int | None:
    return play.closed_mono_ms


class State:
    """All that is going on. `apply` alone changes it; everybody else reads.

    `here` finds the open sessions of a (source, player), `items` all of a (source, player, item key); `alive` finds open
    sessions by anything; `plays_of` finds the plays of a session, `works` those of an (account, work), `accounts` the open
    ones of an account. The agendas say what is due by the mere passing of time.
    """

    def __init__(self, contents: Contents | None = None) -> None:
        self.sessions: Shelf[Session] = Shelf(Session)
        self.plays: Shelf[Play] = Shelf(Play)
        self.now_playing: dict[str, NowPlaying] = {}
        self.serial = 1
        self.here = Index(_here)
        self.items = Index(_item)
        self.alive: dict[str, Session] = {}
        self.marks = Marks()
        self.plays_of: Index[Play, str] = Index(lambda play: play.sessions)
        self.works = Index(_work)
        self.accounts = Index(_account)
        self.silences: Agenda[Session] = Agenda(timeouts.due)
        self.closings: Agenda[Play] = Agenda(lambda play: play.closing_mono_ms)
        self.over_sessions = Agenda(_session_over)
        self.over_plays = Agenda(_play_over)
        if contents is not None:
            self.apply(
                Change(
                    sessions=dict(contents.sessions),
                    plays=dict(contents.plays),
                    now_playing=contents.now_playing,
                    serial=contents.serial,
                )
            )

    def apply(self, change: Change) -> None:
        """Take over what a step changed, in time that depends on the change alone."""
        for name, session in change.sessions.items():
            self._put_session(name, session)
        for name, play in change.plays.items():
            self._put_play(name, play)
        self.now_playing.update(change.now_playing)
        self.serial = change.serial

    def _put_session(self, name: str, new: Session | None) -> None:
        old = self.sessions.get(name)
        for index in (self.here, self.items, self.marks, self.silences, self.over_sessions):
            index.move(name, old, new)
        self.sessions.put(name, new)
        if new is not None and new.open:
            self.alive[name] = new
        else:
            self.alive.pop(name, None)

    def _put_play(self, name: str, new: Play | None) -> None:
        old = self.plays.get(name)
        for index in (self.plays_of, self.works, self.accounts, self.closings, self.over_plays):
            index.move(name, old, new)
        self.plays.put(name, new)

    def contents(self) -> Contents:
        """Give all of it as plain values."""
        return Contents(
            sessions=dict(self.sessions),
            plays=dict(self.plays),
            now_playing=dict(self.now_playing),
            serial=self.serial,
        )

    def open_plays(self) -> list[Play]:
        """List what is going on, the oldest first."""
        return [self.plays[name] for name in sorted(self.accounts.every_name(), key=number)]

    def plays_of_work(self, account: str, work_id: int | None) -> list[Play]:
        """List the plays of one work by one account, the oldest first."""
        names = () if work_id is None else self.works.names((account, work_id))
        plays = [self.plays[name] for name in sorted(names, key=number)]
        return [one for one in plays if (one.account, one.work_id) == (account, work_id)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.contents() == other.contents()

    __hash__ = None  # type: ignore[assignment]


def number(name: str) -> int:
    """Read the number in the id of a session or a play: the order in which they began."""
    return int(name[1:])


def next_deadline(state: State) -> int | None:
    """Say when something happens by the mere passing of time, on the monotonic clock in ms."""
    over = [one + DAY_MS for one in (state.over_sessions.first(), state.over_plays.first()) if one is not None]
    due = [one for one in (state.silences.first(), state.closings.first()) if one is not None]
    return min((*over, *due), default=None)


def rebase(contents: Contents, shift_ms: int) -> Contents:
    """Move every monotonic time by `shift_ms`: after a reboot that clock begins anew."""

    def move(value: int | None) -> int | None:
        return None if value is None else value + shift_ms

    def moved(session: Session) -> Session:
        identity, phase, position = session.identity, session.phase, session.position
        contact, counted = session.contact, session.counted
        return replace(
            session,
            identity=replace(identity, opened_mono_ms=identity.opened_mono_ms + shift_ms),
            phase=replace(
                phase,
                since_mono_ms=phase.since_mono_ms + shift_ms,
                edge_mono_ms=phase.edge_mono_ms + shift_ms,
                over_mono_ms=phase.over_mono_ms + shift_ms,
            ),
            position=replace(position, mono_ms=position.mono_ms + shift_ms),
            contact=replace(
                contact,
                heard_mono_ms=contact.heard_mono_ms + shift_ms,
                blind_mono_ms=move(contact.blind_mono_ms),
            ),
            counted=None if counted is None else replace(counted, mono_ms=counted.mono_ms + shift_ms),
        )

    return replace(
        contents,
        sessions={name: moved(one) for name, one in contents.sessions.items()},
        plays={
            name: replace(one, closed_mono_ms=move(one.closed_mono_ms), closing_mono_ms=move(one.closing_mono_ms))
            for name, one in contents.plays.items()
        },
        now_playing={
            name: replace(one, settle_mono_ms=one.settle_mono_ms + shift_ms)
            for name, one in contents.now_playing.items()
        },
    )
