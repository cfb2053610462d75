"""A log source on a real folder, with real tidings from the disk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrobbler.api import BriefMemory
from scrobbler.api.testkit import Recorder
from scrobbler.clock import Clock, SystemClock
from scrobbler_plugins.logfile import Plugin
from scrobbler_plugins.logfile.options import Options

PATTERN = r"^(?:\[(?P<time>[^\]]*)\] )?(?P<event>\w+) (?P<file>\S+)(?: (?P<position>[\d:.]+)/(?P<duration>[\d:.]+))?$"


class AccountPolicy:
    """One run of the source after the other, with one memory."""

    def __init__(self, *paths: Path | str, clock: Clock | None = None, **options: Any) -> None:
        self.memory = BriefMemory()
        self.clock = clock or SystemClock()
        given = {"pattern": PATTERN, "timezone": "UTC", **options}
        if "format" in options:
            del given["pattern"]
        names = [str(path) for path in paths]
        self.options = Options(type="logfile", account="alice", path=names if len(names) > 1 else names[0], **given)
        self.recorder = Recorder("log", clock=self.clock, memory=self.memory)

    def start(self) -> Plugin:
        """Make the source anew, as a start of the daemon does."""
        self.recorder = Recorder("log", clock=self.clock, memory=self.memory)
        return Plugin(self.options, self.recorder.context)


def stamp(clock: Clock, minutes_ago: float = 0) -> str:
    """Write a time as the pattern of these tests reads it, in UTC."""
    moment = datetime.fromtimestamp(clock.now().utc_ms / 1000 - minutes_ago * 60, UTC)
    return f"[{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}]"
