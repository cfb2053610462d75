"""From what players say on the bus to events, each quirk as it was seen (players.md 7)."""

import pytest

from scrobbler.api import File
from scrobbler_plugins.mpris.media import Rules
from scrobbler_plugins.mpris.parse import BEAT_MS, LAST_RETRY_MS, LOOK_MS, SEEK_REST_MS
from tests.plugins.mpris.kit import FILM, LENGTH_S, NEXT, Scene, metadata


def test_an_evening_with_one_film() -> None:
    """Start, pause, resume and stop are told with the positions that the looks saw."""
    scene = Scene()
    scene.signal(PlaybackStatus="Playing", Metadata=metadata())
    first = scene.events[0]
    assert (first.kind, first.player, first.item_key) == ("play", "vlc#7", "/media/Sintel (2010).mkv")
    assert (first.item, first.duration_ms) == (File(path="/media/Sintel (2010).mkv"), 600_000)
    scene.pass_s(100)
    scene.signal(PlaybackStatus="Paused")
    scene.pass_s(60)
    scene.signal(PlaybackStatus="Playing")
    scene.pass_s(21)
    scene.signal(PlaybackStatus="Stopped", Position=0)
    assert scene.news == [("play", 0.0), ("pause", 100.0), ("play", 100.0), ("stop", 120.0)]
    assert all(event.observed for event in scene.events)


