"""The rules of docs/rules.md that the pure machine carries, one promise each."""

from datetime import UTC, datetime

import pytest

from scrobbler.api import PlayerEvent
from scrobbler.plays.machine import step
from scrobbler.plays.model import AccountPolicy, Heard, Prior
from tests.plays.kit import ALICE, EDGES, FILM, MINUTE, OTHER_FILM, RICH_TICKS, TICKS, House, episode


def test_a_plain_watch_is_one_banner_and_one_completion():
    """Rule 1: a film watched through changes what plays now twice and enqueues one watch."""
    house = House()
    house.hear("play", 0)
    revisions = {house.state.now_playing["alice"].revision}
    house.watch(0, 100)
    revisions.add(house.state.now_playing["alice"].revision)
    house.hear("end", None)
    assert house.verdicts == [("alice", "watched", 100.0)]
    assert len(revisions) == 1
    assert house.now_playing() == ("nothing", "", None)


def test_the_time_of_a_watch_is_the_time_of_its_end():
    """Part 1.6: the completion carries when the play ended."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    assert house.facts[0].at_utc_ms == house.utc_ms


def test_a_play_left_early_is_saved_where_it_was_left():
    """Rule 3: below the threshold a stop says "left", at the position reported."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 40)
    house.hear("stop", 40)
    assert house.verdicts == [("alice", "left", 40.0)]


def test_a_stop_without_a_position_keeps_the_last_observed_one():
    """Rule 2: missing is not zero."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 30)
    house.hear("stop", None)
    assert house.verdicts == [("alice", "left", 30.0)]


def test_extrapolated_positions_do_not_count():
    """Rule 2: at the end of contact the last observed position stands."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("progress", 95, observed=False)
    house.wait(2 * 3_600_000)
    assert house.verdicts == [("alice", "left", 50.0)]


@pytest.mark.parametrize(
    ("threshold", "left_at", "kind"), [(80, 80, "watched"), (80, 79.99, "left"), (90, 85, "left"), (70, 71, "watched")]
)
def test_each_account_has_its_own_threshold(threshold: float, left_at: float, kind: str):
    """Rule 3: from `watched_percent` on, and not before, a play is a watch."""
    house = House(AccountPolicy(account="bob", movie_percent=threshold))
    house.hear("play", 0)
    house.watch(0, left_at)
    house.hear("stop", left_at)
    assert [fact.kind for fact in house.facts] == [kind]


def test_two_accounts_on_one_player_are_two_plays():
    """Part 2: shared play is one play for each, judged by each one's threshold."""
    house = House(ALICE, AccountPolicy(account="bob", movie_percent=95))
    house.hear("play", 0)
    house.watch(0, 90)
    house.hear("stop", 90)
    assert house.verdicts == [("alice", "watched", 90.0), ("bob", "left", 90.0)]


