"""Our Plex is one that an independent client library takes for real (python-plexapi: its sessions and its alert listener)."""

import gc
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from plexapi import exceptions
from plexapi import server as plexapi

from scrobbler.api.servers.fields import Fields
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


def test_library_is_refused_with_another_token() -> None:
    """A server that takes any token would prove nothing."""
    with LivePlex() as server, requests.Session() as http, pytest.raises(exceptions.Unauthorized):
        PlexServer(server.url, "another", http)
