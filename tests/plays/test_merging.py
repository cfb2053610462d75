"""Several players, one play: joining, taking over, and never joining what is two."""

from typing import Any

from scrobbler.plays.model import AccountPolicy, Hide, Identified, Ignore, Unidentified
from scrobbler.plays.state import next_deadline
from tests.plays.kit import ALICE, EDGES, FILM, MINUTE, RICH_TICKS, House

HOUR = 60 * MINUTE
JELLYFIN: dict[str, Any] = {"source": "jellyfin", "player": "web", "traits": RICH_TICKS}
MPV: dict[str, Any] = {"source": "mpv", "player": "shim"}
PLEX: dict[str, Any] = {"source": "plex", "player": "box", "traits": EDGES}


def both(house: House, start: int, end: int) -> None:
    """Let Jellyfin and the mpv of its shim report the same playback."""
    for percent in range(start, end):
        house.wait(MINUTE)
        house.hear("progress", percent + 1, **JELLYFIN)
        house.hear("progress", percent + 1, **MPV)


def two(house: House) -> None:
    house.hear("play", 0, **JELLYFIN)
    house.wait(500)
    house.hear("play", 0, **MPV)


def test_the_poorer_source_may_stop_first():
    """The richer one speaks: the other's end says nothing while it ticks on."""
    house = House()
    two(house)
    both(house, 0, 50)
    house.hear("stop", 50, **MPV)
    assert house.facts == []
    house.watch(50, 95, **JELLYFIN)
    house.hear("stop", 95, **JELLYFIN)
    assert house.verdicts == [("alice", "watched", 95.0)]


def test_both_stops_make_one_completion_and_no_pause_in_between():
    """Rule 1: while the second source may confirm, what plays now stays as it is."""
    house = House()
    two(house)
    both(house, 0, 95)
    revision = house.state.now_playing["alice"].revision
    house.hear("stop", 95, **JELLYFIN)
    house.wait(1_500)
    assert house.state.now_playing["alice"].revision == revision
    house.hear("stop", 95, **MPV)
    assert house.verdicts == [("alice", "watched", 95.0)]
    assert house.now_playing()[0] == "nothing"


def test_a_lost_stop_of_the_richer_source_does_not_hold_the_watch_back():
    """Plex has lost its stop; the player's own stop past the threshold is enough."""
    house = House()
    house.hear("play", 0, **PLEX)
    house.hear("play", 0, **MPV)
    house.watch(0, 95, **MPV)
    house.hear("stop", 95, **MPV)
    house.wait(10_000)
    assert house.verdicts == [("alice", "watched", 95.0)]


def test_the_latest_position_says_where_a_play_ended_in_silence():
    """Rule 10: the last observed position of all players stands."""
    house = House()
    house.hear("play", 0, **PLEX)
    house.hear("play", 0, **MPV)
    house.watch(0, 70, **MPV)
    house.hear("gone", None, **MPV)
    house.wait(12 * HOUR)
    assert house.verdicts == [("alice", "left", 70.0)]


def test_a_play_moves_from_one_player_to_another():
    """Take-over: the first one is paused, the second one goes on from there and ends it."""
    house = House()
    house.hear("play", 0, **JELLYFIN)
    house.watch(0, 30, **JELLYFIN)
    house.hear("pause", 30, **JELLYFIN)
    house.wait(MINUTE)
    house.hear("play", 30, **MPV)
    house.watch(30, 95, **MPV)
    assert house.now_playing() == ("playing", "Sintel", 95.0)
    house.hear("stop", 95, **MPV)
    house.wait(10_000)
    assert house.verdicts == [("alice", "watched", 95.0)]
    assert len([one for one in house.state.plays.values() if one.merged_into is None]) == 1


