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


class AccountPolicy(Struct, frozen=True, kw_only=True):
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


class Session(Struct, frozen=True, kw_only=True):
    """One physical playback of one item on one player. It knows no account but carries who sits in front of it.

    `position_ms` is the last observed one. `heard_mono_ms` is when the player last said anything that it had observed.
    `ticking`: it tells positions while it plays, whatever its source is known for; `rhythm_ms` is its widest gap so far.
    `played_on`: nothing speaks against it that it played until the next item took its place.
    `undecided` is what a filter needs and no event has said so far: only its source can tell (see `Heard`).
    `ahead_ms` is by how much its reports are ahead of what time allows, as far as that is taken for lag.
    `edge_mono_ms` is when it last began to play, `mode_mono_ms` when its mode last changed, `blind_mono_ms` when we last lost
    sight of it ourselves. `said_utc_ms` is what the player's own clock said at the last position. `origin`: heard as it
    happened, or told about afterwards; later events belong to the first kind alone.
    """

    id: str
    source: str
    player: str
    item_key: str
    traits: SourceTraits
    accounts: tuple[AccountPolicy, ...]
    ticking: bool = False
    rhythm_ms: int = 0
    origin: Origin = "heard"
    item: Item | None = None
    device: str = ""
    mode: Mode = "playing"
    mode_mono_ms: int = 0
    played_on: bool = False
    ending: Ending | None = None
    offset_ms: int | None = None
    position_ms: int | None = None
    position_mono_ms: int = 0
    said_utc_ms: int | None = None
    duration_ms: int | None = None
    nominal: bool = False
    shorter_than_ms: int = 0
    undecided: str = ""
    seen: Coverage = NOTHING
    ahead_ms: int = 0
    verdict_utc_ms: int | None = None
    verdict_mono_ms: int = 0
    over_mono_ms: int = 0
    past_utc_ms: int | None = None
    opened_utc_ms: int = 0
    opened_mono_ms: int = 0
    heard_mono_ms: int = 0
    heard_utc_ms: int = 0
    edge_mono_ms: int = 0
    blind_mono_ms: int | None = None
    work_id: int | None = None

    @property
    def open(self) -> bool:
        """Whether it may still go on."""
        return self.mode != "over"


class Play(Struct, frozen=True, kw_only=True):
    """One account watching one work, on one player or several at once. This is what users call a play.

    `primary` is the session that speaks for it. `part` is the episode of a file with several that plays now, from 0;
    `watched_parts` are those owed as watched, `left_at` the part and the percentage last owed as left. `outcome` is set where
    no fact of the outbox says how it ended.
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


class State(Struct, frozen=True, kw_only=True):
    """All that is going on, and for a day what went on. `serial` is the number of the next play.

    `calm_until_mono_ms`: nothing falls due by the mere passing of time before then (None: nobody has looked yet). It may be
    too early, never too late, and spares the many ticks of a full house a look at every session.
    """

    sessions: dict[str, Session] = {}
    plays: dict[str, Play] = {}
    now_playing: dict[str, NowPlaying] = {}
    serial: int = 1
    calm_until_mono_ms: int | None = None
