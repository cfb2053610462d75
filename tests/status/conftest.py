"""A world of plays for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.status.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give an empty store, closed afterwards."""
    found = await open_world(tmp_path / "scrobbler.db")
    yield found
    await found.database.close()
