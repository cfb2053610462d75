"""Names that are no plays of ours, and names that only look so (contract.md 1.6, players.md 10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler.identify import name_skip
from tests.identify.conftest import Ask

SKIPPED = [
    ("/m/Movie (2010)/Movie (2010)-trailer.mkv", "trailer"),
    ("/m/Movie (2010)/movie-trailer.mp4", "trailer"),
    ("/m/Movie (2010)/trailer.mkv", "trailer"),
    ("/m/Movie (2010)/Movie (2010)-trailer2.mkv", "trailer"),
    ("/m/Movie.2010.Trailer.mkv", "trailer"),
    ("/m/Avatar Official Trailer #2.mkv", "trailer"),
    ("/m/Movie (2010)/Trailers/Teaser.mkv", "trailer"),
    ("/m/Movie (2010)/Trailers/One/x.mkv", "trailer"),
    ("Sample/movie.mkv", "extra"),
    ("/m/Movie.2010.1080p-GRP/Sample/movie.mkv", "extra"),
    ("/m/Movie.2010.1080p-GRP/movie-sample.mkv", "extra"),
    ("/m/Movie.2010.1080p-GRP/sample-movie.mkv", "extra"),
    ("/m/Movie.2010.1080p-GRP/sample.mkv", "extra"),
    ("/tv/Show.S01E01.1080p.WEB-GRP.sample.mkv", "extra"),
    ("/tv/show.s01e01.sample.mkv", "extra"),
    ("/m/Movie (2010)/Making Of-behindthescenes.mkv", "extra"),
    ("/m/Movie (2010)/Ending-deleted.mkv", "extra"),
    ("/m/Movie (2010)/Score-featurette.mkv", "extra"),
    ("/m/Movie (2010)/The Director-interview.mkv", "extra"),
    ("/m/Movie (2010)/The Car-scene.mkv", "extra"),
    ("/m/Movie (2010)/A Little-short.mkv", "extra"),
    ("/m/Movie (2010)/Something-other.mkv", "extra"),
    ("/m/Movie (2010)/Featurettes/Making of.mkv", "extra"),
    ("/m/Movie (2010)/Behind The Scenes/x.mkv", "extra"),
    ("/m/Movie (2010)/Deleted Scenes/x.mkv", "extra"),
    ("/m/Movie (2010)/extras/x.mkv", "extra"),
    ("/m/Movie (2010)/Interviews/x.mkv", "extra"),
    ("/m/Movie (2010)/Shorts/x.mkv", "extra"),
    ("/m/Movie (2010)/Extras/Disc 1/x.mkv", "extra"),
    ("C:\\m\\Movie (2010)\\Extras\\x.mkv", "extra"),
    ("/a/[Group] Show - NCOP1 [1080p].mkv", "extra"),
    ("/a/[Group] Show - NCED [1080p].mkv", "extra"),
    ("/a/[Group] Show - OP01v2 [1080p].mkv", "extra"),
    ("/a/[Group] Show - ED2.mkv", "extra"),
    ("/a/[Group] Show - PV3.mkv", "extra"),
    ("/a/[Group] Show - CM.mkv", "extra"),
    ("/a/[Group]_Show_NCOP1_[BD].mkv", "extra"),
    ("/tv/Show/theme.mkv", "theme"),
    ("/tv/Show/backdrops/theme.mkv", "theme"),
]


@pytest.mark.parametrize(("path", "skip"), SKIPPED)
def test_extras_are_no_plays(path: str, skip: str) -> None:
    """A name that says trailer, sample or extra is not a play."""
    assert name_skip(path) == skip


PLAYED = [
    "/tv/Trailer Park Boys/Season 1/Trailer Park Boys - S01E01.mkv",
    "/tv/Extras/Season 1/Extras - S01E01.mkv",
    "/tv/Extras/Season 1/S01E01.mkv",
    "/tv/Extras/Extras.S01E01.mkv",
    "/m/Trailers/Trailers.mkv",
    "/m/Trailers (2014)/Trailers (2014).mkv",
    "/m/Sample/Sample (2012).mkv",
    "/m/The.Sample.2015.1080p.mkv",
    "/m/The Trailer.mkv",
    "/tv/Show - S01E05 - The Trailer.mkv",
    "/tv/Show.S01E05.The.Sample.mkv",
    "/m/The-Big-Short.mkv",
    "/m/The-Interview.mkv",
    "/shorts/Shorts/Bao (2018).mkv",
    "/media/Interviews/Frost Nixon (2008).mkv",
    "/tv/Show/Specials/Show - S00E01.mkv",
    "/m/Extras/Collection/Set/Movie (2010).mkv",
    "/m/Mr. Ed - S01E01.mkv",
    "/m/Ed (1996).mkv",
    "/m/Operation Mincemeat.mkv",
    "",
    "-",
    "/",
]


@pytest.mark.parametrize("path", PLAYED)
def test_titles_that_look_like_extras_are_plays(path: str) -> None:
    """A film, a show or an episode whose title holds such a word is a play."""
    assert name_skip(path) is None


def test_skipped_file_is_said(read: Ask) -> None:
    """Identification hands the skip on, with plain words and without asking anybody."""
    found = read("/m/Movie (2010)/Movie (2010)-trailer.mkv")
    assert (found.work, found.skip) == (None, "trailer")
    assert found.reasons == ("the name says that it is a trailer",)


@given(st.text(st.characters(codec=None), max_size=80))
def test_no_path_raises(path: str) -> None:
    """Whatever a path holds, the question is answered."""
    assert name_skip(path) in {None, "trailer", "extra", "theme"}