def test_skipping_to_the_end_is_no_watch():
    """Rule 4: a position that was skipped to speaks against a watch."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 5)
    house.hear("seek", 90)
    house.watch(90, 92)
    house.hear("stop", 92)
    assert house.verdicts == [("alice", "left", 92.0)]


def test_a_film_rushed_through_is_no_watch():
    """Rule 4: faster than four times the clock is not watching."""
    house = House()
    house.hear("play", 0)
    house.wait(30_000)
    house.hear("progress", 99)
    house.hear("end", None)
    assert house.verdicts == [("alice", "left", 99.0)]


def test_triple_speed_is_honest_watching():
    """Rule 4: speeds up to four times count."""
    house = House()
    house.hear("play", 0)
    for percent in range(3, 100, 3):
        house.wait(MINUTE)
        house.hear("progress", percent)
    house.hear("end", None)
    assert [fact.kind for fact in house.facts] == ["watched"]


@pytest.mark.parametrize(("speed", "kind"), [(4, "watched"), (8, "left"), (11, "left")])
def test_time_allows_four_times_the_speed_however_often_a_player_ticks(speed: int, kind: str):
    """Rule 4: a player that ticks each second and winds, or skips ten seconds each second without a word, was not watched."""
    house = House()
    house.hear("play", 0)
    position = 0
    while position < 95 * MINUTE:
        house.wait(1_000)
        position += speed * 1_000
        house.hear("progress", position_ms=position)
    house.hear("stop", position_ms=position)
    assert house.kinds == [kind]


def test_a_player_that_lags_now_and_then_is_honest():
    """Rule 4: reports that come ten seconds late, and catch up, are no skips."""
    house = House()
    house.hear("play", 0)
    for second in range(60, 95 * 60, 60):
        house.wait(50_000)
        house.hear("progress", position_ms=(second - 20) * 1_000)
        house.wait(10_000)
        house.hear("progress", position_ms=second * 1_000)
    house.hear("stop", 95)
    assert house.kinds == ["watched"]


def test_a_stop_at_the_end_right_after_the_start_is_no_watch():
    """Rule 4: also on a player with edges alone, whose reports may lag by half a minute."""
    house = House(traits=EDGES, length_ms=12 * MINUTE)
    house.hear("play", 0)
    house.wait(2_000)
    house.hear("stop", 96)
    assert house.kinds == ["left"]


def test_skipping_a_minute_in_every_two_is_no_watch():
    """Rule 4: many small skips are as much as a large one; only the grain of the reports is no skip."""
    house = House()
    house.hear("play", 0)
    for percent in range(0, 95, 2):
        house.watch(percent, percent + 1)
        house.hear("seek", percent + 2)
    house.hear("stop", 96)
    assert house.kinds == ["left"]


@pytest.mark.parametrize(("skipped_to", "kind"), [(68, "watched"), (72, "left")])
def test_the_share_that_may_be_missing(skipped_to: float, kind: str):
    """Rule 4: of what lies before the end, a little less than 40 % may be missing, and not a little more."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 31)
    house.hear("seek", skipped_to)
    house.watch(skipped_to, 95)
    house.hear("stop", 95)
    assert house.kinds == [kind]


def test_a_short_skip_does_not_deny_a_watch():
    """Rule 4: up to 40 % may be missing."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 30)
    house.hear("seek", 60)
    house.watch(60, 95)
    house.hear("stop", 95)
    assert [fact.kind for fact in house.facts] == ["watched"]


def test_the_offset_at_which_a_play_begins_counts_as_seen():
    """Rule 4: begun elsewhere at 60 % and watched to the end here is a watch."""
    house = House()
    house.hear("play", 60)
    house.watch(60, 98)
    house.hear("stop", 98)
    assert [fact.kind for fact in house.facts] == ["watched"]


def test_a_play_that_begins_past_the_threshold_is_no_watch():
    """Part 1.6: opened near the end, never seen before: it ends in a pause."""
    house = House()
    house.hear("play", 92)
    house.watch(92, 99)
    house.hear("stop", 99)
    assert house.verdicts == [("alice", "left", 99.0)]


def test_a_play_continued_past_the_threshold_is_a_watch_when_its_beginning_was_seen_here():
    """Part 1.6: with an earlier part seen, it is a watch."""
    house = House()
    house.priors = (Prior(account="alice", seen=True),)
    house.hear("play", 85)
    house.watch(85, 99)
    house.hear("stop", 99)
    assert [fact.kind for fact in house.facts] == ["watched"]


@pytest.mark.parametrize(("hours", "kind"), [(3, "left"), (30, "watched")])
def test_the_end_of_a_film_that_was_just_watched_is_no_second_watch(hours: int, kind: str):
    """Part 1.6: what was seen of it belongs to the watch of the same day."""
    house = House()
    watched_utc_ms = house.utc_ms - hours * 60 * MINUTE
    house.priors = (Prior(account="alice", seen=True, watched_utc_ms=watched_utc_ms, watched_play="p0"),)
    house.hear("play", 90)
    house.watch(90, 99)
    house.hear("stop", 99)
    assert house.kinds == [kind]


def test_nothing_starts_past_eighty_percent():
    """Rule 5: Simkl would count such a start by itself."""
    house = House()
    house.hear("play", 85)
    assert house.now_playing() == ("nothing", "", None)


def test_what_shows_stays_when_it_passes_eighty_percent():
    """Rule 5 is about starts alone."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 85)
    assert house.now_playing()[0] == "playing"


