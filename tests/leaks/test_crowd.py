"""Progress events cost neither memory nor the disk: only edges and checkpoints are written."""

from pathlib import Path

import pytest

from scrobbler.engine.engine import CHECKPOINT_MS
from tests.leaks.crowd import SESSIONS, Crowd

pytestmark = pytest.mark.anyio

SECONDS = 20 * 60
"""`bench/backlog.py` plays 24 hours."""

EDGE_WRITES = 6
"""A film that begins costs so many transactions at most: the one before it ends, it opens, it is identified."""

GROWTH_KIB = 2048


async def test_ticks_are_not_written_and_leave_nothing_behind(tmp_path: Path) -> None:
    """Twenty sessions, one event a second each: transactions on edges and every ten seconds alone, and flat memory."""
    found = await Crowd(tmp_path).watch(SECONDS)
    assert found.events == SECONDS * SESSIONS
    checkpoints = SECONDS * 1000 // CHECKPOINT_MS
    assert found.writes <= checkpoints + found.films * EDGE_WRITES + 2
    assert found.grown_kib < GROWTH_KIB