def test_a_pause_heard_by_two_sources_is_one_change():
    """Whichever of two reports comes first, what plays now changes once."""
    house = House()
    two(house)
    both(house, 0, 10)
    before = house.state.now_playing["alice"].revision
    house.hear("pause", 10, **JELLYFIN)
    house.wait(300)
    house.hear("pause", 10, **MPV)
    house.wait(MINUTE)
    assert house.now_playing()[0] == "paused"
    assert house.state.now_playing["alice"].revision == before + 1


def test_a_late_name_joins_a_running_play():
    """The second source is identified an hour after the first."""
    house = House()
    house.hear("play", 0, **JELLYFIN)
    house.auto_identify = False
    house.hear("play", 0, **MPV)
    both(house, 0, 60)
    house.identify("s2")
    both(house, 60, 95)
    house.hear("stop", 95, **MPV)
    house.hear("stop", 95, **JELLYFIN)
    assert house.verdicts == [("alice", "watched", 95.0)]


def test_a_late_name_of_the_first_source_joins_too():
    """Either of the two may be the late one."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0, **JELLYFIN)
    house.hear("play", 0, **MPV)
    house.identify("s2")
    both(house, 0, 95)
    house.hear("stop", 95, **MPV)
    house.identify("s1")
    house.hear("stop", 95, **JELLYFIN)
    assert house.kinds == ["watched"]


def test_a_second_source_that_ended_nameless_adds_no_second_watch():
    """Its name arrives after both are over."""
    house = House()
    house.hear("play", 0, **JELLYFIN)
    house.auto_identify = False
    house.hear("play", 0, **MPV)
    both(house, 0, 95)
    house.hear("stop", 95, **MPV)
    house.hear("stop", 95, **JELLYFIN)
    house.wait(HOUR)
    house.identify("s2")
    assert house.verdicts == [("alice", "watched", 95.0)]
    assert house.outcomes() == [None, "merged"]


def test_a_nameless_play_that_knew_more_upgrades_what_was_left():
    """Rule 11: left may become watched when the better report gets its name."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0, **MPV)
    house.hear("play", 0, **PLEX)
    house.identify("s2")
    house.watch(0, 95, **MPV)
    house.hear("stop", None, **PLEX)
    house.hear("stop", 95, **MPV)
    house.identify("s1")
    assert [(fact.play, fact.kind) for fact in house.facts] == [("p2", "left"), ("p2", "watched")]


def test_a_play_closed_too_early_goes_on_at_the_other_player():
    """The named source stopped, the nameless one plays on."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0, **MPV)
    house.hear("play", 0, **JELLYFIN)
    house.identify("s2")
    both(house, 0, 40)
    house.hear("stop", 40, **JELLYFIN)
    house.identify("s1")
    assert house.now_playing()[0] == "playing"
    house.watch(40, 95, **MPV)
    house.hear("stop", 95, **MPV)
    assert [(fact.play, fact.kind) for fact in house.facts] == [("p2", "left"), ("p2", "watched")]


def test_a_play_with_unknown_position_elsewhere_does_not_vanish_in_the_last_one():
    """Stopped on one player, begun on another a minute later, its position not yet known."""
    house = House()
    house.hear("play", 0, **JELLYFIN)
    house.watch(0, 30, **JELLYFIN)
    house.hear("stop", 30, **JELLYFIN)
    house.wait(MINUTE)
    house.hear("play", None, **MPV)
    house.watch(30, 95, **MPV)
    house.hear("stop", 95, **MPV)
    assert house.kinds == ["left", "watched"]


def test_one_player_never_joins_itself():
    """Two plays of one work on one player are two plays."""
    house = House()
    house.hear("play", 0, item_key="first file")
    house.watch(0, 95, item_key="first file")
    house.hear("play", 0, item_key="second file")
    house.watch(0, 95, item_key="second file")
    house.hear("stop", 95, item_key="second file")
    assert [(fact.play, fact.kind) for fact in house.facts] == [("p1", "watched"), ("p2", "watched")]


def test_two_accounts_never_join():
    """The same film in two rooms with two people is two plays."""
    house = House()
    house.hear("play", 0, **MPV)
    house.accounts = (AccountPolicy(account="bob"),)
    house.hear("play", 0, **JELLYFIN)
    house.hear("stop", 10, **JELLYFIN)
    assert sorted(one.account for one in house.state.plays.values()) == ["alice", "bob"]
    assert house.outcomes() == [None, None]


def test_a_shared_player_goes_on_for_the_other_account():
    """Alice's play ends by another player's word; bob's on the shared one goes on."""
    house = House()
    house.accounts = (ALICE, AccountPolicy(account="bob"))
    house.hear("play", 0, **MPV)
    house.accounts = (ALICE,)
    house.hear("play", 0, **JELLYFIN)
    house.hear("stop", 10, **JELLYFIN)
    house.wait(10_000)
    house.accounts = (ALICE, AccountPolicy(account="bob"))
    house.watch(10, 95, **MPV)
    house.hear("stop", 95, **MPV)
    assert ("bob", "watched", 95.0) in house.verdicts


