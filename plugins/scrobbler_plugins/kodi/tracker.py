"""What a Kodi plays, from its notifications and from what it answers when asked: pure (players.md 4.2 to 4.4).

Times come in as `now_ms`, monotonic. The one who talks to Kodi feeds notifications in, looks at `unnamed` and `due_ms`,
asks what they want to know, and emits what comes back.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scrobbler.api import Kind, PlayerEvent
from scrobbler_plugins.kodi.fields import node, number, text, time_ms, whole
from scrobbler_plugins.kodi.media import Media
from scrobbler_plugins.kodi.messages import Notification

PLAYER = "kodi"

POLL_MS = 5_000
"""How often a Kodi that plays is asked for its position: after a stop nobody can say any more where it was."""
OPENING_MS = 1_000
OPENING_PATIENCE_MS = 30_000
"""A file that is being opened has no length yet; one that has none for so long is asked as seldom as one that plays."""
AFTER_PAUSE_MS = 300
"""What is still in the buffers plays on for a moment after a pause."""
AFTER_SEEK_MS = 1_500
"""Within a second of a seek Kodi may still tell the old position."""
BEAT_MS = 600_000
"""A paused Kodi that is still there says so this often, so that it is not taken for gone."""
BACK_MS = 5_000
"""The same file opened again begins so much earlier than it was left, or it is taken for the same play."""
LENGTH_MS = 2_000
"""A length that changes by more is that of another file."""
AUTOMATIC_MS = 60_000
AUTOMATIC_SHARE = 0.5
"""So long after its end, Kodi's own count of a play that came so far is no mark by hand. Its default is at 90 %."""


class Ref(NamedTuple):
    """What a notification names: `number` in the library, or a title of something outside of it."""

    kind: str
    number: int | None
    title: str

    @property
    def library(self) -> bool:
        """Whether the library knows it: only there the kind is more than a guess."""
        return self.number is not None and self.kind in ("movie", "episode")

    def names(self, other: "Ref") -> bool:
        """Tell whether both may be the same: by number, or by title where there is one."""
        if self.number is not None or other.number is not None:
            return (self.kind, self.number) == (other.kind, other.number)
        return not self.title or not other.title or self.title == other.title


class State(NamedTuple):
    """What a player says of itself."""

    position_ms: int
    duration_ms: int
    speed: float


class Named(NamedTuple):
    """What an item turned out to be; `also` are more names of the same file, as each episode in it is one."""

    media: Media
    also: tuple[Ref, ...] = ()


@dataclass(slots=True)
class _Open:
    """An item that Kodi has opened. `begun`: its first picture was there, and it is told as a play, or not a play of ours."""

    ref: Ref
    since_ms: int
    media: Media | None = None
    also: tuple[Ref, ...] = ()
    begun: bool = False
    position_ms: int | None = None
    duration_ms: int | None = None
    speed: float = 1.0
    paused: bool = False
    told_paused: bool = False
    reopened: bool = False
    doubted: bool = False
    sought_ms: int | None = None

    def is_named(self, ref: Ref) -> bool:
        return self.ref.names(ref) or any(one.names(ref) for one in self.also)


class _Past(NamedTuple):
    refs: tuple[Ref, ...]
    far: bool
    at_ms: int


