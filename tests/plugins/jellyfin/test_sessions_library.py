"""Our Jellyfin is one that an independent client library takes for real (jellyfin-apiclient-python)."""

import gc
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from jellyfin_apiclient_python import JellyfinClient  # type: ignore[import-untyped]

from tests.kit.media_servers import JELLYFIN_KEY
from tests.kit.servers import JELLYFIN_FILM
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


def test_library_is_refused_with_another_key() -> None:
    """A server that takes any key would prove nothing."""
    with LiveJellyfin() as server:
        client = JellyfinClient()
        client.config.app("acceptance", "1.0", "test", "device-1")
        client.config.data["auth.ssl"] = False
        state = connect(client, server, "another")
        assert not (client.logged_in and state["State"] == 3)
        assert any(asked.path.lower() != "/system/info/public" for asked in server.asked)
