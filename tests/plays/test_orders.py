"""The orders that players' events really come in (players.md 1.5, 1.6, 2.4, 4.4, 5.3)."""

from datetime import UTC, datetime

import pytest

from scrobbler.api import Item, Kind
from scrobbler.plays.model import AccountPolicy, Prior, SourceTraits
from scrobbler.plays.state import next_deadline
from tests.plays.kit import ALICE, EDGES, FILM, MINUTE, OTHER_FILM, RICH_TICKS, TICKS, House, episode

HOUR = 60 * MINUTE


def test_a_stop_at_zero_keeps_the_last_observed_position():
    """Rule 2, players.md 2.4: whoever has no position writes 0."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 90)
    house.hear("stop", 0)
    assert house.verdicts == [("alice", "watched", 90.0)]


def test_a_pause_at_zero_keeps_the_last_observed_position():
    """Rule 2: never pause at 0 over a real position."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 40)
    house.hear("pause", 0)
    assert house.now_playing() == ("paused", "Sintel", 40.0)


def test_a_rewind_to_the_beginning_is_a_real_zero():
    """Rule 2 is about missing positions: a jump to 0 is reported as one."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 40)
    house.hear("seek", 0)
    house.hear("stop", 0)
    assert house.verdicts == [("alice", "left", 0.0)]


@pytest.mark.parametrize("nonsense", [-1, -5_000_000])
def test_a_negative_position_is_unknown(nonsense: int):
    """Rule 2: what can't be is not a position."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 30)
    house.hear("progress", position_ms=nonsense)
    house.hear("stop", position_ms=nonsense)
    assert house.verdicts == [("alice", "left", 30.0)]


def test_a_negative_length_is_unknown():
    """Rule 14: an unknown length is not short."""
    house = House()
    house.shorter_than_ms = 5 * MINUTE
    house.hear("play", 0, duration_ms=-1)
    house.watch(0, 30)
    assert house.now_playing()[0] == "playing"


def test_a_position_beyond_the_length_is_the_end():
    """A position past the end of the file counts as 100 %."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 99)
    house.hear("stop", 104)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_the_exact_length_replaces_the_round_one():
    """A file's own length beats a catalogue's round figure, whenever it arrives."""
    house = House(length_ms=95 * MINUTE)
    house.hear("play", 0, duration_ms=120 * MINUTE, nominal=True)
    house.watch(0, 99.9, nominal=False)
    house.hear("stop", 100, duration_ms=120 * MINUTE, nominal=True)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_a_length_that_arrives_late_makes_the_percentage():
    """Until a length is known nothing shows; then all that was seen counts."""
    house = House()
    house.hear("play", 0, duration_ms=None)
    house.watch(0, 50, duration_ms=None)
    assert house.now_playing()[2] == 0.0
    house.watch(50, 90)
    assert house.now_playing()[2] == 90.0
    house.hear("stop", 90)
    assert house.verdicts == [("alice", "watched", 90.0)]


def test_a_length_that_is_looked_up_counts_too():
    """players.md 1: the server's runtime stands in where the player tells none, for the deadlines as well."""
    house = House(traits=EDGES)
    house.runtime_ms = 100 * MINUTE
    house.hear("play", 0, duration_ms=None)
    house.wait(116 * MINUTE)
    assert house.now_playing()[0] == "paused"
    house.hear("end", None, duration_ms=None)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_an_end_without_a_length_counts_when_it_played_all_along():
    """A natural end is 100 %, and what came before it was seen."""
    house = House()
    house.hear("play", 0, duration_ms=None)
    house.watch(0, 99, duration_ms=None)
    house.hear("end", None, duration_ms=None)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_an_end_at_once_without_a_length_needs_people():
    """A player that fails says "end" too; without a length nobody can tell."""
    house = House()
    house.hear("play", 3, duration_ms=None)
    house.wait(20_000)
    house.hear("end", None, duration_ms=None)
    assert house.facts == []
    assert house.outcomes() == ["needs review"]


@pytest.mark.parametrize("length_ms", [100 * MINUTE, None])
def test_an_end_of_something_never_seen_is_no_watch(length_ms: int | None):
    """Part 1.6: what was only seen at its end has no evidence."""
    house = House()
    house.hear("end", None, duration_ms=length_ms)
    assert "watched" not in house.kinds


