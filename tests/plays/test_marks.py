"""Marks by hand, plays that a source remembers, and files with several episodes (rules.md rules 12, 13, 15)."""

import pytest

from scrobbler.api import Movie
from scrobbler.plays.model import Prior
from tests.plays.kit import EDGES, MINUTE, OTHER_FILM, House, episode

HOUR = 60 * MINUTE


def test_a_mark_is_a_completion_without_a_play():
    """Rule 15: history with its own time; it never shows as playing."""
    house = House()
    house.hear("marked")
    assert [(fact.kind, fact.live, fact.at_utc_ms) for fact in house.facts] == [("watched", False, house.utc_ms)]
    assert house.now_playing()[0] == "nothing"


def test_the_same_mark_twice_is_one_completion():
    """Rule 11: repeats change nothing."""
    house = House()
    house.hear("marked")
    house.wait(2_000)
    house.hear("marked")
    assert len(house.facts) == 1


def test_a_mark_during_the_play_is_the_servers_verdict():
    """Rule 4: mark-watched counts, and settles when the play ends."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("marked")
    assert house.facts == []
    house.watch(50, 60)
    house.hear("stop", 60)
    assert house.verdicts == [("alice", "watched", 60.0)]


def test_a_mark_elsewhere_during_the_play_is_its_verdict_too():
    """Jellyfin names the marks of a user as a player of their own."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("marked", player="by-hand")
    house.hear("stop", 50)
    assert house.kinds == ["watched"]


def test_a_mark_after_a_play_that_was_left_counts():
    """Left at half, then marked by hand: somebody said that it was watched."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 50)
    house.hear("stop", 50)
    house.wait(5 * MINUTE)
    house.hear("marked")
    assert house.kinds == ["left", "watched"]
    assert not house.facts[1].live


def test_a_mark_after_a_watch_changes_nothing():
    """Rule 11: a server that marks by itself after the end says nothing new."""
    house = House()
    house.hear("play", 0)
    house.watch(0, 95)
    house.hear("stop", 95)
    house.wait(5_000)
    house.hear("marked")
    house.hear("marked", player="by-hand")
    assert house.kinds == ["watched"]


def test_a_flood_of_marks_goes_to_review():
    """Rule 15: more than 20 within ten minutes are not watched, they are imported."""
    house = House()
    for number in range(1, 31):
        house.wait(5_000)
        house.hear("marked", None, episode(number), player="by-hand")
    assert house.kinds == ["watched"] * 20
    held = [one for one in house.state.plays.values() if one.outcome == "needs review"]
    assert len(held) == 10
    assert {one.outcome_reason for one in held} == {"more than 20 were marked as watched within 10 minutes"}
    house.wait(10 * MINUTE)
    house.hear("marked", None, episode(40), player="by-hand")
    assert len(house.facts) == 21


def test_a_flood_of_verdicts_without_a_play_goes_to_review():
    """Plex may say `media.scrobble` for each episode of a season that is marked: nobody watches thirty in a minute."""
    house = House(traits=EDGES)
    for number in range(1, 31):
        house.wait(2_000)
        house.hear("watched", None, episode(number))
    house.wait(12 * HOUR)
    assert house.kinds == ["watched"] * 20
    held = [one for one in house.state.plays.values() if one.outcome == "needs review"]
    assert {one.outcome_reason for one in held} == {"more than 20 were marked as watched within 10 minutes"}
    assert len(held) == 10


def test_verdicts_on_different_films_are_no_flood():
    """What a server says of one film after the other, such as after its own absence, counts: a mark is of one series."""
    house = House(traits=EDGES)
    for number in range(1, 31):
        house.wait(2_000)
        house.hear("watched", None, Movie(title=f"Film {number}"))
    house.wait(12 * HOUR)
    assert house.kinds == ["watched"] * 30


@pytest.mark.parametrize("kind", ["films", "episodes"])
def test_a_flood_in_what_a_source_remembers_goes_to_review(kind: str):
    """Catching up: a history has marks by hand among its plays, and only their times tell them apart."""
    house = House(traits=EDGES)
    for number in range(1, 31):
        item = Movie(title=f"Film {number}") if kind == "films" else episode(number)
        at = house.ago(50 * HOUR - number * 1_000)
        house.hear("watched", None, item, at=at, player="history:1", telling="remembered")
    assert house.kinds == ["watched"] * 20


def test_two_weeks_of_evenings_are_no_flood():
    """Catching up: many plays that are told at once, each with a time of its own, all count."""
    house = House(traits=EDGES)
    for number in range(1, 31):
        house.hear("watched", None, episode(number), at=house.ago((31 - number) * HOUR), player="history:1")
    assert house.kinds == ["watched"] * 30


def test_people_release_a_mark_of_the_flood():
    """Review: once somebody says what it is, it is owed."""
    house = House()
    for number in range(1, 22):
        house.hear("marked", None, episode(number), player="by-hand")
    house.identify("s21")
    assert len(house.facts) == 21


def test_a_remembered_play_does_not_count_for_the_one_in_progress():
    """Catching up: yesterday's watch is not today's."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(10 * MINUTE)
    house.hear("watched", None, at=house.ago(20 * HOUR))
    house.hear("stop", 10)
    assert [(fact.kind, fact.progress, fact.live) for fact in house.facts] == [
        ("watched", 100.0, False),
        ("left", 10.0, True),
    ]


