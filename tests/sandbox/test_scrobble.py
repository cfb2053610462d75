"""The four scrobble calls: points 15 to 26."""

from typing import Any

import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import FILM, FILM_MINUTES, OTHER_FILM, Caller, episode

TITAN = {"ids": {"tvdb": "267440"}}
HOUR = 3600


def activities(caller: Caller, bucket: str = "movies") -> dict[str, Any]:
    found: dict[str, Any] = caller.get("/sync/activities").json()[bucket]
    return found


@pytest.mark.parametrize(
    ("action", "progress", "answered"),
    [
        ("start", 5, "start"),
        ("pause", 5, "pause"),
        ("stop", 5, "pause"),
        ("stop", 80, "scrobble"),
        ("checkin", 5, "checkin"),
    ],
)
def test_answer(alice: Caller, action: str, progress: int, answered: str):
    """Point 15: 201; `start` has id 0, the others a 64-bit id; ids are strings except Simkl's."""
    answer = alice.scrobble(action, FILM, progress)
    body = answer.json()
    assert (answer.status_code, body["action"], body["progress"]) == (201, answered, progress)
    assert body["id"] == 0 if action == "start" else body["id"] > 2**32
    assert body["movie"] == {
        "title": "The Matrix",
        "year": 1999,
        "ids": {"simkl": 500012, "slug": "the-matrix", "imdb": "tt0133093", "tmdb": "603"},
    }


@pytest.mark.parametrize(("sent", "answered"), [(None, "0"), (75.0, "75"), (37.25, "37.25"), ("12.5", "12.5")])
def test_progress_is_normalised(alice: Caller, sent: Any, answered: str):
    """Point 15: a missing progress is 0, and 75.00 comes back as 75."""
    assert f'"progress":{answered},' in alice.scrobble("pause", FILM, sent).text


def test_ids_are_unique(alice: Caller):
    """Point 15: every answer but a start's has its own id."""
    ids = [alice.scrobble(action, FILM, 10).json()["id"] for action in ("pause", "stop", "checkin", "pause")]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("body", [{}, {"progress": 5}, {"show": {"ids": {"tvdb": "81189"}}}, {"movie": None}])
def test_no_media_is_empty_field(alice: Caller, body: dict[str, Any]):
    """Point 16: without a film, or a show with its episode, 400 `empty_field`."""
    answer = alice.post("/scrobble/start", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "empty_field")


@pytest.mark.parametrize(
    "body",
    [
        {"movie": {"title": "No Such Film", "ids": {"imdb": "tt9999999"}}},
        {"movie": {"ids": {"tvdb": "81189"}}},
        {"show": {"ids": {"tvdb": "81189"}}, "episode": {"season": 6, "number": 1}},
        {"show": {"ids": {"tvdb": "81189"}}, "episode": {"season": 1, "number": 0}},
        {"show": {"ids": {"tvdb": "81189"}}, "episode": {"number": 1}},
        {"show": {"ids": {"tvdb": "81189"}}, "episode": {"season": 1, "number": 1, "ids": {"tvdb": "1"}}},
    ],
)
def test_no_match_is_id_err(alice: Caller, body: dict[str, Any]):
    """Point 16: unknown titles, episodes and stale episode ids are 404 `id_err`."""
    answer = alice.post("/scrobble/stop", {**body, "progress": 90})
    assert (answer.status_code, answer.json()["error"]) == (404, "id_err")


def test_titles_can_be_invented(sandbox: SandboxClient, alice: Caller):
    """Point 16: with the switch a title that is missing is made up, and found again by its ids."""
    sandbox.switch(invent_titles=True)
    film = {"movie": {"title": "My Own Film", "year": 2024, "ids": {"imdb": "tt7777777"}}}
    show = {"show": {"title": "My Own Show", "ids": {"tvdb": 777}}, "episode": {"season": 3, "number": 50}}
    first = alice.scrobble("stop", film, 90).json()["movie"]["ids"]["simkl"]
    assert (
        alice.scrobble("start", {"movie": {"ids": {"imdb": "tt7777777"}}}, 5).json()["movie"]["ids"]["simkl"] == first
    )
    assert alice.scrobble("stop", show, 90).json()["episode"] == {"season": 3, "number": 50, "title": "Made up"}
    stale = {**episode(2), "episode": {"season": 1, "number": 2, "ids": {"tvdb": "1"}}}
    assert alice.scrobble("stop", stale, 90).json()["episode"]["number"] == 2


