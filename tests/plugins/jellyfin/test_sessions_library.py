"""Our Jellyfin is one that an independent client library takes for real (jellyfin-apiclient-python)."""

import gc
import threading
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from jellyfin_apiclient_python import JellyfinClient  # type: ignore[import-untyped]

from scrobbler.api import User
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.server import read_played
from tests.kit.media_servers import JELLYFIN_KEY
from tests.kit.servers import EVENING, JELLYFIN_FILM, JELLYFIN_SERIES, JELLYFIN_USER, jellyfin_movie
from tests.kit.session_servers import LiveJellyfin, jellyfin_playing_film, jellyfin_session


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """Collect the socket that the library leaves open when a server hangs up; it is not ours to close."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def library() -> Any:
    """Give the library's client, not yet connected."""
    client = JellyfinClient()
    client.config.app("acceptance", "1.0", "test", "device-1")
    client.config.data["auth.ssl"] = False
    return client


def connect(library: Any, server: LiveJellyfin, key: str = JELLYFIN_KEY) -> Any:
    """Connect by a key, as the library does it."""
    credentials = {"Servers": [{"AccessToken": key, "address": server.url, "Id": "aaaa0000", "UserId": "dddd"}]}
    return library.authenticate(credentials, discover=False)


def test_library_reads_our_sessions(library: Any) -> None:
    """The list of sessions that our listener reads is one that the library reads too."""
    with LiveJellyfin() as server:
        server.sessions = [jellyfin_session(jellyfin_playing_film(), position_ms=745_000)]
        connect(library, server)
        library.start(websocket=False)
        (session,) = library.jellyfin.get_sessions()
        library.http.stop_session()
    assert session["NowPlayingItem"]["Id"] == JELLYFIN_FILM
    assert session["PlayState"]["PositionTicks"] == 7_450_000_000


def test_library_is_told_of_sessions_on_our_websocket(library: Any) -> None:
    """The library opens our websocket, asks for sessions as we do, and hears them."""
    heard, opened = threading.Event(), threading.Event()
    told: list[tuple[str, Any]] = []

    def callback(name: str, data: Any) -> None:
        told.append((name, data))
        (opened if name == "WebSocketConnect" else heard if name == "Sessions" else threading.Event()).set()

    with LiveJellyfin() as server:
        connect(library, server)
        library.callback = library.callback_ws = callback
        library.start(websocket=True)
        assert opened.wait(10)
        library.wsc.send("SessionsStart", "0,1500")
        with server._news:
            assert server._news.wait_for(lambda: any("SessionsStart" in text for text in server.told), 10)
        server.show(jellyfin_session(jellyfin_playing_film()))
        assert heard.wait(10)
        library.wsc.stop = True
        server.drop()
        library.wsc.join(10)
        assert not library.wsc.is_alive()
        library.stop()
    assert "Sessions" in [name for name, _ in told]


def test_library_hears_each_change(library: Any) -> None:
    """A client passes over messages that it has had: each of ours has an id of its own."""
    told: list[Any] = []
    news = threading.Condition()

    def callback(name: str, data: Any) -> None:
        with news:
            told.append((name, data))
            news.notify_all()

    with LiveJellyfin() as server:
        connect(library, server)
        library.callback = library.callback_ws = callback
        library.start(websocket=True)
        with news:
            assert news.wait_for(lambda: "WebSocketConnect" in [name for name, _ in told], 10)
        for position_ms in (1_000, 2_000, 3_000):
            server.show(jellyfin_session(jellyfin_playing_film(), position_ms=position_ms))
        with news:
            assert news.wait_for(lambda: [name for name, _ in told].count("Sessions") == 3, 10)
        library.wsc.stop = True
        server.drop()
        library.wsc.join(10)
        library.stop()
    positions = [data["value"][0]["PlayState"]["PositionTicks"] for name, data in told if name == "Sessions"]
    assert positions == [10_000_000, 20_000_000, 30_000_000]


def test_library_signs_in_and_looks_around(library: Any) -> None:
    """By name and password, as an app does; items, their library, users, plugins and history are what our look-ups read."""
    with LiveJellyfin(routes="10.9") as server:
        server.add(jellyfin_movie(), Path="/media/films/film.mkv")
        server.add_series()
        played = {"UserData": {"Played": True, "LastPlayedDate": "2026-03-04T19:00:00.0000000Z"}}
        server.played[JELLYFIN_USER] = [jellyfin_playing_film(**played)]
        library.auth.connect_to_address(server.url)
        assert library.auth.login(server.url, "alice", "open sesame")
        library.authenticate({"Servers": library.auth.credentials.get()["Servers"]}, discover=False)
        library.start(websocket=False)
        film = library.jellyfin.get_item(JELLYFIN_FILM)
        series = library.jellyfin.get_item(JELLYFIN_SERIES)
        (line,) = library.jellyfin.get_user_items(
            recursive=True, sort_by="DatePlayed", sort_order="Descending", filters="IsPlayed"
        )["Items"]
        above = library.jellyfin.get_ancestors(JELLYFIN_FILM)
        users, plugins = library.jellyfin.get_users(), library.jellyfin.get_plugins()
        library.stop()
    assert (film["Path"], film["ProviderIds"]["Imdb"]) == ("/media/films/film.mkv", "tt0000009")
    assert series["ProviderIds"]["Tvdb"] == "9300100"
    event = read_played(MediaFields(line), User(id=JELLYFIN_USER, name="alice"), EVENING + timedelta(days=1))
    assert event is not None
    assert event.item_key == line["Id"] == JELLYFIN_FILM
    assert [one["Name"] for one in above if one["Type"] == "CollectionFolder"] == ["Movies"]
    assert [(one["Id"], one["Name"]) for one in users] == [(JELLYFIN_USER, "alice")]
    assert plugins[0]["Name"] == "Webhook"


def test_library_is_refused_with_another_password(library: Any) -> None:
    """A server that lets everybody in would prove nothing."""
    with LiveJellyfin() as server:
        library.auth.connect_to_address(server.url)
        assert not library.auth.login(server.url, "alice", "open barley")


def test_library_is_refused_with_another_key() -> None:
    """A server that takes any key would prove nothing."""
    with LiveJellyfin() as server:
        client = JellyfinClient()
        client.config.app("acceptance", "1.0", "test", "device-1")
        client.config.data["auth.ssl"] = False
        state = connect(client, server, "another")
        assert not (client.logged_in and state["State"] == 3)
        assert any(asked.path.lower() != "/system/info/public" for asked in server.asked)
