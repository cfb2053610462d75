"""Everything here runs on virtual time."""

from tests.faults.conftest import anyio_backend

__all__ = ["anyio_backend"]