@dataclass(slots=True)
class Tracker:
    """One Kodi."""

    device: str = ""
    player_id: int = 1
    due_ms: int | None = None  # when Kodi is to be asked for its state, or to be told as still paused
    _open: _Open | None = None
    _past: list[_Past] = field(default_factory=list)

    @property
    def unnamed(self) -> Ref | None:
        """What is open and not yet named."""
        return self._open.ref if self._open is not None and self._open.media is None else None

    @property
    def open_key(self) -> str:
        """The key of what was told as a play and is not over; "" when there is none."""
        one = self._open
        return one.media.key if one is not None and one.begun and one.media is not None and not one.media.skip else ""

    @property
    def resting(self) -> bool:
        """Whether what is due is a sign of life of a paused player, which needs no question."""
        one = self._open
        return one is not None and one.begun and one.paused and one.told_paused and one.sought_ms is None

    def feed(self, said: Notification, now_ms: int) -> list[PlayerEvent]:
        """Take in a notification."""
        ref = ref_of(said.data)
        if ref.kind == "picture":  # a slide show has a player of its own
            return []
        match said.method:
            case "System.OnQuit" | "System.OnRestart" | "System.OnSleep":
                return self._close("stop", now_ms)
            case "Player.OnStop":
                return self._stopped(ref, now_ms, end=said.data.get("end") is True)
            case "Player.OnPlay" | "Player.OnAVStart":
                self._learn_player(said.data)
                return self._opened(ref, now_ms, again=said.method == "Player.OnPlay")
            case "Player.OnPause" | "Player.OnResume" | "Player.OnSpeedChanged" | "Player.OnSeek":
                self._learn_player(said.data)
                return self._changed(said, ref, now_ms)
        return []

    def join(self, ref: Ref, now_ms: int) -> list[PlayerEvent]:
        """Begin with what is found playing."""
        return self._opened(ref, now_ms, again=False)

    def named(self, named: Named) -> None:
        """Take in what the open item turned out to be."""
        if self._open is not None:
            self._open.media, self._open.also = named.media, named.also

    def forget(self) -> None:
        """Let go of what is open: it is watched by somebody else."""
        self._open, self.due_ms = None, None

    def seen(self, state: State | None, now_ms: int) -> list[PlayerEvent]:
        """Take in what the player says of itself: None when nothing plays, a length of 0 while it is being opened."""
        one = self._open
        if one is None or one.media is None:
            self.due_ms = None
            return []
        if state is None:
            return self._close("stop", now_ms)
        if one.media.skip is not None:
            return self._leave_out(one)
        if not state.duration_ms:
            patient = now_ms - one.since_ms < OPENING_PATIENCE_MS
            self.due_ms = now_ms + (OPENING_MS if patient else POLL_MS)
            return []
        just_sought = one.sought_ms is not None and now_ms - one.sought_ms < AFTER_SEEK_MS
        if not just_sought and self._doubts(one, state):
            self.due_ms = now_ms + OPENING_MS
            return []
        before_ms = one.position_ms
        if not just_sought:
            one.position_ms, one.sought_ms = state.position_ms, None
        one.duration_ms, one.speed, one.paused = state.duration_ms, state.speed, state.speed == 0
        events = self._went_on(one, before_ms)
        self.due_ms = now_ms + (BEAT_MS if self.resting else AFTER_SEEK_MS if just_sought else POLL_MS)
        return events

    def beat(self, now_ms: int) -> list[PlayerEvent]:
        """Return what is told of a paused player from time to time."""
        self.due_ms = now_ms + BEAT_MS
        return [] if self._open is None else [self._event("pause", self._open)]

    def lost(self, now_ms: int) -> list[PlayerEvent]:
        """Return what is told when contact is lost."""
        return self._close("gone", now_ms)

    def counts_itself(self, ref: Ref, now_ms: int) -> bool:
        """Tell whether a new play count is Kodi's own, for what it plays or has just played, and no mark by hand."""
        if self._open is not None and self._open.is_named(ref):
            return True
        self._past = [past for past in self._past if now_ms - past.at_ms <= AUTOMATIC_MS]
        return any(past.far and any(one.names(ref) for one in past.refs) for past in self._past)

    def _doubts(self, one: _Open, state: State) -> bool:
        """Tell whether an answer may be about the next item already, whose notification is still under way: ask once more."""
        usual = not one.begun or one.reopened or one.sought_ms is not None or one.speed < 0 or state.speed < 0
        back = one.position_ms is not None and state.position_ms < one.position_ms - BACK_MS
        other = one.duration_ms is not None and abs(state.duration_ms - one.duration_ms) > LENGTH_MS
        one.doubted = not usual and (back or other) and not one.doubted
        return one.doubted

    def _opened(self, ref: Ref, now_ms: int, *, again: bool) -> list[PlayerEvent]:
        one = self._open
        self.due_ms = now_ms
        if one is not None and one.is_named(ref):
            # Kodi before 18 says so for a resume as well; where it stands then tells which it is.
            one.reopened = one.reopened or (again and one.begun)
            return []
        events = self._close("stop", now_ms)
        self._open = _Open(ref, now_ms)
        self.due_ms = now_ms + (OPENING_MS if again else 0)
        return events

    def _changed(self, said: Notification, ref: Ref, now_ms: int) -> list[PlayerEvent]:
        one = self._open
        if one is None:
            return self._opened(ref, now_ms, again=False)
        if not one.is_named(ref):  # such as the resume of what is being replaced
            return []
        self.due_ms = now_ms + (AFTER_PAUSE_MS if said.method == "Player.OnPause" else 0)
        if said.method == "Player.OnSpeedChanged":
            one.speed = number(node(said.data, "player"), "speed") or one.speed
        if said.method != "Player.OnSeek":
            return []
        wanted_ms = time_ms(node(said.data, "player"), "time")
        if wanted_ms is None or not one.begun:
            return []
        one.position_ms, one.sought_ms = wanted_ms, now_ms
        self.due_ms = now_ms + AFTER_SEEK_MS
        return self._tell("seek", one)

    def _stopped(self, ref: Ref, now_ms: int, *, end: bool) -> list[PlayerEvent]:
        one = self._open
        if one is None:
            return []
        if not one.is_named(ref) or not one.begun or one.reopened:
            # Of something else, or the late word about a file of the same name: whether anything plays will tell.
            self.due_ms = now_ms
            return []
        rewound = one.speed < 0  # Kodi calls it an end when it has run back to the beginning
        return self._close("end" if end and not rewound else "stop", now_ms)

    def _went_on(self, one: _Open, before_ms: int | None) -> list[PlayerEvent]:
        if not one.begun:
            one.begun, one.told_paused = True, one.paused
            return self._tell("pause" if one.paused else "play", one)
        if one.reopened:
            one.reopened, one.told_paused = False, one.paused
            position_ms = one.position_ms or 0
            events: list[PlayerEvent] = []
            if before_ms is not None and position_ms < before_ms - BACK_MS:
                events = [self._event("stop", one, before_ms)]
            return [*events, *self._tell("pause" if one.paused else "play", one)]
        if one.paused is not one.told_paused:
            one.told_paused = one.paused
            return self._tell("pause" if one.paused else "play", one)
        if one.paused:
            return self._tell("pause", one) if one.position_ms != before_ms else []
        back = before_ms is not None and (one.position_ms or 0) < before_ms
        return self._tell("seek" if back else "progress", one)

    def _leave_out(self, one: _Open) -> list[PlayerEvent]:
        """Say once that this is no play of ours, and ask no more."""
        self.due_ms = None
        if one.begun:
            return []
        one.begun = True
        return self._tell("play", one)

    def _close(self, kind: Kind, now_ms: int) -> list[PlayerEvent]:
        one, self._open, self.due_ms = self._open, None, None
        if one is None or not one.begun or one.media is None or one.media.skip is not None:
            return []
        far = kind == "end" or not one.duration_ms or (one.position_ms or 0) >= AUTOMATIC_SHARE * one.duration_ms
        self._past = [*self._past[-7:], _Past((one.ref, *one.also), far, now_ms)]
        return self._tell(kind, one)

    def _learn_player(self, data: Any) -> None:
        player_id = whole(node(data, "player"), "playerid")  # -1 occurs
        if player_id is not None:
            self.player_id = player_id

    def _tell(self, kind: Kind, one: _Open) -> list[PlayerEvent]:
        return [self._event(kind, one)]

    def _event(self, kind: Kind, one: _Open, position_ms: int | None = None) -> PlayerEvent:
        assert one.media is not None
        return PlayerEvent(
            kind=kind,
            player=PLAYER,
            item_key=one.media.key,
            item=one.media.item if kind in ("play", "pause") else None,
            position_ms=one.position_ms if position_ms is None else position_ms,
            duration_ms=one.duration_ms,
            speed=one.speed if one.speed > 0 else 1.0,
            device=self.device or None,
            skip=one.media.skip,
        )


def ref_of(data: Any) -> Ref:
    """Read what a notification is about; a flat form without `item` exists as well (players.md 4.2)."""
    item = node(data, "item") or data
    return Ref(text(item, "type"), whole(item, "id") or None, text(item, "title"))


def state_of(answer: Any) -> State:
    """Read what `Player.GetProperties` answers; after a stop all of it is zero (players.md 4.3 item 3)."""
    speed = number(answer, "speed")
    return State(time_ms(answer, "time") or 0, time_ms(answer, "totaltime") or 0, 1.0 if speed is None else speed)