def test_a_stop_of_something_never_seen_is_forgotten():
    """Rule 17: a stop without position and without a play is named, and asks nobody for a decision."""
    house = House(traits=EDGES)
    house.hear("stop", None)
    assert house.facts == []
    assert house.outcomes() == ["ignored"]
    house.wait(500)
    house.hear("watched", None)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_an_unobserved_stop_of_something_never_seen_opens_nothing():
    """Rule 2: extrapolated words open no session."""
    house = House()
    house.hear("stop", 90, observed=False)
    assert house.state.sessions == {}


def test_an_unobserved_stop_closes_at_the_last_observed_position():
    """Rule 2, players.md 2.4."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 60)
    house.hear("stop", 95, observed=False)
    assert house.verdicts == [("alice", "left", 60.0)]


@pytest.mark.parametrize("kind", ["progress", "seek", "play", "pause"])
def test_extrapolated_words_neither_revive_nor_reset_deadlines(kind: Kind):
    """Rule 10: the server's timer goes on after the player has died."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.wait(70_000)
    before = next_deadline(house.state)
    house.hear(kind, 52, observed=False)
    assert house.now_playing()[0] == "paused"
    assert next_deadline(house.state) == before
    house.wait(1_900_000)
    house.hear(kind, 80, observed=False)
    assert house.verdicts == [("alice", "left", 50.0)]
    assert house.now_playing()[0] == "nothing"


def test_extrapolated_ticks_do_not_put_off_the_silence():
    """Rule 10: only what the player said itself is contact."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    for _ in range(7):
        house.wait(10_000)
        house.hear("progress", 51, observed=False)
    assert house.now_playing() == ("paused", "Sintel", 50.0)


def test_a_paused_player_that_says_so_again_is_in_contact():
    """players.md 5: mpv repeats "pause" every ten minutes; nothing else follows from it."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("pause", 50)
    revision = house.state.now_playing["alice"].revision
    for _ in range(6 * 40):
        house.wait(10 * MINUTE)
        house.hear("pause", 50)
    assert house.now_playing() == ("paused", "Sintel", 50.0)
    assert house.state.now_playing["alice"].revision == revision
    house.hear("play", 50)
    house.watch(50, 90)
    house.hear("stop", 90)
    assert house.kinds == ["watched"]


def test_a_player_resting_on_its_last_picture_is_no_new_play():
    """players.md 5.3: with `keep-open` mpv is paused at the end for as long as it is open."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 99)
    house.hear("end", None)
    for _ in range(10):
        house.wait(10 * MINUTE)
        house.hear("pause", 100)
    assert house.kinds == ["watched"]
    assert len(house.state.plays) == 1


def test_a_play_after_the_verdict_keeps_the_position():
    """players.md 1.6.2: after the verdict Plex's `play` carries a cleared resume point."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(91 * MINUTE)
    house.hear("watched", 91)
    house.wait(MINUTE)
    house.hear("play", 0)
    assert house.now_playing()[2] == 91.0
    house.wait(30_000)
    house.hear("stop", None)
    assert house.verdicts == [("alice", "watched", 91.0)]
    assert len(house.state.plays) == 1


def test_a_play_at_a_cleared_resume_point_right_after_the_stop_is_an_echo():
    """players.md 1.5: skipping the credits raises another play; its 0 is no position."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(91 * MINUTE)
    house.hear("watched", None)
    house.hear("stop", None)
    house.wait(3_000)
    house.hear("play", 0)
    assert house.now_playing()[0] == "nothing"
    house.wait(5 * MINUTE)
    house.hear("play", 0)
    assert house.now_playing() == ("playing", "Sintel", 0.0)
    assert house.kinds == ["watched"]


def test_a_resume_without_a_position_lets_the_remaining_runtime_begin_anew():
    """Rule 10: after a long pause the deadline counts from the resume, and never lies in the past."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(50 * MINUTE)
    house.hear("pause", 50)
    house.wait(4 * HOUR)
    house.hear("play", None)
    due = next_deadline(house.state)
    assert due is not None
    assert due > house.mono_ms
    house.wait(40 * MINUTE)
    assert house.now_playing()[0] == "playing"


