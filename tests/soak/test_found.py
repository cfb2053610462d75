"""What the soak has found, each reduced to the few events that show it."""

from tests.plays.kit import EDGES, MINUTE, OTHER_FILM, RICH_TICKS, TICKS, House, episode

SECOND = 1000


def _watched_times(house: House) -> list[tuple[str, int]]:
    return [(one.kind, one.at_utc_ms) for one in house.facts if one.kind == "watched"]


def test_a_restart_after_the_servers_verdict_does_not_end_the_play():
    """Plex counted the play, the daemon restarted, the play went on: its watch has the time of its stop (contract.md 1.6)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(90 * MINUTE)
    house.hear("watched")
    house.lose_contact()
    house.wait(10 * MINUTE)
    house.hear("stop")
    assert _watched_times(house) == [("watched", house.utc_ms)]


def test_a_verdict_after_a_restart_does_not_end_the_play():
    """The daemon restarted, then Plex counted the play: its watch has the time of its stop, too (contract.md 1.6)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(50 * MINUTE)
    house.lose_contact()
    house.wait(40 * MINUTE)
    house.hear("watched")
    house.wait(10 * MINUTE)
    house.hear("stop")
    assert _watched_times(house) == [("watched", house.utc_ms)]


def test_a_verdict_that_nothing_follows_settles_at_the_first_silence():
    """Plex counted the play, the daemon restarted, and nothing more came: it is settled as without the restart (rule 10)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(90 * MINUTE)
    house.hear("watched")
    said = house.utc_ms
    house.lose_contact()
    house.wait(30 * MINUTE)
    assert _watched_times(house) == [("watched", said)]


def test_a_ticking_play_that_the_next_one_overtakes_ends_then():
    """The next episode begins before the stop of the old one arrives: the old one was watched until then (rule 7)."""
    house = House(traits=RICH_TICKS, length_ms=40 * MINUTE)
    house.hear("play", 0, episode(1))
    house.watch(0, 97.5, episode(1), every_ms=MINUTE)
    house.wait(MINUTE)
    began = house.utc_ms
    house.hear("play", 0, episode(2))
    house.wait(SECOND // 2)
    house.hear("stop", 100, episode(1))
    assert _watched_times(house) == [("watched", began)]


def test_a_ticking_play_that_fell_out_of_step_ended_when_it_was_last_heard():
    """Its client died near the end, and another film begins there later: nobody played on meanwhile (rule 2)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.watch(0, 86, every_ms=20 * SECOND)
    died = house.utc_ms
    house.wait(MINUTE + MINUTE // 2)
    house.hear("play", 0, OTHER_FILM)
    assert _watched_times(house) == [("watched", died)]


def test_our_own_absence_is_no_rhythm_of_a_player():
    """After an hour away, a ticking player's silence means as much as before (rule 10)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.watch(0, 20, every_ms=20 * SECOND)
    house.sleep_through(55 * MINUTE)
    house.lose_contact()
    house.wait(20 * SECOND)
    house.watch(75, 86, every_ms=20 * SECOND)
    house.wait(3 * MINUTE)
    assert house.now_playing()[0] == "paused"


def test_a_pause_that_nobody_heard_does_not_end_a_counted_play_too_soon():
    """Paused for longer than the slack, unheard, and counted later: the watch has the time of its stop."""
    house = House(traits=EDGES, length_ms=120 * MINUTE)
    house.hear("play", 0)
    house.wait(108 * MINUTE + 16 * MINUTE)
    house.hear("watched")
    house.wait(12 * MINUTE)
    house.hear("stop")
    assert _watched_times(house) == [("watched", house.utc_ms)]


def test_a_paused_play_that_another_one_replaces_ended_at_its_pause():
    """Paused near the end and given up for another film: nobody played on meanwhile."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(85 * MINUTE)
    house.hear("pause", 85)
    paused = house.utc_ms
    house.wait(10 * MINUTE)
    house.hear("play", 0, OTHER_FILM)
    assert _watched_times(house) == [("watched", paused)]


def test_verdicts_alone_tell_one_episode_from_the_next():
    """Only the verdicts of two episodes are heard, the second long after the first: the second is the one that plays on."""
    house = House(traits=EDGES)
    house.hear("watched", None, episode(1))
    over = house.utc_ms + 10 * MINUTE
    house.wait(100 * MINUTE)
    house.hear("watched", None, episode(2))
    house.wait(10 * MINUTE)
    house.hear("stop", None, episode(2))
    assert _watched_times(house) == [("watched", over), ("watched", house.utc_ms)]


def test_a_resume_that_fell_into_a_restart_skips_nothing():
    """Paused, then the daemon was away while the play went on: what it missed is not taken for skipped (rule 4)."""
    house = House(traits=TICKS)
    house.hear("play", 0)
    house.watch(0, 40)
    house.hear("pause", 40)
    house.sleep_through(50 * MINUTE)
    house.lose_contact(settle_ms=3 * SECOND)
    house.wait(5 * MINUTE)
    house.hear("progress", 95)
    house.watch(95, 100)
    house.hear("stop", 100)
    assert _watched_times(house) == [("watched", house.utc_ms)]


def test_the_next_episode_overtakes_one_of_which_only_the_verdict_was_heard():
    """Its beginning fell into our absence, and the next episode comes before its stop: it was watched until then."""
    house = House(traits=EDGES, length_ms=60 * MINUTE)
    house.hear("watched", None, episode(1))
    house.wait(6 * MINUTE)
    house.hear("play", 0, episode(2))
    began = house.utc_ms
    house.wait(SECOND // 2)
    house.hear("stop", None, episode(1))
    assert _watched_times(house) == [("watched", began)]


def test_a_verdict_that_another_play_follows_much_later():
    """Only the verdict was heard, and the next play begins hours later: what a server counts is nearly over (players.md 1.5)."""
    house = House(traits=EDGES, length_ms=60 * MINUTE)
    house.hear("watched", None, episode(1))
    said = house.utc_ms
    house.wait(3 * 60 * MINUTE)
    house.hear("play", 0, episode(2))
    ((_, at),) = _watched_times(house)
    assert said <= at <= said + 12 * MINUTE


def test_a_late_stop_says_when_it_ended():
    """The daemon was away until the play counted as lost; then its end is heard: it was watched until then."""
    house = House(traits=RICH_TICKS)
    house.hear("play", 0)
    house.watch(0, 45)
    house.sleep_through(50 * MINUTE)
    house.lose_contact(settle_ms=3 * SECOND)
    house.wait(20 * SECOND)
    house.hear("stop", 96)
    assert _watched_times(house) == [("watched", house.utc_ms)]


def test_a_stop_that_the_next_play_overtakes_says_when_it_ended():
    """A player with edges alone: the next film's beginning arrives before the stop of the old one (rule 7)."""
    house = House(traits=EDGES)
    house.hear("play", 0)
    house.wait(95 * MINUTE)
    house.hear("play", 0, OTHER_FILM)
    house.wait(SECOND // 2)
    house.hear("stop", 95)
    ((_, at),) = _watched_times(house)
    assert house.utc_ms - SECOND <= at <= house.utc_ms


def test_a_player_whose_rhythm_nobody_knows_is_in_step():
    """The daemon dies at every word, so no two in a row are heard; the next episode begins, then the stop comes (rule 7)."""
    house = House(traits=TICKS, length_ms=24 * MINUTE)
    house.hear("progress", 70, episode(1))
    house.sleep_through(5 * MINUTE)
    for percent in (93, None, None):
        house.lose_contact(settle_ms=3 * SECOND)
        house.wait(10 * SECOND)
        if percent is not None:
            house.hear("progress", percent, episode(1))
        house.wait(10 * SECOND)
    house.hear("play", 0, episode(2))
    began = house.utc_ms
    house.wait(SECOND // 2)
    house.hear("stop", 100, episode(1))
    assert _watched_times(house) == [("watched", began)]