def test_a_remembered_play_completes_the_one_whose_stop_was_lost():
    """Catching up: the play that we followed until contact was lost."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(20 * MINUTE)
    house.hear("gone", 20)
    house.wait(2 * HOUR)
    house.hear("watched", None, at=house.ago(40 * MINUTE), player="history:1")
    told = [(fact.play, fact.kind, fact.progress) for fact in house.facts]
    assert told == [("p1", "left", 20.0), ("p1", "watched", 100.0)]
    assert house.facts[1].at_utc_ms == house.utc_ms - 40 * MINUTE


def test_of_two_plays_the_nearest_is_the_one_that_a_source_remembers():
    """Catching up: left in the den at noon, begun anew and watched in bed soon after: it is the second that is remembered."""
    house = House(traits=EDGES)
    house.hear("play", 0, player="den")
    house.wait(20 * MINUTE)
    house.hear("stop", 20, player="den")
    house.wait(5 * MINUTE)
    house.hear("play", 0, player="bed")
    house.wait(95 * MINUTE)
    house.hear("stop", 95, player="bed")
    house.wait(MINUTE)
    house.hear("watched", None, at=house.ago(2 * MINUTE), player="history:1", telling="remembered")
    assert [(fact.play, fact.kind) for fact in house.facts] == [("p1", "left"), ("p2", "watched")]


def test_a_play_remembered_twice_is_owed_once():
    """Catching up goes through the same duplicate guard, whatever player the source names."""
    house = House(traits=EDGES)
    house.hear("watched", None, at=house.ago(3 * HOUR))
    house.hear("watched", None, at=house.ago(3 * HOUR))
    house.hear("watched", None, at=house.ago(3 * HOUR + MINUTE), source="log")
    assert house.kinds == ["watched"]


@pytest.mark.parametrize("seconds", [0, 20, 59, 61, -30])
def test_a_play_remembered_right_after_its_end_is_owed_once(seconds: int):
    """Catching up: after a quick restart of ours, a server remembers what has just ended; its clock may be ahead of ours."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(95 * MINUTE)
    house.hear("stop", 95)
    house.wait(20_000)
    house.hear("watched", None, at=house.ago(seconds * 1_000), player="history:1", telling="remembered")
    house.wait(20 * HOUR)
    assert house.verdicts == [("alice", "watched", 95.0)]
    assert [one.merged_into for one in house.state.plays.values()] == [None, "p1"]


def test_a_play_remembered_right_after_its_end_is_owed_at_once():
    """Catching up: what nobody heard and ended a moment ago is history, and shows nowhere."""
    house = House(traits=EDGES)
    house.hear("watched", None, at=house.ago(20_000), player="history:1", telling="remembered")
    assert [(fact.kind, fact.live, fact.at_utc_ms) for fact in house.facts] == [
        ("watched", False, house.utc_ms - 20_000)
    ]
    assert house.now_playing()[0] == "nothing"


