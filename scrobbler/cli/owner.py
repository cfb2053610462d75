"""Changes to the store while no daemon runs: the command owns the state directory meanwhile (contract.md 1.3)."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scrobbler.control.lock import StateLock
from scrobbler.store.database import FILE_NAME, Connection, Database

Result = TypeVar("Result")


def change(state_dir: Path, work: Callable[[Connection], Result]) -> Result:
    """Take the lock and run one transaction. Raises StateDirError, LockHeldError or StorageError."""
    with StateLock(state_dir):
        return asyncio.run(_change(state_dir / FILE_NAME, work))


async def _change(path: Path, work: Callable[[Connection], Result]) -> Result:
    database = Database(path)
    try:
        await database.open()
        return await database.write(work)
    finally:
        await database.close()