def test_a_lost_resume_does_not_cost_the_watch():
    """No source is complete: a second pause proves that it played in between."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(30 * MINUTE)
    house.hear("pause", 30)
    house.wait(55 * MINUTE)
    house.hear("pause", 80)
    house.wait(20 * MINUTE)
    house.hear("stop", 95)
    assert house.kinds == ["watched"]


def test_a_first_position_at_the_stop_is_not_where_the_play_began():
    """Rule 4: a play that was open for long began long before its first known position."""
    house = House(traits=EDGES)
    house.hear("play", None)
    house.wait(93 * MINUTE)
    house.hear("stop", 93)
    assert house.kinds == ["watched"]


def test_a_first_position_soon_after_the_start_is_where_it_began():
    """Part 1.6: opened near the end, never seen before."""
    house = House(traits=EDGES)
    house.hear("play", None)
    house.wait(2 * MINUTE)
    house.hear("stop", 93)
    assert house.kinds == ["left"]


def test_a_seek_on_a_player_with_edges_alone_keeps_what_played_before():
    """Rule 4: what played before the jump was not told, but nobody demonstrated that it was skipped."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(50 * MINUTE)
    house.hear("seek", 70)
    house.wait(22 * MINUTE)
    house.hear("stop", 92)
    assert house.kinds == ["watched"]


def test_seeking_back_and_watching_what_was_skipped_counts():
    """Rule 4: coverage knows which stretches were seen, in whatever order."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 5)
    house.hear("seek", 85)
    house.watch(85, 95)
    house.hear("seek", 5)
    house.watch(5, 85)
    house.hear("stop", 85)
    assert house.kinds == ["watched"]


def test_a_late_progress_does_not_undo_a_pause():
    """Hooks overtake each other: a position that belongs before the pause is no resume."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 20)
    house.wait(5_000)
    house.hear("pause", 20.08)
    house.wait(300)
    house.hear("progress", 20.05)
    assert house.now_playing()[0] == "paused"


def test_a_late_pause_of_the_old_item_does_not_stop_the_new_one():
    """players.md 1.5: pause (old) and play (new) swapped; the position of the old one counts."""
    house = House(traits=EDGES)
    house.hear("play", 0, episode(1))
    house.wait(95 * MINUTE)
    house.hear("play", 0, episode(2))
    house.wait(200)
    house.hear("pause", 95, episode(1))
    assert house.now_playing() == ("playing", "Firefly 1x2", 0.0)
    assert house.kinds == ["left", "watched"]
    house.wait(95 * MINUTE)
    house.hear("stop", 95, episode(2))
    assert house.kinds == ["left", "watched", "watched"]


def test_an_echo_of_the_old_item_does_not_close_the_new_one():
    """Rule 7: what is over says nothing of what plays now."""
    house = House()
    house.hear("play", 0, episode(1))
    house.watch(0, 98, episode(1))
    house.hear("end", None, episode(1))
    house.hear("play", 0, episode(2))
    house.hear("progress", 98, episode(1))
    assert house.now_playing() == ("playing", "Firefly 1x2", 0.0)
    assert house.kinds == ["watched"]


def test_two_items_on_one_player_in_any_order_are_two_plays():
    """Rule 7: going back to the first item continues it."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("play", 0, OTHER_FILM)
    house.watch(0, 30, OTHER_FILM)
    house.hear("play", 50)
    house.watch(50, 90)
    house.hear("stop", 90)
    assert [(fact.kind, fact.progress) for fact in house.facts] == [("left", 50.0), ("left", 30.0), ("watched", 90.0)]
    assert len(house.state.plays) == 2


def test_a_stop_hours_after_a_stray_word_had_closed_it_still_counts():
    """Edge-only sources: a lost or swapped event must not cost the watch of a whole evening."""
    house = House(traits=EDGES)
    house.hear("play", 0, episode(2))
    house.hear("play", None, episode(1))
    house.wait(95 * MINUTE)
    house.hear("stop", 95, episode(2))
    assert ("alice", "watched", 95.0) in house.verdicts


def test_gone_judges_at_the_last_observed_position_and_the_play_may_go_on():
    """Rule 10, 11: left becomes watched, and never twice."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 60)
    house.hear("gone", None)
    assert house.verdicts == [("alice", "left", 60.0)]
    house.wait(HOUR)
    house.watch(60, 95)
    house.hear("gone", None)
    house.wait(HOUR)
    house.hear("progress", 95)
    house.hear("gone", None)
    assert [(fact.play, fact.kind) for fact in house.facts] == [("p1", "left"), ("p1", "watched")]


