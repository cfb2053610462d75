"""Everything here runs on virtual time."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.virtual import VirtualLoop


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], Any]]]:
    """Run asynchronous tests on a loop whose time is virtual."""
    return "asyncio", {"loop_factory": VirtualLoop}
