"""What is answered to options of Kodi that cannot be."""

import pytest

from scrobbler.config.loader import load_text
from scrobbler.config.problems import ConfigError
from scrobbler.sources.registry import kinds
from tests.config.support import BASE, SECRET


def refused(options: str) -> str:
    """Return what is said of a source with these options."""
    text = f"{BASE}sources: {{tv: {{type: kodi, account: alice, {options}}}}}\n"
    with pytest.raises(ConfigError) as caught:
        load_text(text, file_name="c.yaml", env={"HOME": "/home/me"}, source_models=kinds())
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith("c.yaml:3:")
    return problem


@pytest.mark.parametrize("url", ["http://kodi:8080", "kodi", "kodi://me:secret@box"])
def test_an_address_that_cannot_be(url: str) -> None:
    """The answer names what an address of Kodi begins with, in words."""
    problem = refused(f'url: "{url}"')
    assert problem.endswith(
        "it must begin with kodi://, ws://, wss:// or tcp://, without a user or a password in it"
    ), problem


@pytest.mark.parametrize("url", ["kodi://box:99999", "ws://box:abc", "tcp://[::1"])
def test_a_port_that_cannot_be(url: str) -> None:
    """A mistyped port is told before anything is tried."""
    assert "it must name a host behind ://, and a port, if any, from 1 to 65535" in refused(f'url: "{url}"')


def test_a_profile_without_an_address() -> None:
    """The add-on does not say which profile is in use: a source that only hears it would count what everybody watches."""
    assert "`profile` needs `url`" in refused(f"profile: Alice, secret: {SECRET}")
