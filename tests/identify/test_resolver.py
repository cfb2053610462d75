"""Films and episodes that the source has already named."""

import asyncio

import pytest

from scrobbler.api import Episode, Ids, Item, Movie, Show
from scrobbler.identify import Confidence, Identification, identify
from tests.identify.conftest import NoGuesser


def identified(item: Item) -> Identification:
    return asyncio.run(identify(item, duration_ms=None, guesses=NoGuesser()))


@pytest.mark.parametrize(
    ("item", "confidence", "reason"),
    [
        (Movie(title="Heat", ids=Ids(imdb="tt0113277")), Confidence.IDS, "imdb id from the source"),
        (Movie(title="Heat", year=1995), Confidence.DATED, "title and year from the source"),
        (Movie(title="Heat"), Confidence.TITLE, "title alone, from the source"),
        (
            Episode(show=Show(ids=Ids(tvdb="1")), season=0, number=0),
            Confidence.IDS,
            "tvdb id of the show from the source",
        ),
        (
            Episode(show=Show(title="X", ids=Ids(tvdb="1", tmdb="2")), season=1, number=2),
            Confidence.IDS,
            "tmdb, tvdb ids of the show from the source",
        ),
        (Episode(ids=Ids(tvdb="5")), Confidence.IDS, "tvdb id of the episode from the source"),
        (
            Episode(show=Show(title="X"), season=1, number=2),
            Confidence.NUMBERED,
            "show title and number from the source",
        ),
        (Episode(show=Show(title="X"), aired="2024-03-05"), Confidence.LOOSE, "show title and date from the source"),
        (
            Episode(show=Show(ids=Ids(tvdb="1")), aired="2024-03-05"),
            Confidence.LOOSE,
            "tvdb id of the show from the source",
        ),
    ],
)
def test_named_items_are_taken_as_they_are(item: Item, confidence: Confidence, reason: str) -> None:
    """What the source named is not touched, and is worth what it was named by."""
    found = identified(item)
    assert (found.work, found.confidence, found.reasons) == (item, confidence, (reason,))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (Movie(), "the source gave neither a title nor ids of the film"),
        (Movie(title="  ", year=1995), "the source gave neither a title nor ids of the film"),
        (Episode(season=1, number=2), "the source gave neither a title nor ids of the show"),
        (Episode(show=Show(title="X")), "the source gave neither a number nor a date nor an id of the episode"),
        (Episode(season=1, number=2, ids=Ids(imdb="tt0000001")), "the source gave neither a title nor ids of the show"),
    ],
)
def test_items_without_enough_say_what_is_missing(item: Item, reason: str) -> None:
    """An item that Simkl could not match gives no work and says what is missing."""
    found = identified(item)
    assert (found.work, found.confidence, found.reasons) == (None, 0, (reason,))
