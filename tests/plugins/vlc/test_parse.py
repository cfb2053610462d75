"""From look to look: what is told of a VLC, and when (players.md 6.1)."""

from scrobbler.api.testkit import check_events
from scrobbler_plugins.vlc.messages import Status
from scrobbler_plugins.vlc.parse import OPENING_S, PLAYING_S, RESTING_S, Look
from tests.plugins.vlc.kit import OTHER, Watched

IDLE = Status("stopped")


def at(seconds: float, length: float = 1500, item: int | None = 3, **more: object) -> Status:
    """Return a VLC that plays an item of these seconds at a position."""
    values = {"state": "playing", "streams": "video", "name": "Sintel (2010).mkv", "rate": 1.0, **more}
    length_ms = round(length * 1000) if length > 0 else None
    return Status(item=item, time_ms=round(seconds * 1000), length_ms=length_ms, **values)  # type: ignore[arg-type]


def paused(seconds: float, length: float = 1500, item: int | None = 3) -> Status:
    """Return a VLC that is paused there."""
    return at(seconds, length, item, state="paused")


def opened() -> Watched:
    """Return a VLC that has played a film of 1500 s from its beginning for two seconds."""
    return Watched().look(IDLE, at(0), at(1), at(2))


def test_an_item_is_told_at_the_second_look() -> None:
    """The second look, a moment after the first, finds VLC where it wants to begin: at the place where the film was left."""
    watched = Watched().look(IDLE, at(0))
    assert watched.events == []
    assert watched.player.wait_s == OPENING_S
    watched.look(at(745))
    assert watched.told == [("play", 745)]
    play = watched.events[0]
    assert (play.item_key, play.duration_ms) == ("/media/Sintel (2010).mkv", 1_500_000)
    assert (play.player, play.skip) == ("127.0.0.1:8080", None)
    assert watched.player.wait_s == PLAYING_S


def test_a_play_in_progress_is_joined_at_once() -> None:
    """What is far in already is told at the first look, playing or paused."""
    assert Watched().look(at(745)).told == [("play", 745)]
    assert Watched().look(paused(0)).told == [("pause", 0)]


def test_an_item_is_not_told_before_its_length_is_known() -> None:
    """While it opens, VLC plays nothing of length 0 or -1; a minute of that is no play."""
    watched = Watched().look(*[at(0, 0, streams="")] * 60)
    assert watched.events == []
    assert watched.player.wait_s == RESTING_S
    assert watched.look(at(0)).told == [("play", 0)]


def test_what_never_has_a_length_plays_all_the_same() -> None:
    """Where time goes on without a length it is told without one, and the length comes when VLC knows it."""
    watched = Watched().look(at(1, 0), at(2, 0), at(3, 0))
    assert watched.told == [("play", 3)]
    assert watched.events[0].duration_ms is None
    watched.look(*[at(second) for second in range(4, 10)])
    assert watched.events[-1].duration_ms == 1_500_000


def test_positions_are_told_every_five_seconds() -> None:
    """It is looked at every second, and told every five."""
    watched = opened().look(*[at(second) for second in range(3, 24)])
    assert watched.told == [("play", 1), ("progress", 6), ("progress", 11), ("progress", 16), ("progress", 21)]


def test_pause_and_resume() -> None:
    """Each is told once, at the position where VLC is; a pause is said again after ten minutes, as a sign of life."""
    watched = opened().look(at(3), paused(4), paused(4), at(4), at(5))
    assert watched.told == [("play", 1), ("pause", 4), ("play", 4)]
    watched.look(paused(6))
    assert watched.player.wait_s == RESTING_S
    watched.look(*[paused(6)] * 700)
    assert watched.told[3:] == [("pause", 6), ("pause", 6)]


def test_a_stop_tells_the_last_position() -> None:
    """Stopped VLC says zero everywhere: the last look is the only position."""
    watched = opened().look(at(745), IDLE, IDLE)
    assert watched.told[-1] == ("stop", 745)
    assert watched.events[-1].duration_ms == 1_500_000
    assert [kind for kind, _ in watched.told].count("stop") == 1


def test_a_natural_end_is_told_where_time_reaches_it() -> None:
    """A stop is an end if the last position and the time since then, at the speed of VLC, reach the length."""
    assert Watched().look(at(1490), at(1496), IDLE).told[-1] == ("stop", 1496)
    assert Watched().look(at(1490), at(1498), IDLE).told[-1] == ("end", 1498)
    fast = at(1494, rate=4.0)
    assert Watched().look(at(1490), fast, IDLE).told[-1] == ("end", 1494)
    assert Watched().look(at(1400), at(1493, rate=4.0), IDLE).told[-1] == ("stop", 1493)


