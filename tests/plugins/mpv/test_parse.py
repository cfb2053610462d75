"""The order of mpv's messages in real life, without mpv."""

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scrobbler.api.testkit import check_events
from scrobbler_plugins.mpv.messages import MAX_LINE, PROBED, Lines, Message, decode
from scrobbler_plugins.mpv.parse import BEAT_S, TICK_MS, Player

if TYPE_CHECKING:
    from scrobbler.api import PlayerEvent

FILM: dict[str, Any] = {
    "path": "/m/A.mkv",
    "working-directory": "/",
    "media-title": "A.mkv",
    "track-list": [{"type": "video"}],
    "duration": 6000.0,
    "speed": 1.0,
    "pause": False,
    "eof-reached": False,
    "seeking": False,
    "time-pos": 0.0,
}


class Talk:
    """An mpv that says what the test wants, and a player that listens; times are seconds of a clock that stands still."""

    def __init__(self) -> None:
        self.player = Player("desk")
        self.events: list[PlayerEvent] = []
        self.now_ms = 100_000
        self.state = dict(FILM)
        self.asked = self.player.greet()

    def say(self, event: str, **values: Any) -> None:
        """Say an event; questions of the player wait in `asked`."""
        self._feed({"event": event, **values})

    def property(self, name: str, value: Any) -> None:
        """Say that a property has changed, and let the questions see it."""
        self.state[name] = value
        self.say("property-change", id=1, name=name, data=value)

    def answer(self, **state: Any) -> None:
        """Answer what was asked last; a value of None is not available."""
        self.state.update({name.replace("_", "-"): value for name, value in state.items()})
        asked, self.asked = self.asked, b""
        for line in asked.splitlines():
            request = json.loads(line)
            if request["command"][0] == "get_property":
                value = self.state.get(request["command"][1])
                found = {"error": "property unavailable"} if value is None else {"error": "success", "data": value}
                self._feed({"request_id": request["request_id"], **found})

    def open(self, **state: Any) -> None:
        """Open a file as mpv does."""
        self.answer(path=None, time_pos=None)
        self.say("start-file", playlist_entry_id=1)
        self.say("file-loaded")
        self.say("playback-restart")
        self.answer(**{**FILM, **state})

    def seek(self, target: float, *, landed: float | None = None) -> None:
        """Seek as mpv does."""
        self.say("seek")
        self.property("time-pos", target)
        self.say("playback-restart")
        self.answer(time_pos=target if landed is None else landed)

    def told(self) -> list[tuple[str, int | None]]:
        """Return kind and position of every event, which must keep the rules."""
        check_events(self.events)
        return [(event.kind, event.position_ms) for event in self.events]

    def _feed(self, message: dict[str, Any]) -> None:
        decoded = decode(json.dumps(message).encode())
        assert decoded is not None
        step = self.player.feed(decoded, self.now_ms)
        self.events += step.events
        self.asked = step.write or self.asked


@pytest.fixture
def talk() -> Talk:
    """Return a conversation that has just begun."""
    return Talk()


def test_positions_are_told_every_five_seconds(talk: Talk) -> None:
    """Of many updates a second few become events, none in a pause."""
    talk.open()
    for step in range(1, 121):
        talk.now_ms += 100
        talk.property("time-pos", step / 10)
    assert talk.told() == [("play", 0), ("progress", TICK_MS), ("progress", 2 * TICK_MS)]
    talk.property("pause", True)
    talk.now_ms += 60_000
    talk.property("time-pos", 12.1)
    assert talk.told()[3:] == [("pause", 12_000)]


def test_the_position_of_the_old_file_never_reaches_the_next(talk: Talk) -> None:
    """A value of the file before that is still told after `start-file` does not become the beginning of the next."""
    talk.open()
    talk.property("time-pos", 5900.0)
    talk.say("end-file", reason="stop")
    talk.say("start-file", playlist_entry_id=2)
    talk.property("time-pos", 5900.0)
    talk.say("file-loaded")
    talk.say("playback-restart")
    talk.answer(path="/m/B.mkv", time_pos=0.0)
    assert talk.told() == [("play", 0), ("stop", 5_900_000), ("play", 0)]


def test_the_length_of_the_old_file_never_reaches_the_next(talk: Talk) -> None:
    """A stream without a length has none, though the file before had one."""
    talk.open()
    talk.say("end-file", reason="stop")
    talk.say("start-file", playlist_entry_id=2)
    talk.say("playback-restart")
    talk.answer(path="/m/B.mkv", duration=None)
    assert talk.events[-1].duration_ms is None


