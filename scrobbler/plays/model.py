"""The nouns of the state machine: sessions, plays, now playing, facts, and what happens to them.

All of it is immutable and serialisable; times are readings of `Now` in ms (`*_utc_ms` for people, `*_mono_ms` for
durations), positions and lengths are ms from the item's beginning.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.api import Item, PlayerEvent, Work
from scrobbler.plays.coverage import NOTHING, Coverage

Mode: TypeAlias = Literal["playing", "paused", "quiet", "over"]
Ending: TypeAlias = Literal["stop", "end", "gone", "replaced", "silence", "ignored"]
Origin: TypeAlias = Literal["heard", "recalled", "marked"]
Telling: TypeAlias = Literal["live", "remembered"]
SessionHappening: TypeAlias = Literal[
    "opened", "told", "moved", "quiet", "over", "let go", "heard again", "judged anew"
]


class AccountPolicy(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One account in front of a player. `threshold` is the percentage from which a play counts as watched."""

    account: str
    movie_percent: float = 80.0
    episode_percent: float = 80.0
    rewatch: bool = False


class SourceTraits(Struct, frozen=True, kw_only=True):
    """What is known of a source's habits, taken from its plugin's traits (rule 10)."""

    ticks: bool
    quiet_ms: int
    close_ms: int
    richness: int


class Heard(Struct, frozen=True, kw_only=True, tag="heard"):
    """A player's event after intake: who watches, and which lengths are too short to count.

    `ignored` says why it is no play of ours; it is kept so that `why` can tell. `telling`: as it happens, or what a source
    remembers when it is asked, which is over however little time has passed since. `undecided` names what a filter of its
    source needs and the event does not say: `library` or `path`; empty: nothing.
    """

    source: str
    traits: SourceTraits
    accounts: tuple[AccountPolicy, ...]
    event: PlayerEvent
    shorter_than_ms: int = 0
    ignored: str = ""
    undecided: str = ""
    telling: Telling = "live"


class Prior(Struct, frozen=True, kw_only=True):
    """What an account has done with a work: whether a part was seen here before, and the watch nearest to this play."""

    account: str
    seen: bool = False
    watched_utc_ms: int | None = None
    watched_play: str = ""


class Identified(Struct, frozen=True, kw_only=True, tag="identified"):
    """The resolver's answer for a session."""

    session: str
    work_id: int
    work: Work
    runtime_ms: int | None = None
    confidence: float = 1.0
    reasons: tuple[str, ...] = ()
    priors: tuple[Prior, ...] = ()


class Unidentified(Struct, frozen=True, kw_only=True, tag="unidentified"):
    """The resolver found nothing."""

    session: str
    reason: str


class Ignore(Struct, frozen=True, kw_only=True, tag="ignore"):
    """A filter that could judge only now: this session is no play of ours."""

    session: str
    reason: str


class Hide(Struct, frozen=True, kw_only=True, tag="hide"):
    """Private mode begins for an account: what it watches now is let go of."""

    account: str


class Deadline(Struct, frozen=True, kw_only=True, tag="deadline"):
    """Time has passed; nothing else happened."""


class ContactLost(Struct, frozen=True, kw_only=True, tag="contact_lost"):
    """The daemon stops, has just started, or woke from suspend: nobody knows what plays until it is heard again (rule 9).

    What was playing is shown as paused after `settle_ms`, time for a player that is still there to say so.
    """

    settle_ms: int = 0


Input: TypeAlias = Heard | Identified | Unidentified | Ignore | Hide | Deadline | ContactLost


