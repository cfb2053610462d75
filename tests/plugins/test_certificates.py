"""A server that is asked over https: whom we trust, and what is said where we do not."""

import asyncio
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest

from scrobbler.api import SourcePlugin
from scrobbler.api.connection import GoneError, open_websocket
from scrobbler.api.testkit import Recorder
from scrobbler.http import HttpClient, new_client, tls_context
from scrobbler_plugins.emby import Plugin as Emby
from scrobbler_plugins.jellyfin import Plugin as Jellyfin
from scrobbler_plugins.plex import Plugin as Plex
from scrobbler_plugins.vlc import Plugin as Vlc
from tests.kit.certificates import https_server, make_certificate
from tests.kit.daemon import DaemonProcess
from tests.kit.media_servers import FakeJellyfin
from tests.kit.simkl_sandbox import SandboxClient, sandbox

__all__ = ["sandbox"]

pytestmark = pytest.mark.anyio
KEY = "a-key-that-must-not-be-seen"
KINDS: list[tuple[Any, str]] = [(Plex, "token"), (Jellyfin, "api_key"), (Emby, "api_key"), (Vlc, "password")]


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Give the shared client of the daemon."""
    async with new_client() as made:
        yield made


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server whose certificate signs itself."""
    with https_server(*make_certificate(tmp_path_factory.mktemp("untrusted"))) as url:
        yield url


def source(kind: Any, option: str, url: str, recorder: Recorder) -> SourcePlugin:
    """Make a plugin that may ask a server."""
    options = kind.Options(type="x", url=url, **{option: KEY})
    made: SourcePlugin = kind(options, recorder.context)
    return made


@pytest.mark.parametrize(("kind", "option"), KINDS)
async def test_doctor_names_the_certificate(untrusted: str, client: HttpClient, kind: Any, option: str) -> None:
    """An untrusted certificate is called that, with what can be done, and without the key."""
    results = await source(kind, option, untrusted, Recorder(http=lambda: client)).check()
    assert not results[-1].good
    assert "certificate is not trusted (self-signed certificate)" in results[-1].what
    assert "SSL_CERT_FILE" in results[-1].advice
    assert KEY not in str(results)


@pytest.mark.parametrize(("kind", "option"), KINDS)
async def test_source_is_gone_because_of_the_certificate(
    untrusted: str, client: HttpClient, kind: Any, option: str
) -> None:
    """Who listens says the same as the reason why the source is gone."""
    recorder = Recorder(http=lambda: client)
    listener: Any = source(kind, option, untrusted, recorder)
    task = asyncio.create_task(listener.run())
    await recorder.when(lambda seen: seen.reach)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not recorder.reach[0].up
    assert "certificate is not trusted" in recorder.reach[0].why


async def test_websocket_trusts_no_more_than_requests_do(untrusted: str) -> None:
    """A websocket over https is held to the same certificates."""
    with pytest.raises(GoneError, match="certificate is not trusted"):
        async with open_websocket(f"{untrusted}/socket", {"Authorization": KEY}):
            pass


async def test_plain_http_where_https_is_meant(client: HttpClient, untrusted: str) -> None:
    """`https` at a port that speaks plain http is said so, and `http` at one of https is no certificate's fault."""
    plain = untrusted.replace("https:", "http:")
    wrong = await source(Jellyfin, "api_key", plain, Recorder(http=lambda: client)).check()
    with FakeJellyfin() as server:
        url = server.url.replace("http:", "https:")
        other = await source(Jellyfin, "api_key", url, Recorder(http=lambda: client)).check()
    assert "the server does not speak https there" in other[-1].what
    assert "give `url` as http" in other[-1].advice
    assert not wrong[-1].good
    assert "certificate" not in wrong[-1].what


@pytest.fixture
def system_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that counts as the system's store of certificates."""
    folder = tmp_path / "certs"
    folder.mkdir()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(openssl_capath=str(folder)))
    return folder


def fill(folder: Path, certificate: Path, others: int) -> None:
    """Put a certificate into a store under the name by which OpenSSL looks for it, and names of others."""
    words = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    shutil.copyfile(certificate, folder / f"{name}.0")
    for number in range(others):
        (folder / f"{number:08x}.0").touch()


def trusted(url: str) -> bool:
    """Tell whether a new context takes the certificate of a server."""
    try:
        urllib.request.urlopen(url, context=tls_context.__wrapped__()).close()
    except URLError:
        return False
    return True


def test_the_systems_certificates_are_looked_up_one_by_one(tmp_path: Path, system_store: Path) -> None:
    """What the machine trusts is trusted, and none of it lies in memory before a server shows it."""
    certificate, key = make_certificate(tmp_path)
    fill(system_store, certificate, others=100)
    with https_server(certificate, key) as url:
        assert tls_context.__wrapped__().cert_store_stats()["x509"] == 0
        assert trusted(url)


@pytest.mark.parametrize("others", [3, None])
def test_certifi_where_the_system_has_no_store(tmp_path: Path, system_store: Path, others: int | None) -> None:
    """A folder with a few certificates is not the world's, nor is one that is missing: then certifi's count."""
    certificate, key = make_certificate(tmp_path)
    if others is None:
        system_store.rmdir()
    else:
        fill(system_store, certificate, others)
    with https_server(certificate, key) as url:
        assert tls_context.__wrapped__().cert_store_stats()["x509_ca"] > 50
        assert not trusted(url)


def test_the_environment_comes_before_the_system(
    tmp_path: Path, system_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SSL_CERT_FILE only the certificates of that file are trusted."""
    certificate, key = make_certificate(tmp_path)
    fill(system_store, certificate, others=100)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(other)[0]))
    with https_server(certificate, key) as url:
        assert not trusted(url)


@pytest.mark.real
def test_certificate_of_ones_own(tmp_path: Path, sandbox: SandboxClient) -> None:
    """As the page says: with SSL_CERT_FILE the daemon trusts it, without it `scrobbler doctor` names the reason."""
    certificate, key = make_certificate(tmp_path)
    with https_server(certificate, key) as url:
        config = {
            "accounts": {"alice": {}},
            "sources": {"attic": {"type": "jellyfin", "url": url, "api_key": KEY, "users": {"a": "alice"}}},
        }
        daemon = DaemonProcess(tmp_path, config, sandbox)
        said = daemon.run("doctor").stdout
        assert "certificate is not trusted" in said
        assert "SSL_CERT_FILE" in said
        daemon.environment["SSL_CERT_FILE"] = str(certificate)
        said = daemon.run("doctor").stdout
    assert "not trusted" not in said
    assert "but not as a Jellyfin server" in said
    assert KEY not in said
