"""History, ratings, lists and reads: points 29 to 34."""

from typing import Any

import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import FILM, Caller, episode

MATRIX = FILM["movie"]
BAD = {"ids": {"tvdb": "81189"}}
TITAN = {"ids": {"tvdb": "267440"}}
TIME = "2026-09-01T21:00:00Z"


def add(caller: Caller, body: Any, **query: str) -> dict[str, Any]:
    answer = caller.post("/sync/history", body, **query)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def seen(sandbox: SandboxClient, user: str = "alice") -> list[tuple[str, int | None, int | None]]:
    return [(row.title, row.season, row.number) for row in sandbox.history(user)]


def test_watched_at_is_kept(alice: Caller, sandbox: SandboxClient):
    """Point 29: films and episodes keep their own time; an offset is honoured."""
    show = {**BAD, "seasons": [{"number": 2, "episodes": [{"number": 5, "watched_at": "2026-09-01T16:00:00-05:00"}]}]}
    body = add(alice, {"movies": [{**MATRIX, "watched_at": TIME}], "shows": [show]})
    assert (body["added"]["movies"], body["added"]["episodes"]) == (1, 1)
    assert [row.watched_at for row in sandbox.history("alice")] == [TIME, TIME]
    assert body["added"]["statuses"][0]["response"] == {
        "status": "completed",
        "simkl_type": "movie",
        "anime_type": None,
    }


@pytest.mark.parametrize("body", [{}, None])
def test_empty_body_is_201(alice: Caller, body: Any):
    """Point 29: nothing in, zero counts out."""
    answer = add(alice, body)
    assert {key: answer["added"][key] for key in ("movies", "shows", "episodes")} == dict.fromkeys(
        ("movies", "shows", "episodes"), 0
    )


@pytest.mark.parametrize(
    "body",
    [b"{nonsense", b"[]", b'{"movies": {}}', b'{"movies": [{"ids": {"imdb": "tt0133093"}, "watched_at": "soon"}]}'],
)
def test_bad_body_is_400(alice: Caller, sandbox: SandboxClient, body: bytes):
    """Point 29: what is not well formed is 400 `wrong_parameter`, and nothing is written."""
    answer = alice.send("POST", "/sync/history", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "wrong_parameter")
    assert sandbox.history("alice") == []


def test_not_found_is_echoed(alice: Caller):
    """Point 29: what is unknown comes back as it was sent, anime under `shows`, at 201."""
    film, show, anime = (
        {"title": f"No Such {kind}", "ids": {"imdb": "tt9999999"}} for kind in ("Film", "Show", "Anime")
    )
    lost = add(alice, {"movies": [film], "shows": [show], "anime": [anime]})["not_found"]
    assert lost == {"movies": [film], "shows": [show, anime], "episodes": []}
    missing = {**BAD, "seasons": [{"number": 9, "episodes": [{"number": 1}]}]}
    assert add(alice, {"shows": [missing]})["not_found"]["episodes"] == [missing]


def test_duplicates_are_no_op(alice: Caller, sandbox: SandboxClient):
    """Point 29: posting a watched item again changes nothing."""
    for time in (TIME, "2026-09-02T21:00:00Z"):
        body = add(alice, {"movies": [{**MATRIX, "watched_at": time}]})
    assert body["added"]["movies"] == 0
    assert [row.watched_at for row in sandbox.history("alice")] == [TIME]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ({"seasons": [{"number": 1, "episodes": [{"number": 1}, {"number": 2}]}]}, 2),
        ({"seasons": [{"number": 1}]}, 7),
        ({"seasons": [{"number": 1, "episodes": []}]}, 7),
        ({"seasons": [{"number": 0, "episodes": [{"number": 1}]}]}, 1),
        ({"episodes": [{"number": 3}]}, 1),
        ({}, 62),
        ({"seasons": []}, 62),
        ({"status": "watching"}, 0),
        ({"status": "completed"}, 62),
    ],
)
def test_expansion(alice: Caller, sandbox: SandboxClient, words: dict[str, Any], count: int):
    """Point 29: seasons without episodes mark the season, a show with neither marks everything that aired."""
    assert add(alice, {"shows": [{**BAD, **words}]})["added"]["episodes"] == count
    assert len(sandbox.history("alice")) == count