def test_a_pause_near_the_end_is_no_end() -> None:
    """Paused in the last second and stopped there, it did not run out."""
    assert Watched().look(at(1490), paused(1499), IDLE).told[-1] == ("stop", 1499)


def test_what_happened_unseen_is_no_end() -> None:
    """After hours without a look (the machine slept) nobody knows whether it ran on: the last position stands."""
    watched = Watched().look(at(700), at(701)).look(IDLE, after_s=3600)
    assert watched.told[-1] == ("stop", 701)


def test_without_a_length_there_is_no_end() -> None:
    """What has no length can only be stopped."""
    assert Watched().look(at(1, 0), at(2, 0), at(3, 0), IDLE).told[-1] == ("stop", 3)


def test_the_next_item_closes_the_one_before() -> None:
    """Another place in the playlist is another item: the old one stops, or ended, and the new one begins at its own look."""
    watched = opened()
    watched.uris[4] = OTHER
    watched.look(at(10), at(0, 600, 4), at(1, 600, 4))
    assert watched.told[-2:] == [("stop", 10), ("play", 1)]
    assert watched.events[-1].item_key == "/media/Big Buck Bunny (2008).mkv"
    assert watched.events[-1].duration_ms == 600_000
    ended = Watched().look(at(1490), at(1499), at(0, 600, 4), at(1, 600, 4))
    assert ended.told[-2:] == [("end", 1499), ("play", 1)]


def test_the_same_file_once_more_is_a_next_item() -> None:
    """A file that is in the playlist twice plays twice: its place tells that, not its name."""
    watched = Watched().look(at(1498), at(1499), at(0, item=7), at(1, item=7))
    assert watched.told == [("play", 1498), ("end", 1499), ("play", 1)]
    check_events(watched.events)


def test_a_short_item_between_two_looks_is_missed() -> None:
    """An item that came and went between two looks leaves no trace, and confuses nothing."""
    watched = opened()
    watched.uris[5] = OTHER
    watched.look(at(0, 600, 5), at(1, 600, 5))
    assert watched.told == [("play", 1), ("stop", 2), ("play", 1)]


def test_an_item_that_is_zapped_through_is_not_told() -> None:
    """What is left before its second look was never a play."""
    watched = Watched().look(IDLE, at(0, item=3), at(0, item=4), at(0, item=5), IDLE)
    assert watched.events == []


def test_a_repeated_item_ends_and_begins() -> None:
    """A leap from the end to the beginning, as time allows it, is an end and a new play of the same item."""
    watched = Watched().look(at(1490), at(1499), at(0), at(1))
    assert watched.told[-2:] == [("end", 1499), ("play", 0)]
    check_events(watched.events)


def test_going_back_to_the_beginning_is_a_seek() -> None:
    """A leap to the beginning from elsewhere is a seek."""
    assert Watched().look(at(745), at(746), at(0)).told[-2:] == [("progress", 746), ("seek", 0)]


def test_going_back_from_the_end_is_a_seek() -> None:
    """A leap from the last second to the middle is no repeat: it begins nowhere near the beginning."""
    assert Watched().look(at(1490), at(1499), at(745)).told[-1] == ("seek", 745)


def test_seeks_are_what_time_does_not_explain() -> None:
    """Forward beyond what the speed allows, or backward: the last position before it and the landing are told."""
    watched = opened().look(at(3), at(4), at(15), at(16), at(6), at(7))
    assert watched.told == [("play", 1), ("progress", 4), ("seek", 15), ("progress", 16), ("seek", 6)]


def test_a_slow_look_is_no_seek() -> None:
    """Ten seconds between two looks explain ten seconds of film, and forty at four times the speed."""
    assert opened().look(at(12), after_s=10).told == [("play", 1), ("progress", 12)]
    watched = Watched().look(at(3, rate=4.0), at(7, rate=4.0)).look(at(47, rate=4.0), after_s=10)
    assert "seek" not in [kind for kind, _ in watched.told]
    assert watched.events[-1].speed == 4.0


def test_a_change_of_speed_between_two_looks_is_no_seek() -> None:
    """The faster of the two speeds is what time allows."""
    assert "seek" not in [kind for kind, _ in opened().look(at(6, rate=4.0)).told]
    slower = Watched().look(at(3, rate=4.0), at(7, rate=4.0), at(11, rate=1.0))
    assert "seek" not in [kind for kind, _ in slower.told]