def test_positions_are_told_while_it_plays_alone() -> None:
    """It is looked at every two seconds while it plays, hardly when paused, and not at all when it plays nothing."""
    scene = Scene()
    scene.pass_s(3600)
    assert scene.looks == 1
    scene.begin()
    scene.pass_s(20)
    assert scene.kinds == ["progress"] * (20_000 // LOOK_MS)
    scene.signal(PlaybackStatus="Paused")
    before = scene.looks
    scene.pass_s(3600)
    assert scene.looks - before == 3_600_000 // BEAT_MS
    scene.signal(PlaybackStatus="Stopped", Position=0)
    before = scene.looks
    scene.pass_s(3600)
    assert scene.looks == before
    assert scene.player.due_ms is None


def test_the_paused_one_says_that_it_is_still_there() -> None:
    """A pause of hours is repeated now and then, so that it is not taken for gone."""
    scene = Scene()
    scene.begin()
    scene.signal(PlaybackStatus="Paused")
    scene.pass_s(1300)
    assert scene.kinds == ["pause", "pause", "pause"]


def test_vlc_opens_a_file() -> None:
    """VLC has the length -1 first and the real one 0.1 s later, and then a jump that is none: one play, nothing else."""
    scene = Scene()
    scene.signal(Metadata=metadata(length_s=None) | {"mpris:length": -1}, PlaybackStatus="Playing")
    assert scene.events[0].duration_ms is None
    scene.pass_s(0.1)
    scene.signal(Metadata=metadata())
    assert scene.events[-1].duration_ms == 600_000
    scene.pass_s(0.2)
    scene.seeked(0.3)
    scene.pass_s(4)
    assert [kind for kind in scene.kinds if kind != "progress"] == ["play"]


def test_vlc_says_that_it_jumped_after_a_pause() -> None:
    """A jump that is announced at resume, and leads nowhere, is none."""
    scene = Scene()
    scene.begin()
    scene.pass_s(50)
    scene.signal(PlaybackStatus="Paused")
    scene.pass_s(7)
    scene.signal(PlaybackStatus="Playing")
    scene.pass_s(0.3)
    scene.seeked(50.3)
    assert scene.news == [("pause", 50.0), ("play", 50.0)]


def test_vlc_goes_to_the_next_item() -> None:
    """VLC stops between two items: the first has ended, the second begins, each with its own length."""
    scene = Scene()
    scene.begin(length_s=60)
    scene.pass_s(59.6)
    scene.signal(PlaybackStatus="Stopped", Position=0)
    scene.pass_s(0.1)
    scene.signal(PlaybackStatus="Playing", Metadata=metadata(NEXT, length_s=90))
    assert scene.news == [("end", 58.0), ("play", 0.0)]
    assert [event.duration_ms for event in scene.events if event.kind != "progress"] == [60_000, 90_000]
    assert scene.events[-1].item_key == "/media/Big Buck Bunny (2008).mkv"


def test_vlc_stops_at_the_end_with_the_old_metadata() -> None:
    """The last item's metadata and a position of 0 after the end are no new play."""
    scene = Scene()
    scene.begin(length_s=60)
    scene.pass_s(59.8)
    scene.signal(PlaybackStatus="Stopped", Metadata=metadata(length_s=60), Position=0, Rate=1.0)
    scene.pass_s(60)
    scene.gone()
    assert scene.news == [("end", 58.0)]


def test_mpv_goes_to_the_next_item() -> None:
    """mpv-mpris sends the next item's metadata and nothing else, with the same number for the track as before."""
    scene = Scene()
    scene.begin()
    scene.pass_s(30)
    scene.place(0.1)
    scene.signal(Metadata=metadata(NEXT, length_s=90))
    scene.pass_s(2)
    assert scene.news == [("stop", 30.0), ("play", 0.1)]
    assert [event.item_key for event in scene.events[-3:-1]] == [
        "/media/Sintel (2010).mkv",
        "/media/Big Buck Bunny (2008).mkv",
    ]


def test_mpv_before_its_file_is_open() -> None:
    """That mpv plays is said it knows what: nothing is told until it does."""
    scene = Scene()
    scene.signal(PlaybackStatus="Playing", Metadata={"mpris:trackid": "/noplaylist"})
    scene.pass_s(5)
    assert scene.events == []
    scene.place(0)
    scene.signal(Metadata=metadata())
    assert scene.kinds == ["play"]


def test_the_same_item_again_under_another_number() -> None:
    """Another number for the track is no other item."""
    scene = Scene()
    scene.begin()
    scene.pass_s(4)
    scene.signal(Metadata=metadata() | {"mpris:trackid": "/org/player/8"})
    scene.pass_s(4)
    assert set(scene.kinds) == {"progress"}


def test_a_player_that_dies() -> None:
    """Whoever leaves the bus without a stop is gone, with the last position that was seen."""
    scene = Scene()
    scene.begin()
    scene.pass_s(31)
    scene.gone()
    assert scene.news == [("gone", 30.0)]


def test_a_player_that_is_closed_orderly() -> None:
    """After a stop, leaving the bus is no news."""
    scene = Scene()
    scene.begin()
    scene.pass_s(31)
    scene.signal(PlaybackStatus="Stopped", Position=0)
    scene.gone()
    assert scene.news == [("stop", 30.0)]


def test_a_player_that_closes_at_its_end() -> None:
    """Whoever leaves the bus within the last second has ended."""
    scene = Scene()
    scene.begin(length_s=60)
    scene.pass_s(59.5)
    scene.gone()
    assert scene.news == [("end", 58.0)]


@pytest.mark.parametrize(
    ("rate", "stop_s", "kind"), [(1.0, 58.5, "stop"), (1.0, 59.1, "end"), (4.0, 54.0, "stop"), (4.0, 57.0, "end")]
)
def test_the_end_is_within_a_second(rate: float, stop_s: float, kind: str) -> None:
    """A stop within the last second, as time passes in front of the player, is the end; before that it is a stop."""
    scene = Scene()
    scene.signal(Rate=rate)
    scene.begin(length_s=60)
    scene.pass_s(stop_s / rate)
    scene.signal(PlaybackStatus="Stopped", Position=0)
    assert scene.kinds[-1] == kind


def test_the_speed_of_an_end_is_that_of_before() -> None:
    """VLC stops and goes back to the usual speed in one signal; how close the end was depends on the speed that it had."""
    scene = Scene()
    scene.signal(Rate=4.0)
    scene.begin(length_s=60)
    scene.pass_s(57 / 4)
    scene.signal(Rate=1.0, PlaybackStatus="Stopped", Position=0)
    assert [(event.kind, event.speed) for event in scene.events][-1] == ("end", 4.0)


def test_no_end_is_concluded_from_an_old_look() -> None:
    """A player that hung for minutes and dies has not been seen to come to its end."""
    scene = Scene()
    scene.begin(length_s=60)
    scene.pass_s(10)
    scene.shows = None
    scene.pass_s(300)
    scene.gone()
    assert scene.news == [("gone", 10.0)]


def test_a_pause_before_the_end_is_no_end() -> None:
    """Time that passes in a pause leads to no end."""
    scene = Scene()
    scene.begin(length_s=60)
    scene.pass_s(54)
    scene.signal(PlaybackStatus="Paused")
    scene.pass_s(9)
    scene.gone()
    assert scene.news == [("pause", 54.0), ("gone", 54.0)]


@pytest.mark.parametrize("to_s", [300.0, 20.0])
def test_a_jump_that_is_announced(to_s: float) -> None:
    """A jump is told once, with the place where it led."""
    scene = Scene()
    scene.begin()
    scene.pass_s(100)
    scene.seeked(to_s)
    scene.pass_s(1)
    assert scene.news == [("seek", to_s + SEEK_REST_MS / 1000)]


def test_a_jump_that_nobody_announces() -> None:
    """Not every player announces jumps: a second look makes sure."""
    scene = Scene()
    scene.begin()
    scene.pass_s(100)
    scene.place(300)
    scene.pass_s(4)
    assert scene.news == [("seek", 302.5)]


def test_a_row_of_jumps_is_looked_at_in_between() -> None:
    """A key held down announces many jumps a second, and is looked at three times."""
    scene = Scene()
    scene.begin()
    scene.pass_s(10)
    before = scene.looks
    for step in range(30):
        scene.seeked(20 + 10 * step)
        scene.pass_s(1 / 30)
    scene.pass_s(1)
    assert scene.looks - before <= 6
    kind, position_s = scene.news[-1]
    assert kind == "seek"
    assert position_s == pytest.approx(310, abs=1)


def test_a_jump_in_a_pause() -> None:
    """Whoever jumps in a pause is told to have jumped, and stays paused."""
    scene = Scene()
    scene.begin()
    scene.pass_s(10)
    scene.signal(PlaybackStatus="Paused")
    scene.pass_s(5)
    scene.seeked(400)
    scene.signal(PlaybackStatus="Playing")
    assert scene.news == [("pause", 10.0), ("seek", 400.0), ("play", 400.0)]


def test_a_jump_to_the_beginning_needs_a_second_look() -> None:
    """Back to the beginning is a jump if it still holds half a second later."""
    scene = Scene()
    scene.begin()
    scene.pass_s(100)
    scene.seeked(0)
    scene.pass_s(SEEK_REST_MS / 1000)
    assert scene.news == []
    scene.pass_s(1)
    assert scene.news == [("seek", 0.8)]


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_a_file_that_loops_has_ended(rate: float) -> None:
    """A leap from the end to the beginning, as time allows it, is an end and a new play: nobody says more of a loop."""
    scene = Scene()
    scene.begin(at_s=500)
    scene.signal(Rate=rate)
    scene.pass_s((LENGTH_S - 500) / rate)
    scene.place(0)
    scene.pass_s(3)
    (ended, at_s), again = scene.news
    assert (ended, again[0]) == ("end", "play")
    assert at_s == pytest.approx(LENGTH_S, abs=LOOK_MS / 1000 * rate)
    assert again[1] == pytest.approx(2 * rate, abs=2 * rate)
    scene.pass_s(20)
    scene.signal(PlaybackStatus="Stopped")
    assert [kind for kind, _ in scene.news[2:]] == ["stop"]


@pytest.mark.parametrize(("from_s", "to_s"), [(590, 0), (599, 300)])
def test_a_leap_that_is_no_loop(from_s: float, to_s: float) -> None:
    """From some seconds before the end, or to anywhere but the beginning, somebody has jumped."""
    scene = Scene()
    scene.begin(at_s=from_s)
    scene.place(to_s)
    scene.pass_s(3)
    assert [kind for kind, _ in scene.news] == ["seek"]


def test_a_position_of_zero_between_two_items_is_none() -> None:
    """Some players are at 0 shortly before they say that an item is over: that is not where it ended."""
    scene = Scene()
    scene.begin()
    scene.pass_s(300)
    scene.seeked(0)
    scene.pass_s(SEEK_REST_MS / 1000)
    scene.signal(PlaybackStatus="Stopped")
    assert scene.news == [("stop", 300.0)]


def test_a_doubt_that_passes() -> None:
    """A position that was odd once is forgotten."""
    scene = Scene()
    scene.begin()
    scene.pass_s(100)
    scene.place(0)
    scene.pass_s(2)
    scene.place(102.5)
    scene.pass_s(10)
    assert scene.news == []
    assert scene.events[-1].position_ms == pytest.approx(112_000, abs=LOOK_MS)


def test_standing_still_is_no_jump() -> None:
    """A stream that has to load again is later than expected, and has not jumped."""
    scene = Scene()
    scene.begin()
    scene.pass_s(30)
    scene.pass_s(20, moving=False)
    scene.pass_s(30)
    assert scene.news == []
    assert scene.events[-1].position_ms == 60_000


def test_a_change_of_speed_is_no_jump() -> None:
    """Faster and slower, between two looks: the expected position follows."""
    scene = Scene()
    scene.begin()
    scene.pass_s(31)
    scene.signal(Rate=4.0)
    scene.pass_s(31)
    scene.signal(Rate=1.0)
    scene.pass_s(5)
    assert scene.news == []
    assert {event.speed for event in scene.events} == {1.0, 4.0}


def test_a_speed_that_is_not_told_is_no_row_of_jumps() -> None:
    """A player that plays at four times the speed and says nothing of it is followed, not taken to skip."""
    scene = Scene()
    scene.begin()
    for _ in range(10):
        assert scene.shows is not None
        scene.place(scene.shows["Position"] / 1_000_000 + 6)
        scene.pass_s(2)
    assert scene.news == []
    assert scene.events[-1].position_ms == 80_000


def test_metadata_that_vanishes_for_a_moment() -> None:
    """Between two states of one item a player may name nothing: the play goes on."""
    scene = Scene()
    scene.begin()
    scene.pass_s(30)
    scene.signal(Metadata={})
    scene.pass_s(0.2)
    scene.signal(Metadata=metadata())
    scene.pass_s(4)
    assert scene.news == []


def test_metadata_that_stays_empty() -> None:
    """A player that names nothing any more has closed its item, whatever its state says."""
    scene = Scene()
    scene.begin()
    scene.pass_s(30)
    scene.signal(Metadata={"mpris:trackid": "/org/mpris/MediaPlayer2/TrackList/NoTrack"})
    scene.pass_s(60)
    assert scene.news == [("stop", 30.0)]
    assert scene.player.due_ms is None


def test_it_joins_what_plays_already() -> None:
    """The first look finds a film in its middle."""
    scene = Scene()
    scene.shows = {"PlaybackStatus": "Playing", "Metadata": metadata(), "Position": 250_000_000, "Rate": 1.0}
    scene.pass_s(0)
    assert scene.news == [("play", 250.0)]


def test_it_joins_what_is_paused() -> None:
    """The first look finds a film that is paused."""
    scene = Scene()
    scene.shows = {"PlaybackStatus": "Paused", "Metadata": metadata(), "Position": 250_000_000}
    scene.pass_s(0)
    assert scene.news == [("pause", 250.0)]


def test_a_player_without_a_position() -> None:
    """What is missing is not zero: a play without a position says so."""
    scene = Scene()
    scene.shows = {}
    scene.signal(PlaybackStatus="Playing", Metadata=metadata())
    scene.pass_s(4)
    scene.signal(PlaybackStatus="Stopped")
    assert scene.news == [("play", None), ("stop", None)]


def test_a_player_that_tells_its_position_later() -> None:
    """A position that is known only after a while is where it is, and no jump."""
    scene = Scene()
    scene.shows = {}
    scene.signal(PlaybackStatus="Playing", Metadata=metadata())
    scene.pass_s(4)
    scene.place(300)
    scene.pass_s(4)
    assert scene.news == [("play", None)]
    assert scene.events[-1].position_ms == pytest.approx(304_000, abs=LOOK_MS)


def test_a_film_without_a_length() -> None:
    """What has no length can only be stopped, and not end; a position that is not told for a while stands."""
    scene = Scene()
    scene.begin(at_s=100, length_s=None)
    scene.pass_s(4)
    assert scene.shows is not None
    del scene.shows["Position"]
    scene.pass_s(4)
    scene.signal(PlaybackStatus="Stopped")
    assert scene.news == [("stop", 104.0)]


def test_metadata_without_the_length_of_before() -> None:
    """A player that repeats its metadata without the length has not forgotten it."""
    scene = Scene()
    scene.begin(at_s=100)
    scene.signal(Metadata=metadata(length_s=None, xesam_title="Sintel"))
    scene.pass_s(2)
    assert scene.news == []
    assert scene.events[-1].duration_ms == LENGTH_S * 1000


def test_a_jump_in_a_pause_that_nobody_announces() -> None:
    """In a pause nothing moves by itself: where it goes on is told as a jump."""
    scene = Scene()
    scene.begin(at_s=100)
    scene.signal(PlaybackStatus="Paused")
    scene.place(130)
    scene.signal(PlaybackStatus="Playing")
    scene.pass_s(1)
    assert [kind for kind, _ in scene.news] == ["pause", "seek", "play"]


def test_a_player_without_anything() -> None:
    """A player that has none of the properties is no trouble."""
    scene = Scene()
    scene.shows = {}
    scene.pass_s(100)
    scene.signal(Volume=0.5)
    scene.gone()
    assert scene.events == []


def test_a_player_that_hangs_is_asked_less_and_less() -> None:
    """Without an answer the looks become rare; with one all is as before."""
    scene = Scene()
    scene.begin()
    scene.pass_s(10)
    shows, scene.shows = scene.shows, None
    before = scene.looks
    scene.pass_s(600)
    assert scene.looks - before <= 4 + 600_000 // LAST_RETRY_MS
    scene.shows = shows
    scene.forget()
    scene.pass_s(LAST_RETRY_MS / 1000)
    assert scene.kinds[0] == "progress"


def test_a_player_that_hangs_and_still_signals() -> None:
    """A pause that is signalled counts, with the last position that was seen, even if no look is answered."""
    scene = Scene()
    scene.begin()
    scene.pass_s(11)
    scene.shows = None
    scene.signal(PlaybackStatus="Paused")
    scene.signal(PlaybackStatus="Playing")
    assert scene.news == [("pause", 10.0), ("play", 10.0)]


def test_what_is_no_play_is_said_once() -> None:
    """A web stream in VLC is told once with its reason, never looked at again, and has no end."""
    scene = Scene()
    scene.signal(PlaybackStatus="Playing", Metadata=metadata("https://www.youtube.com/watch?v=abc"))
    scene.pass_s(3600)
    scene.signal(PlaybackStatus="Paused")
    scene.signal(PlaybackStatus="Playing")
    scene.signal(PlaybackStatus="Stopped")
    scene.gone()
    assert [(event.kind, event.skip) for event in scene.events] == [("play", "web_stream")]
    assert scene.looks < 5


def test_a_film_after_a_song() -> None:
    """What is no play does not hide the play after it."""
    scene = Scene()
    scene.signal(PlaybackStatus="Playing", Metadata=metadata("file:///music/a.flac"))
    scene.place(0)
    scene.signal(Metadata=metadata(FILM))
    assert [(event.kind, event.skip) for event in scene.events] == [("play", "music"), ("play", None)]


def test_a_browser_is_nobodys_business() -> None:
    """Of a page that fits no pattern, nothing is told; one that fits is a play by its title."""
    scene = Scene(Rules(titles=["* - Some Cinema"]), browser=True)
    scene.signal(PlaybackStatus="Playing", Metadata={"xesam:title": "Cats - Tube", "mpris:length": 600_000_000})
    scene.pass_s(60)
    assert (scene.events, scene.player.due_ms) == ([], None)
    scene.place(0)
    scene.signal(Metadata={"xesam:title": "Sintel (2010) - Some Cinema", "mpris:length": 600_000_000})
    assert [event.item for event in scene.events] == [File(path="Sintel (2010)")]
    scene.signal(Metadata={"xesam:title": "Cats - Tube", "mpris:length": 600_000_000})
    assert scene.news == [("play", 0.0), ("stop", 0.0)]


def test_the_same_film_from_the_beginning() -> None:
    """A film that is stopped and played again is told as a second play."""
    scene = Scene()
    scene.begin()
    scene.pass_s(100)
    scene.signal(PlaybackStatus="Stopped", Position=0)
    scene.signal(PlaybackStatus="Playing")
    assert scene.news == [("stop", 100.0), ("play", 0.0)]
    assert scene.events[-1].duration_ms == LENGTH_S * 1000
