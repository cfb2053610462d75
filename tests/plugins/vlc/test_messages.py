"""VLC's answers are read leniently, and never more is made of them than they say (players.md 6.1)."""

import json

import pytest

from scrobbler_plugins.vlc.messages import Status, find_uri, read_status
from tests.plugins.vlc.kit import AUDIO, FILM, OTHER, VIDEO, listed, said, stopped


def body(values: object) -> bytes:
    return json.dumps(values).encode()


def test_what_plays() -> None:
    """State, place in the playlist, times in milliseconds, name and streams are read from an answer of VLC 3."""
    assert read_status(body(said(time=745, length=1500, item=4, rate=1.5))) == Status(
        state="playing",
        version="3.0.24 Vetinari",
        item=4,
        time_ms=745_000,
        length_ms=1_500_000,
        rate=1.5,
        name="Sintel (2010).mkv",
        title="Sintel (2010).mkv",
        streams="video",
    )


def test_zeros_after_a_stop_are_no_position() -> None:
    """A VLC that is stopped has neither position nor length nor item, though it says 0, 0 and -1."""
    status = read_status(body(stopped()))
    assert (status.state, status.time_ms, status.length_ms, status.item) == ("stopped", None, None, None)


@pytest.mark.parametrize("length", [0, -1, 1e400])
def test_an_unknown_length_is_none(length: float) -> None:
    """While it opens, and for streams, the length is 0 or -1: that is no length."""
    assert read_status(body(said(time=0, length=length))).length_ms is None


def test_the_time_is_preferred_over_the_lazy_position() -> None:
    """The fraction may lag behind by seconds; the time in seconds counts. Only without it the fraction serves."""
    assert read_status(body(said(time=745, length=1500, position=0.1))).time_ms == 745_000
    assert read_status(body(said(length=1500, position=0.5) | {"time": -1})).time_ms == 750_000
    assert read_status(body(said(length=1500, position=-1) | {"time": -1})).time_ms is None


def test_microseconds_of_an_early_vlc_4() -> None:
    """Builds of VLC 4 told the time in microseconds."""
    assert read_status(body(said(length=1500) | {"time": 745_123_456, "position": 0.4967})).time_ms == 745_123


@pytest.mark.parametrize(("word", "state"), [("started", "opening"), ("stopping", "stopped"), ("whatever", "opening")])
def test_states_of_vlc_4(word: str, state: str) -> None:
    """VLC 4 has more states; one that nobody knows says nothing."""
    assert read_status(body(said(word))).state == state


def test_control_characters_and_broken_bytes() -> None:
    """Raw control characters and bytes that are not UTF-8 in a tag neither hide the rest nor get through."""
    raw = body(said(meta={"filename": "a.mkv", "title": "TITLE"})).replace(b"TITLE", b"Tom \x01\t& \xff Jerry")
    status = read_status(raw)
    assert (status.time_ms, status.title) == (745_000, "Tom & \ufffd Jerry")


def test_half_characters_in_escapes() -> None:
    """Half of a pair of escapes is no character that could be stored."""
    raw = body(said(meta={"filename": "a.mkv", "title": "TITLE"})).replace(b"TITLE", rb"a \ud83d b")
    assert read_status(raw).title == "a ? b"


def test_text_escaped_for_html() -> None:
    """Some builds escape text as for a web page."""
    assert (
        read_status(body(said(meta={"filename": "x.mkv", "title": "Tom &amp; Jerry&#39;s"}))).title == "Tom & Jerry's"
    )


def test_a_title_that_vlc_made_of_the_name_is_none() -> None:
    """Show, season and episode are VLC's guesses from the file's name, and so is the title then: the path knows more."""
    guess = {"title": "Example S01E02", "showName": "Example -", "seasonNumber": "01", "episodeNumber": "02"}
    assert read_status(body(said(meta={"filename": "Example.S01E02.mkv", **guess}))).title == ""
    assert read_status(body(said(meta={"filename": "x.mkv", "title": "The Third Man"}))).title == "The Third Man"


@pytest.mark.parametrize(
    ("streams", "kind"),
    [
        ((VIDEO, AUDIO), "video"),
        ((AUDIO,), "audio"),
        ((AUDIO, AUDIO), "audio"),
        ((), ""),
        (({"Typ": "Vidéo", "Résolution": "720x576"}, {"Typ": "Audio"}), "video"),
        (({"Тип": "Аудио", "Частота": "48000 Гц"},), ""),
        (({"Type": "Subtitle", "Codec": "Text subtitles"}, AUDIO), ""),
        (({"Type": "Video", "Codec": "MPEG-1/2 Video (mpgv)"}, AUDIO), "video"),
        (({"Kanäle": "Stereo", "Abtastrate": "44100 Hz"},), "audio"),
    ],
)
def test_streams_in_any_language(streams: tuple[dict[str, str], ...], kind: str) -> None:
    """VLC names its streams in the language of its user: numbers tell pictures from sound; what is unclear is not music."""
    assert read_status(body(said(streams=streams))).streams == kind


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>no</html>", b"[]", b"null", b'{"state": 3, "version": "3"}', b'{"state": "playing"}', b"[" * 100_000],
)
def test_what_no_vlc_says(raw: bytes) -> None:
    """Anything else is a ValueError with one sentence."""
    with pytest.raises(ValueError, match="this is not"):
        read_status(raw)


def test_strange_types_are_left_out() -> None:
    """A value of another type than VLC's is taken for missing."""
    values = said() | {"time": "x", "length": None, "rate": "fast", "currentplid": True, "information": []}
    status = read_status(body({**values, "position": "y"}))
    assert status == Status("playing", "3.0.24 Vetinari", None, None, None, 1.0, "", "", "")


@pytest.mark.parametrize("rate", [0, -2, float("nan")])
def test_a_rate_that_cannot_be(rate: float) -> None:
    """A rate of nothing is no rate."""
    assert read_status(body(said(rate=rate))).rate == 1.0


def test_the_address_of_an_item() -> None:
    """An item is found by its place in the playlist, wherever in the tree it lies."""
    tree = listed(OTHER, FILM, current=4)
    assert find_uri(body(tree), 4) == FILM
    assert find_uri(body({"children": [{"children": [tree]}]}), 3) == OTHER


def test_the_mark_alone_serves_where_vlc_tells_no_place() -> None:
    """Without the place (VLC before 3.0.9 or so) the current one is the first that has the mark."""
    assert find_uri(body(listed(OTHER, FILM, FILM, current=5)), None) == FILM
    assert find_uri(body(listed(OTHER, FILM, current=99)), None) == ""
    assert find_uri(body(listed(OTHER, FILM, current=3)), 77) == OTHER


def test_a_playlist_that_is_none() -> None:
    """Odd nodes are passed over; what is no JSON is a ValueError."""
    assert find_uri(body({"children": [None, 3, {"uri": 4, "id": "3"}, {"children": {}}]}), 3) == ""
    with pytest.raises(ValueError, match="not JSON"):
        find_uri(b"<html>", 3)
