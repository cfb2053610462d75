"""What players say on the bus, with the types that they use (players.md 7)."""

from typing import Any

import pytest

from scrobbler_plugins.mpris.messages import Said, Told, said_of


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        *((60_000_000, 60_000), (60_000_000.0, 60_000), (2**63, 2**63 // 1000)),
        *((0, None), (-1, None), (None, None), ("60000000", None), (True, None), ([], None)),
        *((float("nan"), None), (float("inf"), None)),
    ],
)
def test_a_length_of_any_type(length: Any, expected: int | None) -> None:
    """Lengths come as whole numbers with and without a sign, and as fractions; 0 and -1 mean that it is not known."""
    told = said_of({"Metadata": {"mpris:length": length}}).told
    assert told is not None
    assert told.length_ms == pytest.approx(expected)


@pytest.mark.parametrize(
    ("position", "expected"),
    [(0, 0), (1_499_600, 1500), (1.5e6, 1500), (-300, None), (None, None), ("0", None), (False, None)],
)
def test_a_position_of_any_type(position: Any, expected: int | None) -> None:
    """A position of 0 is one; what is negative, missing or no number is none."""
    assert said_of({"Position": position}).position_ms == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(2.0, 2.0), (1, 1.0), (0.0, 1.0), (-1.0, 1.0), ("2", 1.0), (float("nan"), 1.0)]
)
def test_a_speed_of_any_type(rate: Any, expected: float) -> None:
    """Some say the speed 0 in a pause; what makes no sense is the usual speed."""
    assert said_of({"Rate": rate}).rate == expected


def test_what_is_not_said_is_not_known() -> None:
    """A signal with one property leaves all others as they were."""
    assert said_of({"PlaybackStatus": "Paused"}) == Said(status="Paused")
    assert said_of({}) == Said()
    assert said_of({"PlaybackStatus": "Buffering", "Metadata": "odd"}) == Said()


def test_metadata_of_any_type() -> None:
    """Titles and addresses that are no text are none; an album makes it music, an empty one (Chromium) does not."""
    assert said_of({"Metadata": {"xesam:title": ["a"], "xesam:url": 7, "xesam:album": ""}}).told == Told()
    told = said_of({"Metadata": {"xesam:title": " A ", "xesam:album": "B", "xesam:artist": ["C"]}}).told
    assert told == Told(title="A", music=True)


@pytest.mark.parametrize(
    ("metadata", "vacant"),
    [({}, True), ({"mpris:trackid": "/1"}, True), ({"xesam:title": "A"}, False), ({"xesam:url": "a"}, False)],
)
def test_metadata_that_names_nothing(metadata: dict[str, Any], vacant: bool) -> None:  # noqa: FBT001
    """A number of a track alone names nothing."""
    told = said_of({"Metadata": metadata}).told
    assert told is not None
    assert told.vacant == vacant
