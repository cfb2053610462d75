"""Plex without Plex Pass: notifications and the list of sessions, first pure (players.md 1.8)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import Ids, Movie, PlayerEvent, User
from scrobbler.api.servers.fields import Fields
from scrobbler.api.testkit import check_events
from scrobbler_plugins.plex.sessions import Line, Tracker, living, read_lines, read_notices
from tests.kit.servers import PLEX_SERVER, plex_episode, plex_movie
from tests.kit.session_servers import plex_notice, plex_session

FILM = plex_movie(guid="imdb://tt0000009")
ONE, TWO = plex_episode(1), plex_episode(2)


def lines_of(*sessions: dict[str, Any]) -> list[Line]:
    """Read a list of sessions."""
    return read_lines(Fields({"MediaContainer": {"Metadata": list(sessions)}}), PLEX_SERVER)


def message(*notices: dict[str, Any], kind: str = "playing", under: str = "PlaySessionStateNotification") -> str:
    """Write a message of the websocket."""
    return json.dumps({"NotificationContainer": {"type": kind, "size": len(notices), under: list(notices)}})


class House:
    """A tracker and the server's list, which is asked for where the tracker wants it."""

    def __init__(self, *sessions: dict[str, Any]) -> None:
        self.tracker = Tracker()
        self.sessions = list(sessions)
        self.asked = 0
        self.events: list[PlayerEvent] = []

    def hears(self, state: str, rating_key: str, offset_ms: int | None, **changes: Any) -> list[tuple[str, int | None]]:
        """Feed one notification; return the kinds and positions of what follows."""
        events = []
        for notice in read_notices(message(plex_notice(state, rating_key, offset_ms, **changes))):
            wants = self.tracker.wants_list(notice)
            self.asked += wants
            events += self.tracker.hear(notice, lines_of(*self.sessions) if wants else ())
        self.events += events
        check_events(self.events)
        return [(event.kind, event.position_ms) for event in events]

    def reconciles(self, *sessions: dict[str, Any]) -> list[tuple[str, int | None]]:
        """Feed the list after a broken connection."""
        self.sessions = list(sessions)
        events = self.tracker.reconcile(lines_of(*sessions))
        return [(event.kind, event.position_ms) for event in events]


def test_event_carries_all_that_the_daemon_needs() -> None:
    """The same names as the webhook's, so that both are one player; the file's own length."""
    session = plex_session(FILM, Media=[{"duration": 5_998_123, "Part": []}])
    house = House(session)
    assert house.hears("playing", "4001", 154_000) == [("play", 154_000)]
    (event,) = house.events
    assert (event.player, event.item_key) == ("abc123-player:1", f"{PLEX_SERVER}/4001")
    assert event.item == Movie(title="The Example", year=2014, ids=Ids(imdb="tt0000009"))
    assert event.user == User(id="1", name="alice")
    assert (event.duration_ms, event.nominal) == (5_998_123, False)
    assert (event.library, event.device, event.skip) == ("Movies", "Living Room", None)


def test_evening_asks_for_the_list_once() -> None:
    """Play, progress every ten seconds, pause, resume, stop: user and item are bound at the first `playing`."""
    house = House(plex_session(FILM))
    assert house.hears("playing", "4001", 0) == [("play", 0)]
    assert house.hears("playing", "4001", 10_000) == [("progress", 10_000)]
    assert house.hears("playing", "4001", 10_000) == []
    assert house.hears("paused", "4001", 12_000) == [("pause", 12_000)]
    assert house.hears("paused", "4001", 12_000) == []
    assert house.hears("playing", "4001", 12_000) == [("play", 12_000)]
    house.sessions = []
    assert house.hears("stopped", "4001", 20_000) == [("stop", 20_000)]
    assert house.hears("stopped", "4001", 20_000) == []
    assert house.asked == 1


def test_buffering_is_no_pause() -> None:
    """It can come before the first `playing` and in the middle, and says nothing."""
    house = House(plex_session(FILM))
    assert house.hears("buffering", "4001", 0) == []
    assert house.asked == 0
    house.hears("playing", "4001", 0)
    assert house.hears("buffering", "4001", 5_000) == []
    assert house.hears("playing", "4001", 6_000) == [("progress", 6_000)]