def test_completed_is_downgraded_while_airing(alice: Caller, sandbox: SandboxClient):
    """Point 29: an airing series is `watching`, its episodes to come stay unseen; an unreleased one has none."""
    shows = [{"title": "Severance", "status": "completed"}, {"title": "A Series Still to Come"}]
    statuses = add(alice, {"shows": shows})["added"]["statuses"]
    assert [each["response"]["status"] for each in statuses] == ["watching", "watching"]
    assert len(sandbox.history("alice")) == 16


def test_anime_by_tvdb_seasons(alice: Caller, sandbox: SandboxClient):
    """Point 29: with the flag TVDB's seasons find the cour; without it the numbers are the title's own."""
    seasons = {"seasons": [{"number": 3, "episodes": [{"number": 15}]}]}
    lost = add(alice, {"shows": [{**TITAN, **seasons}]})["not_found"]["episodes"]
    assert len(lost) == 1
    add(alice, {"shows": [{**TITAN, **seasons, "use_tvdb_anime_seasons": True}]})
    assert seen(sandbox) == [("Attack on Titan Season 3 Part 2", 1, 3)]
    add(alice, {"anime": [{"ids": {"mal": "25777"}, "episodes": [{"number": 2}]}]})
    assert seen(sandbox)[-1] == ("Attack on Titan Season 2", 1, 2)
    flagged = {**BAD, "use_tvdb_anime_seasons": True, "seasons": [{"number": 1, "episodes": [{"number": 1}]}]}
    add(alice, {"shows": [flagged]})
    assert seen(sandbox)[-1] == ("Breaking Bad", 1, 1)
    add(alice, {"shows": [{**TITAN, "use_tvdb_anime_seasons": True, "seasons": [{"number": 3}]}]})
    assert len(seen(sandbox)) == 3 + 22 - 1


def test_episode_ids_in_history(alice: Caller, sandbox: SandboxClient):
    """Point 29: ids of an episode win over its number; unknown ones are not found."""
    sandbox.add_show("Numbered", 2020, seasons={1: 3}, ids={"tvdb": "123456"}, first_episode_tvdb=555000)
    show = {"ids": {"tvdb": "123456"}}
    add(alice, {"shows": [{**show, "seasons": [{"number": 1, "episodes": [{"number": 1, "ids": {"tvdb": 555002}}]}]}]})
    add(alice, {"episodes": [{"ids": {"tvdb": "555001"}}, {"ids": {"tvdb": "1"}}]})
    assert seen(sandbox) == [("Numbered", 1, 3), ("Numbered", 1, 2)]


@pytest.mark.parametrize(("plan", "rows"), [("free", 1), ("pro", 2)])
def test_rewatch_by_history(alice: Caller, sandbox: SandboxClient, plan: str, rows: int):
    """Point 29: the rewatch flag is a silent no-op for free users."""
    sandbox.plan("alice", plan)  # type: ignore[arg-type]
    add(alice, {"movies": [{**MATRIX, "watched_at": "2026-01-01T00:00:00Z"}]})
    add(alice, {"movies": [{**MATRIX, "watched_at": TIME}]}, allow_rewatch="yes")
    assert len(sandbox.history("alice")) == rows


def test_skip_auto_watching(alice: Caller, sandbox: SandboxClient):
    """Point 29: with `skip_auto_watching` a title stays on its list."""
    alice.post("/sync/add-to-list", {"shows": [{**BAD, "to": "hold"}]})
    part = {"shows": [{**BAD, "seasons": [{"number": 1, "episodes": [{"number": 1}]}]}]}
    add(alice, part, skip_auto_watching="yes")
    assert sandbox.user("alice").lists[0].status == "hold"


def test_remove_title(alice: Caller, sandbox: SandboxClient):
    """Point 30: removing a title takes rating and saved positions along and is noted."""
    alice.scrobble("stop", episode(1), 90)
    alice.scrobble("pause", episode(2), 40)
    alice.post("/sync/ratings", {"shows": [{**BAD, "rating": 8}]})
    answer = alice.post("/sync/history/remove", {"shows": [BAD], "anime": [TITAN]})
    assert answer.status_code == 201
    assert answer.json() == {
        "deleted": {"movies": 0, "shows": 1, "episodes": 0},
        "not_found": {"movies": [], "shows": []},
    }
    user = sandbox.user("alice")
    assert (user.history, user.playbacks, user.lists) == ([], [], [])
    assert alice.get("/sync/activities").json()["tv_shows"]["removed_from_list"] is not None