def test_private_mode_stays_private_when_the_name_arrives_later():
    """What was let go of does not come back with its identification."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0)
    house.watch(0, 90)
    house.give(Hide(account="alice"))
    house.identify("s1")
    house.watch(90, 95)
    house.hear("stop", 95)
    assert house.facts == []
    assert house.now_playing()[0] == "nothing"
    assert house.outcomes() == ["ignored"]


def test_what_a_filter_let_go_of_does_not_come_back_with_its_name():
    """Rule 14: an answer that was on its way changes nothing."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0)
    house.watch(0, 95)
    house.give(Ignore(session="s1", reason="its path is excluded"))
    house.identify("s1")
    assert house.facts == []
    house.give(Unidentified(session="s1", reason="nothing found"))
    assert house.outcomes() == ["ignored"]


def test_the_first_name_stands():
    """A second answer for a session changes nothing."""
    house = House()
    house.hear("play", 0)
    house.give(Identified(session="s1", work_id=77, work=FILM))
    assert house.state.sessions["s1"].identity.work_id == 1
    assert next(iter(house.state.plays.values())).work_id == 1


def test_everything_is_forgotten_after_a_day():
    """The state does not grow: merged plays, their sessions and the closed ones go."""
    house = House()
    for _ in range(3):
        two(house)
        both(house, 0, 20)
        house.hear("stop", 20, **MPV)
        house.hear("stop", 20, **JELLYFIN)
        house.wait(HOUR)
    house.wait(25 * HOUR)
    assert house.state.sessions == {}
    assert house.state.plays == {}
    assert next_deadline(house.state) is None


def test_an_end_that_waits_for_its_confirmation_does_not_dangle():
    """Rule 9: stopped with one source, and the daemon ends before the other says so."""
    house = House()
    two(house)
    both(house, 0, 95)
    house.hear("stop", 95, **JELLYFIN)
    house.lose_contact()
    assert house.verdicts == [("alice", "watched", 95.0)]
    assert house.now_playing()[0] == "nothing"


def test_a_look_at_the_end_elsewhere_does_not_complete_a_play_that_just_began():
    """Rule 4: what began past the threshold on one player says nothing of what was seen on another."""
    house = House()
    house.hear("play", 92, **JELLYFIN)
    house.hear("play", 0, **MPV)
    house.hear("stop", 93, **JELLYFIN)
    house.wait(HOUR)
    assert "watched" not in house.kinds


def test_one_that_ticks_a_moment_behind_does_not_take_over():
    """Take-over: for ten seconds after the speaking player was paused, what the other says may be from before."""
    house = House()
    two(house)
    both(house, 0, 30)
    house.hear("pause", 30, **JELLYFIN)
    house.wait(9_000)
    house.hear("progress", 30.1, **MPV)
    assert house.now_playing() == ("paused", "Sintel", 30.0)
    house.wait(3_000)
    house.hear("progress", 30.2, **MPV)
    assert house.now_playing() == ("playing", "Sintel", 30.2)