def test_a_play_in_progress_that_its_server_remembers_already_is_owed_once():
    """Catching up: Plex has a play in its history from 90 % on; it goes on, and ends once."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(92 * MINUTE)
    house.hear("watched", None, at=house.ago(10_000), player="history:1", telling="remembered")
    assert (house.facts, house.now_playing()[0]) == ([], "playing")
    house.wait(5 * MINUTE)
    house.hear("stop", 97)
    assert house.verdicts == [("alice", "watched", 97.0)]


@pytest.mark.parametrize(("minutes", "watches"), [(110, 1), (130, 2)])
def test_two_remembered_plays_are_one_within_two_hours(minutes: int, watches: int):
    """Catching up: the same title twice in an evening is watched twice, when two hours or its length lie between."""
    house = House(traits=EDGES)
    house.hear("watched", None, at=house.ago(9 * HOUR))
    house.hear("watched", None, at=house.ago(9 * HOUR - minutes * MINUTE), source="log")
    assert house.kinds == ["watched"] * watches
    later = House(traits=EDGES)
    later.priors = (Prior(account="alice", seen=True, watched_utc_ms=later.utc_ms - 9 * HOUR, watched_play="p1"),)
    later.hear("watched", None, at=later.ago(9 * HOUR - minutes * MINUTE))
    assert later.kinds == ["watched"] * (watches - 1)


def test_a_play_remembered_before_its_name_is_known_is_owed_once():
    """Both reports wait for their identification."""
    house = House(traits=EDGES)
    house.auto_identify = False
    house.hear("watched", None, at=house.ago(3 * HOUR))
    house.hear("watched", None, at=house.ago(3 * HOUR))
    for session in list(house.state.sessions):
        house.identify(session)
    assert house.kinds == ["watched"]


def test_a_remembered_play_does_not_swallow_the_next_one():
    """What a source remembers is no session that later events belong to."""
    house = House(traits=EDGES)
    house.hear("watched", None, at=house.ago(3 * HOUR))
    house.wait(MINUTE)
    house.hear("play", None)
    house.wait(MINUTE)
    house.hear("pause", 90)
    assert house.state.sessions["s2"].phase.mode == "paused"


def test_a_recent_remembered_play_does_not_wait_for_a_stop():
    """A verdict with a time of its own is history, even if it is three minutes old."""
    house = House(traits=EDGES)
    house.hear("watched", None, at=house.ago(3 * MINUTE), player="history:1")
    assert house.kinds == ["watched"]


def test_a_double_file_counts_on_a_player_with_edges_alone():
    """Rule 13: closed past its first part, both are complete."""
    house = House(traits=EDGES)
    house.hear("play", 0, episode(1, 2))
    house.wait(97 * MINUTE)
    house.hear("stop", 97, episode(1, 2))
    assert [(fact.part, fact.kind, fact.progress) for fact in house.facts] == [
        (0, "watched", 100.0),
        (1, "watched", 94.0),
    ]


def test_a_double_file_named_late_counts_both_parts():
    """Rule 13: the name arrives in the second part."""
    house = House()
    house.auto_identify = False
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 70, episode(1, 2))
    house.identify("s1")
    assert [(fact.part, fact.kind) for fact in house.facts] == [(0, "watched")]
    assert house.now_playing()[1] == "Firefly 1x2"


def test_a_part_that_was_skipped_and_watched_later_counts():
    """Rule 13: seeking back over the border and watching it makes it complete."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.hear("seek", 55, episode(1, 2))
    house.watch(55, 60, episode(1, 2))
    assert house.facts == []
    house.hear("seek", 0, episode(1, 2))
    assert house.now_playing()[1] == "Firefly 1x1"
    house.watch(0, 60, episode(1, 2))
    house.hear("stop", 60, episode(1, 2))
    assert [(fact.part, fact.kind, fact.progress) for fact in house.facts] == [(0, "watched", 100.0), (1, "left", 20.0)]


def test_a_look_over_the_border_completes_nothing():
    """Rule 13: the next part has to play."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 35, episode(1, 2))
    house.hear("seek", 55, episode(1, 2))
    house.hear("seek", 35, episode(1, 2))
    house.watch(35, 37, episode(1, 2))
    house.hear("stop", 37, episode(1, 2))
    assert [(fact.part, fact.kind, fact.progress) for fact in house.facts] == [(0, "left", 74.0)]


def test_a_double_file_begun_in_its_second_part_leaves_the_first_alone():
    """Rule 13: what was not played here is not judged."""
    house = House()
    house.hear("play", 52, episode(1, 2))
    house.watch(52, 97, episode(1, 2))
    house.hear("stop", 97, episode(1, 2))
    assert [(fact.part, fact.kind) for fact in house.facts] == [(1, "watched")]


def test_a_double_file_goes_on_after_contact_was_lost_in_its_second_part():
    """Rule 11: the first part is watched, the second one goes on in the same play."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 70, episode(1, 2))
    house.hear("gone", None, episode(1, 2))
    house.wait(HOUR)
    house.watch(70, 97, episode(1, 2))
    house.hear("stop", 97, episode(1, 2))
    assert [(fact.play, fact.part, fact.kind) for fact in house.facts] == [
        ("p1", 0, "watched"),
        ("p1", 1, "left"),
        ("p1", 1, "watched"),
    ]


def test_the_end_of_a_double_file_completes_both():
    """Rule 13: the natural end is the end of the last part."""
    house = House()
    house.hear("play", 0, episode(1, 2))
    house.watch(0, 99.9, episode(1, 2))
    house.hear("end", None, episode(1, 2))
    assert [(fact.part, fact.kind, fact.progress) for fact in house.facts] == [
        (0, "watched", 100.0),
        (1, "watched", 100.0),
    ]


def test_a_verdict_of_the_server_is_about_the_whole_file():
    """Rule 13: a server knows one item where there are two episodes."""
    house = House(traits=EDGES)
    house.hear("play", 0, episode(1, 2))
    house.wait(91 * MINUTE)
    house.hear("watched", None, episode(1, 2))
    house.hear("stop", None, episode(1, 2))
    assert sorted((fact.part, fact.kind) for fact in house.facts) == [(0, "watched"), (1, "watched")]


def test_the_play_after_a_mark_is_a_play_of_its_own():
    """A mark is no session that later events belong to."""
    house = House()
    house.hear("marked", None, OTHER_FILM)
    house.hear("play", None, OTHER_FILM)
    house.watch(0, 20, OTHER_FILM)
    assert house.now_playing() == ("playing", "Big Buck Bunny", 20.0)


def test_a_part_that_was_not_played_here_is_not_judged_by_an_earlier_play():
    """Rule 13: the first part may have been seen before; this play says nothing of it."""
    house = House()
    house.priors = (Prior(account="alice", seen=True),)
    house.hear("play", 52, episode(1, 2))
    house.watch(52, 97, episode(1, 2))
    house.hear("stop", 97, episode(1, 2))
    assert [(fact.part, fact.kind) for fact in house.facts] == [(1, "watched")]