def test_remove_episodes(alice: Caller, sandbox: SandboxClient):
    """Point 30: single episodes can go; unknown numbers are passed over, unknown titles echoed."""
    add(alice, {"shows": [{**BAD, "seasons": [{"number": 1}]}]})
    episodes = [{"number": 1}, {"number": 99}]
    body = {"shows": [{**BAD, "seasons": [{"number": 1, "episodes": episodes}]}], "movies": [{"title": "Nope"}]}
    answer = alice.post("/sync/history/remove", body).json()
    assert answer["deleted"] == {"movies": 0, "shows": 0, "episodes": 1}
    assert answer["not_found"] == {"movies": [{"title": "Nope"}], "shows": []}
    assert len(sandbox.history("alice")) == 6


def test_remove_episodes_of_a_later_cour(alice: Caller, sandbox: SandboxClient):
    """Point 30: what goes out of one cour of an anime leaves the other cours alone."""
    show = {**TITAN, "use_tvdb_anime_seasons": True, "seasons": [{"number": 3, "episodes": [{"number": 1}]}]}
    add(alice, {"shows": [show]})
    before = sandbox.user("alice").lists
    alice.post("/sync/history/remove", {"shows": [show]})
    assert sandbox.history("alice") == []
    assert sandbox.user("alice").lists == before


def test_titles_can_be_invented(alice: Caller, sandbox: SandboxClient):
    """Point 29: with the switch a late watch makes its title as well, and a removal never does."""
    sandbox.switch(invent_titles=True)
    show = {"title": "My Own Show", "ids": {"tvdb": "777"}, "use_tvdb_anime_seasons": True}
    show["seasons"] = [{"number": 2, "episodes": [{"number": 3}, {"number": 70}]}]
    assert alice.post("/sync/history/remove", {"shows": [show]}).json()["not_found"]["shows"] == [show]
    body = add(alice, {"shows": [show], "anime": [{"title": "My Own Anime", "episodes": [{"number": 5}]}]})
    assert body["not_found"] == {"movies": [], "shows": [], "episodes": []}
    assert seen(sandbox) == [("My Own Show", 2, 3), ("My Own Show", 2, 70), ("My Own Anime", 1, 5)]
    assert add(alice, {"shows": [{"title": "Nothing Named"}]})["not_found"]["shows"] == [{"title": "Nothing Named"}]


def test_ratings(alice: Caller, sandbox: SandboxClient):
    """Point 31: rating files a title; out of range is not found; anime counts as a show."""
    bodies = {
        "movies": [{**MATRIX, "rating": 9}, {"title": "A Film Still to Come", "rating": 5}, {**MATRIX, "rating": 11}],
        "shows": [{**BAD, "rating": 8}],
        "anime": [{"ids": {"mal": "9253"}, "rating": 10}],
    }
    answer = alice.post("/sync/ratings", bodies)
    assert answer.status_code == 201
    assert (answer.json()["added"]["movies"], answer.json()["added"]["shows"]) == (2, 2)
    assert answer.json()["not_found"]["movies"] == [{**MATRIX, "rating": 11}]
    filed = {entry.title: (entry.status, entry.rating) for entry in sandbox.user("alice").lists}
    assert filed == {
        "The Matrix": ("completed", 9),
        "A Film Still to Come": ("plantowatch", 5),
        "Breaking Bad": ("watching", 8),
        "Steins;Gate": ("watching", 10),
    }
    assert alice.post("/sync/ratings/remove", {"movies": [MATRIX]}).json()["deleted"] == {"movies": 1, "shows": 0}
    assert alice.get("/sync/activities").json()["movies"]["rated_at"] is not None