@pytest.mark.parametrize(
    ("show", "numbers"),
    [
        ({"show": {"title": "My Own Show"}}, [{"season": 1, "number": 5}, {"season": 30, "number": 90}]),
        ({"show": {"title": "My Own Anime"}}, [{"number": 1100}, {"number": 3}]),
        ({"anime": {"title": "My Own Anime"}}, [{"number": 5}, {"number": 90}]),
        ({"show": {"title": "The Simpsons"}}, [{"season": 30, "number": 1}]),
    ],
)
def test_episodes_can_be_invented(
    sandbox: SandboxClient, alice: Caller, show: dict[str, Any], numbers: list[dict[str, int]]
):
    """Point 16: with the switch every episode of one's own library is there, however it is counted; without it none."""
    assert alice.scrobble("stop", {**show, "episode": numbers[0]}, 90).status_code == 404
    sandbox.switch(invent_titles=True)
    for number in numbers:
        answer = alice.scrobble("stop", {**show, "episode": number}, 90).json()
        assert answer["episode"] == {"season": 1, **number, "title": "Made up"}
        assert alice.scrobble("stop", {**show, "episode": number}, 90).status_code == 409
    assert len(sandbox.history("alice")) == len(numbers)


@pytest.mark.parametrize("progress", [10**400, "9" * 5000, "nan", "inf", -1, 100.5, True, []])
def test_progress_that_is_none(alice: Caller, progress: Any):
    """What is no percentage is 400 `wrong_parameter`, however large it is."""
    answer = alice.post("/scrobble/pause", {**FILM, "progress": progress})
    assert (answer.status_code, answer.json()["error"]) == (400, "wrong_parameter")


@pytest.mark.parametrize(
    ("media", "year"),
    [
        ({"title": "Dune", "ids": {"simkl": 500019, "imdb": "tt1160419"}}, 1984),
        ({"title": "Dune", "year": 1984, "ids": {"imdb": "tt1160419"}}, 2021),
        ({"title": "Dune", "year": 2021}, 2021),
        ({"title": "Dune"}, 1984),
        ({"title": "DUNE!", "year": 1984, "ids": {"imdb": "tt0000001"}}, 1984),
        ({"ids": {"tmdb": 438631}}, 2021),
    ],
)
def test_order_of_resolution(alice: Caller, media: dict[str, Any], year: int):
    """Point 17: Simkl's id beats all, then other ids, then title and year, then the title alone."""
    assert alice.post("/scrobble/start", {"movie": media}).json()["movie"]["year"] == year


def test_tmdb_has_two_number_spaces(alice: Caller, sandbox: SandboxClient):
    """Point 17: the container's key says which number space of TMDB is meant."""
    sandbox.add_movie("Same Number", 2001, ids={"tmdb": "1396"})
    show = {"show": {"ids": {"tmdb": "1396"}}, "episode": {"season": 1, "number": 1}}
    assert alice.post("/scrobble/start", show).json()["show"]["title"] == "Breaking Bad"
    assert alice.post("/scrobble/start", {"movie": {"ids": {"tmdb": "1396"}}}).json()["movie"]["title"] == "Same Number"


def test_episode_ids_beat_numbers(alice: Caller, sandbox: SandboxClient):
    """Point 17: an episode's tvdb or anidb id wins; its imdb and tmdb ids are passed over."""
    sandbox.add_show("Numbered", 2020, seasons={0: 1, 1: 3}, ids={"tvdb": "123456"}, first_episode_tvdb=555000)
    show = {"ids": {"tvdb": "123456"}}
    by_id = {"show": show, "episode": {"season": 1, "number": 1, "ids": {"tvdb": "555003", "imdb": "tt1"}}}
    assert alice.post("/scrobble/start", by_id).json()["episode"]["number"] == 3
    foreign = {"show": {"ids": {"tvdb": "81189"}}, "episode": {"season": 1, "number": 1, "ids": {"tvdb": "555003"}}}
    assert alice.post("/scrobble/start", foreign).status_code == 404
    ignored = {"show": show, "episode": {"season": 1, "number": 1, "ids": {"imdb": "tt1", "tmdb": "9"}}}
    assert alice.post("/scrobble/start", ignored).json()["episode"]["number"] == 1
    special = {"show": show, "episode": {"season": 0, "number": 1}}
    assert alice.post("/scrobble/start", special).json()["episode"]["season"] == 0