def test_a_next_file_without_an_end_of_the_old_stops_it(talk: Talk) -> None:
    """If `end-file` was lost, `start-file` closes the old play."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("start-file", playlist_entry_id=2)
    assert talk.told() == [("play", 0), ("stop", 60_000)]


def test_a_slightly_negative_beginning_is_zero(talk: Talk) -> None:
    """Some files begin before zero."""
    talk.open(**{"time-pos": -0.083})
    assert talk.told() == [("play", 0)]


def test_a_position_that_comes_late_opens_the_play(talk: Talk) -> None:
    """A file is not told before its position is known, and then with it."""
    talk.open(**{"time-pos": None})
    assert talk.told() == []
    talk.property("time-pos", 30.0)
    talk.answer()
    assert talk.told() == [("play", 30_000)]


@pytest.mark.parametrize("reason", ["error", "redirect"])
def test_what_never_played_is_no_play(talk: Talk, reason: str) -> None:
    """A file that cannot be opened, and a playlist that gave way to its entries, are not told."""
    talk.answer(path=None, time_pos=None)
    talk.say("start-file", playlist_entry_id=1)
    talk.say("end-file", reason=reason)
    assert talk.player.lost(talk.now_ms) == []
    assert talk.told() == []


def test_an_error_in_the_middle_stops(talk: Talk) -> None:
    """A file that breaks while it plays ends where it was, not at its natural end."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("end-file", reason="error")
    assert talk.told() == [("play", 0), ("stop", 60_000)]


def test_answers_of_a_file_that_is_gone_open_nothing(talk: Talk) -> None:
    """A file that was left before its answers came is not told."""
    talk.answer(path=None, time_pos=None)
    talk.say("start-file", playlist_entry_id=1)
    talk.say("playback-restart")
    late, talk.asked = talk.asked, b""
    talk.say("end-file", reason="stop")
    talk.asked = late
    talk.answer(**FILM)
    assert talk.told() == []


def test_joining_while_a_seek_is_under_way_waits(talk: Talk) -> None:
    """A position that is only a wish is not taken."""
    talk.answer(seeking=True, time_pos=9999.0)
    assert talk.told() == []
    talk.say("playback-restart")
    talk.answer(seeking=False, time_pos=600.0)
    assert talk.told() == [("play", 600_000)]


def test_the_end_with_keep_open_is_no_pause(talk: Talk) -> None:
    """`eof-reached` and the pause of `keep-open` are one end; at the end an unpause plays nothing."""
    talk.open()
    talk.property("time-pos", 5999.8)
    talk.property("eof-reached", True)
    talk.property("pause", True)
    talk.property("pause", False)
    talk.answer()
    talk.say("end-file", reason="quit")
    assert talk.told() == [("play", 0), ("end", 5_999_800)]


def test_a_seek_past_the_length_lands_where_mpv_landed(talk: Talk) -> None:
    """Mpv names the wish first; told is the place."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.seek(99_999.0, landed=5999.5)
    assert talk.told() == [("play", 0), ("progress", 60_000), ("seek", 5_999_500)]


@pytest.mark.parametrize(
    ("speed", "left_s", "told"),
    [
        (1.0, 5998.5, [("end", 5_998_500), ("play", 0)]),
        (2.0, 5996.5, [("end", 5_996_500), ("play", 0)]),
        (1.0, 5997.0, [("seek", 0)]),
    ],
)
def test_a_leap_from_the_end_to_the_beginning_is_a_loop(
    talk: Talk, speed: float, left_s: float, told: list[tuple[str, int]]
) -> None:
    """With `loop-file` the end is a seek to the beginning: who watched to the end has done so, however it goes on."""
    talk.open(speed=speed)
    talk.property("time-pos", left_s)
    talk.seek(0.0)
    assert talk.told()[2:] == told
    talk.property("time-pos", 30.0)
    talk.say("end-file", reason="quit")
    assert talk.told()[-1] == ("stop", 30_000)


def test_going_back_a_little_at_the_end_is_a_seek(talk: Talk) -> None:
    """Who hears the last words once more is still watching."""
    talk.open()
    talk.property("time-pos", 5999.0)
    talk.seek(5990.0)
    assert talk.told()[2:] == [("seek", 5_990_000)]


def test_leaving_in_the_middle_of_a_seek_counts_its_target(talk: Talk) -> None:
    """Who seeks and closes is at the target, within the length."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.property("time-pos", 99_999.0)
    talk.say("end-file", reason="quit")
    assert talk.told()[1:] == [("progress", 60_000), ("seek", 6_000_000), ("stop", 6_000_000)]