def test_missing_and_zero_positions_are_unknown() -> None:
    """Zero is a position at the beginning alone; at a stop it is what the server has cleared."""
    house = House(plex_session(FILM, offset_ms=77_000))
    assert house.hears("playing", "4001", None) == [("play", 77_000)]
    assert house.hears("playing", "4001", 0) == [("progress", None)]
    assert house.hears("stopped", "4001", 0) == [("stop", None)]
    house.hears("playing", "4001", 50_000)
    assert house.hears("error", "4001", None) == [("stop", None)]


def test_next_item_on_the_same_session_without_a_stop() -> None:
    """A different rating key ends the old item first."""
    house = House(plex_session(ONE))
    house.hears("playing", "5011", 0)
    house.sessions = [plex_session(TWO)]
    assert house.hears("playing", "5012", 0) == [("stop", None), ("play", 0)]
    assert [event.item_key[-4:] for event in house.events] == ["5011", "5011", "5012"]


def test_session_number_used_again_by_another_player() -> None:
    """Numbers are used again: another client under the same number is another session."""
    house = House(plex_session(FILM))
    house.hears("playing", "4001", 0)
    other = {"machineIdentifier": "xyz", "title": "Phone", "state": "playing"}
    house.sessions = [plex_session(FILM, Player=other, User={"id": "2", "title": "bob"})]
    told = house.hears("playing", "4001", 60_000, clientIdentifier="xyz")
    assert told == [("stop", None), ("play", 60_000)]
    assert house.events[-1].user == User(id="2", name="bob")


def test_ghost_of_the_previous_episode_is_passed_over() -> None:
    """Plex Web leaves the previous episode as paused: it neither pauses nor replaces what plays."""
    ghost = plex_session(ONE, key="28", state="paused", lastViewedAt=1_700_000_000)
    house = House(ghost, plex_session(TWO, key="29"))
    assert house.hears("playing", "5012", 0, key="29") == [("play", 0)]
    assert house.hears("paused", "5011", 1_490_000, key="28") == []
    assert house.hears("stopped", "5011", 1_490_000, key="28") == []
    assert house.hears("playing", "5012", 10_000, key="29") == [("progress", 10_000)]
    assert [line.session for line in living(lines_of(*house.sessions)).values()] == ["29"]


def test_of_two_paused_sessions_the_younger_counts() -> None:
    """Where nothing plays, the session that was viewed last is the player's."""
    old = plex_session(ONE, key="28", state="paused", lastViewedAt=1_700_000_000)
    new = plex_session(TWO, key="27", state="paused", lastViewedAt=1_700_000_100)
    assert House().reconciles(old, new) == [("pause", 0)]
    assert [line.session for line in living(lines_of(old, new)).values()] == ["27"]


def test_same_item_in_a_new_session_goes_on() -> None:
    """A client that opens its session anew, as for another quality, has not stopped."""
    house = House(plex_session(FILM, key="29"))
    house.hears("playing", "4001", 60_000, key="29")
    house.sessions = [plex_session(FILM, key="30")]
    assert house.hears("playing", "4001", 62_000, key="30") == [("play", 62_000)]
    assert house.hears("stopped", "4001", 60_000, key="29") == []


def test_live_tv_has_another_key_in_the_list() -> None:
    """Live TV is bound all the same, said once, and its end is not said."""
    live = plex_session(plex_episode(ratingKey="900"), live="1")
    house = House(live)
    assert house.hears("playing", "77", 0) == [("play", 0)]
    assert house.events[0].skip == "live_tv"
    assert house.hears("playing", "77", 10_000) == []
    assert house.hears("stopped", "77", 10_000) == []
    assert house.asked == 1


def test_live_tv_that_was_on_before_us() -> None:
    """The key of the list is not held against the notification's."""
    live = plex_session(plex_episode(ratingKey="900"), live="1")
    house = House()
    house.reconciles(live)
    assert house.hears("playing", "77", 10_000) == []
    assert house.asked == 0