@pytest.mark.parametrize(
    ("media", "title", "number"),
    [
        ({"show": TITAN, "episode": {"season": 1, "number": 25}}, "Attack on Titan", 25),
        ({"show": TITAN, "episode": {"season": 3, "number": 15}}, "Attack on Titan Season 3 Part 2", 3),
        (
            {"show": {"ids": {"tmdb": 1429}}, "episode": {"season": 4, "number": 17}},
            "Attack on Titan The Final Season Part 2",
            1,
        ),
        ({"show": {"title": "Attack on Titan"}, "episode": {"season": 2, "number": 1}}, "Attack on Titan Season 2", 1),
        ({"anime": {"ids": {"mal": "38524"}}, "episode": {"number": 3}}, "Attack on Titan Season 3 Part 2", 3),
        ({"anime": TITAN, "episode": {"number": 26}}, "Attack on Titan Season 2", 1),
    ],
)
def test_anime_cours(alice: Caller, media: dict[str, Any], title: str, number: int):
    """Point 17: TVDB's season and number find the right cour; anime ids count within the cour."""
    body = alice.post("/scrobble/start", media).json()
    assert (body["anime"]["title"], body["episode"]["number"]) == (title, number)
    assert {"tvdb_season", "tvdb_number"} <= set(body["episode"])


def test_native_id_with_tvdb_season_misses(alice: Caller):
    """Point 17: a cour's own id with TVDB's season number is a mistake, and no match."""
    media = {"anime": {"ids": {"mal": "38524"}}, "episode": {"season": 3, "number": 15}}
    assert alice.post("/scrobble/start", media).status_code == 404


@pytest.mark.parametrize(("switch", "key"), [("resolved", "anime"), ("as_sent", "show")])
def test_key_of_anime(alice: Caller, sandbox: SandboxClient, switch: str, key: str):
    """Point 15: under which key an anime comes back is a switch."""
    sandbox.switch(anime_key=switch)
    assert key in alice.post("/scrobble/start", {"show": TITAN, "episode": {"season": 1, "number": 1}}).json()


@pytest.mark.parametrize(("switch", "first", "later"), [("always", True, True), ("when_different", False, True)])
def test_tvdb_numbers_in_answers(alice: Caller, sandbox: SandboxClient, switch: str, *, first: bool, later: bool):
    """Point 17: TVDB's numbers come always, or only where they differ (switch)."""
    sandbox.switch(tvdb_numbers=switch)
    for season, expected in ((1, first), (2, later)):
        body = alice.post("/scrobble/start", {"show": TITAN, "episode": {"season": season, "number": 1}}).json()
        assert ("tvdb_season" in body["episode"]) is expected


def test_start_replaces(alice: Caller, sandbox: SandboxClient):
    """Point 18: a start takes the banner, drops that title's saved position, and moves `playback`."""
    alice.scrobble("pause", episode(5), 40)
    alice.scrobble("pause", FILM, 30)
    before = activities(alice, "tv_shows")["playback"]
    sandbox.advance(10)
    alice.scrobble("start", episode(6), 0)
    assert [saved.title for saved in sandbox.playbacks("alice")] == ["The Matrix"]
    assert activities(alice, "tv_shows")["playback"] > before
    alice.scrobble("start", OTHER_FILM, 1)
    banner = sandbox.banner("alice")
    assert banner is not None
    assert banner.title == "Inception"


@pytest.mark.parametrize(
    ("mode", "sent", "minutes", "watched"),
    [
        ("extrapolated", 50, FILM_MINUTES * 0.31, True),
        ("extrapolated", 50, FILM_MINUTES * 0.29, False),
        ("extrapolated", 0, 10_000, True),
        ("sent", 50, 10_000, False),
        ("sent", 80, 0, True),
        ("off", 95, 10_000, False),
    ],
)
@pytest.mark.parametrize("action", ["start", "checkin"])
def test_start_finishes_the_one_before(
    alice: Caller, sandbox: SandboxClient, mode: str, sent: float, minutes: float, action: str, *, watched: bool
):
    """Point 19: a start marks the one before as watched if it has reached 80 %, and does not say so."""
    sandbox.switch(auto_finish=mode)
    alice.scrobble("start", FILM, sent)
    sandbox.advance(minutes * 60)
    answer = alice.scrobble(action, episode(1), 0)
    assert "movie" not in answer.json()
    assert [row.title for row in sandbox.history("alice")] == (["The Matrix"] if watched else [])
    assert all(row.source == "auto_finish" for row in sandbox.history("alice"))


