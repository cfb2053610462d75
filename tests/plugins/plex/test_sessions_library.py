"""Our Plex is one that an independent client library takes for real (python-plexapi: its sessions and its alert listener)."""

import gc
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from plexapi import exceptions
from plexapi import server as plexapi

from scrobbler.api.servers.fields import Fields
from scrobbler_plugins.plex.lookup import read_entry
from scrobbler_plugins.plex.sessions import read_lines
from tests.kit.servers import PLEX_SERVER, PLEX_TOKEN, plex_episode, plex_movie
from tests.kit.session_servers import LivePlex, plex_notice, plex_session

PlexServer: Any = plexapi.PlexServer  # the library has types for some of its calls only


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """Collect the socket that the library leaves open when a server hangs up; it is not ours to close."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_library_reads_our_sessions() -> None:
    """What the library reads of the list of sessions is what our listener reads of it."""
    with LivePlex() as server, requests.Session() as http:
        server.sessions = [plex_session(plex_movie(), offset_ms=154_000), plex_session(plex_episode(), key="30")]
        film, episode = PlexServer(server.url, PLEX_TOKEN, http).sessions()
        ours = read_lines(Fields({"MediaContainer": {"Metadata": server.sessions}}), PLEX_SERVER)
    assert [str(film.sessionKey), str(episode.sessionKey)] == [line.session for line in ours]
    assert [f"{PLEX_SERVER}/{one.ratingKey}" for one in (film, episode)] == [line.item_key for line in ours]
    assert (film.viewOffset, film.usernames) == (ours[0].position_ms, [ours[0].user.name])
    assert film.players[0].machineIdentifier == ours[0].client
    assert (episode.seasonNumber, episode.index, episode.grandparentTitle) == (1, 2, "Example Show")


def test_library_hears_our_notifications() -> None:
    """The library's alert listener opens our websocket and hears what our listener hears."""
    told: list[Any] = []
    heard = threading.Event()

    def callback(data: Any) -> None:
        told.append(data)
        heard.set()

    with LivePlex() as server, requests.Session() as http:
        alerts = PlexServer(server.url, PLEX_TOKEN, http).startAlertListener(callback)
        with server._news:
            assert server._news.wait_for(lambda: server.accepted, 10)
        server.notify(plex_notice("playing", "4001", 154_000))
        assert heard.wait(10)
        server.drop()
        alerts.join(10)
        assert not alerts.is_alive()
    (notice,) = told[0]["PlaySessionStateNotification"]
    assert (told[0]["type"], notice["state"], notice["viewOffset"]) == ("playing", "playing", 154_000)


def test_library_reads_our_items() -> None:
    """Film, episode and series, with ids, length and file, are what our look-ups read."""
    with LivePlex() as server, requests.Session() as http:
        server.add(plex_movie(), length_ms=5_999_000, file="/media/film.mkv")
        server.add(plex_episode(), length_ms=1_499_000, file="/media/tv/s01e02.mkv")
        server.add_show()
        plex = PlexServer(server.url, PLEX_TOKEN, http)
        film, episode, show = (
            plex.fetchItem(f"/library/metadata/{key}?includeGuids=1") for key in ("4001", "5012", "5000")
        )
        sections = plex.library.sections()
    assert [guid.id for guid in film.guids] == ["imdb://tt0000009", "tmdb://9100009"]
    assert (film.media[0].duration, film.media[0].parts[0].file) == (5_999_000, "/media/film.mkv")
    assert (episode.grandparentRatingKey, episode.seasonNumber, episode.index) == (5000, 1, 2)
    assert [guid.id for guid in show.guids][-1] == "tvdb://9300100"
    assert [(section.type, section.title) for section in sections] == [("movie", "Movies"), ("show", "TV")]


def test_library_reads_our_history() -> None:
    """The history that we catch up from, and the names of its accounts."""
    viewed = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
    with LivePlex() as server, requests.Session() as http:
        line = {
            "historyKey": "/status/sessions/history/7",
            "accountID": 2,
            "deviceID": 5,
            "viewedAt": int(viewed.timestamp()),
        }
        server.history = [{**plex_movie(), **line}]
        plex = PlexServer(server.url, PLEX_TOKEN, http)
        (seen,) = plex.history(mindate=viewed - timedelta(days=1))
        accounts = {account.id: account.name for account in plex.systemAccounts()}
        ours = read_entry(Fields(server.history[0]))
    assert ours is not None
    assert (str(seen.accountID), str(seen.ratingKey)) == (ours.account, ours.meta.text("ratingKey"))
    assert seen.viewedAt.astimezone(UTC) == ours.at
    assert accounts == {1: "alice", 2: "bob"}


def test_library_is_refused_with_another_token() -> None:
    """A server that takes any token would prove nothing."""
    with LivePlex() as server, requests.Session() as http, pytest.raises(exceptions.Unauthorized):
        PlexServer(server.url, "another", http)
