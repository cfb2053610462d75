"""Saved positions: points 27 and 28."""

from typing import Any

import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import FILM, OTHER_FILM, Caller, episode

DAY = 86_400


def listed(caller: Caller, path: str = "/sync/playback", **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get(path, **query).json()
    return found


def test_newest_first(alice: Caller, sandbox: SandboxClient):
    """Point 27: an array, newest first, by kind where asked; `[]` when there is nothing."""
    assert listed(alice) == []
    for media in (FILM, episode(3), OTHER_FILM):
        alice.scrobble("pause", media, 42.25)
        sandbox.advance(10)
    assert [row["type"] for row in listed(alice)] == ["movie", "episode", "movie"]
    assert listed(alice)[0]["movie"]["title"] == "Inception"
    assert [row["type"] for row in listed(alice, "/sync/playback/episodes")] == ["episode"]
    assert len(listed(alice, "/sync/playback/movies")) == 2
    assert len(listed(alice, limit="1")) == 1
    wrong = alice.get("/sync/playback/shows")
    assert (wrong.status_code, wrong.json()["error"]) == (404, "url_failed")


def test_row(alice: Caller):
    """Point 27: a row has id, progress, time, type, and the media."""
    number = alice.scrobble("pause", episode(3), 42.25).json()["id"]
    row = listed(alice)[0]
    assert (row["id"], row["progress"], row["type"]) == (number, 42.25, "episode")
    assert row["paused_at"].endswith("Z")
    assert row["episode"] == {"season": 1, "number": 3, "title": "Chapter 1.3"}
    assert row["show"]["ids"]["tvdb"] == "81189"


def test_switched_shapes(alice: Caller, sandbox: SandboxClient):
    """Point 27: the key of the number and the rounding are switches."""
    sandbox.switch(playback_number_key="episode", playback_progress="integer")
    alice.scrobble("pause", episode(3), 42.25)
    row = listed(alice)[0]
    assert (row["episode"]["episode"], row["progress"]) == (3, 42)
    assert "number" not in row["episode"]


def test_dates(alice: Caller, sandbox: SandboxClient):
    """Point 27: `date_from` is inclusive, `date_to` exclusive."""
    alice.scrobble("pause", FILM, 10)
    sandbox.advance(3600)
    alice.scrobble("pause", episode(1), 10)
    later, earlier = (row["paused_at"] for row in listed(alice))
    assert len(listed(alice, date_from=later)) == 1
    assert len(listed(alice, date_from=earlier)) == 2
    assert len(listed(alice, date_to=later)) == 1


def test_overtaken_positions_are_hidden(alice: Caller, sandbox: SandboxClient):
    """Point 27: a position older than a watch of the item is hidden unless asked for."""
    alice.scrobble("pause", FILM, 40)
    sandbox.advance(60)
    alice.post("/sync/history", {"movies": [FILM["movie"]]})
    assert listed(alice) == []
    assert len(listed(alice, hide_watched="false")) == 1
    sandbox.advance(60)
    alice.scrobble("pause", FILM, 20)
    assert len(listed(alice)) == 1


@pytest.mark.parametrize(("plan", "days"), [("free", 7), ("pro", 30), ("vip", 90)])
def test_retention(alice: Caller, sandbox: SandboxClient, plan: str, days: int):
    """Point 27: positions go after 7, 30 or 90 days, by plan."""
    sandbox.plan("alice", plan)  # type: ignore[arg-type]
    alice.scrobble("pause", FILM, 40)
    sandbox.advance(days * DAY - 60)
    assert len(sandbox.playbacks("alice")) == 1
    sandbox.advance(120)
    assert sandbox.playbacks("alice") == []


@pytest.mark.parametrize(("switch", "status", "body"), [("empty", 204, b""), ("body", 200, b'{"deleted":true}')])
def test_delete(alice: Caller, bob: Caller, sandbox: SandboxClient, switch: str, status: int, body: bytes):
    """Point 28: a deleted position is 204 (switch: 200); unknown and foreign ids are 404 `empty`."""
    sandbox.switch(delete_answer=switch)
    number = alice.scrobble("pause", FILM, 40).json()["id"]
    foreign = bob.delete(f"/sync/playback/{number}")
    assert (foreign.status_code, foreign.json()["error"]) == (404, "empty")
    answer = alice.delete(f"/sync/playback/{number}")
    assert (answer.status_code, answer.content) == (status, body)
    assert alice.delete(f"/sync/playback/{number}").json()["error"] == "empty"


@pytest.mark.parametrize("end", ["", "/", "/0", "/abc", "/--5", "/" + "9" * 5000])
def test_delete_needs_a_number(alice: Caller, end: str):
    """Point 28: a missing, zero or non-numeric id is 404 `url_failed`."""
    answer = alice.delete(f"/sync/playback{end}")
    assert (answer.status_code, answer.json()["error"]) == (404, "url_failed")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_delete_deletes(alice: Caller, method: str):
    """Point 28: GET and POST of an id return the list."""
    number = alice.scrobble("pause", FILM, 40).json()["id"]
    answer = alice.send(method, f"/sync/playback/{number}")
    assert (answer.status_code, [row["id"] for row in answer.json()]) == (200, [number])
    assert len(listed(alice)) == 1