def test_add_to_list(alice: Caller, sandbox: SandboxClient):
    """Section 6.4: items move to lists; `to` belongs to each item."""
    assert alice.post("/sync/add-to-list", {"to": "hold", "shows": [BAD]}).json()["error"] == "empty_field"
    answer = alice.post(
        "/sync/add-to-list", {"shows": [{**BAD, "to": "hold"}], "movies": [{**MATRIX, "to": "completed"}]}
    )
    assert answer.status_code == 201
    assert {entry.title: entry.status for entry in sandbox.user("alice").lists} == {
        "Breaking Bad": "hold",
        "The Matrix": "completed",
    }


def test_activities(alice: Caller, sandbox: SandboxClient):
    """Point 32: null before anything happens; each write moves its own bucket, and `all`."""
    before = alice.get("/sync/activities").json()
    assert before["all"] is None
    assert set(before["movies"].values()) == set(before["anime"].values()) == {None}
    assert set(before["tv_shows"]) - set(before["movies"]) == {"watching", "hold"}
    alice.scrobble("pause", FILM, 10)
    first = alice.get("/sync/activities").json()
    assert first["all"] == first["movies"]["all"] == first["movies"]["playback"] is not None
    sandbox.advance(60)
    alice.scrobble("stop", episode(1), 90)
    second = alice.get("/sync/activities").json()
    assert second["all"] == second["tv_shows"]["watching"] > first["all"]
    assert second["movies"] == first["movies"]
    assert second["settings"]["all"] is None
    sandbox.advance(60)
    sandbox.plan("alice", "vip")
    third = alice.get("/sync/activities").json()
    assert third["all"] == third["settings"]["all"] > second["all"]


def test_all_items(alice: Caller, sandbox: SandboxClient):
    """Point 33: `{}` when empty; later only what changed strictly after `date_from`."""
    assert alice.get("/sync/all-items").json() == {}
    alice.scrobble("stop", FILM, 90)
    saved = alice.get("/sync/activities").json()["all"]
    assert alice.get("/sync/all-items", date_from=saved).json() == {}
    sandbox.advance(60)
    alice.scrobble("stop", episode(1), 90)
    changed = alice.get("/sync/all-items", date_from=saved).json()
    assert set(changed) == {"shows"}
    assert changed["shows"][0]["watched_episodes_count"] == 1
    assert set(alice.get("/sync/all-items").json()) == {"movies", "shows"}
    assert set(alice.get("/sync/all-items/movies/completed").json()) == {"movies"}
    assert alice.get("/sync/all-items/movies/watching").json() == {}
    full = alice.get("/sync/all-items/shows", extended="full", episode_watched_at="yes").json()
    assert full["shows"][0]["seasons"][0]["episodes"][0]["number"] == 1
    ids = alice.get("/sync/all-items/movies", extended="simkl_ids_only").json()
    assert ids == {"movies": [{"movie": {"ids": {"simkl": 500012}}}]}
    assert alice.get("/sync/all-items/films").json()["error"] == "url_failed"


def test_ungated_pull_is_counted(alice: Caller, bob: Caller, sandbox: SandboxClient):
    """Point 33: a pull that no look at the activities came before is counted; one look lets each address be read once."""
    bob.get("/sync/activities")
    alice.get("/sync/all-items")
    assert sandbox.counters().ungated_all_items == 1
    alice.get("/sync/activities")
    alice.get("/sync/all-items")
    alice.get("/sync/all-items/movies")
    assert sandbox.counters().ungated_all_items == 1
    alice.get("/sync/all-items")
    assert sandbox.counters().ungated_all_items == 2


def test_watched(alice: Caller):
    """Point 34: answers in the order of the questions; `[]` is `null`; too many with episodes is `max_items`."""
    alice.scrobble("stop", episode(1), 90)
    alice.scrobble("stop", FILM, 90)
    asked = [
        {**BAD, "season": 1, "episode": 1},
        {**BAD, "season": 1, "episode": 2},
        {**MATRIX, "type": "movie"},
        {"title": "No Such Thing"},
        BAD,
    ]
    answer = alice.post("/sync/watched", asked)
    assert [row["result"] for row in answer.json()] == [True, False, True, "not_found", True]
    assert answer.json()[2]["list"] == "completed"
    assert alice.post("/sync/watched", []).text == "null"
    many = alice.post("/sync/watched", [BAD] * 101, extended="episodes")
    assert (many.status_code, many.json()["error"]) == (400, "max_items")
    assert alice.post("/sync/watched", [BAD] * 101).status_code == 200
