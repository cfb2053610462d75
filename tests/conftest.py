"""Fixtures that every suite shares."""

import pytest

collect_ignore = ["stranger"]
"""Another project, with tests of its own: tests/packaging/test_stranger.py runs them where it is installed."""


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the daemon does."""
    return "asyncio"