def test_the_same_left_is_not_owed_twice():
    """Rule 11: repeats change nothing."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 60)
    house.hear("gone", None)
    house.hear("pause", 60)
    house.hear("gone", None)
    house.hear("stop", 60)
    assert house.verdicts == [("alice", "left", 60.0)]


def test_after_a_day_it_is_a_new_play():
    """The state forgets after a day; what was seen before is told by the store."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 60)
    house.hear("gone", None)
    house.wait(25 * HOUR)
    assert house.state.sessions == {}
    assert house.state.plays == {}
    house.priors = (Prior(account="alice", seen=True),)
    house.hear("play", 85)
    house.watch(85, 95)
    house.hear("stop", 95)
    assert [fact.play for fact in house.facts] == ["p1", "p2"]
    assert house.kinds == ["left", "watched"]


def test_a_restart_of_ours_does_not_make_a_stop_a_ghost():
    """players.md 2.4: the silence was ours, so the position of the stop is real."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 50)
    house.lose_contact()
    house.sleep_through(45 * MINUTE)
    house.lose_contact(settle_ms=3_000)
    house.wait(10_000)
    house.hear("stop", 95)
    assert ("alice", "watched", 95.0) in house.verdicts


def test_a_ghost_after_a_restart_is_still_a_ghost():
    """players.md 2.4: its server gives up minutes after its player has died."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 75)
    house.lose_contact()
    house.lose_contact(settle_ms=3_000)
    house.wait(8 * MINUTE)
    house.hear("stop", 83)
    assert house.verdicts == [("alice", "left", 75.0)]


def test_a_verdict_long_after_the_stop_is_a_play_that_was_missed():
    """Stopped at 40 %, then a verdict twenty minutes later: its play was lost, its verdict is not."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(40 * MINUTE)
    house.hear("stop", 40)
    house.wait(60 * MINUTE)
    house.hear("watched", 91)
    house.hear("stop", None)
    assert house.kinds == ["left", "watched"]


def test_an_item_that_arrives_late_names_the_play():
    """Part 2: identification starts over when the player says what it plays."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0, item_key="k", item=None)
    house.watch(0, 10, item_key="k", item=None)
    house.auto_identify = True
    house.watch(10, 90, item_key="k")
    assert house.now_playing()[0] == "playing"
    house.hear("stop", 90, item_key="k")
    assert house.verdicts == [("alice", "watched", 90.0)]


@pytest.mark.parametrize("item", [FILM, episode(3)])
def test_a_clip_whose_length_was_wrong_is_a_play_after_all(item: Item):
    """Rule 14: a length that turns out longer takes the refusal back."""
    house = House()
    house.shorter_than_ms = 5 * MINUTE
    house.hear("play", 0, item, duration_ms=30_000)
    assert house.outcomes() == ["ignored"]
    house.watch(0, 95, item)
    house.hear("stop", 95, item)
    assert house.kinds == ["watched"]