def test_session_that_the_list_never_shows() -> None:
    """The list is not asked for ever about a session that is not in it."""
    house = House()
    for offset_ms in range(0, 100_000, 10_000):
        assert house.hears("playing", "4001", offset_ms) == []
    assert house.asked == 3
    house.hears("stopped", "4001", None)
    house.sessions = [plex_session(FILM)]
    assert house.hears("playing", "4001", 0) == [("play", 0)]


def test_reconcile_after_a_restart_of_the_server() -> None:
    """Numbers begin anew: what goes on goes on, what went is gone, what is new begins."""
    phone = {"machineIdentifier": "xyz", "title": "Phone", "state": "playing"}
    house = House(plex_session(FILM, key="29"), plex_session(ONE, key="30", Player=phone))
    house.hears("playing", "4001", 0, key="29")
    house.hears("playing", "5011", 0, key="30", clientIdentifier="xyz")
    tablet = {"machineIdentifier": "tab", "title": "Tablet", "state": "paused"}
    told = house.reconciles(
        plex_session(FILM, key="1", offset_ms=30_000), plex_session(TWO, key="2", offset_ms=9_000, Player=tablet)
    )
    assert told == [("gone", None), ("progress", 30_000), ("pause", 9_000)]
    assert house.hears("playing", "4001", 40_000, key="1") == [("progress", 40_000)]
    assert house.hears("playing", "5012", 9_000, key="2", clientIdentifier="tab") == [("play", 9_000)]


def test_another_item_after_a_time_without_contact() -> None:
    """What replaced an item while we were away begins; the old one was lost."""
    house = House(plex_session(ONE))
    house.hears("playing", "5011", 0)
    assert house.reconciles(plex_session(TWO, offset_ms=5_000)) == [("gone", None), ("play", 5_000)]


def test_polling_tells_the_same() -> None:
    """Where no websocket opens, lists that follow each other tell play, progress, pause and stop."""
    tracker = Tracker()
    kinds = []
    for sessions in (
        [plex_session(FILM)],
        [plex_session(FILM, offset_ms=10_000)],
        [plex_session(FILM, offset_ms=10_000, state="paused")],
        [plex_session(FILM, offset_ms=10_000, state="buffering")],
        [],
    ):
        kinds += [event.kind for event in tracker.follow(lines_of(*sessions))]
    assert kinds == ["play", "progress", "pause", "stop"]
    assert not tracker.busy


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (message(plex_notice("playing", "1", 0), plex_notice("playing", "2", 0, key="30")), 2),
        (message(plex_notice("playing", "1", 0), under="_children"), 1),
        (message(plex_notice("playing", "1", 0, key="abc-def")), 0),
        (message(plex_notice("flying", "1", 0)), 0),
        (message(plex_notice("playing", "1", 0), kind="timeline"), 0),
        ("{}", 0),
        ("[]", 0),
        ("no json", 0),
    ],
)
def test_messages_of_the_websocket(text: str, count: int) -> None:
    """Every session of a message is read, also in the old form; other keys, states and types are passed over."""
    assert len(read_notices(text)) == count


def test_lines_without_user_or_number_are_left_out() -> None:
    """A session that nobody owns, or that has no number, is not one of ours."""
    assert lines_of(plex_session(FILM, User=None), plex_session(FILM, sessionKey=None), {}) == []


TEXT = st.text(alphabet="at01-/:.é{& ", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    line=st.dictionaries(st.sampled_from(sorted(plex_session(FILM))), JSON, max_size=3),
    notices=st.lists(
        st.dictionaries(st.sampled_from(sorted(plex_notice("playing", "1", 0))), JSON, max_size=2), max_size=5
    ),
)
def test_odd_values_never_break_the_reading(line: dict[str, Any], notices: list[dict[str, Any]]) -> None:
    """Whatever a server says, events keep the rules."""
    tracker, events = Tracker(), []
    for odd in notices:
        for notice in read_notices(message({**plex_notice("playing", "4001", 5), **odd})):
            events += tracker.hear(notice, lines_of({**plex_session(FILM), **line}))
    events += tracker.reconcile(lines_of({**plex_session(TWO), **line}))
    check_events(events)
