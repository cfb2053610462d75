"""The sandbox's own view of its state, for the test kit and the page."""

from scrobbler.sandbox.clock import stamp
from scrobbler.sandbox.gate import Gate
from scrobbler.sandbox.library import Library, Playback, Watch
from scrobbler.sandbox.people import User
from scrobbler.sandbox.shapes import plain_number
from scrobbler.sandbox.state import State
from scrobbler.sandbox.views import Banner, HistoryRow, ListEntry, SavedPlayback, UserView


def history_row(watch: Watch) -> HistoryRow:
    """Describe a row of the history."""
    title, episode = watch.item.title, watch.item.episode
    return HistoryRow(
        kind="episode" if episode else "movie",
        catalogue=title.kind,
        title=title.title,
        year=title.year,
        simkl=title.simkl,
        ids=title.ids,
        season=episode.season if episode else None,
        number=episode.number if episode else None,
        watched_at=stamp(watch.watched_ms) or "",
        recorded_at=stamp(watch.recorded_ms) or "",
        source=watch.source,
        rewatch=watch.rewatch_id is not None,
    )


def saved_playback(saved: Playback) -> SavedPlayback:
    """Describe a saved position."""
    title, episode = saved.item.title, saved.item.episode
    return SavedPlayback(
        id=saved.id,
        kind="episode" if episode else "movie",
        catalogue=title.kind,
        title=title.title,
        year=title.year,
        simkl=title.simkl,
        season=episode.season if episode else None,
        number=episode.number if episode else None,
        progress=plain_number(saved.progress),
        paused_at=stamp(saved.paused_ms) or "",
    )


def banner(library: Library, state: State) -> Banner | None:
    """Describe what is shown as watching now."""
    session, now = library.session, state.clock.now_ms()
    if session is None or (session.expires_ms <= now and state.switches.banner_at_expiry == "ends"):
        return None
    title, episode = session.item.title, session.item.episode
    return Banner(
        kind="episode" if episode else "movie",
        title=title.title,
        year=title.year,
        simkl=title.simkl,
        season=episode.season if episode else None,
        number=episode.number if episode else None,
        action=session.action,
        progress=plain_number(session.progress),
        shown=plain_number(session.shown(now)),
        started_at=stamp(session.started_ms) or "",
        expires_at=stamp(session.expires_ms) or "",
    )


def user_view(user: User, state: State, gate: Gate) -> UserView:
    """Describe a user; what time alone brings is done first."""
    state.settle(user)
    library = user.library
    return UserView(
        name=user.name,
        account_id=user.account_id,
        plan=user.plan,
        remaining=gate.limits.remaining(user),
        grants=sum(link.user is user for link in state.people.links),
        history=[history_row(watch) for watch in library.watches],
        playbacks=[saved_playback(saved) for saved in library.playbacks.values()],
        banner=banner(library, state),
        lists=[
            ListEntry(
                title=entry.title.title,
                simkl=entry.title.simkl,
                catalogue=entry.title.kind,
                status=entry.status,
                rating=entry.rating,
            )
            for entry in library.entries.values()
        ],
    )