@pytest.mark.parametrize(
    ("media", "minutes"),
    [
        ({"movie": {"title": "Charade"}}, 90),
        ({"show": {"title": "Firefly"}, "episode": {"season": 1, "number": 1}}, 45),
        ({"show": {"title": "Steins;Gate"}, "episode": {"season": 1, "number": 1}}, 25),
    ],
)
def test_fallback_runtimes(alice: Caller, sandbox: SandboxClient, media: dict[str, Any], minutes: int):
    """Point 19: titles without a runtime count as 90, 45 and 25 minutes."""
    alice.scrobble("start", media, 0)
    sandbox.advance(minutes * 60 * 0.79)
    alice.scrobble("start", FILM, 0)
    alice.scrobble("start", media, 0)
    assert sandbox.history("alice") == []
    sandbox.advance(minutes * 60 * 0.81)
    alice.scrobble("start", FILM, 0)
    assert len(sandbox.history("alice")) == 1


@pytest.mark.parametrize(("switch", "shown"), [("ends", False), ("stays", True)])
def test_expired_start_is_no_watch(alice: Caller, sandbox: SandboxClient, switch: str, *, shown: bool):
    """Point 20: a start whose runtime passed never becomes a watch by itself."""
    sandbox.switch(banner_at_expiry=switch)
    alice.scrobble("start", FILM, 0)
    sandbox.advance(FILM_MINUTES * 60 + 300)
    assert sandbox.history("alice") == []
    assert (sandbox.banner("alice") is not None) is shown


@pytest.mark.parametrize("lag", [0, 120])
def test_checkin_matures(alice: Caller, sandbox: SandboxClient, lag: int):
    """Point 20: a check-in becomes a watch by itself, up to two minutes after the runtime's end."""
    sandbox.switch(checkin_lag_s=lag)
    alice.scrobble("checkin", FILM, None)
    sandbox.advance(FILM_MINUTES * 60 + lag - 5)
    assert sandbox.history("alice") == []
    sandbox.advance(6)
    assert [row.source for row in sandbox.history("alice")] == ["checkin"]
    assert sandbox.banner("alice") is None


@pytest.mark.parametrize(
    ("action", "progress", "watched"),
    [("stop", 85, True), ("stop", 20, False), ("pause", 20, False), ("start", 20, False)],
)
def test_checkin_is_converted(alice: Caller, sandbox: SandboxClient, action: str, progress: float, *, watched: bool):
    """Point 20: stop, pause and start before its end convert or cancel a check-in."""
    alice.scrobble("checkin", FILM, None)
    sandbox.advance(600)
    alice.scrobble(action, FILM, progress)
    assert bool(sandbox.history("alice")) is watched
    sandbox.advance(FILM_MINUTES * 60 + 600)
    assert bool(sandbox.history("alice")) is watched


def test_checkin_is_called_off_by_delete(alice: Caller, sandbox: SandboxClient):
    """Point 20: deleting a check-in's id calls it off."""
    number = alice.scrobble("checkin", FILM, None).json()["id"]
    assert alice.delete(f"/sync/playback/{number}").status_code == 204
    sandbox.advance(FILM_MINUTES * 60 + 600)
    assert sandbox.history("alice") == []


def test_pause(alice: Caller, sandbox: SandboxClient):
    """Point 21: one saved position per title, the last; no watch at any progress; no start needed."""
    alice.scrobble("pause", episode(5), 40)
    alice.scrobble("pause", episode(6), 99)
    assert [(saved.number, saved.progress) for saved in sandbox.playbacks("alice")] == [(6, 99)]
    assert sandbox.history("alice") == []
    alice.scrobble("start", FILM, 1)
    alice.scrobble("pause", FILM, 2)
    assert sandbox.banner("alice") is None