def test_what_turns_out_to_be_excluded_is_let_go_of():
    """Rule 14: a library or path that arrives later speaks as well."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("progress", 51, ignored="library Kids is not among those that count here")
    house.watch(51, 95, ignored="library Kids is not among those that count here")
    house.hear("stop", 95, ignored="library Kids is not among those that count here")
    assert house.facts == []
    assert house.outcomes() == ["ignored"]


def test_a_relay_that_was_cut_off_tells_an_evening_at_once():
    """Events with times of their own are judged by these, and nothing past shows."""
    house = House(traits=EDGES)
    for minute in range(0, 96, 5):
        house.hear("progress", minute, at=house.ago((120 - minute) * MINUTE))
    assert house.now_playing()[0] == "nothing"
    house.hear("stop", 96, at=house.ago(24 * MINUTE))
    assert [(fact.kind, fact.live) for fact in house.facts] == [("watched", False)]
    assert house.facts[0].at_utc_ms == house.utc_ms - 24 * MINUTE


def test_a_relayed_player_that_falls_silent_is_paused_soon():
    """A session ticks once it has told a position by itself, whatever its source is known for."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(10_000)
    house.hear("progress", 0.2)
    house.wait(130_000)
    assert house.now_playing()[0] == "paused"


def test_a_relay_with_rare_ticks_is_not_paused_between_them():
    """Rule 1: no pause and start for each rare tick."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    revision = house.state.now_playing["alice"].revision
    house.watch(0, 50, every_ms=5 * MINUTE)
    assert house.state.now_playing["alice"].revision == revision


def test_each_account_of_a_shared_player_is_judged_alone_after_a_reattach():
    """Two accounts, one watched already: the other one's play goes on."""
    house = House(ALICE, AccountPolicy(account="bob", movie_percent=95))
    house.hear("play", 0)
    house.watch(0, 90)
    house.hear("gone", None)
    house.wait(MINUTE)
    house.watch(90, 97)
    house.hear("stop", 97)
    assert house.verdicts == [("alice", "watched", 90.0), ("bob", "left", 90.0), ("bob", "watched", 97.0)]


def test_silence_of_ticks_is_known_from_their_own_deadlines():
    """Rule 10: 60 s for this source, then its half hour."""
    house = House(traits=TICKS)
    house.hear("play", 0)
    house.watch(0, 85)
    house.wait(59_000)
    assert house.now_playing()[0] == "playing"
    house.wait(2_000)
    assert house.now_playing()[0] == "paused"
    house.wait(31 * MINUTE)
    assert house.kinds == ["watched"]


def test_a_verdict_about_another_item_does_not_disturb_the_one_that_plays():
    """players.md 1.5: the verdict of a play that we missed arrives when the next item plays already."""
    house = House(traits=EDGES)
    house.hear("play", 0, OTHER_FILM)
    house.hear("watched", None)
    assert house.kinds == ["watched"]
    assert house.now_playing() == ("playing", "Big Buck Bunny", 0.0)


def test_a_ghost_stop_after_the_close_changes_nothing():
    """players.md 2.4: the server may give up after we did."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 75)
    house.wait(40 * MINUTE)
    house.hear("stop", 90)
    assert house.verdicts == [("alice", "left", 75.0)]


def test_an_unobserved_stop_after_contact_was_lost_changes_nothing():
    """Rule 2: a position that nobody observed is not taken over late either."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 60)
    house.hear("gone", None)
    house.hear("stop", 60.2, observed=False)
    house.hear("end", 60.2, observed=False)
    assert house.verdicts == [("alice", "left", 60.0)]