def test_a_pause_settles_before_it_is_sent():
    """Rule 6: a pause that is taken back within a second is a flap."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 10)
    house.hear("pause", 10)
    now_playing = house.state.now_playing["alice"]
    assert now_playing.mode == "paused"
    assert now_playing.settle_mono_ms == house.mono_ms + 1000


def test_the_next_item_closes_the_old_one_first():
    """Rule 7: a play of another item on the player ends the old play at its last position."""
    house = House()
    house.hear("play", 0, episode(1))
    house.watch(0, 90, episode(1))
    house.hear("play", 0, episode(2))
    assert house.verdicts == [("alice", "watched", 90.0)]
    assert house.now_playing() == ("playing", "Firefly 1x2", 0.0)


def test_a_resume_of_the_replaced_item_is_a_flap():
    """Rule 6: Kodi says OnResume for the old item before OnPlay for the new one; the old one was paused."""
    house = House()
    house.hear("play", 0, episode(1))
    house.watch(0, 40, episode(1))
    house.hear("pause", 40, episode(1))
    house.wait(MINUTE)
    house.hear("play", None, episode(1))
    assert house.state.now_playing["alice"].settle_mono_ms > house.mono_ms
    house.hear("play", 0, episode(2))
    assert house.verdicts == [("alice", "left", 40.0)]
    assert house.now_playing() == ("playing", "Firefly 1x2", 0.0)


def test_the_last_start_has_the_banner_and_gives_it_back():
    """Rule 8: an account shows one play; the older one shows again when the newer one is over."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 10)
    house.hear("play", 0, OTHER_FILM, player="tablet")
    assert house.now_playing() == ("playing", "Big Buck Bunny", 0.0)
    house.hear("progress", 11)
    assert house.now_playing() == ("playing", "Big Buck Bunny", 0.0)
    house.hear("stop", 5, OTHER_FILM, player="tablet")
    assert house.now_playing() == ("playing", "Sintel", 11.0)


def test_losing_contact_pauses_everything():
    """Rule 9: on shutdown what plays now is a pause at the last position, at once."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 33)
    house.lose_contact()
    assert house.now_playing() == ("paused", "Sintel", 33.0)
    assert house.state.now_playing["alice"].settle_mono_ms == house.mono_ms


def test_a_play_goes_on_after_contact_was_lost():
    """Rule 9: heard again, it plays again, and ends in one watch."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 33)
    house.lose_contact()
    house.wait(5_000)
    house.watch(33, 96)
    assert house.now_playing()[0] == "playing"
    house.hear("stop", 96)
    assert house.verdicts == [("alice", "watched", 96.0)]


def test_silence_is_a_pause_and_then_an_end():
    """Rule 10: quiet pauses, close judges at the last observed position."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.wait(61_000)
    assert house.now_playing() == ("paused", "Sintel", 50.0)
    assert house.facts == []
    house.wait(1_800_000)
    assert house.verdicts == [("alice", "left", 50.0)]
    assert house.now_playing()[0] == "nothing"


def test_a_pause_behind_the_servers_verdict_is_the_end():
    """players.md 1.5: some clients pause at the end and say no more: half an hour later the watch counts, once."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(90 * MINUTE)
    house.hear("watched")
    house.wait(9 * MINUTE)
    house.hear("pause", 99)
    house.wait(20 * MINUTE)
    assert house.verdicts == []
    house.wait(11 * MINUTE)
    assert house.verdicts == [("alice", "watched", 99.0)]
    house.hear("play", 99)
    house.hear("stop", 100)
    assert len(house.verdicts) == 1


def test_a_source_with_edges_may_be_silent_for_the_length_of_the_item():
    """Rule 10: edges only: the remaining runtime plus slack."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(100 * MINUTE + 890_000)
    assert house.now_playing()[0] == "playing"
    house.wait(20_000)
    assert house.now_playing()[0] == "paused"


def test_a_late_wake_up_pauses_before_anything_else():
    """Rule 9: after suspend the silence counts first; the play then goes on as itself."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 20)
    house.sleep_through(8 * 3_600_000)
    house.hear("progress", 20.1)
    assert house.verdicts == [("alice", "left", 20.0)]
    assert house.notes.count("opened") == 2
    assert "reattached" in house.notes