def test_leaving_in_a_seek_that_has_named_no_target(talk: Talk) -> None:
    """Nobody knows then where it wanted to go: it stays where it was, and is not at the end."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.say("end-file", reason="quit")
    assert talk.told()[1:] == [("progress", 60_000), ("stop", 60_000)]


def test_nothing_is_told_on_the_way_of_a_seek(talk: Talk) -> None:
    """A seek into a slow file takes its time; where it passes is no position."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.now_ms += 10 * TICK_MS
    talk.property("time-pos", 3000.0)
    talk.property("pause", True)
    talk.say("seek")
    assert talk.told()[1:] == [("progress", 60_000)]
    talk.say("playback-restart")
    talk.answer(time_pos=2990.0)
    assert talk.told()[2:] == [("seek", 2_990_000), ("pause", 2_990_000)]


def test_an_answer_about_the_place_that_is_being_left(talk: Talk) -> None:
    """What was asked before a seek is not where the seek has led."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.say("playback-restart")
    late, talk.asked = talk.asked, b""
    talk.say("seek")
    talk.asked = late
    talk.answer(time_pos=61.0)
    assert talk.told()[1:] == [("progress", 60_000)]
    talk.say("playback-restart")
    talk.answer(time_pos=900.0)
    assert talk.told()[2:] == [("seek", 900_000)]


def test_a_length_that_changes(talk: Talk) -> None:
    """A file that still grows tells its new length; while it tells none, the last one stands."""
    talk.open()
    talk.property("duration", 6100.0)
    talk.property("duration", None)
    talk.now_ms += TICK_MS
    talk.property("time-pos", 5.0)
    assert talk.events[-1].duration_ms == 6_100_000


def test_a_skip_to_the_end_is_seen_as_one(talk: Talk) -> None:
    """A seek that never lands because the file ends is told before the end."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.say("end-file", reason="eof")
    assert talk.told()[1:] == [("progress", 60_000), ("seek", 6_000_000), ("end", 6_000_000)]


def test_a_pause_in_the_middle_of_a_seek_waits_for_the_place(talk: Talk) -> None:
    """The pause is told with the place where the seek landed."""
    talk.open()
    talk.property("time-pos", 60.0)
    talk.say("seek")
    talk.property("pause", True)
    talk.say("playback-restart")
    talk.answer(time_pos=120.0)
    assert talk.told()[1:] == [("progress", 60_000), ("seek", 120_000), ("pause", 120_000)]


def test_steps_by_frames_and_reopened_tracks_are_no_seeks(talk: Talk) -> None:
    """A move below half a second, and a restart without a seek, are not told."""
    talk.open(pause=True)
    talk.property("time-pos", 60.0)
    talk.seek(60.04)
    talk.say("playback-restart")
    assert talk.asked == b""
    assert talk.told() == [("pause", 0)]


def test_a_row_of_seeks_is_told_by_its_first_and_last_place(talk: Talk) -> None:
    """Seeks in quick succession become one beginning, and places at most once a second."""
    talk.open()
    talk.property("time-pos", 60.0)
    for target in range(100, 200, 10):
        talk.now_ms += 50
        talk.seek(float(target))
    assert talk.told()[1:] == [("progress", 60_000), ("seek", 100_000), ("progress", 100_000)]
    talk.now_ms += 1000
    talk.property("time-pos", 191.0)
    assert talk.told()[4:] == [("seek", 190_000)]


def test_a_row_of_seeks_in_a_pause_ends_by_itself(talk: Talk) -> None:
    """A paused film says nothing more; the last place is told after a second nevertheless."""
    talk.open(pause=True)
    talk.seek(100.0)
    talk.seek(200.0)
    assert talk.player.wait_s == 1.0
    assert [event.position_ms for event in talk.player.beat(talk.now_ms + 1000)] == [200_000]
    assert talk.player.wait_s == BEAT_S


def test_a_paused_player_shows_that_it_is_there(talk: Talk) -> None:
    """A long pause is repeated, so that nobody takes the player for gone; a player that plays needs none."""
    talk.open()
    assert talk.player.wait_s is None
    talk.property("pause", True)
    assert talk.player.wait_s == BEAT_S
    assert [(event.kind, event.position_ms) for event in talk.player.beat(talk.now_ms)] == [("pause", 0)]


def test_a_shutdown_is_an_orderly_end(talk: Talk) -> None:
    """Where mpv says `shutdown` without an end of the file, the play was stopped, not lost."""
    talk.open()
    talk.say("shutdown")
    assert [event.kind for event in talk.player.lost(talk.now_ms)] == ["stop"]


def test_a_speed_is_carried(talk: Talk) -> None:
    """A change of speed shows in the next event; nonsense counts as 1."""
    talk.open()
    talk.property("speed", 1.5)
    talk.property("pause", True)
    talk.property("speed", -1)
    talk.property("pause", False)
    assert [event.speed for event in talk.events] == [1.0, 1.5, 1.0]