def test_threshold(alice: Caller, sandbox: SandboxClient):
    """Point 22: 79.99 is a pause, 80 a watch that leaves no saved position and files the title."""
    alice.scrobble("start", FILM, 10)
    assert alice.scrobble("stop", FILM, 79.99).json()["action"] == "pause"
    assert [saved.progress for saved in sandbox.playbacks("alice")] == [79.99]
    assert alice.scrobble("stop", FILM, 80).json()["action"] == "scrobble"
    user = sandbox.user("alice")
    assert (len(user.history), user.playbacks, user.banner) == (1, [], None)
    assert [(entry.title, entry.status) for entry in user.lists] == [("The Matrix", "completed")]
    assert activities(alice)["completed"] is not None


@pytest.mark.parametrize(("action", "progress"), [("pause", 40), ("stop", 40), ("stop", 90)])
def test_banner_goes(alice: Caller, sandbox: SandboxClient, action: str, progress: float):
    """Points 21 and 22: pause and stop take the banner of their title away, and leave another's alone."""
    alice.scrobble("start", FILM, 10)
    alice.scrobble(action, OTHER_FILM, progress)
    assert sandbox.banner("alice") is not None
    alice.scrobble(action, FILM, progress)
    assert sandbox.banner("alice") is None


def test_series_is_filed(alice: Caller, sandbox: SandboxClient):
    """Point 22: a series is `watching` until all of an ended one is seen."""
    sandbox.add_show("Short", 2020, seasons={0: 1, 1: 2}, ids={"tvdb": "99"})
    for number, status in ((1, "watching"), (2, "completed")):
        alice.scrobble("stop", {"show": {"ids": {"tvdb": "99"}}, "episode": {"season": 1, "number": number}}, 90)
        assert sandbox.user("alice").lists[0].status == status


@pytest.mark.parametrize(("switch", "status"), [("accept", 201), ("refuse", 404)])
def test_stop_without_start(alice: Caller, sandbox: SandboxClient, switch: str, status: int):
    """Point 22: whether a stop needs a start is a switch; with one it is always taken."""
    sandbox.switch(stop_without_start=switch)
    assert alice.scrobble("stop", FILM, 90).status_code == status
    alice.scrobble("start", OTHER_FILM, 1)
    assert alice.scrobble("stop", OTHER_FILM, 90).status_code == 201
    alice.scrobble("pause", episode(1), 20)
    assert alice.scrobble("stop", episode(1), 90).status_code == 201


@pytest.mark.parametrize(("error", "times"), [("absent", "utc"), ("already_watched", "offset")])
def test_duplicate_stop(alice: Caller, sandbox: SandboxClient, error: str, times: str):
    """Point 23: a second completing stop within the hour is 409 and writes nothing; later it is 201 and writes nothing."""
    sandbox.switch(conflict_error=error, conflict_times=times)
    alice.scrobble("stop", FILM, 90)
    sandbox.advance(HOUR - 5)
    answer = alice.scrobble("stop", FILM, 100)
    body = answer.json()
    assert answer.status_code == 409
    assert body.get("error", "absent") == error
    assert "code" not in body
    assert body["watched_at"][-6:].endswith("Z" if times == "utc" else "-05:00")
    assert body["expires_at"] > body["watched_at"]
    sandbox.advance(6)
    late = alice.scrobble("stop", FILM, 100)
    assert (late.status_code, late.json()["action"]) == (201, "scrobble")
    assert len(sandbox.history("alice")) == 1


def test_duplicate_of_a_history_write(alice: Caller, sandbox: SandboxClient):
    """Point 23: a history write within the hour counts as the first; another episode does not."""
    alice.post("/sync/history", {"movies": [FILM["movie"]]})
    assert alice.scrobble("stop", FILM, 90).status_code == 409
    alice.scrobble("stop", episode(1), 90)
    assert alice.scrobble("stop", episode(2), 90).status_code == 201
    assert len(sandbox.history("alice")) == 3


@pytest.mark.parametrize(("switch", "status"), [(False, 201), (True, 409)])
def test_duplicate_pause(alice: Caller, sandbox: SandboxClient, status: int, *, switch: bool):
    """Point 23: whether a pause at 80 or more is refused within the hour too is a switch."""
    sandbox.switch(conflict_on_pause=switch)
    alice.scrobble("stop", FILM, 90)
    assert alice.scrobble("pause", FILM, 85).status_code == status
    assert alice.scrobble("pause", FILM, 79).status_code == 201