class Identity(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a session is about: which item, on which player, in front of whom.

    `item_key` is the source's own name of the item, `work_id` the number of the work once it is known. `undecided` is what a
    filter needs and no event has said so far: only its source can tell (see `Heard`). `origin`: heard as it happened, or told
    about afterwards; later events belong to the first kind alone. `opened_*` is when it began, `past_utc_ms` when it
    happened, where it lies in the past and was only told about.
    """

    source: str
    player: str
    item_key: str
    traits: SourceTraits
    accounts: tuple[AccountPolicy, ...]
    origin: Origin = "heard"
    device: str = ""
    item: Item | None = None
    work_id: int | None = None
    shorter_than_ms: int = 0
    undecided: str = ""
    past_utc_ms: int | None = None
    opened_utc_ms: int = 0
    opened_mono_ms: int = 0


class Phase(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a session does at present, and since when.

    `since_mono_ms` is when the mode last changed, `edge_mono_ms` when it last began to play. What is over has an `ending` and
    `over_mono_ms`. `played_on`: nothing speaks against it that it played until the next item took its place.
    """

    mode: Mode = "playing"
    since_mono_ms: int = 0
    edge_mono_ms: int = 0
    ending: Ending | None = None
    over_mono_ms: int = 0
    played_on: bool = False


class Position(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a session is, and what of the item it showed.

    `offset_ms` is where it began; `ms` the last observed position, told at `mono_ms` of our clock and `said_utc_ms` of the
    player's own. `duration_ms` is the item's length, `nominal` where it is a catalogue's round figure. `ahead_ms` is by how
    much its reports are ahead of what time allows, as far as that is taken for lag.
    """

    offset_ms: int | None = None
    ms: int | None = None
    mono_ms: int = 0
    said_utc_ms: int | None = None
    duration_ms: int | None = None
    nominal: bool = False
    seen: Coverage = NOTHING
    ahead_ms: int = 0


class Contact(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a player is heard: what its silence means follows from this (rule 10).

    `heard_*` is when it last said anything that it had observed. `ticking`: it tells positions while it plays, whatever its
    source is known for; `rhythm_ms` is its widest gap so far. `blind_mono_ms` is when we last lost sight of it ourselves.
    """

    ticking: bool = False
    rhythm_ms: int = 0
    heard_mono_ms: int = 0
    heard_utc_ms: int = 0
    blind_mono_ms: int | None = None


class Counted(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """When the server said that it counts the play as watched."""

    utc_ms: int
    mono_ms: int


class Session(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One physical playback of one item on one player. It knows no account but carries who sits in front of it.

    `counted` is the server's own verdict, where it gave one.
    """

    id: str
    identity: Identity
    phase: Phase = Phase()
    position: Position = Position()
    contact: Contact = Contact()
    counted: Counted | None = None

    @property
    def open(self) -> bool:
        """Whether it may still go on."""
        return self.phase.mode != "over"


class Play(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One account watching one work, on one player or several at once. This is what users call a play.

    `primary` is the session that speaks for it. `part` is the episode of a file with several that plays now, from 0;
    `watched_parts` are those in the outbox as watched, `left_at` the part and the percentage last put there as left.
    `closing_mono_ms` is until when it waits for a second player to confirm its end. `outcome` is set where no fact of the
    outbox says how it ended.
    """

    id: str
    account: str
    policy: AccountPolicy
    sessions: tuple[str, ...]
    primary: str
    item: Item | None = None
    work_id: int | None = None
    work: Work | None = None
    runtime_ms: int | None = None
    prior_seen: bool = False
    part: int = 0
    watched_parts: tuple[int, ...] = ()
    left_at: tuple[int, float] | None = None
    opened_utc_ms: int = 0
    closed_utc_ms: int | None = None
    closed_mono_ms: int | None = None
    closing_mono_ms: int | None = None
    merged_into: str | None = None
    outcome: str | None = None
    outcome_reason: str = ""

    @property
    def open(self) -> bool:
        """Whether it may still go on."""
        return self.closed_utc_ms is None


class NowPlaying(Struct, frozen=True, kw_only=True):
    """What Simkl should show for one account now.

    `revision` rises when what it says changes; a new position alone does not. `settle_mono_ms`: before that time the
    change may be a flap and is not sent (rule 6).
    """

    account: str
    revision: int = 0
    mode: Literal["nothing", "playing", "paused"] = "nothing"
    play: str | None = None
    part: int = 0
    work_id: int | None = None
    work: Work | None = None
    progress: float | None = None
    runtime_ms: int | None = None
    position_utc_ms: int = 0
    settle_mono_ms: int = 0


class Fact(Struct, frozen=True, kw_only=True, tag="fact"):
    """A terminal fact that Simkl has to learn: watched, or left at `progress` percent, at `at_utc_ms`.

    `live` is False where the play lies in the past and can only be told as history. `reason` is for `why`.
    """

    play: str
    part: int
    account: str
    work_id: int
    work: Work
    kind: Literal["watched", "left"]
    progress: float
    at_utc_ms: int
    runtime_ms: int | None
    rewatch: bool = False
    live: bool = True
    reason: str = ""


class Note(Struct, frozen=True, kw_only=True, tag="note"):
    """One line of the journal about a play (a play's or a session's id)."""

    about: str
    step: str
    text: str


class Resolve(Struct, frozen=True, kw_only=True, tag="resolve"):
    """This session wants to know what it plays."""

    session: str


Effect: TypeAlias = Fact | Note | Resolve


class SessionChange(Struct, frozen=True, kw_only=True):
    """What the first stage of a step returns: a session's new value, and what happened to it, which its plays follow.

    `told`: nothing that its plays have to follow. `held` says why its plays must wait for people, `reason` why they are none
    of ours.
    """

    session: Session
    happened: SessionHappening
    effects: tuple[Effect, ...] = ()
    held: str = ""
    reason: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """A judgement that is due: of a play that is over, or (with a session) of the parts that it has gone past."""

    play: str
    passed_by: str | None = None


class PlayChange(Struct, frozen=True, kw_only=True):
    """What the second stage returns: plays' new values, sessions that end with them, and what has to be judged."""

    plays: tuple[Play, ...] = ()
    sessions: tuple[Session, ...] = ()
    effects: tuple[Effect, ...] = ()
    tasks: tuple[Task, ...] = ()


class Judged(Struct, frozen=True, kw_only=True):
    """What the third stage returns: a judged play, and the facts for the outbox among the effects."""

    play: Play
    effects: tuple[Effect, ...] = ()
