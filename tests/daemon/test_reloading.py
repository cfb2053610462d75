"""A changed configuration is taken over, an invalid one is not; what plays goes on."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest
from structlog.testing import capture_logs

from scrobbler.api import Movie, PlayerEvent
from scrobbler.config.loader import load_file
from scrobbler.daemon.reloading import LOOK_S, Reloader
from scrobbler.daemon.source_set import SourceSet, rules_of
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.engine.engine import Engine
from scrobbler.plays.model import Heard
from scrobbler.sources.registry import kinds
from scrobbler.sources.source import Ports
from scrobbler.store.database import FILE_NAME, Database
from tests.kit.virtual import VirtualClock, open_inline, run_down

if TYPE_CHECKING:
    from scrobbler.daemon.app import Daemon

pytestmark = pytest.mark.anyio

CONFIG = """
simkl: {{client_id: abc}}
watched_percent: {percent}
accounts: {{alice: {{}}, bob: {{}}}}
sources:
  scripts: {{type: events, account: {account}, secret_file: {secret_file}}}
  room: {{type: mpv, account: alice, sockets: ["{folder}/*.sock"]}}
"""


class Rig:
    """As much of a daemon as the reloader sees, around a real configuration file."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.file = folder / "config.yaml"
        self.secret_file = folder / "secret"
        self.secret_file.write_text("first-secret-0123456789")
        self.secret_file.chmod(0o600)
        self.write()
        self.clock = VirtualClock()
        self.loaded = load_file(self.file, os.environ, kinds())
        self.sandbox_url = ""
        self.heard: list[Heard] = []
        self.memory: dict[str, str] = {}
        self.engine = Engine(database, self.clock, "boot")
        ports = Ports(
            clock=self.clock,
            random=Random(1),
            http=cast("Any", None),
            hear=self._hear,
            hidden=frozenset,
            recall=self._recall,
            remember=self._remember,
        )
        self.sources = SourceSet(folder, ports)
        self.supervisor = Supervisor(self.clock)
        for name, options in self.config.sources.items():
            self.sources.add(name, options, rules_of(self.config))
        self.reloader = Reloader(cast("Daemon", self))

    @property
    def config(self) -> Any:
        return self.loaded.config

    def write(self, **values: Any) -> None:
        """Write the configuration anew."""
        given = {"percent": 80, "account": "alice", "secret_file": self.secret_file, "folder": self.folder, **values}
        self.file.write_text(CONFIG.format(**given))
        self.file.chmod(0o600)

    async def look(self) -> None:
        """Let the reloader look once."""
        await self.clock.advance(LOOK_S + 0.1)

    async def play(self, kind: Any = "play", position_ms: int = 0) -> None:
        """Let a script report a film."""
        event = PlayerEvent(
            kind=kind,
            player="tv",
            item_key="1",
            item=Movie(title="Sintel"),
            position_ms=position_ms,
            duration_ms=6_000_000,
        )
        await self.sources.take("scripts", [event])

    async def _recall(self, key: str) -> str | None:
        return self.memory.get(key)

    async def _remember(self, key: str, value: str) -> None:
        self.memory[key] = value

    async def _hear(self, heard: Heard) -> None:
        self.heard.append(heard)
        await self.engine.hear(heard)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A running reloader."""
    database = await open_inline(tmp_path / FILE_NAME)
    made = Rig(tmp_path, database)
    await made.engine.open()
    end = asyncio.Event()
    runner = asyncio.ensure_future(made.supervisor.run(end))
    await run_down()
    made.supervisor.serve("configuration", made.reloader.run)
    made.sources.serve(made.supervisor, "room")
    await run_down()
    yield made
    end.set()
    await runner
    await database.close()


async def test_a_live_change_counts_at_once(rig: Rig) -> None:
    """A new percentage holds for the next event, and no source is started again."""
    source = rig.sources.get("scripts")
    rig.write(percent=60)
    await rig.look()
    await rig.play()
    assert rig.heard[-1].accounts[0].movie_percent == 60
    assert rig.sources.get("scripts") is source
    assert rig.reloader.problem == ""


async def test_a_bad_file_keeps_what_was(rig: Rig) -> None:
    """Every problem is said once, the running configuration stays, and the good file ends the fault."""
    running = rig.loaded
    rig.write(percent=300, account="carol")
    with capture_logs() as said:
        for _ in range(4):
            await rig.look()
    problems = [str(one["problem"]) for one in said if one["event"] == "configuration not taken over"]
    assert len(problems) == len(set(problems)) == 2
    assert any("config.yaml:3" in one for one in problems)
    assert rig.loaded is running
    assert "scrobbler check" in rig.reloader.problem
    await rig.play()
    assert rig.heard[-1].accounts[0].movie_percent == 80
    rig.write(percent=70)
    await rig.look()
    assert rig.reloader.problem == ""
    assert rig.config.watched_percent == 70


async def test_a_missing_file_keeps_what_was(rig: Rig) -> None:
    """An editor that removes and writes anew, or a lost mount, changes nothing meanwhile."""
    text = rig.file.read_text()
    rig.file.unlink()
    await rig.look()
    assert rig.reloader.problem
    rig.file.write_text(text)
    await rig.look()
    assert rig.reloader.problem == ""


async def test_a_secret_file_that_comes_later(rig: Rig) -> None:
    """The file was invalid for want of a secret; when that is there, nobody needs to touch the file again."""
    later = rig.folder / "later"
    rig.write(secret_file=later)
    await rig.look()
    assert rig.reloader.problem
    later.write_text("later-secret-0123456789")
    later.chmod(0o600)
    await rig.look()
    assert rig.reloader.problem == ""
    assert rig.sources.secrets("scripts") == ("later-secret-0123456789",)


async def test_a_changed_secret_file_is_noticed(rig: Rig) -> None:
    """A secret that changes in its own file counts within seconds."""
    assert rig.sources.secrets("scripts") == ("first-secret-0123456789",)
    rig.secret_file.write_text("second-secret-012345678")
    await rig.look()
    assert rig.sources.secrets("scripts") == ("second-secret-012345678",)


async def test_plays_go_on_when_their_source_starts_again(rig: Rig) -> None:
    """docs/configuration.md: a source that restarts loses no play: the next event continues it."""
    await rig.play()
    before = rig.sources.get("scripts")
    rig.secret_file.write_text("second-secret-012345678")
    await rig.look()
    assert rig.sources.get("scripts") is not before
    await rig.play("progress", 600_000)
    (session,) = rig.engine.state.sessions.values()
    assert (session.phase.mode, session.position.ms) == ("playing", 600_000)
    (play,) = rig.engine.state.plays.values()
    assert play.open


async def test_another_source_is_not_disturbed(rig: Rig) -> None:
    """Only what changed starts again."""
    room = rig.sources.get("room")
    tasks = dict(rig.supervisor._services)
    rig.secret_file.write_text("second-secret-012345678")
    await rig.look()
    assert rig.sources.get("room") is room
    assert rig.supervisor._services["source room"] is tasks["source room"]


async def test_a_source_that_is_gone(rig: Rig) -> None:
    """A source taken out of the file ends with its service; one put back begins."""
    text = rig.file.read_text()
    rig.file.write_text("\n".join(line for line in text.splitlines() if "room:" not in line))
    await rig.look()
    assert rig.sources.get("room") is None
    assert "source room" not in rig.supervisor._services
    rig.file.write_text(text)
    await rig.look()
    assert rig.sources.get("room") is not None
    assert "source room" in rig.supervisor._services


async def test_what_needs_a_restart_is_said_and_waits(rig: Rig) -> None:
    """A new account counts after a restart; a source that is the new account's stays what it was, or away, until then."""
    text = CONFIG.replace("bob: {{}}", "bob: {{}}, carol: {{}}").format(
        percent=80, account="carol", secret_file=rig.secret_file, folder=rig.folder
    )
    rig.file.write_text(f"{text}  attic: {{type: plex, users: {{Bob: bob, Carol: [bob, carol]}}}}\n")
    with capture_logs() as said:
        await rig.look()
    assert [one["key"] for one in said if one["event"] == "counts after a restart"] == [
        "accounts.carol",
        "sources.scripts",
        "sources.attic",
    ]
    assert set(rig.config.accounts) == {"alice", "bob"}
    assert rig.sources.get("attic") is None
    await rig.play()
    assert [one.account for one in rig.heard[-1].accounts] == ["alice"]


async def test_a_signal_reads_the_file_again(rig: Rig) -> None:
    """SIGHUP looks at once, even if nothing seems changed."""
    with capture_logs() as said:
        rig.reloader.ask()
        await run_down()
    assert [one["event"] for one in said] == ["configuration unchanged"]


async def test_a_hook_without_a_secret_disturbs_no_other(rig: Rig) -> None:
    """Where a secret can be neither read nor kept, that one source has no hook and says why; the next ones are made."""
    (rig.folder / "secrets.json").write_text("{")
    rig.file.write_text(
        f"{rig.file.read_text()}  posted: {{type: events, account: alice}}\n"
        f'  sofa: {{type: mpv, account: alice, sockets: ["{rig.folder}/sofa/*"]}}\n'
    )
    await rig.look()
    assert rig.sources.get("sofa") is not None
    (posted,) = [one for one in rig.sources.health() if one.name == "posted"]
    assert (posted.state, "secrets.json is damaged" in posted.problem) == ("self-check failed", True)
    assert rig.sources.source("posted") is None