def test_a_clock_that_wobbles_is_no_seek() -> None:
    """VLC's time may go back by a second, or stand still while it buffers."""
    watched = opened().look(at(3), at(2), at(2), at(2), at(3))
    assert "seek" not in [kind for kind, _ in watched.told]


def test_a_seek_while_paused() -> None:
    """It is told at once, and the resume after it at the new place."""
    watched = opened().look(paused(3), paused(745), paused(745), at(745))
    assert watched.told == [("play", 1), ("pause", 3), ("seek", 745), ("play", 745)]


def test_a_seek_and_a_pause_in_one_look() -> None:
    """The jump comes before what follows it."""
    watched = opened().look(at(3), paused(745))
    assert watched.told == [("play", 1), ("progress", 3), ("seek", 745), ("pause", 745)]


def test_a_position_that_is_not_told_for_a_while() -> None:
    """An answer without a time changes nothing: the position of before stands, until the next."""
    silent = at(3)._replace(time_ms=None)
    watched = opened().look(silent, silent, at(5), at(6), silent, IDLE)
    assert watched.told == [("play", 1), ("progress", 6), ("stop", 6)]


def test_what_was_told_in_a_pause_is_not_told_again() -> None:
    """A jump out of a pause, or from where the last word was, has no other position before it."""
    assert opened().look(paused(3), paused(3), paused(745)).told == [("play", 1), ("pause", 3), ("seek", 745)]
    watched = opened().look(at(3), at(4), at(5), at(6), at(745))
    assert watched.told == [("play", 1), ("progress", 6), ("seek", 745)]


def test_zeros_of_a_play_are_no_position() -> None:
    """VLC that still plays and says zero for position and length is between two things: nothing is told of that."""
    watched = opened().look(at(745), at(0, 0), IDLE)
    assert watched.told[-1] == ("stop", 745)


def test_no_item_between_two_is_no_news() -> None:
    """A VLC that tells places and for a look has none is on its way to the next: the play goes on."""
    assert opened().look(at(3, item=None), at(4), at(5)).told == [("play", 1)]
    assert opened().look(Status("opening"), at(4)).told == [("play", 1)]


def test_a_vlc_without_places_is_followed_by_name() -> None:
    """Older ones tell no place: then another name is another item."""
    watched = Watched().look(at(0, item=None), at(1, item=None), at(2, item=None, name="other.mkv"))
    watched.look(at(3, item=None, name="other.mkv"))
    assert [kind for kind, _ in watched.told] == ["play", "stop", "play"]


def test_a_vlc_that_has_gone() -> None:
    """Contact that is lost leaves the last position; where it ran out at that very moment, VLC closed after its last item."""
    assert opened().look(at(745)).lose().told[-1] == ("gone", 745)
    assert Watched().look(at(1490), at(1499)).lose().told[-1] == ("end", 1499)
    assert Watched().look(IDLE).lose().events == []
    assert opened().look(IDLE).lose().told[-1] == ("stop", 2)


def test_it_is_found_again() -> None:
    """After it was lost, the same item is told anew, with all that belongs to it."""
    watched = opened().lose().look(at(300))
    assert watched.told[-1] == ("play", 300)
    assert watched.events[-1].item is not None
    check_events(watched.events)


def test_what_is_no_play_is_told_once() -> None:
    """Music is said to be none of ours, once, and nothing more of it."""
    watched = Watched().look(*[at(second, streams="audio") for second in range(20)], IDLE)
    assert [(event.kind, event.skip) for event in watched.events] == [("play", "music")]
    assert watched.player.wait_s == RESTING_S
    watched.look(at(0, item=4), at(1, item=4))
    assert (watched.events[-1].kind, watched.events[-1].skip) == ("play", None)


def test_streams_that_come_late_tell_music() -> None:
    """What holds sound alone may say so only at the second look, when it has been opened: it is no play all the same."""
    watched = Watched().look(at(0, 0, streams=""), at(0, streams=""), at(1, streams="audio"), at(2, streams="audio"))
    assert [(event.kind, event.skip) for event in watched.events] == [("play", "music")]


def test_an_address_that_is_not_known_yet() -> None:
    """Without its address nothing is told of an item, and it is asked for at the next look."""
    watched = Watched().look(IDLE)
    player, status = watched.player, at(745)
    assert player.look(Look(status, 1, 2), None) == []
    assert player.is_new(status)
    assert watched.look(status).told == [("play", 745)]
    assert not player.is_new(status)
