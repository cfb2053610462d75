"""`scrobbler config`: the configuration as it counts, secrets masked."""

import os
from pathlib import Path

import click

from scrobbler.cli.common import config_option


@click.command("config")
@config_option
def command(config_file: Path | None) -> None:
    """Show the configuration as it counts, with all defaults; secrets are masked.

    The output is YAML; its first line names the file that it comes from.
    """
    from scrobbler.config.effective import effective_yaml
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file
    from scrobbler.sources.registry import kinds

    loaded = load_file(find_file(config_file, os.environ), os.environ, kinds())
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(effective_yaml(loaded, os.environ), nl=False)
