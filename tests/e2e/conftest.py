"""A sandbox and a daemon for each test, or for the many tests of one file."""

import pytest

from tests.e2e.players import Clips
from tests.kit.simkl_sandbox import sandbox

__all__ = ["sandbox"]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Make each clip of the session once."""
    return Clips(tmp_path_factory.mktemp("clips"))
