"""`scrobbler check`: every error of the configuration at once."""

import os
from pathlib import Path

import click

from scrobbler.cli.common import config_option


@click.command("check")
@config_option
def command(config_file: Path | None) -> None:
    """Check the configuration and say everything that is wrong with it.

    Each problem is one line: file:line:column: setting: what is wrong, what is allowed. The exit code is 0 when the
    configuration is good and 2 when it is not.
    """
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file
    from scrobbler.sources.registry import kinds

    loaded = load_file(find_file(config_file, os.environ), os.environ, kinds())
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    accounts, sources = len(loaded.config.accounts), len(loaded.config.sources)
    click.echo(f"{loaded.file} is good: {_count(accounts, 'account')}, {_count(sources, 'source')}")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