def test_what_is_no_play_is_told_once(talk: Talk) -> None:
    """Music gives one event with its reason, and none for what happens then."""
    talk.open(**{"track-list": [{"type": "audio"}]})
    talk.property("pause", True)
    talk.seek(100.0)
    talk.say("end-file", reason="eof")
    assert [(event.kind, event.skip) for event in talk.events] == [("play", "music")]


@pytest.mark.parametrize("value", ["x", None, True, [1], {"a": 1}])
def test_odd_values_are_no_positions(talk: Talk, value: object) -> None:
    """What is not a number does not become a position, a length or a crash."""
    talk.open()
    talk.property("time-pos", 10.0)
    for name in ("time-pos", "duration", "speed", *(() if value is True else ("pause", "eof-reached"))):
        talk.property(name, value)
    talk.say("end-file", reason="quit")
    assert talk.told()[-1] == ("stop", 10_000)


def test_lines_are_cut_whatever_the_pieces() -> None:
    """A line may come byte by byte, or several at once."""
    text = b'{"event":"seek"}\n{"event":"idle"}\n'
    lines = Lines()
    single = [line for byte in text for line in lines.cut(bytes([byte]))]
    assert single == Lines().cut(text) == [b'{"event":"seek"}', b'{"event":"idle"}']


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    """What is longer than a line can be is thrown away up to its end; the next line is read."""
    lines = Lines()
    assert lines.cut(b"x" * (MAX_LINE + 1)) == []
    assert lines.cut(b"y" * MAX_LINE) == []
    assert lines.cut(b'z\n{"event":"seek"}\n{"ev') == [b'{"event":"seek"}']
    assert lines.cut(b'ent":"idle"}\n') == [b'{"event":"idle"}']


@pytest.mark.parametrize(
    "line",
    [b"", b"nonsense", b"[]", b"3", b"null", b'{"event":3}', b'{"event":"seek"', b"\xff\xfe", b"[" * 100_000],
)
def test_garbage_is_no_message(line: bytes) -> None:
    """What is not a message of mpv is passed over."""
    assert decode(line) is None


def test_names_are_read_as_they_are_on_the_disk() -> None:
    """Bytes that are not UTF-8 keep their identity; unknown keys and any order of keys are fine."""
    line = b'{"data":"/m/\xe9.mkv","request_id":32,"error":"success","new":[1]}'
    assert decode(line) == Message(data="/m/\udce9.mkv", request_id=32, error="success")
    assert decode(b'{"event":"property-change","id":1,"name":"duration"}') == Message(
        event="property-change", name="duration", data=msgspec.UNSET
    )


def test_the_position_is_asked_last() -> None:
    """The answer about the position completes a probe, so it has to be the last."""
    assert PROBED[-1] == "time-pos"


def test_a_new_connection_goes_on_with_the_play(talk: Talk) -> None:
    """Where mpv has hung up and is found again with the same file, nothing has ended: the next word is where it is now."""
    talk.open()
    talk.now_ms += TICK_MS
    talk.property("time-pos", 100.0)
    talk.asked = talk.player.greet()
    talk.property("time-pos", 160.0)  # of which file is not known yet
    talk.answer()
    assert talk.told() == [("play", 0), ("progress", 100_000), ("progress", 160_000)]


def test_a_new_connection_finds_it_paused(talk: Talk) -> None:
    """A pause in the meantime is told as one."""
    talk.open()
    talk.asked = talk.player.greet()
    talk.answer(pause=True, time_pos=30.0)
    assert talk.told() == [("play", 0), ("pause", 30_000)]


@pytest.mark.parametrize("state", [{"path": "/m/B.mkv", "time_pos": 5.0}, {"path": None, "time_pos": None}])
def test_a_new_connection_finds_something_else(talk: Talk, state: dict[str, Any]) -> None:
    """Another file, or none, means that contact with the play was lost: its last position stands."""
    talk.open(time_pos=10.0)
    talk.asked = talk.player.greet()
    talk.answer(**state)
    assert talk.told()[:2] == [("play", 10_000), ("gone", 10_000)]
    assert talk.told()[2:] == ([("play", 5_000)] if state["path"] else [])


def test_a_new_connection_in_the_middle_of_a_seek_waits_for_the_place(talk: Talk) -> None:
    """What is only a wish is not taken for the place where the play goes on."""
    talk.open(time_pos=10.0)
    talk.asked = talk.player.greet()
    talk.answer(seeking=True, time_pos=900.0)
    talk.say("playback-restart")
    talk.answer(seeking=False, time_pos=899.0)
    assert talk.told() == [("play", 10_000), ("progress", 899_000)]