def test_a_terminal_is_settled_once():
    """Rule 11: repeats of stop, end and verdict change nothing."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    for kind in ("stop", "stop", "end", "watched", "stop"):
        house.hear(kind, 95)
    assert house.verdicts == [("alice", "watched", 95.0)]


def test_an_echo_after_the_end_is_swallowed():
    """Rule 11: skipping the credits raises another play near the end."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(95 * MINUTE)
    house.hear("stop", 95)
    house.wait(2_000)
    house.hear("play", 97)
    house.hear("stop", None)
    assert len(house.facts) == 1
    assert len(house.state.plays) == 1


def test_a_real_low_position_after_the_end_is_a_new_play():
    """Rule 11: watching it again is a play of its own."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    house.wait(5_000)
    house.hear("play", 1)
    assert len(house.state.plays) == 2
    assert house.now_playing()[0] == "playing"


def test_a_verdict_in_the_middle_settles_the_play_at_its_end():
    """Part 1.6: Plex's scrobble counts; the stop without a position carries 100."""
    house = House(traits=EDGES)
    house.length_ms = None
    house.hear("play", 0, position_ms=0)
    house.wait(90 * MINUTE)
    house.hear("watched", None)
    assert house.facts == []
    house.wait(5 * MINUTE)
    house.hear("stop", None)
    assert house.verdicts == [("alice", "watched", 100.0)]


def test_a_verdict_settles_at_the_quiet_deadline_when_no_stop_comes():
    """Part 1.6: stop, next item, or the quiet deadline."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(90 * MINUTE)
    house.hear("watched", None)
    house.wait(3 * 3_600_000)
    assert [fact.kind for fact in house.facts] == ["watched"]


def test_a_verdict_swapped_with_the_stop_still_counts():
    """players.md 1.5: scrobble and stop can arrive swapped within a second."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(70 * MINUTE)
    house.hear("stop", None)
    house.wait(400)
    house.hear("watched", None)
    assert [fact.kind for fact in house.facts] == ["left", "watched"]


def test_a_ghost_stop_keeps_the_last_observed_position():
    """players.md 2.4: the server's late stop includes the time since its player died."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 75)
    house.wait(8 * MINUTE)
    house.hear("stop", 83)
    assert house.verdicts == [("alice", "left", 75.0)]


def test_a_stop_after_its_item_was_replaced_still_counts():
    """players.md 1.5: play of the next item can overtake the stop of the old one."""
    house = House(traits=EDGES)
    house.hear("play", 0, episode(1))
    house.wait(95 * MINUTE)
    house.hear("play", 0, episode(2))
    house.wait(300)
    house.hear("stop", 95, episode(1))
    assert [(fact.kind, fact.progress) for fact in house.facts] == [("left", 0.0), ("watched", 95.0)]
    assert house.now_playing() == ("playing", "Firefly 1x2", 0.0)


def test_one_play_seen_by_two_sources_is_one_play():
    """Issue: Jellyfin's hook and the mpv of its shim are one play with one completion."""
    house = House()
    house.hear("play", 0, source="jellyfin", traits=RICH_TICKS)
    house.wait(2_000)
    house.hear("play", 0.1, source="mpv", player="shim")
    for percent in range(1, 97):
        house.wait(MINUTE)
        house.hear("progress", percent, source="jellyfin", traits=RICH_TICKS)
        house.hear("progress", percent, source="mpv", player="shim")
    house.hear("stop", 96, source="jellyfin", traits=RICH_TICKS)
    house.hear("stop", 96, source="mpv", player="shim")
    assert [fact.kind for fact in house.facts] == ["watched"]
    assert house.outcomes() == [None, "merged"]


def test_the_other_source_takes_over_when_the_richer_falls_silent():
    """Part 2: the richer session speaks, another takes over."""
    house = House()
    house.hear("play", 0, source="jellyfin", traits=RICH_TICKS)
    house.hear("play", 0, source="mpv", player="shim")
    house.watch(0, 95, source="mpv", player="shim")
    assert house.now_playing()[0] == "playing"
    house.hear("stop", 95, source="mpv", player="shim")
    house.wait(3 * 3_600_000)
    assert [(fact.kind, fact.progress) for fact in house.facts] == [("watched", 95.0)]


