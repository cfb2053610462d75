"""The view of one step: the state with what the step has changed so far laid over it. The state itself is not touched.

Stages read through it and return values; the machine alone takes them over (`take_session`, `take_play`, …).
"""

from collections.abc import Iterable

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays import timeouts
from scrobbler.plays.model import Effect, NowPlaying, Play, Session
from scrobbler.plays.state import DAY_MS, Change, State, number


class StepContext:
    """A step in the making."""

    def __init__(self, state: State, now: Now) -> None:
        self.now = now
        self.serial = state.serial
        self.effects: list[Effect] = []
        self._state = state
        self._sessions: dict[str, Session | None] = {}
        self._plays: dict[str, Play | None] = {}
        self._now_playing: dict[str, NowPlaying] = {}
        self._touched: set[str] = set()

    # What is read.

    def session(self, name: str) -> Session | None:
        """Give a session as it is now; None: it is not known, or no longer."""
        return self._sessions[name] if name in self._sessions else self._state.sessions.get(name)

    def play(self, name: str) -> Play:
        """Give a play as it is now."""
        play = self._plays_now(name)
        assert play is not None
        return play

    def primary(self, play: Play) -> Session | None:
        """Give the session that speaks for a play."""
        return self.session(play.primary)

    def talking(self, play: Play) -> list[Session]:
        """List the sessions of a play that are still remembered."""
        return [one for one in map(self.session, play.sessions) if one is not None]

    def plays_of(self, session: Session) -> list[Play]:
        """List the plays that a session belongs to, the oldest first."""
        return [
            play for play in self._plays_among(self._state.plays_of.names(session.id)) if session.id in play.sessions
        ]

    def plays_of_work(self, account: str, work_id: int | None) -> list[Play]:
        """List the plays of one work by one account, the oldest first."""
        if work_id is None:
            return []
        found = self._plays_among(self._state.works.names((account, work_id)))
        return [play for play in found if play.account == account and play.work_id == work_id]

    def open_plays(self, account: str) -> list[Play]:
        """List what an account has going on, the oldest first."""
        found = self._plays_among(self._state.accounts.names(account))
        return [play for play in found if play.account == account and play.open]

    def _plays_among(self, names: Iterable[str]) -> list[Play]:
        """List the plays of an index, and those that this step has changed."""
        known = sorted({*names, *self._plays}, key=number)
        return [play for play in map(self._plays_now, known) if play is not None]

    def _plays_now(self, name: str) -> Play | None:
        return self._plays[name] if name in self._plays else self._state.plays.get(name)

    def playing_on(self, source: str, player: str) -> list[Session]:
        """List the sessions of a player that may still go on, the oldest first."""
        found = self._sessions_among(self._state.here.names((source, player)))
        return [one for one in found if one.open and _is_of(one, source, player)]

    def item_on(self, source: str, player: str, item_key: str) -> list[Session]:
        """List what is known of one item on one player within a day, the oldest first."""
        found = self._sessions_among(self._state.items.names((source, player, item_key)))
        return [one for one in found if _is_of(one, source, player) and one.identity.item_key == item_key]

    def open_sessions(self) -> list[Session]:
        """List all that may still go on, the oldest first."""
        return [one for one in self._sessions_among(self._state.alive) if one.open]

    def just_over(self) -> list[Session]:
        """List what was over at this very moment, the oldest first."""
        mono_ms = self.now.mono_ms
        found = self._sessions_among(self._state.over_sessions.between(mono_ms, mono_ms))
        return [one for one in found if not one.open and one.phase.over_mono_ms == mono_ms]

    def _sessions_among(self, names: Iterable[str]) -> list[Session]:
        """List the sessions of an index, and those that this step has changed."""
        known = sorted({*names, *self._sessions}, key=number)
        return [one for one in map(self.session, known) if one is not None]

    def marked(self, account: str, series: str | None, first_utc_ms: int, last_utc_ms: int, most: int) -> int:
        """Count the sessions of an account that nobody played and that began within a span of time, `most` at most.

        `series` narrows it to the episodes of one series. What this very step begins does not count.
        """
        found = self._state.marks.between((account, series), first_utc_ms, last_utc_ms)
        return sum(1 for _ in zip(found, range(most), strict=False))

    def now_playing(self, account: str) -> NowPlaying:
        """Give what Simkl should show for an account."""
        known = self._now_playing.get(account) or self._state.now_playing.get(account)
        return known or NowPlaying(account=account)

    # What is due.

    def silent_sessions(self) -> list[str]:
        """Name the sessions whose silence means something by now, the oldest first."""
        names = {name for name in self._state.silences.between(None, self.now.mono_ms) if name not in self._sessions}
        for name, session in self._sessions.items():
            due = None if session is None else timeouts.due(session)
            if due is not None and due <= self.now.mono_ms:
                names.add(name)
        return sorted(names, key=number)

    def closing_plays(self) -> list[str]:
        """Name the plays that have waited long enough for a second player, the oldest first."""
        names = {name for name in self._state.closings.between(None, self.now.mono_ms) if name not in self._plays}
        for name, play in self._plays.items():
            if play is not None and play.closing_mono_ms is not None and play.closing_mono_ms <= self.now.mono_ms:
                names.add(name)
        return sorted(names, key=number)

    def all_closing_plays(self) -> list[str]:
        """Name all plays that wait for a second player, however long they have, the oldest first."""
        names = set(self._state.closings.all()) | set(self._plays)
        return [
            name
            for name in sorted(names, key=number)
            if (play := self._plays_now(name)) and play.closing_mono_ms is not None
        ]

    def forget_old(self) -> None:
        """Let go of what was over for a day: later than that, nothing reattaches."""
        horizon = self.now.mono_ms - DAY_MS
        for name in self._state.over_sessions.between(None, horizon):
            session = self.session(name)
            if session is not None and not session.open and session.phase.over_mono_ms <= horizon:
                self._sessions[name] = None
        for name in self._state.over_plays.between(None, horizon):
            play = self._plays_now(name)
            if play is not None and play.closed_mono_ms is not None and play.closed_mono_ms <= horizon:
                self._plays[name] = None

    # What the machine takes over.

    def take_session(self, session: Session) -> None:
        """Take over a session's new value; what its accounts show is looked at again."""
        before = self.session(session.id)
        if before is not None and before == session:
            return
        same_mode = before is not None and before.phase.mode == session.phase.mode
        since_mono_ms = before.phase.since_mono_ms if before is not None and same_mode else self.now.mono_ms
        session = replace(session, phase=replace(session.phase, since_mono_ms=since_mono_ms))
        self._sessions[session.id] = session
        self._touched.update(policy.account for policy in session.identity.accounts)

    def take_play(self, play: Play) -> None:
        """Take over a play's new value. Plays are numbered as they begin: `p1`, `p2`, … are what users see."""
        self._touched.add(play.account)
        if self._plays_now(play.id) == play:
            return
        self._plays[play.id] = play
        self.serial = max(self.serial, number(play.id) + 1)

    def take_now_playing(self, now_playing: NowPlaying) -> None:
        """Take over what Simkl should show for an account."""
        self._now_playing[now_playing.account] = now_playing

    def take_effects(self, effects: Iterable[Effect]) -> None:
        """Keep what is to happen once the step is stored."""
        self.effects += effects

    def touched_accounts(self) -> list[str]:
        """List the accounts whose now playing may have changed."""
        return sorted(self._touched)

    def change(self) -> Change:
        """Give what the step has changed."""
        return Change(sessions=self._sessions, plays=self._plays, now_playing=self._now_playing, serial=self.serial)


def _is_of(session: Session, source: str, player: str) -> bool:
    identity = session.identity
    return identity.origin == "heard" and (identity.source, identity.player) == (source, player)