def test_low_stop_after_a_watch(alice: Caller, sandbox: SandboxClient):
    """Point 24: the watch stays, and the new position is saved and listed."""
    alice.scrobble("stop", FILM, 95)
    sandbox.advance(60)
    alice.scrobble("stop", FILM, 30)
    assert len(sandbox.history("alice")) == 1
    assert [saved["progress"] for saved in alice.get("/sync/playback", hide_watched="true").json()] == [30]


@pytest.mark.parametrize(
    ("plan", "hours", "status", "rows"),
    [
        ("free", 72, "pro_required", 1),
        ("pro", 47, "too_soon", 1),
        ("pro", 49, "completed", 2),
        ("vip", 49, "completed", 2),
    ],
)
def test_rewatch(alice: Caller, sandbox: SandboxClient, plan: str, hours: int, status: str, rows: int):
    """Point 25: a repeated watch needs PRO or VIP and 48 hours."""
    sandbox.plan("alice", plan)  # type: ignore[arg-type]
    alice.scrobble("stop", FILM, 90)
    sandbox.advance(hours * HOUR)
    body = alice.scrobble("stop", FILM, 90, allow_rewatch="yes").json()
    assert body["rewatch_status"] == status
    assert (body["rewatch_id"] is not None) == (rows == 2)
    assert len(sandbox.history("alice")) == rows


def test_rewatch_of_first_watches_and_episodes(alice: Caller, sandbox: SandboxClient):
    """Point 25: a first watch says so; an episode's repetition is `active`; on plan-to-watch nothing is added."""
    sandbox.plan("alice", "pro")
    assert alice.scrobble("stop", episode(1), 90, allow_rewatch="yes").json()["rewatch_status"] == "first_watch"
    sandbox.advance(49 * HOUR)
    assert alice.scrobble("stop", episode(1), 90, allow_rewatch="yes").json()["rewatch_status"] == "active"
    sandbox.advance(49 * HOUR)
    alice.post("/sync/add-to-list", {"shows": [{**episode(1)["show"], "to": "plantowatch"}]})
    assert alice.scrobble("stop", episode(1), 90, allow_rewatch="yes").json()["rewatch_status"] == "not_eligible"
    assert [row.rewatch for row in sandbox.history("alice")] == [False, True]


def test_rewatch_keys_are_absent(alice: Caller, sandbox: SandboxClient):
    """Point 25: below 80, or without the flag, the keys are not there."""
    sandbox.plan("alice", "pro")
    for body in (
        alice.scrobble("stop", FILM, 79, allow_rewatch="yes").json(),
        alice.scrobble("stop", FILM, 90).json(),
        alice.scrobble("start", FILM, 1, allow_rewatch="yes").json(),
    ):
        assert not {"rewatch_id", "rewatch_status"} & set(body)


def test_rewatch_on_start_hits_the_one_before(alice: Caller, sandbox: SandboxClient):
    """Point 25: on a start the flag repeats the title that the start finishes."""
    sandbox.plan("alice", "pro")
    alice.scrobble("stop", FILM, 90)
    sandbox.advance(49 * HOUR)
    alice.scrobble("start", FILM, 1)
    sandbox.advance(FILM_MINUTES * 60)
    alice.scrobble("start", OTHER_FILM, 1, allow_rewatch="yes")
    assert [(row.title, row.rewatch) for row in sandbox.history("alice")] == [
        ("The Matrix", False),
        ("The Matrix", True),
    ]


def test_checkin_repeats(alice: Caller, sandbox: SandboxClient):
    """Point 26: no saved position, and repeating a check-in starts its time again."""
    assert alice.scrobble("checkin", FILM, None).json()["progress"] == 0
    assert alice.get("/sync/playback").json() == []
    sandbox.advance(FILM_MINUTES * 60 * 0.5)
    alice.scrobble("checkin", FILM, None)
    sandbox.advance(FILM_MINUTES * 60 * 0.7)
    assert sandbox.history("alice") == []


@pytest.mark.parametrize(("switch", "watched"), [("ignored", False), ("counts", True)])
def test_checkin_progress(alice: Caller, sandbox: SandboxClient, switch: str, *, watched: bool):
    """Point 26: whether a check-in's progress brings its end nearer is a switch."""
    sandbox.switch(checkin_progress=switch)
    alice.scrobble("checkin", FILM, 50)
    sandbox.advance(FILM_MINUTES * 60 * 0.6)
    assert bool(sandbox.history("alice")) is watched
