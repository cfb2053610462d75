"""What a Kodi plays, from notifications and answers in the order of real evenings (players.md 4.2 to 4.4)."""

import pytest

from scrobbler.api.testkit import check_events
from scrobbler_plugins.kodi.media import Media, loose
from scrobbler_plugins.kodi.messages import Notification
from scrobbler_plugins.kodi.tracker import (
    AFTER_PAUSE_MS,
    AFTER_SEEK_MS,
    BEAT_MS,
    OPENING_MS,
    OPENING_PATIENCE_MS,
    POLL_MS,
    Named,
    Ref,
    State,
    ref_of,
    state_of,
)
from tests.plugins.kodi.kit import EPISODE, FILM, LENGTH_MS, LOOSE, House, clock, said, sought, stopped


def test_a_play_begins_with_the_first_picture() -> None:
    """`OnPlay` comes before anything is known; the play is told when there is a length."""
    house = House()
    assert house.hears(said("OnPlay", FILM)) == []
    assert house.sees(0, length_ms=0) == []
    assert house.hears(said("OnAVChange", FILM), said("OnAVStart", FILM)) == []
    assert house.tracker.due_ms == house.now_ms
    assert house.sees(0) == [("play", 0)]
    (event,) = house.events
    assert (event.player, event.item_key, event.duration_ms) == ("kodi", "movie/2", LENGTH_MS)
    assert event.item is not None


def test_it_is_asked_only_while_it_plays() -> None:
    """Every five seconds while it plays, not at all when it rests, and of a paused one a sign of life is told unasked."""
    house = House()
    assert house.tracker.due_ms is None
    house.plays(FILM)
    assert house.tracker.due_ms == house.now_ms + POLL_MS
    house.hears(said("OnPause", FILM, speed=0))
    assert house.tracker.due_ms == house.now_ms + AFTER_PAUSE_MS
    house.later(AFTER_PAUSE_MS)
    assert house.sees(60_000, speed=0) == [("pause", 60_000)]
    assert house.tracker.resting
    assert house.tracker.due_ms == house.now_ms + BEAT_MS
    house.later(BEAT_MS)
    assert [event.kind for event in house.tracker.beat(house.now_ms)] == ["pause"]
    assert house.tracker.due_ms == house.now_ms + BEAT_MS
    house.hears(stopped(FILM, end=False))
    assert house.tracker.due_ms is None


def test_an_evening_with_pause_and_stop() -> None:
    """The stop carries the position of the last answer, since Kodi cannot be asked any more."""
    house = House()
    house.plays(FILM)
    house.later(5000)
    assert house.sees(5000) == [("progress", 5000)]
    house.hears(said("OnPause", FILM, speed=0))
    assert house.sees(7000, speed=0) == [("pause", 7000)]
    house.hears(said("OnResume", FILM))
    assert house.sees(7000) == [("play", 7000)]
    house.later(5000)
    house.sees(12_000)
    assert house.hears(stopped(FILM, end=False)) == [("stop", 12_000)]
    check_events(house.events)


def test_zeros_after_a_stop_are_no_position() -> None:
    """After a stop Kodi answers with zeros; the stop keeps its position, and a second one changes nothing."""
    assert state_of({"time": clock(0), "totaltime": clock(0), "speed": 0}) == State(0, 0, 0.0)
    house = House()
    house.plays(FILM, 600_000)
    house.later(5000)
    assert house.sees(0, length_ms=0) == []
    assert house.hears(stopped(FILM, end=False)) == [("stop", 600_000)]
    assert house.hears(stopped(FILM, end=False)) == []


def test_natural_end() -> None:
    """`end: true` is an end; the count that comes before it is Kodi's own."""
    house = House()
    house.plays(EPISODE, LENGTH_MS - 4000)
    assert house.tracker.counts_itself(Ref("episode", 412, ""), house.now_ms)
    assert house.hears(stopped(EPISODE, end=True)) == [("end", LENGTH_MS - 4000)]
    assert house.tracker.counts_itself(Ref("episode", 412, ""), house.now_ms + 1000)
    assert not house.tracker.counts_itself(Ref("episode", 413, ""), house.now_ms)
    assert not house.tracker.counts_itself(Ref("episode", 412, ""), house.now_ms + 120_000)


def test_a_mark_while_something_else_plays_is_by_hand() -> None:
    """A count of another item than the one that plays is not Kodi's own."""
    house = House()
    house.plays(FILM, LENGTH_MS - 10_000)
    assert house.tracker.counts_itself(Ref("movie", 2, ""), house.now_ms)
    assert not house.tracker.counts_itself(Ref("episode", 412, ""), house.now_ms)


