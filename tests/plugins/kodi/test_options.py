"""What is answered to an address of Kodi that can tell nothing by itself."""

import pytest

from scrobbler.config.loader import load_text
from scrobbler.config.problems import ConfigError
from scrobbler.sources.registry import kinds
from tests.config.support import BASE


@pytest.mark.parametrize("url", ["http://kodi:8080", "kodi", "kodi://me:secret@box"])
def test_an_address_that_cannot_be(url: str) -> None:
    """The answer names what an address of Kodi begins with, in words."""
    text = f'{BASE}sources: {{tv: {{type: kodi, account: alice, url: "{url}"}}}}\n'
    with pytest.raises(ConfigError) as caught:
        load_text(text, file_name="c.yaml", env={"HOME": "/home/me"}, source_models=kinds())
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith("c.yaml:3:")
    assert problem.endswith(
        "it must begin with kodi://, ws://, wss:// or tcp://, without a user or a password in it"
    ), problem
