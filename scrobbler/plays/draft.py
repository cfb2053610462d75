"""The working copy of one step: the state being changed, and the effects gathered."""

from msgspec.structs import replace

from scrobbler.clock import Now
from scrobbler.plays.model import Banner, Effect, Note, Session, State, Viewing

DAY_MS = 86_400_000


class Draft:
    """A step in the making. The old state is never touched; `result` is the new one."""

    def __init__(self, state: State, now: Now) -> None:
        self.now = now
        self.sessions = dict(state.sessions)
        self.viewings = dict(state.viewings)
        self.banners = dict(state.banners)
        self.serial = state.serial
        self.calm_until_mono_ms = state.calm_until_mono_ms
        self.changed_sessions: set[str] = set()
        self.changed_viewings: set[str] = set()
        self.effects: list[Effect] = []
        self._touched: set[str] = set()

    def new_viewing_id(self) -> str:
        """Number a new viewing: `p1`, `p2`, … are the plays that users see."""
        number = self.serial
        self.serial += 1
        return f"p{number}"

    def new_session_id(self) -> str:
        """Name a new session after the first of the viewings that it is about to open."""
        return f"s{self.serial}"

    def put(self, session: Session) -> Session:
        """Take over a session's new value; the accounts in front of it get their banner looked at."""
        before = self.sessions.get(session.id)
        if before is None or before.mode != session.mode:
            session = replace(session, mode_mono_ms=self.now.mono_ms)
        self.sessions[session.id] = session
        self.changed_sessions.add(session.id)
        self._touched.update(watcher.account for watcher in session.watchers)
        return session

    def put_viewing(self, viewing: Viewing) -> Viewing:
        """Take over a viewing's new value."""
        self.viewings[viewing.id] = viewing
        self.changed_viewings.add(viewing.id)
        self._touched.add(viewing.account)
        return viewing

    def put_banner(self, banner: Banner) -> None:
        """Take over a banner's new value."""
        self.banners[banner.account] = banner

    def touched_accounts(self) -> list[str]:
        """List the accounts whose banner may have changed."""
        return sorted(self._touched)

    def note(self, about: str, step: str, text: str) -> None:
        """Write a line into the journal."""
        self.effects.append(Note(about=about, step=step, text=text))

    def emit(self, effect: Effect) -> None:
        """Ask for something to happen."""
        self.effects.append(effect)

    def viewings_of(self, session: Session) -> list[Viewing]:
        """List the viewings that a session belongs to."""
        return [viewing for viewing in self.viewings.values() if session.id in viewing.sessions]

    def forget_old(self) -> None:
        """Let go of what was over for a day: later than that, nothing reattaches."""
        horizon = self.now.mono_ms - DAY_MS
        for session in list(self.sessions.values()):
            if not session.open and session.over_mono_ms <= horizon:
                del self.sessions[session.id]
        for viewing in list(self.viewings.values()):
            if viewing.closed_mono_ms is not None and viewing.closed_mono_ms <= horizon:
                del self.viewings[viewing.id]

    def result(self) -> State:
        """Freeze the working copy."""
        return State(
            sessions=self.sessions,
            viewings=self.viewings,
            banners=self.banners,
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
    viewings = {
        key: replace(
            viewing, closed_mono_ms=move(viewing.closed_mono_ms), closing_mono_ms=move(viewing.closing_mono_ms)
        )
        for key, viewing in state.viewings.items()
    }
    banners = {
        key: replace(banner, settle_mono_ms=banner.settle_mono_ms + shift_ms) for key, banner in state.banners.items()
    }
    return replace(state, sessions=sessions, viewings=viewings, banners=banners, calm_until_mono_ms=None)
