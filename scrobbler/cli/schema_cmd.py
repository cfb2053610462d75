"""`scrobbler schema`: the JSON Schema of the configuration."""

import json
from pathlib import Path

import click

from scrobbler.cli.common import config_option


@click.command("schema")
@config_option
def command(config_file: Path | None) -> None:
    """Print the JSON Schema of the configuration, with all source types that are installed.

    It needs no configuration. An editor that knows it completes and checks the file: see docs/configuration.md.
    """
    from scrobbler.config.schema import json_schema
    from scrobbler.sources.registry import kinds

    del config_file  # Every command takes it (contract.md 1.6).
    click.echo(json.dumps(json_schema(kinds()), indent=2, ensure_ascii=False))