def test_a_new_play_after_a_watch_without_a_stop_is_a_new_play():
    """Rule 11: contact was lost in the credits; from the beginning it is a play of its own."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("gone", None)
    house.wait(HOUR)
    house.hear("play", 0)
    assert house.now_playing() == ("playing", "Sintel", 0.0)
    assert len(house.state.plays) == 2


def test_a_source_without_patience_leaves_nothing_overdue():
    """What is due at once is done at once, or the daemon would spin."""
    house = House(traits=SourceTraits(ticks=True, quiet_ms=0, close_ms=0, richness=1))
    house.auto_identify = False
    house.hear("play", 10)
    due = next_deadline(house.state)
    assert due is not None
    assert due > house.mono_ms
    house.identify("s1")
    assert house.verdicts == [("alice", "left", 10.0)]


def test_a_play_begun_at_its_end_and_watched_from_the_beginning_is_a_watch():
    """Part 1.6: an earlier part was seen here, by seeking back."""
    house = House()
    house.hear("play", 92)
    house.hear("seek", 0)
    house.watch(0, 93)
    house.hear("stop", 93)
    assert house.kinds == ["watched"]


@pytest.mark.parametrize(("minutes", "kind"), [(95, "watched"), (3, "left")])
def test_a_play_that_tells_nothing_but_its_end_is_judged_by_the_clock(minutes: int, kind: str):
    """Rule 4: a player without positions that ran for the length of the film has shown it."""
    house = House(traits=EDGES)
    house.hear("play", None)
    house.wait(minutes * MINUTE)
    house.hear("end", None)
    assert house.kinds == [kind]


@pytest.mark.parametrize("silence_ms", [10 * MINUTE, 2 * HOUR])
def test_a_jump_after_a_silence_says_nothing_of_the_time_before(silence_ms: int):
    """Rule 4: what a player did while it was not heard is not known when it comes back elsewhere."""
    house = House()
    house.hear("play", 0)
    house.wait(silence_ms)
    house.hear("seek", 0.1)
    house.hear("seek", 85)
    house.hear("stop", 85)
    assert "watched" not in house.kinds


def test_a_late_stop_that_a_log_tells_of_is_history_of_its_own_time():
    """Closed by silence, and read in a log hours later: the watch is told with the time at which it ended."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(9 * 60 * MINUTE)
    ended_utc_ms = house.utc_ms - 7 * 60 * MINUTE
    house.hear("stop", 95, at=datetime.fromtimestamp(ended_utc_ms / 1000, UTC))
    watched = [fact for fact in house.facts if fact.kind == "watched"]
    assert [(fact.live, fact.at_utc_ms) for fact in watched] == [(False, ended_utc_ms)]


@pytest.mark.parametrize(("minutes", "plays"), [(9, 1), (11, 2)])
def test_an_echo_is_one_for_ten_minutes(minutes: int, plays: int):
    """Rule 11: so long after the end, a play at an unknown position is the one that just ended."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 96)
    house.hear("stop", 96)
    house.wait(minutes * MINUTE)
    house.hear("play", None)
    assert len(house.state.plays) == plays


def test_a_player_that_goes_back_says_so_by_its_ticks():
    """Rule 7: a tick of the item before is late for two seconds; after that it plays again."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 20)
    house.hear("play", 0, OTHER_FILM)
    house.wait(10_000)
    house.hear("progress", 20)
    assert house.now_playing() == ("playing", "Sintel", 20.0)
    assert house.kinds == ["left", "left"]


def test_a_stop_after_a_long_pause_is_no_ghost():
    """players.md 2.4: who was paused was silent for a reason, and may have gone on unheard."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("pause", 50)
    house.wait(30 * MINUTE)
    house.hear("stop", 70)
    assert house.verdicts == [("alice", "left", 70.0)]


@pytest.mark.parametrize(("minutes", "said", "percent"), [(1, 95, 95.0), (5, 95, 50.0), (5, 45, 50.0)])
def test_a_stop_long_after_a_ticking_item_was_replaced_is_not_its_end(minutes: int, said: int, percent: float):
    """Rule 11: what ticks has said where it was; minutes after the next item began, a stop is about something else."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("play", 0, OTHER_FILM)
    house.watch(0, minutes, OTHER_FILM)
    house.hear("stop", said)
    assert house.verdicts[-1] == ("alice", "left", percent)


@pytest.mark.parametrize(("minutes", "percent"), [(1, 85.0), (5, 100.0)])
def test_a_verdict_that_is_much_newer_than_the_position(minutes: int, percent: float):
    """Part 1.6: a position that is two minutes older than the server's word says no more where the play ended."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(85 * MINUTE)
    house.hear("pause", 85)
    house.hear("play", None)
    house.wait(minutes * MINUTE)
    house.hear("watched", None)
    house.hear("stop", None)
    assert house.verdicts == [("alice", "watched", percent)]


def test_a_pause_over_a_restart_of_ours_is_no_watching():
    """Who pauses at the beginning, and jumps to the end after we were away, has seen nothing in between."""
    house = House(length_ms=10 * MINUTE)
    house.hear("play", 0)
    house.hear("pause", 0)
    house.sleep_through(7 * MINUTE)
    house.lose_contact()
    house.hear("seek", 85)
    house.hear("stop", 85)
    assert house.kinds == ["left"]
