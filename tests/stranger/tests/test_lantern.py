"""The Lantern, with the test kit of scrobbler.api and nothing else."""

import asyncio

import pytest

from scrobbler.api import HookRequest, Movie, UnreadableError
from scrobbler.api.testkit import Recorder, check_events, hook_request
from scrobblerd_lantern import Plugin
from scrobblerd_lantern.options import Options


def lantern(room: str = "hall") -> Plugin:
    return Plugin(Options(type="lantern", account="alice", room=room), Recorder("lamp").context)


def sign(word: str, at: float | None = None, room: str = "hall") -> HookRequest:
    return hook_request(json={"room": room, "sign": word, "film": "Sintel", "year": 2010, "at": at, "of": 888})


def test_an_evening() -> None:
    """Lit, dimmed, lit and burnt down: each is told with its place, and the events keep the rules of the API."""
    plugin = lantern()
    evening = [sign("lit", 0), sign("dimmed", 60.5), sign("lit", 60.5), sign("burnt down", 888)]
    events = [event for request in evening for event in plugin.parse(request)]
    check_events(events)
    assert [(event.kind, event.position_ms) for event in events] == [
        ("play", 0),
        ("pause", 60500),
        ("play", 60500),
        ("end", 888000),
    ]
    assert events[0].item == Movie(title="Sintel", year=2010)


def test_what_is_not_known_is_not_zero() -> None:
    """A Lantern that does not say where it is leaves the place open."""
    (event,) = lantern().parse(sign("out"))
    assert event.position_ms is None


def test_other_rooms_and_other_words_are_none_of_ours() -> None:
    """What is understood and nothing of ours gives no event."""
    assert list(lantern().parse(sign("lit", 0, room="attic"))) == []
    assert list(lantern().parse(sign("polished", 0))) == []


def test_nonsense_is_refused_in_a_sentence() -> None:
    """What cannot be read is said."""
    with pytest.raises(UnreadableError, match="not what a Lantern posts"):
        lantern().parse(hook_request(body="a moth"))


def test_options_and_check() -> None:
    """An empty room is refused; doctor has the address."""
    with pytest.raises(ValueError, match="room"):
        lantern(room=" ")
    (result,) = asyncio.run(lantern().check())
    assert "/hooks/lamp/" in result.advice