def test_a_late_second_report_joins_the_finished_play():
    """Rule 11: another source's report near the end, after all was settled, is the same play."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    house.wait(30_000)
    house.hear("stop", 95, source="log", player="x")
    assert [fact.kind for fact in house.facts] == ["watched"]
    assert house.outcomes() == [None, "merged"]


@pytest.mark.parametrize(("minutes", "outcomes"), [(9, [None, "merged"]), (11, [None, None])])
def test_a_late_second_report_joins_for_ten_minutes(minutes: int, outcomes: list[str | None]):
    """Rule 11: what another source says still later is about a play of its own."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    house.wait(minutes * MINUTE)
    house.hear("stop", 95, source="log", player="x")
    assert house.outcomes() == outcomes


def test_nothing_is_owed_before_the_work_is_known():
    """Part 2: a finished play waits for its identification."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    assert house.facts == []
    house.identify("s1")
    assert house.verdicts == [("alice", "watched", 95.0)]


def test_a_clip_is_no_play():
    """Rule 14: below `shorter_than` nothing is owed and nothing shows."""
    house = House(length_ms=2 * MINUTE)
    event = PlayerEvent(kind="play", player="tv", item_key="x", item=FILM, position_ms=0, duration_ms=2 * MINUTE)
    house.give(Heard(source="room", traits=TICKS, accounts=(ALICE,), event=event, shorter_than_ms=5 * MINUTE))
    assert house.now_playing()[0] == "nothing"
    assert house.outcomes() == ["ignored"]


def test_each_episode_of_a_double_file_is_completed_when_the_next_has_begun():
    """Rule 13: two episodes in one file are two watches."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 60, episode(1, 2))
    assert [(fact.part, fact.kind) for fact in house.facts] == [(0, "watched")]
    assert house.now_playing()[1] == "Firefly 1x2"
    house.watch(60, 98, episode(1, 2))
    house.hear("stop", 98, episode(1, 2))
    assert [(fact.part, fact.kind) for fact in house.facts] == [(0, "watched"), (1, "watched")]


def test_a_double_file_left_in_its_first_half_completes_nothing():
    """Rule 13: a part is judged by its own length, and the second one was not begun."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 30, episode(1, 2))
    house.hear("stop", 30, episode(1, 2))
    assert [(fact.part, fact.kind, fact.progress) for fact in house.facts] == [(0, "left", 60.0)]


def test_a_play_that_a_source_remembers_is_not_recorded_twice():
    """Catching up goes through the same duplicate guard."""
    house = House(traits=EDGES)
    ended_utc_ms = house.utc_ms - 3 * 3_600_000
    house.priors = (Prior(account="alice", seen=True, watched_utc_ms=ended_utc_ms + 60_000, watched_play="p1"),)
    house.hear("watched", None, at=datetime.fromtimestamp(ended_utc_ms / 1000, UTC))
    assert house.facts == []
    assert house.outcomes() == ["already watched"]


def test_a_play_that_a_source_remembers_becomes_history_with_its_own_time():
    """Catching up: never a start, the true time."""
    house = House(traits=EDGES)
    ended_utc_ms = house.utc_ms - 3 * 3_600_000
    house.hear("watched", None, at=datetime.fromtimestamp(ended_utc_ms / 1000, UTC))
    assert [(fact.kind, fact.live, fact.at_utc_ms) for fact in house.facts] == [("watched", False, ended_utc_ms)]
    assert house.now_playing()[0] == "nothing"


def test_a_step_changes_nothing_of_the_state_it_was_given():
    """The machine is pure: the old state is as it was."""
    house = House()
    house.hear("play", 0)
    before = house.state.contents()
    given = Heard(
        source="room",
        traits=TICKS,
        accounts=(ALICE,),
        event=PlayerEvent(kind="stop", player="tv", item_key=repr(FILM), position_ms=50 * MINUTE),
    )
    change, effects = step(house.state, given, house.now)
    assert effects
    assert house.state.contents() == before
    house.state.apply(change)
    assert house.state.contents() != before
