"""`scrobbler run`: the daemon."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scrobbler.daemon.app import Daemon


_SAMPLE = (
    '[{"kind":"play","player":"tv","item_key":"1","item":{"type":"movie","title":"Sintel","year":2010},'
    '"position_ms":0,"duration_ms":888000},'
    '{"kind":"watched","player":"tv","item_key":"1"},'
    '{"kind":"stop","player":"tv","item_key":"1","position_ms":860000}]'
)
"""A film that a server counts as watched: what `curl` posts."""


@click.command("run", help="Run the daemon.")
@click.option("-c", "--config", "file", type=click.Path(path_type=Path), help="The configuration file.")
@click.option("--sandbox", is_flag=True, help="Use the built-in stand-in for Simkl, with every account linked already.")
def command(file: Path | None, *, sandbox: bool) -> None:
    """Run the daemon until SIGTERM."""
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file
    from scrobbler.daemon import logs
    from scrobbler.sources.registry import kinds

    loaded = load_file(find_file(file, os.environ), os.environ, kinds(), sandbox=sandbox)
    logs.configure(loaded.config.log)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)

    from scrobbler.daemon.app import Daemon
    from scrobbler.daemon.signals import signals

    async def main() -> None:
        daemon = Daemon(loaded, os.environ, sandbox=sandbox, started=_greet)
        async with signals(daemon):
            await daemon.run()

    # What it refuses to start with comes out in a group of its tasks; `exit_codes.explain` takes it apart.
    asyncio.run(main())


def _greet(daemon: "Daemon") -> None:
    """Say what runs where, and in the sandbox what to try."""
    import structlog

    host, port = daemon.server.addresses[0]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    structlog.get_logger("daemon").info(
        "ready",
        status=f"{address}/",
        sources=[one.name for one in daemon.sources],
        accounts=list(daemon.config.accounts),
    )
    if daemon.sandbox_url:
        click.echo(_hints(daemon, address))


def _hints(daemon: "Daemon", address: str) -> str:
    lines = [
        "",
        f"Status page         {address}/",
        f"What reached Simkl  {daemon.sandbox_url}/",
        "",
        "Try, in another terminal:",
    ]
    events = next((one for one in daemon.sources if one.options.type == "events"), None)
    if events is not None:
        secret = daemon.sources.secrets(events.name)[0]
        lines.append(f"  curl -d '{_SAMPLE}' {address}/hooks/{events.name}/{secret}")
    mpv = next((one for one in daemon.sources if one.options.type == "mpv"), None)
    if mpv is not None:
        sockets: Sequence[str] = getattr(mpv.options, "sockets", ())
        socket = next(iter(sockets), "~/.local/state/mpv/*.sock").replace("*", "try")
        folder = socket.rpartition("/")[0]
        lines.append(f"  mkdir -p {folder} && mpv --input-ipc-server={socket} 'Any Film of Yours (2008).mkv'")
    scrobbler = Path(sys.argv[0])
    lines += [f"  {scrobbler} history -c {daemon.loaded.file}", f"  {scrobbler} why p1 -c {daemon.loaded.file}", ""]
    return "\n".join(lines)
