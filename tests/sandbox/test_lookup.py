"""Look-ups and the user's settings: points 35 and 36."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.simkl_sandbox import SandboxClient
from tests.sandbox.caller import Caller


@pytest.mark.parametrize(
    ("name", "kind", "title", "year", "place"),
    [
        ("The.Matrix.1999.1080p.BluRay.mkv", "movie", "The Matrix", 1999, None),
        ("/media/films/Dune (2021)/Dune (2021).mkv", "movie", "Dune", 2021, None),
        ("Blade.Runner.2049.2017.2160p.mkv", "movie", "Blade Runner 2049", 2017, None),
        ("sintel.mp4", "movie", "Sintel", 2010, None),
        ("Breaking.Bad.S02E05.720p.mkv", "episode", "Breaking Bad", 2008, (2, 5)),
        ("The Office (US) 3x04.mkv", "episode", "The Office (US)", 2005, (3, 4)),
        ("Doctor.Who.2005.S01E01.mkv", "episode", "Doctor Who", 2005, (1, 1)),
        ("24 - S08E24.mkv", "episode", "24", 2001, (8, 24)),
        ("[Group] Steins;Gate - 07 [1080p].mkv", "episode", "Steins;Gate", 2011, (1, 7)),
        ("Breaking Bad S09E01.mkv", "show", "Breaking Bad", 2008, None),
        ("Firefly.mkv", "show", "Firefly", 2002, None),
    ],
)
def test_search_by_file(alice: Caller, name: str, kind: str, title: str, year: int, place: tuple[int, int] | None):
    """Point 35: a file's name is a film, a show, or an episode; always 200."""
    answer = alice.post("/search/file", {"file": name})
    body = answer.json()
    assert (answer.status_code, body["type"]) == (200, kind)
    found = body["movie" if kind == "movie" else "show"]
    assert (found["title"], found["year"]) == (title, year)
    if place is not None:
        assert (body["episode"]["season"], body["episode"]["episode"]) == place


@pytest.mark.parametrize(("body", "answer"), [({"file": "nothing known.mkv"}, "[]"), ({}, "null"), ([], "null")])
def test_search_by_file_without_match(alice: Caller, body: Any, answer: str):
    """Point 35: no match is `[]`, a bad body `null`, both 200; the trailing slash is tolerated."""
    found = alice.post("/search/file/", body)
    assert (found.status_code, found.text) == (200, answer)


def test_search_by_id_and_text(alice: Caller):
    """Point 35: unknown ids are `[]`, unknown types `null`; words find titles."""
    assert alice.get("/search/id", imdb="tt0133093").json()[0]["ids"] == {"simkl": 500012, "slug": "the-matrix"}
    assert alice.get("/search/id", imdb="tt9999999").json() == []
    assert alice.get("/search/badtype", q="x").text == "null"
    found = alice.get("/search/movie", q="blade runner").json()
    assert [each["title"] for each in found] == ["Blade Runner", "Blade Runner 2049"]
    assert "simkl_id" in found[0]["ids"]
    assert len(alice.get("/search/movie", q="the", limit="2").json()) == 2


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"imdb": "tt0133093"}, "//simkl.com/movies/500012/the-matrix"),
        ({"tvdb": "81189"}, "//simkl.com/tv/600001/breaking-bad"),
        ({"tmdb": "603", "type": "movie"}, "//simkl.com/movies/500012/the-matrix"),
        ({"tmdb": "603"}, "//simkl.com"),
        ({"title": "Steins;Gate"}, "//simkl.com/anime/700010/steins-gate"),
        ({"imdb": "tt9999999"}, "//simkl.com"),
    ],
)
def test_redirect(alice: Caller, query: dict[str, str], where: str):
    """Point 35: 301 with `Location` and no body; a miss points at the site."""
    answer = alice.get("/redirect", to="simkl", **query)
    assert (answer.status_code, answer.headers["location"], answer.content) == (301, where, b"")


def test_catalogue_pages(callers: Callable[..., Caller]):
    """Point 35: details and episode lists without a token; unknown ids are `200 []`."""
    caller = callers()
    for path in ("/movies/1", "/tv/500012", "/anime/1", "/tv/episodes/1"):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()) == (200, [])
    assert caller.get("/movies/500012").json()["runtime"] == 136
    assert caller.get("/tv/600001").json()["type"] == "show"
    episodes = caller.get("/tv/episodes/600001").json()
    assert len(episodes) == 62 + 9
    assert episodes[0]["runtime"] == 47


@pytest.mark.parametrize("plan", ["free", "pro", "vip"])
def test_settings_name_the_plan(alice: Caller, sandbox: SandboxClient, plan: str):
    """Point 36: the settings tell name, account id and plan; older clients post for them."""
    sandbox.plan("alice", plan)  # type: ignore[arg-type]
    for answer in (alice.get("/users/settings"), alice.post("/users/settings/", {})):
        body = answer.json()
        assert (body["user"]["name"], body["account"]["type"]) == ("alice", plan)
        assert body["account"]["id"] == sandbox.user("alice").account_id
