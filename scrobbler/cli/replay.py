"""`scrobbler replay`: what would be sent for recorded events."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scrobbler.intake.intake import Rules


@click.command("replay", help="Feed a recorded event file through a throw-away daemon and print what would be sent.")
@click.argument("recording", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-c", "--config", "file", type=click.Path(path_type=Path), help="Take accounts and filters from here.")
@click.option("--account", "accounts", multiple=True, help="Who watches; may be given twice. Left out: everybody.")
def command(recording: Path, file: Path | None, accounts: tuple[str, ...]) -> None:
    """Replay a file; nothing is kept and nothing is sent."""
    # `--help` must stay quick.
    from scrobbler.api import HookPlugin, HookRequest, UnreadableError, UnsupportedTypeError
    from scrobbler.config.models import Log
    from scrobbler.daemon import logs
    from scrobbler.daemon.replaying import Recording, replay
    from scrobbler.sources.registry import installed

    logs.configure(Log(level="error"))
    found = installed().get("events")
    if found is None or found.plugin is None or not issubclass(found.plugin, HookPlugin):
        raise click.ClickException("the plugin `events`, which reads recordings, is not installed")
    try:
        body = recording.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{recording}: cannot be read ({error.strerror})") from None
    rules = _rules(file)
    unknown = [name for name in accounts if name not in rules.accounts]
    if unknown:
        raise click.UsageError(f"there is no account {unknown[0]}; accounts are {', '.join(rules.accounts)}")
    options = found.plugin.Options(type="events", account=list(accounts or rules.accounts))
    plugin = found.plugin.__new__(found.plugin)
    try:
        events = plugin.parse(HookRequest(body=body))
    except (UnreadableError, UnsupportedTypeError) as error:
        raise click.ClickException(f"{recording}: {error}") from None
    what = Recording(events=events, options=options, traits=found.plugin.traits, rules=rules)
    plays = asyncio.run(replay(what, time.time_ns() // 1_000_000, click.echo))
    click.echo("")
    for play in reversed(plays):
        click.echo(f"{play.id}  {play.account}: {play.title}: {play.outcome}")
    if not plays:
        click.echo("no play in there counts")
    sys.exit(0)


def _rules(file: Path | None) -> "Rules":
    """Take the rules from the configuration where there is one, else one account called `me`."""
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file
    from scrobbler.config.problems import ConfigError
    from scrobbler.daemon.source_set import rules_of
    from scrobbler.intake.intake import Rules
    from scrobbler.plays.model import AccountPolicy
    from scrobbler.sources.registry import kinds

    try:
        path = find_file(file, os.environ)
    except ConfigError as error:
        if file is not None:
            click.echo(str(error), err=True)
            sys.exit(2)
        return Rules(accounts={"me": AccountPolicy(account="me")})
    try:
        return rules_of(load_file(path, os.environ, kinds()).config)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
