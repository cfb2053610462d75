"""The working copy of one step: the state being changed, and the effects gathered."""

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays.model import Effect, Note, NowPlaying, Play, Session, State

DAY_MS = 86_400_000


class StepContext:
    """A step in the making. The old state is never touched; `result` is the new one."""

    def __init__(self, state: State, now: Now) -> None:
        self.now = now
        self.sessions = dict(state.sessions)
        self.plays = dict(state.plays)
        self.now_playing = dict(state.now_playing)
        self.serial = state.serial
        self.calm_until_mono_ms = state.calm_until_mono_ms
        self.changed_sessions: set[str] = set()
        self.changed_plays: set[str] = set()
        self.effects: list[Effect] = []
        self._touched: set[str] = set()

    def new_play_id(self) -> str:
        """Number a new play: `p1`, `p2`, … are the plays that users see."""
        number = self.serial
        self.serial += 1
        return f"p{number}"

    def new_session_id(self) -> str:
        """Name a new session after the first of the plays that it is about to open."""
        return f"s{self.serial}"

    def put(self, session: Session) -> Session:
        """Take over a session's new value; the accounts in front of it get their now playing looked at."""
        before = self.sessions.get(session.id)
        if before is None or before.mode != session.mode:
            session = replace(session, mode_mono_ms=self.now.mono_ms)
        self.sessions[session.id] = session
        self.changed_sessions.add(session.id)
        self._touched.update(policy.account for policy in session.accounts)
        return session

    def put_play(self, play: Play) -> Play:
        """Take over a play's new value."""
        self.plays[play.id] = play
        self.changed_plays.add(play.id)
        self._touched.add(play.account)
        return play

    def put_now_playing(self, now_playing: NowPlaying) -> None:
        """Take over a now playing's new value."""
        self.now_playing[now_playing.account] = now_playing

    def touched_accounts(self) -> list[str]:
        """List the accounts whose now playing may have changed."""
        return sorted(self._touched)

    def note(self, about: str, step: str, text: str) -> None:
        """Write a line into the journal."""
        self.effects.append(Note(about=about, step=step, text=text))

    def emit(self, effect: Effect) -> None:
        """Ask for something to happen."""
        self.effects.append(effect)

    def plays_of(self, session: Session) -> list[Play]:
        """List the plays that a session belongs to."""
        return [play for play in self.plays.values() if session.id in play.sessions]

    def forget_old(self) -> None:
        """Let go of what was over for a day: later than that, nothing reattaches."""
        horizon = self.now.mono_ms - DAY_MS
        for session in list(self.sessions.values()):
            if not session.open and session.over_mono_ms <= horizon:
                del self.sessions[session.id]
        for play in list(self.plays.values()):
            if play.closed_mono_ms is not None and play.closed_mono_ms <= horizon:
                del self.plays[play.id]

    def result(self) -> State:
        """Freeze the working copy."""
        return State(
            sessions=self.sessions,
            plays=self.plays,
            now_playing=self.now_playing,
            serial=self.serial,
            calm_until_mono_ms=self.calm_until_mono_ms,
        )


def rebase(state: State, shift_ms: int) -> State:
    """Move every monotonic time by `shift_ms`: after a reboot that clock begins anew."""

    def move(value: int | None) -> int | None:
        return None if value is None else value + shift_ms

    sessions = {
        key: replace(
            session,
            position_mono_ms=session.position_mono_ms + shift_ms,
            opened_mono_ms=session.opened_mono_ms + shift_ms,
            heard_mono_ms=session.heard_mono_ms + shift_ms,
            edge_mono_ms=session.edge_mono_ms + shift_ms,
            mode_mono_ms=session.mode_mono_ms + shift_ms,
            blind_mono_ms=move(session.blind_mono_ms),
            verdict_mono_ms=session.verdict_mono_ms + shift_ms,
            over_mono_ms=session.over_mono_ms + shift_ms,
        )
        for key, session in state.sessions.items()
    }
    plays = {
        key: replace(play, closed_mono_ms=move(play.closed_mono_ms), closing_mono_ms=move(play.closing_mono_ms))
        for key, play in state.plays.items()
    }
    now_playing = {
        key: replace(now_playing, settle_mono_ms=now_playing.settle_mono_ms + shift_ms)
        for key, now_playing in state.now_playing.items()
    }
    return replace(state, sessions=sessions, plays=plays, now_playing=now_playing, calm_until_mono_ms=None)
