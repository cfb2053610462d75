"""What Linux tells of the process behind a socket."""

import os
from pathlib import Path


def folder_of(pid: int, told: str) -> str:
    """Return the working directory of a process, as `told` if that is the same folder.

    mpv repeats $PWD, which is wrong where a program started it elsewhere than where it was itself; but a path through a
    symbolic link, as $PWD has it, is the one that people write into their filters.
    """
    try:
        real = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 (may hold any bytes)
    except OSError:  # not Linux, or not our process
        return told
    try:
        return told if os.path.samefile(told, real) else real  # noqa: PTH121
    except OSError:
        return real


def alive(pid: int) -> bool:
    """Tell whether a process is known to live on; where the system does not tell, it is not."""
    if pid <= 0:
        return False
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] not in ("Z", "X", "x")
