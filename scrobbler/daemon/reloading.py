"""Takes a changed configuration over while the daemon runs; an invalid one is reported and changes nothing (contract.md 1.4)."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from scrobbler.clock import wait_for_either
from scrobbler.config.changes import diff
from scrobbler.config.loader import Loaded, load_file
from scrobbler.config.problems import ConfigError
from scrobbler.daemon import logs
from scrobbler.daemon.source_set import rules_of
from scrobbler.intake.users import accounts_of
from scrobbler.sources.registry import kinds

if TYPE_CHECKING:
    from scrobbler.daemon.app import Daemon

log = structlog.get_logger("configuration")

LOOK_S = 5.0


class Reloader:
    """Notices a change of the file or of a secret file, or is asked by SIGHUP."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._asked = asyncio.Event()
        self._stamps = _stamps(daemon.loaded)
        self._said: tuple[str, ...] = ()
        self.problem = ""

    def ask(self) -> None:
        """Read the file again even if it looks unchanged."""
        self._asked.set()

    async def run(self) -> None:
        """Watch until cancelled. A look every few seconds reaches network shares and bind mounts, where inotify does not."""
        while True:
            await wait_for_either(self._daemon.clock, self._asked, LOOK_S)
            stamps = _stamps(self._daemon.loaded)
            # What is wrong may be a file that the last good configuration did not name: look again until it is right.
            if self._asked.is_set() or stamps != self._stamps or self.problem:
                if self._asked.is_set():
                    self._said = ()
                self._asked.clear()
                self._stamps = stamps
                await self.reload()

    async def reload(self) -> None:
        """Read the file again, and take it over if it is good."""
        daemon = self._daemon
        try:
            loaded = load_file(daemon.loaded.file, os.environ, kinds(), sandbox=bool(daemon.sandbox_url))
        except ConfigError as error:
            self.problem = "the changed configuration is not valid and was not taken over; `scrobbler check` says why"
            said = tuple(str(problem) for problem in error.problems)
            if said != self._said:
                for problem in said:
                    log.warning("configuration not taken over", problem=problem)
            self._said = said
            return
        self.problem, self._said = "", ()
        if daemon.sandbox_url:
            simkl = replace(loaded.config.simkl, api_url=daemon.sandbox_url)
            loaded = replace(loaded, config=replace(loaded.config, simkl=simkl))
        await self._take_over(loaded)

    async def _take_over(self, loaded: Loaded) -> None:
        daemon = self._daemon
        changes = diff(daemon.config, loaded.config)
        if not changes:
            log.info("configuration unchanged")
            return
        # What needs a restart stays as it is until then, so that nothing runs half old, half new. A source of somebody whose
        # account does not run yet would take plays and record them for nobody.
        keep = daemon.config
        early = [
            name for name, options in loaded.config.sources.items() if not accounts_of(options) <= keep.accounts.keys()
        ]
        for path in (*changes.daemon, *(f"sources.{name}" for name in early)):
            log.warning("counts after a restart", key=path)
        merged = replace(
            loaded.config,
            simkl=keep.simkl,
            accounts={name: loaded.config.accounts.get(name, account) for name, account in keep.accounts.items()},
            http=replace(loaded.config.http, listen=keep.http.listen),
            state_dir=keep.state_dir,
            sources={
                name: keep.sources[name] if name in early else options
                for name, options in loaded.config.sources.items()
                if name not in early or name in keep.sources
            },
        )
        changes = diff(keep, merged)
        daemon.loaded = replace(loaded, config=merged)
        self._stamps = _stamps(daemon.loaded)
        logs.set_level(merged.log.level)
        rules = rules_of(merged)
        daemon.sources.new_rules(rules)
        for name in (*changes.removed, *changes.restarted):
            await daemon.supervisor.dismiss(f"source {name}")
            daemon.sources.remove(name)
        for name in (*changes.added, *changes.restarted):
            daemon.sources.add(name, merged.sources[name], rules)
            daemon.sources.serve(daemon.supervisor, name)
        log.info("configuration taken over", live=list(changes.live), sources=[*changes.added, *changes.restarted])


def _stamps(loaded: Loaded) -> tuple[tuple[int, int, int], ...]:
    return tuple(_stamp(path) for path in (loaded.file, *loaded.secret_files))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)
