"""Fixtures that every suite shares."""

import pytest
from hypothesis import HealthCheck, settings

collect_ignore = ["stranger"]
"""Another project, with tests of its own: tests/packaging/test_stranger.py runs them where it is installed."""

# A machine that is busy with real players may stop any example for longer than the 200 ms that it has by default.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the daemon does."""
    return "asyncio"