def test_a_mark_after_a_short_look_is_by_hand() -> None:
    """Who stops after a tenth and then marks it as watched has done that by hand: Kodi counts nothing so early."""
    house = House()
    house.plays(FILM, LENGTH_MS // 10)
    house.hears(stopped(FILM, end=False))
    assert not house.tracker.counts_itself(Ref("movie", 2, ""), house.now_ms + 1000)


def test_next_item_without_a_stop() -> None:
    """Kodi says no stop of what is replaced: `OnResume` of the old, then `OnPlay` of the new, which closes the old."""
    house = House()
    house.plays(FILM, 1_200_000)
    house.hears(said("OnResume", FILM))
    assert house.sees(1_204_000) == [("progress", 1_204_000)]
    assert house.hears(said("OnPlay", EPISODE)) == [("stop", 1_204_000)]
    house.hears(said("OnAVStart", EPISODE))
    assert house.sees(0) == [("play", 0)]
    check_events(house.events)


def test_stop_that_comes_after_the_next_play() -> None:
    """In other versions the old item's stop follows the new one's play: it is matched by item, and changes nothing."""
    house = House()
    house.plays(FILM, 1_200_000)
    house.hears(said("OnPlay", EPISODE), said("OnAVStart", EPISODE))
    house.sees(0)
    assert house.hears(stopped(FILM, end=False)) == []
    assert house.sees(1000) == [("progress", 1000)]
    assert house.hears(stopped(EPISODE, end=False)) == [("stop", 1000)]


def test_late_stop_of_a_file_that_was_never_seen_open() -> None:
    """A stop during the opening comes late, even when the same file is opened again: whether anything plays is asked."""
    house = House()
    house.hears(said("OnPlay", FILM))
    assert house.hears(stopped(FILM, end=False)) == []
    assert house.tracker.due_ms == house.now_ms
    assert house.sees(500) == [("play", 500)]
    closed = House()
    closed.hears(said("OnPlay", FILM), stopped(FILM, end=False))
    assert closed.sees(None) == []
    assert closed.tracker.unnamed is None
    assert closed.tracker.due_ms is None


def test_late_stop_of_a_file_that_plays_again() -> None:
    """The stop of the first run may come after the second has begun: whether anything plays is asked."""
    house = House()
    house.plays(FILM, 1_200_000)
    house.hears(said("OnPlay", FILM))
    assert house.hears(stopped(FILM, end=False)) == []
    assert house.tracker.due_ms == house.now_ms
    assert house.sees(0) == [("stop", 1_200_000), ("play", 0)]


@pytest.mark.parametrize(
    "late", [said("OnPause", EPISODE, speed=0), said("OnResume", EPISODE), sought(EPISODE, 90_000)]
)
def test_a_late_word_about_what_was_replaced(late: Notification) -> None:
    """What is said of the old item after the new one has begun moves nothing, and asks nothing."""
    house = House()
    house.plays(EPISODE, 600_000)
    house.plays(FILM, 0)
    due_ms = house.tracker.due_ms
    house.later(100)
    assert house.hears(late) == []
    assert house.tracker.due_ms == due_ms


def test_stop_of_something_unknown_is_checked() -> None:
    """A stop that names another title may still be of what plays; when nothing does, it has ended."""
    house = House()
    house.plays(LOOSE, 50_000)
    assert house.hears(stopped({"type": "unknown", "title": "Another Label"}, end=False)) == []
    assert house.tracker.due_ms == house.now_ms
    assert house.sees(None) == [("stop", 50_000)]


def test_stop_without_a_title_is_of_what_plays() -> None:
    """A notification may name nothing at all."""
    house = House()
    house.plays(LOOSE, 50_000)
    assert house.hears(stopped({"type": "unknown"}, end=True)) == [("end", 50_000)]


def test_same_file_opened_again() -> None:
    """Opened again from the beginning it is a stop and a new play; from where it was, as older versions resume, one play."""
    house = House()
    house.plays(FILM, 1_200_000)
    house.hears(said("OnResume", FILM), said("OnPlay", FILM), said("OnAVStart", FILM))
    assert house.sees(0) == [("stop", 1_200_000), ("play", 0)]
    resumed = House()
    resumed.plays(FILM, 1_200_000)
    resumed.hears(said("OnPause", FILM, speed=0))
    resumed.sees(1_200_000, speed=0)
    resumed.hears(said("OnPlay", FILM))
    assert resumed.sees(1_200_000) == [("play", 1_200_000)]


def test_seek_is_told_where_it_was_wanted_and_corrected_later() -> None:
    """`OnSeek` names the wish; for a second the old position is still answered; then the key frame that was found."""
    house = House()
    house.plays(FILM, 60_000)
    house.later(1000)
    assert house.hears(sought(FILM, 3_000_000)) == [("seek", 3_000_000)]
    assert house.tracker.due_ms == house.now_ms + AFTER_SEEK_MS
    house.later(500)
    assert house.sees(61_000) == [("progress", 3_000_000)]
    house.later(1500)
    assert house.sees(2_996_000) == [("seek", 2_996_000)]
    house.later(POLL_MS)
    assert house.sees(3_001_000) == [("progress", 3_001_000)]


def test_a_resume_point_that_is_sought_while_the_file_opens() -> None:
    """Kodi may announce the way to where the film was left before its first picture: the play begins there, by no seek."""
    house = House()
    assert house.hears(said("OnPlay", FILM), sought(FILM, 3_000_000), said("OnAVStart", FILM)) == []
    assert house.sees(3_000_400) == [("play", 3_000_400)]


def test_a_key_frame_far_from_the_wish() -> None:
    """After a seek the film may be many seconds before the place that was wanted: that is believed at once."""
    house = House()
    house.plays(FILM, 60_000)
    house.hears(sought(FILM, 3_000_000))
    house.later(AFTER_SEEK_MS)
    assert house.sees(2_990_000) == [("seek", 2_990_000)]


def test_stop_right_after_a_seek() -> None:
    """The place that was sought is the last one known."""
    house = House()
    house.plays(FILM, 60_000)
    house.hears(sought(FILM, 3_000_000))
    assert house.hears(stopped(FILM, end=False)) == [("stop", 3_000_000)]


def test_seek_while_paused_stays_paused() -> None:
    """A seek in a pause moves the pause."""
    house = House()
    house.plays(FILM, 60_000)
    house.hears(said("OnPause", FILM, speed=0))
    house.sees(60_000, speed=0)
    assert house.hears(sought(FILM, 90_000)) == [("seek", 90_000)]
    house.later(AFTER_SEEK_MS)
    assert house.sees(89_000, speed=0) == [("pause", 89_000)]
    house.later(1000)
    assert house.sees(89_000, speed=0) == []


def test_fast_forward_is_no_resume() -> None:
    """At another speed it goes on; the `OnResume` at its end tells nothing that was not so before."""
    house = House()
    house.plays(FILM, 60_000)
    house.hears(said("OnSpeedChanged", FILM, speed=4))
    assert house.sees(64_000, speed=4) == [("progress", 64_000)]
    assert house.events[-1].speed == 4
    house.hears(said("OnResume", FILM), said("OnSpeedChanged", FILM, speed=1))
    assert house.sees(80_000) == [("progress", 80_000)]


def test_running_backwards_is_a_row_of_seeks_and_no_end() -> None:
    """A negative speed is none for an event; Kodi calls it an end when it has run back to the beginning."""
    house = House()
    house.plays(FILM, 60_000)
    house.hears(said("OnSpeedChanged", FILM, speed=-2))
    assert house.sees(40_000, speed=-2) == [("seek", 40_000)]
    assert house.events[-1].speed == 1
    assert house.hears(stopped(FILM, end=True)) == [("stop", 40_000)]
    check_events(house.events)


def test_running_back_to_the_beginning_at_once() -> None:
    """The speed that Kodi announces counts before it was asked for."""
    house = House()
    house.plays(FILM, 2_000)
    house.hears(said("OnSpeedChanged", FILM, speed=-4))
    assert house.hears(stopped(FILM, end=True)) == [("stop", 2_000)]


@pytest.mark.parametrize("method", ["System.OnQuit", "System.OnSleep", "System.OnRestart"])
def test_end_of_kodi_is_a_stop(method: str) -> None:
    """Quitting and going to sleep stop what plays, where nobody has said so yet."""
    house = House()
    house.plays(FILM, 700_000)
    assert house.hears(said(method)) == [("stop", 700_000)]
    assert house.hears(said(method)) == []


def test_lost_contact() -> None:
    """When contact is lost, what played is gone at its last position; afterwards there is nothing to lose."""
    house = House()
    house.plays(FILM, 700_000)
    assert [(event.kind, event.position_ms) for event in house.tracker.lost(house.now_ms)] == [("gone", 700_000)]
    assert house.tracker.lost(house.now_ms) == []


def test_joining_a_play_in_progress() -> None:
    """What is found playing or paused is told from where it is."""
    house = House()
    house.tracker.join(Ref("movie", 2, ""), house.now_ms)
    house.tracker.named(Named(Media("movie/2", loose({"file": "/a.mkv"}).item)))
    assert house.sees(1_500_000, speed=0) == [("pause", 1_500_000)]
    assert house.hears(stopped(FILM, end=False)) == [("stop", 1_500_000)]


def test_the_player_that_is_asked() -> None:
    """It is the one that the last word was of; -1 is none."""
    house = House()
    house.hears(Notification("Player.OnPlay", {"item": FILM, "player": {"playerid": 3, "speed": 1}}))
    assert house.tracker.player_id == 3
    house.hears(Notification("Player.OnPause", {"item": FILM, "player": {"playerid": -1, "speed": 0}}))
    assert house.tracker.player_id == 3


def test_a_pause_heard_before_anything_else() -> None:
    """A notification about an item of which no beginning was heard begins it."""
    house = House()
    house.hears(said("OnPause", FILM, speed=0))
    assert house.sees(5000, speed=0) == [("pause", 5000)]


def test_each_episode_of_a_file_is_its_name() -> None:
    """Notifications name one of the episodes in a file, answers another: it is one file."""
    house = House()
    house.tracker.join(Ref("episode", 3, ""), house.now_ms)
    also = (Ref("episode", 3, ""), Ref("episode", 4, ""))
    house.tracker.named(Named(Media("episode/3", loose({"file": "/a.mkv"}).item), also))
    house.sees(10_000)
    assert house.tracker.counts_itself(Ref("episode", 4, ""), house.now_ms)
    assert house.hears(stopped({"id": 4, "type": "episode"}, end=True)) == [("end", 10_000)]


def test_what_is_no_play_is_said_once_and_not_asked_about() -> None:
    """Live TV is told with the reason why it is none; nothing is asked of it afterwards."""
    house = House()
    house.tracker.join(Ref("channel", 5, "News"), house.now_ms)
    house.tracker.named(Named(Media("channel/5", loose({"file": "pvr://x"}).item, "live_tv")))
    assert house.sees(0, length_ms=0) == [("play", None)]
    assert house.events[-1].skip == "live_tv"
    assert house.tracker.due_ms is None
    house.hears(said("OnPause", {"type": "channel", "id": 5}, speed=0))
    assert house.sees(0, length_ms=0) == []
    assert house.hears(said("OnPlay", FILM)) == []
    assert house.sees(0) == [("play", 0)]


def test_a_song_closes_the_film() -> None:
    """Music takes the place of a film; pictures have a player of their own."""
    house = House()
    house.plays(FILM, 60_000)
    assert house.hears(said("OnPlay", {"type": "picture", "file": "/a.jpg"})) == []
    assert house.hears(said("OnPlay", {"type": "song", "id": 9})) == [("stop", 60_000)]


def test_answer_that_may_be_about_the_next_item() -> None:
    """A position far back or another length, without a seek, is asked once more: the next `OnPlay` may be under way."""
    house = House()
    house.plays(FILM, 5_000_000)
    house.later(POLL_MS)
    assert house.sees(300, length_ms=1_500_000) == []
    assert house.tracker.due_ms == house.now_ms + OPENING_MS
    assert house.hears(said("OnPlay", EPISODE)) == [("stop", 5_000_000)]
    further = House()
    further.plays(FILM, 60_000)
    further.later(POLL_MS)
    assert further.sees(65_000, length_ms=1_500_000) == []
    assert further.hears(said("OnPlay", EPISODE)) == [("stop", 60_000)]
    honest = House()
    honest.plays(FILM, 5_000_000)
    honest.later(POLL_MS)
    assert honest.sees(300) == []
    honest.later(OPENING_MS)
    assert honest.sees(1300) == [("seek", 1300)]


def test_a_file_that_does_not_open_is_asked_ever_more_rarely() -> None:
    """A stream without a length is looked at each second at first, later as one that plays."""
    house = House()
    house.hears(said("OnPlay", FILM))
    house.sees(0, length_ms=0)
    assert house.tracker.due_ms == house.now_ms + OPENING_MS
    house.later(OPENING_PATIENCE_MS)
    house.sees(0, length_ms=0)
    assert house.tracker.due_ms == house.now_ms + POLL_MS


def test_nothing_told_before_it_begins() -> None:
    """What is replaced before its first picture was never a play."""
    house = House()
    house.hears(said("OnPlay", FILM))
    house.sees(0, length_ms=0)
    assert house.hears(said("OnPlay", EPISODE)) == []
    assert house.events == []


def test_refs() -> None:
    """All shapes in which a notification names something (players.md 4.2)."""
    assert ref_of({"item": {"id": 2, "type": "movie"}}) == Ref("movie", 2, "")
    assert ref_of({"id": 412, "type": "episode", "playcount": 1}) == Ref("episode", 412, "")
    assert ref_of({"id": -1, "type": ""}) == Ref("", None, "")
    assert not ref_of({"item": LOOSE}).library
    assert Ref("movie", None, "A").names(Ref("unknown", None, ""))
    assert not Ref("movie", None, "A").names(Ref("movie", None, "B"))
    assert not Ref("movie", 2, "").names(Ref("episode", 2, ""))


def test_noise_changes_nothing() -> None:
    """Stream changes and playlists are not about playback; data may be missing."""
    house = House()
    house.plays(FILM, 60_000)
    assert house.hears(said("OnAVChange", FILM), Notification("Player.OnPropertyChanged", {})) == []
    assert house.hears(Notification("Player.OnSeek", {"item": FILM})) == []
